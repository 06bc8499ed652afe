# SPDX-License-Identifier: GPL-3.0-or-later
"""What a block was allocated as, told by who allocated it: the truth that heapwalk's types are measured by.

Nothing of heapwalk is used: return addresses come from tests/recorder, functions and lines from binutils'
addr2line, the type from the source line itself (`sizeof(struct session)`, `new Session`), from the template
argument of a C++ allocator, or from a table that was written by reading the program's source.
"""
import bisect
import collections
import functools
import os
import re
import subprocess

UNKNOWN = None
TEXT = "char[]"

Place = collections.namedtuple("Place", "function file line")


class Module:
    """A file that a process maps, and where."""

    def __init__(self, path, start, offset):
        self.path, self.start, self.offset = path, start, offset
        self.end = start
        self.symbols = None

    @functools.cached_property
    def bias(self):
        """What to take off an address to get the one in the file."""
        segments = subprocess.run(["readelf", "-lW", self.path], capture_output=True, text=True, check=True).stdout
        if "EXEC (Executable file)" in segments:
            return 0
        first = re.search(r"LOAD\s+0x0+ (0x[0-9a-f]+)", segments)
        return self.start - int(first.group(1), 16)

    def symbol(self, address):
        """The exported function at an address of the process, demangled."""
        if self.symbols is None:
            listed = subprocess.run(["nm", "-DC", "--defined-only", self.path], capture_output=True, text=True,
                                    check=False).stdout
            self.symbols = sorted((int(line.split()[0], 16), line.split(None, 2)[2]) for line in listed.splitlines()
                                  if re.match(r"[0-9a-f]+ [TWiVu] ", line))
        at = bisect.bisect_right(self.symbols, (address - self.bias, "\x7f")) - 1
        return self.symbols[at][1] if at >= 0 else "?"


def modules(pid):
    """The modules of a process in order of address."""
    found = {}
    with open("/proc/%d/maps" % pid) as lines:
        for line in lines:
            fields = line.split(None, 5)
            path = fields[5].strip() if len(fields) > 5 else ""
            if not path.startswith("/") or path.startswith("/memfd:") or fields[1] == "---p":
                continue
            start, end = (int(part, 16) for part in fields[0].split("-"))
            module = found.setdefault(path, Module(path, start, int(fields[2], 16)))
            module.end = end
    return sorted(found.values(), key=lambda module: module.start)


def places(path, addresses):
    """address in the file -> [Place, ...], innermost inlined function first."""
    text = "\n".join("%#x" % address for address in addresses)
    done = subprocess.run(["addr2line", "-a", "-f", "-i", "-C", "-e", path], input=text, capture_output=True, text=True,
                          check=True)
    found, current, lines = {}, None, iter(done.stdout.splitlines())
    for line in lines:
        if re.fullmatch(r"0x[0-9a-f]+", line):
            current = found.setdefault(int(line, 16), [])
            continue
        file, _, number = next(lines).partition(" (")[0].rpartition(":")
        current.append(Place(line, file, int(number) if number.isdigit() else 0))
    return found


# ------------------------------------------------------------------------------------------ types from source

@functools.lru_cache(maxsize=None)
def source(path):
    try:
        with open(path, errors="replace") as file:
            return file.read().splitlines()
    except OSError:
        return []


def statement(path, line):
    """The statement that a source line belongs to, in one line, comments left out."""
    lines = source(path)
    if not 0 < line <= len(lines):
        return ""
    first = line - 1
    while first > 0 and line - first < 5 and not re.search(r"[;{}]\s*(/[/*].*)?$|^\s*$|^#", lines[first - 1]):
        first -= 1
    last = line
    while last < len(lines) and last - line < 6 and not re.search(r"[;{}]", " ".join(lines[line - 1:last])):
        last += 1
    text = " ".join(lines[first:last])
    return re.sub(r"/\*.*?\*/|//.*", " ", text)


def declared(path, line, variable):
    """The type that the nearest declaration above gives a variable that is a pointer, or a member."""
    name = re.split(r"->|\.", variable)[-1].strip()
    pattern = re.compile(r"\b((?:struct\s+|unsigned\s+)?\w+)\s*(?:const\s*)?(\*+)\s*(?:\w+\s*(?:=[^,;]*)?,\s*\**)*?%s\b\s*(?:[=;,)\[]|$)"
                         % re.escape(name))
    for text in reversed(source(path)[:line]):
        match = pattern.search(text)
        if match and match.group(1) not in ("return", "sizeof", "else", "case"):
            return match.group(1) + " " + match.group(2)[1:]
    return UNKNOWN


def clean(name):
    name = re.sub(r"\b(struct|class|union|typename|enum)\s+", "", name)
    name = re.sub(r"\bconst\b", "", name)  # demanglers and compilers write it on different sides
    name = re.sub(r"\s*([*<>,&])\s*", r"\1", name)
    return re.sub(r"\s+", " ", name).strip()


def of_sizeof(path, line, text):
    match = re.search(r"\bsizeof\s*(?:\(\s*([^()]*(?:\([^()]*\))?[^()]*?)\s*\)|\s(\*?\w+))", text)
    if not match:
        return UNKNOWN
    inner = (match.group(1) or match.group(2)).strip()
    if inner.startswith("*"):
        inner = declared(path, line, inner[1:].strip("() "))
    elif re.search(r"->|\[", inner):
        return UNKNOWN
    if not inner:
        return UNKNOWN
    before, after = text[:match.start()].rstrip(), text[match.end():].lstrip()
    counted = re.search(r"calloc\s*\(\s*([^,]*),\s*(?:\(\w+\)\s*)?$", before)
    many = before.endswith("*") or after.startswith("*") or (counted and counted.group(1).strip() != "1")
    name = clean(inner)
    return name + "[]" if many or name == "char" else name


def of_new(text):
    match = re.search(r"\bnew\s+(?:\([^)]*\)\s*)?([A-Za-z_][\w:]*(?:<[^;()]*?>)?(?:\s*\*+)?)\s*([\[({;,)]|$)", text)
    if not match:
        return UNKNOWN
    return clean(match.group(1)) + ("[]" if match.group(2) == "[" else "")


def of_allocator(function):
    """The template argument of the standard allocator that a C++ function is."""
    match = re.match(r".*?\b(?:__)?new_allocator<(.*)>::allocate\(", function)
    if not match:
        return UNKNOWN
    name = clean(match.group(1))
    one = re.match(r"std::(?:_Rb_tree_node|_List_node|_Fwd_list_node|__detail::_Hash_node(?:_base\*)?|_Sp_counted)", name)
    return name if one and not name.endswith("*") else name + "[]"


TEXT_FUNCTIONS = re.compile(r"^(strdup|__strdup|strndup|__strndup|getline|getdelim|__getdelim|asprintf|vasprintf|"
                            r"__vasprintf_chk|__asprintf_chk|realpath|getcwd|canonicalize_file_name)\b")
STRING_FUNCTIONS = re.compile(r"basic_string<(char|wchar_t)|\bstd::string\b|std::__cxx11::basic_string")


class Truth:
    """Types of blocks by their return addresses. `wrappers` (a regular expression of functions to look
    behind) and `table` ((function, type) pairs of regular expressions and types) come from reading the source.
    `originals`: stripped files and those with debug information that they were made of."""

    def __init__(self, pid, wrappers, table, originals):
        self.modules = modules(pid)
        for module in self.modules:
            module.path = originals.get(module.path, module.path)
        self.starts = [module.start for module in self.modules]
        self.wrappers = re.compile(wrappers or r"(?!)")
        self.table = [(re.compile(pattern), name) for pattern, name in table]
        self.places = {}
        self.answers = {}

    def module(self, address):
        at = bisect.bisect_right(self.starts, address) - 1
        return self.modules[at] if at >= 0 and address < self.modules[at].end else None

    def prepare(self, chains):
        """Looks up all return addresses at once: addr2line reads a file's debug information anew each time."""
        wanted = collections.defaultdict(set)
        for chain in chains:
            for address in chain:
                module = self.module(address)
                if module and not re.search(r"/lib(c|stdc\+\+|recorder[-\w]*)\.so|/ld-linux", module.path):
                    wanted[module].add(address)
        for module, addresses in wanted.items():
            found = places(module.path, [address - 1 - module.bias for address in sorted(addresses)])
            for address in addresses:
                self.places[address] = found.get(address - 1 - module.bias, [])

    def of_place(self, place):
        """(decided, type): not decided means that the caller knows more."""
        name = of_allocator(place.function)
        if name:
            return True, name
        if STRING_FUNCTIONS.search(place.function.split("(")[0]):
            return True, TEXT
        for pattern, name in self.table:
            if pattern.search("%s@%s" % (place.function, statement(place.file, place.line))):
                return True, name
        if self.wrappers.search(place.function):
            return False, UNKNOWN
        text = statement(place.file, place.line)
        return True, of_new(text) or of_sizeof(place.file, place.line, text)

    def of_library(self, module, address):
        """(decided, type) for a frame inside libc or libstdc++."""
        name = module.symbol(address)
        if TEXT_FUNCTIONS.match(name) or STRING_FUNCTIONS.search(name):
            return True, TEXT
        return "recorder" not in module.path, UNKNOWN

    def decide(self, chain):
        """(type, site)"""
        for address in chain:
            module = self.module(address)
            if not module:
                return UNKNOWN, "?"
            if address not in self.places:
                decided, name = self.of_library(module, address)
                if decided:
                    return name, "%s in %s" % (module.symbol(address), os.path.basename(module.path))
                continue
            for place in self.places[address]:
                decided, name = self.of_place(place)
                if decided:
                    return name, "%s %s:%d: %s" % (place.function[:60], os.path.basename(place.file), place.line,
                                                   statement(place.file, place.line).strip()[:90])
        return UNKNOWN, "?"

    def of(self, chain):
        if chain not in self.answers:
            self.answers[chain] = self.decide(chain)
        return self.answers[chain]
