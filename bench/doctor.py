#!/usr/bin/env python3
"""Measures what one look of `forebay doctor` costs on a machine with many sockets, beside `ss`.

The sockets are real, in a network namespace of their own: listening ones, unix and TCP, a quarter
of them with a client in the queue, and connected ones. Rounds are interleaved; times are those of
the whole process. Results: bench/results/doctor-*.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from command import BINARY, RESULTS, command_line, note, positive, write
from tables import Spread, Table, aligned, heading, machine, pipes, short, spread

LISTENING_PART = 10  # one of so many sockets listens
WAITING_PART = 4  # one of so many of those has a client that waits
BUDGET_MS = 50
INSIDE = "FOREBAY_BENCH_NETWORK"  # set: this process has a network namespace of its own
DOCTOR = "forebay doctor"


@dataclass(frozen=True)
class Look:
    """One run of a program, from its start to its end."""

    elapsed_ms: float
    cpu_ms: float


@dataclass(frozen=True)
class Row:
    name: str
    elapsed_ms: Spread
    cpu_ms: Spread


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    enter_a_network(arguments)
    allow_many_descriptors(options.sockets)
    started_utc = time.strftime("%Y-%m-%dT%H%M%SZ", time.gmtime())
    with ExitStack() as stack:
        note(f"opening {options.sockets} sockets")
        open_sockets(options.sockets, stack)
        rows = measure(options)
    data = {
        "schema": "forebay-bench-doctor",
        "schema_version": 1,
        "started_utc": started_utc,
        "command": command_line(
            "doctor", {"--sockets": options.sockets, "--rounds": options.rounds}
        ),
        "machine": machine("bench/doctor.py, which has all the sockets"),
        "versions": {"ss": said_by("ss", "-V"), "forebay": said_by(options.binary, "--version")},
        "load_average": os.getloadavg()[0],
        "sockets": options.sockets,
        "rounds": options.rounds,
        "rows": [asdict(row) for row in rows],
    }
    print(aligned(table(rows)) + "\n" + verdict(rows), file=sys.stderr)
    if options.json:
        print(json.dumps(data, indent=2))
    write(RESULTS / f"doctor-{started_utc}", data, markdown(data, rows))
    return 0


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench doctor", description=__doc__)
    add = parser.add_argument
    add("--sockets", type=positive, default=10_000, metavar="N", help="there are (10000)")
    add("--rounds", type=positive, default=21, help="looks of each program (21)")
    add("--binary", type=Path, default=BINARY, metavar="PATH", help="default: build/forebay")
    add("--json", action="store_true", help="JSON on stdout, the table on stderr")
    return parser.parse_args(arguments)


def enter_a_network(arguments: list[str]) -> None:
    """Starts this program anew in one, as `ss` and the doctor list what is in theirs."""
    if INSIDE in os.environ:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        return
    user = [] if os.geteuid() == 0 else ["--map-root-user"]
    command = ["unshare", *user, "--net", sys.executable, __file__, *arguments]
    os.execvpe(command[0], command, os.environ | {INSIDE: "1"})


def allow_many_descriptors(sockets: int) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard < sockets + 100:
        sys.exit(f"{sockets} sockets need as many descriptors, and {hard} are allowed (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def open_sockets(count: int, stack: ExitStack) -> None:
    """`count` of them, closed with `stack`."""
    directory = stack.enter_context(tempfile.TemporaryDirectory())
    listening = count // LISTENING_PART
    left = count - listening
    for i in range(listening):
        if i % 2:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=64))
        else:
            listener = stack.enter_context(socket.socket(socket.AF_UNIX))
            listener.bind(f"{directory}/{i}")
            listener.listen(64)
        if i % WAITING_PART == 0:
            client = stack.enter_context(socket.socket(listener.family))
            client.connect(listener.getsockname())
            left -= 1
    while left > 1:
        for end in socket.socketpair():
            stack.enter_context(end)
        left -= 2


def measure(options: argparse.Namespace) -> list[Row]:
    commands = {
        DOCTOR: [str(options.binary), "doctor"],
        "forebay doctor --json": [str(options.binary), "doctor", "--json"],
        "ss -xl, ss -tl": ["ss", "-xtlnH"],
        "the same with processes (-p)": ["ss", "-xtlnpH"],
        "all sockets with processes (-ap)": ["ss", "-xtanpH"],
    }
    looks: dict[str, list[Look]] = {name: [] for name in commands}
    for _ in range(options.rounds):
        for name, command in commands.items():
            looks[name].append(look(command))
    return [
        Row(name, spread(x.elapsed_ms for x in all_), spread(x.cpu_ms for x in all_))
        for name, all_ in looks.items()
    ]


def look(command: list[str]) -> Look:
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    elapsed_s = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)} failed: exit code {process.returncode}")
    return Look(elapsed_s * 1000, (usage.ru_utime + usage.ru_stime) * 1000)


def said_by(*command: object) -> str:
    words = [str(word) for word in command]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


def table(rows: list[Row]) -> Table:
    cells = [[row.name, str(row.elapsed_ms), str(row.cpu_ms)] for row in rows]
    return [["", "elapsed ms", "CPU ms"], *cells]


def verdict(rows: list[Row]) -> str:
    elapsed = next(row.elapsed_ms for row in rows if row.name == DOCTOR)
    word = "kept" if elapsed.median < BUDGET_MS else "not kept"
    return f"The budget of {BUDGET_MS} ms is {word}: {short(elapsed.median)} ms."


def markdown(data: dict[str, Any], rows: list[Row]) -> str:
    lines = heading(f"A look at {data['sockets']:,} sockets", data)
    lines += [f"- load average at the end: {data['load_average']:.2f}", "", *pipes(table(rows)), ""]
    lines.append(f"Medians of {data['rounds']} interleaved rounds (least..most). {verdict(rows)}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    os.environ["PATH"] = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    sys.exit(main(sys.argv[1:]))
