// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * leak_load [SCENARIO]: a small server under load that forgets to free now and then. See leak/leak.h.
 *
 * Memory is used as programs use it: taken with malloc() and filled in in part, given back and taken again as
 * something else, so that stale pointers lie about in it and hide some of what is lost. Beside them stand
 * pointers that look no better and are in use: behind a name within a struct, in a member that is a number in
 * all but a few, in one of a thousand, in a table with holes.
 *
 * The truth: whatever is dropped is written down with all that hangs on it; all the rest is found again at
 * the end, from the globals.
 */
#include "tests/targets/leak/leak.h"

#include <map>
#include <string>
#include <vector>

namespace
{

uint32_t state;

uint32_t any(uint32_t limit)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state % limit;
}

struct attribute {
	char *key;
	char *value;
	attribute *next;
};

struct buffer {
	size_t used;
	char *bytes;
};

/* Starts with text; a pointer follows. */
struct user {
	char name[16];
	attribute *attributes;
	unsigned visits;
};

/* A number in most, a pointer in some; `note` is written only now and then. */
struct job {
	int kind;
	union {
		long number;
		double real;
		char *text;
	} value;
	job *next;
	char note[24];
	void *rare; /* in one of a thousand */
};

struct table {
	unsigned count;
	unsigned capacity;
	user **slots; /* grows by realloc(), is never cleared */
};

struct session {
	long number;
	char peer[32];
	buffer *input;
	buffer *output;
	user *login;
	job *first;
	table friends;
	std::vector<std::string *> lines;
	std::string title;
	session *neighbour;
};

struct shape {
	virtual ~shape() = default;
	long area = 0;
};

struct square : shape {
	char label[16];
	shape *inner;
};

struct circle : shape {
	double radius;
	int unused;
};

const unsigned sessions_most = 1500;
session *sessions[sessions_most];
std::map<std::string, user *> known;
std::vector<shape *> shapes;
struct {
	char name[24];
	job *current;
	user *admin;
} server;

/* What is in use and what was dropped go through the same walk, which writes down what it is told. */
const char *fate;

void mark(void *pointer, size_t size)
{
	if (pointer)
		note(pointer, size, fate);
}

char *copy(const char *text)
{
	size_t size = strlen(text) + 1;

	return static_cast<char *>(memcpy(malloc(size), text, size));
}

char *some_text(unsigned most)
{
	static char text[512];
	unsigned length = 3 + any(most - 3);

	for (unsigned i = 0; i < length; i++)
		text[i] = "etaoin shrdlucmf_gypwb/vk-0123456789"[any(36)];
	text[length] = '\0';
	return text;
}

NOINLINE attribute *make_attributes()
{
	attribute *first = nullptr;

	for (unsigned i = any(4); i-- > 0;) {
		attribute *one = static_cast<attribute *>(malloc(sizeof(*one)));

		one->key = copy(some_text(14));
		one->value = copy(some_text(60));
		one->next = first;
		first = one;
	}
	return first;
}

void mark_attributes(attribute *first)
{
	for (; first; first = first->next) {
		mark(first, sizeof(*first));
		mark(first->key, 1);
		mark(first->value, 1);
	}
}

void drop_attributes(attribute *first)
{
	while (first) {
		attribute *next = first->next;

		free(first->key);
		free(first->value);
		free(first);
		first = next;
	}
}

NOINLINE buffer *make_buffer()
{
	static const size_t sizes[] = { 64, 128, 256, 512, 1024 };
	buffer *made = static_cast<buffer *>(malloc(sizeof(*made)));
	const char *text = some_text(120);
	size_t room = sizes[any(5)], length = strlen(text) + 1;

	made->bytes = static_cast<char *>(malloc(room));
	made->used = length < room ? length : room;
	memcpy(made->bytes, text, made->used);
	made->bytes[made->used - 1] = '\0';
	return made;
}

void mark_buffer(buffer *one)
{
	if (one)
		mark(one->bytes, 1);
	mark(one, sizeof(*one));
}

void drop_buffer(buffer *one)
{
	if (one)
		free(one->bytes);
	free(one);
}

NOINLINE user *make_user()
{
	user *made = static_cast<user *>(malloc(sizeof(*made)));

	snprintf(made->name, sizeof(made->name), "%s", some_text(15));
	made->attributes = make_attributes();
	made->visits = any(100);
	return made;
}

void mark_user(user *one)
{
	mark(one, sizeof(*one));
	if (one)
		mark_attributes(one->attributes);
}

void drop_user(user *one)
{
	if (one)
		drop_attributes(one->attributes);
	free(one);
}

NOINLINE job *make_job()
{
	job *made = static_cast<job *>(malloc(sizeof(*made)));

	made->kind = static_cast<int>(any(3));
	if (made->kind == 0)
		made->value.number = any(1000000);
	else if (made->kind == 1)
		made->value.real = any(1000000) / 7.0;
	else
		made->value.text = any(10) ? nullptr : copy(some_text(40));
	if (!any(3))
		snprintf(made->note, sizeof(made->note), "%s", some_text(23));
	made->rare = any(1000) ? nullptr : malloc(40 + any(100));
	made->next = nullptr;
	return made;
}

void mark_job(job *one)
{
	mark(one, sizeof(*one));
	if (one->kind == 2)
		mark(one->value.text, 1);
	mark(one->rare, 40);
}

void drop_job(job *one)
{
	if (one->kind == 2)
		free(one->value.text);
	free(one->rare);
	free(one);
}

NOINLINE void befriend(table *friends, user *one)
{
	if (friends->count == friends->capacity) {
		friends->capacity = friends->capacity ? 2 * friends->capacity : 4;
		friends->slots =
			static_cast<user **>(realloc(friends->slots, friends->capacity * sizeof(user *)));
	}
	friends->slots[friends->count++] = one;
}

NOINLINE session *make_session(long number)
{
	session *made = new session;

	made->number = number;
	snprintf(made->peer, sizeof(made->peer), "10.%u.%u.%u", any(256), any(256), any(256));
	made->input = make_buffer();
	made->output = any(2) ? make_buffer() : nullptr;
	made->login = make_user();
	made->first = nullptr;
	made->friends = table();
	made->neighbour = nullptr;
	if (!any(3))
		made->title = some_text(60);
	return made;
}

/* The session itself, its strings and vectors. */
void mark_session(session *one)
{
	mark(one, sizeof(*one));
	mark_buffer(one->input);
	mark_buffer(one->output);
	mark_user(one->login);
	for (job *each = one->first; each; each = each->next)
		mark_job(each);
	for (unsigned i = 0; i < one->friends.count; i++)
		mark_user(one->friends.slots[i]);
	mark(one->friends.slots, 1);
	for (std::string *line : one->lines) {
		mark(line, sizeof(*line));
		if (line->capacity() > 15)
			mark(const_cast<char *>(line->data()), 1);
	}
	if (one->lines.capacity())
		mark(one->lines.data(), 1);
	if (one->title.capacity() > 15)
		mark(const_cast<char *>(one->title.data()), 1);
}

/* Gives a session back, and forgets a part of it once in a while. */
NOINLINE void close_session(session *one, unsigned leaky)
{
	fate = "lost";
	if (!any(leaky))
		mark_attributes(one->login->attributes);
	else
		drop_attributes(one->login->attributes);
	free(one->login);
	if (!any(leaky))
		mark_buffer(one->input);
	else
		drop_buffer(one->input);
	drop_buffer(one->output);
	while (one->first) {
		job *next = one->first->next;

		if (!any(leaky)) {
			one->first->next = nullptr;
			mark_job(one->first);
		} else {
			drop_job(one->first);
		}
		one->first = next;
	}
	for (unsigned i = 0; i < one->friends.count; i++) {
		if (!any(leaky))
			mark_user(one->friends.slots[i]);
		else
			drop_user(one->friends.slots[i]);
	}
	free(one->friends.slots);
	for (std::string *line : one->lines)
		delete line;
	delete one;
}

NOINLINE void forget_session(session *one)
{
	fate = "lost";
	mark_session(one);
}

NOINLINE void work_on(session *one)
{
	job *made;

	switch (any(7)) {
	case 0:
		made = make_job();
		made->next = one->first;
		one->first = made;
		break;
	case 1:
		befriend(&one->friends, make_user());
		break;
	case 2:
		if (one->friends.count)
			drop_user(one->friends.slots[--one->friends.count]);
		break;
	case 3:
		one->lines.push_back(new std::string(some_text(60)));
		break;
	case 4:
		if (one->lines.size()) {
			delete one->lines.back();
			one->lines.pop_back();
		}
		break;
	case 5:
		drop_buffer(one->output);
		one->output = make_buffer();
		break;
	default:
		if (one->first) {
			made = one->first;
			one->first = made->next;
			drop_job(made);
		}
	}
}

NOINLINE void draw()
{
	if (any(2)) {
		square *made = new square;

		snprintf(made->label, sizeof(made->label), "%s", some_text(12));
		made->inner = any(3) ? nullptr : new circle;
		shapes.push_back(made);
	} else {
		shapes.push_back(new circle);
	}
}

NOINLINE void wipe(unsigned leaky)
{
	square *box = dynamic_cast<square *>(shapes.back());

	fate = "lost";
	if (box && any(leaky))
		delete box->inner;
	else if (box)
		mark(box->inner, sizeof(circle));
	delete shapes.back();
	shapes.pop_back();
}

void mark_shapes()
{
	for (shape *one : shapes) {
		square *box = dynamic_cast<square *>(one);

		mark(one, 1);
		if (box)
			mark(box->inner, sizeof(circle));
	}
	if (shapes.capacity())
		mark(shapes.data(), 1);
}

/* Known by name: some names have nobody. */
NOINLINE void meet()
{
	user *&place = known[some_text(20)];

	if (!place && any(2))
		place = make_user();
}

NOINLINE void part(unsigned leaky)
{
	auto first = known.begin();

	fate = "lost";
	if (any(leaky))
		drop_user(first->second);
	else
		mark_user(first->second);
	known.erase(first);
}

void mark_known()
{
	for (auto &each : known) {
		mark_user(each.second);
		if (each.first.capacity() > 15)
			mark(const_cast<char *>(each.first.data()), 1);
	}
}

void mark_all()
{
	fate = "reachable";
	for (session *one : sessions) {
		if (one)
			mark_session(one);
	}
	mark_shapes();
	mark_known();
	mark_user(server.admin);
	for (job *each = server.current; each; each = each->next)
		mark_job(each);
}

NOINLINE void serve(unsigned rounds, unsigned leaky)
{
	for (unsigned round = 0; round < rounds; round++) {
		session **slot = &sessions[any(sessions_most)];

		if (!any(10))
			shapes.size() < 2000 && (shapes.empty() || any(2)) ? draw() : wipe(leaky);
		if (!any(10))
			known.size() < 800 ? meet() : part(leaky);
		if (!*slot) {
			*slot = make_session(round);
		} else if (any(20)) {
			work_on(*slot);
		} else {
			if (any(leaky))
				close_session(*slot, leaky);
			else
				forget_session(*slot);
			*slot = nullptr;
		}
	}
}

/* The scenarios differ in where chance starts, how much is forgotten, and how long it goes on. */
void load(uint32_t seed, unsigned rounds, unsigned leaky)
{
	state = seed;
	snprintf(server.name, sizeof(server.name), "the server");
	server.current = make_job();
	server.admin = make_user();
	serve(rounds, leaky);
	mark_all();
}

NOINLINE void often()
{
	load(2463534242u, 200000, 20);
}

NOINLINE void seldom()
{
	load(88675123u, 200000, 100);
}

NOINLINE void never()
{
	load(521288629u, 200000, 1u << 31);
}

NOINLINE void briefly()
{
	load(362436069u, 20000, 10);
}

const scenario scenarios[] = {
	{ "often", often },
	{ "seldom", seldom },
	{ "never", never },
	{ "briefly", briefly },
};
} // namespace

int main(int count, char **arguments)
{
	return leak_main(
		scenarios, sizeof(scenarios) / sizeof(scenarios[0]), count > 1 ? arguments[1] : nullptr);
}
