/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ELF headers and notes, decoded from bytes. */
#include <errno.h>

#include "inspector/elf.h"

/* The kernel refuses to load a file whose program headers take more than 64 KiB (load_elf_phdrs()). */
#define PROGRAM_HEADERS_MAX 65536

/* A build id comes first or second among a few small notes. */
#define NOTES_MAX 65536

uint16_t hw_elf_take_u16(struct hw_elf_cursor *cursor)
{
	uint16_t value;

	memcpy(&value, cursor->at, sizeof(value));
	cursor->at += sizeof(value);
	return cursor->layout.big_endian ? __builtin_bswap16(value) : value;
}

uint32_t hw_elf_take_u32(struct hw_elf_cursor *cursor)
{
	uint32_t value;

	memcpy(&value, cursor->at, sizeof(value));
	cursor->at += sizeof(value);
	return cursor->layout.big_endian ? __builtin_bswap32(value) : value;
}

uint64_t hw_elf_take_u64(struct hw_elf_cursor *cursor)
{
	uint64_t value;

	memcpy(&value, cursor->at, sizeof(value));
	cursor->at += sizeof(value);
	return cursor->layout.big_endian ? __builtin_bswap64(value) : value;
}

uint64_t hw_elf_take_word(struct hw_elf_cursor *cursor)
{
	return cursor->layout.word_size == 8 ? hw_elf_take_u64(cursor) : hw_elf_take_u32(cursor);
}

/* Class and byte order from e_ident. */
static bool layout_decode(const uint8_t *ident, struct hw_elf_layout *layout)
{
	unsigned class = ident[EI_CLASS], data = ident[EI_DATA];

	if (memcmp(ident, ELFMAG, SELFMAG) != 0 || ident[EI_VERSION] != EV_CURRENT)
		return false;
	if ((class != ELFCLASS32 && class != ELFCLASS64) || (data != ELFDATA2LSB && data != ELFDATA2MSB))
		return false;
	*layout = (struct hw_elf_layout){
		.word_size = class == ELFCLASS64 ? 8 : 4,
		.big_endian = data == ELFDATA2MSB,
	};
	return true;
}

bool hw_elf_header_decode(const uint8_t *bytes, size_t size, struct hw_elf_header *header)
{
	struct hw_elf_header decoded = { 0 };
	struct hw_elf_cursor cursor = { .at = bytes + EI_NIDENT };
	unsigned program_header_size;

	if (size < sizeof(Elf32_Ehdr) || !layout_decode(bytes, &decoded.layout))
		return false;
	if (decoded.layout.word_size == 8 && size < sizeof(Elf64_Ehdr))
		return false;
	cursor.layout = decoded.layout;
	decoded.type = hw_elf_take_u16(&cursor);
	decoded.machine = hw_elf_take_u16(&cursor);
	cursor.at += 4;                  /* e_version */
	(void)hw_elf_take_word(&cursor); /* e_entry */
	decoded.program_headers = hw_elf_take_word(&cursor);
	decoded.section_headers = hw_elf_take_word(&cursor);
	cursor.at += 6; /* e_flags, e_ehsize */
	program_header_size = hw_elf_take_u16(&cursor);
	decoded.program_header_count = hw_elf_take_u16(&cursor);
	decoded.section_header_size = hw_elf_take_u16(&cursor);
	if (decoded.program_header_count && program_header_size != hw_elf_program_header_size(decoded.layout))
		return false;
	*header = decoded;
	return true;
}

size_t hw_elf_program_header_size(struct hw_elf_layout layout)
{
	return layout.word_size == 8 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
}

static unsigned prot_of_flags(uint32_t flags)
{
	return (flags & PF_R ? HW_MAP_READ : 0) | (flags & PF_W ? HW_MAP_WRITE : 0) |
	       (flags & PF_X ? HW_MAP_EXEC : 0);
}

void hw_elf_program_header_decode(
	struct hw_elf_layout layout, const uint8_t *bytes, struct hw_elf_segment *segment)
{
	struct hw_elf_cursor cursor = { .at = bytes, .layout = layout };
	uint32_t flags = 0;

	segment->type = hw_elf_take_u32(&cursor);
	if (layout.word_size == 8)
		flags = hw_elf_take_u32(&cursor); /* p_flags stands elsewhere in ELFCLASS32 */
	segment->file_offset = hw_elf_take_word(&cursor);
	segment->address = hw_elf_take_word(&cursor);
	(void)hw_elf_take_word(&cursor); /* p_paddr */
	segment->file_size = hw_elf_take_word(&cursor);
	segment->size = hw_elf_take_word(&cursor);
	if (layout.word_size == 4)
		flags = hw_elf_take_u32(&cursor);
	segment->alignment = hw_elf_take_word(&cursor);
	segment->prot = prot_of_flags(flags);
}

bool hw_elf_note_next(struct hw_elf_layout layout, const uint8_t *bytes, size_t size, uint64_t alignment,
	size_t *offset, struct hw_elf_note *note)
{
	const size_t header_size = 3 * sizeof(uint32_t);
	const uint64_t align = alignment == 8 ? 8 : 4;
	struct hw_elf_cursor cursor = { .at = bytes + *offset, .layout = layout };
	uint64_t name_size, data_size, data, end;

	if (*offset > size || size - *offset < header_size)
		return false;
	name_size = hw_elf_take_u32(&cursor);
	data_size = hw_elf_take_u32(&cursor);
	note->type = hw_elf_take_u32(&cursor);
	data = hw_round_up(*offset + header_size + name_size, align);
	end = data + data_size; /* 32-bit sizes: no overflow in 64 bits */
	if (data > size || end > size)
		return false;
	note->name = (const char *)cursor.at;
	note->name_size = name_size;
	note->data = bytes + data;
	note->size = data_size;
	*offset = hw_min(hw_round_up(end, align), size);
	return true;
}

bool hw_elf_note_is(const struct hw_elf_note *note, const char *name, uint32_t type)
{
	size_t length = strlen(name);

	return note->type == type && note->name_size >= length && !memcmp(note->name, name, length) &&
	       (note->name_size == length || note->name[length] == '\0');
}

/* Where the bytes of an ELF file come from: positions are file offsets, or addresses in an image. */
struct source {
	int fd;
	const struct hw_image *image; /* NULL: fd */
};

static struct hw_error *source_read(const struct source *source, uint64_t position, void *buffer, size_t size)
{
	size_t done = 0;

	if (source->image)
		return hw_image_read(source->image, position, buffer, size);
	while (done < size) {
		ssize_t got =
			pread(source->fd, (uint8_t *)buffer + done, size - done, (off_t)(position + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return hw_error_os(errno, "cannot read an ELF file");
		if (got == 0)
			return hw_error_create(HW_ERROR_FORMAT, "the ELF file ends too early");
		done += (size_t)got;
	}
	return NULL;
}

static struct hw_error *read_segments(const struct source *source, uint64_t base, struct hw_elf *elf)
{
	const struct hw_elf_header *header = &elf->header;
	size_t each = hw_elf_program_header_size(header->layout);
	size_t count = header->program_header_count;
	hw_autofree uint8_t *bytes = NULL;
	struct hw_error *error;

	if (!count || count * each > PROGRAM_HEADERS_MAX)
		return hw_error_create(HW_ERROR_FORMAT, "an ELF file with %zu program headers", count);
	bytes = malloc(count * each);
	elf->segments = calloc(count, sizeof(*elf->segments));
	if (!bytes || !elf->segments)
		return hw_error_no_memory();
	error = source_read(source, base + header->program_headers, bytes, count * each);
	if (error)
		return error;
	for (size_t i = 0; i < count; i++)
		hw_elf_program_header_decode(header->layout, bytes + i * each, &elf->segments[i]);
	elf->segment_count = count;
	return NULL;
}

/* True when these notes hold a build id; it is then stored. */
static bool take_build_id(struct hw_elf *elf, const uint8_t *bytes, size_t size, uint64_t alignment)
{
	struct hw_elf_note note;
	size_t offset = 0;

	while (hw_elf_note_next(elf->header.layout, bytes, size, alignment, &offset, &note)) {
		if (!hw_elf_note_is(&note, ELF_NOTE_GNU, NT_GNU_BUILD_ID) || !note.size)
			continue;
		elf->build_id_size = hw_min(note.size, sizeof(elf->build_id));
		memcpy(elf->build_id, note.data, elf->build_id_size);
		return true;
	}
	return false;
}

/* A build id that cannot be read is one that is not there. `bias` applies to positions in memory. */
static struct hw_error *read_build_id(const struct source *source, uint64_t bias, struct hw_elf *elf)
{
	hw_autofree uint8_t *bytes = malloc(NOTES_MAX);

	if (!bytes)
		return hw_error_no_memory();
	for (size_t i = 0; i < elf->segment_count; i++) {
		const struct hw_elf_segment *segment = &elf->segments[i];
		uint64_t position = source->image ? segment->address + bias : segment->file_offset;
		size_t size = hw_min(segment->file_size, (uint64_t)NOTES_MAX);
		struct hw_error *error;

		if (segment->type != PT_NOTE)
			continue;
		error = source_read(source, position, bytes, size);
		if (error) {
			hw_error_destroy(error);
			continue;
		}
		if (take_build_id(elf, bytes, size, segment->alignment))
			break;
	}
	return NULL;
}

static struct hw_error *read_elf(const struct source *source, uint64_t base, struct hw_elf *elf)
{
	uint8_t bytes[HW_ELF_HEADER_SIZE];
	struct hw_elf made = { 0 };
	uint64_t bias = 0;
	struct hw_error *error = source_read(source, base, bytes, sizeof(bytes));

	if (error)
		return error;
	if (!hw_elf_header_decode(bytes, sizeof(bytes), &made.header))
		return hw_error_create(HW_ERROR_FORMAT, "not an ELF file");
	error = read_segments(source, base, &made);
	if (!error && (!source->image || hw_elf_bias(&made, base, 1, &bias)))
		error = read_build_id(source, bias, &made);
	if (error) {
		hw_elf_deinit(&made);
		return error;
	}
	*elf = made;
	return NULL;
}

struct hw_error *hw_elf_read_file(int fd, struct hw_elf *elf)
{
	return read_elf(&(struct source){ .fd = fd }, 0, elf);
}

struct hw_error *hw_elf_read_image(const struct hw_image *image, uint64_t base, struct hw_elf *elf)
{
	return read_elf(&(struct source){ .fd = -1, .image = image }, base, elf);
}

void hw_elf_deinit(struct hw_elf *elf)
{
	free(elf->segments);
	elf->segments = NULL;
	elf->segment_count = 0;
}

bool hw_elf_bias(const struct hw_elf *elf, uint64_t base, uint64_t page_size, uint64_t *bias)
{
	for (size_t i = 0; i < elf->segment_count; i++) {
		const struct hw_elf_segment *segment = &elf->segments[i];

		if (segment->type != PT_LOAD || segment->file_offset >= page_size)
			continue;
		*bias = base - (segment->address - segment->file_offset);
		return true;
	}
	return false;
}

void hw_elf_auxv_decode(struct hw_elf_layout layout, const uint8_t *bytes, size_t size, struct hw_auxv *auxv)
{
	struct hw_elf_cursor cursor = { .at = bytes, .layout = layout };

	for (; size >= 2 * layout.word_size; size -= 2 * layout.word_size) {
		uint64_t type = hw_elf_take_word(&cursor), value = hw_elf_take_word(&cursor);

		if (type == AT_NULL)
			break;
		if (type == AT_PHDR)
			auxv->program_headers = value;
		else if (type == AT_SYSINFO_EHDR)
			auxv->vdso = value;
		else if (type == AT_PAGESZ)
			auxv->page_size = value;
		else if (type == AT_EXECFN)
			auxv->file_name = value;
	}
}

static const struct hw_elf_segment *next_load(const struct hw_elf *elf, size_t *index)
{
	while (*index < elf->segment_count) {
		const struct hw_elf_segment *segment = &elf->segments[(*index)++];

		if (segment->type == PT_LOAD)
			return segment;
	}
	return NULL;
}

bool hw_elf_is_file_of(const struct hw_elf *file, const struct hw_elf *object, uint64_t bias)
{
	size_t in_file = 0, in_object = 0;

	if (file->build_id_size || object->build_id_size)
		return file->build_id_size == object->build_id_size &&
		       !memcmp(file->build_id, object->build_id, file->build_id_size);
	for (;;) {
		const struct hw_elf_segment *one = next_load(file, &in_file);
		const struct hw_elf_segment *other = next_load(object, &in_object);

		if (!one || !other)
			return !one && !other;
		if (one->address + bias != other->address || one->file_offset != other->file_offset ||
			one->size != other->size || one->file_size != other->file_size)
			return false;
	}
}
