# SPDX-License-Identifier: GPL-3.0-or-later
"""A real server under load, inspected again and again, and heapwalk killed in the middle: no request notices."""
import contextlib
import http.client
import os
import random
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import harness
import test_freeze

NGINX = """worker_processes 3; daemon off; pid {home}/pid; error_log {home}/errors; events {{ worker_connections 64; }}
http {{ access_log off; client_body_temp_path {home}/1; proxy_temp_path {home}/2; fastcgi_temp_path {home}/3;
uwsgi_temp_path {home}/4; scgi_temp_path {home}/5;
server {{ listen 127.0.0.1:{port}; location / {{ return 200 "{body}"; }} }} }}
"""
BODY = "all is well " * 300


class Client(threading.Thread):
    """Asks all the time and notes what is wrong."""

    def __init__(self, port):
        super().__init__()
        self.port, self.answers, self.wrong, self.ended = port, 0, [], False

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=harness.PATIENCE)
        while not self.ended:
            try:
                connection.request("GET", "/")
                if connection.getresponse().read().decode() != BODY:
                    self.wrong.append("another answer")
                self.answers += 1
            except (OSError, http.client.HTTPException) as error:
                self.wrong.append(repr(error))
                connection.close()
            time.sleep(0.002)
        connection.close()


class NginxTest(harness.TestCase):
    @contextlib.contextmanager
    def server(self):
        """A running nginx and its port."""
        program = harness.need("nginx")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        with tempfile.TemporaryDirectory(prefix="heapwalk-nginx-") as home:
            with open(os.path.join(home, "conf"), "w") as file:
                file.write(NGINX.format(home=home, port=port, body=BODY))
            with subprocess.Popen([program, "-p", home, "-c", file.name], stderr=subprocess.DEVNULL) as server:
                try:
                    harness.wait_until(lambda: self.answers(port), "nginx does not answer")
                    yield server, port
                finally:
                    server.terminate()
                    self.assertEqual(0, server.wait(harness.PATIENCE))

    @staticmethod
    def answers(port):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return True
        return False

    def inspect(self, pid, generator, home):
        """Runs heapwalk, and more often than not kills it; its exit status."""
        tool = subprocess.Popen([harness.HEAPWALK, "--attach", str(pid), "--freeze", generator.choice(("fork", "hold"))],
                                stdout=subprocess.DEVNULL, env=dict(os.environ, XDG_STATE_HOME=home))
        if generator.random() < 0.7:
            time.sleep(generator.uniform(0, 0.08))
            tool.kill()
        return tool.wait(harness.PATIENCE)

    def test_under_load(self):
        generator = random.Random(7)
        statuses = {}
        with self.server() as (server, port), tempfile.TemporaryDirectory() as home:
            harness.wait_until(lambda: len(harness.children_of(server.pid)) == 3, "no workers")
            workers = harness.children_of(server.pid)
            clients = [Client(port) for _ in range(4)]
            for client in clients:
                client.start()
            try:
                for _ in range(80):
                    status = self.inspect(generator.choice([server.pid, *workers]), generator, home)
                    statuses[status] = statuses.get(status, 0) + 1
                for pid in workers:
                    harness.wait_until(lambda: not test_freeze.helpers_of(pid), "still traced")
                    harness.wait_until(lambda: not harness.children_of(pid), "children left behind")
            finally:
                for client in clients:
                    client.ended = True
                    client.join()
            self.assertEqual(workers, harness.children_of(server.pid), "a worker was replaced")
        self.assertEqual([], sum((client.wrong for client in clients), []))
        self.assertGreater(min(client.answers for client in clients), 0)
        self.assertLessEqual(set(statuses), {0, -9})
        harness.note("%d requests; statuses %s" % (sum(client.answers for client in clients), statuses))


if __name__ == "__main__":
    unittest.main()
