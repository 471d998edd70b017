"""Workers, and their zygote, that are killed: what has not begun goes on, what has is not run
twice unless that is safe."""

import os
import re
import signal
from collections import Counter

from access import AccessLog
from hammer import Hammer
from serving import APPS, Server, until

KILLS = 12


def kill_workers(server: Server, workers: int, hammer: Hammer, kills: int = KILLS) -> None:
    """One after the other, each time with all of them ready and requests running."""
    for _ in range(kills):
        server.wait_ready(workers)
        answered = len(hammer.answers)
        until(lambda before=answered: len(hammer.answers) > before + 5)
        victim = server.workers()[0]
        os.kill(victim, signal.SIGKILL)
        until(lambda gone=victim: gone not in server.workers())
    server.wait_ready(workers)


def test_no_get_fails_while_workers_are_killed(serve):
    server = serve("probe", "-w", "2")
    with Hammer(server, "GET", "/sleep/0.005") as hammer:
        kill_workers(server, 2, hammer)
    assert hammer.statuses().keys() == {200}
    assert server.metric('forebay_worker_restarts_total{reason="crash"}') == KILLS
    assert server.log.count("was killed by signal 9 (KILL); starting another") == KILLS
    assert "Out of memory" not in server.log
    assert len(server.workers()) == 2


def test_no_post_runs_twice_while_workers_are_killed(serve):
    server = serve("probe", "-w", "2", "--threads", "2")
    with Hammer(server, "POST", "/sleep/0.005", clients=8) as hammer:
        kill_workers(server, 4, hammer)
    assert hammer.statuses().keys() <= {200, 502}
    assert hammer.statuses()[502] > 0
    runs = Counter(call.split()[2] for call in server.calls())
    for name, answer in hammer.answers.items():
        assert runs[name] == 1 or (answer.status == 502 and runs[name] == 0), (name, runs[name])
    died = server.metric('forebay_requests_total{reason="worker_died"}')
    assert died == hammer.statuses()[502]


def test_post_whose_worker_died_gets_a_502_that_says_so(serve, tmp_path):
    access = AccessLog(tmp_path / "access.log")
    server = serve("probe", *access.options)
    pid = server.workers()[0]
    with server.client() as client:
        answer = client.post("/die", b"body")
        assert answer.status == 502
        assert answer["Proxy-Status"] == "forebay; error=connection_terminated"
        assert answer.all("Retry-After") == []
        server.wait_ready(1)
        assert client.get("/").status == 200  # the connection is as good as before
    assert len(server.calls()) == 2
    line = access.wait(reason="worker_died")[0]
    assert line["status"] == 502 and line["worker_pid"] == pid


def test_a_worker_is_replaced_however_often_it_is_killed(serve):
    server = serve("probe", "-w", "2")
    for _ in range(50):
        server.wait_ready(2)
        assert server.get().status == 200
        victim = server.workers()[0]
        os.kill(victim, signal.SIGKILL)
        until(lambda gone=victim: gone not in server.workers())
    server.wait_ready(2)


def test_every_signal_that_kills_is_named(serve):
    server = serve("probe")
    # Not SEGV: that one the address sanitizer takes for itself.
    for number, name in [(signal.SIGABRT, "6 (ABRT)"), (signal.SIGRTMIN + 5, "39 (real-time)")]:
        server.wait_ready()
        victim = server.workers()[0]
        os.kill(victim, number)
        server.wait_for_log(re.escape(f"was killed by signal {name}; starting another"))
        until(lambda gone=victim: gone not in server.workers())


def test_request_that_kills_its_worker_is_tried_twice_and_no_more(serve):
    server = serve("probe", "-w", "3")
    server.wait_ready(3)
    with Hammer(server, "GET", "/sleep/0.001", clients=2) as hammer:
        for count in range(1, 4):
            assert server.get(f"/die?{count}").status == 502
            server.wait_ready(3)
            assert sum(call.startswith("GET /die") for call in server.calls()) == 2 * count
    assert hammer.statuses().keys() == {200}


def test_what_waits_is_untouched_by_a_death(serve):
    """The first that wait are in the dead worker's ready ring."""
    server = serve("probe")
    with server.send_get("/block?running") as running:
        server.wait_calls(1)
        clients = [server.client() for _ in range(5)]
        for i, client in enumerate(clients):
            client.send(f"POST /?{i} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode())
            server.wait_queue(i + 1)
        os.kill(server.workers()[0], signal.SIGKILL)
        server.wait_calls(2)  # the running one again, or the first of the queue
        server.open_gate()
        assert [client.response().status for client in clients] == [200] * 5
        assert running.response().status == 200
        for client in clients:
            client.close()
    names = [call.split()[2] for call in server.calls()]
    assert Counter(names) == {"running": 2, "0": 1, "1": 1, "2": 1, "3": 1, "4": 1}
    assert [name for name in names if name != "running"] == ["0", "1", "2", "3", "4"]


def test_answer_that_breaks_off_has_no_clean_end(serve):
    server = serve("probe")
    with server.send_get("/stream/3") as client:
        assert client.head().status == 200
        assert client.chunk() == b"piece 0\n" and client.chunk() == b"piece 1\n"
        os.kill(server.workers()[0], signal.SIGKILL)
        assert client.at_end()  # and no last chunk before it
    server.wait_ready(1)
    assert len(server.calls()) == 1  # not run again: its head was out


def test_worker_that_dies_while_it_boots_is_replaced(serve):
    server = serve("slow_start", "-w", "1")
    os.kill(server.workers()[0], signal.SIGKILL)
    server.wait_calls(2)
    newborn = until(server.workers)[0]
    os.kill(newborn, signal.SIGKILL)
    server.open_gate()
    assert server.get("/").text == "hello"
    assert newborn not in server.workers()


def test_service_goes_on_when_the_zygote_dies(serve):
    server = serve("probe", "-w", "2")
    server.wait_ready(2)
    zygote = server.zygotes()[0]
    with server.send_get("/block?running") as running:
        server.wait_calls(1)
        os.kill(zygote, signal.SIGKILL)
        server.wait_for_log("The zygote was killed by signal 9")
        assert server.get("/?meanwhile").status == 200
        until(lambda: zygote not in server.zygotes() and len(server.workers()) == 2)
        server.open_gate()
        assert running.response().status == 200
    until(lambda: len(server.zygotes()) == 1)
    assert server.get("/?after").status == 200
    assert len(server.calls()) == 3


def test_no_request_fails_while_zygotes_are_killed(serve):
    server = serve("probe", "-w", "2")
    server.wait_ready(2)
    with (
        Hammer(server, "GET", "/sleep/0.002", clients=2) as gets,
        Hammer(server, "POST", "/sleep/0.002", clients=2) as posts,
    ):
        for count in range(1, 4):
            until(lambda: len(server.zygotes()) == 1 and len(server.workers()) == 2)
            os.kill(server.zygotes()[0], signal.SIGKILL)
            server.wait_for_log("New workers are ready", count)
            answered = len(posts.answers)
            until(lambda before=answered: len(posts.answers) > before + 20)
    assert gets.statuses().keys() == posts.statuses().keys() == {200}
    runs = Counter(call.split()[2] for call in server.calls() if call.startswith("POST"))
    assert set(runs.values()) == {1}


LEAVES = """
import sys
from slow_start import application as slow_start

def application(environ, start_response):
    if environ["PATH_INFO"] == "/leave":
        sys.exit(3)
    return slow_start(environ, start_response)
"""


def test_a_worker_that_leaves_while_another_boots_does_not_end_the_server(serve, tmp_path):
    """Its exit code is that of a worker that cannot load the application."""
    (tmp_path / "leaves.py").write_text(LEAVES)
    server = serve("leaves", "-w", "2", "--pythonpath", f"{tmp_path},{APPS}")
    server.troubles_expected = True  # SystemExit is logged with its traceback
    assert server.get("/leave").status == 500
    server.wait_for_log("exited with code 3; starting another")
    server.open_gate()
    server.wait_ready(2)
    assert server.get("/").status == 200
