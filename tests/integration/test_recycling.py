"""Workers that are replaced while they are well, and TTIN, TTOU, USR1: nobody notices."""

import os
import re
import signal
import threading
from collections import Counter

import pytest
from hammer import Hammer
from raw_client import Client, request
from serving import Server, until

WORN = r"Worker \(pid: (\d+)\) has run (\d+) requests; starting another in its place"
RECYCLED = 'forebay_worker_restarts_total{reason="max_requests"}'


class Watcher:
    """Looks again and again how many servers there are, as long as it is a context."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.totals: Counter[int] = Counter()

    def __enter__(self) -> "Watcher":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(30)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stop.wait(0.001):
            self.totals[self._server.status()["servers"]["total"]] += 1


def runs_of_workers(server: Server) -> Counter[int]:
    return Counter(int(call.split()[-1]) for call in server.calls())


# --max-requests.


@pytest.mark.parametrize(
    "options", [("-w", "1"), ("-w", "3"), ("-w", "2", "--threads", "3", "--preload")], ids=" ".join
)
def test_recycling_fails_no_request_and_takes_no_server_away(serve, options):
    workers = int(options[1])
    servers = workers * (int(options[3]) if len(options) > 2 else 1)
    server = serve("probe", *options, "--max-requests", "100", "--max-requests-jitter", "20")
    server.wait_ready(servers)
    with (
        Hammer(server, "GET", "/sleep/0.002") as gets,
        Hammer(server, "POST", "/sleep/0.002") as posts,
        Watcher(server) as watcher,
    ):
        until(lambda: server.metric(RECYCLED) >= 3 * workers, 60)
    assert gets.statuses().keys() == posts.statuses().keys() == {200}
    assert len(watcher.totals) and min(watcher.totals) >= servers
    assert len(server.calls()) == len(gets.answers) + len(posts.answers)
    until(
        lambda: len(server.workers()) == workers and server.status()["servers"]["total"] == servers
    )
    assert server.metric('forebay_worker_restarts_total{reason="crash"}') == 0
    runs = runs_of_workers(server)
    gone = runs.keys() - set(server.workers())
    assert len(gone) >= 3 * workers and min(runs[pid] for pid in gone) >= 100
    limits = {int(pid): int(limit) for pid, limit in re.findall(WORN, server.log)}
    assert gone <= limits.keys() and all(100 <= limit <= 120 for limit in limits.values())


def test_worker_runs_its_number_of_requests_and_then_leaves(serve):
    """One after the other, each pause long enough for the replacement: it is exact then."""
    server = serve("probe", "--max-requests", "3")
    answered = []
    for count in range(1, 13):
        answered.append(int(server.get("/pid").text))
        if count % 3 == 0:
            until(lambda old=answered[-1]: len(ws := server.workers()) == 1 and old not in ws)
            server.wait_ready(1)
    assert list(Counter(answered).values()) == [3, 3, 3, 3]
    assert server.metric(RECYCLED) == 4
    assert server.log.count("Worker exiting") == 4
    assert "[ERROR]" not in server.log


def test_jitter_is_drawn_for_each_worker(serve):
    server = serve(
        "probe", "-w", "4", "--preload", "--max-requests", "1", "--max-requests-jitter", "50"
    )
    with Hammer(server, "GET", "/") as hammer:
        server.wait_for_log(WORN, 20, 60)
    assert hammer.statuses().keys() == {200}
    limits = [int(limit) for _, limit in re.findall(WORN, server.log)]
    assert min(limits) >= 1 and max(limits) <= 51
    assert len(set(limits)) > 3


def test_worn_worker_serves_until_the_other_is_ready_and_finishes_what_it_runs(serve):
    server = serve("waiting_start", "--max-requests", "1", wait=False)
    server.wait_calls(1)
    server.open_gate()
    server.wait_ready(1)
    server.close_gate()
    old = server.workers()
    assert server.get("/").status == 200
    server.wait_calls(2)  # the other loads, and waits at the gate
    for _ in range(5):
        assert server.get("/").status == 200
    assert server.status()["servers"]["total"] == 1
    assert set(server.workers()) > set(old)
    server.open_gate()
    until(lambda: not set(old) & set(server.workers()))


def test_leaving_worker_finishes_what_it_runs(serve):
    server = serve("probe", "--threads", "2", "--max-requests", "1")
    old = server.workers()
    with server.send_get("/block?running") as running:
        server.wait_calls(1)
        assert server.get("/").status == 200
        until(lambda: server.metric(RECYCLED) == 1)
        status = server.status()
        assert status["servers"] == {"total": 3, "busy": 1}
        assert status["workers"]["stopping"] == 1
        assert set(server.workers()) > set(old)
        server.open_gate()
        assert running.response().status == 200
    until(lambda: not set(old) & set(server.workers()))
    until(lambda: server.status()["servers"]["total"] == 2)


def test_leaving_worker_is_killed_after_the_graceful_timeout(serve):
    server = serve("probe", "--threads", "2", "--max-requests", "1", "--graceful-timeout", "500ms")
    old = server.workers()[0]
    with server.client() as running:
        running.send(request("POST", "/block", body=b""))
        server.wait_calls(1)
        assert server.get("/").status == 200
        assert running.response().status == 502
    server.wait_for_log(rf"Worker \(pid: {old}\) has not left within 0.5 s; killing it")
    until(lambda: old not in server.workers())
    assert server.metric('forebay_worker_restarts_total{reason="crash"}') == 0


def test_where_no_seat_is_left_the_worn_worker_goes_first(serve):
    server = serve("probe", "--threads", "1024", "--max-requests", "2")
    old = server.workers()
    for _ in range(4):
        assert server.get("/").status == 200
    until(lambda: not set(old) & set(server.workers()))
    server.wait_ready(1024)
    assert server.get("/").status == 200


def test_replacement_that_cannot_boot_leaves_the_worn_worker_at_work(serve, tmp_path):
    source = tmp_path / "fragile.py"
    source.write_text("from probe import application")
    server = serve("fragile", "--pythonpath", tmp_path, "--max-requests", "2")
    server.troubles_expected = True
    old = server.workers()[0]
    source.with_suffix(".new").write_text("import nothing_of_that_name")
    source.with_suffix(".new").rename(source)
    with Hammer(server, "GET", "/") as hammer:
        server.wait_for_log("exited with code 3; starting another", 3)
        source.with_suffix(".new").write_text("from probe import application\n\n")
        source.with_suffix(".new").rename(source)
        until(lambda: old not in server.workers(), 30)
    assert hammer.statuses().keys() == {200}


def test_recycling_goes_on_when_the_zygote_is_killed(serve):
    server = serve("probe", "-w", "2", "--max-requests", "40")
    server.wait_ready(2)
    with (
        Hammer(server, "GET", "/sleep/0.001") as gets,
        Hammer(server, "POST", "/sleep/0.001", clients=2) as posts,
    ):
        for _ in range(4):
            before = server.metric(RECYCLED)
            until(lambda n=before: server.metric(RECYCLED) > n + 2, 30)
            zygote = server.zygotes()[0]
            os.kill(zygote, signal.SIGKILL)
            until(lambda z=zygote: len(zs := server.zygotes()) == 1 and z not in zs, 30)
    assert gets.statuses().keys() == {200}
    assert posts.statuses().keys() == {200}
    runs = Counter(call.split()[2] for call in server.calls() if call.startswith("POST"))
    assert set(runs.values()) == {1}


# --max-worker-memory.


def test_worker_that_takes_too_much_memory_is_replaced(serve):
    server = serve("probe", "-w", "2", "--max-worker-memory", "150M")
    server.wait_ready(2)
    kept = set(server.workers())
    with Hammer(server, "GET", "/sleep/0.005") as hammer:
        assert server.get("/grow/200000000").status == 200
        eater = int(next(call for call in server.calls() if "/grow/" in call).split()[-1])
        until(lambda: eater not in server.workers())
        server.wait_for_log(
            rf"Worker \(pid: {eater}\) takes \d+ MiB, more than --max-worker-memory"
        )
    assert hammer.statuses().keys() == {200}
    assert server.metric('forebay_worker_restarts_total{reason="memory"}') == 1
    assert kept - {eater} <= set(server.workers()) and len(server.workers()) == 2


def test_worker_far_over_its_memory_does_not_wait_for_its_replacement(serve, tmp_path):
    source = tmp_path / "fragile.py"
    source.write_text("from probe import application")
    server = serve("fragile", "--pythonpath", tmp_path, "--max-worker-memory", "100M")
    server.troubles_expected = True
    pid = server.workers()[0]
    source.with_suffix(".new").write_text("import nothing_of_that_name")
    source.with_suffix(".new").rename(source)
    assert server.get("/grow/120000000").status == 200
    server.wait_for_log(rf"Worker \(pid: {pid}\) takes \d+ MiB, more than --max-worker-memory")
    server.wait_for_log("exited with code 3; starting another")
    assert server.get("/pid").text == str(pid)  # nobody can replace it
    assert server.get("/grow/120000000").status == 200
    server.wait_for_log(rf"Worker \(pid: {pid}\) takes \d+ MiB, 2 times --max-worker-memory")
    server.wait_for_log(rf"\(pid: {pid}\) was killed: it took far more than --max-worker-memory")
    assert server.metric('forebay_worker_restarts_total{reason="memory"}') == 1
    source.with_suffix(".new").write_text("from probe import application\n\n")
    source.with_suffix(".new").rename(source)
    assert server.get("/pid").text != str(pid)


# Signals.


def test_ttin_and_ttou_change_the_number_of_workers_for_good(serve):
    server = serve("probe", "-w", "2")
    server.wait_ready(2)
    with Hammer(server, "GET", "/sleep/0.002") as hammer:
        for wanted in (3, 4, 5):
            server.signal(signal.SIGTTIN)
            until(lambda n=wanted: server.status()["servers"]["total"] == n)
        server.signal(signal.SIGTTIN)
        server.wait_for_log("5 workers wanted, 5 at most", 2)
        server.signal(signal.SIGHUP)
        server.wait_for_log("New workers are ready")
        until(lambda: len(server.zygotes()) == 1 and len(server.workers()) == 5)
        for wanted in (4, 3, 2, 1):
            server.signal(signal.SIGTTOU)
            until(lambda n=wanted: server.status()["servers"]["total"] == n)
            until(lambda n=wanted: len(server.workers()) == n)
        server.signal(signal.SIGTTOU)
        server.wait_for_log("1 workers wanted, 5 at most", 2)
        server.signal(signal.SIGHUP)
        server.wait_for_log("New workers are ready", 2)
        until(lambda: len(server.zygotes()) == len(server.workers()) == 1)
    assert hammer.statuses().keys() == {200}
    assert server.metric('forebay_worker_restarts_total{reason="crash"}') == 0


def test_ttou_lets_the_worker_finish(serve):
    server = serve("probe", "-w", "2")
    server.wait_ready(2)
    clients = [server.send_get("/block") for _ in range(2)]
    server.wait_calls(2)
    server.signal(signal.SIGTTOU)
    until(lambda: server.status()["workers"]["stopping"] == 1)
    assert server.status()["servers"] == {"total": 2, "busy": 2}
    server.open_gate()
    for client in clients:
        assert client.response().status == 200
        client.close()
    until(lambda: len(server.workers()) == server.status()["servers"]["total"] == 1)


def test_a_burst_of_ttin_and_ttou_ends_where_it_should(serve):
    server = serve("probe", "-w", "2")
    server.wait_ready(2)
    with Hammer(server, "GET", "/sleep/0.002") as hammer:
        numbers = [signal.SIGTTIN, signal.SIGTTIN, signal.SIGTTOU, signal.SIGTTIN, signal.SIGTTOU]
        for count, number in enumerate(numbers, 1):
            server.signal(number)
            server.wait_for_log("workers wanted", count)
        until(lambda: len(server.workers()) == server.status()["servers"]["total"] == 3)
    assert hammer.statuses().keys() == {200}


def test_usr1_opens_the_logs_anew(serve, tmp_path):
    access, error = tmp_path / "access.log", tmp_path / "error.log"
    path = str(tmp_path / "socket")
    server = serve(
        *("probe", "--access-logfile", access, "--error-logfile", error),
        bind=(f"unix:{path}",),
    )
    with Client(path) as client:
        assert client.get("/before").status == 200
        until(lambda: "/before" in access.read_text())
        access.rename(tmp_path / "access.old")
        error.rename(tmp_path / "error.old")
        server.signal(signal.SIGUSR1)
        until(lambda: access.exists() and error.exists())
        assert client.get("/after").status == 200
        until(lambda: "/after" in access.read_text())
    server.signal(signal.SIGTTIN)
    until(lambda: "Handling signal: TTIN" in error.read_text())
    assert "/after" not in (tmp_path / "access.old").read_text()
    assert "Listening at" in (tmp_path / "error.old").read_text()


@pytest.mark.parametrize("name", ["USR2", "WINCH"])
def test_what_gunicorn_uses_for_a_second_master_does_no_harm(serve, name):
    server = serve("probe")
    worker = server.workers()
    server.signal(signal.Signals[f"SIG{name}"])
    server.wait_for_log(f"SIG{name} is not offered")
    assert server.get("/").status == 200 and server.workers() == worker
