"""Every named crash point once: whoever dies there, the others keep what Forebay promises.

The names come from the sources: a new point is swept without a word here (base/crash_point.h).
"""

import os
import re
import signal
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest
from hammer import Hammer
from serving import Server, until

ROOT = Path(__file__).resolve().parent.parent.parent
WORKERS = 3
NAMED = re.compile(r'crash_point\("([a-z]+\.[a-z_]+)"\)')


def points() -> list[str]:
    sources = [*ROOT.glob("src/**/*.cc"), *ROOT.glob("python/**/*.py")]
    return sorted({name for source in sources for name in NAMED.findall(source.read_text())})


def of(*owners: str) -> list[str]:
    return [name for name in points() if name.split(".")[0] in owners]


class Traffic:
    """All that a request can be, so that each point is reached; small ones are held to account."""

    def __init__(self, server: Server) -> None:
        self.gets = Hammer(server, "GET", "/sleep/0.001", clients=3)
        self.posts = Hammer(server, "POST", "/sleep/0.001", clients=3)
        others = [("/large/3000000", b""), ("/file", b""), ("/sum", bytes(2 << 20))]
        self.others = [
            Hammer(server, "POST" if body else "GET", target, clients=1, body=body)
            for target, body in others
        ]
        self._stack = ExitStack()

    def __enter__(self) -> "Traffic":
        for hammer in (self.gets, self.posts, *self.others):
            self._stack.enter_context(hammer)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def goes_on(self) -> None:
        """Waits until each kind has been answered some more."""
        for hammer in (self.gets, self.posts, *self.others):
            before = hammer.statuses()[200]
            until(lambda h=hammer, n=before: h.statuses()[200] > n + 5, 30)


def serve_with(
    serve, tmp_path: Path, name: str, count: int, *options: object
) -> tuple[Server, Path]:
    token = tmp_path / "crashed"
    env = {"FOREBAY_CRASH": f"{name}:{count}:{token}"}
    server = serve("crash", "-w", WORKERS, "--preload", *options, env=env, wait=False)
    server.troubles_expected = True
    return server, token


def assert_kept(server: Server, traffic: Traffic) -> None:
    """No GET failed, no POST ran twice or was answered without having run, nothing is stuck."""
    assert traffic.gets.statuses().keys() == {200}
    assert traffic.posts.statuses().keys() <= {200, 502}
    runs = Counter(call.split()[2] for call in server.calls() if call.startswith("POST /sleep"))
    for name, answer in traffic.posts.answers.items():
        assert runs[name] == 1 or (answer.status == 502 and runs[name] == 0), (name, answer)
    server.wait_ready(WORKERS)
    server.wait_busy(0)
    server.wait_queue(0)
    assert len(server.zygotes()) == 1
    until(lambda: len(server.workers()) == WORKERS)  # one that leaves may still be there


@pytest.mark.parametrize("name", of("server"))
@pytest.mark.parametrize("count", [1, 30])
def test_a_server_dies_at(serve, tmp_path, name, count):
    server, token = serve_with(serve, tmp_path, name, count)
    server.wait_ready(WORKERS)
    with Traffic(server) as traffic:
        until(token.exists, 30)
        traffic.goes_on()
    assert_kept(server, traffic)


@pytest.mark.parametrize("name", of("worker"))
@pytest.mark.parametrize("count", [1])
def test_a_worker_dies_before_it_serves_at(serve, tmp_path, name, count):
    server, token = serve_with(serve, tmp_path, name, count)
    until(token.exists)
    server.wait_ready(WORKERS)
    with Traffic(server) as traffic:
        traffic.goes_on()
    assert_kept(server, traffic)


@pytest.mark.parametrize("name", of("zygote"))
def test_the_zygote_dies_at(serve, tmp_path, name):
    """In the replacement of a worker: what runs and what comes is served by the others."""
    server, token = serve_with(serve, tmp_path, name, 1 if name == "zygote.reaped" else WORKERS + 1)
    server.wait_ready(WORKERS)
    with Traffic(server) as traffic:
        traffic.goes_on()
        os.kill(server.workers()[0], signal.SIGKILL)
        until(token.exists)
        traffic.goes_on()
        server.wait_ready(WORKERS)
        traffic.goes_on()
    assert_kept(server, traffic)


@pytest.mark.parametrize("name", of("server", "worker", "zygote"))
def test_somebody_dies_while_workers_are_recycled_at(serve, tmp_path, name):
    server, token = serve_with(
        serve, tmp_path, name, 1 if name == "zygote.reaped" else WORKERS + 1, "--max-requests", 200
    )
    server.wait_ready(WORKERS)
    with Traffic(server) as traffic:
        until(lambda: traffic.gets.statuses()[200] > 600, 30)
        traffic.goes_on()
    until(lambda: len(server.zygotes()) == 1 and len(server.workers()) == WORKERS)
    assert_kept(server, traffic)
    assert server.metric('forebay_worker_restarts_total{reason="max_requests"}') > 0
    if name.startswith("zygote"):
        assert token.exists()


@pytest.mark.parametrize("name", of("front"))
def test_the_front_dies_at_and_nothing_is_left_of(serve, tmp_path, name):
    server, token = serve_with(serve, tmp_path, name, 1)
    server.exit_expected = -signal.SIGKILL
    if name not in ("front.zygote_spawned", "front.before_birth", "front.sleep_announced"):
        server.wait_ready(WORKERS)
        with Hammer(server, "GET", "/sleep/0.001"):
            until(token.exists)
    assert server.wait_exit() == -signal.SIGKILL
    assert token.exists()
    until(lambda: not server.processes())


def test_points_are_found():
    assert {"server.slot_claimed", "zygote.forked", "front.hinted", "worker.loaded"} <= {*points()}
