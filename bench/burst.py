#!/usr/bin/python3
"""Send a burst of requests at an even pace, wait for every answer, say what happened.

    bench/burst.py 127.0.0.1:8000 --count 200 --over 1 --timeout 500
    bench/burst.py unix:/run/app.sock --json

The load is open: request n is due at n * over / count whatever happened to those before it, on a
connection of its own, and its latency counts from when it was due, not from when it was sent. With
--admin the sender also watches the server's queue meanwhile.

Exit status: 0 when every request was answered with 200, 1 when not, 130 when interrupted.
"""

import argparse
import asyncio
import json
import math
import signal
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

WATCH_PERIOD_S = 0.5
PLAIN_PROGRESS_PERIOD_S = 5.0
READY_POLL_PERIOD_S = 0.05
ADMIN_TIMEOUT_S = 2.0


@dataclass(frozen=True)
class Address:
    """Where to connect: a TCP host and port, or the path of a unix socket."""

    text: str
    host: str = ""
    port: int = 0
    path: str = ""

    @classmethod
    def parse(cls, text):
        if text.startswith("unix:"):
            return cls(text, path=text.removeprefix("unix:"))
        host, colon, port = text.rpartition(":")
        if not colon or not host or not port.isdigit():
            raise argparse.ArgumentTypeError(f"{text!r} is neither HOST:PORT nor unix:PATH")
        return cls(text, host=host.strip("[]"), port=int(port))

    async def connect(self):
        if self.path:
            return await asyncio.open_unix_connection(self.path)
        return await asyncio.open_connection(self.host, self.port)


@dataclass(frozen=True)
class Answer:
    """What became of one request. Status 0: no HTTP answer came, and `error` says why."""

    status: int
    latency_s: float
    error: str = ""


@dataclass
class Burst:
    """One burst and what is known about it so far."""

    target: Address
    count: int
    over_s: float
    timeout_s: float
    path: str = "/"
    started_at: float = 0.0
    ended_at: float = 0.0
    answers: list[Answer] = field(default_factory=list)
    sent: int = 0

    async def run(self):
        self.started_at = time.monotonic()
        async with asyncio.TaskGroup() as requests:
            for n in range(self.count):
                due = self.started_at + n * self.over_s / self.count
                await asyncio.sleep(due - time.monotonic())
                requests.create_task(self.send(due))
                self.sent += 1
        self.ended_at = time.monotonic()

    async def send(self, due):
        status, error = 0, ""
        try:
            async with asyncio.timeout_at(due + self.timeout_s):
                status, _ = await get(self.target, self.path)
        except TimeoutError:
            error = f"no answer within {self.timeout_s:g} s"
        except (OSError, ValueError) as failure:
            error = str(failure)
        self.answers.append(Answer(status, time.monotonic() - due, error))

    def elapsed_s(self):
        return (self.ended_at or time.monotonic()) - self.started_at if self.started_at else 0.0


@dataclass
class QueueWatch:
    """The server's queue as its admin listener tells it: now, and the highest seen.

    Reads `queue` of /status.json: `requests` and `oldest_age_seconds` (now), `requests_max` and
    `wait_max_seconds` (highest since the start; what is missing is made up from the readings).
    """

    admin: Address
    length: int = 0
    longest: int = 0
    longest_wait_s: float = 0.0
    readings: int = 0
    error: str = "never read"

    async def read(self):
        try:
            async with asyncio.timeout(ADMIN_TIMEOUT_S):
                status, body = await get(self.admin, "/status.json")
            if status != 200:
                raise ValueError(f"/status.json answered {status}")
            self.take(json.loads(body)["queue"])
        except TimeoutError:
            self.error = f"/status.json did not answer within {ADMIN_TIMEOUT_S:g} s"
        except (OSError, ValueError, KeyError) as failure:
            self.error = f"{type(failure).__name__}: {failure}"

    def take(self, queue):
        self.length = queue["requests"]
        self.longest = max(self.longest, self.length, queue.get("requests_max", 0))
        self.longest_wait_s = max(
            self.longest_wait_s,
            queue.get("oldest_age_seconds", 0),
            queue.get("wait_max_seconds", 0),
        )
        self.readings += 1

    async def wait_until_ready(self, patience_s):
        async with asyncio.timeout(patience_s):
            while True:
                with suppress(OSError, ValueError):
                    status, _ = await get(self.admin, "/readyz")
                    if status == 200:
                        return
                await asyncio.sleep(READY_POLL_PERIOD_S)


async def get(address, path):
    """GET `path` on a connection of its own: (status, body). ValueError: not HTTP, or cut short."""
    reader, writer = await address.connect()
    try:
        host = "localhost" if address.path else address.text
        request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        writer.write(request.encode())
        answer = await reader.read()
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
    return parse_answer(answer)


def parse_answer(answer):
    """(status, body) of a whole answer that ended with the connection."""
    if not answer:
        raise ValueError("the connection was closed without an answer")
    head, _, body = answer.partition(b"\r\n\r\n")
    status_line, *headers = head.decode("latin-1").split("\r\n")
    version, _, rest = status_line.partition(" ")
    if not version.startswith("HTTP/1.") or not rest[:3].isdigit():
        raise ValueError(f"not an HTTP answer: {status_line[:60]!r}")
    for header in headers:
        name, _, value = header.partition(":")
        if name.lower() == "content-length" and int(value) != len(body):
            raise ValueError(f"answer cut short: {len(body)} of {int(value)} bytes")
    return int(rest[:3]), body


def percentile(ordered, share):
    """The nearest-rank percentile: the smallest value that `share` of all values do not exceed."""
    return ordered[max(math.ceil(share * len(ordered)), 1) - 1]


def summarize(burst, watch, ideal_s):
    """Everything worth reporting, as plain data."""
    latencies = sorted(answer.latency_s for answer in burst.answers)
    return {
        "target": burst.target.text,
        "count": burst.count,
        "over_s": burst.over_s,
        "answered": sum(1 for answer in burst.answers if answer.status),
        "statuses": dict(sorted(Counter(a.status for a in burst.answers if a.status).items())),
        "errors": dict(Counter(answer.error for answer in burst.answers if answer.error)),
        "unfinished": burst.count - len(burst.answers),
        "latency_s": {
            "mean": sum(latencies) / len(latencies),
            "p50": percentile(latencies, 0.50),
            "p95": percentile(latencies, 0.95),
            "p99": percentile(latencies, 0.99),
            "max": latencies[-1],
        }
        if latencies
        else None,
        "total_s": burst.elapsed_s(),
        "ideal_s": ideal_s,
        "queue": queue_summary(watch),
    }


def queue_summary(watch):
    if watch is None:
        return None
    if watch.readings == 0:
        return {"error": watch.error}
    return {"longest": watch.longest, "longest_wait_s": watch.longest_wait_s}


def render(summary):
    """The summary for a person."""
    lines = [("answered", f"{summary['answered']} of {summary['count']}")]
    for status, count in summary["statuses"].items():
        lines.append((f"status {status}", str(count)))
    for error, count in summary["errors"].items():
        lines.append(("no answer", f"{count} ({error})"))
    if summary["unfinished"]:
        lines.append(("unfinished", f"{summary['unfinished']} (interrupted)"))
    if latency := summary["latency_s"]:
        names = {"mean": "mean", "p50": "50 %", "p95": "95 %", "p99": "99 %", "max": "max"}
        values = ", ".join(f"{name} {latency[key]:.2f}" for key, name in names.items())
        lines.append(("latency", f"{values} s"))
    lines.append(("total time", f"{summary['total_s']:.2f} s"))
    if summary["ideal_s"]:
        lines.append(("ideal time", f"{summary['ideal_s']:.2f} s"))
    if queue := summary["queue"]:
        lines.append(("longest queue", queue.get("error") or f"{queue['longest']} requests"))
        if "longest_wait_s" in queue:
            lines.append(("longest wait", f"{queue['longest_wait_s']:.2f} s"))
    return "\n".join(f"  {label:<14} {value}" for label, value in lines)


def progress_line(burst, watch):
    line = f"{burst.elapsed_s():6.1f} s   {burst.sent} sent, {len(burst.answers)} answered"
    if watch is not None and watch.readings:
        line += f", {watch.length} in the queue"
    return line


async def show_progress(burst, watch):
    """Reads the queue and redraws one line on a terminal; elsewhere a plain line now and then."""
    live = sys.stderr.isatty()
    printed_at = burst.started_at
    while True:
        if watch is not None:
            await watch.read()
        if live:
            print(f"\r\x1b[K{progress_line(burst, watch)}", end="", file=sys.stderr, flush=True)
        elif time.monotonic() - printed_at >= PLAIN_PROGRESS_PERIOD_S:
            printed_at = time.monotonic()
            print(progress_line(burst, watch), file=sys.stderr, flush=True)
        await asyncio.sleep(WATCH_PERIOD_S)


async def run_with_progress(burst, watch):
    progress = asyncio.create_task(show_progress(burst, watch))
    try:
        await burst.run()
        if watch is not None:
            await watch.read()
    finally:
        progress.cancel()
        with suppress(asyncio.CancelledError):
            await progress
        if sys.stderr.isatty():
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


async def run(options):
    """Runs the burst; returns its summary and the exit status."""
    task = asyncio.current_task()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)

    burst = Burst(options.target, options.count, options.over, options.timeout, options.path)
    watch = QueueWatch(options.admin) if options.admin else None
    interrupted = False
    try:
        if watch is not None:
            await watch.wait_until_ready(options.wait_ready)
        await run_with_progress(burst, watch)
    except asyncio.CancelledError:
        interrupted = True
    except TimeoutError:
        sys.exit(f"{options.admin.text} was not ready within {options.wait_ready:g} s")

    summary = summarize(burst, watch, ideal_s(options))
    if interrupted:
        return summary, 130
    return summary, 0 if summary["statuses"] == {200: options.count} else 1


def ideal_s(options):
    """The time that `workers` need for all requests when none of them ever rests."""
    if not options.service_seconds:
        return None
    return math.ceil(options.count / options.workers) * options.service_seconds


def parse_arguments(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("target", type=Address.parse, help="HOST:PORT or unix:PATH")
    parser.add_argument("--count", type=int, default=200, help="requests to send (default 200)")
    parser.add_argument("--over", type=float, default=1.0, help="seconds to send in (default 1)")
    parser.add_argument(
        "--timeout", type=float, default=500.0, help="seconds per answer (default 500)"
    )
    parser.add_argument("--path", default="/", help="what to ask for (default /)")
    parser.add_argument(
        "--admin", type=Address.parse, help="the server's admin listener, to watch the queue"
    )
    parser.add_argument(
        "--wait-ready", type=float, default=20.0, help="seconds until --admin is ready (default 20)"
    )
    parser.add_argument(
        "--service-seconds", type=float, help="work per request, for the ideal time"
    )
    parser.add_argument(
        "--workers", type=int, default=1, help="served at once, likewise (default 1)"
    )
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")
    options = parser.parse_args(arguments)
    if options.count < 1 or options.workers < 1:
        parser.error("--count and --workers are at least 1")
    return options


def main():
    options = parse_arguments()
    summary, exit_status = asyncio.run(run(options))
    print(json.dumps(summary, indent=2) if options.json else render(summary))
    return exit_status


if __name__ == "__main__":
    sys.exit(main())
