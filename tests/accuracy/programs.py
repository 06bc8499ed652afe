# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs that types are measured on: how each is built and loaded, and what its source says of the blocks
that no `sizeof` tells. Those marked unseen had no part in making the rules."""
import contextlib
import os
import socket
import subprocess
import time

# In the tables: text, and bytes whose source says no more of them (they may be text).
TEXT, BYTES = "char[]", "bytes"


class Program:
    """One program. `build` are shell commands in its unpacked source; `binary` is what they make."""

    name = package = binary = build = None
    unseen = False
    wrappers = None   # functions to look behind: they allocate for their callers
    table = ()        # ("function@statement" as a regular expression, type)
    same = ()         # names that mean one type: (one, another)

    def start(self, path, environment, directory):
        """Starts it; returns when its load is done and it waits."""
        raise NotImplementedError


FLAGS = "-O2 -g -fno-omit-frame-pointer"


def waiting(process, text):
    """Reads what a program says until it says `text`."""
    for line in process.stdout:
        if text in line:
            return process
    raise AssertionError("it ended early")


def children(process):
    with open("/proc/%d/task/%d/children" % (process.pid, process.pid)) as file:
        return file.read().split()


def blocked(process):
    """Waits until a program whose output nobody reads can write no more."""
    before = None
    while process.poll() is None:
        time.sleep(0.5)
        with open("/proc/%d/stat" % process.pid) as file:
            fields = file.read().rpartition(")")[2].split()
        if fields[0] == "S" and fields[11:13] == before:
            return process
        before = fields[11:13]
    raise AssertionError("it ended early")


class Redis(Program):
    name, package, binary = "redis", "redis", "src/redis-server"
    build = 'make -j2 MALLOC=libc OPTIMIZATION=-O2 CFLAGS="-fno-omit-frame-pointer"'
    wrappers = r"^(zmalloc|zcalloc|zrealloc|ztry\w*|s_malloc|s_realloc|zstrdup|lp_\w+|hdr_calloc)\b|_usable$"
    table = (
        (r"^(_?sds\w+)@", "sds"),
        (r"^zstrdup@", TEXT),
        (r"^rax\w*@.*sizeof\(\*rax\)", "rax"),
        (r"^rax(NewNode|CompressNode|AddChild|GenericInsert|RemoveChild|GenericRemove|Remove\w*)@", "raxNode"),
        (r"^(lp\w+|zip\w+|ziplist\w+)@", BYTES),
        (r"^intset\w+@", "intset"),
        (r"^createClient@.*PROTO_REPLY", TEXT),
    )

    def start(self, path, environment, directory):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        process = subprocess.Popen([path, "--port", str(port), "--save", "", "--daemonize", "no"], env=environment,
                                   stdout=subprocess.PIPE, cwd=directory)
        waiting(process, b"Ready to accept")
        with socket.create_connection(("127.0.0.1", port)) as connection, connection.makefile("rwb") as stream:
            for first in range(0, 40000, 200):
                commands = [word for i in range(first, first + 200) for word in self.commands(i)]
                for words in commands:
                    stream.write(b"*%d\r\n" % len(words))
                    for word in words:
                        stream.write(b"$%d\r\n%s\r\n" % (len(word.encode()), word.encode()))
                stream.flush()
                for _ in commands:
                    stream.readline()
        return process

    @staticmethod
    def commands(i):
        yield "SET", "user:%d:name" % i, "Name of user number %d" % i
        yield "HSET", "h:%d" % (i % 300), "field%d" % i, "value %d %s" % (i, "x" * (i % 90))
        yield "RPUSH", "l:%d" % (i % 50), "item %d" % i
        yield "SADD", "s:%d" % (i % 40), "member-%d" % i
        yield "ZADD", "z:%d" % (i % 30), str(i * 1.5), "z-%d" % i
        if i % 40 == 0:
            yield "SETEX", "session:%d" % i, "100000", "{\"id\": %d, \"roles\": [\"admin\", \"user\"]}" % i


class Piped(Program):
    """A program that reads commands, says a word when all are done, and waits for more."""

    arguments = ()
    said = b"LOADED"

    def commands(self):
        raise NotImplementedError

    def start(self, path, environment, directory):
        process = subprocess.Popen([path, *self.arguments], env=environment, cwd=directory, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE)
        process.stdin.write(self.commands())
        process.stdin.flush()
        return waiting(process, self.said)


class Sqlite(Piped):
    name, package, binary = "sqlite3", "sqlite3", "b/sqlite3"
    build = 'mkdir -p b; cd b; ../configure --disable-shared --disable-tcl CFLAGS="%s"; make -j2 sqlite3' % FLAGS
    arguments = ("-batch", ":memory:")
    wrappers = (r"^(sqlite3(_?malloc\w*|_?realloc\w*|Malloc\w*|Realloc\w*|MemMalloc|MemRealloc|DbMalloc\w*|DbRealloc\w*|"
                r"DbStr\w*|DbSpan\w*|MallocZero|PageMalloc|_mprintf|_vmprintf|VMPrintf|MPrintf)|mallocWithAlarm|"
                r"dbMallocRawFinish|dbReallocFinish|pcache1Alloc|strAccumFinishRealloc|sqlite3_str_finish)\b|^sqlite3StrAccumEnlarge")
    table = (
        (r"^(strAccumFinishRealloc|sqlite3StrAccumEnlarge|sqlite3NameFromToken|sqlite3DbStr\w+|sqlite3_mprintf)@", TEXT),
        (r"^sqlite3AddColumn@.*\bz =", TEXT),
        (r"^sqlite3AddColumn@.*aNew =", "Column[]"),
        (r"^exprDup@.*zAlloc", "Expr"),
        (r"^sqlite3ExprListDup@", "ExprList"),
        (r"^sqlite3SrcListDup@", "SrcList"),
        (r"^sqlite3AllocateIndexObject@", "Index"),
        (r"^sqlite3FindFunction@", "FuncDef"),
        (r"^pcache1AllocPage@", "page of the cache"),
    )

    same = (("page of the cache", "SQLite page"),)

    def commands(self):
        lines = []
        for table in range(60):
            lines.append("create table t%d(id integer primary key, name text, value real, note text check(length(note)>%d));"
                         % (table, table))
            lines.append("create index i%d on t%d(name, value);" % (table, table))
            lines.append("create view v%d as select name, sum(value) from t%d group by name;" % (table, table))
            lines.append("create trigger g%d after insert on t%d begin update t%d set value = 1 where id = new.id - 1; end;"
                         % (table, table, table))
        lines.append("with recursive c(x) as (select 1 union all select x+1 from c where x<20000) "
                     "insert into t1(name, value, note) select 'name '||x, x*0.5, 'note number '||x||hex(x) from c;")
        lines.append("select 'LOADED';\n")
        return "\n".join(lines).encode()


class Lua(Piped):
    name, package, binary = "lua", "lua5.4", "src/lua"
    build = 'make -C src linux MYCFLAGS="%s"' % FLAGS
    arguments = ("-i",)
    wrappers = r"^(l_alloc|luaM_\w+|firsttry|luaC_newobj\w*|luaE_\w*alloc)\b"
    table = (
        (r"^luaE_extendCI@", "CallInfo"),
        (r"^stack_init@|^luaD_reallocstack@", "StackValue[]"),
        (r"^lua_newthread@", "LX"),
        (r"^(internshrstr|createstrobj|luaS_\w+)@", "TString"),
        (r"^luaH_new@", "Table"),
        (r"^(setnodevector|luaH_resize)@.*Node|^setnodevector@", "Node[]"),
        (r"^luaH_re(size|alloc)\w*@", "TValue[]"),
        (r"^luaF_newCclosure@", "CClosure"),
        (r"^luaF_newLclosure@", "LClosure"),
        (r"^luaF_(findupval|newupval|initupvals)@|^newupval@", "UpVal"),
        (r"^luaF_newproto@", "Proto"),
    )

    def commands(self):
        return (b"T = {} for i = 1, 60000 do T[i] = {id = i, name = 'name ' .. i, next = T[i-1], f = function() return i end} end "
                b"C = {} for i = 1, 3000 do C[i] = coroutine.create(function() coroutine.yield(i) end) coroutine.resume(C[i]) end "
                b"print('LOADED')\n")


class Git(Program):
    name, package, binary = "git", "git", "git"
    build = 'make -j2 NO_TCLTK=1 NO_GETTEXT=1 NO_PERL=1 NO_PYTHON=1 CFLAGS="%s" git' % FLAGS
    unseen = True
    wrappers = r"^(x\w*alloc\w*|do_x\w*alloc\w*|memory_limit\w*|mem_pool_\w+|xmemdupz|st_mult|alloc_node)\b"
    table = (
        (r"^(xstrdup|xstrndup|strbuf_\w+|xstrfmt|xstrvfmt)@", TEXT),
        (r"^alloc_blob_node@", "blob[]"),
        (r"^alloc_tree_node@", "tree[]"),
        (r"^alloc_commit_node@", "commit[]"),
        (r"^alloc_object_node@", "any_object[]"),
        (r"^(unpack_compressed_entry|patch_delta|unpack_loose_\w+|read_blob_\w+)@", BYTES),
    )

    def start(self, path, environment, directory):
        def git(*arguments, data=None):
            subprocess.run([path, "-C", directory, *arguments], input=data, check=True, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
        git("init", "-q")
        git("fast-import", "--quiet", data=b"".join(self.commit(i) for i in range(3000)))
        process = subprocess.Popen([path, "-C", directory, "log", "--all", "--graph", "--topo-order", "--name-status",
                                    "--format=%H %an %s %b"], env=environment, stdout=subprocess.PIPE)
        return blocked(process)

    @staticmethod
    def commit(i):
        text = b"Change number %d\n\nIt changes file %d.\n" % (i, i % 400)
        content = b"content %d\n" % i * 20
        return (b"commit refs/heads/main\ncommitter A U Thor <author%d@example.org> %d +0000\ndata %d\n%s\n"
                b"M 644 inline folder%d/file%d.txt\ndata %d\n%s\n"
                % (i % 50, 1600000000 + i, len(text), text, i % 20, i % 400, len(content), content))


class Xmllint(Piped):
    name, package, binary = "xmllint", "libxml2", "xmllint"
    build = ('./autogen.sh --without-python --disable-shared CFLAGS="%s"; make -j2 xmllint' % FLAGS)
    unseen = True
    arguments = ("--shell", "big.xml")
    said = b"LOADED"
    wrappers = r"^(xmlMem\w*|xmlMalloc\w*)\b"
    table = (
        (r"^(xmlStr\w+|xmlDictAddString|xmlDictAddQString)@", "xmlChar[]"),
    )

    def commands(self):
        return b"xpath string(/all/@said)\n"

    def start(self, path, environment, directory):
        with open(os.path.join(directory, "big.xml"), "w") as file:
            file.write("<all said='LOADED'>")
            for i in range(20000):
                file.write("<row id='%d' kind='k%d'><name>name number %d</name><!-- note %d --><v>%d</v></row>\n"
                           % (i, i % 7, i, i, i * 3))
            file.write("</all>")
        return super().start(path, environment, directory)


class Jq(Program):
    name, package, binary = "jq", "jq", "jq"
    build = ('autoreconf -fi; ./configure --disable-maintainer-mode --without-oniguruma --disable-shared CFLAGS="%s"; '
             'make src/builtin.inc; make -j2 jq' % FLAGS)
    unseen = True
    wrappers = r"^(jv_mem_\w+)\b"
    table = (
        (r"^jvp_string_\w+@", "jvp_string"),
        (r"^jvp_array_alloc@", "jvp_array"),
        (r"^jvp_object_new@", "jvp_object"),
    )

    def start(self, path, environment, directory):
        with open(os.path.join(directory, "big.json"), "w") as file:
            file.write("[%s]" % ",\n".join('{"id": %d, "name": "name number %d", "list": [%d, %d], "in": {"a": null, "b": true}}'
                                           % (i, i, i, i + 1) for i in range(20000)))
        return blocked(subprocess.Popen([path, ".", "big.json"], env=environment, stdout=subprocess.PIPE, cwd=directory))


class Cppcheck(Program):
    name, package, binary = "cppcheck", "cppcheck", "cppcheck"
    build = 'make -j2 CXXFLAGS="%s" FILESDIR="$PWD" cppcheck' % FLAGS

    def start(self, path, environment, directory):
        source = os.path.join(os.path.dirname(path), "lib", "tokenize.cpp")
        process = subprocess.Popen([path, "--enable=all", "--max-ctu-depth=3", source], env=environment,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(12)
        return process


class Ninja(Program):
    name, package, binary = "ninja", "ninja-build", "b/ninja"
    build = ('cmake -S . -B b -DCMAKE_BUILD_TYPE=None -DBUILD_TESTING=OFF -DCMAKE_CXX_FLAGS="%s"; make -C b -j2 ninja'
             % FLAGS)
    unseen = True

    def start(self, path, environment, directory):
        with open(os.path.join(directory, "build.ninja"), "w") as file:
            file.write("rule cc\n  command = sleep 1000; echo $in $out\n  description = compile $out\n")
            for i in range(12000):
                file.write("build output/of/the/compiler/o%d.o: cc in/f%d.c | in/h%d.h\n  flags = -O%d\n"
                           % (i, i, i % 100, i % 3))
        os.makedirs(os.path.join(directory, "in"))
        for i in range(12000):
            with open(os.path.join(directory, "in", "f%d.c" % i), "w"):
                pass
        for i in range(100):
            with open(os.path.join(directory, "in", "h%d.h" % i), "w"):
                pass
        process = subprocess.Popen([path, "-v"], env=environment, cwd=directory, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, start_new_session=True)
        while not children(process):
            time.sleep(0.2)
        return process


PROGRAMS = [Redis, Cppcheck, Sqlite, Lua, Ninja, Git, Xmllint, Jq]


def stop(process):
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    process.wait()
