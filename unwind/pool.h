/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Strings that are all released at once, and a map from 64-bit keys to numbers. Private to unwind/. */
#ifndef HW_UNWIND_POOL_H
#define HW_UNWIND_POOL_H

#include "inspector/util.h"

/* Zeroed: empty and valid. */
struct hw_pool {
	char **blocks;
	size_t block_count;
	size_t block_capacity;
	size_t used; /* of the last block */
	size_t size;
};

void hw_pool_deinit(struct hw_pool *pool);

/* `first`, `between` and `last` in one string that lives as long as the pool; NULL: memory is short. */
const char *hw_pool_join(struct hw_pool *pool, const char *first, const char *between, const char *last);

/* Takes back the string that was joined last, which nobody may use any more. */
void hw_pool_drop(struct hw_pool *pool, const char *last);

/* Open addressing; key 0 cannot be stored. Zeroed: empty and valid. */
struct hw_id_map {
	uint64_t *keys;
	uint32_t *values;
	size_t count;
	size_t capacity;
};

void hw_id_map_deinit(struct hw_id_map *map);

/* False: memory is short. An existing key gets the new value. */
bool hw_id_map_set(struct hw_id_map *map, uint64_t key, uint32_t value) hw_must_check;
bool hw_id_map_get(const struct hw_id_map *map, uint64_t key, uint32_t *value);

/* A hash that can go on: begin with HW_HASH_START. Never 0 after at least one step. */
#define HW_HASH_START UINT64_C(0x9e3779b97f4a7c15)
uint64_t hw_hash_number(uint64_t hash, uint64_t number);
uint64_t hw_hash_string(uint64_t hash, const char *string);

#endif
