/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading ahead gives the same bytes as reading: in sequence, with jumps, across stored and file segments. */
#include <check.h>

#include "heapwalk/glibc/reader.h"

#define BASE UINT64_C(0x100000)
#define SIZE (UINT64_C(8) << 20)
#define HOLE (UINT64_C(3) << 20) /* bytes from BASE on that cannot be read: one page */

/* Every byte tells its place. */
static uint8_t byte_at(uint64_t address)
{
	return (uint8_t)(address * UINT64_C(0x9e3779b97f4a7c15) >> 56);
}

/* The first half of every megabyte is stored in memory, the second half in a file; a page is missing. */
struct world {
	struct hw_image *image;
	uint8_t *bytes;
	FILE *file;
};

static void add(struct world *world, uint64_t start, uint64_t end, bool stored)
{
	struct hw_segment segment = {
		.start = start,
		.end = end,
		.file_size = end - start,
		.bytes = stored ? world->bytes + (start - BASE) : NULL,
		.fd = stored ? -1 : fileno(world->file),
		.offset = start - BASE,
	};

	ck_assert_ptr_null(hw_image_add(world->image, &segment));
}

static void world_init(struct world *world, bool with_stored)
{
	world->bytes = malloc(SIZE);
	world->file = tmpfile();
	ck_assert_ptr_nonnull(world->bytes);
	ck_assert_ptr_nonnull(world->file);
	for (uint64_t i = 0; i < SIZE; i++)
		world->bytes[i] = byte_at(BASE + i);
	ck_assert_uint_eq(fwrite(world->bytes, 1, SIZE, world->file), SIZE);
	ck_assert_int_eq(fflush(world->file), 0);
	ck_assert_ptr_null(hw_image_create(8, false, &world->image));
	for (uint64_t at = 0; at < SIZE; at += 1 << 19) {
		bool stored = with_stored && at % (1 << 20) == 0;
		uint64_t start = BASE + at + (at == HOLE ? 4096 : 0);

		add(world, start, BASE + at + (1 << 19), stored);
	}
}

static void world_deinit(struct world *world)
{
	hw_image_destroy(world->image);
	fclose(world->file);
	free(world->bytes);
}

static bool is_readable(uint64_t address, size_t need)
{
	return address >= BASE && address + need <= BASE + SIZE &&
	       (address + need <= BASE + HOLE || address >= BASE + HOLE + 4096);
}

/* All of what was asked for, samples of the rest. */
static bool is_right(const uint8_t *bytes, uint64_t address, size_t need, size_t available)
{
	for (size_t i = 0; i < available; i += i < need ? 1 : 9973) {
		if (bytes[i] != byte_at(address + i))
			return false;
	}
	return true;
}

static void check_view(struct hw_reader *reader, uint64_t address, size_t need)
{
	size_t available = 0;
	const uint8_t *bytes = hw_reader_view(reader, address, need, &available);

	ck_assert_msg(!bytes == !is_readable(address, need), "%#llx, %zu bytes: %s",
		(unsigned long long)address, need, bytes ? "read" : "not read");
	if (!bytes)
		return;
	ck_assert_uint_ge(available, need);
	ck_assert(is_readable(address, available));
	ck_assert_msg(is_right(bytes, address, need, available), "wrong bytes at %#llx",
		(unsigned long long)address);
}

/* Small steps forward, as chunks make them. */
START_TEST (in_sequence) {
	unsigned seed = (unsigned)_i;
	struct hw_reader reader;
	struct world world;
	uint64_t at = BASE;

	world_init(&world, _i % 2);
	hw_reader_init(&reader, world.image);
	while (at < BASE + SIZE) {
		check_view(&reader, at, 16 + (size_t)rand_r(&seed) % 4096);
		at += 16 + (uint64_t)rand_r(&seed) % (seed % 100 ? 500 : 100000);
	}
	hw_reader_deinit(&reader);
	world_deinit(&world);
}
END_TEST

/* Steps forward, now and then a jump anywhere, also to where nothing is. */
START_TEST (with_jumps) {
	unsigned seed = (unsigned)_i + 100;
	struct hw_reader reader;
	struct world world;
	uint64_t at = BASE;

	world_init(&world, _i % 2);
	hw_reader_init(&reader, world.image);
	for (unsigned i = 0; i < 20000; i++) {
		check_view(&reader, at, 1 + (size_t)rand_r(&seed) % HW_READER_NEED);
		at += (uint64_t)rand_r(&seed) % 3000;
		if (rand_r(&seed) % 2000 == 0)
			at = BASE + (uint64_t)rand_r(&seed) % (SIZE + 10000) - 5000;
	}
	hw_reader_deinit(&reader);
	world_deinit(&world);
}
END_TEST

START_TEST (too_much) {
	struct hw_reader reader;
	struct world world;
	size_t available;

	world_init(&world, false);
	hw_reader_init(&reader, world.image);
	ck_assert_ptr_null(hw_reader_view(&reader, BASE, HW_READER_NEED + 1, &available));
	check_view(&reader, BASE, HW_READER_NEED);
	hw_reader_deinit(&reader);
	world_deinit(&world);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reader");
	TCase *tcase = tcase_create("reader");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, in_sequence, 0, 6);
	tcase_add_loop_test(tcase, with_jumps, 0, 6);
	tcase_add_test(tcase, too_much);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
