/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lists of free chunks, shuffled all over a heap: each chunk is found in its own list, up to where one is
 * damaged. */
#include <check.h>

#include "heapwalk/glibc/walk.h"
#include "tests/unit/heapwalk/fake_heap.h"

#define START  0x100000
#define CHUNKS 3000 /* every third one is live */
#define FREE   (CHUNKS / 3 * 2)
#define LISTS  5

/* The free chunks by rank, and the lists that they are dealt to in an order of chance. */
static struct {
	struct fake_heap fake;
	struct hw_walk walk;
	uint64_t address[FREE];
	uint32_t index[FREE];
	uint64_t links[FREE][2];
	uint32_t lists[LISTS][FREE]; /* ranks */
	uint32_t lengths[LISTS];
} world;

static uint64_t head(unsigned list)
{
	return 0x7000 + 16 * list;
}

static uint64_t size_of(uint32_t rank)
{
	return 64 + 16 * (rank % 4);
}

static void make_chunks(void)
{
	uint32_t rank = 0;
	uint64_t at = START;

	memset(&world, 0, sizeof(world));
	fake_init(&world.fake, 8, false);
	fake_map(&world.fake, START, START + 0x100000, HW_MAP_READ | HW_MAP_WRITE, "[heap]");
	fake_region(&world.fake, HW_REGION_BRK, 0, START);
	for (uint32_t i = 0; i < CHUNKS; i++) {
		bool is_free = i % 3;
		uint64_t size = is_free ? size_of(rank) : 32;

		fake_chunk(&world.fake, is_free ? HW_CHUNK_UNBINNED : HW_CHUNK_LIVE, HW_CONTENT_NONE, size,
			NULL, 0);
		if (is_free) {
			world.address[rank] = at;
			world.index[rank++] = i;
		}
		at += size;
	}
	fake_finish(&world.fake);
}

static void deal(unsigned seed)
{
	uint32_t order[FREE];

	for (uint32_t i = 0; i < FREE; i++) {
		uint32_t other = (uint32_t)rand_r(&seed) % (i + 1);

		order[i] = order[other];
		order[other] = i;
	}
	for (uint32_t i = 0; i < FREE; i++) {
		unsigned list = (unsigned)rand_r(&seed) % LISTS;

		world.lists[list][world.lengths[list]++] = order[i];
	}
	for (unsigned list = 0; list < LISTS; list++) {
		uint64_t before = head(list);

		for (uint32_t i = 0; i < world.lengths[list]; i++) {
			uint32_t rank = world.lists[list][i];
			bool is_last = i + 1 == world.lengths[list];

			world.links[rank][0] = is_last ? head(list) : world.address[world.lists[list][i + 1]];
			world.links[rank][1] = before;
			before = world.address[rank];
		}
	}
}

static void begin(unsigned seed)
{
	make_chunks();
	deal(seed);
	world.walk = (struct hw_walk){ .snapshot = &world.fake.snapshot,
		.image = world.fake.snapshot.image,
		.heap = world.fake.heap,
		.free_links = { .width = 2 } };
}

static void resolve(struct hw_successors *successors)
{
	for (uint32_t rank = 0; rank < FREE; rank++)
		ck_assert(hw_links_add(&world.walk.free_links, world.index[rank], world.links[rank]));
	ck_assert(hw_successors_init(&world.walk, successors));
	ck_assert_uint_eq(successors->count, FREE);
}

static void finish(struct hw_successors *successors)
{
	hw_successors_deinit(successors);
	hw_links_deinit(&world.walk.free_links);
	fake_deinit(&world.fake);
}

static void expect_bins(const struct hw_successors *successors, unsigned list, uint32_t length, uint8_t bin)
{
	for (uint32_t i = 0; i < length; i++)
		ck_assert_uint_eq(hw_successors_bin(successors, world.lists[list][i]), bin);
}

START_TEST (sound_lists) {
	struct hw_successors successors;

	begin((unsigned)_i);
	resolve(&successors);
	for (unsigned list = 0; list < LISTS; list++)
		ck_assert_uint_eq(hw_successors_mark(&successors, world.lists[list][0], (uint8_t)(list + 1),
					  0, UINT16_MAX),
			world.lists[list][world.lengths[list] - 1]);
	for (unsigned list = 0; list < LISTS; list++)
		expect_bins(&successors, list, world.lengths[list], (uint8_t)(list + 1));
	/* Taken back again. */
	hw_successors_mark(&successors, world.lists[2][0], 0, 0, UINT16_MAX);
	expect_bins(&successors, 2, world.lengths[2], 0);
	expect_bins(&successors, 1, world.lengths[1], 2);
	finish(&successors);
}
END_TEST

/* One chunk does not lead back: its list ends before it. The others are whole. */
START_TEST (damaged_list) {
	struct hw_successors successors;
	unsigned list = (unsigned)_i % LISTS;
	uint32_t place;

	begin((unsigned)_i);
	place = 1 + (uint32_t)_i * 37 % (world.lengths[list] - 1);
	world.links[world.lists[list][place]][1] ^= 0x40;
	resolve(&successors);
	ck_assert_uint_eq(hw_successors_mark(&successors, world.lists[list][0], 9, 0, UINT16_MAX),
		world.lists[list][place - 1]);
	expect_bins(&successors, list, place, 9);
	expect_bins(&successors, (list + 1) % LISTS, world.lengths[(list + 1) % LISTS], 0);
	ck_assert_uint_eq(hw_successors_bin(&successors, world.lists[list][place]), 0);
	finish(&successors);
}
END_TEST

/* A list that bites its own tail and one that leads out of the heap come to no good end, but to an end. */
START_TEST (strange_lists) {
	struct hw_successors successors;
	uint32_t *list, last;

	begin((unsigned)_i);
	list = world.lists[0];
	last = list[world.lengths[0] - 1];
	world.links[last][0] = world.address[list[0]];
	world.links[list[0]][1] = world.address[last];
	world.links[world.lists[1][3]][0] = START + 8;
	resolve(&successors);
	ck_assert_uint_eq(hw_successors_mark(&successors, list[0], 1, 0, UINT16_MAX), HW_NO_RANK);
	ck_assert_uint_eq(
		hw_successors_mark(&successors, world.lists[1][0], 2, 0, UINT16_MAX), world.lists[1][3]);
	finish(&successors);
}
END_TEST

/* Sizes are 64 to 112: eight to fourteen units. */
START_TEST (sizes) {
	struct hw_successors successors;
	uint32_t *list;

	begin((unsigned)_i);
	list = world.lists[3];
	resolve(&successors);
	ck_assert_uint_ne(hw_successors_mark(&successors, list[0], 1, 8, 14), HW_NO_RANK);
	ck_assert_uint_eq(hw_successors_mark(&successors, list[0], 1, 8, 13), HW_NO_RANK);
	ck_assert_uint_eq(hw_successors_mark(&successors, list[0], 1, 9, 14), HW_NO_RANK);
	finish(&successors);
}
END_TEST

START_TEST (none) {
	struct hw_walk walk = { .free_links = { .width = 2 } };
	struct hw_successors successors;

	ck_assert(!hw_successors_init(&walk, &successors));
	hw_successors_deinit(&successors);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("successors");
	TCase *tcase = tcase_create("successors");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, sound_lists, 0, 8);
	tcase_add_loop_test(tcase, damaged_list, 0, 20);
	tcase_add_loop_test(tcase, strange_lists, 0, 5);
	tcase_add_loop_test(tcase, sizes, 0, 3);
	tcase_add_test(tcase, none);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
