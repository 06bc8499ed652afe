/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A small session server that leaks on purpose.
 *
 *	server             listens on the loopback interface, prints its port, serves until standard input
 *ends server PORT COUNT  a client: COUNT requests over one connection, by some of two hundred users
 *
 * Requests are lines: "LOGIN user", "GET user path", "LOGOUT user". The mistake stands in Sessions::login().
 */
#include <arpa/inet.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>

static const unsigned long CUSTOMERS = 200;

class Session
{
      public:
	explicit Session(const std::string &user)
	    : user(user), last_request("none yet, user " + user + " has just come")
	{
	}
	virtual ~Session() = default;

	virtual std::string get(const std::string &path)
	{
		last_request =
			"GET " + path + " HTTP/1.1; cookie=session-of-" + user + "; lang=en; theme=dark";
		requests++;
		return "page " + path + " for " + user;
	}

      private:
	std::string user;
	std::string last_request;
	unsigned long requests = 0;
	char csrf_token[64] = "";
};

/* Everybody who is logged in. */
class Sessions
{
      public:
	/* Who logs in again without having logged out loses his old session: nobody deletes it. */
	std::string login(const std::string &user)
	{
		std::lock_guard<std::mutex> guard(lock);

		by_user[user] = new Session(user);
		return "welcome " + user;
	}

	std::string get(const std::string &user, const std::string &path)
	{
		std::lock_guard<std::mutex> guard(lock);
		auto found = by_user.find(user);

		return found == by_user.end() ? "who are you?" : found->second->get(path);
	}

	std::string logout(const std::string &user)
	{
		std::lock_guard<std::mutex> guard(lock);
		auto found = by_user.find(user);

		if (found == by_user.end())
			return "who are you?";
		delete found->second;
		by_user.erase(found);
		return "good bye " + user;
	}

      private:
	std::mutex lock;
	std::map<std::string, Session *> by_user;
};

static Sessions sessions;

static std::string answer(const std::string &line)
{
	std::istringstream words(line);
	std::string verb, user, path;

	words >> verb >> user >> path;
	if (verb == "LOGIN")
		return sessions.login(user);
	if (verb == "GET")
		return sessions.get(user, path);
	if (verb == "LOGOUT")
		return sessions.logout(user);
	return "what?";
}

/* Lines in, lines out, until the client hangs up. */
static void serve(int client)
{
	std::unique_ptr<FILE, int (*)(FILE *)> in(fdopen(client, "r+"), fclose);
	char line[512];

	while (in && fgets(line, sizeof(line), in.get())) {
		std::string text = answer(line) + "\n";

		if (send(client, text.data(), text.size(), MSG_NOSIGNAL) < 0)
			break;
	}
}

static sockaddr_in loopback(int port)
{
	sockaddr_in address = {};

	address.sin_family = AF_INET;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	address.sin_port = htons(static_cast<uint16_t>(port));
	return address;
}

static int run_server()
{
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	sockaddr_in address = loopback(0);
	socklen_t length = sizeof(address);
	char byte;

	if (bind(listener, reinterpret_cast<sockaddr *>(&address), length) != 0 ||
		listen(listener, 16) != 0 ||
		getsockname(listener, reinterpret_cast<sockaddr *>(&address), &length) != 0)
		return 1;
	/* Where the kernel lets only a parent look into a process. */
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	printf("%d\n", ntohs(address.sin_port));
	fflush(stdout);
	std::thread([listener] {
		for (int client; (client = accept(listener, nullptr, nullptr)) >= 0;)
			std::thread(serve, client).detach();
	}).detach();
	while (read(STDIN_FILENO, &byte, 1) > 0)
		continue;
	_exit(0);
}

/*
 * Each customer comes for 20 requests, and comes back when all the others have been there. Hardly anybody
 * logs out: most just leave, and log in again the next time.
 */
static std::string request(unsigned long number)
{
	std::string user = "customer-" + std::to_string(number / 20 % CUSTOMERS);

	if (number % 20 == 0)
		return "LOGIN " + user + "\n";
	if (number % 400 == 19)
		return "LOGOUT " + user + "\n";
	return "GET " + user + " /basket/checkout\n";
}

static int run_client(int port, unsigned long count)
{
	sockaddr_in address = loopback(port);
	int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char reply[512];

	if (connect(server, reinterpret_cast<sockaddr *>(&address), sizeof(address)) != 0)
		return 1;
	for (unsigned long i = 0; i < count; i++) {
		std::string text = request(i);

		if (write(server, text.data(), text.size()) < 0 || read(server, reply, sizeof(reply)) <= 0)
			return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	return argc == 3 ? run_client(atoi(argv[1]), strtoul(argv[2], nullptr, 10)) : run_server();
}
