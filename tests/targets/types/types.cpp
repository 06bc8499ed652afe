/* SPDX-License-Identifier: GPL-3.0-or-later */
namespace
{
struct Hidden {
	int first, second;
};
} // namespace

/*
 * A program that prints what it knows of its own types and variables, tab-separated, then "ready", and ends
 * when its standard input does:
 *
 *	struct	NAME	SIZE
 *	member	STRUCT	NAME	OFFSET	SIZE
 *	variable	NAME	ADDRESS	SIZE
 */
#include <cstddef>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <unistd.h>
#include <vector>

#include "types.h"

namespace
{
Hidden hidden_here = { 1, 2 };
}

namespace shop
{
enum class Colour : short { red, green };

struct Base {
	virtual ~Base()
	{
	}
	int base_value = 1;
	static int counter;
};
int Base::counter = 7;

struct Other {
	virtual ~Other()
	{
	}
	long other_value = 2;
};

struct Derived : Base, Other {
	char derived_value = 'd';
	struct Inner {
		Derived *owner;
		short weights[3][2];
	} inner[2];
};

struct Diamond : virtual Base {
	int diamond_value = 3;
};

template <typename T> struct Box {
	T content;
	Box *next;
	Colour colour;
};

typedef struct {
	int width, height;
} Size;

struct Session {
	int id;
	std::string name;
	Session *next;
	Elsewhere *elsewhere;
	Nowhere *nowhere;
	std::vector<int> numbers;
	std::map<int, std::string> names;
	std::unique_ptr<Base> owned;
	union {
		long number;
		double real;
	};
	Size size;
	int Derived::*pointer_to_member;
	void (Derived::*pointer_to_function)();
	bool flag;
	char tail[];
};

std::map<int, Session *> table;
Box<int> box_of_int;
Box<Box<double>> box_of_box;
Derived derived;
Diamond diamond;
inline int inline_variable = 5;
thread_local int thread_variable = 6;
Session *first_session;

static int count()
{
	static int calls = 3;

	printf("variable\tshop::count::calls\t%p\t%zu\n", (void *)&calls, sizeof(calls));
	return ++calls;
}
} // namespace shop

#define STRUCT(type) printf("struct\t%s\t%zu\n", #type, sizeof(type))
#define MEMBER(type, member)                                                                                 \
	printf("member\t%s\t%s\t%zu\t%zu\n", #type, #member, offsetof(type, member),                         \
		sizeof(((type *)0)->member))
#define VARIABLE(name) printf("variable\t%s\t%p\t%zu\n", #name, (void *)&name, sizeof(name))

static void print_types()
{
	STRUCT(shop::Base);
	MEMBER(shop::Base, base_value);
	STRUCT(shop::Derived);
	MEMBER(shop::Derived, derived_value);
	MEMBER(shop::Derived, inner);
	STRUCT(shop::Derived::Inner);
	MEMBER(shop::Derived::Inner, owner);
	MEMBER(shop::Derived::Inner, weights);
	STRUCT(shop::Diamond);
	MEMBER(shop::Diamond, diamond_value);
	STRUCT(shop::Box<int>);
	MEMBER(shop::Box<int>, content);
	MEMBER(shop::Box<int>, next);
	MEMBER(shop::Box<int>, colour);
	STRUCT(shop::Box<shop::Box<double>>);
	MEMBER(shop::Box<shop::Box<double>>, content);
	MEMBER(shop::Box<shop::Box<double>>, next);
	STRUCT(shop::Size);
	MEMBER(shop::Size, width);
	MEMBER(shop::Size, height);
}

static void print_session()
{
	using shop::Session;

	STRUCT(shop::Session);
	MEMBER(shop::Session, id);
	MEMBER(shop::Session, name);
	MEMBER(shop::Session, next);
	MEMBER(shop::Session, elsewhere);
	MEMBER(shop::Session, nowhere);
	MEMBER(shop::Session, numbers);
	MEMBER(shop::Session, names);
	MEMBER(shop::Session, owned);
	MEMBER(shop::Session, size);
	MEMBER(shop::Session, pointer_to_member);
	MEMBER(shop::Session, pointer_to_function);
	MEMBER(shop::Session, flag);
	printf("member\tshop::Session\ttail\t%zu\t0\n", offsetof(Session, tail));
}

static void print_variables()
{
	VARIABLE(shop::table);
	VARIABLE(shop::box_of_int);
	VARIABLE(shop::box_of_box);
	VARIABLE(shop::derived);
	VARIABLE(shop::diamond);
	VARIABLE(shop::inline_variable);
	VARIABLE(shop::first_session);
	VARIABLE(shop::Base::counter);
	printf("variable\t(anonymous namespace)::hidden_here\t%p\t%zu\n", (void *)&hidden_here,
		sizeof(hidden_here));
	print_others();
}

int main()
{
	char byte;

	print_types();
	print_session();
	print_variables();
	shop::count();
	printf("ready\n");
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		shop::thread_variable++;
	return shop::first_session != nullptr;
}
