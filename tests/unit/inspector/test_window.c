/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A window shows the image's bytes, with and without reading ahead: in sequence, with jumps, across segments.
 */
#include <check.h>

#include "inspector/inspector.h"

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

#define SMALL_CAPACITY ((size_t)8192)

/* Every second world has stored segments; the windows take turns. */
static void begin(struct hw_window *window, const struct world *world, int turn)
{
	switch (turn / 2 % 3) {
	case 0:
		hw_window_init_ahead(window, world->image);
		break;
	case 1:
		hw_window_init(window, world->image, 0);
		break;
	default:
		hw_window_init(window, world->image, SMALL_CAPACITY);
	}
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

static void check_view(struct hw_window *window, uint64_t address, size_t need)
{
	size_t available = 0;
	const uint8_t *bytes = hw_window_view(window, address, need, &available);

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
	struct hw_window window;
	struct world world;
	uint64_t at = BASE;

	world_init(&world, _i % 2);
	begin(&window, &world, _i);
	while (at < BASE + SIZE) {
		check_view(&window, at, 16 + (size_t)rand_r(&seed) % 4096);
		at += 16 + (uint64_t)rand_r(&seed) % (seed % 100 ? 500 : 100000);
	}
	hw_window_deinit(&window);
	world_deinit(&world);
}
END_TEST

/* Steps forward, now and then a jump anywhere, also to where nothing is. */
START_TEST (with_jumps) {
	unsigned seed = (unsigned)_i + 100;
	struct hw_window window;
	struct world world;
	uint64_t at = BASE;

	world_init(&world, _i % 2);
	begin(&window, &world, _i);
	for (unsigned i = 0; i < 20000; i++) {
		check_view(&window, at, 1 + (size_t)rand_r(&seed) % SMALL_CAPACITY);
		at += (uint64_t)rand_r(&seed) % 3000;
		if (rand_r(&seed) % 2000 == 0)
			at = BASE + (uint64_t)rand_r(&seed) % (SIZE + 10000) - 5000;
	}
	hw_window_deinit(&window);
	world_deinit(&world);
}
END_TEST

START_TEST (too_much) {
	static const size_t most[] = { HW_WINDOW_AHEAD_NEED, (size_t)1 << 20, SMALL_CAPACITY };
	struct hw_window window;
	struct world world;
	size_t available;

	world_init(&world, false);
	begin(&window, &world, 2 * _i);
	ck_assert_ptr_null(hw_window_view(&window, BASE, most[_i] + 1, &available));
	check_view(&window, BASE, most[_i]);
	/* What is asked for ends in what was read ahead, or does not. */
	for (uint64_t at = BASE; at < BASE + SIZE; at += most[_i] - 100)
		check_view(&window, at, most[_i]);
	hw_window_deinit(&window);
	world_deinit(&world);
}
END_TEST

/* Peeking shows what is there and moves nothing. */
START_TEST (peek) {
	struct hw_window window;
	struct world world;
	uint64_t start, end;

	world_init(&world, false);
	begin(&window, &world, 2 * _i);
	ck_assert_ptr_null(hw_window_peek(&window, BASE, 1));
	check_view(&window, BASE + 4096, 16);
	start = window.start;
	end = window.end;
	ck_assert_uint_eq(start, BASE + 4096);
	ck_assert_uint_ge(end, BASE + 4096 + 16);
	ck_assert_ptr_null(hw_window_peek(&window, start - 1, 1));
	ck_assert_ptr_null(hw_window_peek(&window, end, 1));
	ck_assert_ptr_null(hw_window_peek(&window, end - 1, 2));
	ck_assert_uint_eq(*hw_window_peek(&window, start, 1), byte_at(start));
	ck_assert_uint_eq(*hw_window_peek(&window, end - 1, 1), byte_at(end - 1));
	ck_assert_uint_eq(window.start, start);
	ck_assert_uint_eq(window.end, end);
	hw_window_deinit(&window);
	world_deinit(&world);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("window");
	TCase *tcase = tcase_create("window");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, in_sequence, 0, 6);
	tcase_add_loop_test(tcase, with_jumps, 0, 6);
	tcase_add_loop_test(tcase, too_much, 0, 3);
	tcase_add_loop_test(tcase, peek, 0, 3);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
