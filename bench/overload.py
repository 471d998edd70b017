#!/usr/bin/env python3
"""Measures what is left of a server under more load than it can bear, beside its peers.

An application that takes 50 ms is asked 1.5 and 3 times as often as its workers can answer, by
clients that leave when their patience is over. How much of the work is useful, how soon is the rest
refused, how much is done for people who are gone, and how soon is all well again afterwards?
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime

import install
import overload_report as report
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
from overload_measure import LEARNING_S, OVERLOADS, Run, Settings, measure, measure_capacities
from overload_peers import overload_peers

EXAMPLES = """\
scenarios:
{scenarios}

peers:
{peers}

examples:
  ./dev bench overload                       everything, about half an hour
  ./dev bench overload --quick               a rehearsal: figures mean little
  ./dev bench overload --scenario 300 --peers forebay,haproxy-gunicorn --rounds 1

Rounds are interleaved, one server runs at a time and is new for every run, so that it has to learn
in each. Results: bench/results/overload-*.
"""


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    settings = settings_of(options)
    started_utc = datetime.now(UTC).strftime("%Y-%m-%dT%H%M%SZ")
    stop_cleanly_on_signals()

    everyone = overload_peers(options.binary.resolve())
    installer = install.Installer(allowed=not options.no_install)
    chosen, left_out = available(everyone, options.peers, installer)
    if not chosen:
        return fail("no peer can be started", left_out)
    capacities = measure_capacities(chosen, settings, note)
    if not capacities:
        return fail("no peer could be measured", left_out)
    overloads = [o for o in OVERLOADS if o.name in options.scenario or "all" in options.scenario]
    runs = list(measure(overloads, chosen, settings, max(capacities.values()), tell))
    result = report.Result(overloads, runs, left_out, capacities, settings)
    print(report.terminal(result), file=sys.stderr if options.json else None)

    command = command_to_repeat(options, settings)
    data = report.document(result, command, started_utc, versions_of(chosen))
    write(RESULTS / f"overload-{started_utc}", data, report.markdown(data, result))
    if options.json:
        print(json.dumps(data, indent=2))
    return 0 if any(run.counts for run in runs) else 1


def parse(arguments: list[str]) -> argparse.Namespace:
    everyone = overload_peers(BINARY)
    parser = argparse.ArgumentParser(
        prog="./dev bench overload",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=EXAMPLES.format(
            scenarios="\n".join(f"  {o.name:<18}{o.about}" for o in OVERLOADS),
            peers="\n".join(f"  {p.name:<18}{p.about}" for p in everyone),
        ),
    )
    names = [*(overload.name for overload in OVERLOADS), "all"]
    add = parser.add_argument
    add("--scenario", metavar="A,B", default=["all"], type=names_from(names), help="default: all")
    add("--workers", type=positive, default=4, help="processes that run Python (default: 4)")
    add("--duration", type=seconds, default=20, metavar="S", help="of an overload (default: 20)")
    add("--rounds", type=positive, default=2, help="runs per peer and scenario (default: 2)")
    add("--quick", action="store_true", help="1 round of 8 s: does everything work?")
    add_common_options(parser, everyone)
    options = parser.parse_args(arguments)
    if options.duration <= LEARNING_S:
        parser.error(f"--duration is more than the {LEARNING_S} s that count as learning")
    return options


def settings_of(options: argparse.Namespace) -> Settings:
    return Settings(
        workers=options.workers,
        duration_s=8 if options.quick else options.duration,
        rounds=1 if options.quick else options.rounds,
        capacity_s=3 if options.quick else 11,
    )


def tell(run: Run) -> None:
    said = "; ".join(run.problems)
    if run.learned and run.recovery:
        prompt_s = run.recovery.prompt_s
        said += f" useful {run.learned.useful_percent:.0f} % of capacity, prompt again "
        said += "never" if prompt_s is None else f"after {prompt_s:.1f} s"
    note(f"{run.scenario}, round {run.round + 1}: {run.peer} {said.strip()}")


def command_to_repeat(options: argparse.Namespace, settings: Settings) -> str:
    given: dict[str, object] = {
        "--scenario": ",".join(options.scenario),
        "--peers": options.peers and ",".join(options.peers),
        "--workers": settings.workers,
        "--duration": settings.duration_s,
        "--rounds": settings.rounds,
    }
    return command_line("overload", given)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
