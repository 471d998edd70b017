"""Load that goes on, with and without deaths: nothing fails that must not, and nothing grows.

Ten seconds each; `./dev soak SECONDS` makes them longer.
"""

import os
import re
import signal
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from hammer import Hammer
from serving import Server, sanitizer_options, until

SECONDS = float(os.environ.get("FOREBAY_SOAK_SECONDS", "10"))
KILLS_PER_SECOND = 5
# AddressSanitizer would keep 256 MiB of what is freed.
FREED_AT_ONCE = sanitizer_options("quarantine_size_mb=1:thread_local_quarantine_size_kb=16")
GROWTH_MAX = 8 << 20
"""Bytes: less than any leak of a few bytes a request adds up to in minutes."""


def resident(pid: int) -> int:
    """Bytes."""
    pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def descriptors(pid: int) -> Counter[str]:
    """What the process has open, by kind."""
    kinds: Counter[str] = Counter()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            kinds[re.sub(r"\d+", "N", os.readlink(entry))] += 1
        except FileNotFoundError:
            continue
    return kinds


class Watcher:
    """What must be the same after the load as before it."""

    def __init__(self, server: Server, workers: int) -> None:
        self._server = server
        self._workers = workers
        self._open = self._count_open()
        self._resident = 0

    def warm(self) -> None:
        """By now every cache has its size."""
        self._resident = resident(self._server.pid)

    def assert_same(self) -> None:
        server = self._server
        server.wait_ready(self._workers)
        server.wait_busy(0)
        server.wait_queue(0)
        until(lambda: server.status()["connections"]["open"] == 0)
        until(lambda: self._count_open() == self._open)
        assert resident(server.pid) - self._resident < GROWTH_MAX
        assert len(server.zygotes()) == 1
        assert len(server.workers()) == self._workers

    def _count_open(self) -> Counter[str]:
        self._server.status()  # its own connection is gone when the answer has come
        front = descriptors(self._server.pid)
        return front + descriptors(self._server.zygotes()[0])


def mixed(server: Server) -> list[Hammer]:
    upload = bytes(3 << 20)
    return [
        Hammer(server, "GET", "/", clients=4),
        Hammer(server, "GET", "/sleep/0.002", clients=4),
        Hammer(server, "POST", "/sleep/0.002", clients=4),
        Hammer(server, "GET", "/large/4000000", clients=2),
        Hammer(server, "GET", "/file", clients=2),
        Hammer(server, "POST", "/sum", clients=2, body=upload),
        Hammer(server, "GET", "/raise", clients=1),
    ]


def test_five_deaths_a_second_cost_no_get_and_double_no_post(serve):
    workers = 4
    server = serve("crash", "-w", workers, "--preload", env=FREED_AT_ONCE)
    server.troubles_expected = True
    server.wait_ready(workers)
    watcher = Watcher(server, workers)
    gets = Hammer(server, "GET", "/sleep/0.002", clients=6)
    posts = Hammer(server, "POST", "/sleep/0.002", clients=6)
    kills = int(SECONDS * KILLS_PER_SECOND)
    with gets, posts:
        began = time.monotonic()
        for kill in range(kills):
            if kill == kills // 5:
                watcher.warm()
            until(lambda: server.workers())
            os.kill(server.workers()[0], signal.SIGKILL)
            time.sleep(max(0, began + (kill + 1) / KILLS_PER_SECOND - time.monotonic()))
    assert gets.statuses().keys() == {200}
    assert posts.statuses().keys() <= {200, 502}
    runs = Counter(call.split()[2] for call in server.calls() if call.startswith("POST"))
    for name, answer in posts.answers.items():
        assert runs[name] == 1 or (answer.status == 502 and runs[name] == 0), (name, answer)
    watcher.assert_same()


def test_mixed_load_leaves_nothing_behind(serve):
    server = serve("crash", "-w", 3, "--threads", 2, env=FREED_AT_ONCE)
    server.troubles_expected = True
    server.wait_ready(6)
    watcher = Watcher(server, 3)
    with ExitStack() as stack:
        hammers = [stack.enter_context(hammer) for hammer in mixed(server)]
        time.sleep(SECONDS / 5)
        watcher.warm()
        time.sleep(SECONDS * 4 / 5)
    for hammer in hammers[:-1]:
        assert hammer.statuses().keys() == {200}
    assert hammers[-1].statuses().keys() == {500}
    server.wait_ready(6)
    watcher.assert_same()
