#!/usr/bin/env python3
"""The rules of this code base that a machine can check (core/README.md, "Who may know whom").

    tidy.py text    --source DIR              room edges, banned words, widths, lengths, headers
    tidy.py format  --source DIR              clang-format 14 agrees with every C++ file
    tidy.py python  --source DIR              pyflakes finds no undefined or unused name
    tidy.py symbols --source DIR --build DIR  the core's archives ask the system for nothing
    tidy.py self-test                         every rule fires on bad snippets, not on good ones

Findings are printed as file:line: rule: message. Exit status: 0 none, 1 some, 77 skipped.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

COLUMNS_MAX = 100
FUNCTION_MAX = 70
FILE_MAX = 500
SKIPPED = 77
CLANG_FORMAT_MAJOR = 14

# Files longer than FILE_MAX that may stay so, each with its reason. An entry that is not needed is
# a finding, so this list cannot rot.
LONG_FILES: dict[str, str] = {}

# The only objects of the core that may ask the system for something, and what.
SYMBOL_EXCEPTIONS = {
    # A failed CHECK says where and ends the process; nothing can be returned any more.
    "check.cc.o": {"fprintf", "stderr", "abort"},
}

# Room -> rooms it may include. The longest matching folder is the room of a file.
EDGES = {
    "core/base": set(),
    "core/net": {"core/base"},
    "core/crypto": {"core/base"},
    "core/esp": {"core/base", "core/net", "core/crypto"},
    "core/ike/wire": {"core/base", "core/net"},
    "core/ike/v1": {"core/base", "core/net", "core/crypto", "core/ike/wire"},
    "core/config": {"core/base", "core/net", "core/crypto"},
    "core/importers": {"core/base", "core/net", "core/crypto", "core/config"},
    "core/session": {"core/base", "core/net", "core/crypto", "core/esp", "core/ike/wire",
                     "core/ike/v1", "core/config"},
    "platform": {"core/base", "core/net"},
    "client": {"core/base", "core/net", "core/crypto", "core/config", "core/importers",
               "core/session", "platform"},
}
ARCHIVES = {
    "core/base": "libcore_base.a",
    "core/net": "libcore_net.a",
    "core/crypto": "libcore_crypto.a",
    "core/esp": "libcore_esp.a",
    "core/ike/wire": "libcore_wire.a",
    "core/ike/v1": "libcore_v1.a",
    "core/config": "libcore_config.a",
    "core/importers": "libcore_importers.a",
    "core/session": "libcore_session.a",
}
# Libraries that belong to one room (prefix of the include -> room).
LIBRARY_HOMES = {
    "mbedtls/": "core/crypto",
    "psa/": "core/crypto",
    "intel-ipsec-mb": "core/crypto",
    "toml++/": "core/config",
    "expat": "core/importers",
    "liburing": "platform",
    "netlink/": "platform",
    "systemd/": "platform",
    "CLI/": "client",
    "fmt/": "client",
    "gnutls/": "client",
    "liboath/": "client",
    "nlohmann/": "client",
}
# System headers the core has no business with.
CORE_HEADERS_DENIED = re.compile(
    r"^(sys/|netinet/|arpa/|net/|linux/|asm/|unistd\.h|fcntl\.h|poll\.h|pthread\.h|signal\.h|"
    r"time\.h|stdio\.h|stdlib\.h|ctime|cstdio|cstdlib|csignal|thread|mutex|shared_mutex|"
    r"condition_variable|future|semaphore|latch|barrier|stop_token|fstream|iostream|ostream|"
    r"istream|sstream|filesystem|random|syslog\.h)")
CORE_HEADER_EXCEPTIONS = {
    ("core/base/check.cc", "cstdio"),  # see SYMBOL_EXCEPTIONS
    ("core/base/check.cc", "cstdlib"),
    ("core/net/address.cc", "arpa/inet.h"),  # inet_pton and inet_ntop ask nobody
}

DENIED_SYMBOLS = set("""
socket socketpair bind connect listen accept accept4 shutdown getsockopt setsockopt getsockname
getpeername send sendto sendmsg sendmmsg recv recvfrom recvmsg recvmmsg
getaddrinfo getnameinfo gethostbyname res_init res_query if_nametoindex
open openat creat close read write readv writev pread pwrite lseek fcntl ioctl dup dup2 dup3 pipe
pipe2 stat fstat lstat unlink rename mkdir chmod chown mmap munmap
fopen fdopen fclose fread fwrite fgets fputs fputc fprintf vfprintf printf vprintf puts putchar
perror dprintf stdin stdout stderr syslog openlog
clock_gettime clock_getres gettimeofday time clock times localtime localtime_r gmtime gmtime_r
mktime nanosleep clock_nanosleep sleep usleep timer_create timerfd_create timerfd_settime alarm
getenv secure_getenv setenv putenv unsetenv environ
getrandom getentropy rand srand random srandom rand_r drand48 arc4random
poll ppoll select pselect eventfd signalfd signal sigaction raise kill syscall
fork vfork execv execve execvp popen system abort exit _exit quick_exit
thrd_create mtx_lock sysconf getpid gettid sched_yield getuid geteuid
""".split())
DENIED_PREFIXES = ("pthread_", "io_uring_", "epoll_", "sd_", "nl_", "sem_", "dlopen")
DENIED_CPLUSPLUS = re.compile(
    r"std::chrono::.*::now\(|std::this_thread|std::thread|std::jthread|std::mutex|"
    r"std::condition_variable|std::basic_[io]?fstream|std::basic_filebuf|std::filesystem|"
    r"std::random_device|std::cout|std::cerr|std::clog|std::cin|std::ios_base::Init")

BANNED = [
    (re.compile(r"\b(TODO|FIXME|XXX|HACK)\b"), "a note to finish something later"),
    (re.compile(r"\bfor now\b", re.I), "a promise"),
    (re.compile(r"\b(not implemented|unimplemented)\b", re.I), "something that is not there"),
    (re.compile(r"\bstrcpy\b"), "an unbounded copy"),
    (re.compile(r"\bsprintf\("), "an unbounded copy"),
    (re.compile(r"\bgets\("), "an unbounded copy"),
    (re.compile(r"\B/(?:home|root|work)/"), "a path of one machine"),
]
# A shell may run the fixed commands of a test, never anything in what is shipped.
BANNED_WHERE_SHIPPED = [(re.compile(r"\bsystem\("), "a shell")]
CORPUS = "tests/fuzz/corpus/"
# Tables whose rows each name tests, or say why there is none: file -> rows.
HOSTILE = "tests/HOSTILE.md"
STATEMENTS = "tests/STATEMENTS.md"
COMPLAINTS = "tests/COMPLAINTS.md"
CHANGELOG = "packaging/CHANGELOG.md"


def numbered(prefix, last):
    return [f"{prefix}{n:02}" for n in range(1, last + 1)]


TABLES = {
    HOSTILE: numbered("H", 23) + numbered("A", 27) + numbered("B", 19),
    STATEMENTS: (numbered("ISK-", 32) + numbered("IKE1-", 40) + numbered("QM-", 20)
                 + numbered("NATT-", 25) + numbered("ENC-", 15) + numbered("DPD-", 10)
                 + numbered("XA-", 15) + numbered("MC-", 18) + numbered("HY-", 6)
                 + numbered("FR-", 9) + numbered("ESP-", 26)),
    COMPLAINTS: numbered("U", 30),
}
EXEMPT_FROM_WORDS = {"tests/tidy/tidy.py"}

CODE = {".h", ".cc"}
WIDE_CHECKED = CODE | {".py", ".sh", ".cmake"}
TEXT = WIDE_CHECKED | {".md", ".txt", ".json", ".toml", ".service", ".socket", ".yml", ".yaml",
                       ".1", ".5", ".8", ".spec", ".conf", ".bash", ".zsh", ".fish", ".in", ""}
TABS_WANTED = re.compile(r"(^|/)(Makefile|rules)$|\.gitmodules$|(^|/)LICENSE$")


class Finding(NamedTuple):
    path: str
    line: int
    rule: str
    message: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.rule}: {self.message}"


# ---- C++ without what is not code ---------------------------------------------------------------

NOT_CODE = re.compile(
    r'(?P<raw>R"(?P<tag>[^\s()\\]{0,16})\((?:.|\n)*?\)(?P=tag)")'
    r'|(?P<line>//[^\n]*)|(?P<block>/\*(?:.|\n)*?\*/)'
    r'|(?P<string>"(?:\\.|[^"\\\n])*")'
    r"|(?P<number>\b[0-9][0-9a-fA-FxX']*)"
    r"|(?P<char>'(?:\\.|[^'\\\n])+')")
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.M)


def blank(text):
    return re.sub(r"[^\n]", " ", text)


def code_only(text):
    """Comments, literals and preprocessor lines become blanks; lines stay where they are."""
    text = NOT_CODE.sub(lambda m: m.group(0) if m.group("number") else blank(m.group(0)), text)
    return DIRECTIVE.sub(lambda m: blank(m.group(0)), text)


def without_template(head):
    """A head without the template parameter lists in front of it."""
    while match := re.match(r"\s*template\s*<", head):
        depth, at = 1, match.end()
        while at < len(head) and depth:
            depth += {"<": 1, ">": -1}.get(head[at], 0)
            at += 1
        head = head[at:]
    return head


def opens(head):
    """What a brace behind this text opens: "scope", "function" or "other"."""
    head = without_template(re.sub(r"\b(alignas|__attribute__)\s*\(+[^)]*\)+", "", head)).strip()
    if re.match(r"(inline\s+)?(namespace|class|struct|union|extern)\b", head) and "(" not in head:
        return "scope"
    if "(" in head and head.count("(") == head.count(")"):
        return "function"
    return "other"


def functions(text):
    """Yields (first line, last line) of every outermost function of a C++ file."""
    code = code_only(text)
    stack, head_at, start, parens = [], 0, 0, 0
    for at, c in enumerate(code):
        if c in "()":
            parens += 1 if c == "(" else -1
        elif c == "{":
            head = code[head_at:at]
            kind = opens(head) if all(k == "scope" for k in stack) else "inner"
            if kind == "function":
                start = head_at + len(head) - len(head.lstrip())
            stack.append(kind)
            head_at = at + 1
        elif c == "}":
            kind = stack.pop() if stack else "other"
            if kind == "function":
                yield code.count("\n", 0, start) + 1, code.count("\n", 0, at) + 1
            head_at = at + 1
        elif c == ";" and not parens:
            head_at = at + 1
        elif c == ":" and re.search(r"\b(public|private|protected)\s*$", code[head_at:at]):
            head_at = at + 1


# ---- rules over the text of one file ------------------------------------------------------------

def room_of(path):
    rooms = [room for room in EDGES if path.startswith(room + "/")]
    return max(rooms, key=len) if rooms else None


def includes(text):
    for number, line in enumerate(text.split("\n"), 1):
        if match := re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line):
            yield number, match.group(1) == '"', match.group(2)


def check_edges(path, text):
    room = room_of(path)
    if path.startswith("core/") and room is None and Path(path).suffix in CODE:
        yield Finding(path, 1, "edge", "belongs to no room of the core")
    if room is None:
        return
    for number, quoted, name in includes(text):
        target = room_of(name)
        if quoted and target is None:
            yield Finding(path, number, "edge", f'"{name}" is in no room; write it from the top')
        elif target is not None and target != room and target not in EDGES[room]:
            yield Finding(path, number, "edge", f"{room} may not know {target}")
        for prefix, home in LIBRARY_HOMES.items():
            if not quoted and name.startswith(prefix) and not may_use(room, home):
                yield Finding(path, number, "edge", f"<{name}> belongs to {home} alone")
        if not quoted and room.startswith("core/") and CORE_HEADERS_DENIED.match(name):
            if not any(path.startswith(p) and name == h for p, h in CORE_HEADER_EXCEPTIONS):
                yield Finding(path, number, "edge", f"the core has no use for <{name}>")


def may_use(room, home):
    # What belongs to the platform are Linux libraries; the client may speak to them as well.
    return room == home or (home == "platform" and room == "client")


def check_words(path, text):
    if path in EXEMPT_FROM_WORDS:
        return
    banned = BANNED + ([] if path.startswith("tests/") else BANNED_WHERE_SHIPPED)
    for number, line in enumerate(text.split("\n"), 1):
        for pattern, meaning in banned:
            if match := pattern.search(line):
                yield Finding(path, number, "word", f"'{match.group(0)}' is {meaning}")
        if "../shared" in line and not path.startswith("tests/"):
            yield Finding(path, number, "word", "'../shared' is a path of one machine")


def check_lines(path, text):
    wide = Path(path).suffix in WIDE_CHECKED or Path(path).name == "CMakeLists.txt"
    for number, line in enumerate(text.split("\n"), 1):
        if wide and len(line) > COLUMNS_MAX:
            yield Finding(path, number, "columns", f"{len(line)} of at most {COLUMNS_MAX}")
        if "\t" in line and not TABS_WANTED.search(path):
            yield Finding(path, number, "tab", "a tab")
        if line != line.rstrip():
            yield Finding(path, number, "trailing", "white space at the end of the line")
    if text and not text.endswith("\n"):
        yield Finding(path, text.count("\n") + 1, "trailing", "no newline at the end of the file")


def check_lengths(path, text):
    if Path(path).suffix not in CODE:
        return
    for first, last in functions(text):
        if last - first + 1 > FUNCTION_MAX:
            yield Finding(path, first, "function",
                          f"{last - first + 1} lines of at most {FUNCTION_MAX}")
    lines = text.count("\n")
    shipped = path.startswith(("core/", "platform/", "client/"))
    if shipped and lines > FILE_MAX and path not in LONG_FILES:
        yield Finding(path, FILE_MAX + 1, "file", f"{lines} lines of at most {FILE_MAX}")
    if path in LONG_FILES and lines <= FILE_MAX:
        yield Finding(path, 1, "file", "needs no exception any more")


def check_headers(path, text, siblings):
    if path.endswith(".h") and not re.search(r"^#pragma once$", text, re.M):
        yield Finding(path, 1, "header", "no #pragma once")
    if path.endswith(".cc") and (own := path[:-3] + ".h") in siblings:
        first = next(includes(text), (1, True, ""))
        if first[2] != own:
            yield Finding(path, first[0], "header", f'the first include must be "{own}"')


def test_names(text):
    """The names of the TEST_CASEs of a C++ file, strings that were broken over lines joined."""
    for match in re.finditer(r'\bTEST_CASE\(((?:\s*"(?:\\.|[^"\\\n])*")+)\s*\)', text):
        pieces = re.findall(r'"((?:\\.|[^"\\\n])*)"', match.group(1))
        yield re.sub(r"\\(.)", r"\1", "".join(pieces))


def check_table(path, text, tests, cases):
    """Rows are | name | ... | tests | reason |: TEST_CASEs in quotation marks, cases of the lab in
    backticks; without any of them "none" and a reason."""
    if path not in TABLES:
        return
    rows = set()
    for number, line in enumerate(text.split("\n"), 1):
        if not re.match(r"\| [A-Z][A-Z0-9]*-?\d\d \|", line):
            continue
        cells = [cell.strip() for cell in line.strip().removeprefix("|").split("|")[:-1]]
        if len(cells) < 3:
            yield Finding(path, number, "table", f"{cells[0]} is cut short")
            continue
        row, *described, named, reason = cells
        if row in rows or row not in TABLES[path]:
            yield Finding(path, number, "table", f"{row} is no row, or is one twice")
        rows.add(row)
        if not all(described):
            yield Finding(path, number, "table", f"{row} does not say what it requires")
        quoted = re.findall(r'"([^"]+)"', named)
        in_lab = re.findall(r"`([^`]+)`", named)
        if not quoted and not in_lab and (named != "none" or not reason):
            yield Finding(path, number, "table", f"{row} names no test and gives no reason")
        for name in quoted:
            if name not in tests:
                yield Finding(path, number, "table", f'there is no test "{name}"')
        for name in in_lab:
            if name not in cases:
                yield Finding(path, number, "table", f"the lab has no case `{name}`")
    for row in TABLES[path]:
        if row not in rows:
            yield Finding(path, 1, "table", f"{row} is missing")


def check_changelog(path, text):
    """packaging/CHANGELOG.md: newest version first, each with a date, each line a dash."""
    if path != CHANGELOG:
        return
    versions = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("## "):
            match = re.fullmatch(r"## (\d+)\.(\d+)\.(\d+) "
                                 r"\((\d{4}-\d\d-\d\d|unreleased)\)", line)
            if not match:
                yield Finding(path, number, "changelog", "a heading is ## VERSION (YYYY-MM-DD)")
                continue
            versions.append(tuple(int(part) for part in match.groups()[:3]))
        elif versions and line and not line.startswith(("- ", "  ")):
            yield Finding(path, number, "changelog", "a line under a version begins with a dash")
    if not versions or versions != sorted(set(versions), reverse=True):
        yield Finding(path, 1, "changelog", "versions are not in order, newest first")


def check_text(path, text, siblings, tests=frozenset(), cases=frozenset()):
    yield from check_edges(path, text)
    yield from check_words(path, text)
    yield from check_lines(path, text)
    yield from check_lengths(path, text)
    yield from check_headers(path, text, siblings)
    yield from check_table(path, text, tests, cases)
    yield from check_changelog(path, text)


# ---- files --------------------------------------------------------------------------------------

def tracked(source):
    """Paths below `source` that belong to it: what git knows, or everything of a tarball."""
    if (source / ".git").exists() and shutil.which("git"):
        listed = subprocess.run(["git", "-c", f"safe.directory={source}", "ls-files", "-z"],
                                cwd=source, capture_output=True, text=True, check=True).stdout
        paths = [p for p in listed.split("\0") if p]
    else:
        paths = [str(p.relative_to(source)) for p in sorted(source.rglob("*"))]
    # What a fuzzer found is octets, whatever it looks like.
    return [p for p in paths if not p.startswith(CORPUS) and (source / p).is_file()]


def lab_cases(source):
    """The names of the lab's cases, some of which are made in loops: the lab itself knows them."""
    listed = subprocess.run([sys.executable, source / "tests/lab/run", "--list"],
                            capture_output=True, text=True, check=True).stdout
    return set(listed.split())


def text_findings(source):
    paths = tracked(source)
    siblings = set(paths)
    tests = {name for path in paths if path.startswith("tests/") and path.endswith(".cc")
             for name in test_names((source / path).read_text("utf-8", "replace"))}
    cases = lab_cases(source)
    findings = []
    for path in paths:
        if Path(path).suffix not in TEXT:
            continue
        octets = (source / path).read_bytes()
        if b"\0" in octets:
            continue
        findings += check_text(path, octets.decode("utf-8", "replace"), siblings, tests,
                               cases)
    findings += [Finding(path, 1, "file", "an exception for a file that does not exist")
                 for path in LONG_FILES if path not in siblings]
    findings += [Finding(path, 1, "table", "is missing")
                 for path in TABLES if path not in siblings]
    return findings


def clang_format():
    """The clang-format this code was formatted with; another version has another taste."""
    for name in (f"clang-format-{CLANG_FORMAT_MAJOR}", "clang-format"):
        if program := shutil.which(name):
            version = subprocess.run([program, "--version"], capture_output=True, text=True,
                                     check=True).stdout
            if re.search(rf"version {CLANG_FORMAT_MAJOR}\.", version):
                return program
    return None


def format_findings(source, program, paths):
    findings = []
    for start in range(0, len(paths), 50):
        run = subprocess.run([program, "--dry-run", "--style=file", *paths[start:start + 50]],
                             cwd=source, capture_output=True, text=True, check=False)
        seen = set()
        for line in run.stderr.split("\n"):
            if match := re.match(r"(.+?):(\d+):\d+: (?:warning|error): (.*)", line):
                path, number = match.group(1), int(match.group(2))
                if (path, number) not in seen:
                    findings.append(Finding(path, number, "format", match.group(3)))
                seen.add((path, number))
        if run.returncode != 0 and not seen:
            findings.append(Finding(".clang-format", 1, "format", run.stderr.strip()))
    return findings


# ---- symbols ------------------------------------------------------------------------------------

def is_denied(symbol):
    if DENIED_CPLUSPLUS.search(symbol):
        return True
    name = symbol.split("@")[0]
    if name.startswith(DENIED_PREFIXES):
        return True
    # The names that _FORTIFY_SOURCE and large files give the same functions.
    return plain_name(name) in DENIED_SYMBOLS


def plain_name(name):
    if name in DENIED_SYMBOLS:
        return name
    name = re.sub(r"^__(isoc99_)?", "", name)
    name = re.sub(r"(_chk|_2)$", "", name)
    return name[:-2] if name.endswith("64") else name


def symbol_findings(archive):
    listed = subprocess.run(["nm", "-u", "-C", str(archive)], capture_output=True, text=True,
                            check=True).stdout
    findings, member = [], ""
    for line in listed.split("\n"):
        if match := re.match(r"^(\S+\.o):$", line):
            member = match.group(1)
        elif match := re.match(r"^\s+[Uvw] (.+)$", line):
            symbol = match.group(1)
            excepted = SYMBOL_EXCEPTIONS.get(member, set())
            if is_denied(symbol) and plain_name(symbol.split("@")[0]) not in excepted:
                findings.append(Finding(f"{archive.name}({member})", 1, "symbol",
                                        f"the core may not ask for {symbol}"))
    return findings


def archive_findings(source, build):
    findings = []
    for room, name in ARCHIVES.items():
        archive = build / "core" / name
        if archive.exists():
            findings += symbol_findings(archive)
        elif any((source / room).glob("*.cc")):
            findings.append(Finding(str(archive), 1, "symbol", "is not built"))
    return findings


# ---- the rules themselves -----------------------------------------------------------------------

def long_function(head, lines):
    return head + " {\n" + "  f();\n" * (lines - 2) + "}\n"


def table(path, cells=' "a test"; "b" | | ', rows=None):
    return "".join(f"| {row} |{cells}".rstrip() + "\n" for row in rows or TABLES[path])


# (rule that must fire or None, path, text)
SNIPPETS = [
    ("edge", "core/base/a.cc", '#include "core/net/address.h"\n'),
    ("edge", "core/crypto/a.cc", '#include "core/net/address.h"\n'),
    ("edge", "core/esp/a.cc", '#include "core/ike/wire/message.h"\n'),
    ("edge", "core/ike/wire/a.cc", '#include "core/crypto/hash.h"\n'),
    ("edge", "core/ike/v1/a.cc", '#include "core/esp/sa.h"\n'),
    ("edge", "core/ike/v1/a.cc", '#include "core/session/session.h"\n'),
    ("edge", "core/config/a.cc", '#include "core/ike/wire/constants.h"\n'),
    ("edge", "core/session/a.cc", '#include "platform/clock.h"\n'),
    ("edge", "core/session/a.cc", '#include "client/report.h"\n'),
    ("edge", "platform/a.cc", '#include "core/crypto/hash.h"\n'),
    ("edge", "platform/a.cc", '#include "client/report.h"\n'),
    ("edge", "client/a.cc", '#include "core/ike/wire/constants.h"\n'),
    ("edge", "client/a.cc", '#include "core/esp/sa.h"\n'),
    ("edge", "client/main/a.cc", '#include "core/ike/v1/phase1.h"\n'),
    ("edge", "core/ike/wire/a.cc", '#include "message.h"\n'),
    ("edge", "core/other/a.cc", "int a;\n"),
    ("edge", "core/session/a.cc", "#include <mbedtls/md.h>\n"),
    ("edge", "client/a.cc", "#include <toml++/toml.h>\n"),
    ("edge", "core/session/a.cc", "#include <thread>\n"),
    ("edge", "core/net/a.cc", "#include <sys/socket.h>\n"),
    ("edge", "core/net/a.cc", "# include <fstream>\n"),
    ("edge", "core/base/secret.cc", "#include <cstdio>\n"),
    (None, "core/base/check.cc", "#include <cstdio>\n"),
    (None, "core/crypto/a.cc", "#include <mbedtls/md.h>\n"),
    (None, "core/ike/v1/a.cc", '#include "core/ike/wire/message.h"\n'),
    (None, "client/a.cc", '#include "platform/udp.h"\n#include "core/session/session.h"\n'),
    (None, "platform/a.cc", "#include <liburing.h>\n#include <sys/socket.h>\n"),
    (None, "tests/unit/a.cc", '#include "core/ike/wire/message.h"\n#include <thread>\n'),
    ("word", "core/base/a.cc", "// TODO: more\n"),
    ("word", "core/base/a.cc", "// FIXME\n"),
    ("word", "core/base/a.cc", "// XXX\n"),
    ("word", "README.md", "A HACK.\n"),
    ("word", "README.md", "It is enough For Now.\n"),
    ("word", "README.md", "This is Not implemented.\n"),
    ("word", "core/base/a.cc", "fail(kUnimplemented); // unimplemented\n"),
    ("word", "platform/a.cc", "strcpy(a, b);\n"),
    ("word", "platform/a.cc", "sprintf(a, b);\n"),
    ("word", "platform/a.cc", "std::system(a);\n"),
    ("word", "platform/a.cc", "gets(a);\n"),
    ("word", "tests/lab/a.py", 'open("/home/me/README.md")\n'),
    ("word", "core/base/a.cc", "// ../shared/rfc\n"),
    (None, "tests/vectors/a.cc", "// ../shared/vectors\n"),
    (None, "platform/a.cc", "snprintf(a, 4, b); fgets(a, 4, f); mkstemp(XXXXXX);\n"),
    (None, "README.md", "The file system (ext4) knows; therefore nowhere.\n"),
    ("columns", "core/base/a.cc", "//" + " x" * 50 + "\n"),
    ("columns", "tests/CMakeLists.txt", "#" + " x" * 50 + "\n"),
    (None, "core/base/a.cc", "//" + " x" * 49 + "\n"),
    (None, "core/base/a.cc", "//" + " ä" * 49 + "\n"),
    (None, "README.md", "x " * 80 + "x\n"),
    ("tab", "core/base/a.cc", "\tint a;\n"),
    (None, "packaging/debian/rules", "%:\n\tdh $@\n"),
    ("trailing", "core/base/a.cc", "int a; \n"),
    ("trailing", "README.md", "Text. \n"),
    ("trailing", "core/base/a.cc", "int a;"),
    ("function", "core/base/a.cc", long_function("void f()", 71)),
    ("function", "core/base/a.cc", long_function("template <class T, class U = A<T>>\nT f()", 70)),
    ("function", "core/base/a.cc", long_function("A::A(int a)\n    : a_{a}, b_(a)", 72)),
    ("function", "core/base/a.cc", long_function("auto f(int a) const -> int", 71)),
    ("function", "core/base/a.cc", "namespace {\n" + long_function("void f()", 71) + "}\n"),
    ("function", "core/base/a.h",
     "#pragma once\nclass A : B {\n public:\n" + long_function("  void f()", 71) + "};\n"),
    ("function", "core/base/a.h",
     "#pragma once\nstruct A {\n  int a = 0;\n" + long_function("  A(int b) : a(b)", 71) + "};\n"),
    ("function", "tests/a.cc", long_function('TEST_CASE("{")', 71)),
    ("function", "tests/a.cc", long_function("const auto f = [](int a)", 71)),
    ("function", "core/base/a.cc",
     "void f() {\n  for (;;) {\n" + "    // }\n" * 70 + "  }\n}\n"),
    ("function", "core/base/a.cc",
     "char c = '{';\nconst char* s = \"\\\"{\";\nauto r = R\"({)\";\nint n = 1'000;\n"
     + long_function("void f()", 71)),
    (None, "core/base/a.cc", long_function("void f()", 70) * 2),
    (None, "core/base/a.cc", "namespace a {\n" + "int a;\n" * 90 + "}  // namespace a\n"),
    (None, "core/base/a.cc", "constexpr int kTable[] = {\n" + "  1,\n" * 90 + "};\n"),
    (None, "core/base/a.cc", "const auto k = make({\n" + "  {1, 2},\n" * 90 + "});\n"),
    (None, "core/base/a.cc", "#define A \\\n" + "  { \\\n" * 80 + "  {\n"),
    ("file", "core/base/a.cc", "int a;\n" * 501),
    ("file", "client/a.h", "#pragma once\n" + "int a;\n" * 500),
    (None, "core/base/a.cc", "int a;\n" * 500),
    (None, "tests/a.cc", "int a;\n" * 501),
    ("header", "core/base/a.h", "int a;\n"),
    ("header", "core/base/own.cc", '#include <vector>\n\n#include "core/base/own.h"\n'),
    ("header", "core/base/own.cc", "int a;\n"),
    (None, "core/base/own.cc", '#include "core/base/own.h"\n\n#include <vector>\n'),
    (None, "core/base/alone.cc", "#include <vector>\n"),
    ("table", HOSTILE, table(HOSTILE, ' "a test"; "no test" | | ')),
    ("table", HOSTILE, table(HOSTILE, " none | | ")),
    ("table", HOSTILE, table(HOSTILE, " | a reason | ")),
    ("table", HOSTILE, table(HOSTILE, rows=TABLES[HOSTILE][1:])),
    ("table", HOSTILE, table(HOSTILE, rows=[*TABLES[HOSTILE], "H01"])),
    ("table", HOSTILE, table(HOSTILE, rows=[*TABLES[HOSTILE], "H99"])),
    (None, HOSTILE, table(HOSTILE)),
    (None, HOSTILE, table(HOSTILE, " none | there is no EAP | ")),
    ("table", STATEMENTS, table(STATEMENTS, ' what | "a test"; `no_case` | | ')),
    ("table", STATEMENTS, table(STATEMENTS, ' | "a test" | | ')),
    ("table", STATEMENTS, table(STATEMENTS, ' "a test" | ')),
    ("table", STATEMENTS, table(STATEMENTS, " what | none | | ")),
    ("table", STATEMENTS, table(STATEMENTS, rows=TABLES[STATEMENTS][:-1])),
    ("table", STATEMENTS, table(STATEMENTS, rows=[*TABLES[STATEMENTS], "ISK-33"])),
    (None, STATEMENTS, table(STATEMENTS, ' what | "a test"; `a_case` | what is left | ')),
    (None, STATEMENTS, table(STATEMENTS, " what | `a_case` | | ")),
    (None, STATEMENTS, table(STATEMENTS, " what | none | a reason | ")),
    ("table", COMPLAINTS, table(COMPLAINTS, ' what | "a test"; `no_case` | | ')),
    ("table", COMPLAINTS, table(COMPLAINTS, rows=TABLES[COMPLAINTS][1:])),
    (None, COMPLAINTS, table(COMPLAINTS, ' what | "a test"; `a_case` | what is left | ')),
    ("changelog", CHANGELOG, "# Changelog\n"),
    ("changelog", CHANGELOG, "## 1.0\n\n- a\n\n## 0.1.0 (2026-01-01)\n"),
    ("changelog", CHANGELOG, "## 0.1.0 (2026-01-01)\n\na\n"),
    ("changelog", CHANGELOG, "## 0.1.0 (2026-01-01)\n\n## 0.2.0 (2026-01-02)\n"),
    (None, CHANGELOG,
     "Text.\n\n## 0.2.0 (unreleased)\n\n- a\n  b\n\n## 0.1.0 (2026-01-01)\n\n- c\n"),
]
# The tests that the snippets above may name.
SNIPPET_TESTS = 'TEST_CASE("a test") {}\nTEST_CASE(\n    "b"\n    "") {}\n'
SNIPPET_CASES = {"a_case"}

SYMBOLS_BAD = [
    "socket@GLIBC_2.2.5", "bind", "sendmsg", "recvfrom", "__recv_chk", "open64", "__open_2",
    "fopen64", "read", "__read_chk", "write", "clock_gettime@GLIBC_2.17", "gettimeofday", "time",
    "pthread_create", "pthread_mutex_lock", "getenv", "secure_getenv", "io_uring_submit",
    "syscall", "getrandom", "nanosleep", "poll", "__poll_chk", "epoll_wait", "__fprintf_chk",
    "abort", "stderr@GLIBC_2.2.5", "std::chrono::_V2::steady_clock::now()",
    "std::chrono::_V2::system_clock::now()@GLIBCXX_3.4.19", "std::thread::join()",
    "std::basic_ifstream<char, std::char_traits<char> >::basic_ifstream()",
    "std::basic_ofstream<char, std::char_traits<char> >::close()",
    "std::random_device::_M_getval()", "std::cerr",
]
SYMBOLS_GOOD = [
    "memcpy@GLIBC_2.14", "__memcpy_chk", "operator new(unsigned long)", "__stack_chk_fail",
    "mbedtls_md_hmac", "__asan_report_load8", "strlen", "strtod", "std::__throw_length_error",
    "godwit::Reader::read(unsigned long)", "godwit::check_failed(char const*, char const*, int)",
    "godwit::session::send(godwit::Datagram)", "tolower", "std::ostream::write(char const*, long)",
]


def self_test_snippets():
    for number, (rule, path, text) in enumerate(SNIPPETS):
        fired = {f.rule for f in check_text(path, text, {"core/base/own.h", path},
                                            set(test_names(SNIPPET_TESTS)), SNIPPET_CASES)}
        if fired != ({rule} if rule else set()):
            yield f"snippet {number} ({path}): expected {rule}, got {sorted(fired)}"


def self_test_symbols():
    for symbol in SYMBOLS_BAD:
        if not is_denied(symbol):
            yield f"symbol {symbol} is let through"
    for symbol in SYMBOLS_GOOD:
        if is_denied(symbol):
            yield f"symbol {symbol} is refused"


def self_test_archive():
    """A real archive with one member that may and one that may not print."""
    compiler = shutil.which("c++") or shutil.which("clang++-14")
    if not (compiler and shutil.which("ar") and shutil.which("nm")):
        print("skipped: no compiler for the archive of the self-test")
        return
    source = ('#include <cstdio>\n#include <cstdlib>\n#include <unistd.h>\n'
              'void f(const char* s) { std::fprintf(stderr, "%s!", s); std::abort(); }\n')
    with tempfile.TemporaryDirectory() as folder:
        members = []
        for name, extra in (("check.cc", ""), ("net.cc", "int g(int d) { return close(d); }\n")):
            (Path(folder) / name).write_text(source + extra, encoding="utf-8")
            subprocess.run([compiler, "-O2", "-c", name, "-o", name + ".o"], cwd=folder, check=True)
            members.append(name + ".o")
        subprocess.run(["ar", "rc", "libcore_a.a", *members], cwd=folder, check=True)
        findings = symbol_findings(Path(folder) / "libcore_a.a")
    asked = sorted(f.message.split()[-1].split("@")[0] for f in findings)
    if any("check.cc.o" in f.path for f in findings):
        yield "the exception of check.cc does not hold"
    if asked != ["abort", "close", "fprintf", "stderr"]:
        yield f"an archive that prints and closes yields {asked}"


def self_test_format():
    program = clang_format()
    if program is None:
        print(f"skipped: clang-format {CLANG_FORMAT_MAJOR} is not here")
        return
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / ".clang-format").write_text("BasedOnStyle: Google\n", encoding="utf-8")
        (Path(folder) / "good.cc").write_text("int a = 1;\n", encoding="utf-8")
        (Path(folder) / "bad.cc").write_text("int a = 1;\nint  b=2;\n", encoding="utf-8")
        found = format_findings(Path(folder), program, ["good.cc", "bad.cc"])
    if [(f.path, f.line) for f in found] != [("bad.cc", 2)]:
        yield f"clang-format finds {found}"


def self_test_rules():
    """Every rule has a snippet that it fires on, every room a place in the tables."""
    fired = {rule for rule, _, _ in SNIPPETS if rule}
    wanted = {"edge", "word", "columns", "tab", "trailing", "function", "file", "header", "table",
              "changelog"}
    if fired != wanted:
        yield f"rules without a bad snippet: {sorted(wanted - fired)}"
    core = {room for room in EDGES if room.startswith("core/")}
    if core != set(ARCHIVES):
        yield "the tables of edges and archives name different rooms"


def self_test():
    failures = [*self_test_rules(), *self_test_snippets(), *self_test_symbols(),
                *self_test_archive(), *self_test_format()]
    for failure in failures:
        print("self-test:", failure)
    print(f"self-test: {len(SNIPPETS)} snippets, {len(SYMBOLS_BAD) + len(SYMBOLS_GOOD)} symbols, "
          f"{len(failures)} failures")
    return 1 if failures else 0


def report(findings):
    for finding in sorted(findings):
        print(finding)
    print(f"{len(findings)} findings")
    return 1 if findings else 0


def python_files(source):
    """Every Python file of the tree, those without a suffix by their first line."""
    for path in tracked(source):
        file = source / path
        if file.suffix == ".py":
            yield path
        elif not file.suffix and file.is_file() and b"python3" in file.open("rb").readline():
            yield path


def python_status(source):
    program = shutil.which("pyflakes3")
    if program is None:
        print("skipped: pyflakes3 is not here")
        return SKIPPED
    return subprocess.run([program, *python_files(source)], cwd=source, check=False).returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["text", "format", "python", "symbols", "self-test"])
    parser.add_argument("--source", type=Path, default=Path(__file__).resolve().parents[2])
    parser.add_argument("--build", type=Path)
    arguments = parser.parse_args()
    source = arguments.source.resolve()
    if arguments.what == "self-test":
        return self_test()
    if arguments.what == "text":
        return report(text_findings(source))
    if arguments.what == "symbols":
        if arguments.build is None:
            parser.error("symbols needs --build")
        return report(archive_findings(source, arguments.build.resolve()))
    if arguments.what == "python":
        return python_status(source)
    program = clang_format()
    if program is None:
        print(f"skipped: clang-format {CLANG_FORMAT_MAJOR} is not here")
        return SKIPPED
    return report(format_findings(source, program,
                                  [p for p in tracked(source) if Path(p).suffix in CODE]))


if __name__ == "__main__":
    sys.exit(main())
