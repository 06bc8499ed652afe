# SPDX-License-Identifier: GPL-3.0-or-later
"""Damages core files in the ways that hurt: headers, notes, cut short, overlaps, and the words that malloc, ld.so
and the kernel left in memory.

    core = mutations.Core(path)
    for change in core.mutate(random.Random(1)):
        print(change)                 # what was done, for the message of a test that fails
    ...
    core.restore()
"""
import os
import struct

PT_LOAD, PT_NOTE = 1, 4
NT_PRSTATUS, NT_FILE, NT_AUXV = 1, 0x46494C45, 6
HEADER_FIELDS = ("e_type", "e_machine", "e_phoff", "e_shoff", "e_phentsize", "e_phnum", "e_shentsize", "e_shnum")


class Layout:
    """Where the fields of ELF's structures are, by word size: name -> (offset, size)."""

    def __init__(self, word):
        self.word = word
        wide = word == 8
        self.header = dict(zip(
            ("e_type", "e_machine", "e_version", "e_entry", "e_phoff", "e_shoff", "e_flags", "e_ehsize",
             "e_phentsize", "e_phnum", "e_shentsize", "e_shnum", "e_shstrndx"),
            self.fields(16, (2, 2, 4, word, word, word, 4, 2, 2, 2, 2, 2, 2))))
        if wide:
            names = ("p_type", "p_flags", "p_offset", "p_vaddr", "p_paddr", "p_filesz", "p_memsz", "p_align")
            sizes = (4, 4, 8, 8, 8, 8, 8, 8)
        else:
            names = ("p_type", "p_offset", "p_vaddr", "p_paddr", "p_filesz", "p_memsz", "p_flags", "p_align")
            sizes = (4,) * 8
        self.program_header = dict(zip(names, self.fields(0, sizes)))
        self.program_header_size = 56 if wide else 32

    @staticmethod
    def fields(at, sizes):
        for size in sizes:
            yield at, size
            at += size


class Core:
    """A core file (little-endian, not compressed) that is damaged in place and mended again."""

    def __init__(self, path):
        self.path = path
        self.file = os.open(path, os.O_RDWR)
        self.size = os.fstat(self.file).st_size
        self.layout = Layout(8 if self.read(4, 1) == b"\2" else 4)
        self.undo = []  # (offset, what was there), in order; None: all from there was cut off
        table = self.field(0, self.layout.header["e_phoff"])
        count = self.field(0, self.layout.header["e_phnum"])
        self.program_headers = [table + i * self.layout.program_header_size for i in range(count)]
        self.notes = list(self.find_notes())
        self.words = self.find_words()

    def close(self):
        os.close(self.file)

    def read(self, offset, size):
        return os.pread(self.file, size, offset)

    def field(self, at, place):
        return int.from_bytes(self.read(at + place[0], place[1]), "little")

    def program_field(self, header, name):
        return self.field(header, self.layout.program_header[name])

    def find_notes(self):
        """Yields (offset of the note, type, offset of its contents, their size)."""
        for header in self.program_headers:
            if self.program_field(header, "p_type") != PT_NOTE:
                continue
            at = self.program_field(header, "p_offset")
            end = at + self.program_field(header, "p_filesz")
            while at + 12 <= end:
                name, size, kind = struct.unpack("<III", self.read(at, 12))
                yield at, kind, at + 12 + (name + 3 & ~3), size
                at += 12 + (name + 3 & ~3) + (size + 3 & ~3)

    def find_words(self):
        """File offsets of the words of writable memory that are not zero, by segment."""
        segments = []
        for header in self.program_headers:
            flags, kind = self.program_field(header, "p_flags"), self.program_field(header, "p_type")
            start, size = self.program_field(header, "p_offset"), self.program_field(header, "p_filesz")
            if kind == PT_LOAD and flags & 2 and size:
                segments.append(list(self.words_between(start, min(start + size, self.size))))
        return [segment for segment in segments if segment]

    def words_between(self, start, end):
        zero = bytes(self.layout.word)
        while start < end:
            try:
                start = os.lseek(self.file, start, os.SEEK_DATA)
            except OSError:
                return  # a hole until the end
            stop = min(end, os.lseek(self.file, start, os.SEEK_HOLE), start + (1 << 20))
            data = self.read(start, max(stop - start, 0))
            for at in range(0, len(data) - self.layout.word + 1, self.layout.word):
                if data[at:at + self.layout.word] != zero:
                    yield start + at
            start = max(stop, start + 1)

    # ------------------------------------------------------------------------------------------- changing

    def patch(self, offset, data):
        self.undo.append((offset, self.read(offset, len(data))))
        os.pwrite(self.file, data, offset)

    def patch_number(self, offset, size, value):
        self.patch(offset, (value & (1 << 8 * size) - 1).to_bytes(size, "little"))

    def restore(self):
        for offset, data in reversed(self.undo):
            if data is None:
                os.ftruncate(self.file, offset)
                os.ftruncate(self.file, self.size)
            else:
                os.pwrite(self.file, data, offset)
        self.undo = []

    def mutate(self, random):
        """Does some of the changes below and says which."""
        ways = [self.flip_anything, self.flip_notes, self.header, self.program_header, self.overlap, self.note,
                self.note_contents, self.memory_word, self.memory_word, self.memory_words, self.chunk_size,
                self.chunk_size, self.shorten]
        return [random.choice(ways)(random) for _ in range(random.choice((1, 1, 2, 5)))]

    def number(self, random, size, old):
        """A number that is likely to lead astray."""
        top = 1 << 8 * size
        return random.choice((0, 1, top - 1, top >> 1, (top >> 1) - 1, old + 1, old - 1, old + 4096, old * 2, old ^ 1 << random.randrange(
            8 * size), old >> 1, top - old, 16, 4096, random.randrange(top))) % top

    def change(self, random, offset, size, what):
        old = int.from_bytes(self.read(offset, size), "little")
        new = self.number(random, size, old)
        self.patch_number(offset, size, new)
        return "%s: %#x instead of %#x" % (what, new, old)

    def flip(self, random, offset):
        byte = self.read(offset, 1) or b"\0"
        self.patch(offset, bytes([byte[0] ^ 1 << random.randrange(8)]))
        return "a bit of the byte at %#x" % offset

    def flip_anything(self, random):
        end = self.program_headers[-1] + self.layout.program_header_size
        return self.flip(random, random.randrange(end) if random.random() < 0.5 else self.a_word(random))

    def flip_notes(self, random):
        at, _, contents, size = random.choice(self.notes)
        return ", ".join(self.flip(random, random.randrange(at, contents + size)) for _ in range(random.choice((1, 9))))

    def header(self, random):
        if random.random() < 0.2:
            return self.change(random, random.randrange(4, 8), 1, "e_ident")
        name = random.choice(HEADER_FIELDS)
        return self.change(random, *self.layout.header[name], name)

    def program_header(self, random):
        number = random.randrange(len(self.program_headers))
        name = random.choice(list(self.layout.program_header))
        offset, size = self.layout.program_header[name]
        return self.change(random, self.program_headers[number] + offset, size, "program header %d, %s" % (number, name))

    def overlap(self, random):
        """One segment lies where another does, in memory or in the file, or both change places."""
        one, other = random.choice(self.program_headers), random.choice(self.program_headers)
        size = self.layout.program_header_size
        if random.random() < 0.3:
            first, second = self.read(one, size), self.read(other, size)
            self.patch(one, second)
            self.patch(other, first)
            return "program headers at %#x and %#x change places" % (one, other)
        name = random.choice(("p_vaddr", "p_vaddr", "p_offset"))
        place = self.layout.program_header[name]
        step = random.choice((0, 0, 4096, -4096, 1, 1 << 20))
        self.patch_number(one + place[0], place[1], self.field(other, place) + step)
        return "%s of the program header at %#x is that of %#x and %d" % (name, one, other, step)

    def note(self, random):
        at, kind, _, _ = random.choice(self.notes)
        field = random.randrange(3)
        if field == 2 and random.random() < 0.7:
            self.patch_number(at + 8, 4, random.choice([note[1] for note in self.notes]))
            return "the note of type %#x has another's type" % kind
        return self.change(random, at + 4 * field, 4, "field %d of the note of type %#x" % (field, kind))

    def note_contents(self, random):
        """A word of what the kernel says: registers, identities, the auxiliary vector, mapped files."""
        at, kind, contents, size = random.choice(self.notes)
        if random.random() < 0.5:
            at, kind, contents, size = random.choice([n for n in self.notes if n[1] in (NT_PRSTATUS, NT_FILE, NT_AUXV)])
        word = self.layout.word
        if size < word:
            return "nothing"
        offset = random.randrange(size // word) * word if random.random() < 0.7 else min(
            random.randrange(8), size // word - 1) * word
        return self.change(random, contents + offset, word, "byte %d of the note of type %#x" % (offset, kind))

    def a_word(self, random):
        return random.choice(random.choice(self.words))

    def memory_word(self, random):
        """A word of memory becomes another that occurs there, itself moved a little, or noise."""
        at, word = self.a_word(random), self.layout.word
        way = random.random()
        if way < 0.4:
            self.patch(at, self.read(self.a_word(random), word))
            return "the word at %#x is another's" % at
        if way < 0.6:
            old = int.from_bytes(self.read(at, word), "little")
            self.patch_number(at, word, old + random.choice((8, -8, 16, -16, 1, 4096, -4096, 1 << 20)))
            return "the word at %#x is a little off" % at
        return self.change(random, at, word, "the word at %#x" % at)

    def memory_words(self, random):
        return "; ".join(self.memory_word(random) for _ in range(random.choice((20, 200))))

    def chunk_size(self, random):
        """A word that may be the size of a chunk: small, with malloc's bits."""
        segment = random.choice(self.words)
        start = random.randrange(len(segment))
        for at in segment[start:start + 2000]:
            value = int.from_bytes(self.read(at, self.layout.word), "little")
            if 0x10 <= value & ~7 <= 0x40000 and value & 3:
                if random.random() < 0.4:
                    self.patch_number(at, self.layout.word, value ^ random.choice((1, 2, 4, 5, 8)))
                    return "bits of the size at %#x" % at
                return self.change(random, at, self.layout.word, "the size at %#x" % at)
        return self.memory_word(random)

    def shorten(self, random):
        end = random.choice((random.randrange(self.size), random.randrange(1 << 14),
                             random.choice(self.program_headers) + random.randrange(57), self.a_word(random)))
        kept, at = [], end
        while at < self.size:
            try:
                at = os.lseek(self.file, at, os.SEEK_DATA)
            except OSError:
                break
            stop = min(os.lseek(self.file, at, os.SEEK_HOLE), at + (1 << 20))
            kept.append((at, self.read(at, stop - at)))
            at = stop
        self.undo += reversed([(end, None)] + kept)
        os.ftruncate(self.file, end)
        return "cut off at %#x" % end
