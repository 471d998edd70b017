#!/usr/bin/env python3
"""Measures `forebay serve` beside nginx + gunicorn, gunicorn, uWSGI, bjoern and granian.

The question is what a server costs between the client and a WSGI application: requests per second,
latency and CPU time per request, of all of them in one run on one machine.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import install
import report
import scenarios
from measure import Run, Settings, measure, unsuited
from peers import BENCH, REPOSITORY, Peer, peers
from scenarios import Scenario

RESULTS = BENCH / "results"
EXAMPLES = """\
scenarios:
{scenarios}

peers:
{peers}

examples:
  ./dev bench serve                          the two default scenarios, about ten minutes
  ./dev bench serve --quick                  a rehearsal: 2 rounds of 1 s, figures mean little
  ./dev bench serve --scenario all --rounds 9
  ./dev bench serve --peers forebay,bjoern --scenario keepalive --connections 256

Rounds are interleaved (every peer once, then again in another order), one server runs at a time,
and a run with an error in it never becomes part of a median. What is missing is installed: Debian
packages only as root, Python packages into build/bench-venv. Results: bench/results/serve-*.
"""


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    settings = settings_of(options)
    started_utc = datetime.now(UTC).strftime("%Y-%m-%dT%H%M%SZ")
    stop_cleanly_on_signals()

    chosen, left_out = available(options)
    if not chosen:
        return fail("no peer can be started", left_out)
    results = []
    for scenario in chosen_scenarios(options.scenario):
        result = run_scenario(scenario, chosen, settings, left_out)
        results.append(result)
        print(report.terminal(result, settings) + "\n", file=sys.stderr if options.json else None)

    versions = {"python": install.installed_versions().get("python", "unknown")}
    versions |= {peer.name: install.versions(peer) for peer in chosen}
    command = command_to_repeat(options, settings)
    data = report.document(results, settings, command, started_utc, versions)
    write(RESULTS / f"serve-{started_utc}", data, report.markdown(data, results, settings))
    if options.json:
        print(json.dumps(data, indent=2))
    return 0 if any(run.counts for result in results for run in result.runs) else 1


def parse(arguments: list[str]) -> argparse.Namespace:
    everyone = peers(REPOSITORY / "build" / "forebay")
    parser = argparse.ArgumentParser(
        prog="./dev bench serve",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=EXAMPLES.format(
            scenarios="\n".join(f"  {s.name:<18}{s.about}" for s in scenarios.SCENARIOS),
            peers="\n".join(f"  {p.name:<18}{p.about}" for p in everyone),
        ),
    )
    add = parser.add_argument
    add(
        "--peers",
        metavar="A,B",
        type=names_from([p.name for p in everyone]),
        help="who takes part (default: all that can be installed)",
    )
    add(
        "--scenario",
        metavar="A,B",
        default=scenarios.DEFAULT,
        type=names_from([*scenarios.BY_NAME, "all"]),
        help=f"what is measured, or all (default: {','.join(scenarios.DEFAULT)})",
    )
    add("--workers", type=positive, default=2, help="processes that run Python (default: 2)")
    add("--threads", type=positive, help="threads per worker (default: 1, in `threads` 4)")
    add("--connections", type=positive, default=64, help="clients at a time (default: 64)")
    add("--duration", type=seconds, default=5, metavar="S", help="seconds of a run (default: 5)")
    add("--rounds", type=positive, default=5, help="runs per peer and scenario (default: 5)")
    add("--quick", action="store_true", help="2 rounds of 1 s: does everything work?")
    add(
        "--binary",
        type=Path,
        default=REPOSITORY / "build" / "forebay",
        metavar="PATH",
        help="the forebay to measure (default: build/forebay)",
    )
    add("--no-install", action="store_true", help="leave out what is not installed")
    add("--json", action="store_true", help="JSON on stdout, the tables on stderr")
    return parser.parse_args(arguments)


def settings_of(options: argparse.Namespace) -> Settings:
    return Settings(
        workers=options.workers,
        threads=options.threads,
        connections=options.connections,
        duration_s=1 if options.quick else options.duration,
        rounds=2 if options.quick else options.rounds,
    )


def chosen_scenarios(names: list[str]) -> list[Scenario]:
    return [s for s in scenarios.SCENARIOS if s.name in names or "all" in names]


def available(options: argparse.Namespace) -> tuple[list[Peer], dict[str, str]]:
    """The peers that can run, and for each of the others the reason."""
    installer = install.Installer(allowed=not options.no_install)
    if reason := installer.debian("wrk"):
        return [], {"everybody": reason}
    chosen, left_out = [], {}
    for peer in peers(options.binary.resolve()):
        if options.peers and peer.name not in options.peers:
            continue
        note(f"looking for {peer.name}")
        if reason := installer.missing(peer):
            left_out[peer.name] = reason
            note(f"left out: {reason}")
        else:
            chosen.append(peer)
    return chosen, left_out


def run_scenario(
    scenario: Scenario, chosen: list[Peer], settings: Settings, left_out: dict[str, str]
) -> report.Result:
    reasons = {peer.name: unsuited(peer, scenario, settings) for peer in chosen}
    suited = [peer for peer in chosen if not reasons[peer.name]]
    runs = list(measure(scenario, suited, settings, tell))
    runs.sort(key=lambda run: ([peer.name for peer in suited].index(run.peer), run.round))
    left_out = left_out | {name: reason for name, reason in reasons.items() if reason}
    return report.Result(scenario, settings.threads_of(scenario), runs, left_out)


def tell(run: Run) -> None:
    said = "; ".join(run.problems) or f"{run.requests_per_s:,.0f} requests/s"
    note(f"{run.scenario}, round {run.round + 1}: {run.peer} {said}")


def command_to_repeat(options: argparse.Namespace, settings: Settings) -> str:
    """With every setting spelled out, so that a later default changes nothing."""
    given = {
        "--scenario": ",".join(options.scenario),
        "--peers": options.peers and ",".join(options.peers),
        "--workers": settings.workers,
        "--threads": settings.threads,
        "--connections": settings.connections,
        "--duration": settings.duration_s,
        "--rounds": settings.rounds,
    }
    words = [f"{option} {value}" for option, value in given.items() if value]
    return " ".join(["./dev bench serve", *words])


def write(path: Path, data: dict[str, object], text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.with_suffix(".json").write_text(json.dumps(data, indent=2) + "\n")
    path.with_suffix(".md").write_text(text)
    note(f"written: {path.relative_to(REPOSITORY)}.json and .md")


def stop_cleanly_on_signals() -> None:
    """The first signal leaves through every `finally`, where servers are stopped; a second one,
    from somebody in a hurry, must not interrupt that."""

    def leave(number: int, _frame: object) -> None:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_IGN)
        note("stopping")
        sys.exit(128 + number)

    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, leave)


def names_from(known: list[str]) -> Callable[[str], list[str]]:
    def parse_names(text: str) -> list[str]:
        names = [name.strip() for name in text.split(",") if name.strip()]
        if unknown := [name for name in names if name not in known]:
            raise argparse.ArgumentTypeError(
                f"{', '.join(unknown)} is not one of {', '.join(known)}"
            )
        return names

    return parse_names


def positive(text: str) -> int:
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number above 0")
    return int(text)


def seconds(text: str) -> int:
    return positive(text.removesuffix("s"))


def note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def fail(why: str, reasons: dict[str, str]) -> int:
    note("\n".join([why, *(f"  {name}: {reason}" for name, reason in reasons.items())]))
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
