"""From runs to a report: medians and ranges per peer, ratios per round, tables, JSON, Markdown."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from measure import Run, Settings
from scenarios import Scenario
from tables import Spread, Table, aligned, cell, heading, machine, pipes, short, spread

SCHEMA = "forebay-bench-serve"
SCHEMA_VERSION = 1
OURS = "forebay"
# A run beside which other processes used more than this share of a core is worth a note.
DISTURBED_PERCENT = 10
# wrk has one thread: from here on it is the load generator that is measured.
SATURATED_PERCENT = 90


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
        return spread(scale * value for value in values if value is not None)

    def ratio(self, peer: str, attribute: str = "requests_per_s") -> Spread | None:
        """Forebay's figure / the peer's, round by round: both saw the same machine."""
        ours = {run.round: getattr(run, attribute) for run in self._counting(OURS)}
        theirs = {run.round: getattr(run, attribute) for run in self._counting(peer)}
        both = [number for number in ours if theirs.get(number)]
        return spread(ours[number] / theirs[number] for number in both)

    def _counting(self, peer: str) -> list[Run]:
        return [run for run in self.runs if run.peer == peer and run.counts]


# Heading of a column, attribute of Run, factor to the unit in the heading.
Column = tuple[str, str, float]
SPEED: list[Column] = [
    ("p50 ms", "latency_p50_us", 1e-3),
    ("p90 ms", "latency_p90_us", 1e-3),
    ("p99 ms", "latency_p99_us", 1e-3),
    ("CPU us/req", "cpu_per_request_us", 1),
    ("user", "cpu_user_per_request_us", 1),
    ("system", "cpu_system_per_request_us", 1),
    ("front user", "cpu_front_user_per_request_us", 1),
    ("front system", "cpu_front_system_per_request_us", 1),
]
# Heading of a column, attribute of Run: ours over the peer's.
RATIOS = {f"{OURS}/peer": "requests_per_s", f"p99 {OURS}/peer": "latency_p99_us"}
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


def speed_table(result: Result) -> Table:
    """What the benchmark is about."""
    header = ["peer", "req/s", *(title for title, _, _ in SPEED), *RATIOS, "runs"]
    rows = []
    for peer in result.peers:
        runs = [run for run in result.runs if run.peer == peer]
        row = [peer, cell(result.spread(peer, "requests_per_s")), *_medians(result, peer, SPEED)]
        row += ["" if peer == OURS else cell(result.ratio(peer, of)) for of in RATIOS.values()]
        row += [f"{sum(run.counts for run in runs)} of {len(runs)}"]
        rows.append(row)
    return [header, *rows]


def surroundings_table(result: Result) -> Table:
    """What helps to tell whether the other table can be believed."""
    header = ["peer", *(title for title, _, _ in SURROUNDINGS)]
    return [header, *([peer, *_medians(result, peer, SURROUNDINGS)] for peer in result.peers)]


def _medians(result: Result, peer: str, columns: list[Column]) -> list[str]:
    spreads = [result.spread(peer, attribute, scale) for _, attribute, scale in columns]
    return [short(spread.median) if spread else "-" for spread in spreads]


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
            aligned(speed_table(result)),
            "",
            aligned(surroundings_table(result)),
            *(f"  ! {line}" for line in remarks(result)),
        ]
    )


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
        "machine": machine("wrk with one thread, on the same machine, sharing its cores"),
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
    attributes = ["requests_per_s", "start_ms", "cpu_front_per_request_us"]
    attributes += [attribute for _, attribute, _ in SPEED]
    spreads = {attribute: result.spread(peer, attribute) for attribute in attributes}
    spreads["forebay_to_peer_ratio"] = result.ratio(peer)
    spreads["forebay_to_peer_p99_ratio"] = result.ratio(peer, "latency_p99_us")
    known = {name: asdict(spread) for name, spread in spreads.items() if spread}
    return {"peer": peer, **known}


def markdown(data: dict[str, Any], results: list[Result], settings: Settings) -> str:
    """The report for people who were not there."""
    lines = heading("forebay serve beside its peers", data)
    lines += ["", "How to read it: bench/README.md. Medians over the rounds, (least..most).", ""]
    for result in results:
        lines += [f"## {headline(result, settings)}", ""]
        lines += [*pipes(speed_table(result)), "", *pipes(surroundings_table(result)), ""]
        lines += [f"- {line}" for line in remarks(result)] + [""]
        commands = {run.peer: run.command for run in result.runs if run.command}
        lines += [f"    {peer}: {command}" for peer, command in commands.items()] + [""]
    return "\n".join(lines)
