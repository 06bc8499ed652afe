/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Members and types on the way to chunks, against types made by hand and a target made word by word. */
#include "tests/unit/heapwalk/hand_target.h"

/* Types by number; what stands where in them. */
enum { NOTHING, TABLE, BUCKET_POINTER, BUCKET, SESSION, MESSAGE, COUNTER, TYPES };

static const struct hw_named_layout layouts[TYPES] = {
	[TABLE] = { .name = "Table", .size = 32 },
	[BUCKET_POINTER] = { .name = "Bucket *", .size = 8, .is_pointer = true },
	[BUCKET] = { .name = "Bucket", .size = 24 },
	[SESSION] = { .name = "Session", .size = 72 },
	[MESSAGE] = { .name = "Message", .size = 8, .is_open_ended = true },
	[COUNTER] = { .name = "double", .size = 8, .is_number = true },
};

static const struct {
	uint32_t type;
	uint64_t offset;
	struct hw_named_field field;
} fields[] = {
	{ TABLE, 0, { "message", MESSAGE } },
	{ TABLE, 8, { "counters", COUNTER } },
	{ TABLE, 16, { "opaque", NOTHING } },
	{ TABLE, 24, { "buckets", BUCKET_POINTER } },
	{ BUCKET_POINTER, 0, { "", BUCKET } },
	{ BUCKET, 0, { "next", BUCKET } },
	{ BUCKET, 8, { "sessions[0]", SESSION } },
	{ BUCKET, 16, { "sessions[1]", SESSION } },
};

/* One variable at the start of the globals. */
static bool place(void *argument hw_unused, uint64_t address, struct hw_named_place *found)
{
	*found = (struct hw_named_place){ .name = "table", .start = GLOBAL, .size = 32 };
	return address >= GLOBAL && address < GLOBAL + 32;
}

static bool line(void *argument hw_unused, uint64_t address, struct hw_named_line *found)
{
	*found = (struct hw_named_line){ .file = "src/table.c", .line = 41 };
	return address >= GLOBAL && address < GLOBAL + 32;
}

/* `argument`: where debug information says that the variable starts. */
static bool type_at(void *argument, uint64_t address hw_unused, uint32_t *type, uint64_t *start)
{
	*type = TABLE;
	*start = *(uint64_t *)argument;
	return true;
}

static bool layout(void *argument hw_unused, uint32_t type, struct hw_named_layout *found)
{
	*found = layouts[type];
	return found->name;
}

static bool field(void *argument hw_unused, uint32_t type, uint64_t offset, struct hw_named_field *found)
{
	for (size_t i = 0; i < hw_array_size(fields); i++) {
		if (fields[i].type == type && fields[i].offset == offset) {
			*found = fields[i].field;
			return true;
		}
	}
	return false;
}

static uint64_t starts_at;
static struct hw_names names = {
	.argument = &starts_at,
	.place = place,
	.line = line,
	.type_at = type_at,
	.layout = layout,
	.field = field,
};

/* What the place of depth `depth` on the way to the chunk at `user` says. */
static void way_is(
	const struct hw_graph *graph, uint64_t user, uint32_t depth, const char *member, const char *type)
{
	struct hw_selection selection = { .size_low = 0 };
	struct hw_who *who;

	no_error(hw_who_build(graph, &selection, &names, &who));
	for (uint32_t i = 0; i < who->count; i++) {
		const struct hw_who_place *found = &who->places[i];

		if (found->depth != depth || hw_chunk_user(graph->heap, found->example) != user)
			continue;
		ck_assert_pstr_eq(who->texts[found->field], member);
		ck_assert_pstr_eq(who->texts[found->type], type);
		hw_who_destroy(who);
		return;
	}
	ck_abort_msg("no place for %#llx", (unsigned long long)user);
}

/* Variable, array, list, and what hangs on it. */
START_TEST (along_a_way) {
	struct target *target = target_create(8, false);
	uint64_t buckets = chunk(target, HW_CHUNK_LIVE, 80), one = chunk(target, HW_CHUNK_LIVE, 32),
		 two = chunk(target, HW_CHUNK_LIVE, 32), session = chunk(target, HW_CHUNK_LIVE, 80),
		 other = chunk(target, HW_CHUNK_LIVE, 80);
	struct hw_selection selection = { 0 };
	struct hw_graph *graph;
	struct hw_who *who;

	starts_at = GLOBAL;
	poke(target, GLOBAL + 24, buckets);
	poke(target, buckets + 40, one);
	poke(target, one, two);
	poke(target, two + 8, session);
	poke(target, two + 16, other);
	graph = graph_of(target, NULL);
	no_error(hw_who_build(graph, &selection, &names, &who));
	ck_assert_uint_eq(who->count, 4);
	ck_assert_str_eq(who->holders.holders[who->places[0].holder].file, "src/table.c");
	ck_assert_uint_eq(who->holders.holders[who->places[0].holder].line, 41);
	ck_assert_uint_eq(who->places[2].run, 2);
	ck_assert_str_eq(who->texts[who->places[2].next_field], "next");
	ck_assert_uint_eq(who->places[3].chunks, 2);
	ck_assert(who->places[3].several_offsets && !who->places[3].several_fields);
	hw_who_destroy(who);
	way_is(graph, buckets, 1, "buckets", "Bucket *[]");
	way_is(graph, one, 2, "[]", "Bucket");
	way_is(graph, session, 3, "sessions[]", "Session");
	target_destroy(target, graph);
}
END_TEST

/* What size forbids is not said, nor what hangs on it. */
static const struct {
	uint64_t offset; /* in the table */
	uint64_t size;   /* of the chunk there */
	uint64_t into;
	const char *member;
	const char *type;
} misfits[] = {
	{ 0, 32, 0, "message", "Message" },
	{ 0, 4000, 0, "message", "Message" },
	{ 8, 32, 0, "counters", "double[]" },
	{ 8, 4000, 0, "counters", "double[]" },
	{ 8, 4000, 8, "counters", NULL },
	{ 16, 80, 0, "opaque", NULL },
};

START_TEST (sizes) {
	struct target *target = target_create(8, false);
	uint64_t user = chunk(target, HW_CHUNK_LIVE, misfits[_i].size);
	struct hw_graph *graph;

	chunk(target, HW_CHUNK_TOP, 64);
	starts_at = GLOBAL;
	poke(target, GLOBAL + misfits[_i].offset, user + misfits[_i].into);
	graph = graph_of(target, NULL);
	way_is(graph, user, 1, misfits[_i].member, misfits[_i].type);
	target_destroy(target, graph);
}
END_TEST

/* A Session has 72 bytes: chunks of 80, and of 96 where 16 were left over. */
static const struct {
	uint64_t size;
	const char *type;
} sessions[] = { { 64, NULL }, { 80, "Session" }, { 96, "Session" }, { 112, NULL }, { 160, NULL } };

START_TEST (sizes_of_structs) {
	struct target *target = target_create(8, false);
	uint64_t buckets = chunk(target, HW_CHUNK_LIVE, 80), bucket = chunk(target, HW_CHUNK_LIVE, 32),
		 session = chunk(target, HW_CHUNK_LIVE, sessions[_i].size);
	struct hw_graph *graph;

	chunk(target, HW_CHUNK_TOP, 64);
	starts_at = GLOBAL;
	poke(target, GLOBAL + 24, buckets);
	poke(target, buckets, bucket);
	poke(target, bucket + 8, session);
	graph = graph_of(target, NULL);
	way_is(graph, session, 3, "sessions[]", sessions[_i].type);
	target_destroy(target, graph);
}
END_TEST

/* Debug information of another build: its variable does not start where the symbol does. */
START_TEST (other_variable) {
	struct target *target = target_create(8, false);
	uint64_t buckets = chunk(target, HW_CHUNK_LIVE, 80);
	struct hw_graph *graph;

	starts_at = GLOBAL + 8;
	poke(target, GLOBAL + 24, buckets);
	graph = graph_of(target, NULL);
	way_is(graph, buckets, 1, NULL, NULL);
	target_destroy(target, graph);
}
END_TEST

START_TEST (of_retainers) {
	struct target *target = target_create(8, false);
	uint64_t buckets = chunk(target, HW_CHUNK_LIVE, 80);
	struct hw_graph *graph;
	struct hw_retained *retained;

	starts_at = GLOBAL;
	poke(target, GLOBAL + 24, buckets);
	for (unsigned i = 0; i < 8; i++)
		poke(target, buckets + 8 * i, chunk(target, HW_CHUNK_LIVE, 32));
	graph = graph_of(target, NULL);
	no_error(hw_retained_build(graph, &names, NULL, &retained));
	ck_assert_uint_ge(retained->count, 2);
	ck_assert_uint_eq(retained->holders.holders[retained->retainers[0].holder].line, 41);
	ck_assert_str_eq(retained->texts[retained->retainers[1].field], "buckets");
	ck_assert_str_eq(retained->texts[retained->retainers[1].type], "Bucket *[]");
	ck_assert_uint_eq(retained->retainers[1].alike.chunks, 8);
	ck_assert_uint_eq(retained->retainers[1].alike_retained.bytes, 8 * 32);
	ck_assert_str_eq(retained->texts[retained->retainers[1].alike_type], "Bucket");
	hw_retained_destroy(retained);
	target_destroy(target, graph);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("graph_names");
	TCase *tcase = tcase_create("names");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, along_a_way);
	tcase_add_loop_test(tcase, sizes, 0, hw_array_size(misfits));
	tcase_add_loop_test(tcase, sizes_of_structs, 0, hw_array_size(sessions));
	tcase_add_test(tcase, other_variable);
	tcase_add_test(tcase, of_retainers);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
