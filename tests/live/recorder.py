# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what tests/recorder/recorder.c keeps about a running program."""
import atexit
import contextlib
import functools
import os
import shutil
import struct
import tempfile

import harness

HEADER = struct.Struct("<QIIIIIIQQQ")
HEADER_FIELDS = ("magic", "slots", "pause", "inside", "lock", "count", "full", "calls", "unknown", "frames")
HEADER_SIZE = 64
PAUSE_OFFSET = 12
RECORD_FIELDS = 3
MAGIC = 0x6877726563303031


@functools.lru_cache(maxsize=None)
def linked(library):
    """A path to the library without the spaces and colons that LD_PRELOAD cannot have."""
    directory = tempfile.mkdtemp(prefix="heapwalk-test-")
    atexit.register(shutil.rmtree, directory)
    path = os.path.join(directory, os.path.basename(library))
    os.symlink(library, path)
    return path


def environment(library="librecorder.so"):
    """What to add to a program's environment so that it is recorded."""
    return {"LD_PRELOAD": linked(harness.built("recorder", library))}


class Recorder:
    """The table inside a running process."""

    def __init__(self, pid):
        self.pid = pid
        self.start = self.find()
        assert self.header()["magic"] == MAGIC, "not a recorder's table"

    def find(self):
        with open("/proc/%d/maps" % self.pid) as lines:
            for line in lines:
                if "/memfd:heapwalk-recorder" in line:
                    return int(line.split("-")[0], 16)
        raise AssertionError("process %d is not recorded" % self.pid)

    def header(self):
        with open("/proc/%d/mem" % self.pid, "rb", buffering=0) as memory:
            memory.seek(self.start)
            return dict(zip(HEADER_FIELDS, HEADER.unpack(memory.read(HEADER.size))))

    def set_pause(self, value):
        with open("/proc/%d/mem" % self.pid, "r+b", buffering=0) as memory:
            memory.seek(self.start + PAUSE_OFFSET)
            memory.write(struct.pack("<I", value))

    @contextlib.contextmanager
    def paused(self):
        """No thread is inside malloc or free within the block; those that want in wait at the door."""
        self.set_pause(1)
        try:
            harness.wait_until(lambda: self.header()["inside"] == 0, "threads to leave malloc")
            yield
        finally:
            self.set_pause(0)

    def records(self):
        """Every block held: (address, size asked for, usable size, *return addresses up to a 0)."""
        header = self.header()
        record = struct.Struct("<%dQ" % (RECORD_FIELDS + header["frames"]))
        assert not header["full"], "the recorder's table is full"
        length = header["slots"] * record.size
        with open("/proc/%d/mem" % self.pid, "rb", buffering=0) as memory:
            data = bytearray(length)
            view = memoryview(data)
            done = 0
            memory.seek(self.start + HEADER_SIZE)
            while done < length:
                done += memory.readinto(view[done:])
        records = [words for words in record.iter_unpack(data) if words[0]]
        assert len(records) == header["count"], "the recorder counted %d, holds %d" % (header["count"], len(records))
        return records

    def blocks(self):
        """Every block held: address -> (size asked for, usable size). Only while paused is it of one moment."""
        return {words[0]: (words[1], words[2]) for words in self.records()}

    def truth(self):
        truth = harness.Truth()
        truth.blocks = self.blocks()
        return truth


def is_recorded(pid):
    """True once the recorder has seen the program's first call."""
    with contextlib.suppress(AssertionError, OSError, struct.error):
        return Recorder(pid).header()["calls"] > 0
    return False


