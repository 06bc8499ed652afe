# SPDX-License-Identifier: GPL-3.0-or-later
"""Where debug information comes from, what is said where it is missing, and that nothing is fetched unasked."""
import contextlib
import http.server
import json
import lzma
import os
import shutil
import subprocess
import tempfile
import threading

import harness
from test_explain import Values


def objcopy(*arguments):
    subprocess.run(["objcopy", *arguments], check=True)


def build_id(program):
    notes = subprocess.run(["readelf", "-n", program], capture_output=True, check=True).stdout.decode()
    return notes.split("Build ID:")[1].split()[0]


class Server(contextlib.AbstractContextManager):
    """A debuginfod that has one file. `asked`: the paths that somebody wanted."""

    def __init__(self, identity, path):
        self.asked = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append(self.path)
                if self.path != "/buildid/%s/debuginfo" % identity:
                    self.send_error(404)
                    return
                with open(path, "rb") as file:
                    data = file.read()
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d" % self.server.server_port
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class DebuginfoTest(harness.TestCase):
    def types(self, pid, **environment):
        run = harness.run("--attach", pid, "--types", "--format", "json", env=environment)
        self.assertEqual(run.status, 0, str(run))
        document = json.loads(run.out)
        return {row["type"] for row in document["types"]}, document["without_debug_information"]

    def test_debuginfod_only_when_the_user_says_so(self):
        with tempfile.TemporaryDirectory() as directory:
            program = shutil.copy(harness.built("targets", "values"), directory)
            debug = os.path.join(directory, "debug")
            objcopy("--only-keep-debug", program, debug)
            objcopy("--strip-all", program)
            with Server(build_id(program), debug) as server, Values(program) as target:
                names, missing = self.types(target.pid, DEBUGINFOD_URLS="")
                self.assertEqual(server.asked, [], "asked without being told to")
                self.assertNotIn("Session", names)
                self.assertIn(program, [row["module"] for row in missing])
                names, missing = self.types(target.pid, DEBUGINFOD_URLS=server.url)
                self.assertTrue(server.asked)
                self.assertIn("Session", names)
                self.assertNotIn(program, [row["module"] for row in missing])

    def test_mini_debug_information(self):
        """.gnu_debugdata: the symbols of a stripped program, compressed within it, as Fedora ships them."""
        with tempfile.TemporaryDirectory() as directory:
            program = shutil.copy(harness.built("targets", "values"), directory)
            mini = os.path.join(directory, "mini")
            objcopy("-S", "--remove-section=.gdb_index", "--remove-section=.comment", "--strip-debug", program, mini)
            objcopy("--only-keep-debug", "--strip-debug", program, mini)
            with open(mini, "rb") as file, open(mini + ".xz", "wb") as compressed:
                compressed.write(lzma.compress(file.read(), format=lzma.FORMAT_XZ))
            objcopy("--strip-all", program)
            with Values(program) as target:
                bare = harness.run("--attach", target.pid, "--dump", "--limit", "0").out
            objcopy("--add-section", ".gnu_debugdata=" + mini + ".xz", program)
            with Values(program) as target:
                named = harness.run("--attach", target.pid, "--dump", "--limit", "0").out
        self.assertNotIn("handle(int)", bare)
        self.assertIn("handle(int)", named)

    def test_packages_are_named(self):
        """Of a program from a package; its own package manager says which."""
        sqlite = harness.need("sqlite3")
        dpkg = harness.need("dpkg-query")
        package = subprocess.run([dpkg, "-S", sqlite], capture_output=True, text=True, check=True).stdout.split(":")[0]
        process = subprocess.Popen([sqlite, "-batch", ":memory:"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            process.stdin.write(b"create table t(a); insert into t values (1); select 'READY';\n")
            process.stdin.flush()
            process.stdout.readline()
            _, missing = self.types(process.pid)
            text = harness.run("--attach", process.pid, "--types").out
        finally:
            process.communicate()
        described = {row["module"]: row["package"] for row in missing}
        if sqlite not in described:
            self.skipTest("sqlite3's debug information is installed")
        self.assertEqual(described[sqlite], package + "-dbgsym")
        self.assertIn("sqlite3: usually in the package %s-dbgsym" % package, text)

    def test_a_file_of_no_package(self):
        with tempfile.TemporaryDirectory() as directory:
            program = shutil.copy(harness.built("targets", "values"), os.path.join(directory, "values*[of] mine"))
            objcopy("--strip-all", program)
            with Values(program) as target:
                _, missing = self.types(target.pid)
        self.assertIn((program, None), [(row["module"], row["package"]) for row in missing])


if __name__ == "__main__":
    harness.unittest.main()
