/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The distinct strings of chunks: chunk by chunk, block by block, and what std::string objects refer to. */
#include "heapwalk/selection.h"
#include "heapwalk/strings_scan.h"
#include "heapwalk/strings_table.h"

#define DEFAULT_MINIMUM 4
#define DEFAULT_LIMIT   4096
#define DEFAULT_MOST    1000000

/* libstdc++'s std::string (bits/basic_string.h): pointer, length, then the text itself or its capacity. */
#define LOCAL_BYTES 16

struct collector {
	const struct hw_heap *heap;
	struct hw_chunk_iterator iterator;
	struct hw_window window;
	struct hw_text_scanner scanner;
	struct hw_string_set *set;
	struct hw_error *error;
	size_t limit;
	char *text; /* room for `limit` bytes and one character more */
	uint32_t chunk;
	uint64_t user;        /* the chunk's user address */
	uint64_t block;       /* the block's */
	uint64_t surely_used; /* so many bytes of the chunk were asked for; what follows malloc may have added
			       */
	bool has_string;
};

/* As UTF-8, up to the limit. False when it was cut off. */
static bool to_utf8(struct collector *collector, const struct hw_text *text, size_t *length)
{
	const uint8_t *bytes = collector->scanner.bytes + text->start;
	size_t done = 0, out = 0;

	while (done < text->size) {
		uint32_t character;
		size_t size = hw_encoding_decode(text->encoding, bytes + done, text->size - done, &character);

		if (!size)
			break;
		out += hw_utf8_encode(character, collector->text + out);
		if (out > collector->limit)
			return false;
		done += size;
		*length = out;
	}
	return true;
}

static bool keep(struct collector *collector, const struct hw_string_find *find)
{
	collector->error = hw_string_set_add(collector->set, find);
	collector->has_string = true;
	return !collector->error;
}

/*
 * The rest of an older text: it begins where another text has its end, maybe with the second half of a cut
 * character, in bytes that malloc may have added.
 */
static bool is_left_over(const struct collector *collector, const struct hw_text *text)
{
	const struct hw_text_scanner *scanner = &collector->scanner;
	size_t end = text->start;

	if (collector->block + text->start - collector->user < collector->surely_used)
		return false;
	while (end && scanner->bytes[end - 1] && text->start - end < 4)
		end--;
	/* Four bytes of text and their zero. */
	if (end < 5 || scanner->bytes[end - 1])
		return false;
	for (size_t i = end - 5; i < end - 1; i++) {
		if (!hw_text_bit(scanner->text, i) && !hw_text_bit(scanner->high, i))
			return false;
	}
	return true;
}

static bool found(const struct hw_text *text, void *argument)
{
	struct collector *collector = argument;
	struct hw_string_find find = {
		.text = (const char *)collector->scanner.bytes + text->start,
		.length = text->size,
		.encoding = text->encoding,
		.chunk = collector->chunk,
		.address = collector->block + text->start,
		.offset = collector->block + text->start - collector->user,
	};

	if (hw_encoding_unit(text->encoding) > 1 || text->size > collector->limit) {
		find.text = collector->text;
		find.length = 0;
		find.truncated = !to_utf8(collector, text, &find.length);
	}
	find.left_over = is_left_over(collector, text);
	return keep(collector, &find);
}

/* The first words of what may be a std::string, at an offset in the block. */
struct cxx_string {
	size_t at;
	uint64_t pointer;
	uint64_t length;
	uint64_t capacity; /* or the beginning of the text */
};

static bool is_text_of(const uint8_t *bytes, size_t length, size_t minimum, enum hw_encoding *encoding)
{
	size_t characters = 0;

	*encoding = HW_ENCODING_ASCII;
	for (size_t i = 0; i < length; i++) {
		characters += (bytes[i] & 0xc0) != 0x80;
		if (bytes[i] >= 0x80)
			*encoding = HW_ENCODING_UTF8;
	}
	return characters >= minimum && hw_utf8_run(bytes, length) == length;
}

/*
 * A short text that lies in the object. It is certain, however short; and what lies behind its end is left
 * from an earlier one.
 */
static void take_local(struct collector *collector, const struct cxx_string *string)
{
	struct hw_text_scanner *scanner = &collector->scanner;
	size_t start = string->at + 2 * collector->heap->word_size;
	struct hw_text text = { .start = start, .size = (size_t)string->length };

	if (string->length >= LOCAL_BYTES || start + LOCAL_BYTES > scanner->size ||
		scanner->bytes[start + string->length])
		return;
	if (is_text_of(scanner->bytes + start, text.size, scanner->minimum, &text.encoding))
		hw_text_scanner_tell(scanner, &text);
	hw_text_scanner_claim(scanner, start + text.size, start + LOCAL_BYTES);
}

/*
 * A text in a chunk of its own. Pointer, length and capacity that fit the chunk, and then a text of just this
 * length: no other struct passes by accident, and a C struct that does means the same. Where that chunk is
 * selected too the text is found there.
 */
static void take_remote(struct collector *collector, const struct cxx_string *string)
{
	const struct hw_heap *heap = collector->heap;
	struct hw_string_find find = {
		.text = collector->text, .chunk = collector->chunk, .address = string->pointer
	};
	size_t size = hw_min((size_t)string->length + 1, collector->limit);
	uint32_t index;

	if (!hw_heap_find(heap, string->pointer, &index) || !hw_chunk_is_live(heap, index) ||
		string->pointer != hw_chunk_user(heap, index) ||
		string->capacity >= hw_chunk_usable(heap, index) ||
		hw_chunk_iterator_visits(&collector->iterator, index))
		return;
	if (hw_image_read_some(heap->snapshot->image, string->pointer, collector->text, size) != size)
		return;
	find.truncated = size <= string->length;
	find.length = find.truncated ? hw_utf8_run((uint8_t *)collector->text, size) : (size_t)string->length;
	if (find.truncated ? size - find.length > 3 : collector->text[find.length] != '\0')
		return;
	if (is_text_of((uint8_t *)collector->text, find.length, collector->scanner.minimum, &find.encoding))
		keep(collector, &find);
}

static void take_string_at(struct collector *collector, size_t at)
{
	const struct hw_image *image = collector->heap->snapshot->image;
	const uint8_t *bytes = collector->scanner.bytes + at;
	unsigned word = image->word_size;
	struct cxx_string string = { .at = at,
		.pointer = hw_image_word(image, bytes),
		.length = hw_image_word(image, bytes + word),
		.capacity = hw_image_word(image, bytes + 2 * word) };

	if (string.pointer == collector->block + at + 2 * word)
		take_local(collector, &string);
	else if (string.length && string.length <= string.capacity && string.capacity >= LOCAL_BYTES - 1)
		take_remote(collector, &string);
}

/* Only at words that point somewhere: they are claimed. */
static void take_cxx_strings(struct collector *collector)
{
	const struct hw_text_scanner *scanner = &collector->scanner;
	unsigned word = collector->heap->word_size;

	for (size_t at = 0; at + 4 * word <= scanner->size && !collector->error; at += word) {
		if (!scanner->claimed[at / 64])
			at = (at | 63) + 1 - word;
		else if (hw_text_bit(scanner->claimed, at))
			take_string_at(collector, at);
	}
}

/* One block of the chunk. */
static void collect_block(
	struct collector *collector, const uint8_t *bytes, size_t size, bool is_first, bool is_last)
{
	hw_text_scanner_begin(&collector->scanner, bytes, size, is_first, is_last);
	take_cxx_strings(collector);
	if (!collector->error && !hw_text_scanner_find(&collector->scanner) && !collector->error)
		collector->error = hw_error_no_memory();
}

/* Up to a block of the bytes at `address`; what cannot be read ends it early. NULL: not a word is there. */
static const uint8_t *view(struct collector *collector, uint64_t address, uint64_t wanted, size_t *size)
{
	size_t whole = (size_t)hw_min(wanted, (uint64_t)HW_SCAN_BLOCK), available;
	const uint8_t *bytes = hw_window_view(&collector->window, address, whole, NULL);

	*size = whole;
	if (bytes)
		return bytes;
	bytes = hw_window_view(&collector->window, address, collector->heap->word_size, &available);
	*size = bytes ? hw_min(available, whole) : 0;
	return bytes;
}

/*
 * The smallest request that ends in this chunk. malloc leaves a remainder that is too small for a chunk of
 * its own with what it gives out, up to one unit of alignment.
 */
static uint64_t surely_used(const struct hw_heap *heap, uint32_t chunk)
{
	uint64_t low, high;

	if (hw_chunk_state(heap, chunk) == HW_CHUNK_MMAPPED)
		return UINT64_MAX;
	hw_heap_chunk_to_requests(heap, hw_chunk_size(heap, chunk), &low, &high);
	return low > heap->alignment ? low - heap->alignment : 0;
}

static void collect_chunk(struct collector *collector)
{
	uint64_t usable = hw_chunk_usable(collector->heap, collector->chunk), at = 0;
	uint64_t page = collector->heap->snapshot->page_size;
	bool is_first = true;

	collector->user = hw_chunk_user(collector->heap, collector->chunk);
	collector->surely_used = surely_used(collector->heap, collector->chunk);
	collector->has_string = false;
	while (at < usable && !collector->error) {
		size_t size;
		const uint8_t *bytes = view(collector, collector->user + at, usable - at, &size);
		bool goes_on = size == HW_SCAN_BLOCK && usable - at > size;

		collector->block = collector->user + at;
		if (bytes)
			collect_block(collector, bytes, size, is_first, !goes_on);
		else
			size = (size_t)(page - (collector->user + at) % page);
		at += goes_on ? HW_SCAN_BLOCK - HW_SCAN_AHEAD : size;
		is_first = !goes_on;
	}
}

static struct hw_error *collect(struct collector *collector, struct hw_string_table *counts)
{
	while (!collector->error && hw_chunk_iterator_next(&collector->iterator, &collector->chunk, NULL)) {
		collect_chunk(collector);
		counts->chunks++;
		counts->chunks_with += collector->has_string;
	}
	return collector->error;
}

static struct hw_error *collector_init(struct collector *collector, const struct hw_heap *heap,
	const struct hw_selection *selection, const struct hw_string_options *options)
{
	struct hw_error *error;

	*collector = (struct collector){ .heap = heap, .limit = DEFAULT_LIMIT };
	if (options && options->limit)
		collector->limit = hw_min(options->limit, (size_t)DEFAULT_LIMIT);
	hw_chunk_iterator_init(&collector->iterator, heap, selection, false);
	hw_window_init(&collector->window, heap->snapshot->image, 0);
	collector->scanner.image = heap->snapshot->image;
	collector->scanner.minimum = options && options->minimum ? options->minimum : DEFAULT_MINIMUM;
	collector->scanner.found = found;
	collector->scanner.argument = collector;
	collector->text = malloc(collector->limit + 4);
	if (!collector->text)
		return hw_error_no_memory();
	error = hw_addresses_create(heap->snapshot, &collector->scanner.addresses);
	if (error)
		return error;
	return hw_string_set_create(options && options->most ? options->most : DEFAULT_MOST, &collector->set);
}

static void collector_deinit(struct collector *collector)
{
	hw_window_deinit(&collector->window);
	hw_addresses_destroy(collector->scanner.addresses);
	hw_text_scanner_deinit(&collector->scanner);
	hw_string_set_destroy(collector->set);
	free(collector->text);
	free(collector);
}

struct hw_error *hw_strings_collect(const struct hw_heap *heap, const struct hw_selection *selection,
	const struct hw_string_options *options, struct hw_string_table **table)
{
	struct collector *collector = malloc(sizeof(*collector)); /* tens of kilobytes of bit maps */
	struct hw_string_table counts = { .chunks = 0 };
	struct hw_error *error;

	if (!collector)
		return hw_error_no_memory();
	error = collector_init(collector, heap, selection, options);
	if (!error)
		error = collect(collector, &counts);
	if (!error) {
		*table = hw_string_set_finish(hw_take(&collector->set));
		(*table)->chunks = counts.chunks;
		(*table)->chunks_with = counts.chunks_with;
	}
	collector_deinit(collector);
	return error;
}
