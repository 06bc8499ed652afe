/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The stable names of this layer's enumerations: scripts filter by them, so a name never changes. */
#include "heapwalk/heap.h"

static const char *name_at(const char *const *names, size_t count, unsigned index)
{
	return index < count && names[index] ? names[index] : "unknown";
}

const char *hw_chunk_state_name(enum hw_chunk_state state)
{
	static const char *const names[] = {
		[HW_CHUNK_END] = "end",
		[HW_CHUNK_LIVE] = "live",
		[HW_CHUNK_MMAPPED] = "mmapped",
		[HW_CHUNK_TCACHE] = "tcache",
		[HW_CHUNK_FASTBIN] = "fastbin",
		[HW_CHUNK_UNSORTED] = "unsorted",
		[HW_CHUNK_SMALLBIN] = "smallbin",
		[HW_CHUNK_LARGEBIN] = "largebin",
		[HW_CHUNK_UNBINNED] = "unbinned",
		[HW_CHUNK_TOP] = "top",
		[HW_CHUNK_BOOKKEEPING] = "bookkeeping",
		[HW_CHUNK_SKIPPED] = "skipped",
	};

	return name_at(names, hw_array_size(names), state);
}

const char *hw_content_name(enum hw_content content)
{
	static const char *const names[] = {
		[HW_CONTENT_NONE] = "none",
		[HW_CONTENT_ZERO] = "zero",
		[HW_CONTENT_STRING] = "string",
		[HW_CONTENT_WIDE] = "wide string",
		[HW_CONTENT_CXX] = "C++ class",
		[HW_CONTENT_POINTERS] = "pointers",
		[HW_CONTENT_TEXT_PART] = "text inside",
		[HW_CONTENT_NUMBERS] = "numbers",
		[HW_CONTENT_DATA] = "data",
	};

	return name_at(names, hw_array_size(names), content);
}

const char *hw_anomaly_kind_name(enum hw_anomaly_kind kind)
{
	static const char *const names[] = {
		[HW_ANOMALY_CHUNK_SIZE] = "chunk size",
		[HW_ANOMALY_PREVIOUS_SIZE] = "previous size",
		[HW_ANOMALY_LIST] = "list",
		[HW_ANOMALY_STATE] = "state",
		[HW_ANOMALY_TOP] = "top",
		[HW_ANOMALY_ARENA] = "arena",
		[HW_ANOMALY_MMAPPED] = "mmapped",
		[HW_ANOMALY_UNREADABLE] = "unreadable",
		[HW_ANOMALY_TCACHE] = "tcache",
	};

	return name_at(names, hw_array_size(names), kind);
}

const char *hw_region_kind_name(enum hw_region_kind kind)
{
	static const char *const names[] = {
		[HW_REGION_BRK] = "brk",
		[HW_REGION_EXTENT] = "extent",
		[HW_REGION_HEAP] = "heap",
		[HW_REGION_MMAPPED] = "mmapped",
	};

	return name_at(names, hw_array_size(names), kind);
}

const char *hw_allocator_name(enum hw_allocator allocator)
{
	static const char *const names[] = {
		[HW_ALLOCATOR_GLIBC] = "glibc",
		[HW_ALLOCATOR_UNUSED] = "glibc, unused",
		[HW_ALLOCATOR_WRAPPED] = "glibc, wrapped",
		[HW_ALLOCATOR_UNSEEN] = "not seen",
		[HW_ALLOCATOR_MUSL] = "musl",
		[HW_ALLOCATOR_JEMALLOC] = "jemalloc",
		[HW_ALLOCATOR_TCMALLOC] = "tcmalloc",
		[HW_ALLOCATOR_MIMALLOC] = "mimalloc",
		[HW_ALLOCATOR_SANITIZER] = "a sanitizer's",
		[HW_ALLOCATOR_GO] = "Go runtime",
	};

	return name_at(names, hw_array_size(names), allocator);
}

const char *hw_use_name(enum hw_use use)
{
	static const char *const names[] = {
		[HW_USE_HEAP] = "heap",
		[HW_USE_RESERVED] = "heap reserve",
		[HW_USE_MMAPPED] = "mmapped chunks",
		[HW_USE_STACK] = "stack",
		[HW_USE_OLD_STACK] = "ended thread's stack",
		[HW_USE_DATA] = "static data",
		[HW_USE_FILE] = "file",
		[HW_USE_SHARED] = "shared memory",
		[HW_USE_KERNEL] = "kernel",
		[HW_USE_ANONYMOUS] = "anonymous",
	};

	return name_at(names, hw_array_size(names), use);
}

const char *hw_encoding_name(enum hw_encoding encoding)
{
	static const char *const names[] = {
		[HW_ENCODING_ASCII] = "ASCII",
		[HW_ENCODING_UTF8] = "UTF-8",
		[HW_ENCODING_UTF16LE] = "UTF-16LE",
		[HW_ENCODING_UTF16BE] = "UTF-16BE",
		[HW_ENCODING_UTF32LE] = "UTF-32LE",
		[HW_ENCODING_UTF32BE] = "UTF-32BE",
	};

	return name_at(names, hw_array_size(names), encoding);
}
