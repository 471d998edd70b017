#!/usr/bin/env python3
"""Measures `forebay serve` beside nginx + gunicorn, gunicorn, uWSGI, bjoern and granian.

The question is what a server costs between the client and a WSGI application: requests per second,
latency and CPU time per request, of all of them in one run on one machine.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime

import install
import report
import scenarios
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
    seconds,
    stop_cleanly_on_signals,
    versions_of,
    write,
)
from measure import Run, Settings, measure, unsuited
from peers import Peer, peers
from scenarios import Scenario

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

    installer = install.Installer(allowed=not options.no_install)
    if reason := installer.debian("wrk"):
        return fail("there is no load generator", {"wrk": reason})
    everyone = peers(options.binary.resolve())
    chosen, left_out = available(everyone, options.peers, installer)
    if not chosen:
        return fail("no peer can be started", left_out)
    results = []
    for scenario in chosen_scenarios(options.scenario):
        result = run_scenario(scenario, chosen, settings, left_out)
        results.append(result)
        print(report.terminal(result, settings) + "\n", file=sys.stderr if options.json else None)

    command = command_to_repeat(options, settings)
    data = report.document(results, settings, command, started_utc, versions_of(chosen))
    write(RESULTS / f"serve-{started_utc}", data, report.markdown(data, results, settings))
    if options.json:
        print(json.dumps(data, indent=2))
    return 0 if any(run.counts for result in results for run in result.runs) else 1


def parse(arguments: list[str]) -> argparse.Namespace:
    everyone = peers(BINARY)
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
    add_common_options(parser, everyone)
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
    given: dict[str, object] = {
        "--scenario": ",".join(options.scenario),
        "--peers": options.peers and ",".join(options.peers),
        "--workers": settings.workers,
        "--threads": settings.threads,
        "--connections": settings.connections,
        "--duration": settings.duration_s,
        "--rounds": settings.rounds,
    }
    return command_line("serve", given)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
