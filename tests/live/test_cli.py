# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user types and sees: options, formats, files, signals, messages."""
import contextlib
import csv
import io
import json
import os
import pty
import random
import re
import select
import signal
import stat
import subprocess
import tempfile
import time
import unittest

import harness

SIZE_UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


def read_file(*names):
    with open(os.path.join(harness.ROOT, *names), encoding="utf-8") as file:
        return file.read()


class CliTest(harness.TestCase):
    """Shared: a target for as long as the class lasts, and a state directory for as long as a test lasts."""

    scenario = "plain"

    @classmethod
    def setUpClass(cls):
        cls.stack = contextlib.ExitStack()
        cls.target = cls.stack.enter_context(harness.Factory(cls.scenario))

    @classmethod
    def tearDownClass(cls):
        cls.stack.close()

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="heapwalk-cli-")
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        self.env = {"XDG_STATE_HOME": os.path.join(self.directory, "state")}

    def path(self, name):
        return os.path.join(self.directory, name)

    def start(self, *arguments, **popen):
        popen.setdefault("stdout", subprocess.PIPE)
        popen.setdefault("stderr", subprocess.PIPE)
        return subprocess.Popen([harness.HEAPWALK, *map(str, arguments)], stdin=subprocess.DEVNULL,
                                env=dict(os.environ, **self.env), **popen)

    def refused(self, *arguments, says, status=2):
        """heapwalk must refuse these arguments, on standard error alone, with all of these words."""
        done = self.heapwalk(*arguments, status=status, env=self.env)
        self.assertEqual("", done.out)
        for words in [says] if isinstance(says, str) else says:
            self.assertIn(words, done.err)
        return done

    def attached(self, *arguments, **options):
        options.setdefault("env", self.env)
        return self.heapwalk("--attach", self.target.pid, *arguments, **options)


class OptionsTest(CliTest):
    def test_help_manual_and_completion_name_the_same_options(self):
        shown = set(re.findall(r"^  (?:-.,|   ) --(\S+)", self.heapwalk("--help").out, re.M))
        manual = set(re.findall(r"^\.It (?:Fl \S , )?Fl -([a-z-]+)", read_file("man", "heapwalk.1"), re.M))
        completion = re.search(r'local long="([^"]*)"', read_file("man", "heapwalk.bash")).group(1)
        self.assertGreater(len(shown), 20)
        self.assertEqual(shown, manual)
        self.assertEqual(shown, set(re.findall(r"--(\S+)", completion)))

    def test_help_and_manual_agree_on_letters(self):
        shown = dict(re.findall(r"^  -(.), --(\S+)", self.heapwalk("--help").out, re.M))
        manual = dict(re.findall(r"^\.It Fl (\S) , Fl -([a-z-]+)", read_file("man", "heapwalk.1"), re.M))
        self.assertEqual(shown, manual)

    def completed(self, *words):
        """What bash would offer for the last of these words."""
        script = 'source "$1"; shift; COMP_WORDS=(heapwalk "$@"); COMP_CWORD=$#; _heapwalk; echo "${COMPREPLY[@]}"'
        path = os.path.dirname(harness.HEAPWALK) + ":" + os.environ["PATH"]
        return subprocess.run(["bash", "-c", script, "bash", os.path.join(harness.ROOT, "man", "heapwalk.bash"), *words],
                              env=dict(os.environ, PATH=path), capture_output=True, text=True,
                              check=True).stdout.split()

    def test_completion(self):
        self.assertEqual(["--format"], self.completed("--for"))
        self.assertEqual(["json"], self.completed("--format", "j"))
        self.assertEqual(["tcache"], self.completed("-k", "tc"))
        self.assertIn("suspicion", self.completed("--sort", "s"))
        self.assertEqual(["chunk_size"], self.completed("--list", "--columns", "chunk"))
        self.assertIn(str(self.target.pid), self.completed("--attach", str(self.target.pid)))

    def test_help_fits_a_terminal(self):
        for line in self.heapwalk("--help").out.splitlines() + self.heapwalk("--columns", "help").out.splitlines():
            self.assertLessEqual(len(line), 80, line)

    def test_manual_is_clean(self):
        mandoc = harness.need("mandoc")
        done = subprocess.run([mandoc, "-Tlint", "-Wwarning", os.path.join(harness.ROOT, "man", "heapwalk.1")],
                              capture_output=True, text=True, check=False)
        self.assertEqual((0, ""), (done.returncode, done.stdout))

    def test_version(self):
        self.assertRegex(self.heapwalk("--version").out, r"^heapwalk \d+\.\d+\.\d+\n$")

    def test_kinds_in_the_manual_are_understood(self):
        text = read_file("man", "heapwalk.1")
        text = text[text.index(".It Fl k , Fl -kind"):text.index(".It Fl T , Fl -type")]
        kinds = [kind for line in re.findall(r"^\.Cm (.*)", text, re.M) for kind in line.split() if re.match(r"[a-z+]+$", kind)]
        self.assertGreater(len(kinds), 15)
        for kind in kinds:
            self.attached("--summary", "--kind", kind)

    def test_wrong_words_are_refused_with_the_right_ones(self):
        self.refused("1234", says=["1234", "--attach 1234"])
        self.refused("/etc/passwd", says="--core /etc/passwd")
        self.refused("no-such-program", says="pidof no-such-program")
        self.refused("--nonsense", says=["--nonsense", "--help"])
        self.refused("-Z", says="-Z")
        self.refused("--attach", says="--attach takes a value")
        self.refused("--list=yes", says="takes no value")

    def test_wrong_values_are_refused(self):
        self.refused("--attach", "12x", says=["12x", "pidof"])
        self.refused("--attach", "0", says="0")
        self.refused("--size", "ten", says=["ten", "--size 48"])
        self.refused("--size", "50-40", says="50-40")
        self.refused("--size", "48,64", says="48,64")
        self.refused("--size", "99999999999G", says="99999999999G")
        self.refused("--arena", "-1", says="-1")
        self.refused("--kind", "purple", says=["purple", "tcache"])
        self.refused("--format", "xml", says=["xml", "csv"])
        self.refused("--freeze", "solid", says=["solid", "fork"])
        self.refused("--top", "many", says="many")
        self.refused("--output", "", says="--output")

    def test_what_does_not_go_together_is_refused(self):
        self.refused("--attach", "1", "--core", "core", says="two targets")
        self.refused("--attach", "1", "--exe", "x", says="--core")
        self.refused("--attach", "1", "--maps", "--arenas", "--format", "csv", says="one view")
        self.refused("--attach", "1", "--list", "--maps", "--format", "json", says="--list")
        self.refused("--attach", "1", "--maps", "--arenas", "--columns", "size", says="one")

    def test_columns_are_checked_before_the_target_is_touched(self):
        self.refused("--attach", "999999999", "--list", "--columns", "adress", says=["adress", "address"])
        self.refused("--attach", "999999999", "--sort", "weight", says=["weight", "suspicion"])
        self.refused("--attach", "999999999", "--sort", "bytes:up", says="desc")

    def test_unknown_arena_is_refused(self):
        self.refused("--attach", self.target.pid, "--arena", "77", "--list", says=["77", "--arenas"])


class TargetTest(CliTest):
    def test_no_target(self):
        self.refused(says=["--attach PID", "--core FILE"])

    def test_last_target_is_remembered(self):
        self.attached("--size", "48")
        again = self.heapwalk("--list", "--format", "json", env=self.env)
        self.assertEqual(again.out, self.attached("--list", "--format", "json").out)
        file = os.path.join(self.env["XDG_STATE_HOME"], "heapwalk", "last")
        self.assertEqual(0o600, stat.S_IMODE(os.stat(file).st_mode))
        self.assertEqual(["last"], os.listdir(os.path.dirname(file)))

    def test_recycled_pid_is_refused(self):
        self.attached("--summary")
        file = os.path.join(self.env["XDG_STATE_HOME"], "heapwalk", "last")
        with open(file, encoding="utf-8") as opened:
            text = opened.read()
        for key in ("start", "boot"):
            with open(file, "w", encoding="utf-8") as opened:
                opened.write(re.sub("^%s .*" % key, key + " 12345", text, flags=re.M))
            self.refused(says=["another process", "--attach %d" % self.target.pid], status=3)

    def test_ended_target_is_said_to_have_ended(self):
        with harness.Factory("plain") as target:
            self.heapwalk("--attach", target.pid, "--summary", env=self.env)
            pid = target.pid
        self.refused(says=[str(pid), "has ended", "--attach"], status=3)

    def test_broken_memory_of_the_last_target(self):
        file = os.path.join(self.env["XDG_STATE_HOME"], "heapwalk", "last")
        os.makedirs(os.path.dirname(file))
        for text in (b"", b"nonsense", b"pid x\n", b"pid -5\n", b"\0\0\0", b"pid " + b"9" * 100000):
            with open(file, "wb") as opened:
                opened.write(text)
            done = harness.run(env=self.env)
            self.assertIn(done.status, (2, 3), str(done))

    def test_unwritable_state_is_no_failure(self):
        self.env = {"XDG_STATE_HOME": "/proc/nowhere"}
        self.attached("--summary")

    def test_absent_process(self):
        self.refused("--attach", "999999999", says="999999999", status=3)

    def test_foreign_process(self):
        if os.geteuid() != 0:
            self.skipTest("needs root to become somebody else")
        os.chmod(self.directory, 0o777)
        process = self.start("--attach", self.target.pid, user=65534, group=65534, extra_groups=[])
        out, err = process.communicate(timeout=harness.PATIENCE)
        self.assertEqual(3, process.returncode, err)
        self.assertEqual(b"", out)
        self.assertRegex(err.decode(), r"(?s)heapwalk: .*(permi|belongs|uid|user).*\n  \S")

    def test_missing_core(self):
        self.refused("--core", "/no/such/core", says="/no/such/core", status=3)

    def test_file_that_is_no_core(self):
        self.refused("--core", "/etc/passwd", says="/etc/passwd", status=3)

    def test_core_is_remembered_by_its_absolute_path(self):
        core = self.path("core")
        subprocess.run([harness.need("gcore"), "-o", core, str(self.target.pid)], check=True, capture_output=True)
        os.rename("%s.%d" % (core, self.target.pid), core)
        first = self.heapwalk("--core", os.path.relpath(core), "--format", "json", env=self.env)
        again = self.heapwalk("--format", "json", env=self.env)
        self.assertEqual(first.out, again.out)
        self.assertEqual("core", json.loads(first.out)["process"]["source"])


class FormatsTest(CliTest):
    scenario = "threads"

    def document(self, *arguments):
        return json.loads(self.attached("--format", "json", *arguments).out)

    def test_every_view_is_valid_json(self):
        for view in ("--summary", "--histogram", "--arenas", "--maps", "--stacks", "--anomalies", "--dump",
                     "--dump-strings"):
            document = self.document(view)
            self.assertEqual(1, document["schema"], view)
        together = self.document("--summary", "--arenas", "--maps")
        self.assertLessEqual({"memory", "arenas", "maps", "process", "freeze"}, set(together))

    def test_list_lines_are_what_scripts_expect(self):
        lines = self.attached("--list", "--format", "json").out.splitlines()
        for line in lines:
            self.assertEqual(["address", "size", "chunk_size", "arena", "state", "kind", "type", "level"],
                             list(json.loads(line)))
        self.assertRegex(lines[0], r'^\{"address":"0x[0-9a-f]+","size":\d+,"chunk_size":\d+,"arena":\d+,'
                                   r'"state":"live","kind":("[a-z ]+"|null),"type":("[^"]+"|null),"level":("[a-z]+"|null)\}$')

    def test_memory_parts_add_up(self):
        parts = self.document("--summary")["memory"]
        self.check_sums(parts)
        self.assertEqual(0, next(part for part in parts if part["part"] == "not explained")["size"])

    def check_sums(self, parts):
        whole = next(part for part in parts if part["part"] == "all")
        tops = [part for part in parts if part["of"] is None and part["part"] != "all"]
        self.assertEqual(whole["size"], sum(part["size"] for part in tops))
        for name in ("rss", "pss", "swap"):
            self.assertLessEqual(abs(whole[name] - sum(part[name] for part in tops)), 4096 * len(tops), name)
        malloc = next(part for part in tops if part["part"] == "malloc")
        inner = [part for part in parts if part["of"] == "malloc"]
        self.assertEqual(malloc["size"], sum(part["size"] for part in inner))

    def test_maps_cover_every_mapping(self):
        document = self.document("--maps")
        with open("/proc/%d/maps" % self.target.pid) as maps:
            size = sum(int(end, 16) - int(start, 16) for start, end in (
                line.split()[0].split("-") for line in maps if "[vsyscall]" not in line))
        spans = [row for row in document["maps"] if row["path"] != "[vsyscall]"]
        self.assertEqual(size, sum(row["size"] for row in spans))

    def test_histogram_agrees_with_list(self):
        counts, sizes = {}, {}
        for row in harness.json_lines(self.attached("--list", "--format", "json").out):
            key = (row["chunk_size"], row["state"] == "mmapped")
            counts[key] = counts.get(key, 0) + 1
            sizes[key] = sizes.get(key, 0) + row["chunk_size"]
        rows = self.document("--histogram")["histogram"]
        self.assertEqual(counts, {(row["chunk_size"], row["mmapped"]): row["count"] for row in rows})
        self.assertEqual(sizes, {(row["chunk_size"], row["mmapped"]): row["bytes"] for row in rows})
        self.assertAlmostEqual(1, sum(row["share"] for row in rows), 3)

    def test_formats_show_the_same_numbers(self):
        names = "requests,count,bytes,content"
        rows = self.document("--histogram", "--columns", names)["histogram"]
        expected = [[str(row[name] if row[name] is not None else "") for name in names.split(",")] for row in rows]
        text = self.attached("--histogram", "--columns", names, "--format", "csv").out
        table = list(csv.reader(io.StringIO(text, newline="")))
        self.assertEqual(names.split(","), table[0])
        self.assertEqual(expected, table[1:])
        text = self.attached("--histogram", "--columns", names, "--bytes", "--top", "0").out
        lines = [re.split(r"  +", line.strip()) for line in text.splitlines() if line]
        lines = lines[:next(i for i, line in enumerate(lines) if line[0] == "all") + 1]
        self.assertEqual(["REQUESTS", "COUNT", "BYTES", "CONTENT"], lines[0])
        shown = [[cell.replace(",", "") for cell in line] for line in lines[1:-1]]
        self.assertEqual([[cell for cell in row if cell] for row in expected], shown)
        self.assertEqual(sum(row["count"] for row in rows), int(lines[-1][1].replace(",", "")))

    def test_rounded_sizes_are_near(self):
        exact = self.document("--histogram")["histogram"]
        text = self.attached("--histogram", "--columns", "bytes", "--top", "0").out.splitlines()[1:-1]
        for row, line in zip(exact, text):
            number, unit = line.split()
            self.assertAlmostEqual(1, float(number.replace(",", "")) * SIZE_UNITS[unit] / row["bytes"], delta=0.006)

    def test_csv_default_is_the_histogram(self):
        rows = list(csv.DictReader(io.StringIO(self.attached("--format", "csv").out, newline="")))
        self.assertEqual(len(self.document("--histogram")["histogram"]), len(rows))

    def test_sort_and_top(self):
        rows = self.document("--histogram", "--sort", "bytes", "--top", "3")["histogram"]
        every = self.document("--histogram")["histogram"]
        self.assertEqual(sorted((row["bytes"] for row in every), reverse=True)[:3], [row["bytes"] for row in rows])
        rows = self.document("--maps", "--sort", "size:asc")["maps"]
        self.assertEqual(sorted(row["size"] for row in rows), [row["size"] for row in rows])

    def test_size_means_what_malloc_was_asked_for(self):
        rows = harness.json_lines(self.attached("--list", "--format", "json", "--size", "48").out)
        self.assertEqual({64}, {row["chunk_size"] for row in rows})
        low = harness.json_lines(self.attached("--list", "--format", "json", "--size", "1-64").out)
        self.assertLessEqual({row["chunk_size"] for row in low}, {32, 48, 64, 80})

    def test_arenas_split_the_list(self):
        every = len(harness.json_lines(self.attached("--list", "--format", "json").out))
        arenas = self.document("--arenas")["arenas"]
        self.assertGreater(len(arenas), 1)
        parts = [harness.json_lines(self.attached("--list", "--format", "json", "--arena", row["arena"]).out)
                 for row in arenas]
        self.assertEqual(every, sum(map(len, parts)))
        self.assertEqual(arenas[1]["live_chunks"], len(parts[1]))

    def test_newest_first_is_the_reverse(self):
        up = self.attached("--list", "--format", "json").out.splitlines()
        down = self.attached("--list", "--format", "json", "--newest-first").out.splitlines()
        self.assertEqual(up, down[::-1])

    def test_limits(self):
        self.assertEqual(7, len(self.attached("--list", "--format", "json", "--limit", "7").out.splitlines()))
        text = self.attached("--list").out
        self.assertEqual(1 + 1000 + 1, len(text.splitlines()))
        self.assertIn("--limit 0", text)
        whole = self.attached("--list", "--limit", "0").out
        lines = self.attached("--list", "--format", "json").out.splitlines()
        self.assertEqual(1 + len(lines), len(whole.splitlines()))
        self.assertEqual(20, len({row["chunk"] for row in self.document("--dump", "--size", "1-64")["dump"]}))

    def test_stacks_name_every_thread(self):
        rows = self.document("--stacks")["stacks"]
        self.assertEqual(set(harness.thread_ids(self.target.pid)), {row["thread"] for row in rows})


class DamageTest(CliTest):
    """A heap with an overrun: nobody may overlook it, and the sums still hold."""

    scenario = "overrun"

    def test_summary_is_loud(self):
        text = self.attached().out
        self.assertIn("DAMAGED", text)
        self.assertLess(text.index("DAMAGED"), text.index("MEMORY"))
        self.assertIn("%#x" % self.target.truth.damaged[0][0], text)

    def test_other_views_say_so_too(self):
        for view in ("--histogram", "--list", "--arenas", "--maps", "--dump-strings", "--dump"):
            for form in ("table", "json", "csv"):
                self.assertIn("--anomalies", self.attached(view, "--format", form).err)

    def test_memory_parts_still_add_up(self):
        FormatsTest.check_sums(self, json.loads(self.attached("--summary", "--format", "json").out)["memory"])

    def test_anomalies_are_listed(self):
        document = json.loads(self.attached("--anomalies", "--format", "json").out)
        self.assertEqual([hex(self.target.truth.damaged[0][0])], [row["address"] for row in document["anomalies"]])
        self.assertNotEqual(None, document["anomalies"][0]["previous"])


class OutputTest(CliTest):
    def test_file_is_private_and_whole(self):
        os.umask(0)
        file = self.path("report.json")
        done = self.attached("--format", "json", "--output", file)
        self.assertEqual(("", ""), (done.out, done.err))
        self.assertEqual(0o600, stat.S_IMODE(os.stat(file).st_mode))
        with open(file, encoding="utf-8") as opened:
            self.assertEqual(1, json.load(opened)["schema"])
        self.assertEqual(["report.json", "state"], sorted(os.listdir(self.directory)))

    def test_full_disk(self):
        done = self.attached("--output", "/dev/full", status=3)
        self.assertIn("No space left", done.err)
        with open("/dev/full", "wb") as full:
            process = self.start("--attach", self.target.pid, stdout=full)
            _, err = process.communicate(timeout=harness.PATIENCE)
        self.assertEqual(3, process.returncode)
        self.assertIn(b"No space left", err)

    def test_directory_that_is_not_there(self):
        done = self.attached("--output", "/no/such/place/report", status=3)
        self.assertIn("/no/such/place/report", done.err)

    def test_reader_that_goes_is_no_error(self):
        process = self.start("--attach", self.target.pid, "--list", "--format", "json")
        process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
        process.stderr.close()
        status = process.wait(harness.PATIENCE)
        self.assertEqual(b"", err)
        self.assertIn(status, (0, -signal.SIGPIPE))

    def test_ctrl_c_at_any_time_leaves_nothing_behind(self):
        with harness.Factory("threads") as target:
            for round_ in range(25):
                with harness.unharmed(self, target.pid):
                    process = self.start("--attach", target.pid, "--dump", "--limit", "0", "--output",
                                         self.path("report"))
                    time.sleep(random.Random(round_).random() * 0.06)
                    process.send_signal(signal.SIGINT)
                    out, err = process.communicate(timeout=harness.PATIENCE)
                self.assertIn(process.returncode, (0, -signal.SIGINT), err)
                self.assertEqual((b"", b""), (out, err))
                allowed = {"report", "state"} if process.returncode == 0 else {"state"}
                self.assertLessEqual(set(os.listdir(self.directory)), allowed)
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(self.path("report"))


class TerminalTest(CliTest):
    def on_terminal(self, width, *arguments, **env):
        """What heapwalk writes to a terminal that is so wide."""
        master, slave = pty.openpty()
        environment = dict(os.environ, TERM="xterm-256color", COLUMNS=str(width), LC_ALL="C.UTF-8", **self.env)
        environment.pop("NO_COLOR", None)
        environment.update(env)
        with subprocess.Popen([harness.HEAPWALK, "--attach", str(self.target.pid), *arguments], stdin=slave,
                              stdout=slave, stderr=slave, env=environment) as process:
            os.close(slave)
            data = b""
            while True:
                ready, _, _ = select.select([master], [], [], harness.PATIENCE)
                try:
                    piece = os.read(master, 1 << 16) if ready else b""
                except OSError:
                    piece = b""
                if not piece:
                    break
                data += piece
            os.close(master)
        self.assertEqual(0, process.returncode, data)
        return data.decode().replace("\r\n", "\n")

    def test_lines_fit(self):
        for width in (80, 140):
            for view in ("--summary", "--histogram", "--arenas", "--list", "--maps", "--dump", "--leaks", "--retained",
                         "--anomalies", "--stacks"):
                text = re.sub(r"\033\[[0-9;]*[mK]", "", self.on_terminal(width, view))
                for line in text.splitlines():
                    self.assertLessEqual(len(line), width, "%s: %s" % (view, line))

    def test_colours_are_for_terminals(self):
        self.assertIn("\033[1m", self.on_terminal(80))
        self.assertNotIn("\033", self.on_terminal(80, NO_COLOR="1"))
        self.assertNotIn("\033", self.attached().out)

    def test_table_is_cut_to_a_screen_and_adds_up(self):
        options = ("--histogram", "--columns", "requests,count")
        rows = len(json.loads(self.attached("--histogram", "--format", "json").out)["histogram"])
        for text in (self.on_terminal(100, *options, NO_COLOR="1"), self.attached(*options).out):
            lines = text.splitlines()
            self.assertGreaterEqual(len(lines), 1 + 20 + 2, text)
            self.assertLess(len(lines), 1 + 20 + 20 + 2, text)  # rows of a twentieth or more are always shown
            counts = [int(line.split()[-1].replace(",", "")) for line in lines[1:]]
            self.assertRegex(lines[-2], r"^%d more sizes " % (rows - (len(lines) - 3)))
            self.assertEqual(counts[-1], sum(counts[:-1]))
        self.assertEqual(1 + rows + 1, len(self.attached(*options, "--top", "0").out.splitlines()))

    def test_plain_ascii_where_there_is_no_more(self):
        self.attached(env=dict(self.env, LC_ALL="C")).out.encode("ascii")


class NastyTest(CliTest):
    """A target that would like to write to our terminal."""

    @classmethod
    def setUpClass(cls):
        cls.stack = contextlib.ExitStack()
        cls.target = cls.stack.enter_context(harness.Process([harness.built("targets", "nasty")]))
        cls.target.read_line()

    def test_nothing_dangerous_is_printed(self):
        for view in ("--summary", "--list", "--dump", "--dump-strings", "--maps", "--stacks"):
            for form in ("table", "json", "csv"):
                done = subprocess.run([harness.HEAPWALK, "--attach", str(self.target.pid), view, "--format", form],
                                      capture_output=True, check=False, env=dict(os.environ, **self.env))
                self.assertEqual(0, done.returncode, done.stderr)
                text = done.stdout.decode("utf-8")  # strict
                found = re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]",
                                  text.replace("\r\n", "\n") if form == "csv" else text)
                self.assertIsNone(found, "%s %s" % (view, form))

    def test_strings_are_escaped(self):
        rows = json.loads(self.attached("--dump-strings", "--format", "json").out)["strings"]
        counts = {row["text"]: row["count"] for row in rows}
        self.assertEqual(16, counts["right to left \\u202e txt.exe"])
        self.assertEqual(16, counts['quotes " and , commas \\\\ and backslashes'])

    def test_name_and_arguments_are_escaped(self):
        process = json.loads(self.attached("--summary", "--format", "json").out)["process"]
        self.assertEqual('na\\e[7msty"', process["name"])
        self.assertIn('\\e[31margument\\n"two"', process["command"])


if __name__ == "__main__":
    unittest.main()
