"""One run of a load generator, as a server that notes arrivals sees it."""

from __future__ import annotations

import random
import shlex
import signal
import subprocess
import tempfile
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, pstdev

import procs
from attack_tools import Task, Tool
from peers import BENCH, REPOSITORY, TOOLS

from load import children_cpu_s

ARRIVALS = TOOLS / "arrivals"
COMPILER = ["clang++-19", "-std=c++23", "-O2"]
# The start, with its connections to open, is not what is measured.
SETTLING_NS = 500_000_000
LONGEST_S = 60
# A run that has not sent this share of its hits has not held its rate.
COMPLETE = 0.99


@dataclass(frozen=True)
class Settings:
    rates: list[int]
    duration_s: int
    rounds: int
    connections: int  # of the closed loop


@dataclass
class Run:
    """`rate` None: closed loop. Times in microseconds; a percentage of CPU is of one core."""

    tool: str
    rate: int | None
    round: int
    problems: list[str] = field(default_factory=list)  # why it does not count
    command: str = ""
    requests: int = 0
    requests_per_s: float = 0.0
    gap_variation: float = 0.0  # standard deviation of the gaps / their mean
    late_p50_us: float = 0.0
    late_p99_us: float = 0.0
    late_max_us: float = 0.0
    cpu_per_request_us: float = 0.0
    cpu_percent: float = 0.0  # of the generator
    other_cpu_percent: float = 0.0  # of processes that are neither generator nor server
    stolen_cpu_percent: float = 0.0

    @property
    def counts(self) -> bool:
        return not self.problems


@dataclass(frozen=True)
class Cost:
    """CPU seconds while a generator ran: its own, of processes that are neither it nor the server,
    and of other machines.
    """

    own_s: float
    others_s: float
    stolen_s: float


class CannotRun(Exception):
    """The arrivals server does not start, or a tool fails."""


def compile_server() -> None:
    source = BENCH / "arrivals.cc"
    if ARRIVALS.exists() and ARRIVALS.stat().st_mtime > source.stat().st_mtime:
        return
    TOOLS.mkdir(parents=True, exist_ok=True)
    subprocess.run([*COMPILER, str(source), "-o", str(ARRIVALS)], check=True)


def measure(chosen: list[Tool], settings: Settings, tell: Callable[[Run], None]) -> Iterator[Run]:
    """Every tool once per round at each rate, in an order that changes each round and is the same
    each time; the closed loop is a rate of its own.
    """
    for rate in [*settings.rates, None]:
        fit = [tool for tool in chosen if tool.paced or rate is None]
        for number in range(settings.rounds):
            for tool in random.Random(f"{rate} {number}").sample(fit, len(fit)):
                run = one_run(tool, rate, number, settings)
                tell(run)
                yield run


def one_run(tool: Tool, rate: int | None, number: int, settings: Settings) -> Run:
    run = Run(tool.name, rate, number)
    with tempfile.TemporaryDirectory(prefix="forebay-bench-") as name:
        directory = Path(name)
        try:
            with noting_arrivals(directory) as (server, port):
                targets = directory / "targets"
                url = f"http://127.0.0.1:{port}/"
                targets.write_text(f"GET {url}\n")
                task = Task(url, targets, settings.duration_s, rate, settings.connections)
                command = tool.command(task)
                line = shlex.join(command).replace(name, "$DIR").replace(f"{REPOSITORY}/", "")
                run.command = line.replace(f":{port}/", ":$PORT/")
                cost = attack(command, server.pid)
            arrivals = array("q", (directory / "arrivals").read_bytes())
        except CannotRun as problem:
            run.problems.append(str(problem))
            return run
    judge(run, arrivals, cost, settings.duration_s)
    return run


@contextmanager
def noting_arrivals(directory: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The server and its port; afterwards `arrivals` in the directory is what it noted."""
    server = subprocess.Popen(
        [str(ARRIVALS), str(directory / "arrivals")], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout
    try:
        line = server.stdout.readline()
        if not line.strip().isdigit():
            raise CannotRun("the server that notes arrivals does not start")
        yield server, int(line)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()
        server.stdout.close()


def attack(command: list[str], server_pid: int) -> Cost:
    busy_s, stolen_s = procs.machine_busy_s(), procs.machine_stolen_s()
    server = procs.read_process(server_pid)
    own_s = children_cpu_s()
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST_S)
    except subprocess.TimeoutExpired:
        raise CannotRun(f"it did not end within {LONGEST_S} s") from None
    # 3: forebay says itself that it was late.
    if done.returncode not in (0, 3):
        raise CannotRun(f"it ended with {done.returncode}: {done.stderr.strip()[-200:]}")
    own_s = children_cpu_s() - own_s
    after = procs.read_process(server_pid)
    server_s = (after.own - server.own).total_s if server and after else 0.0
    others_s = max(0.0, procs.machine_busy_s() - busy_s - own_s - server_s)
    return Cost(own_s, others_s, procs.machine_stolen_s() - stolen_s)


def judge(run: Run, arrivals: array[int], cost: Cost, duration_s: int) -> None:
    """Figures of the arrivals, CLOCK_MONOTONIC in ns, in order."""
    run.requests = len(arrivals)
    if run.requests < 2:
        run.problems.append("no request arrived")
        return
    took_s = (arrivals[-1] - arrivals[0]) / 1e9
    run.requests_per_s = (run.requests - 1) / took_s
    run.cpu_per_request_us = 1e6 * cost.own_s / run.requests
    run.cpu_percent = 100 * cost.own_s / duration_s
    run.other_cpu_percent = 100 * cost.others_s / duration_s
    run.stolen_cpu_percent = 100 * cost.stolen_s / duration_s
    if run.rate is None:
        return
    if run.requests < COMPLETE * run.rate * duration_s:
        run.problems.append(f"sent {run.requests} of {run.rate * duration_s} requests")
    settled = [at for at in arrivals if at >= arrivals[0] + SETTLING_NS]
    gaps = [after - before for before, after in zip(settled, settled[1:], strict=False)]
    run.gap_variation = pstdev(gaps) / fmean(gaps)
    late = lateness_us(settled, run.rate)
    run.late_p50_us, run.late_p99_us = quantile(late, 0.5), quantile(late, 0.99)
    run.late_max_us = late[-1]


def lateness_us(arrivals: list[int], rate: int) -> list[float]:
    """Sorted: how much later than an exact schedule each request arrived. The schedule starts as
    late as it can with nobody early, so the least is 0.
    """
    behind = [at - number * 1e9 / rate for number, at in enumerate(arrivals)]
    first = min(behind)
    return sorted((each - first) / 1e3 for each in behind)


def quantile(values: list[float], share: float) -> float:
    """Of sorted values, the nearest rank."""
    return values[min(len(values) - 1, int(share * len(values)))]
