"""The load: one wrk run, closed loop, one thread (the machine is shared with the server).

Latencies are wrk's: from the write of a request to the end of its response. wrk adds samples where
a response took more than twice as long as usual (its correction for coordinated omission), so
percentiles compare servers under the same load; they are not what a user at a fixed rate would see.
"""

from __future__ import annotations

import re
import resource
import subprocess
from dataclasses import dataclass
from pathlib import Path

WRK_SCRIPT = Path(__file__).parent / "wrk.lua"
# What wrk counts; status is an answer of 400 or above.
ERROR_KINDS = ("connect", "read", "write", "timeout", "status")
# How long wrk may take beyond its own duration, in seconds.
GRACE_S = 20
# A kept-alive run in which fewer than this share of the connections was served at a time is
# starved: somebody was fast because the others were never answered.
SERVED_SHARE_MIN = 0.25


class LoadFailed(Exception):
    """wrk did not run to its end, or said nothing that can be read."""


@dataclass(frozen=True)
class Load:
    """What to send: `post_bytes` 0 is GET; without `keep_alive` each request has a connection."""

    url: str
    connections: int
    keep_alive: bool
    post_bytes: int


@dataclass(frozen=True)
class Measured:
    """What wrk saw in one run."""

    requests: int
    duration_s: float
    received_bytes: int
    latency_p50_us: int
    latency_p90_us: int
    latency_p99_us: int
    latency_max_us: int
    latency_mean_us: float
    errors: dict[str, int]  # by ERROR_KINDS
    wrk_cpu_s: float

    @property
    def requests_per_s(self) -> float:
        return self.requests / self.duration_s

    @property
    def connections_served(self) -> float:
        """How many connections had a request under way at a time (Little's law)."""
        return self.requests_per_s * self.latency_mean_us / 1e6

    def problems(self, load: Load) -> list[str]:
        """Why this run must not be compared with others; empty for a good one."""
        if self.requests == 0:
            return ["no answer at all"]
        found = [f"{count} {kind} errors" for kind, count in self.errors.items() if count]
        if load.keep_alive and self.connections_served < SERVED_SHARE_MIN * load.connections:
            found.append(
                f"only about {self.connections_served:.0f} of {load.connections} connections served"
            )
        return found


def run_wrk(load: Load, duration_s: int) -> Measured:
    """Runs wrk for a whole number of seconds and returns what it measured."""
    command = ["wrk", "-t1", f"-c{load.connections}", f"-d{duration_s}s", "-s", str(WRK_SCRIPT)]
    if not load.keep_alive:
        command += ["-H", "Connection: close"]
    command += [load.url, "--", str(load.post_bytes)]
    cpu_before_s = children_cpu_s()
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=duration_s + GRACE_S)
    except subprocess.TimeoutExpired:
        raise LoadFailed(f"wrk did not end {GRACE_S} s after its time was up") from None
    line = re.search(r"^MEASURED (.*)$", done.stdout, re.MULTILINE)
    if done.returncode != 0 or line is None:
        said = (done.stderr or done.stdout).strip()
        raise LoadFailed(f"wrk ended with {done.returncode} and said: {said}")
    return _parse(line[1], children_cpu_s() - cpu_before_s)


def _parse(line: str, wrk_cpu_s: float) -> Measured:
    field = dict(pair.split("=") for pair in line.split())
    return Measured(
        requests=int(field["requests"]),
        duration_s=int(field["duration_us"]) / 1e6,
        received_bytes=int(field["bytes"]),
        latency_p50_us=int(field["p50_us"]),
        latency_p90_us=int(field["p90_us"]),
        latency_p99_us=int(field["p99_us"]),
        latency_max_us=int(field["max_us"]),
        latency_mean_us=float(field["mean_us"]),
        errors={kind: int(field[kind]) for kind in ERROR_KINDS},
        wrk_cpu_s=wrk_cpu_s,
    )


def children_cpu_s() -> float:
    """CPU of the ended children of this process: of load generators, while no server ends."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
