"""The report of `./dev bench attack`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from attack_measure import Run, Settings
from tables import Table, aligned, cell, heading, machine, pipes, spread

SCHEMA = "forebay-bench-attack"
SCHEMA_VERSION = 1
LOAD_GENERATOR = "the tools themselves; bench/arrivals.cc answers and notes when requests arrive"

EXPLANATION = """\
A server that does nothing else notes when each request arrives; the generator shares the machine
with it. The first half second is left out.

- **gap variation**: standard deviation of the gaps between arrivals, divided by their mean. 0 is a
  metronome, 1 is what independent users do; a generator that is asked for a rate should be near 0.
- **late**: how much later than an exact schedule of that rate requests arrived. The schedule is
  laid so that nobody is early: what a tool is always late by does not show, drift does.
- **CPU us/request**: user and system time of the generator for each request that arrived.
- In the closed loop every connection sends the next request when it has its answer.
- **other CPU %**, **stolen %**: what neighbours and the hypervisor took. Not near 0: again."""

Column = tuple[str, str]  # heading, attribute of a Run
PACED: list[Column] = [
    ("requests/s", "requests_per_s"),
    ("gap variation", "gap_variation"),
    ("late p50 us", "late_p50_us"),
    ("late p99 us", "late_p99_us"),
    ("late max us", "late_max_us"),
    ("CPU us/request", "cpu_per_request_us"),
    ("CPU %", "cpu_percent"),
]
NEIGHBOURS: list[Column] = [
    ("other CPU %", "other_cpu_percent"),
    ("stolen %", "stolen_cpu_percent"),
]
CLOSED: list[Column] = [
    ("requests/s", "requests_per_s"),
    ("CPU us/request", "cpu_per_request_us"),
    ("CPU %", "cpu_percent"),
]


@dataclass
class Result:
    """Everything that was measured: `left_out` maps a tool's name to the reason."""

    runs: list[Run]
    left_out: dict[str, str]
    settings: Settings

    def sections(self) -> list[tuple[str, Table]]:
        sections = []
        for rate in self.settings.rates:
            runs = [run for run in self.runs if run.rate == rate]
            sections.append((f"{rate:,} requests/s", table(runs, PACED + NEIGHBOURS)))
        closed = [run for run in self.runs if run.rate is None]
        title = f"closed loop, {self.settings.connections} connections"
        sections.append((title, table(closed, CLOSED + NEIGHBOURS, compare="cpu_per_request_us")))
        return sections


def table(runs: list[Run], columns: list[Column], compare: str = "") -> Table:
    """Medians and ranges; `compare` adds the ratio of forebay's to each tool's, round by round."""
    header = ["tool", *(heading for heading, _ in columns)]
    rows = [header + ["forebay/tool"] if compare else header]
    for name in dict.fromkeys(run.tool for run in runs):
        good = [run for run in runs if run.tool == name and run.counts]
        row = [name, *(cell(spread(getattr(run, key) for run in good)) for _, key in columns)]
        rows.append(row + [cell(ratio(runs, good, compare))] if compare else row)
    return rows


def ratio(runs: list[Run], good: list[Run], key: str) -> Any:
    ours = {run.round: getattr(run, key) for run in runs if run.tool == "forebay" and run.counts}
    return spread(ours[run.round] / getattr(run, key) for run in good if run.round in ours)


def remarks(result: Result) -> list[str]:
    lines = [f"{tool} is left out: {reason}" for tool, reason in result.left_out.items()]
    for run in result.runs:
        lines += [
            f"{run.tool}, {run.rate or 'closed loop'}, round {run.round + 1}: {problem}"
            for problem in run.problems
        ]
    return lines


def terminal(result: Result) -> str:
    parts = [f"{title}\n\n{aligned(rows)}\n" for title, rows in result.sections()]
    return "\n".join([*parts, *(f"  ! {line}" for line in remarks(result))])


def document(
    result: Result, command: str, started_utc: str, versions: dict[str, str]
) -> dict[str, Any]:
    """Everything, for machines. Keys are only ever added; a unit is the end of a key's name."""
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "started_utc": started_utc,
        "command": command,
        "machine": machine(LOAD_GENERATOR),
        "versions": versions,
        **asdict(result),
    }


def markdown(data: dict[str, Any], result: Result) -> str:
    """The report for people who were not there."""
    title = "Load generators: how exact, and at what cost"
    lines = [*heading(title, data), "", *EXPLANATION.splitlines(), ""]
    for name, rows in result.sections():
        lines += [f"## {name}", "", *pipes(rows), ""]
    lines += [f"- {line}" for line in remarks(result)]
    lines += ["", "## How they were called", ""]
    commands = {(run.tool, run.rate): run.command for run in result.runs if run.command}
    return "\n".join([*lines, *(f"    {line}" for line in commands.values()), ""])
