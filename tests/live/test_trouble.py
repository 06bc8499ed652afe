# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user sees when something is in the way: the cause, the remedy, status 3; and the target is unharmed."""
import contextlib
import json
import os
import random
import signal
import subprocess
import tempfile
import time
import unittest

import harness
import test_freeze

NOBODY = 65534


class TroubleTest(harness.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="heapwalk-trouble-")
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        os.chmod(self.directory, 0o777)

    def start(self, *arguments, prefix=(), **popen):
        popen.setdefault("stdout", subprocess.PIPE)
        return subprocess.Popen([*prefix, harness.HEAPWALK, *map(str, arguments)], stdin=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, text=True, env=dict(
                                    os.environ, XDG_STATE_HOME=self.directory, ASAN_OPTIONS="detect_leaks=0"), **popen)

    def finish(self, *arguments, **popen):
        process = self.start(*arguments, **popen)
        out, err = process.communicate(timeout=harness.PATIENCE)
        return process.returncode, out, err

    def refused(self, pid, *words, **popen):
        """Nothing on standard output, the cause and, indented below it, the remedy on standard error."""
        status, out, err = self.finish("--attach", pid, **popen)
        self.assertEqual((3, ""), (status, out), err)
        self.assertRegex(err, r"\Aheapwalk: .*\n(?:  \S.*\n)*\Z")
        for word in words:
            self.assertIn(word, " ".join(err.split()))


class PermissionTest(TroubleTest):
    def test_another_user(self):
        with harness.Factory("empty") as target, harness.unharmed(self, target.pid):
            self.refused(target.pid, "user id 0", "you are user id 65534", "sudo", prefix=test_freeze.as_nobody())

    def test_another_user_and_no_new_privileges(self):
        nobody = [*test_freeze.as_nobody(), "--no-new-privs"]
        with harness.Factory("empty") as target, harness.unharmed(self, target.pid):
            self.refused(target.pid, "user id 0", prefix=nobody)

    def test_same_user_without_any_privilege(self):
        nobody = [*test_freeze.as_nobody(), "--no-new-privs", "--bounding-set", "-all"]
        with harness.Factory("plain", launcher=nobody) as target, harness.unharmed(self, target.pid):
            status, out, err = self.finish("--attach", target.pid, "--list", "--format", "json", prefix=nobody)
            self.assertEqual(0, status, err)
            self.assert_exact(target.truth, {int(r["address"], 16): r for r in harness.json_lines(out)})

    def test_undumpable(self):
        nobody = test_freeze.as_nobody()
        with test_freeze.Target("moods", "undumpable", launcher=nobody) as target:
            with harness.unharmed(self, target.pid):
                self.refused(target.pid, "is not dumpable", "PR_SET_DUMPABLE", "root", prefix=nobody)
                self.assertEqual(0, self.finish("--attach", target.pid)[0], "root may")

    def test_from_a_user_namespace(self):
        """Root in there is nobody to a process outside."""
        inside = [*test_freeze.as_nobody(), harness.need("unshare"), "--user", "--map-root-user"]
        if subprocess.run([*inside, "true"], capture_output=True, check=False).returncode != 0:
            self.skipTest("no user namespaces here")
        with harness.Factory("empty") as target, harness.unharmed(self, target.pid):
            self.refused(target.pid, "process %d" % target.pid, prefix=inside)

    def test_into_a_user_namespace(self):
        launcher = [*test_freeze.as_nobody(), harness.need("unshare"), "--user", "--map-root-user"]
        if subprocess.run([*launcher, "true"], capture_output=True, check=False).returncode != 0:
            self.skipTest("no user namespaces here")
        with harness.Factory("plain", launcher=launcher) as target:
            self.assert_exact(target.truth, self.listed(target.pid))


class StateTest(TroubleTest):
    def test_thread_id(self):
        with harness.Factory("shared-arenas") as target:
            tid = harness.thread_ids(target.pid)[-1]
            self.assertNotEqual(target.pid, tid)
            self.assert_exact(target.truth, self.listed(tid))

    def test_zombie(self):
        child = subprocess.Popen(["true"])
        harness.wait_until(lambda: harness.status_fields(child.pid)["State"][0] == "Z", "no zombie")
        self.refused(child.pid, "zombie")
        child.wait()

    def test_kernel_thread(self):
        kernel = [pid for pid in os.listdir("/proc") if pid.isdigit() and test_freeze.RefusedTest.is_kernel_thread(pid)]
        if not kernel:
            self.skipTest("no kernel thread is visible here")
        self.refused(kernel[0], "kernel")

    @contextlib.contextmanager
    def frozen(self, pid):
        """Its control group is frozen: version 2's switch or version 1's freezer."""
        for root, switch, on, off in (("/sys/fs/cgroup", "cgroup.freeze", "1", "0"),
                                      ("/sys/fs/cgroup/unified", "cgroup.freeze", "1", "0"),
                                      ("/sys/fs/cgroup/freezer", "freezer.state", "FROZEN", "THAWED")):
            group = os.path.join(root, "heapwalk-frozen-%d" % os.getpid())
            with contextlib.suppress(OSError):
                os.mkdir(group)
            path = os.path.join(group, switch)
            if not os.path.exists(path):
                with contextlib.suppress(OSError):
                    os.rmdir(group)
                continue
            with open(os.path.join(root, "cgroup.procs")) as home:
                home.read(1)
            with open(os.path.join(group, "cgroup.procs"), "w") as members:
                members.write(str(pid))
            with open(path, "w") as file:
                file.write(on)
            try:
                yield path, on
            finally:
                with open(path, "w") as file:
                    file.write(off)
                with open(os.path.join(root, "cgroup.procs"), "w") as members:
                    members.write(str(pid))
                harness.wait_until(lambda: test_freeze.LimitedTest.removed(group), "control group in use")
            return
        self.skipTest("no control group can be frozen here")

    def test_frozen_control_group(self):
        """It is read as it stands, and stays frozen."""
        with harness.Factory("shared-arenas") as target:
            with self.frozen(target.pid) as (path, on):
                status, out, err = self.finish("--attach", target.pid, "--list", "--format", "json")
                self.assertEqual(0, status, err)
                self.assert_exact(target.truth, {int(r["address"], 16): r for r in harness.json_lines(out)})
                with open(path) as file:
                    self.assertEqual(on, file.read().strip())
            harness.wait_until(lambda: harness.status_fields(target.pid)["State"][0] == "S", "it does not go on")


class DiesTest(TroubleTest):
    """The target ends at any moment: that is said, or the report is whole."""

    def kill_at(self, moment, method):
        with harness.Process([harness.built("targets", "factory"), "shared-arenas"]) as target:
            while '"ready"' not in target.read_line():
                pass
            process = self.start("--attach", target.pid, "--freeze", method, "--summary", "--leaks", "--format", "json")
            time.sleep(moment)
            target.process.kill()
            out, err = process.communicate(timeout=harness.PATIENCE)
            target.process.wait()
            with contextlib.suppress(BrokenPipeError):
                target.end()
            target.process.returncode = 0
        return process.returncode, out, err

    def test_killed_at_any_moment(self):
        generator = random.Random(11)
        outcomes = {}
        for i in range(40):
            status, out, err = self.kill_at(generator.uniform(0, 0.06), ("hold", "fork")[i % 2])
            outcomes[status] = outcomes.get(status, 0) + 1
            if status == 0:
                self.assertEqual(1, json.loads(out)["schema"], err)
                self.assertEqual([], [p for p in json.loads(out)["memory"] if p["part"] == "not explained" and p["size"]])
            else:
                self.assertEqual((3, ""), (status, out), err)
                self.assertRegex(err, "(?s)heapwalk: .*(gone|ended|died|killed|zombie|no process)", i)
        harness.note("statuses: %s" % outcomes)


class InterruptTest(TroubleTest):
    def test_ctrl_c_at_any_moment(self):
        generator = random.Random(13)
        outcomes = {}
        with harness.Factory("shared-arenas") as target:
            with harness.unharmed(self, target.pid):
                for i in range(50):
                    process = self.start("--attach", target.pid, "--freeze", ("hold", "fork")[i % 2], "--summary",
                                         "--leaks", "--stacks", "--format", "json")
                    time.sleep(generator.uniform(0, 0.08))
                    process.send_signal(signal.SIGINT)
                    out, err = process.communicate(timeout=harness.PATIENCE)
                    outcomes[process.returncode] = outcomes.get(process.returncode, 0) + 1
                    self.assertIn(process.returncode, (0, -signal.SIGINT), err)
                    if process.returncode == 0:
                        self.assertEqual(1, json.loads(out)["schema"])
                harness.wait_until(lambda: not test_freeze.helpers_of(target.pid), "still traced")
        harness.note("statuses: %s" % outcomes)


class DiskTest(TroubleTest):
    @contextlib.contextmanager
    def tiny_disk(self):
        place = os.path.join(self.directory, "disk")
        os.mkdir(place)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], capture_output=True,
                          check=False).returncode != 0:
            self.skipTest("no file system can be mounted here")
        try:
            yield place
        finally:
            subprocess.run(["umount", place], check=True)

    def test_full_disk(self):
        with harness.Factory("sizes") as target, self.tiny_disk() as disk:
            for form in ("table", "json", "csv"):
                report = os.path.join(disk, "report")
                status, _, err = self.finish("--attach", target.pid, "--list", "--limit", "0", "--format", form,
                                             "--output", report)
                self.assertEqual(3, status, err)
                self.assertIn("No space left", err)
                self.assertEqual([], os.listdir(disk), "something half written is left")
                with open(report, "w") as file:
                    status, _, err = self.finish("--attach", target.pid, "--list", "--limit", "0", "--format", form,
                                                 stdout=file)
                self.assertEqual(3, status, err)
                self.assertIn("No space left", err)
                os.unlink(report)


if __name__ == "__main__":
    unittest.main()
