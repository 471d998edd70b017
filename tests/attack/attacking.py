"""Runs `forebay attack` and reads what it wrote."""

import json
import subprocess
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from serving import BINARY


@dataclass
class Attack:
    status: int
    hits: list[dict]  # by sequence
    error: str  # stderr

    def latencies_s(self):
        return sorted(hit["latency"] / 1e9 for hit in self.hits)

    def codes(self):
        return [hit["code"] for hit in self.hits]


def attack(targets: str, *options: str, timeout: float = 60, **more) -> Attack:
    """`targets` is what comes on stdin."""
    done = subprocess.run(
        [BINARY, "attack", "-encoding=json", *options],
        input=targets,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        **more,
    )
    hits = [json.loads(line) for line in done.stdout.splitlines()]
    return Attack(done.returncode, sorted(hits, key=lambda hit: hit["seq"]), done.stderr)


def start_attack(url: str, *options: str, **more) -> subprocess.Popen:
    """One that is still running: its results are on stdout, as lines of JSON."""
    process = subprocess.Popen(
        [BINARY, "attack", "-encoding=json", *options],
        **{"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | more,
        text=True,
    )
    process.stdin.write(f"GET {url}\n")
    process.stdin.close()
    return process


def wait_for_arrivals(server, count: int):
    deadline = time.monotonic() + 20
    while len(server.arrivals) < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def run_report(*arguments: str, **more) -> subprocess.CompletedProcess:
    return subprocess.run(
        [BINARY, "report", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **more,
    )


def intended_s(hit: dict) -> float:
    text = hit["timestamp"]
    whole, _, fraction = text.rstrip("Z").partition(".")
    return datetime.fromisoformat(whole + "+00:00").timestamp() + float(f"0.{fraction or 0}")


def quantile(values: list[float], q: float) -> float:
    """Of sorted values, as the report defines it: position n q + 1/2, linear (type 5)."""
    at = min(max(len(values) * q - 0.5, 0), len(values) - 1)
    low = int(at)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (at - low)


def write_targets(path: Path, urls: list[str]) -> str:
    path.write_text("".join(f"GET {url}\n" for url in urls))
    return str(path)
