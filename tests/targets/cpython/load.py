# SPDX-License-Identifier: GPL-3.0-or-later
"""A program for any CPython from 3.6 on: makes objects of many types and says where each is, as JSON lines.

    python3 load.py

One line {"objects": [[id, type], ...]} of what the garbage collector knows and what lies in lists here (all kept
alive), one {"counts": {type: number}}, then on standard error what pymalloc counts itself, then "ready". Waits for a line.
"""
import array
import collections
import gc
import json
import sys


class MyClass:
    def __init__(self, number):
        self.number = number
        self.text = "object %d" % number


class Slotted:
    __slots__ = ("left", "right")

    def __init__(self, number):
        self.left = float(number)
        self.right = None


class Meta(type):
    pass


class WithMeta(metaclass=Meta):
    pass


class MyDict(dict):
    pass


class MyTuple(tuple):
    pass


class Weak:
    __slots__ = ("__weakref__", "value")


Point = collections.namedtuple("Point", "x y")


def make():
    """A load as programs have it; returns what must stay alive."""
    rows = [{"id": i, "name": "name %d" % i, "tags": ["tag %d" % (i + j) for j in range(3)], "value": i * 1.5}
            for i in range(2000)]
    return [
        [MyClass(i) for i in range(3000)],
        [Slotted(i) for i in range(2000)],
        [WithMeta() for _ in range(500)],
        [MyDict(a=i, b="b%d" % i) for i in range(500)],
        [MyTuple(range(i % 20 + 1)) for i in range(500)],
        [Weak() for _ in range(500)],
        [Point(i, -i) for i in range(500)],
        json.loads(json.dumps(rows)),
        collections.deque(range(2000)),
        [set(range(i % 40)) for i in range(500)],
        [frozenset("%d" % j for j in range(i % 12)) for i in range(300)],
        [bytearray(i * 7) for i in range(300)],
        [bytes(i * 5) for i in range(300)],
        [array.array("d", range(i)) for i in range(200)],
        [10 ** i for i in range(20, 400)],
        ["%d \u00e9\u0434" % i for i in range(500)],
        [complex(i, 1) for i in range(300)],
        [lambda i=i: i for i in range(300)],
        [type("Made%d" % (i % 5), (MyClass,), {}) for i in range(50)],
    ]


def type_name(thing):
    """As tp_name has it: with the module for types made in C, without for those of class statements."""
    kind = type(thing)
    heap_type = kind.__flags__ >> 9 & 1
    if not heap_type and kind.__module__ != "builtins":
        return "%s.%s" % (kind.__module__, kind.__name__)
    return kind.__name__


def main():
    kept = make()
    gc.collect()
    things = gc.get_objects() + [thing for part in kept for thing in part]
    named = [[id(thing), type_name(thing)] for thing in things]
    counts = collections.Counter(type(thing).__name__ for part in kept for thing in part)
    print(json.dumps({"objects": named}))
    print(json.dumps({"counts": counts}), flush=True)
    del named
    gc.collect()
    sys._debugmallocstats()
    sys.stderr.flush()
    print("ready", flush=True)
    sys.stdin.readline()
    return kept, things


main()
