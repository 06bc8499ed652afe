/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Standard containers of all kinds, in variables, on the stack and in the heap, and things that look like
 * them. Prints what it allocated: a line "ADDRESS BYTES KIND TYPE" a block, then "READY";
 * ends when it is sent a byte.
 *
 * Containers take their memory from an allocator that knows what it is asked for: libstdc++ and libc++ ask it
 * for their own node types. KIND is what the container is declared as.
 */
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <forward_list>
#include <list>
#include <map>
#include <set>
#include <string>
#include <unistd.h>
#include <unordered_map>
#include <unordered_set>
#include <vector>

/* ------------------------------------------------------------------------------------------------ the truth
 */

struct note {
	void *address;
	size_t bytes;
	const char *kind;
	const char *type;
	note *next;
};

static note *notes;

static void remember(void *address, size_t bytes, const char *kind, const char *type)
{
	notes = new note{ address, bytes, kind, type, notes };
}

static void forget(void *address)
{
	note **at = &notes;

	while ((*at)->address != address)
		at = &(*at)->next;
	note *gone = *at;
	*at = gone->next;
	delete gone;
}

template <class T> const char *name_of()
{
	return __PRETTY_FUNCTION__;
}

#define KIND(name)                                                                                           \
	struct name {                                                                                        \
		static constexpr const char *text = #name;                                                   \
	}
KIND(tree);
KIND(list);
KIND(chain);
KIND(hash);
KIND(vector);
KIND(string);
KIND(deque);

template <class T, class Kind> struct noted {
	using value_type = T;
	template <class U> struct rebind {
		using other = noted<U, Kind>;
	};

	noted() = default;
	template <class U> noted(const noted<U, Kind> &)
	{
	}

	T *allocate(size_t count)
	{
		T *made = static_cast<T *>(malloc(count * sizeof(T)));

		remember(made, count * sizeof(T), Kind::text, name_of<T>());
		return made;
	}
	void deallocate(T *gone, size_t)
	{
		forget(gone);
		free(gone);
	}
	friend bool operator==(const noted &, const noted &)
	{
		return true;
	}
	friend bool operator!=(const noted &, const noted &)
	{
		return false;
	}
};

using text = std::basic_string<char, std::char_traits<char>, noted<char, string>>;

struct text_hash {
	size_t operator()(const text &value) const
	{
		size_t sum = 5381;

		for (char letter : value)
			sum = sum * 33 + static_cast<unsigned char>(letter);
		return sum;
	}
};

template <class K, class V> using map_of = std::map<K, V, std::less<K>, noted<std::pair<const K, V>, tree>>;
template <class K, class V>
using multimap_of = std::multimap<K, V, std::less<K>, noted<std::pair<const K, V>, tree>>;
template <class K> using set_of = std::set<K, std::less<K>, noted<K, tree>>;
template <class T> using list_of = std::list<T, noted<T, list>>;
template <class T> using chain_of = std::forward_list<T, noted<T, chain>>;
template <class T> using vector_of = std::vector<T, noted<T, vector>>;
template <class T> using deque_of = std::deque<T, noted<T, deque>>;
template <class K, class V, class H = std::hash<K>>
using hash_of = std::unordered_map<K, V, H, std::equal_to<K>, noted<std::pair<const K, V>, hash>>;
template <class K, class H = std::hash<K>>
using hash_set_of = std::unordered_set<K, H, std::equal_to<K>, noted<K, hash>>;

/* ----------------------------------------------------------------------------------------------- the
 * contents
 */

static uint32_t seed = 12345;

static uint32_t draw()
{
	seed = seed * 1664525 + 1013904223;
	return seed >> 8;
}

static text word(unsigned number)
{
	char buffer[80];

	snprintf(buffer, sizeof(buffer), "a text with the number %u%s", number,
		number % 3 ? "" : " that goes on for a while longer");
	return text(buffer);
}

struct large {
	uint64_t numbers[100];
};

struct everything {
	long before = 0;
	map_of<int, text> names;
	list_of<uint64_t> numbers;
	hash_of<text, int, text_hash> index;
	vector_of<text> texts;
	deque_of<int> queue;
	set_of<char> letters;
	vector_of<vector_of<int>> rows;
};

static void fill(everything &all, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		all.names[static_cast<int>(draw())] = word(i);
		all.numbers.push_back(i);
		all.index[word(i)] = static_cast<int>(i);
		all.texts.push_back(word(draw() % 1000));
		all.queue.push_back(static_cast<int>(i));
		all.letters.insert(static_cast<char>(i));
		all.rows.push_back(vector_of<int>(i % 7, 1));
	}
}

/* As above, by size. */
static everything variable[4];
static everything *chunks[40];

static map_of<int, map_of<int, int>> trees_in_a_tree;
static hash_of<uint64_t, uint64_t> numbers;
static hash_set_of<text, text_hash> words;
static multimap_of<text, large> big_nodes;
static list_of<map_of<int, int>> trees_in_a_list;
static deque_of<large> big_elements;
static deque_of<text> texts;
static deque_of<int> popped;
static chain_of<int> chain_of_numbers;
static map_of<int, int> *tree_alone;
static list_of<size_t> *list_alone;
static list_of<text> *ones_alone[20];
static hash_of<int, int> *hash_alone;

static void fill_variables()
{
	for (int i = 0; i < 300; i++) {
		for (int j = 0; j < i % 5; j++)
			trees_in_a_tree[i][j] = j;
		numbers[draw()] = draw();
		words.insert(word(draw()));
		big_nodes.emplace(word(i % 50), large{});
		chain_of_numbers.push_front(i);
		popped.push_back(i);
		texts.push_back(word(i));
		texts.push_front(word(i));
	}
	for (int i = 0; i < 200; i++)
		popped.pop_front();
	for (int i = 0; i < 30; i++) {
		trees_in_a_list.emplace_back();
		for (int j = 0; j < i; j++)
			trees_in_a_list.back()[static_cast<int>(draw())] = j;
		big_elements.push_back(large{});
	}
	tree_alone = new map_of<int, int>();
	list_alone = new list_of<size_t>();
	hash_alone = new hash_of<int, int>();
	for (int i = 0; i < 1000; i++) {
		(*tree_alone)[static_cast<int>(draw())] = i;
		list_alone->push_back(5000 + draw());
		(*hash_alone)[i] = i;
	}
	for (auto &one : ones_alone) {
		one = new list_of<text>();
		one->push_back("short");
	}
}

/* --------------------------------------------------------------------------------------------------
 * look-alikes
 */

/* C's own: a tree with a count in front, a ring without a number, lists that end with NULL. */
struct c_tree {
	long colour;
	c_tree *parent, *left, *right;
	long value;
};

struct c_list {
	c_list *next, *previous;
	long value;
};

static c_tree *c_root;
static c_list c_ring, *c_line;

template <class T> T *plain(const char *type)
{
	T *made = static_cast<T *>(calloc(1, sizeof(T)));

	remember(made, sizeof(T), "other", type);
	return made;
}

static void grow_c_tree(int count)
{
	for (int i = 0; i < count; i++) {
		c_tree *made = plain<c_tree>("c_tree"), **at = &c_root, *parent = nullptr;

		made->value = draw();
		while (*at) {
			parent = *at;
			at = made->value < parent->value ? &parent->left : &parent->right;
		}
		made->parent = parent;
		*at = made;
	}
}

static void grow_c_lists(int count)
{
	c_ring.next = c_ring.previous = &c_ring;
	for (int i = 0; i < count; i++) {
		c_list *made = plain<c_list>("c_list"), *first = plain<c_list>("c_list");

		made->next = &c_ring;
		made->previous = c_ring.previous;
		made->value = count;
		c_ring.previous->next = made;
		c_ring.previous = made;
		first->next = c_line;
		if (c_line)
			c_line->previous = first;
		c_line = first;
	}
	c_ring.value = 0;
}

/* A table of pointers to pointers, as hash tables of C are. */
static c_list **c_table;

static void fill_c_table(int count)
{
	c_table = static_cast<c_list **>(calloc(static_cast<size_t>(count), sizeof(*c_table)));
	remember(c_table, static_cast<size_t>(count) * sizeof(*c_table), "other", "c_list *[]");
	for (int i = 0; i < count; i++) {
		c_table[i] = plain<c_list>("c_list");
		c_table[i]->value = i;
	}
	c_table[3] = &c_ring;
}

/* -------------------------------------------------------------------------------------------------------
 * main
 */

int main()
{
	everything local[3];
	unsigned sizes[] = { 0, 1, 2, 17, 300 };

	for (unsigned i = 0; i < 4; i++)
		fill(variable[i], sizes[i + 1]);
	for (unsigned i = 0; i < 40; i++) {
		chunks[i] = plain<everything>("everything");
		new (chunks[i]) everything();
		fill(*chunks[i], sizes[i % 5]);
	}
	for (unsigned i = 0; i < 3; i++)
		fill(local[i], sizes[i + 1]);
	fill_variables();
	grow_c_tree(200);
	grow_c_lists(100);
	fill_c_table(53);
	for (const note *at = notes; at; at = at->next)
		printf("%#lx %zu %s %s\n", reinterpret_cast<unsigned long>(at->address), at->bytes, at->kind,
			at->type);
	printf("READY\n");
	fflush(stdout);
	getchar();
	_exit(local[0].before != 0);
}
