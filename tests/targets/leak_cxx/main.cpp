/* SPDX-License-Identifier: GPL-3.0-or-later */
/* leak_cxx [SCENARIO]: planted leaks and hidden holders in C++. Without a scenario: their names. See leak.h.
 */
#include "tests/targets/leak/leak.h"

#include <any>
#include <array>
#include <deque>
#include <exception>
#include <forward_list>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <new>
#include <queue>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

/* Every block that operator new gives while a kind is set is noted with that kind. */
static thread_local const char *kind;

void *operator new(size_t size)
{
	void *pointer = malloc(size ? size : 1);

	if (!pointer)
		throw std::bad_alloc();
	if (kind)
		note(pointer, size ? size : 1, kind);
	return pointer;
}

void *operator new[](size_t size)
{
	return operator new(size);
}

NOINLINE void operator delete(void *pointer) noexcept
{
	if (pointer)
		unnote(pointer);
	free(pointer);
}

void operator delete(void *pointer, size_t) noexcept
{
	operator delete(pointer);
}

void operator delete[](void *pointer) noexcept
{
	operator delete(pointer);
}

void operator delete[](void *pointer, size_t) noexcept
{
	operator delete(pointer);
}

void *volatile root;
void *volatile roots[64];

namespace
{

struct kind_scope {
	explicit kind_scope(const char *wanted)
	{
		kind = wanted;
	}
	~kind_scope()
	{
		kind = nullptr;
	}
};

struct Peer {
	std::shared_ptr<Peer> other;
	char payload[50];
};

NOINLINE void shared_cycle()
{
	kind_scope scope("lost");

	for (int i = 0; i < 20; i++) {
		auto first = std::make_shared<Peer>(), second = std::make_shared<Peer>();

		first->other = second;
		second->other = first;
	}
}

NOINLINE void shared_self()
{
	kind_scope scope("definite");
	auto only = std::make_shared<Peer>();

	only->other = only;
}

std::shared_ptr<Peer> *kept;

NOINLINE void shared_kept()
{
	kind_scope scope("held");

	kept = new std::shared_ptr<Peer>(std::make_shared<Peer>());
	(*kept)->other = std::make_shared<Peer>();
	root = kept;
}

struct First {
	virtual ~First() = default;
	long a = 1;
};

struct Second {
	virtual ~Second() = default;
	long b = 2;
};

struct Both : First, Second {
	long c = 3;
};

struct Base {
	virtual ~Base() = default;
	long base = 1;
};

struct Left : virtual Base {
	long left = 2;
};

struct Right : virtual Base {
	long right = 3;
};

struct Diamond : Left, Right {
	long diamond = 4;
};

NOINLINE void multiple_inheritance()
{
	kind_scope scope("reachable");

	for (int i = 0; i < 10; i++)
		roots[i] = static_cast<Second *>(new Both);
	for (int i = 10; i < 20; i++)
		roots[i] = static_cast<Base *>(new Diamond);
	for (int i = 20; i < 30; i++)
		roots[i] = static_cast<Right *>(new Diamond);
}

struct Destructible {
	~Destructible()
	{
		root = this;
	}
	long a, b, c;
};

NOINLINE void new_array()
{
	kind_scope scope("reachable");

	for (int i = 0; i < 20; i++)
		roots[i] = new Destructible[i + 1];
	roots[20] = new Destructible[100000]; /* mmapped */
}

using Text = std::string;

Text long_text(int number)
{
	return "a text that is too long for the small buffer, number " + std::to_string(number);
}

/* One of each container, filled; all nodes come from operator new. */
struct Zoo {
	std::vector<Text> vector;
	std::deque<Text> deque;
	std::list<Text> list;
	std::forward_list<Text> forward_list;
	std::map<int, Text> map;
	std::multimap<int, Text> multimap;
	std::set<Text> set;
	std::multiset<Text> multiset;
	std::unordered_map<int, Text> unordered_map;
	std::unordered_set<Text> unordered_set;
	std::unordered_multimap<int, Text> unordered_multimap;
	std::priority_queue<int> priority_queue;
	std::queue<Text> queue;
	std::vector<bool> bits;
	std::unique_ptr<Text> unique;
	std::shared_ptr<Text> shared;
	std::function<Text()> function;
	std::any any;
	std::variant<int, Text> variant;
	std::tuple<Text, int> tuple;
	std::array<Text, 3> array;

	NOINLINE void fill(int count)
	{
		for (int i = 0; i < count; i++) {
			vector.push_back(long_text(i));
			deque.push_back(long_text(i));
			if (i % 3 == 0)
				deque.pop_front();
			list.push_back(long_text(i));
			forward_list.push_front(long_text(i));
			map[i] = long_text(i);
			multimap.emplace(i / 2, long_text(i));
			set.insert(long_text(i));
			multiset.insert(long_text(i / 2));
			unordered_map[i] = long_text(i);
			unordered_set.insert(long_text(i));
			unordered_multimap.emplace(i / 2, long_text(i));
			priority_queue.push(i);
			queue.push(long_text(i));
			bits.push_back(i & 1);
		}
		fill_singles();
	}

	NOINLINE void fill_singles()
	{
		Text captured = long_text(7);

		unique = std::make_unique<Text>(long_text(1));
		shared = std::make_shared<Text>(long_text(2));
		function = [captured]() { return captured; };
		any = long_text(3);
		variant = long_text(4);
		std::get<0>(tuple) = long_text(5);
		array[1] = long_text(6);
	}
};

/* Inside shared_ptr, deque and vector<bool> only ends or middles may be kept: held, one way or the other. */
NOINLINE void containers_kept()
{
	kind_scope scope("held");
	auto zoo = new Zoo;

	zoo->fill(100);
	root = zoo;
}

alignas(Zoo) char global_zoo[sizeof(Zoo)];

NOINLINE void containers_global()
{
	kind_scope scope("held");

	(new (global_zoo) Zoo)->fill(100);
}

NOINLINE void containers_on_stack()
{
	Zoo zoo;

	{
		kind_scope scope("held");

		zoo.fill(100);
	}
	leak_wait();
}

NOINLINE void containers_lost()
{
	kind_scope scope("lost");
	auto zoo = new Zoo;

	zoo->fill(100);
}

/* One lost container at a time: a ring with its nodes, one block leads it. */
template <typename Container> NOINLINE void lose(int count)
{
	Container *container;

	{
		kind_scope scope("definite");

		container = new Container;
	}
	kind_scope scope("indirect");

	for (int i = 0; i < count; i++)
		container->insert(container->end(), i);
}

NOINLINE void containers_lost_singly()
{
	lose<std::list<int>>(50);
	lose<std::set<int>>(50);
	lose<std::multiset<int>>(50);
	lose<std::vector<int>>(50);
	lose<std::unordered_set<int>>(50);
}

NOINLINE void exception_in_flight()
{
	try {
		kind_scope scope("held");

		throw std::runtime_error(long_text(8));
	} catch (...) {
		leak_wait();
	}
}

std::exception_ptr saved;

NOINLINE void exception_saved()
{
	try {
		throw std::runtime_error(long_text(8));
	} catch (...) {
		saved = std::current_exception();
	}
}

void sit(Zoo *zoo)
{
	scrub();
	roots[0] = zoo;
	for (;;)
		pause();
}

NOINLINE void std_threads()
{
	for (int i = 0; i < 4; i++) {
		std::thread([] {
			Zoo zoo;

			{
				kind_scope scope("held");

				zoo.fill(20);
			}
			sit(&zoo);
		}).detach();
	}
	usleep(200000);
}

thread_local Zoo thread_zoo;

NOINLINE void thread_local_objects()
{
	std::thread([] {
		{
			kind_scope scope("held");

			thread_zoo.fill(20);
		}
		sit(nullptr);
	}).detach();
	kind_scope scope("held");

	thread_zoo.fill(20);
	usleep(200000);
}

const scenario scenarios[] = {
	{ "shared-cycle", shared_cycle },
	{ "shared-self", shared_self },
	{ "shared-kept", shared_kept },
	{ "multiple-inheritance", multiple_inheritance },
	{ "new-array", new_array },
	{ "containers-kept", containers_kept },
	{ "containers-global", containers_global },
	{ "containers-stack", containers_on_stack },
	{ "containers-lost", containers_lost },
	{ "containers-lost-singly", containers_lost_singly },
	{ "exception-in-flight", exception_in_flight },
	{ "exception-saved", exception_saved },
	{ "std-threads", std_threads },
	{ "thread-local-objects", thread_local_objects },
};

} // namespace

int main(int count, char **arguments)
{
	return leak_main(
		scenarios, sizeof(scenarios) / sizeof(scenarios[0]), count > 1 ? arguments[1] : nullptr);
}
