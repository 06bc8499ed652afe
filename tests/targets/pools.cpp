/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Pools of the program's own, and what is in them:
 *
 *	pools SCENARIO
 *
 * Prints a line "pool RECORD-SIZE USED FREE BLOCKS BLOCK-SIZE NAME" for each, "ready", and waits for a line.
 * NAME is the class of objects with a vtable, else "-". A BLOCK-SIZE of 0 is a mapping.
 */
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <sys/mman.h>
#include <vector>

namespace
{

/* A pool of slots of one size in blocks, with a list of free ones as most have it. */
struct Slots {
	size_t slot, block, head;
	bool mapped;
	std::vector<char *> blocks;
	void *free_slots = nullptr;
	size_t at = SIZE_MAX, used = 0, capacity = 0;

	Slots(size_t slot_size, size_t block_size, size_t head_size, bool is_mapped)
	    : slot(slot_size), block(block_size), head(head_size), mapped(is_mapped)
	{
	}

	void more()
	{
		void *memory = mapped ? mmap(nullptr, block, PROT_READ | PROT_WRITE,
						MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
				      : malloc(block);

		blocks.push_back(static_cast<char *>(memory));
		memset(memory, 0, block);
		if (head)
			*static_cast<uint64_t *>(memory) = 0xfeedface;
		at = head;
		capacity += (block - head) / slot;
	}

	void *get()
	{
		void *result = free_slots;

		used++;
		if (result) {
			memcpy(&free_slots, result, sizeof(void *));
			return result;
		}
		if (blocks.empty() || at + slot > block)
			more();
		result = blocks.back() + at;
		at += slot;
		return result;
	}

	void put(void *object)
	{
		used--;
		memcpy(object, &free_slots, sizeof(void *));
		free_slots = object;
	}

	void tell(const char *name) const
	{
		printf("pool %zu %zu %zu %zu %zu %s\n", slot, used, capacity - used, blocks.size(),
			mapped ? 0 : block, name);
	}
};

unsigned random_number()
{
	static uint64_t state = 88172645463325252ull;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return static_cast<unsigned>(state >> 20);
}

/* -------------------------------------------------------------------------------------------------- records
 */

class Particle
{
      public:
	Particle *next = nullptr;
	double x = random_number() / 7.0, y = random_number() / 3.0;
	uint32_t id = random_number() % 5000, flags = 3;
	Particle *partner = nullptr;

	virtual ~Particle() = default;
	virtual double energy() const
	{
		return x * x + y * y;
	}
};

struct Node {
	uint32_t hash;
	uint32_t length;
	Node *next;
	const char *name;
	uint64_t counter;
	Node *parent;
};

void *hold; /* so that nothing is optimised away */

void particles(size_t block, bool mapped)
{
	static Slots pool(sizeof(Particle), block, 64, mapped);
	std::vector<Particle *> all;

	for (int i = 0; i < 20000; i++)
		all.push_back(new (pool.get()) Particle);
	for (Particle *particle : all)
		particle->partner = all[random_number() % all.size()];
	for (size_t i = 0; i < all.size(); i += 29) {
		all[i]->~Particle();
		pool.put(all[i]);
	}
	hold = all[1];
	pool.tell("Particle");
}

void nodes()
{
	static const char *const names[] = { "alpha", "beta", "gamma", "delta" };
	static Slots pool(sizeof(Node), 32768, 16, false);
	std::vector<Node *> all;

	for (int i = 0; i < 30000; i++) {
		Node *node = static_cast<Node *>(pool.get());

		*node = Node{ random_number() | 1, random_number() % 100 + 1,
			all.empty() ? nullptr : all.back(), names[random_number() % 4],
			random_number() % 10000ull,
			all.empty() ? nullptr : all[random_number() % all.size()] };
		all.push_back(node);
	}
	hold = all.back();
	pool.tell("-");
}

/* ---------------------------------------------------------------------------------------------- no records
 */

void pointers()
{
	std::vector<void *> table;

	for (int i = 0; i < 20000; i++)
		table.push_back(malloc(24 + random_number() % 40));
	hold = new std::vector<void *>(table);
}

void noise()
{
	for (int i = 0; i < 40; i++) {
		uint32_t *bytes = static_cast<uint32_t *>(malloc(65536));

		for (int j = 0; j < 16384; j++)
			bytes[j] = random_number();
		hold = bytes;
	}
}

void doubles()
{
	double *all = new double[50000];

	for (int i = 0; i < 50000; i++)
		all[i] = random_number() / 13.0;
	hold = all;
}

/* Blocks of all sizes one behind the other, as obstacks and arenas of servers have them. */
void bumped()
{
	for (int i = 0; i < 100; i++) {
		char *block = static_cast<char *>(malloc(16384));
		size_t at = 32;

		memset(block, 0, 16384);
		while (at + 600 < 16384) {
			size_t words = 1 + random_number() % 60;
			uint64_t *object = reinterpret_cast<uint64_t *>(block + at);

			for (size_t j = 0; j < words; j++)
				object[j] = random_number() % 3 ? random_number() % 900
								: reinterpret_cast<uint64_t>(block + at);
			at += words * 8;
		}
		hold = block;
	}
}

void run(const char *scenario)
{
	if (!strcmp(scenario, "chunks"))
		particles(65536, false);
	else if (!strcmp(scenario, "small-chunks"))
		particles(8192, false);
	else if (!strcmp(scenario, "mapped"))
		particles(2 << 20, true);
	else if (!strcmp(scenario, "nodes"))
		nodes();
	else if (!strcmp(scenario, "none")) {
		pointers();
		noise();
		doubles();
		bumped();
	} else
		exit(2);
}

} // namespace

int main(int count, char **arguments)
{
	if (count != 2)
		return 2;
	run(arguments[1]);
	puts("ready");
	fflush(stdout);
	return getchar() == EOF && !hold;
}
