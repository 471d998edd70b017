"""Holds the architecture: who includes whom in src/, and where each third-party library ends.

The rules are the two tables below; ARCHITECTURE.md is their prose.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

SRC = Path(__file__).resolve().parent.parent / "src"

# Folder -> the folders that it may include, besides itself. Lowest first: never upward, never
# sideways.
LAYERS = {
    "base": "",
    "http": "base",
    "queue": "base",
    "channel": "base",
    "net": "base http queue channel",
    "front": "base http queue channel net",
    "workers": "base http queue channel net front",
    "upstream": "base http queue channel net front",
    "extension": "base channel",
    "load": "base http net",
    "doctor": "base",
    "lab": "base load doctor",
    "cli": "base http queue channel net front workers upstream load doctor lab",
}

# Start of a third-party header's name -> the folders where that library may be included.
LIBRARIES = {
    "fmt/": "base",
    "llhttp.h": "http",
    "nghttp2/": "http",
    "ares": "net",
    "openssl/": "net",
    "nlohmann/": "base",
    "Python.h": "extension",
    "CLI/": "cli",
}

# The same for files that are tests (x_test.cc) or benchmarks (x_bench.cc), in any folder.
TEST_LIBRARIES = {"gtest/": "_test", "gmock/": "_test", "benchmark/": "_bench"}

# The system: C and POSIX headers, and the folders of the kernel's and libc's own.
SYSTEM_FOLDERS = {"arpa", "asm", "linux", "net", "netinet", "sys"}
SYSTEM_HEADERS = set(
    """
    dirent.h dlfcn.h endian.h errno.h execinfo.h fcntl.h fnmatch.h getopt.h grp.h ifaddrs.h
    limits.h link.h malloc.h math.h netdb.h poll.h pthread.h pwd.h sched.h semaphore.h signal.h
    spawn.h stdarg.h stddef.h stdint.h stdio.h stdlib.h string.h strings.h syscall.h syslog.h
    termios.h time.h ucontext.h unistd.h
    """.split()
)

LINES_MAX = 500

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


@dataclass(frozen=True)
class Include:
    file: Path  # relative to src/
    line: int
    quoted: bool
    name: str

    @property
    def folder(self):
        return self.file.parts[0]


def violations(src):
    """Every breach of the rules under `src`, each as "file:line: what, and the rule"."""
    found = []
    for path in source_files(src):
        file = path.relative_to(src)
        lines = path.read_text().splitlines()
        found += folder_violations(file) + length_violations(file, len(lines))
        for number, line in enumerate(lines, start=1):
            if match := INCLUDE.match(line):
                include = Include(file, number, match[1] == '"', match[2])
                if broken := broken_rule(include, src):
                    found.append(f"src/{file}:{number}: includes {include.name}: {broken}")
    return found


def source_files(src):
    return sorted(path for path in src.rglob("*") if path.suffix in {".h", ".cc"})


def folder_violations(file):
    if file.parts[0] in LAYERS and len(file.parts) > 1:
        return []
    return [f"src/{file}:1: every file lies in a folder that LAYERS knows: {', '.join(LAYERS)}"]


def length_violations(file, count):
    if count < LINES_MAX:
        return []
    return [f"src/{file}:{count}: {count} lines: a file has one idea and under {LINES_MAX} lines"]


def broken_rule(include, src):
    """The rule that this include breaks, or None."""
    if include.name.split("/")[0] in LAYERS and "/" in include.name:
        return broken_layer(include, src)
    if (rule := library_rule(include.name)) is not None:
        return broken_library(include, rule)
    if is_test_library(include.name):
        return broken_test_library(include)
    if include.quoted:
        return 'our own headers are written relative to src/, as in "queue/queue.h"'
    if not is_system(include.name):
        return "unknown library: give it one folder, in LIBRARIES of tests/test_layering.py"
    return None


def broken_layer(include, src):
    layer = include.name.split("/")[0]
    if not include.quoted:
        return "our own headers are included in quotes"
    if not (src / include.name).is_file():
        return f"src/{include.name} does not exist"
    if {include.folder, layer} == {"front", "extension"}:
        return "front and extension never include each other: the channel is all they share"
    allowed = LAYERS.get(include.folder, "").split()
    if layer != include.folder and layer not in allowed:
        return f"{include.folder} may include only {', '.join(allowed) or 'itself'}"
    return None


def library_rule(name):
    """The folders of the library that this header belongs to, or None: not in the table."""
    return next((LIBRARIES[start] for start in LIBRARIES if name.startswith(start)), None)


def broken_library(include, folders):
    if include.folder in folders.split():
        return None
    return f"this library is included only in {', '.join(folders.split())}"


def is_test_library(name):
    return name.startswith(tuple(TEST_LIBRARIES))


def broken_test_library(include):
    suffix = TEST_LIBRARIES[include.name.split("/")[0] + "/"]
    if include.file.stem.endswith(suffix):
        return None
    return f"this library is included only in files named x{suffix}.cc"


def is_system(name):
    first, slash, _ = name.partition("/")
    if slash:
        return first in SYSTEM_FOLDERS
    return name in SYSTEM_HEADERS or not name.endswith(".h")  # <vector>: the standard library


def test_the_source_keeps_the_rules():
    assert source_files(SRC), f"no source files in {SRC}"
    found = violations(SRC)
    assert not found, "\n" + "\n".join(found)


@pytest.fixture
def tree(tmp_path):
    """Makes a source tree of {path: text}; every header that the cases include exists."""

    def make(files):
        standing = {f"{folder}/{folder}.h": "#pragma once\n" for folder in LAYERS}
        for name, text in {**standing, **files}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return make


def test_a_tree_that_keeps_the_rules_is_accepted(tree):
    src = tree(
        {
            "http/parser.cc": '#include "http/http.h"\n#include <llhttp.h>\n#include <vector>\n',
            "queue/queue_test.cc": '#include <gtest/gtest.h>\n#include "queue/queue.h"\n',
            "front/front.cc": "#include <sys/socket.h>\n"
            '#include "net/net.h"\n// #include "workers/workers.h"\n',
            "extension/call.cc": '#include <Python.h>\n#include "channel/channel.h"\n',
            "base/long.cc": "\n" * (LINES_MAX - 1),
        }
    )
    assert violations(src) == []


@pytest.mark.parametrize(
    ("file", "line", "rule"),
    [
        ("queue/x.cc", '#include "front/front.h"', "queue may include only base"),  # upward
        ("queue/x.cc", '#include "http/http.h"', "queue may include only base"),  # sideways
        ("upstream/x.cc", '#include "workers/workers.h"', "upstream may include only"),
        ("base/x.h", '  #  include "http/http.h"', "base may include only itself"),
        ("front/x.cc", '#include "extension/extension.h"', "front and extension never"),
        ("extension/x.cc", '#include "front/front.h"', "front and extension never"),
        ("extension/x.cc", '#include "http/http.h"', "extension may include only base, channel"),
        ("doctor/x.cc", '#include "net/net.h"', "doctor may include only base"),
        ("front/x.cc", "#include <llhttp.h>", "only in http"),
        ("front/x.cc", '#include "llhttp.h"', "only in http"),
        ("front/x.cc", "#include <Python.h>", "only in extension"),
        ("net/x.cc", "#include <nlohmann/json.hpp>", "only in base"),
        ("cli/x.cc", "#include <nlohmann/json.hpp>", "only in base"),
        ("front/x.cc", "#include <CLI/CLI.hpp>", "only in cli"),
        ("front/x.cc", "#include <openssl/ssl.h>", "only in net"),
        ("queue/x.cc", "#include <boost/asio.hpp>", "unknown library"),
        ("queue/x.cc", "#include <gtest/gtest.h>", "only in files named x_test.cc"),
        ("queue/x.cc", "#include <zstd.h>", "unknown library"),
        ("queue/x.cc", "#include <absl/strings/cord.h>", "unknown library"),
        ("queue/x.cc", '#include "x.h"', "relative to src/"),
        ("queue/x.cc", '#include "../base/base.h"', "relative to src/"),
        ("queue/x.cc", "#include <base/base.h>", "in quotes"),
        ("queue/x.cc", '#include "base/nothing.h"', "does not exist"),
        ("other/x.cc", "", "a folder that LAYERS knows"),
        ("x.cc", "", "a folder that LAYERS knows"),
    ],
)
def test_a_breach_is_found_and_named(tree, file, line, rule):
    number = 1 if not line else 3
    found = violations(tree({file: f"// one\n// two\n{line}\n"}))
    assert len(found) == 1
    assert found[0].startswith(f"src/{file}:{number}: ")
    assert rule in found[0]


def test_a_file_that_is_too_long_is_found(tree):
    found = violations(tree({"base/long.cc": "\n" * LINES_MAX}))
    assert len(found) == 1
    assert found[0].startswith(f"src/base/long.cc:{LINES_MAX}: ")


def test_the_layers_have_no_circle():
    lower = set()
    for folder, allowed in LAYERS.items():
        assert set(allowed.split()) <= lower, f"{folder} may include only what stands above it here"
        lower.add(folder)
