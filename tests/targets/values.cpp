/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * values: objects with members of every kind, for typed dumps and explanations.
 *
 * Prints where they are as one line of JSON, then waits for a line.
 */
#include <cstdio>
#include <cstdlib>
#include <string>

enum Colour { RED, GREEN, BLUE };

struct Point {
	int x;
	int y;
};

struct Base {
	long serial;
};

struct Session : Base {
	int id;
	bool ok;
	char letter;
	std::string name;
	std::string note;
	Session *next;
	double ratio;
	float half;
	unsigned flags : 3;
	unsigned mode : 5;
	int small : 4;
	Colour colour;
	char tag[8];
	unsigned char raw[4];
	int numbers[12];
	Point point;
	Point corners[2];
	union {
		int as_int;
		unsigned char as_bytes[4];
	} either;
	void (*handler)(int);
	const char *text;
	Point *nowhere;
};

struct Hidden {
	long key;
	Session *session;
	Point *point;
};

Session *g_first;
void *g_hidden[64];
Point **g_points;

void handle(int)
{
}

static Session *make(int id, Session *next)
{
	Session *made = new Session();

	made->serial = 1000 + id;
	made->id = -id;
	made->ok = id % 2;
	made->letter = 'q';
	made->name = "bob";
	made->note = "a note that is too long to lie inside of the string itself";
	made->next = next;
	made->ratio = 2.5;
	made->half = 0.5F;
	made->flags = 5;
	made->mode = 17;
	made->small = -3;
	made->colour = BLUE;
	for (int i = 0; i < 7; i++)
		made->tag[i] = (char)("SESSION"[i]);
	for (int i = 0; i < 12; i++)
		made->numbers[i] = i * i;
	made->raw[0] = 200;
	made->point = { 3, -4 };
	made->corners[1] = { 7, 8 };
	made->either.as_int = 0x01020304;
	made->handler = handle;
	made->text = "constant text";
	return made;
}

static Hidden *hide(long key, Session *session, Point *point)
{
	return new Hidden{ key, session, point };
}

int main()
{
	g_first = make(7, make(8, nullptr));
	g_points = (Point **)calloc(3, sizeof(*g_points));
	for (int i = 0; i < 3; i++)
		g_points[i] = new Point{ i, 10 * i };
	Session *third = make(9, nullptr);

	for (int i = 0; i < 64; i++)
		g_hidden[i] = hide(5000 + i, third, new Point{ i, i });
	std::printf("{\"first\": \"%p\", \"second\": \"%p\", \"points\": \"%p\", \"point\": \"%p\", "
		    "\"hidden\": \"%p\"}\n",
		(void *)g_first, (void *)g_first->next, (void *)g_points, (void *)g_points[2], g_hidden[9]);
	std::fflush(stdout);
	return std::getchar() == EOF;
}
