# SPDX-License-Identifier: GPL-3.0-or-later
"""Pools of the program's own, against what the program knows of them."""
import contextlib
import http.client
import json
import os
import socket
import subprocess
import tempfile
import unittest

import harness


class Pools(harness.Process):
    """tests/targets/pools.cpp in a scenario; `truth` is a list of dicts."""

    FIELDS = ("record_size", "used", "free", "blocks", "block_size", "name")

    def __init__(self, scenario, program=None):
        super().__init__([program or harness.built("targets", "pools"), scenario])
        self.truth = []
        for line in iter(self.read_line, "ready"):
            values = line.split()[1:]
            self.truth.append(dict(zip(self.FIELDS, [int(value) for value in values[:5]] + [values[5]])))


class PoolTest(harness.TestCase):
    def rows(self, pid, *arguments):
        with harness.unharmed(self, pid):
            done = self.heapwalk("--attach", pid, "--pools", "--format", "json", *arguments)
        return json.loads(done.out)["pools"]

    def check(self, scenario, free_slack=0, program=None):
        """Record size, number in use and of blocks must be exact; free ones may be off by some in a block."""
        with Pools(scenario, program) as target:
            rows = self.rows(target.pid)
            (truth,) = target.truth
        self.assertEqual(1, len(rows), rows)
        for name in ("record_size", "used", "blocks"):
            self.assertEqual(truth[name], rows[0][name], "%s of %s" % (name, rows[0]))
        self.assertLessEqual(abs(truth["free"] - rows[0]["free"]), free_slack * truth["blocks"])
        return rows[0], truth


class RecordsTest(PoolTest):
    def test_objects_with_vtables_in_chunks(self):
        for scenario in ("chunks", "small-chunks"):
            row, truth = self.check(scenario)
            self.assertRegex(row["type"], r"(^|::)%s$" % truth["name"])
            self.assertEqual("strong", row["level"])
            self.assertLess(truth["block_size"], row["block_size"] + 1)

    def test_stripped(self):
        program = harness.built("targets", "pools-stripped")
        subprocess.run(["strip", "-o", program, harness.built("targets", "pools")], check=True)
        row, truth = self.check("chunks", program=program)
        self.assertRegex(row["type"], r"(^|::)%s$" % truth["name"])

    def test_objects_in_a_mapping(self):
        with Pools("mapped") as target:
            (row,) = self.rows(target.pid)
            (truth,) = target.truth
        # What was never touched of a mapping is nobody's.
        self.assertEqual((truth["record_size"], truth["used"], 1), (row["record_size"], row["used"], row["blocks"]))
        self.assertRegex(row["type"], r"(^|::)%s$" % truth["name"])

    def test_records_of_c(self):
        row, _ = self.check("nodes", free_slack=1)
        self.assertEqual("likely", row["level"])
        self.assertIn("ptr->const", row["type"])

    def test_nothing_where_nothing_repeats(self):
        """Arrays of pointers and numbers, noise, blocks of all sizes: a wrong stride is worse than none."""
        with Pools("none") as target:
            self.assertEqual([], self.rows(target.pid))

    def test_chunks_are_named(self):
        with Pools("chunks") as target:
            rows = self.listed(target.pid, "--columns", "address,type,size")
        pools = [row for row in rows.values() if (row["type"] or "").startswith("pool of ")]
        self.assertEqual(15, len(pools), pools)


class Library(harness.Process):
    """tests/targets/libpools.c: `blocks` that it made (address -> size), `count` and `bytes` that it asked for."""

    def __init__(self, which):
        super().__init__([harness.built("targets", "libpools"), which])
        self.blocks = {}
        try:
            for line in iter(self.read_line, "ready"):
                words = line.split()
                if words[0] == "block":
                    self.blocks[int(words[1], 16)] = int(words[2])
                else:
                    self.count, self.bytes = int(words[1]), int(words[2])
        except AssertionError:
            missing = self.process.wait() == 77
            self.abandon()
            if missing:
                raise unittest.SkipTest("the library is not installed")
            raise


class LibrariesTest(PoolTest):
    def by_kind(self, pid):
        rows = {}
        for row in self.rows(pid):
            rows.setdefault(row["pool"], []).append(row)
        return rows

    def test_obstacks(self):
        with Library("obstack") as target:
            rows = self.by_kind(target.pid)
        (obstack,) = rows["obstack"]
        self.assertEqual(len(target.blocks), obstack["blocks"])
        self.assertLessEqual(target.bytes, obstack["bytes"])
        # Structs of 40 bytes, aligned to 16.
        (records,) = rows["records"]
        self.assertEqual((48, 3000), (records["record_size"], records["used"]))

    def test_apr(self):
        with Library("apr") as target:
            (row,) = self.by_kind(target.pid)["apr"]
        used = row["bytes"] * row["in_use"]
        self.assertLessEqual(target.bytes, used)
        # Each pool has a head, and a node that was filled keeps a rest.
        self.assertLess(used, 1.1 * target.bytes)

    def test_talloc(self):
        with Library("talloc") as target:
            (row,) = self.by_kind(target.pid)["records"]
        # A head of 96 bytes and 56 more, aligned to 16; ten of a hundred were freed.
        self.assertEqual((160, 90), (row["record_size"], row["used"]))


NGINX = """daemon off; master_process off; pid {home}/pid; error_log {home}/log;
events {{ worker_connections 200; }}
http {{ access_log off; client_body_temp_path {home}/1; proxy_temp_path {home}/2; fastcgi_temp_path {home}/3;
uwsgi_temp_path {home}/4; scgi_temp_path {home}/5; keepalive_timeout 600;
server {{ listen 127.0.0.1:{port}; location / {{ return 200 "hello"; }} }} }}
"""


class NginxTest(PoolTest):
    @contextlib.contextmanager
    def nginx(self):
        """A running nginx: (pid, port)."""
        program = harness.need("nginx")
        with socket.socket() as probe, tempfile.TemporaryDirectory(prefix="heapwalk-test-") as home:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
            probe.close()
            with open(os.path.join(home, "conf"), "w") as file:
                file.write(NGINX.format(home=home, port=port))
            server = subprocess.Popen([program, "-c", file.name], stderr=subprocess.DEVNULL)
            try:
                harness.wait_until(lambda: self.answers(port), "nginx to answer")
                yield server.pid, port
            finally:
                server.terminate()
                server.wait()

    @staticmethod
    def answers(port):
        try:
            return NginxTest.connect(port)
        except OSError:
            return None

    @staticmethod
    def connect(port):
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("GET", "/")
        connection.getresponse().read()
        return connection

    def test_connections(self):
        with self.nginx() as (pid, port):
            connections = [self.connect(port) for _ in range(60)]
            rows = self.rows(pid)
            for connection in connections:
                connection.close()
        pools = {row["block_size"]: row["blocks"] for row in rows if row["pool"] == "nginx"}
        # connection_pool_size is 512 on 64-bit machines; the one that asked first is gone or idle.
        self.assertIn(pools[520], (60, 61), pools)
        # worker_connections of them were made at the start, in one array.
        self.assertIn(200, [row["used"] for row in rows if row["pool"] == "records" and row["level"] == "likely"])


class PerlTest(PoolTest):
    def test_hash_entries(self):
        """Perl has arenas of 4,080 bytes for everything; an entry of a hash is three pointers (struct he, hv.h)."""
        program = "%h = map { (\"key $_\" => 1) } 1..50000; $| = 1; print \"ready\\n\"; <STDIN>"
        with harness.Process([harness.need("perl"), "-e", program]) as perl:
            perl.read_line()
            rows = self.rows(perl.pid)
        # A few lie in arenas with other things, and Perl has some hashes of its own.
        entries = [row for row in rows if row["record_size"] == 24 and row["level"] == "likely"]
        self.assertTrue(any(abs(row["used"] - 50000) < 1000 for row in entries), rows)


class FormatsTest(PoolTest):
    def test_formats_agree(self):
        with Pools("chunks") as target:
            (row,) = self.rows(target.pid)
            table = self.heapwalk("--attach", target.pid, "--pools").out
            csv = self.heapwalk("--attach", target.pid, "--pools", "--format", "csv").out.splitlines()
        self.assertIn(format(row["used"], ","), table)
        self.assertEqual(row["used"], int(dict(zip(csv[0].split(","), csv[1].split(",")))["used"]))


if __name__ == "__main__":
    unittest.main()
