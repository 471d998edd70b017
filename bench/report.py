"""From runs to a report: medians and ranges per peer, ratios per round, tables, JSON, Markdown."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from measure import Run, Settings
from peers import REPOSITORY
from scenarios import Scenario

SCHEMA = "forebay-bench-serve"
SCHEMA_VERSION = 1
OURS = "forebay"
# A run beside which other processes used more than this share of a core is worth a note.
DISTURBED_PERCENT = 10
# wrk has one thread: from here on it is the load generator that is measured.
SATURATED_PERCENT = 90


@dataclass(frozen=True)
class Spread:
    """The median over the rounds that count, and the range."""

    median: float
    least: float
    most: float

    def __str__(self) -> str:
        return f"{_short(self.median)} ({_short(self.least)}..{_short(self.most)})"


@dataclass
class Result:
    """What one scenario said: `left_out` maps a peer's name to the reason."""

    scenario: Scenario
    threads: int
    runs: list[Run]
    left_out: dict[str, str]

    @property
    def peers(self) -> list[str]:
        return list(dict.fromkeys(run.peer for run in self.runs))

    def spread(self, peer: str, attribute: str, scale: float = 1) -> Spread | None:
        """Of an attribute of the runs of a peer that count; None if there is none."""
        values = [getattr(run, attribute) for run in self._counting(peer)]
        return _spread([scale * value for value in values if value is not None])

    def ratio(self, peer: str) -> Spread | None:
        """Requests/s of forebay / those of the peer, round by round: both saw the same machine."""
        ours = {run.round: run.requests_per_s for run in self._counting(OURS)}
        theirs = {run.round: run.requests_per_s for run in self._counting(peer)}
        return _spread([ours[number] / theirs[number] for number in ours.keys() & theirs.keys()])

    def _counting(self, peer: str) -> list[Run]:
        return [run for run in self.runs if run.peer == peer and run.counts]


def _spread(values: list[float]) -> Spread | None:
    return Spread(median(values), min(values), max(values)) if values else None


# Heading of a column, attribute of Run, factor to the unit in the heading.
Column = tuple[str, str, float]
SPEED: list[Column] = [
    ("p50 ms", "latency_p50_us", 1e-3),
    ("p90 ms", "latency_p90_us", 1e-3),
    ("p99 ms", "latency_p99_us", 1e-3),
    ("CPU us/req", "cpu_per_request_us", 1),
    ("user", "cpu_user_per_request_us", 1),
    ("system", "cpu_system_per_request_us", 1),
    ("front", "cpu_front_per_request_us", 1),
]
SURROUNDINGS: list[Column] = [
    ("start ms", "start_ms", 1),
    ("idle CPU %", "idle_cpu_percent", 1),
    ("server CPU %", "server_cpu_percent", 1),
    ("wrk CPU %", "wrk_cpu_percent", 1),
    ("other CPU %", "other_cpu_percent", 1),
    ("stolen %", "stolen_cpu_percent", 1),
    ("MB/s", "received_bytes_per_s", 1e-6),
    ("served at a time", "connections_served", 1),
]
Table = list[list[str]]  # rows of cells, the first is the header


def speed_table(result: Result) -> Table:
    """What the benchmark is about."""
    header = ["peer", "req/s", *(title for title, _, _ in SPEED), f"{OURS}/peer", "runs"]
    rows = []
    for peer in result.peers:
        runs = [run for run in result.runs if run.peer == peer]
        row = [peer, _range(result.spread(peer, "requests_per_s")), *_medians(result, peer, SPEED)]
        row += ["" if peer == OURS else _range(result.ratio(peer))]
        row += [f"{sum(run.counts for run in runs)} of {len(runs)}"]
        rows.append(row)
    return [header, *rows]


def surroundings_table(result: Result) -> Table:
    """What helps to tell whether the other table can be believed."""
    header = ["peer", *(title for title, _, _ in SURROUNDINGS)]
    return [header, *([peer, *_medians(result, peer, SURROUNDINGS)] for peer in result.peers)]


def _medians(result: Result, peer: str, columns: list[Column]) -> list[str]:
    spreads = [result.spread(peer, attribute, scale) for _, attribute, scale in columns]
    return [_short(spread.median) if spread else "-" for spread in spreads]


def remarks(result: Result) -> list[str]:
    """What a reader must know before believing the table."""
    lines = [f"{peer} is left out: {reason}" for peer, reason in result.left_out.items()]
    for run in result.runs:
        if not run.counts:
            why = "; ".join(run.problems)
            lines.append(f"{run.peer}, round {run.round + 1} does not count: {why}")
    for peer in result.peers:
        wrk = result.spread(peer, "wrk_cpu_percent")
        if wrk and wrk.median > SATURATED_PERCENT:
            lines.append(
                f"{peer} kept wrk's core {wrk.median:.0f} % busy: it may be faster than that"
            )
    disturbed = [run for run in result.runs if run.other_cpu_percent > DISTURBED_PERCENT]
    if disturbed:
        lines.append(
            f"in {len(disturbed)} of {len(result.runs)} runs others used more than"
            f" {DISTURBED_PERCENT} % of a core (at most"
            f" {max(run.other_cpu_percent for run in disturbed):.0f} %)"
        )
    return lines


def headline(result: Result, settings: Settings) -> str:
    return (
        f"{result.scenario.name}: {result.scenario.about}. {settings.workers} workers x"
        f" {result.threads} threads, {settings.connections} connections,"
        f" {settings.rounds} rounds of {settings.duration_s} s"
    )


def terminal(result: Result, settings: Settings) -> str:
    """The report of a scenario, to be printed."""
    return "\n".join(
        [
            headline(result, settings),
            "",
            _aligned(speed_table(result)),
            "",
            _aligned(surroundings_table(result)),
            *(f"  ! {line}" for line in remarks(result)),
        ]
    )


def machine() -> dict[str, Any]:
    cpuinfo = Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*: (.*)$", cpuinfo, re.MULTILINE)
    return {
        "cpu": model[1] if model else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "git_revision": _git_revision(),
        "load_generator": "wrk with one thread, on the same machine, sharing its cores",
    }


def document(
    results: list[Result],
    settings: Settings,
    command: str,
    started_utc: str,
    versions: dict[str, str],
) -> dict[str, Any]:
    """Everything, for machines. Keys are only ever added; a unit is the end of a key's name."""
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "started_utc": started_utc,
        "command": command,
        "machine": machine(),
        "versions": versions,
        "settings": asdict(settings),
        "scenarios": [
            {
                "name": result.scenario.name,
                "about": result.scenario.about,
                "threads": result.threads,
                "left_out": result.left_out,
                "summary": [_summary(result, peer) for peer in result.peers],
                "runs": [asdict(run) for run in result.runs],
            }
            for result in results
        ],
    }


def _summary(result: Result, peer: str) -> dict[str, Any]:
    attributes = ["requests_per_s", "start_ms", *(attribute for _, attribute, _ in SPEED)]
    spreads = {attribute: result.spread(peer, attribute) for attribute in attributes}
    spreads["forebay_to_peer_ratio"] = result.ratio(peer)
    known = {name: asdict(spread) for name, spread in spreads.items() if spread}
    return {"peer": peer, **known}


def markdown(data: dict[str, Any], results: list[Result], settings: Settings) -> str:
    """The report for people who were not there."""
    lines = ["# forebay serve beside its peers", "", f"{data['started_utc']}, made by", ""]
    lines += [f"    {data['command']}", ""]
    lines += [f"- {key.replace('_', ' ')}: {value}" for key, value in data["machine"].items()]
    lines += [f"- {name}: {version}" for name, version in data["versions"].items()]
    lines += ["", "How to read it: bench/README.md. Medians over the rounds, (least..most).", ""]
    for result in results:
        lines += [f"## {headline(result, settings)}", ""]
        lines += [*_pipes(speed_table(result)), "", *_pipes(surroundings_table(result)), ""]
        lines += [f"- {line}" for line in remarks(result)] + [""]
        commands = {run.peer: run.command for run in result.runs if run.command}
        lines += [f"    {peer}: {command}" for peer, command in commands.items()] + [""]
    return "\n".join(lines)


def _git_revision() -> str:
    command = ["git", "-C", str(REPOSITORY), "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:  # no git here
        return "unknown"
    return done.stdout.strip() or "unknown"


def _aligned(table: Table) -> str:
    """Names to the left, numbers to the right."""
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    lines = []
    for row in table:
        name, *numbers = zip(row, widths, strict=True)
        cells = [name[0].ljust(name[1]), *(cell.rjust(width) for cell, width in numbers)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _pipes(table: Table) -> list[str]:
    rule = [":--"] + ["--:"] * (len(table[0]) - 1)
    return [f"| {' | '.join(row)} |" for row in [table[0], rule, *table[1:]]]


def _range(spread: Spread | None) -> str:
    return str(spread) if spread else "-"


def _short(value: float) -> str:
    """Three digits that matter, no exponent."""
    if value >= 100 or value == 0:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
