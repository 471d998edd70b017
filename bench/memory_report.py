"""The report of `./dev bench memory`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from memory_measure import Births, Holding
from tables import Table, aligned, cell, heading, machine, pipes, short, spread

SCHEMA = "forebay-bench-memory"
SCHEMA_VERSION = 1
LOAD_GENERATOR = "bench/memory.py, one process on the same machine"

EXPLANATION = """\
Memory is user memory of the processes that hold the connections: forebay's front, nginx, HAProxy;
servers that have no such process are measured as a whole. What the server had before is
subtracted, and it had already answered 200 requests.

- **RSS, PSS, anon**: KiB per connection or request. PSS counts shared pages once, anon is the part
  that is the process's own data; forebay's shared memory with its workers is in RSS and PSS.
- **after**: what is left of it, again per connection, when all clients have gone. An allocator that
  keeps pages for the next ones is no leak, but it is memory.
- **kernel**: what the kernel's objects and socket buffers grew by, per connection, for *both* ends,
  as the clients are on the same machine. No server can do much about it.
- **before MiB**: RSS and PSS of those processes at rest.
- **start**: from the start of the first process until a client that asks every 5 ms has its answer,
  with an application whose import costs nothing.
- **replacement**: kill -9 of the only worker, its successor's first answer to a client who asks at
  once. Forebay and gunicorn have the application preloaded, uWSGI always does that."""


@dataclass
class Result:
    """Everything that was measured: `left_out` maps a peer's name to the reason."""

    idle: list[Holding]
    waiting: list[Holding]
    start: list[Births]
    replace: list[Births]
    left_out: dict[str, str]

    def sections(self) -> list[tuple[str, Table]]:
        """A title and a table for each that was asked for."""
        sections = []
        if self.idle:
            title = f"{self.idle[0].count:,} idle connections"
            sections.append((title, holding_table(self.idle)))
        if self.waiting:
            title = f"{self.waiting[0].count:,} waiting requests"
            sections.append((title, holding_table(self.waiting)))
        if self.start:
            sections.append(("start to first answer", births_table(self.start)))
        if self.replace:
            sections.append(("replacement of a killed worker", births_table(self.replace)))
        return sections

    def everything(self) -> list[Holding | Births]:
        return [*self.idle, *self.waiting, *self.start, *self.replace]


def holding_table(holdings: list[Holding]) -> Table:
    header = ["peer", "RSS KiB each", "PSS KiB each", "anon KiB each", "RSS after", "PSS after"]
    header += ["kernel KiB each", "RSS before MiB", "PSS before MiB"]
    return [header, *(_holding_row(holding) for holding in holdings)]


def _holding_row(holding: Holding) -> list[str]:
    if holding.problems:
        return [holding.peer, *["-"] * 8]
    each = 1 / holding.count
    peak, after, before = holding.peak, holding.after, holding.before
    figures = [peak.rss_kib * each, peak.pss_kib * each, peak.anon_kib * each]
    figures += [after.rss_kib * each, after.pss_kib * each, holding.kernel_kib * each]
    figures += [before.rss_kib / 1024, before.pss_kib / 1024]
    return [holding.peer, *(short(figure) for figure in figures)]


def births_table(everyone: list[Births]) -> Table:
    rows = [
        [births.peer, cell(spread(births.times_ms)), str(len(births.times_ms))]
        for births in everyone
    ]
    return [["peer", "ms", "times"], *rows]


def remarks(result: Result) -> list[str]:
    lines = [f"{peer} is left out: {reason}" for peer, reason in result.left_out.items()]
    return lines + [f"{m.peer}: {why}" for m in result.everything() for why in m.problems]


def terminal(result: Result) -> str:
    parts = [f"{title}\n\n{aligned(table)}\n" for title, table in result.sections()]
    return "\n".join([*parts, *(f"  ! {line}" for line in remarks(result))])


def document(
    result: Result, settings: Any, command: str, started_utc: str, versions: dict[str, str]
) -> dict[str, Any]:
    """Everything, for machines. Keys are only ever added; a unit is the end of a key's name."""
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "started_utc": started_utc,
        "command": command,
        "machine": machine(LOAD_GENERATOR),
        "versions": versions,
        "settings": asdict(settings),
        **asdict(result),
    }


def markdown(data: dict[str, Any], result: Result) -> str:
    """The report for people who were not there."""
    title = "Memory of connections, time of births, beside the peers"
    lines = [*heading(title, data), "", *EXPLANATION.splitlines(), ""]
    for name, table in result.sections():
        lines += [f"## {name}", "", *pipes(table), ""]
    lines += [f"- {line}" for line in remarks(result)]
    lines += ["", "## How they were started", ""]
    commands = {m.command: m.peer for m in result.everything() if m.command}
    return "\n".join([*lines, *(f"    {peer}: {line}" for line, peer in commands.items()), ""])
