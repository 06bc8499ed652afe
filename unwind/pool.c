/* SPDX-License-Identifier: GPL-3.0-or-later */
/* String pool and number map. */
#include "unwind/pool.h"

#define BLOCK_SIZE 65536

void hw_pool_deinit(struct hw_pool *pool)
{
	for (size_t i = 0; i < pool->block_count; i++)
		free(pool->blocks[i]);
	free(pool->blocks);
	memset(pool, 0, sizeof(*pool));
}

static char *pool_allocate(struct hw_pool *pool, size_t size)
{
	char **slot;
	size_t block;

	if (pool->block_count && size <= pool->size - pool->used) {
		pool->used += size;
		return pool->blocks[pool->block_count - 1] + pool->used - size;
	}
	block = hw_max(size, (size_t)BLOCK_SIZE);
	slot = hw_array_next(pool->blocks, pool->block_count, pool->block_capacity);
	if (!slot)
		return NULL;
	*slot = malloc(block);
	if (!*slot)
		return NULL;
	pool->block_count++;
	pool->size = block;
	pool->used = size;
	return *slot;
}

const char *hw_pool_join(struct hw_pool *pool, const char *first, const char *between, const char *last)
{
	size_t lengths[] = { strlen(first), strlen(between), strlen(last) };
	char *joined = pool_allocate(pool, lengths[0] + lengths[1] + lengths[2] + 1);

	if (!joined)
		return NULL;
	memcpy(joined, first, lengths[0]);
	memcpy(joined + lengths[0], between, lengths[1]);
	memcpy(joined + lengths[0] + lengths[1], last, lengths[2] + 1);
	return joined;
}

void hw_pool_drop(struct hw_pool *pool, const char *last)
{
	pool->used = (size_t)(last - pool->blocks[pool->block_count - 1]);
}

void hw_id_map_deinit(struct hw_id_map *map)
{
	free(map->keys);
	free(map->values);
	memset(map, 0, sizeof(*map));
}

/* splitmix64's finisher (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014). */
static uint64_t mix(uint64_t value)
{
	value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
	return value ^ value >> 31;
}

/* The slot that holds `key` or the empty one where it would go. */
static size_t find_slot(const uint64_t *keys, size_t capacity, uint64_t key)
{
	size_t slot = mix(key) & (capacity - 1);

	while (keys[slot] && keys[slot] != key)
		slot = (slot + 1) & (capacity - 1);
	return slot;
}

static bool grow(struct hw_id_map *map)
{
	size_t capacity = map->capacity ? map->capacity * 2 : 256;
	hw_autofree uint64_t *keys = calloc(capacity, sizeof(*keys));
	hw_autofree uint32_t *values = calloc(capacity, sizeof(*values));

	if (!keys || !values)
		return false;
	for (size_t i = 0; i < map->capacity; i++) {
		size_t slot;

		if (!map->keys[i])
			continue;
		slot = find_slot(keys, capacity, map->keys[i]);
		keys[slot] = map->keys[i];
		values[slot] = map->values[i];
	}
	free(map->keys);
	free(map->values);
	map->keys = hw_take(&keys);
	map->values = hw_take(&values);
	map->capacity = capacity;
	return true;
}

bool hw_id_map_set(struct hw_id_map *map, uint64_t key, uint32_t value)
{
	size_t slot;

	if (map->count * 4 >= map->capacity * 3 && !grow(map))
		return false;
	slot = find_slot(map->keys, map->capacity, key);
	map->count += !map->keys[slot];
	map->keys[slot] = key;
	map->values[slot] = value;
	return true;
}

bool hw_id_map_get(const struct hw_id_map *map, uint64_t key, uint32_t *value)
{
	size_t slot;

	if (!map->count)
		return false;
	slot = find_slot(map->keys, map->capacity, key);
	if (!map->keys[slot])
		return false;
	*value = map->values[slot];
	return true;
}

uint64_t hw_hash_number(uint64_t hash, uint64_t number)
{
	hash = mix(hash ^ number) + HW_HASH_START;
	return hash ? hash : 1;
}

uint64_t hw_hash_string(uint64_t hash, const char *string)
{
	size_t length = strlen(string), i = 0;
	uint64_t word;

	for (; i + sizeof(word) <= length; i += sizeof(word)) {
		memcpy(&word, string + i, sizeof(word));
		hash = hw_hash_number(hash, word);
	}
	word = 0;
	memcpy(&word, string + i, length - i);
	return hw_hash_number(hw_hash_number(hash, word), length);
}
