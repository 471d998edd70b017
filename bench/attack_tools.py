"""The load generators that are compared, each with the options that suit it best.

All use keep-alive, HTTP/1.1, one thread where it can be chosen, and throw their results away: what
they did is seen by the server, what it cost by the kernel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from peers import TOOLS

# Clients of hey and h2load when they are paced: both give each client a rate of its own.
PACED_CLIENTS = 10


@dataclass(frozen=True)
class Task:
    """`rate` in requests/s, None for a closed loop over `connections`. `targets` is a file that
    holds `url` as vegeta's targets do.
    """

    url: str
    targets: Path
    duration_s: int
    rate: int | None
    connections: int


@dataclass(frozen=True)
class Tool:
    """One load generator, with the fields of peers.Peer that install.py looks at. `paced`: it can
    hold a rate.
    """

    name: str
    about: str
    command: Callable[[Task], list[str]]
    paced: bool
    version_command: list[str] | None = None
    debian: tuple[str, ...] = ()
    go: tuple[str, ...] = ()
    python: tuple[str, ...] = ()


def tools(forebay: Path) -> list[Tool]:
    """All of them, in the order of the report."""
    return [
        Tool(
            "forebay",
            "forebay attack",
            lambda task: vegeta_like([str(forebay), "attack", "-cpus=1"], task),
            paced=True,
            version_command=[str(forebay), "--version"],
        ),
        Tool(
            "vegeta",
            "vegeta attack",
            lambda task: vegeta_like([str(TOOLS / "vegeta"), "-cpus=1", "attack"], task),
            paced=True,
            version_command=[str(TOOLS / "vegeta"), "-version"],
            go=("vegeta",),
        ),
        Tool("hey", "hey, paced by -q for each worker", hey, paced=True, debian=("hey",)),
        Tool(
            "h2load",
            "h2load --h1, paced by --rps for each client",
            h2load,
            paced=True,
            debian=("nghttp2-client",),
            version_command=["h2load", "--version"],
        ),
        Tool(
            "wrk",
            "wrk, closed loop only",
            wrk,
            paced=False,
            debian=("wrk",),
            version_command=["wrk", "-v"],
        ),
        Tool(
            "ab",
            "ApacheBench, closed loop only",
            ab,
            paced=False,
            debian=("apache2-utils",),
            version_command=["ab", "-V"],
        ),
    ]


def vegeta_like(program: list[str], task: Task) -> list[str]:
    command = [*program, "-targets", str(task.targets), "-output", "/dev/null"]
    command += [f"-duration={task.duration_s}s", "-max-body=0"]
    if task.rate is None:
        return [*command, "-rate=0", f"-max-workers={task.connections}"]
    return [*command, f"-rate={task.rate}"]


def hey(task: Task) -> list[str]:
    command = ["hey", "-z", f"{task.duration_s}s"]
    if task.rate is None:
        return [*command, "-c", str(task.connections), "-cpus", "1", task.url]
    return [*command, "-c", str(PACED_CLIENTS), "-q", f"{task.rate / PACED_CLIENTS:g}", task.url]


def h2load(task: Task) -> list[str]:
    command = ["h2load", "--h1", "-t1", "-D", str(task.duration_s)]
    if task.rate is None:
        return [*command, "-c", str(task.connections), task.url]
    return [*command, "-c", str(PACED_CLIENTS), f"--rps={task.rate / PACED_CLIENTS:g}", task.url]


def wrk(task: Task) -> list[str]:
    return ["wrk", "-t1", f"-c{task.connections}", f"-d{task.duration_s}s", task.url]


def ab(task: Task) -> list[str]:
    # -t alone stops at 50,000 requests.
    limit = ["-t", str(task.duration_s), "-n", "100000000"]
    return ["ab", "-q", "-k", "-c", str(task.connections), *limit, task.url]
