"""Runs and rounds: who is measured when, and what one run yields."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import procs
from peers import Peer
from scenarios import Scenario
from server import Server, StartFailed, running

from load import Load, LoadFailed, Measured, run_wrk

WARM_UP_S = 1
IDLE_S = 1.0


@dataclass(frozen=True)
class Settings:
    """Of one call of the benchmark; `threads` None leaves it to the scenario."""

    workers: int
    threads: int | None
    connections: int
    duration_s: int
    rounds: int

    def threads_of(self, scenario: Scenario) -> int:
        return self.threads or scenario.threads


@dataclass
class Run:
    """One server under one load for one duration. CPU is of the whole process tree of the server,
    per request; a percentage of CPU is of one core.
    """

    scenario: str
    peer: str
    round: int
    problems: list[str]  # why it does not count; empty for a run that does
    command: str = ""
    requests: int = 0
    requests_per_s: float = 0.0
    received_bytes_per_s: float = 0.0
    latency_p50_us: int = 0
    latency_p90_us: int = 0
    latency_p99_us: int = 0
    latency_max_us: int = 0
    cpu_user_per_request_us: float = 0.0
    cpu_system_per_request_us: float = 0.0
    cpu_front_per_request_us: float | None = None
    cpu_front_user_per_request_us: float | None = None
    cpu_front_system_per_request_us: float | None = None
    connections_served: float = 0.0
    start_ms: float = 0.0  # from the start of the process to its first right answer
    idle_cpu_percent: float = 0.0  # of the server, in IDLE_S without requests after its warm-up
    server_cpu_percent: float = 0.0
    wrk_cpu_percent: float = 0.0
    other_cpu_percent: float = 0.0  # of processes that are not ours
    stolen_cpu_percent: float = 0.0  # given to other machines by the hypervisor

    @property
    def counts(self) -> bool:
        return not self.problems

    @property
    def cpu_per_request_us(self) -> float:
        return self.cpu_user_per_request_us + self.cpu_system_per_request_us


def unsuited(peer: Peer, scenario: Scenario, settings: Settings) -> str | None:
    """Why a peer has no place in a scenario, if so."""
    threads = settings.threads_of(scenario)
    if threads > 1 and not peer.threads:
        return f"runs one request at a time in a worker, {threads} threads are asked for"
    return None


def measure(
    scenario: Scenario, chosen: list[Peer], settings: Settings, tell: Callable[[Run], None]
) -> Iterator[Run]:
    """All rounds of a scenario: every peer once per round, in an order that changes each round and
    is the same each time. One server runs at a time, so nobody pays for an idle neighbour.
    """
    for number in range(settings.rounds):
        order = random.Random(f"{scenario.name} {number}").sample(chosen, len(chosen))
        for peer in order:
            run = _one_run(scenario, peer, number, settings)
            tell(run)
            yield run


def _one_run(scenario: Scenario, peer: Peer, number: int, settings: Settings) -> Run:
    run = Run(scenario.name, peer.name, number, problems=[])
    try:
        with running(peer, scenario, settings.workers, settings.threads_of(scenario)) as server:
            run.command = server.command_line()
            run.start_ms = server.start_s * 1e3
            load = Load(
                url=f"http://{server.site.address}/",
                connections=settings.connections,
                keep_alive=scenario.keep_alive,
                post_bytes=scenario.post_bytes,
            )
            run_wrk(load, WARM_UP_S)
            run.idle_cpu_percent = _idle_cpu_percent(server)
            _measure_load(run, server, load, settings.duration_s)
    except (StartFailed, LoadFailed) as failure:
        run.problems = [str(failure)]
    return run


def _idle_cpu_percent(server: Server) -> float:
    before = server.cpu()
    time.sleep(IDLE_S)  # the measurement itself, nothing is waited for
    return 100 * (server.cpu() - before).total_s / IDLE_S


def _measure_load(run: Run, server: Server, load: Load, duration_s: int) -> None:
    cpu, front = server.cpu(), server.front_cpu()
    busy_s, stolen_s, at = procs.machine_busy_s(), procs.machine_stolen_s(), time.monotonic()
    measured = run_wrk(load, duration_s)
    cpu = server.cpu() - cpu
    front = server.front_cpu() - front
    percent = 100 / (time.monotonic() - at)
    others_s = procs.machine_busy_s() - busy_s - cpu.total_s - measured.wrk_cpu_s

    run.problems = measured.problems(load)
    run.requests = measured.requests
    run.requests_per_s = measured.requests_per_s
    run.received_bytes_per_s = measured.received_bytes / measured.duration_s
    run.latency_p50_us = measured.latency_p50_us
    run.latency_p90_us = measured.latency_p90_us
    run.latency_p99_us = measured.latency_p99_us
    run.latency_max_us = measured.latency_max_us
    run.connections_served = measured.connections_served
    run.cpu_user_per_request_us = _per_request(procs.Cpu(user_s=cpu.user_s), measured)
    run.cpu_system_per_request_us = _per_request(procs.Cpu(system_s=cpu.system_s), measured)
    if server.peer.front:
        run.cpu_front_per_request_us = _per_request(front, measured)
        run.cpu_front_user_per_request_us = _per_request(procs.Cpu(user_s=front.user_s), measured)
        run.cpu_front_system_per_request_us = _per_request(
            procs.Cpu(system_s=front.system_s), measured
        )
    run.server_cpu_percent = cpu.total_s * percent
    run.wrk_cpu_percent = measured.wrk_cpu_s * percent
    run.other_cpu_percent = max(0.0, others_s) * percent
    run.stolen_cpu_percent = (procs.machine_stolen_s() - stolen_s) * percent


def _per_request(cpu: procs.Cpu, measured: Measured) -> float:
    """Microseconds."""
    return 1e6 * cpu.total_s / max(1, measured.requests)
