/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Typed pointers, followed breadth first. Globals come before locals, whose words may be stale, and what a
 * pointer says clearly before what it may be taken for. A chunk that has a type is not looked at again unless
 * a path says something surer of it; where two say different things equally surely, neither is sure.
 */
#include "heapwalk/types/path.h"

/* In program->of_chunk: two paths disagreed, nothing more is changed. */
#define DISPUTED 0x80000000u

static bool is_ours(const struct hw_chunk_type *answer)
{
	return answer->evidence == HW_EVIDENCE_PATH || answer->evidence == HW_EVIDENCE_CONTAINER_OF;
}

static bool has_substance(const struct hw_type *type)
{
	return type->size && !type->is_incomplete && type->kind != HW_TYPE_VOID &&
	       type->kind != HW_TYPE_FUNCTION && type->kind != HW_TYPE_OTHER;
}

static bool is_clear(const struct hw_program *program, const struct hw_claim *claim)
{
	uint8_t kind = program->types->types[claim->type].kind;

	return !claim->offset && !claim->is_alternative && (kind != HW_TYPE_BASE && kind != HW_TYPE_ENUM);
}

/*
 * begin, end and end of storage of one array, as every vector has them, one behind the other. Returns how
 * many pointers that were.
 */
static size_t find_bounds(const struct hw_checker *checker, size_t first, struct hw_claim *claim)
{
	const struct hw_pointee *at = &checker->pointees[first];
	unsigned word_size = checker->heap->word_size;
	size_t count = 1;

	while (first + count < checker->pointee_count && count < 3 && at[count].chunk == at->chunk &&
		at[count].target == at->target && at[count].field == at->field + count * word_size &&
		at[count].offset >= at[count - 1].offset)
		count++;
	if (at->offset || count < 3 || !at[2].offset)
		return 1;
	claim->used = at[1].offset;
	claim->whole = at[2].offset;
	return 3;
}

/* What a typed chunk's own type says already is not said again. */
static bool is_news(const struct hw_program *program, const struct hw_pointee *pointee)
{
	uint32_t known = program->of_chunk[pointee->chunk];

	if (!known)
		return true;
	return known != pointee->target && !(known & DISPUTED) && !pointee->offset;
}

bool hw_paths_claim(struct hw_paths *paths, uint32_t from)
{
	struct hw_program *program = paths->program;
	struct hw_checker *checker = &program->checker;

	for (size_t i = 0; i < checker->pointee_count;) {
		const struct hw_pointee *pointee = &checker->pointees[i];
		struct hw_claim claim = { .type = pointee->target,
			.from = from,
			.offset = (uint32_t)pointee->offset,
			.is_alternative = pointee->is_alternative };
		struct hw_claims *claims;

		i += find_bounds(checker, i, &claim);
		if (pointee->chunk == from || pointee->offset > UINT32_MAX || !is_news(program, pointee) ||
			!has_substance(&program->types->types[pointee->target]))
			continue;
		claims = is_clear(program, &claim) ? &paths->clear : &paths->unclear;
		if (!hw_claims_add(claims, pointee->chunk, &claim))
			return false;
	}
	return !checker->failed;
}

/* *taken: the reading is to be followed, be it that a surer evidence has named the chunk already. */
static struct hw_error *answer(
	struct hw_paths *paths, uint32_t chunk, const struct hw_reading *reading, uint32_t from, bool *taken)
{
	struct hw_chunk_type *kept = &paths->typer->typing->chunks[chunk];
	struct hw_chunk_type made = {
		.from = from,
		.level = (uint8_t)hw_min((uint8_t)reading->level, paths->most),
		.evidence = (uint8_t)reading->evidence,
		.fit = (uint8_t)reading->fit,
		.percent = reading->percent,
	};
	struct hw_error *error = hw_program_intern(paths->program, reading->type, &made.type);

	if (error)
		return error;
	if (made.level == HW_LEVEL_GUESS && !made.percent)
		made.percent = paths->percent;
	/* A path names a container's node with what is in it. */
	if (is_ours(kept) || (kept->evidence == HW_EVIDENCE_CONTAINER && made.level >= kept->level)) {
		made.shape = kept->shape;
		*kept = made;
		*taken = true;
	} else {
		*taken = hw_typer_offer(paths->typer, chunk, &made) || kept->evidence == HW_EVIDENCE_VTABLE;
	}
	if (*taken)
		paths->program->of_chunk[chunk] = reading->type;
	return NULL;
}

/* Whether `part` is how `whole` starts: a base class, a first member, an array's element. */
static bool starts_with(const struct hw_types *types, uint32_t whole, uint32_t part)
{
	for (int depth = 0; depth < 32; depth++) {
		const struct hw_type *type;

		whole = hw_type_strip(types, whole);
		type = &types->types[whole];
		if (whole == part)
			return true;
		if (type->kind == HW_TYPE_ARRAY)
			whole = type->target;
		else if (type->kind == HW_TYPE_STRUCT && type->member_count &&
			 !types->members[type->first_member].offset)
			whole = types->members[type->first_member].type;
		else
			return false;
	}
	return false;
}

/* The reading that the chunk has now. */
static struct hw_reading reading_of(const struct hw_paths *paths, const struct hw_case *case_, uint32_t type)
{
	const struct hw_chunk_type *kept = &paths->typer->typing->chunks[case_->chunk];
	struct hw_reading reading = {
		.type = type,
		.used = case_->usable,
		.level = (enum hw_level)kept->level,
		.evidence = (enum hw_evidence)kept->evidence,
		.fit = (enum hw_fit)kept->fit,
	};
	bool slack = false;

	hw_program_fits(
		paths->program, case_->chunk, case_->usable, paths->program->types->types[type].size, &slack);
	reading.slack = slack;
	return reading;
}

/* Two paths say different things. */
static void dispute(struct hw_paths *paths, uint32_t chunk, uint32_t other)
{
	struct hw_program *program = paths->program;
	struct hw_chunk_type *kept = &paths->typer->typing->chunks[chunk];

	program->facts[program->of_chunk[chunk]].disputed++;
	program->facts[other].disputed++;
	if (is_ours(kept) && kept->level == HW_LEVEL_STRONG)
		kept->level = HW_LEVEL_LIKELY;
	program->of_chunk[chunk] |= DISPUTED;
}

static bool is_surer(const struct hw_reading *a, const struct hw_reading *b)
{
	return a->level > b->level || (a->fit == HW_FIT_EXACT && b->fit != HW_FIT_EXACT);
}

/* False: what the chunk is called so far stays. */
static bool wins(struct hw_paths *paths, const struct hw_case *case_, const struct hw_reading *reading)
{
	const struct hw_types *types = paths->program->types;
	uint32_t known = paths->program->of_chunk[case_->chunk];
	const struct hw_chunk_type *kept = &paths->typer->typing->chunks[case_->chunk];
	struct hw_reading old;

	if (!known)
		return true;
	if (known & DISPUTED || known == reading->type || !is_ours(kept))
		return false;
	old = reading_of(paths, case_, known);
	if (starts_with(types, known, reading->type) || starts_with(types, reading->type, known))
		return hw_reading_is_better(reading, &old);
	if (is_surer(reading, &old))
		return true;
	if (!is_surer(&old, reading))
		dispute(paths, case_->chunk, reading->type);
	return false;
}

static struct hw_error *spread(
	struct hw_paths *paths, const struct hw_case *case_, const struct hw_reading *reading)
{
	struct hw_checker *checker = &paths->program->checker;

	checker->pointee_count = 0;
	checker->collects = true;
	hw_reading_check(paths->program, case_, reading);
	checker->collects = false;
	return hw_paths_claim(paths, case_->chunk) ? NULL : hw_error_no_memory();
}

static struct hw_error *look_at(struct hw_paths *paths, uint32_t chunk, const struct hw_claim *claims,
	unsigned count, bool is_last_resort)
{
	struct hw_case case_ = { .chunk = chunk, .usable = hw_chunk_usable(paths->typer->heap, chunk) };
	struct hw_reading best = { .type = 0 };
	uint32_t from = UINT32_MAX;
	bool taken = false;
	struct hw_error *error;

	case_.bytes = hw_program_view(paths->program, chunk, &case_.size);
	for (unsigned i = 0; case_.bytes && i < count; i++) {
		struct hw_reading reading;

		hw_judge(paths->program, &case_, &claims[i], is_last_resort, &reading);
		if (hw_reading_is_better(&reading, &best)) {
			best = reading;
			from = claims[i].from;
		}
	}
	if (!best.type || !wins(paths, &case_, &best))
		return NULL;
	error = answer(paths, chunk, &best, from, &taken);
	return error || !taken ? error : spread(paths, &case_, &best);
}

struct hw_error *hw_paths_follow(struct hw_paths *paths)
{
	struct hw_claim claims[HW_CLAIM_LIMIT];
	struct hw_error *error = NULL;
	uint32_t chunk;
	unsigned count;

	while (!error) {
		count = hw_claims_take(&paths->clear, &chunk, claims);
		if (count) {
			error = look_at(paths, chunk, claims, count, false);
			continue;
		}
		count = hw_claims_take(&paths->unclear, &chunk, claims);
		if (!count)
			break;
		error = look_at(paths, chunk, claims, count, true);
	}
	return error;
}

/* Whether it is from here that we start. Joint typing starts again from what it found itself. */
static bool is_start(const struct hw_paths *paths, const struct hw_chunk_type *answer)
{
	return paths->most == HW_LEVEL_STRONG ||
	       (answer->evidence == HW_EVIDENCE_JOINT && answer->level == paths->most);
}

/* Chunks that are known already: where their members point to. */
static struct hw_error *start_known(struct hw_paths *paths)
{
	const struct hw_heap *heap = paths->typer->heap;
	const struct hw_typing *typing = paths->typer->typing;
	struct hw_error *error = NULL;

	for (uint32_t i = 0; !error && i < heap->chunks.count; i++) {
		uint32_t type = typing->types[typing->chunks[i].type].catalogue;
		struct hw_case case_ = { .chunk = i };
		struct hw_reading reading = { .type = type, .fit = (enum hw_fit)typing->chunks[i].fit };

		if (!type || !hw_chunk_is_live(heap, i) || !is_start(paths, &typing->chunks[i]))
			continue;
		paths->program->of_chunk[i] = type;
		case_.usable = reading.used = hw_chunk_usable(heap, i);
		case_.bytes = hw_program_view(paths->program, i, &case_.size);
		if (case_.bytes)
			error = spread(paths, &case_, &reading);
	}
	return error;
}

/* What was taken for a T before it turned out that much else starts with a T. */
static void mark_bases(struct hw_paths *paths)
{
	const struct hw_heap *heap = paths->typer->heap;
	const struct hw_typing *typing = paths->typer->typing;

	for (uint32_t i = 0; i < heap->chunks.count; i++) {
		struct hw_chunk_type *kept = &typing->chunks[i];
		uint32_t type = typing->types[kept->type].catalogue;

		if (!type || kept->evidence != HW_EVIDENCE_PATH ||
			!hw_target_is_base(&paths->program->facts[type]))
			continue;
		kept->fit = HW_FIT_DERIVED;
		kept->level = hw_min(kept->level, HW_LEVEL_LIKELY);
	}
}

static struct hw_error *follow_all(struct hw_paths *paths, const struct hw_locals *locals)
{
	struct hw_error *error = hw_paths_apply_hints(paths);

	if (!error)
		error = start_known(paths);
	if (!error)
		error = hw_paths_start_globals(paths);
	if (!error)
		error = hw_paths_follow(paths);
	if (!error)
		error = hw_paths_start_locals(paths, locals);
	if (!error)
		error = hw_paths_follow(paths);
	if (!error)
		mark_bases(paths);
	return error;
}

static struct hw_error *paths_init(struct hw_paths *paths, struct hw_typer *typer, enum hw_level most)
{
	uint32_t count = typer->heap->chunks.count;
	struct hw_error *error;

	*paths = (struct hw_paths){
		.typer = typer, .program = typer->program, .most = (uint8_t)most, .percent = 90
	};
	error = hw_claims_init(&paths->clear, count);
	return error ? error : hw_claims_init(&paths->unclear, count);
}

static void paths_deinit(struct hw_paths *paths)
{
	hw_claims_deinit(&paths->clear);
	hw_claims_deinit(&paths->unclear);
}

struct hw_error *hw_paths_go_on(struct hw_typer *typer, enum hw_level level)
{
	struct hw_paths paths;
	struct hw_error *error = paths_init(&paths, typer, level);

	if (!error)
		error = start_known(&paths);
	if (!error)
		error = hw_paths_follow(&paths);
	if (!error)
		mark_bases(&paths);
	paths_deinit(&paths);
	return error;
}

static struct hw_error *run(struct hw_typer *typer, const struct hw_locals *locals)
{
	struct hw_paths paths;
	struct hw_error *error = paths_init(&paths, typer, HW_LEVEL_STRONG);

	if (!error)
		error = follow_all(&paths, locals);
	paths_deinit(&paths);
	return error;
}

struct hw_error *hw_typer_paths(struct hw_typer *typer)
{
	struct hw_locals locals = { 0 };
	const struct hw_types *types;
	struct hw_error *error = hw_typer_catalogue(typer, &types);

	if (!error && !types && typer->options->hint_count)
		error = hw_error_create(HW_ERROR_NOT_FOUND,
			"--type-hint names types of debug information, and there is none for this process");
	if (error || !types)
		return error;
	error = hw_locals_collect(typer, &locals);
	if (!error)
		error = hw_program_create(typer, types, &typer->program);
	if (!error)
		error = run(typer, &locals);
	hw_locals_deinit(&locals);
	return error;
}
