/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Objects of many kinds of classes, each told on standard output as
 *
 *	FIT ADDRESS CLASS
 *
 * where the address is what malloc() returned for its chunk, and FIT is exact, array or prefix; "none" lines
 *are of chunks that hold no object with a vtable at their start. Then "ready", and it waits for its input to
 *end.
 *
 *	classes [LIBRARY]
 */
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#ifdef WITH_PLUGIN
#include <dlfcn.h>
#endif

#include "tests/targets/classes/classes.h"

namespace shapes
{
struct Shape {
	virtual ~Shape()
	{
	}
	virtual double area() const = 0;
	int id = 3;
};

struct Circle : Shape {
	double area() const override
	{
		return radius * radius * 3;
	}
	double radius = 2;
};

/* Derived once more, and larger. */
struct Ring : Circle {
	double area() const override
	{
		return 1;
	}
	double inner[4] = {};
};
} // namespace shapes

/* No functions of its own: the vtable is the class's all the same. */
struct Named {
	virtual ~Named()
	{
	}
	char name[20] = "a name";
};

struct Counted {
	virtual ~Counted()
	{
	}
	virtual int count()
	{
		return 1;
	}
	long references = 1;
};

/* Two vtable pointers: the chunk begins with the first base's, which is the class's own. */
struct Both : Named, Counted {
	int count() override
	{
		return 2;
	}
	int more = 5;
};

/* The base without a vtable comes behind the one with. */
struct Plain {
	long a = 1, b = 2;
};
struct Mixed : Plain, Counted {
	int c = 3;
};

struct Top {
	virtual ~Top()
	{
	}
	long top = 1;
};
struct Left : virtual Top {
	long left = 2;
};
struct Right : virtual Top {
	long right = 3;
};
struct Bottom : Left, Right {
	long bottom = 4;
};
/* Has a virtual base and no virtual function at all. */
struct Only : virtual Plain {
	long only = 5;
};

template <typename T, int N> struct Box {
	virtual ~Box()
	{
	}
	T content[N] = {};
};

namespace
{
struct Hidden {
	virtual ~Hidden()
	{
	}
	long hidden = 1;
};
} // namespace

static void tell(const char *fit, const void *address, const char *name)
{
	printf("%s %p %s\n", fit, address, name);
}

static Counted *make_local()
{
	struct Local : Counted {
		long local[3] = {};
	};
	Local *made = new Local;

	tell("exact", made, "make_local()::Local");
	return made;
}

/* What lies behind the object is not the class's. */
static void *make_larger(size_t more)
{
	void *room = malloc(sizeof(shapes::Circle) + more);

	memset(room, 0, sizeof(shapes::Circle) + more);
	return new (room) shapes::Circle;
}

static void *kept[4096];
static int kept_count;

template <typename T> static T *keep(T *object)
{
	kept[kept_count++] = object;
	return object;
}

static void make_objects()
{
	for (int i = 0; i < 20; i++) {
		tell("exact", keep(new shapes::Circle), "shapes::Circle");
		tell("exact", keep(new shapes::Ring), "shapes::Ring");
		tell("exact", keep(new Both), "Both");
		tell("exact", keep(new Mixed), "Mixed");
		tell("exact", keep(new Left), "Left");
		tell("exact", keep(new Bottom), "Bottom");
		tell("exact", keep(new Only), "Only");
		tell("exact", keep(new Box<int, 9>), "Box<int, 9>");
		tell("exact", keep(new Box<Box<char, 2>, 2>), "Box<Box<char, 2>, 2>");
		tell("exact", keep(new Hidden), "(anonymous namespace)::Hidden");
		keep(make_local());
	}
}

/* An array with destructors has its length before its first element. */
static void make_arrays()
{
	for (int length = 2; length < 6; length++) {
		Both *array = keep(new Both[length]);

		tell("array", reinterpret_cast<size_t *>(array) - 1, "Both");
	}
	std::vector<shapes::Ring> *rings = new std::vector<shapes::Ring>(3);

	tell("array", keep(rings)->data(), "shapes::Ring");
	tell("none", rings, "-");
	tell("prefix", keep(make_larger(300)), "shapes::Circle");
}

/* What must not be taken for an object. */
static void make_others()
{
	void **words;

	tell("none", keep(new Plain), "-");
	words = static_cast<void **>(keep(malloc(64)));
	memset(words, 0, 64);
	words[1] = words;
	memcpy(&words[2], static_cast<void *>(kept[0]), sizeof(void *));
	tell("none", words, "-");
	/* A vtable pointer that is a little off. */
	words = static_cast<void **>(keep(malloc(48)));
	memset(words, 0, 48);
	memcpy(&words[0], static_cast<void *>(kept[0]), sizeof(void *));
	words[0] = static_cast<char *>(words[0]) + 1;
	tell("none", words, "-");
	/* A freed object in a chunk that is in use again. */
	words = reinterpret_cast<void **>(new shapes::Ring);
	delete reinterpret_cast<shapes::Ring *>(words);
	words = static_cast<void **>(keep(malloc(sizeof(shapes::Ring))));
	tell("none", words, "-");
}

int main(int argc, char **argv)
{
	setvbuf(stdout, nullptr, _IONBF, 0);
	make_objects();
	make_arrays();
	make_others();
#ifdef WITH_PLUGIN
	if (argc > 1) {
		void *library = dlopen(argv[1], RTLD_NOW);
		Plugin *(*make)() =
			library ? reinterpret_cast<Plugin *(*)()>(dlsym(library, "make_plugin")) : nullptr;

		if (!make)
			return 1;
		tell("exact", keep(make()), "plugins::Reverb");
	}
#else
	(void)argc, (void)argv;
#endif
	puts("ready");
	getchar();
	return 0;
}
