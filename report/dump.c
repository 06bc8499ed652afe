/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Chunks word by word, with what each word may mean. */
#include "report/field.h"
#include "report/number.h"
#include "report/sheet.h"

static const struct hw_column columns[] = {
	{ "chunk", HW_UNIT_ADDRESS, 0, "what malloc() returned" },
	{ "size", HW_UNIT_SIZE, 0, "its usable bytes" },
	{ "type", HW_UNIT_TEXT, 0, "its type, if one is known" },
	{ "offset", HW_UNIT_SIZE, HW_COLUMN_SHOWN, "of the word from the start of the chunk" },
	{ "value", HW_UNIT_WORD, HW_COLUMN_SHOWN, "the word" },
	{ "bytes", HW_UNIT_TEXT, HW_COLUMN_SHOWN, "its bytes as text, in the order of memory" },
	{ "kind", HW_UNIT_WORD, 0, "nil, chunk, module, stack, mapped, text, number" },
	{ "meaning", HW_UNIT_TEXT, HW_COLUMN_SHOWN | HW_COLUMN_WIDE, "what it points to" },
};

const struct hw_column_set hw_columns_dump = { "dump", columns, hw_array_size(columns) };

/* Words of one chunk on their way into the sheet; runs of one value are folded in text tables. */
struct dump {
	struct hw_report *report;
	const struct hw_findings *findings;
	struct hw_sheet *sheet;
	struct hw_window window;
	uint64_t chunk;
	uint64_t size;
	const char *type; /* NULL: unknown */
	uint64_t last_value;
	uint64_t repeats;
};

static const char *kind_name(enum hw_word_kind kind)
{
	static const char *const names[] = {
		[HW_WORD_NIL] = "nil",
		[HW_WORD_CHUNK] = "chunk",
		[HW_WORD_MODULE] = "module",
		[HW_WORD_STACK] = "stack",
		[HW_WORD_MAPPED] = "mapped",
		[HW_WORD_TEXT] = "text",
		[HW_WORD_NUMBER] = "number",
	};

	return names[kind];
}

/* ---------------------------------------------------------------------------------------------- meanings */

static int chunk_meaning(const struct hw_heap *heap, const struct hw_word_meaning *meaning, char **text)
{
	const char *state = hw_chunk_state_name(hw_chunk_state(heap, meaning->chunk));
	unsigned long long user = hw_chunk_user(heap, meaning->chunk);
	unsigned long long usable = hw_chunk_usable(heap, meaning->chunk);
	int64_t offset = (int64_t)meaning->offset;

	if (hw_chunk_is_live(heap, meaning->chunk))
		state = "chunk";
	if (!offset)
		return asprintf(text, "%s %#llx, %llu bytes", state, user, usable);
	return asprintf(text, "%s %#llx%+lld, %llu bytes", state, user, (long long)offset, usable);
}

static int module_meaning(const struct hw_names *names, const struct hw_map *map, uint64_t word, char **text)
{
	const char *file = map ? hw_file_name(map->path) : "";
	const char *symbol;
	uint64_t offset;

	if (names && names->symbol && names->symbol(names->argument, word, &symbol, &offset))
		return asprintf(text, offset ? "%s+%llu (%s)" : "%s%.0llu (%s)", symbol,
			(unsigned long long)offset, file);
	return asprintf(
		text, "%s+%#llx", file, (unsigned long long)(word - (map ? map->start - map->offset : 0)));
}

static int stack_meaning(
	const struct hw_snapshot *snapshot, const struct hw_word_meaning *meaning, char **text)
{
	if (meaning->thread >= snapshot->thread_count)
		return asprintf(text, "a stack");
	return asprintf(text, "stack of thread %d", (int)snapshot->threads[meaning->thread].tid);
}

static char *meaning_text(
	const struct hw_findings *findings, const struct hw_word_meaning *meaning, uint64_t word)
{
	char *text = NULL;
	int length = 0;

	switch (meaning->kind) {
	case HW_WORD_NIL:
		return strdup("nil");
	case HW_WORD_CHUNK:
		length = chunk_meaning(findings->heap, meaning, &text);
		break;
	case HW_WORD_MODULE:
		length = module_meaning(findings->names, meaning->map, word, &text);
		break;
	case HW_WORD_STACK:
		length = stack_meaning(findings->snapshot, meaning, &text);
		break;
	case HW_WORD_MAPPED:
		length = asprintf(
			&text, "mapping %s", meaning->map && *meaning->map->path ? meaning->map->path : "");
		break;
	case HW_WORD_TEXT:
	case HW_WORD_NUMBER:
		return strdup("");
	}
	return length < 0 ? NULL : text;
}

/* ------------------------------------------------------------------------------------------------- words */

static void visible_bytes(const uint8_t *bytes, size_t count, char *text)
{
	for (size_t i = 0; i < count; i++)
		text[i] = bytes[i] >= 0x20 && bytes[i] < 0x7f && bytes[i] != '\\' ? (char)bytes[i] : '.';
	text[count] = '\0';
}

/* With leading zeros, so that words stand below one another. */
static const char *value_text(const struct hw_heap *heap, uint64_t word, char text[static 24])
{
	snprintf(text, 24, "0x%0*llx", 2 * (int)heap->word_size, (unsigned long long)word);
	return text;
}

static void say_repeats(struct dump *dump)
{
	char count[HW_NUMBER_ROOM];
	char text[HW_NUMBER_ROOM + 32];
	struct hw_cell cells[hw_array_size(columns)] = { 0 };

	if (!dump->repeats)
		return;
	snprintf(text, sizeof(text), "%s more like it", hw_number_count(dump->repeats, count));
	cells[7] = hw_cell_text(text);
	hw_sheet_row(dump->sheet, cells);
	dump->repeats = 0;
}

static void add_word(struct dump *dump, uint64_t offset, const uint8_t *bytes)
{
	const struct hw_findings *findings = dump->findings;
	uint64_t word = hw_image_word(findings->snapshot->image, bytes);
	struct hw_word_meaning meaning = hw_word_explain(findings->heap, findings->accounting, word);
	hw_autofree char *text = meaning_text(findings, &meaning, word);
	char visible[16];
	char value[24];
	struct hw_cell cells[] = {
		hw_cell_number(dump->chunk),
		hw_cell_number(dump->size),
		hw_cell_text(dump->type),
		hw_cell_number(offset),
		hw_cell_text(value_text(findings->heap, word, value)),
		hw_cell_text(visible),
		hw_cell_text(kind_name(meaning.kind)),
		hw_cell_text(text),
	};

	visible_bytes(bytes, findings->snapshot->word_size, visible);
	cells[5] = hw_cell_text(visible);
	hw_sheet_row(dump->sheet, cells);
}

static void dump_word(struct dump *dump, uint64_t offset, const uint8_t *bytes)
{
	uint64_t word = hw_image_word(dump->findings->snapshot->image, bytes);

	if (hw_report_is_text(dump->report) && offset && word == dump->last_value) {
		dump->repeats++;
		return;
	}
	say_repeats(dump);
	dump->last_value = word;
	add_word(dump, offset, bytes);
}

static void dump_words(struct dump *dump, uint64_t end)
{
	unsigned word_size = dump->findings->snapshot->word_size;

	for (uint64_t offset = 0; offset + word_size <= end && !hw_report_failed(dump->report);
		offset += word_size) {
		const uint8_t *bytes = hw_window_view(&dump->window, dump->chunk + offset, word_size, NULL);
		struct hw_cell cells[hw_array_size(columns)] = { [0] = hw_cell_number(dump->chunk),
			[1] = hw_cell_number(dump->size),
			[2] = hw_cell_text(dump->type),
			[3] = hw_cell_number(offset),
			[7] = hw_cell_text("cannot be read") };

		if (bytes) {
			dump_word(dump, offset, bytes);
			continue;
		}
		say_repeats(dump);
		hw_sheet_row(dump->sheet, cells);
		break;
	}
	say_repeats(dump);
}

static const char *type_of(const struct hw_explainer *explainer, uint32_t index)
{
	const struct hw_chunk_type *answer = explainer ? hw_chunk_type(explainer->typing, index) : NULL;

	return answer && answer->level ? explainer->typing->types[answer->type].name : NULL;
}

/* What the type makes of the bytes, above the words. */
static void say_value(struct dump *dump, uint32_t index)
{
	const struct hw_explainer *explainer = dump->findings->explainer;
	hw_autofree char *text = NULL, *cast = NULL, *clean = NULL;
	struct hw_error *error;

	if (!explainer || !hw_report_is_text(dump->report))
		return;
	error = hw_value_of_chunk(explainer, index, NULL, &text, &cast);
	if (!error && text)
		clean = hw_report_clean(dump->report, text, strlen(text));
	if (clean) {
		hw_field(dump->report, HW_TINT_PLAIN, "as", "%s", clean);
		hw_field(dump->report, HW_TINT_PLAIN, "in gdb", "%s", cast);
	}
	hw_error_destroy(error);
}

static void dump_chunk(struct dump *dump, uint32_t index, uint32_t arena)
{
	const struct hw_heap *heap = dump->findings->heap;
	uint64_t most = dump->report->options.dump_bytes;
	enum hw_content content = hw_chunk_content(heap, index);
	char count[HW_NUMBER_ROOM];
	char heading[160];
	uint64_t shown;

	dump->chunk = hw_chunk_user(heap, index);
	dump->size = hw_chunk_usable(heap, index);
	dump->type = type_of(dump->findings->explainer, index);
	shown = most ? hw_min(dump->size, hw_round_up(most, heap->word_size)) : dump->size;
	(void)snprintf(heading, sizeof(heading), "%#llx: %s bytes, %s, arena %u%s%s",
		(unsigned long long)dump->chunk, hw_number_count(dump->size, count),
		hw_chunk_state_name(hw_chunk_state(heap, index)), arena,
		content == HW_CONTENT_NONE ? "" : ", ",
		content == HW_CONTENT_NONE ? "" : hw_content_name(content));
	hw_sheet_group(dump->sheet, heading);
	say_value(dump, index);
	dump_words(dump, shown);
	hw_sheet_group_end(dump->sheet);
	if (shown < dump->size)
		hw_report_print(dump->report, "%s more bytes: --dump-bytes 0 shows all.\n",
			hw_number_count(dump->size - shown, count));
}

void hw_report_dump(struct hw_report *report, const struct hw_findings *findings)
{
	uint64_t limit = report->options.limit ? report->options.limit : UINT64_MAX;
	struct dump dump = { .report = report, .findings = findings };
	struct hw_chunk_iterator iterator;
	uint64_t shown = 0;
	uint64_t more = 0;
	uint32_t index;
	uint32_t arena;

	dump.sheet = hw_sheet_create(report, &hw_columns_dump, HW_SHEET_STREAM, "word");
	hw_window_init(&dump.window, findings->snapshot->image, 0);
	hw_chunk_iterator_init(&iterator, findings->heap, findings->selection, findings->newest_first);
	while (dump.sheet && !hw_report_failed(report) && hw_chunk_iterator_next(&iterator, &index, &arena)) {
		if (shown < limit) {
			dump_chunk(&dump, index, arena);
			shown++;
		} else {
			more++;
		}
	}
	hw_window_deinit(&dump.window);
	hw_sheet_finish(dump.sheet);
	hw_report_more(report, shown, more, "chunk");
}
