# SPDX-License-Identifier: GPL-3.0-or-later
"""Run inside gdb: reads type names, one a line, from TYPE_NAMES; writes JSON to TYPE_ANSWERS: for each that gdb
knows the name behind its typedefs ("name"), those of its base classes and first members, outermost first
("firsts"), and the places and sizes of its members ("members")."""
import json
import os

import gdb


def look_up(name):
    for spelling in (name, "struct " + name, "class " + name, "union " + name):
        try:
            return gdb.lookup_type(spelling)
        except gdb.error:
            continue
    return None


def firsts(kind):
    """What an object of this type begins with: base classes and first members, and theirs."""
    found = []
    for _ in range(16):
        kind = kind.strip_typedefs()
        if kind.code not in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION) or not kind.fields():
            break
        found += [str(field.type.strip_typedefs()) for field in kind.fields() if field.is_base_class]
        kind = kind.fields()[0].type
        found.append(str(kind.strip_typedefs()))
    return found


def members(kind):
    kind = kind.strip_typedefs()
    if kind.code != gdb.TYPE_CODE_STRUCT:
        return []
    return [[field.bitpos, field.type.sizeof, field.name] for field in kind.fields() if hasattr(field, "bitpos")]


answers = {}
with open(os.environ["TYPE_NAMES"]) as names:
    for name in names.read().splitlines():
        stars = len(name) - len(name.rstrip("*"))
        found = look_up(name.rstrip("*"))
        if found:
            answers[name] = {"name": str(found.strip_typedefs()) + "*" * stars,
                             "firsts": [] if stars else firsts(found), "members": [] if stars else members(found)}
with open(os.environ["TYPE_ANSWERS"], "w") as file:
    json.dump(answers, file)
