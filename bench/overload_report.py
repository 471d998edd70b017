"""The report of the overload: medians and ranges over the rounds, and how to read them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from crowd import PROBE_EVERY_S, PROMPT_IN_A_ROW
from overload_measure import LEARNING_S, PROMPT_S, SERVICE_S, Overload, Run, Settings
from tables import Spread, Table, aligned, cell, heading, machine, pipes, spread

SCHEMA = "forebay-bench-overload"
SCHEMA_VERSION = 1
LOAD_GENERATOR = "bench/crowd.py, one process on the same machine, sharing its cores"

# Heading of a column, part of a Run, attribute of it.
Column = tuple[str, str, str]
LEARNED: list[Column] = [
    ("useful %", "learned", "useful_percent"),
    ("answered %", "learned", "answered_percent"),
    ("refused %", "learned", "refused_percent"),
    ("left %", "learned", "left_percent"),
    ("other statuses %", "learned", "error_percent"),
    ("no answer %", "learned", "failed_percent"),
    ("runs wasted %", "learned", "wasted_percent"),
]
TIMES: list[Column] = [
    ("refusal p50 ms", "learned", "refusal_p50_ms"),
    ("refusal p99 ms", "learned", "refusal_p99_ms"),
    ("answer p50 ms", "learned", "answer_p50_ms"),
    ("answer p99 ms", "learned", "answer_p99_ms"),
    ("first request after it s", "recovery", "first_request_s"),
    ("first answer s", "recovery", "first_answer_s"),
    ("prompt again s", "recovery", "prompt_s"),
]
WHOLE: list[Column] = [
    ("useful %", "whole", "useful_percent"),
    ("answered %", "whole", "answered_percent"),
    ("refused %", "whole", "refused_percent"),
    ("left %", "whole", "left_percent"),
    ("refusal p50 ms", "whole", "refusal_p50_ms"),
    ("refusal p99 ms", "whole", "refusal_p99_ms"),
    ("runs wasted", "whole", "wasted_runs"),
    ("of runs", "whole", "runs"),
]


@dataclass
class Result:
    """Everything that was measured: `left_out` maps a peer's name to the reason, `capacities` to
    its right answers per second in a closed loop.
    """

    overloads: list[Overload]
    runs: list[Run]
    left_out: dict[str, str]
    capacities: dict[str, float]
    settings: Settings

    @property
    def capacity_per_s(self) -> float:
        return max(self.capacities.values())

    @property
    def peers(self) -> list[str]:
        return list(self.capacities)

    def runs_of(self, overload: Overload, peer: str) -> list[Run]:
        return [run for run in self.runs if (run.scenario, run.peer) == (overload.name, peer)]

    def spread(self, overload: Overload, peer: str, column: Column) -> Spread | None:
        _, part, attribute = column
        counting = [run for run in self.runs_of(overload, peer) if run.counts]
        return spread(getattr(getattr(run, part), attribute) for run in counting)


def table(result: Result, overload: Overload, columns: list[Column]) -> Table:
    rows = []
    for peer in result.peers:
        runs = result.runs_of(overload, peer)
        cells = [cell(result.spread(overload, peer, column)) for column in columns]
        rows.append([peer, *cells, f"{sum(run.counts for run in runs)} of {len(runs)}"])
    return [["peer", *(title for title, _, _ in columns), "runs"], *rows]


def capacity_table(result: Result) -> Table:
    rows = [[peer, f"{rate:.1f}"] for peer, rate in result.capacities.items()]
    return [["peer", "requests/s"], *rows]


def remarks(result: Result) -> list[str]:
    lines = [f"{peer} is left out: {reason}" for peer, reason in result.left_out.items()]
    for run in result.runs:
        if not run.counts:
            why = "; ".join(run.problems)
            lines.append(f"{run.scenario}: {run.peer}, round {run.round + 1} does not count: {why}")
    return lines


def terminal(result: Result) -> str:
    lines = [f"capacity (closed loop): {result.capacity_per_s:.1f} requests/s"]
    for overload in result.overloads:
        lines += ["", f"{overload.name}: {overload.about}; after {LEARNING_S} s of learning"]
        lines += ["", aligned(table(result, overload, LEARNED))]
        lines += ["", aligned(table(result, overload, TIMES))]
    return "\n".join([*lines, *(f"  ! {line}" for line in remarks(result))]) + "\n"


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
        "settings": asdict(result.settings),
        "capacity_per_s": result.capacity_per_s,
        "capacities_per_s": result.capacities,
        "left_out": result.left_out,
        "scenarios": [
            {
                **asdict(overload),
                "about": overload.about,
                "runs": [asdict(run) for run in result.runs if run.scenario == overload.name],
            }
            for overload in result.overloads
        ],
    }


def markdown(data: dict[str, Any], result: Result) -> str:
    """The report for people who were not there."""
    lines = [*heading("Overload, beside the peers", data), "", *explanation(result), ""]
    lines += ["## Capacity", "", *pipes(capacity_table(result)), ""]
    for overload in result.overloads:
        lines += [f"## {overload.name}: {overload.about}", ""]
        lines += [f"After the first {LEARNING_S} s:", "", *pipes(table(result, overload, LEARNED))]
        lines += ["", *pipes(table(result, overload, TIMES)), ""]
        lines += ["All of it, learning included:", "", *pipes(table(result, overload, WHOLE)), ""]
    lines += [*(f"- {line}" for line in remarks(result)), "", "## How they were started", ""]
    commands = {run.peer: run.command for run in result.runs if run.command}
    return "\n".join([*lines, *(f"    {peer}: {line}" for peer, line in commands.items()), ""])


def explanation(result: Result) -> list[str]:
    settings = result.settings
    text = f"""\
{settings.workers} workers run an application that takes {1e3 * SERVICE_S:g} ms. For
{settings.duration_s} s requests arrive at random times (Poisson, the same times for every server),
each on a connection of its own, and its client closes it when its patience is over. Every run has a
new server; {settings.rounds} rounds, medians with (least..most).

- **capacity** is {result.capacity_per_s:.1f} requests/s: the most that any of these servers did
  when its workers were always busy and nobody left. Loads and useful work are in percent of it.
- **useful**: 200s that came while their client still waited. More than 100 is not possible but by
  chance; a server that does nothing in vain gets near it.
- **answered, refused** (503), **left** (patience over), **other statuses** (502, 504), **no
  answer** (reset, not connected): shares of the requests. They add up to 100.
- **refusal**: how long a client waited for its 503. Soon is good: it can go elsewhere.
- **runs wasted**: share of the application's runs whose client was gone when they ended, or before
  they began. The application counts them itself.
- **first request after it**: from the end of the overload one request is sent each
  {1e3 * PROBE_EVERY_S:g} ms, by clients who wait 30 s. This is how long the first of them took;
  "-" if it was not answered with 200. **first answer**: until any of them was.
- **prompt again**: until the first of {PROMPT_IN_A_ROW} such requests in a row that were answered
  within {1e3 * PROMPT_S:g} ms. "-": not within 30 s."""
    return text.splitlines()
