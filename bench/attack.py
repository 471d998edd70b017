#!/usr/bin/env python3
"""Measures load generators: how exactly they hold a rate, and what a request costs them."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime

import attack_report as report
import install
from attack_measure import Run, Settings, compile_server, measure
from attack_tools import tools
from command import (
    BINARY,
    RESULTS,
    add_common_options,
    available,
    command_line,
    fail,
    note,
    positive,
    seconds,
    stop_cleanly_on_signals,
    versions_of,
    write,
)

EXAMPLES = """\
examples:
  ./dev bench attack                              everything, some ten minutes
  ./dev bench attack --rates 1000 --peers forebay,vegeta
  ./dev bench attack --quick                      does everything work?

Results: bench/results/attack-*.
"""


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    settings = settings_of(options)
    started_utc = datetime.now(UTC).strftime("%Y-%m-%dT%H%M%SZ")
    stop_cleanly_on_signals()
    installer = install.Installer(allowed=not options.no_install)
    everyone = tools(options.binary.resolve())
    chosen, left_out = available(everyone, options.peers, installer)
    if not chosen:
        return fail("no load generator can be started", left_out)
    compile_server()
    result = report.Result(list(measure(chosen, settings, tell)), left_out, settings)
    print(report.terminal(result), file=sys.stderr if options.json else None)
    data = report.document(
        result, command_to_repeat(options, settings), started_utc, versions_of(chosen)
    )
    write(RESULTS / f"attack-{started_utc}", data, report.markdown(data, result))
    if options.json:
        print(json.dumps(data, indent=2))
    return 0


def tell(run: Run) -> None:
    at = f"{run.rate:,}/s" if run.rate else "closed loop"
    figures = f"gaps {run.gap_variation:.3f}, late p99 {run.late_p99_us:,.0f} us, "
    told = "; ".join(run.problems) or (figures if run.rate else "")
    note(f"{at}, round {run.round + 1}, {run.tool}: {told}{run.cpu_per_request_us:.1f} us CPU")


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./dev bench attack",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=EXAMPLES,
    )
    add = parser.add_argument
    rates = "100,1000,10000,20000"
    add("--rates", metavar="A,B", default=rates, help=f"requests per second ({rates})")
    add("--duration", type=seconds, default=5, metavar="S", help="of a run, in seconds (5)")
    add("--rounds", type=positive, default=5, metavar="N", help="runs per tool and rate (5)")
    add("--connections", type=positive, default=64, metavar="N", help="of the closed loop (64)")
    add("--quick", action="store_true", help="one short round: does everything work?")
    add_common_options(parser, tools(BINARY))
    return parser.parse_args(arguments)


def settings_of(options: argparse.Namespace) -> Settings:
    rates = [positive(rate) for rate in options.rates.split(",")]
    if options.quick:
        return Settings(rates, duration_s=2, rounds=1, connections=options.connections)
    return Settings(rates, options.duration, options.rounds, options.connections)


def command_to_repeat(options: argparse.Namespace, settings: Settings) -> str:
    given: dict[str, object] = {
        "--peers": options.peers and ",".join(options.peers),
        "--rates": ",".join(str(rate) for rate in settings.rates),
        "--duration": settings.duration_s,
        "--rounds": settings.rounds,
        "--connections": settings.connections,
    }
    return command_line("attack", given)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
