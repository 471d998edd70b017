#!/usr/bin/env python3
"""Measures what idle connections and waiting requests cost in memory, and births in time.

The memory is that of the processes before the Python workers, where the connections are: the front
of forebay, nginx, HAProxy. Servers without such a process are measured as a whole.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import install
import memory_measure as measure
import memory_report as report
from command import (
    BINARY,
    RESULTS,
    add_common_options,
    available,
    command_line,
    fail,
    names_from,
    note,
    positive,
    stop_cleanly_on_signals,
    versions_of,
    write,
)
from memory_peers import all_peers
from peers import Peer

ABOUT = {
    "idle": "memory per idle connection, kept after one answer",
    "waiting": "memory per request that waits for a worker",
    "start": "time from the start of a server to its first answer",
    "replace": "time from kill -9 of the only worker to the answer of its replacement",
}
Measured = TypeVar("Measured")
EXAMPLES = """\
measurements:
{measurements}

examples:
  ./dev bench memory                         everything, some minutes
  ./dev bench memory --measure idle --idle 1000 --peers forebay
  ./dev bench memory --quick                 a tenth of it: does everything work?

10,000 connections need as many descriptors, here and in the server: `ulimit -Hn` says how many
are allowed. Results: bench/results/memory-*.
"""


@dataclass(frozen=True)
class Settings:
    """Of one call: how many of each."""

    idle: int
    waiting: int
    starts: int
    kills: int


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    settings = settings_of(options)
    started_utc = datetime.now(UTC).strftime("%Y-%m-%dT%H%M%SZ")
    stop_cleanly_on_signals()
    measure.allow_many_descriptors()

    by_name = all_peers(options.binary.resolve())
    everyone = {peer.name: peer for peers in by_name.values() for peer in peers}
    installer = install.Installer(allowed=not options.no_install)
    chosen, left_out = available(list(everyone.values()), options.peers, installer)
    if not chosen:
        return fail("no peer can be started", left_out)
    names = {peer.name for peer in chosen}

    def taking_part(measurement: str) -> list[Peer]:
        if measurement not in options.measure and "all" not in options.measure:
            return []
        return [peer for peer in by_name[measurement] if peer.name in names]

    result = report.Result(
        idle=[tell("idle", measure.idle, peer, settings.idle) for peer in taking_part("idle")],
        waiting=[
            tell("waiting", measure.waiting, peer, settings.waiting)
            for peer in taking_part("waiting")
        ],
        start=all_starts(taking_part("start"), settings.starts),
        replace=[
            tell("replace", measure.replace, peer, settings.kills)
            for peer in taking_part("replace")
        ],
        left_out=left_out,
    )
    print(report.terminal(result), file=sys.stderr if options.json else None)
    command = command_to_repeat(options, settings)
    data = report.document(result, settings, command, started_utc, versions_of(chosen))
    write(RESULTS / f"memory-{started_utc}", data, report.markdown(data, result))
    if options.json:
        print(json.dumps(data, indent=2))
    return 0


def tell(
    measurement: str, work: Callable[[Peer, int], Measured], peer: Peer, count: int
) -> Measured:
    note(f"{measurement}: {peer.name}")
    return work(peer, count)


def all_starts(peers: list[Peer], rounds: int) -> list[measure.Births]:
    """Interleaved: every peer once, then again."""
    together = {peer.name: measure.Births(peer.name) for peer in peers}
    for number in range(rounds if peers else 0):
        note(f"start: round {number + 1}")
        for peer in peers:
            together[peer.name].add(measure.start(peer))
    return list(together.values())


def parse(arguments: list[str]) -> argparse.Namespace:
    everyone = {peer.name: peer for peers in all_peers(BINARY).values() for peer in peers}
    parser = argparse.ArgumentParser(
        prog="./dev bench memory",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=EXAMPLES.format(
            measurements="\n".join(f"  {name:<12}{about}" for name, about in ABOUT.items())
        ),
    )
    add = parser.add_argument
    names = names_from([*ABOUT, "all"])
    add("--measure", metavar="A,B", default=["all"], type=names, help="default: all")
    add("--idle", type=positive, default=10_000, metavar="N", help="connections (10000)")
    add("--waiting", type=positive, default=3000, metavar="N", help="requests (3000)")
    add("--starts", type=positive, default=7, metavar="N", help="starts per peer (7)")
    add("--kills", type=positive, default=20, metavar="N", help="workers killed per peer (20)")
    add("--quick", action="store_true", help="a tenth of it: does everything work?")
    add_common_options(parser, list(everyone.values()))
    return parser.parse_args(arguments)


def settings_of(options: argparse.Namespace) -> Settings:
    if options.quick:
        return Settings(idle=1000, waiting=300, starts=2, kills=3)
    return Settings(options.idle, options.waiting, options.starts, options.kills)


def command_to_repeat(options: argparse.Namespace, settings: Settings) -> str:
    given: dict[str, object] = {
        "--measure": ",".join(options.measure),
        "--peers": options.peers and ",".join(options.peers),
        "--idle": settings.idle,
        "--waiting": settings.waiting,
        "--starts": settings.starts,
        "--kills": settings.kills,
    }
    return command_line("memory", given)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
