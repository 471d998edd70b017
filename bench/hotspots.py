#!/usr/bin/env python3
"""Says where the CPU time of `forebay serve` goes: `./dev bench profile`.

perf samples the front and the workers while wrk keeps them busy. The report lists, for the front
and for the workers, the functions with the most time of their own, and what a request costs in
user space and in the kernel. It names no callers: the binary is the one that is delivered, which
has no frame pointers.
"""

from __future__ import annotations

import argparse
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import install
import procs
import scenarios
from command import (
    BINARY,
    RESULTS,
    command_line,
    fail,
    note,
    positive,
    seconds,
    stop_cleanly_on_signals,
    versions_of,
)
from peers import REPOSITORY, peers
from server import Server, StartFailed, running
from tables import Table, heading, machine, pipes, short

from load import Load, LoadFailed, Measured, run_wrk

SAMPLES_PER_S = 4999
WARM_UP_S = 1
FUNCTION_MAX = 90  # characters
LEAST_PERCENT = 0.5
PERF_MAX_S = 60
KERNEL = "[kernel"
EVENT = "cpu-clock"  # the one that is there in virtual machines, too
# perf script: pid, then address, then function (library).
SAMPLE = re.compile(r"^\s*(\d+)\s+[0-9a-f]+\s+(.*) \((\S*)\)\s*$")

LOAD_GENERATOR = "wrk with one thread, on the same machine, sharing its cores"


class ProfileFailed(Exception):
    """perf did not do its work; the text says what it said."""


@dataclass
class Profile:
    """Samples of one kind of process, by (function, library)."""

    role: str
    samples: Counter[tuple[str, str]] = field(default_factory=Counter)

    def us_per_request(self, samples: int, requests: int) -> float:
        return 1e6 * samples / SAMPLES_PER_S / max(1, requests)

    @property
    def total(self) -> int:
        return self.samples.total()

    @property
    def in_kernel(self) -> int:
        return sum(n for (_, library), n in self.samples.items() if library.startswith(KERNEL))


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    started_utc = datetime.now(UTC).strftime("%Y-%m-%dT%H%M%SZ")
    stop_cleanly_on_signals()
    installer = install.Installer(allowed=not options.no_install)
    for package in ("wrk", "linux-perf"):
        if reason := installer.debian(package):
            return fail("something is missing", {package: reason})
    peer = peers(options.binary.resolve())[0]
    scenario = scenarios.BY_NAME[options.scenario]
    try:
        with running(peer, scenario, options.workers, scenario.threads) as server:
            load = Load(
                f"http://{server.site.address}/",
                options.connections,
                scenario.keep_alive,
                scenario.post_bytes,
            )
            run_wrk(load, WARM_UP_S)
            profiles, measured = profile(server, load, options.duration)
    except (StartFailed, LoadFailed, ProfileFailed) as failure:
        return fail("nothing measured", {peer.name: str(failure)})
    for problem in measured.problems(load):
        note(f"! {problem}")

    data = {
        "started_utc": started_utc,
        "command": command_to_repeat(options),
        "machine": machine(LOAD_GENERATOR),
        "versions": versions_of([peer]),
    }
    text = "\n".join([*heading("Where the CPU time goes", data), "", *body(profiles, measured)])
    path = RESULTS / f"profile-{started_utc}.md"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    print(text)
    note(f"written: {path.relative_to(REPOSITORY)}")
    return 0


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./dev bench profile",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Results: bench/results/profile-*.md",
    )
    add = parser.add_argument
    add("--scenario", default="keepalive", choices=list(scenarios.BY_NAME), help="keepalive")
    add("--workers", type=positive, default=2, help="processes that run Python (default: 2)")
    add("--connections", type=positive, default=64, help="clients at a time (default: 64)")
    add("--duration", type=seconds, default=10, metavar="S", help="seconds (default: 10)")
    add("--binary", type=Path, default=BINARY, metavar="PATH", help="default: build/forebay")
    add("--no-install", action="store_true", help="install nothing")
    return parser.parse_args(arguments)


def profile(server: Server, load: Load, duration_s: int) -> tuple[list[Profile], Measured]:
    """One run under perf: the front's profile and that of everything behind it."""
    front = server.roots[0]
    pids = [process.pid for process in procs.tree(server.roots)]
    recording = server.site.directory / "perf.data"
    with _perf(recording, pids):
        measured = run_wrk(load, duration_s)
    profiles = [Profile("front"), Profile("workers, all together")]
    for pid, function, library in parse_samples(_perf_script(recording)):
        profiles[0 if pid == front else 1].samples[function, library] += 1
    if not all(each.total for each in profiles):
        raise ProfileFailed("perf took no samples of the front or of the workers")
    return profiles, measured


@contextmanager
def _perf(recording: Path, pids: list[int]) -> Iterator[None]:
    """perf record runs meanwhile."""
    command = ["perf", "record", "--event", EVENT, "--freq", str(SAMPLES_PER_S), "--quiet"]
    command += ["--output", str(recording), "--pid", ",".join(map(str, pids))]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as perf:
        try:
            yield
        finally:
            perf.send_signal(signal.SIGINT)  # its way to end
            _, said = perf.communicate(timeout=PERF_MAX_S)
    if not recording.exists() or not recording.stat().st_size:
        raise ProfileFailed(
            f"perf may not sample here; try as root, or sysctl kernel.perf_event_paranoid=1: {said}"
        )


def _perf_script(recording: Path) -> str:
    command = ["perf", "script", "--input", str(recording), "--fields", "pid,ip,sym,dso"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise ProfileFailed(f"perf script failed: {done.stderr.strip()}")
    return done.stdout


def parse_samples(text: str) -> Iterator[tuple[int, str, str]]:
    """(pid, function, library) of each line of perf script."""
    for line in text.splitlines():
        if found := SAMPLE.match(line):
            yield int(found[1]), found[2], Path(found[3]).name or found[3]


def body(profiles: list[Profile], measured: Measured) -> list[str]:
    """What stands below the heading of the report."""
    lines = [
        f"{measured.requests_per_s:,.0f} requests/s while {EVENT} took {SAMPLES_PER_S} samples per",
        "second of CPU time. Percentages are of the CPU time of the processes in the heading;",
        "times are microseconds of CPU per request, in the function itself.",
        "",
        *pipes(split_table(profiles, measured.requests)),
        "",
    ]
    for each in profiles:
        lines += [f"## {each.role}", "", *pipes(functions_table(each, measured.requests)), ""]
    return lines


def split_table(profiles: list[Profile], requests: int) -> Table:
    rows = [["", "CPU us/req", "user", "kernel", "kernel %"]]
    for each in profiles:
        parts = [each.total, each.total - each.in_kernel, each.in_kernel]
        times = [short(each.us_per_request(samples, requests)) for samples in parts]
        rows.append([each.role, *times, f"{100 * each.in_kernel / max(1, each.total):.0f}"])
    return rows


def functions_table(each: Profile, requests: int) -> Table:
    rows = [["function", "%", "us/req", "in"]]
    for (function, library), samples in each.samples.most_common():
        percent = 100 * samples / each.total
        if percent < LEAST_PERCENT:
            break
        time = short(each.us_per_request(samples, requests))
        rows.append([shortened(function), f"{percent:.1f}", time, library])
    return rows


def shortened(function: str) -> str:
    """Names of templates grow long; `|` would end a cell of the table."""
    name = function.replace("|", "\\|")
    return name if len(name) <= FUNCTION_MAX else name[: FUNCTION_MAX - 3] + "..."


def command_to_repeat(options: argparse.Namespace) -> str:
    given: dict[str, object] = {
        "--scenario": options.scenario,
        "--workers": options.workers,
        "--connections": options.connections,
        "--duration": options.duration,
    }
    return command_line("profile", given)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
