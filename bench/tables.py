"""What every report is made of: spreads over rounds, tables for the terminal and for Markdown, and
the machine that the figures belong to.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from peers import REPOSITORY

Table = list[list[str]]  # rows of cells, the first is the header


@dataclass(frozen=True)
class Spread:
    """The median over the rounds that count, and the range."""

    median: float
    least: float
    most: float

    def __str__(self) -> str:
        if self.least == self.most:
            return short(self.median)
        return f"{short(self.median)} ({short(self.least)}..{short(self.most)})"


def spread(values: Iterable[float | None]) -> Spread | None:
    """Of the values that there are; None if there is none."""
    known = [value for value in values if value is not None]
    return Spread(median(known), min(known), max(known)) if known else None


def cell(value: Spread | None) -> str:
    return str(value) if value else "-"


def short(value: float) -> str:
    """Three digits that matter, no exponent."""
    if abs(value) >= 99.95 or value == 0:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 9.995 else f"{value:.2f}"


def aligned(table: Table) -> str:
    """For the terminal: names to the left, numbers to the right."""
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    lines = []
    for row in table:
        name, *numbers = zip(row, widths, strict=True)
        cells = [name[0].ljust(name[1]), *(number.rjust(width) for number, width in numbers)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def pipes(table: Table) -> list[str]:
    """For Markdown."""
    rule = [":--"] + ["--:"] * (len(table[0]) - 1)
    return [f"| {' | '.join(row)} |" for row in [table[0], rule, *table[1:]]]


def machine(load_generator: str) -> dict[str, Any]:
    cpuinfo = Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*: (.*)$", cpuinfo, re.MULTILINE)
    return {
        "cpu": model[1] if model else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "git_revision": _git_revision(),
        "load_generator": load_generator,
    }


def heading(title: str, data: dict[str, Any]) -> list[str]:
    """How every Markdown report begins: when, by which command, where, of which versions."""
    lines = [f"# {title}", "", f"{data['started_utc']}, made by", "", f"    {data['command']}", ""]
    lines += [f"- {key.replace('_', ' ')}: {value}" for key, value in data["machine"].items()]
    return lines + [f"- {name}: {version}" for name, version in data["versions"].items()]


def _git_revision() -> str:
    command = ["git", "-C", str(REPOSITORY), "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:  # no git here
        return "unknown"
    return done.stdout.strip() or "unknown"
