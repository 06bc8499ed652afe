/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A C++ heap of COUNT chunks, a gigabyte for ten million, as a server has it: objects of some classes, the
 *strings and containers in them, lists between them. Says "ready" and waits for its input to end.
 *
 *	classes COUNT
 */
#include <cstdio>
#include <cstdlib>
#include <list>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

struct Entity {
	explicit Entity(long number) : id(number), name("entity number " + std::to_string(number))
	{
	}
	virtual ~Entity()
	{
	}
	long id;
	Entity *next = nullptr;
	std::string name; /* of 16 letters and more: a chunk of its own */
};

struct Player : Entity {
	using Entity::Entity;
	double position[3] = { 1.5, 2.5, 3.5 };
};

struct Item : Entity {
	using Entity::Entity;
	std::vector<int> prices = { 1, 2, 3 };
};

/* No virtual functions: only its shape tells. */
struct Event {
	long time;
	Entity *subject;
	Event *before;
	int kind, flags;
};

int main(int argc, char **argv)
{
	long count = argc > 1 ? atol(argv[1]) : 1000000, made = 0;
	std::unordered_map<long, Entity *> *by_id = new std::unordered_map<long, Entity *>;
	std::map<long, Event *> *by_time = new std::map<long, Event *>;
	std::list<Entity *> *queue = new std::list<Entity *>;
	Entity *last = nullptr;
	Event *event = nullptr;

	/* Eleven chunks a turn. */
	for (long i = 0; made < count; i++, made += 11) {
		Player *player = new Player(i);
		Item *item = new Item(i);

		player->next = last;
		item->next = player;
		last = item;
		event = new Event{ i, player, event, static_cast<int>(i % 7), 1 };
		(*by_id)[i] = player;
		(*by_time)[i] = event;
		queue->push_back(item);
		event = new Event{ i, item, event, 0, 2 };
		queue->push_back(player);
	}
	puts("ready");
	fflush(stdout);
	return getchar() == EOF ? 0 : static_cast<int>(by_id->size() + by_time->size() + queue->size());
}
