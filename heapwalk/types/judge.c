/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sizes and fields against what a pointer says. */
#include "heapwalk/types/judge.h"

#define MOST_WORDS 512 /* of an array of numbers that are looked at */

static const struct hw_type *type_of(const struct hw_program *program, uint32_t type)
{
	return &program->types->types[type];
}

static bool is_aggregate(const struct hw_type *type)
{
	return type->kind == HW_TYPE_STRUCT || type->kind == HW_TYPE_UNION;
}

static uint64_t tail_element(const struct hw_program *program, const struct hw_fields *fields)
{
	return fields->tail == UINT64_MAX ? 0 : type_of(program, fields->tail_type)->size;
}

/* Objects one behind the other, in what can be seen of `used` bytes. */
static enum hw_check_result check_row(
	struct hw_program *program, const struct hw_case *case_, uint32_t type, uint64_t start, uint64_t end)
{
	uint64_t size = type_of(program, type)->size;
	enum hw_check_result worst = HW_CHECK_PASSED;

	end = hw_min(end, case_->size);
	for (uint64_t at = start; size && at < end && size <= end - at && worst != HW_CHECK_REFUSED;
		at += size) {
		enum hw_check_result result =
			hw_check_object(&program->checker, type, case_->bytes + at, size, at);

		worst = hw_min(worst, result);
	}
	return worst;
}

enum hw_check_result hw_reading_check(
	struct hw_program *program, const struct hw_case *case_, const struct hw_reading *reading)
{
	const struct hw_fields *fields = hw_fields_of(&program->fields, reading->type);
	uint64_t size = type_of(program, reading->type)->size;
	enum hw_check_result result;

	if (!fields)
		return HW_CHECK_REFUSED;
	if (reading->fit == HW_FIT_ARRAY)
		return check_row(
			program, case_, reading->type, reading->start, reading->start + reading->used);
	result =
		hw_check_object(&program->checker, reading->type, case_->bytes, hw_min(size, case_->size), 0);
	/* What of a tail is in use is not known: odd ones at its end prove nothing. */
	if (reading->fit == HW_FIT_TAIL && tail_element(program, fields) >= program->checker.heap->word_size)
		check_row(program, case_, fields->tail_type, fields->tail, case_->usable);
	return result;
}

/* Settles level and type by looking at the fields. */
static void look(struct hw_program *program, const struct hw_case *case_, struct hw_reading *reading)
{
	switch (hw_reading_check(program, case_, reading)) {
	case HW_CHECK_REFUSED:
		reading->type = 0;
		break;
	case HW_CHECK_ODD:
		reading->level = hw_min(reading->level, HW_LEVEL_LIKELY);
		break;
	default:
		break;
	}
}

/* No word of an array of numbers is a chunk's address. */
static bool is_free_of_pointers(struct hw_program *program, const struct hw_case *case_)
{
	unsigned word_size = program->checker.heap->word_size;
	uint64_t end = hw_min(case_->size, (uint64_t)MOST_WORDS * word_size), offset;
	uint32_t chunk;

	for (uint64_t at = 0; at + word_size <= end; at += word_size) {
		uint64_t word = hw_image_word(program->checker.image, case_->bytes + at);

		if (word && hw_check_chunk_at(&program->checker, word, &chunk, &offset) && !offset)
			return false;
	}
	return true;
}

static void judge_number(struct hw_program *program, const struct hw_case *case_,
	const struct hw_claim *claim, struct hw_reading *reading)
{
	uint64_t size = type_of(program, claim->type)->size;
	enum hw_content content = hw_chunk_content(program->checker.heap, case_->chunk);

	if (!size || size > case_->usable ||
		(size == 1 && (content == HW_CONTENT_STRING || content == HW_CONTENT_WIDE)))
		return;
	if (!is_free_of_pointers(program, case_))
		return;
	*reading = (struct hw_reading){
		.type = claim->type,
		.used = case_->usable,
		.level = HW_LEVEL_LIKELY,
		.evidence = HW_EVIDENCE_PATH,
		.fit = HW_FIT_ARRAY,
	};
}

/* An array of pointers: as many as lead somewhere must be at its start. */
static void judge_pointers(struct hw_program *program, const struct hw_case *case_,
	const struct hw_claim *claim, struct hw_reading *reading)
{
	*reading = (struct hw_reading){
		.type = claim->type,
		.used = claim->whole ? claim->used : case_->usable,
		.level = HW_LEVEL_LIKELY,
		.evidence = HW_EVIDENCE_PATH,
		.fit = HW_FIT_ARRAY,
	};
	look(program, case_, reading);
}

/* begin, end and end of storage say how many there are. */
static bool judge_counted(struct hw_program *program, const struct hw_case *case_,
	const struct hw_claim *claim, struct hw_reading *reading)
{
	uint64_t size = type_of(program, claim->type)->size;
	bool slack;

	if (!claim->whole || !size || claim->whole % size || claim->used % size ||
		claim->used > claim->whole ||
		!hw_program_fits(program, case_->chunk, case_->usable, claim->whole, &slack))
		return false;
	*reading = (struct hw_reading){
		.type = claim->type,
		.used = claim->used,
		.level = HW_LEVEL_STRONG,
		.evidence = HW_EVIDENCE_PATH,
		.fit = HW_FIT_ARRAY,
		.slack = slack,
	};
	look(program, case_, reading);
	return true;
}

/* Candidates for the whole that something is a part of. */
struct search {
	struct hw_program *program;
	const struct hw_case *case_;
	const struct hw_claim *claim;
	uint32_t found;
	bool is_ambiguous;
	bool needs_no_slack;
};

static bool try_whole(uint32_t whole, void *argument)
{
	struct search *search = argument;
	struct hw_program *program = search->program;
	const struct hw_case *case_ = search->case_;
	uint64_t size = type_of(program, whole)->size;
	bool slack;

	if (whole == search->found || whole == search->claim->type ||
		!hw_program_fits(program, case_->chunk, case_->usable, size, &slack) ||
		(slack && search->needs_no_slack) ||
		hw_check_object(&program->checker, whole, case_->bytes, hw_min(size, case_->size), 0) !=
			HW_CHECK_PASSED)
		return true;
	search->is_ambiguous = search->found;
	search->found = whole;
	return !search->is_ambiguous;
}

/* The only type that has a claim->type there and is as large as the chunk; 0: none, or several. */
static uint32_t find_whole(struct hw_program *program, const struct hw_case *case_,
	const struct hw_claim *claim, bool needs_no_slack, bool *is_ambiguous)
{
	struct search search = {
		.program = program, .case_ = case_, .claim = claim, .needs_no_slack = needs_no_slack
	};
	bool collects = program->checker.collects;

	program->checker.collects = false;
	hw_enclosing_each(&program->enclosing, claim->type, claim->offset, try_whole, &search);
	program->checker.collects = collects;
	*is_ambiguous = search.is_ambiguous;
	return search.is_ambiguous ? 0 : search.found;
}

static void judge_whole(struct hw_program *program, const struct hw_case *case_, uint32_t whole,
	enum hw_evidence evidence, struct hw_reading *reading)
{
	*reading = (struct hw_reading){
		.type = whole,
		.used = case_->usable,
		.level = HW_LEVEL_STRONG,
		.evidence = evidence,
		.fit = HW_FIT_EXACT,
	};
	look(program, case_, reading);
}

static bool judge_exact(struct hw_program *program, const struct hw_case *case_, const struct hw_claim *claim,
	struct hw_reading *reading)
{
	uint64_t size = type_of(program, claim->type)->size;
	bool slack, is_ambiguous = false;

	if (!hw_program_fits(program, case_->chunk, case_->usable, size, &slack))
		return false;
	*reading = (struct hw_reading){
		.type = claim->type,
		.used = size,
		.level = HW_LEVEL_STRONG,
		.evidence = HW_EVIDENCE_PATH,
		.fit = HW_FIT_EXACT,
		.slack = slack,
	};
	look(program, case_, reading);
	/* With room to spare it may as well be something that starts with it. */
	if (reading->type && slack &&
		(find_whole(program, case_, claim, true, &is_ambiguous) || is_ambiguous))
		reading->level = hw_min(reading->level, HW_LEVEL_LIKELY);
	return reading->type;
}

static bool judge_tail(struct hw_program *program, const struct hw_case *case_, const struct hw_claim *claim,
	struct hw_reading *reading)
{
	const struct hw_fields *fields = hw_fields_of(&program->fields, claim->type);

	if (!fields || fields->tail == UINT64_MAX || case_->usable <= fields->size)
		return false;
	*reading = (struct hw_reading){
		.type = claim->type,
		.used = case_->usable,
		.level = HW_LEVEL_LIKELY,
		.evidence = HW_EVIDENCE_PATH,
		.fit = HW_FIT_TAIL,
	};
	look(program, case_, reading);
	return reading->type;
}

static bool judge_array(struct hw_program *program, const struct hw_case *case_, const struct hw_claim *claim,
	struct hw_reading *reading)
{
	uint64_t size = type_of(program, claim->type)->size, count = case_->usable / size;
	const struct hw_fields *fields = hw_fields_of(&program->fields, claim->type);
	uint64_t met = program->checker.met;
	bool slack;

	/* Nodes are allocated one by one; what is larger than one is something else that starts with it. */
	if (!fields || fields->is_linked || count < 2 ||
		!hw_program_fits(program, case_->chunk, case_->usable, count * size, &slack))
		return false;
	*reading = (struct hw_reading){
		.type = claim->type,
		.used = count * size,
		.level = HW_LEVEL_LIKELY,
		.evidence = HW_EVIDENCE_PATH,
		.fit = HW_FIT_ARRAY,
		.slack = slack,
	};
	look(program, case_, reading);
	/* Zeros and numbers fit everything. */
	if (reading->type && program->checker.met == met)
		reading->level = HW_LEVEL_GUESS, reading->percent = 60;
	return reading->type;
}

static void note_odd_size(struct hw_target_facts *facts, uint64_t usable)
{
	facts->odd++;
	for (unsigned i = 0; i < facts->odd_count; i++) {
		if (facts->odd_sizes[i] == usable)
			return;
	}
	if (facts->odd_count == hw_array_size(facts->odd_sizes))
		facts->is_base = true;
	else
		facts->odd_sizes[facts->odd_count++] = usable;
}

/* It starts with a T at any rate. */
static void judge_start(struct hw_program *program, const struct hw_case *case_, const struct hw_claim *claim,
	struct hw_reading *reading)
{
	uint64_t met = program->checker.met;

	note_odd_size(&program->facts[claim->type], case_->usable);
	*reading = (struct hw_reading){
		.type = claim->type,
		.used = type_of(program, claim->type)->size,
		.level = HW_LEVEL_LIKELY,
		.evidence = HW_EVIDENCE_PATH,
		.fit = HW_FIT_PREFIX,
	};
	look(program, case_, reading);
	if (reading->type && program->checker.met == met)
		reading->level = HW_LEVEL_GUESS, reading->percent = 60;
}

static void judge_struct(struct hw_program *program, const struct hw_case *case_,
	const struct hw_claim *claim, struct hw_reading *reading)
{
	const struct hw_type *type = type_of(program, claim->type);
	bool is_ambiguous;
	uint32_t whole;

	if (type->is_incomplete || type->size < 2 || type->size > case_->usable)
		return;
	if (judge_counted(program, case_, claim, reading)) {
		return;
	}
	if (judge_exact(program, case_, claim, reading)) {
		program->facts[claim->type].exact++;
		return;
	}
	if (judge_tail(program, case_, claim, reading))
		return;
	whole = find_whole(program, case_, claim, false, &is_ambiguous);
	if (whole) {
		judge_whole(program, case_, whole, HW_EVIDENCE_PATH, reading);
		note_odd_size(&program->facts[claim->type], case_->usable);
	}
	if (reading->type || judge_array(program, case_, claim, reading))
		return;
	judge_start(program, case_, claim, reading);
}

/* new T[n] keeps n before the first one (Itanium C++ ABI, 2.7). */
static bool judge_cookie(struct hw_program *program, const struct hw_case *case_,
	const struct hw_claim *claim, struct hw_reading *reading)
{
	const struct hw_heap *heap = program->checker.heap;
	uint64_t size = type_of(program, claim->type)->size, count, bytes;
	bool slack;

	if ((claim->offset != heap->word_size && claim->offset != 2 * heap->word_size) || !size ||
		case_->size < claim->offset)
		return false;
	count = hw_image_word(heap->snapshot->image, case_->bytes + claim->offset - heap->word_size);
	if (!count || __builtin_mul_overflow(count, size, &bytes) || bytes > case_->usable ||
		!hw_program_fits(program, case_->chunk, case_->usable, claim->offset + bytes, &slack))
		return false;
	*reading = (struct hw_reading){
		.type = claim->type,
		.start = claim->offset,
		.used = bytes,
		.level = HW_LEVEL_STRONG,
		.evidence = HW_EVIDENCE_PATH,
		.fit = HW_FIT_ARRAY,
		.slack = slack,
	};
	look(program, case_, reading);
	return reading->type;
}

static void judge_inside(struct hw_program *program, const struct hw_case *case_,
	const struct hw_claim *claim, struct hw_reading *reading)
{
	bool is_ambiguous;
	uint32_t whole;

	if (!is_aggregate(type_of(program, claim->type)) || judge_cookie(program, case_, claim, reading))
		return;
	whole = find_whole(program, case_, claim, false, &is_ambiguous);
	if (whole)
		judge_whole(program, case_, whole, HW_EVIDENCE_CONTAINER_OF, reading);
}

void hw_judge(struct hw_program *program, const struct hw_case *case_, const struct hw_claim *claim,
	bool is_last_resort, struct hw_reading *reading)
{
	const struct hw_type *type = type_of(program, claim->type);

	*reading = (struct hw_reading){ .type = 0 };
	if (claim->offset) {
		if (is_last_resort)
			judge_inside(program, case_, claim, reading);
	} else if (type->kind == HW_TYPE_POINTER) {
		if (!judge_counted(program, case_, claim, reading))
			judge_pointers(program, case_, claim, reading);
	} else if (is_aggregate(type)) {
		judge_struct(program, case_, claim, reading);
	} else if ((type->kind == HW_TYPE_BASE || type->kind == HW_TYPE_ENUM) &&
		   !judge_counted(program, case_, claim, reading) && is_last_resort) {
		judge_number(program, case_, claim, reading);
	}
	if (claim->is_alternative && reading->fit != HW_FIT_EXACT)
		reading->type = 0;
	else if (claim->is_alternative)
		reading->level = hw_min(reading->level, HW_LEVEL_LIKELY);
}

/* Of equally sure ones what says more: exact sizes before parts and starts. */
static unsigned rank(const struct hw_reading *reading)
{
	static const uint8_t ranks[HW_FITS] = { [HW_FIT_EXACT] = 4,
		[HW_FIT_ARRAY] = 3,
		[HW_FIT_TAIL] = 3,
		[HW_FIT_PREFIX] = 1,
		[HW_FIT_DERIVED] = 1 };

	return reading->type ? reading->level * 16u + ranks[reading->fit] * 2u + !reading->slack : 0;
}

bool hw_reading_is_better(const struct hw_reading *a, const struct hw_reading *b)
{
	return rank(a) > rank(b);
}
