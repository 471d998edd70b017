"""Capacities, runs and rounds of the overload: who is measured when, and what one run yields."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import overload_figures as figures
from crowd import PROBE_EVERY_S, PROBE_PATIENCE_S, PROBES_MAX, Outcome, Plan, schedule
from peers import Peer
from scenarios import Scenario
from server import Server, StartFailed, running

SERVICE_S = 0.05  # of apps/slow.py
PROMPT_S = 2 * SERVICE_S + 0.05
LEARNING_S = 5
# The clients that find out the capacity: enough that no worker ever waits for one.
CLOSED_PER_WORKER = 2
CROWD = Path(__file__).parent / "crowd.py"
CROWD_GRACE_S = 30
APPLICATION = Scenario("overload", "takes 50 ms", app="slow", answer=b"done", keep_alive=False)


@dataclass(frozen=True)
class Overload:
    """One crowd: `load` in percent of the capacity, patience uniform between two times."""

    name: str
    load_percent: int
    patience_s: tuple[float, float]

    @property
    def about(self) -> str:
        least, most = self.patience_s
        patience = f"{least:g} s" if least == most else f"{least:g} to {most:g} s"
        return f"{self.load_percent} % of capacity, patience {patience}"


OVERLOADS = [
    Overload("150", 150, (2, 2)),
    Overload("300", 300, (2, 2)),
    Overload("150-mixed", 150, (1, 3)),
    Overload("300-mixed", 300, (1, 3)),
]


@dataclass(frozen=True)
class Settings:
    """Of one call: `duration_s` is that of the overload in a run."""

    workers: int
    duration_s: int
    rounds: int
    capacity_s: int


@dataclass
class Run:
    """One server under one overload. `learned` leaves out the first LEARNING_S seconds."""

    scenario: str
    peer: str
    round: int
    problems: list[str] = field(default_factory=list)
    command: str = ""
    whole: figures.Window | None = None
    learned: figures.Window | None = None
    recovery: figures.Recovery | None = None

    @property
    def counts(self) -> bool:
        return not self.problems


class CrowdFailed(Exception):
    """The process of the clients did not run to its end."""


def measure_capacities(
    chosen: list[Peer], settings: Settings, tell: Callable[[str], None]
) -> dict[str, float]:
    """Right answers per second of each peer when its workers are always busy and nobody leaves."""
    found = {}
    for peer in chosen:
        try:
            with running(peer, APPLICATION, settings.workers) as server:
                clients = CLOSED_PER_WORKER * settings.workers
                plan = Plan(server.site.port, closed_clients=clients, closed_s=settings.capacity_s)
                outcomes, _ = send(plan, settings.capacity_s)
        except (StartFailed, CrowdFailed) as failure:
            tell(f"capacity of {peer.name} is unknown: {failure}")
            continue
        found[peer.name] = figures.closed_rate_per_s(outcomes, 1, settings.capacity_s)
        tell(f"capacity of {peer.name}: {found[peer.name]:.1f} requests/s")
    return found


def measure(
    overloads: list[Overload],
    chosen: list[Peer],
    settings: Settings,
    capacity_per_s: float,
    tell: Callable[[Run], None],
) -> Iterator[Run]:
    """Every peer once per scenario and round, in an order that is the same each time."""
    for number in range(settings.rounds):
        for overload in overloads:
            order = random.Random(f"{overload.name} {number}").sample(chosen, len(chosen))
            for peer in order:
                run = _one_run(overload, peer, number, settings, capacity_per_s)
                tell(run)
                yield run


def _one_run(
    overload: Overload, peer: Peer, number: int, settings: Settings, capacity_per_s: float
) -> Run:
    run = Run(overload.name, peer.name, number)
    rate_per_s = capacity_per_s * overload.load_percent / 100
    clients = schedule(
        f"{overload.name} {number}", rate_per_s, settings.duration_s, overload.patience_s
    )
    try:
        with running(peer, APPLICATION, settings.workers) as server:
            run.command = server.command_line()
            plan = Plan(
                server.site.port, clients, overload_s=settings.duration_s, prompt_s=PROMPT_S
            )
            outcomes, probes = send(
                plan, settings.duration_s + PROBES_MAX * PROBE_EVERY_S + PROBE_PATIENCE_S
            )
            runs = runs_of(server)
    except (StartFailed, CrowdFailed) as failure:
        run.problems = [str(failure)]
        return run
    run.problems = figures.problems(outcomes + probes)
    run.whole = figures.window(outcomes, runs, capacity_per_s, 0, settings.duration_s)
    run.learned = figures.window(outcomes, runs, capacity_per_s, LEARNING_S, settings.duration_s)
    run.recovery = figures.recovery(probes, settings.duration_s, PROMPT_S)
    return run


def send(plan: Plan, duration_s: float) -> tuple[list[Outcome], list[Outcome]]:
    """Plays a plan in a process of its own; what became of its requests and of its probes."""
    try:
        done = subprocess.run(
            [sys.executable, str(CROWD)],
            input=json.dumps(asdict(plan)),
            capture_output=True,
            text=True,
            timeout=duration_s + CROWD_GRACE_S,
        )
    except subprocess.TimeoutExpired:
        raise CrowdFailed(f"the clients did not end {CROWD_GRACE_S} s after their time") from None
    if done.returncode != 0:
        raise CrowdFailed(f"the clients failed: {done.stderr.strip().splitlines()[-1:]}")
    data: dict[str, list[dict[str, Any]]] = json.loads(done.stdout)
    return (
        [Outcome(**outcome) for outcome in data["outcomes"]],
        [Outcome(**outcome) for outcome in data["probes"]],
    )


def runs_of(server: Server) -> Counter[int]:
    """How often the application ran each request, as it noted itself."""
    return Counter(int(line) for line in (server.site.directory / "runs").read_text().split())
