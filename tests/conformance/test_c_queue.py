"""Queue and life cycle: part C of the checklist. What clients that leave get is in
test_c_leaving.py, and more about each of these in ../integration."""

import os
import signal
import threading
import time

import pytest
from hammer import Hammer
from raw_client import request
from serving import Server, until


def refused(response) -> bool:
    return response.status == 503 and 1 <= int(response["Retry-After"]) <= 120


def test_c1_full_queue_refuses_and_the_connection_stays_usable(serve):
    server = serve("probe", "--max-queue", "1")
    with server.send_get("/block") as running, server.client() as waiting:
        server.wait_calls(1)
        waiting.send_get("/?waiting")
        server.wait_queue(1)
        with server.client() as client:
            for _ in range(3):
                assert refused(client.get("/?refused"))
                assert refused(client.post("/?refused", b"body"))
            server.open_gate()
            assert running.response().status == waiting.response().status == 200
            assert client.get("/").status == 200
    assert not any("refused" in call for call in server.calls())


def test_c2_maximum_wait_ends_on_time_if_no_server_ever_becomes_free(serve):
    server = serve("probe", "--max-wait", "500ms")
    with server.send_get("/block") as running, server.client() as waiting:
        server.wait_calls(1)
        began = time.monotonic()
        waiting.send_get("/?late")
        assert refused(waiting.response())
        assert 0.5 <= time.monotonic() - began < 3
        server.open_gate()
        assert running.response().status == 200
        assert waiting.get("/").status == 200
    assert not any("late" in call for call in server.calls())


def test_c5_worker_killed_in_a_request_costs_that_client_only(serve):
    """What waits in the dead worker's ring, not begun, is given to another, even if not safe."""
    server = serve("probe", "-w", "2")
    server.wait_ready(2)
    running = [server.client() for _ in range(2)]
    for i, client in enumerate(running):
        client.send(request("POST", "/block", body=b""))
        server.wait_calls(i + 1)
    waiting = [server.client() for _ in range(8)]
    for i, client in enumerate(waiting):
        client.send(request("POST", f"/?{i}", body=b""))
        server.wait_queue(i + 1)
    os.kill(int(server.calls()[0].split()[-1]), signal.SIGKILL)
    assert running[0].response().status == 502
    assert [client.response().status for client in waiting] == [200] * 8
    server.open_gate()
    assert running[1].response().status == 200
    assert len(server.calls()) == 10
    for client in running + waiting:
        client.close()


@pytest.mark.parametrize("target", ["/block", "/spin/60"], ids=["blocked", "holds the GIL"])
def test_c6_run_limit_is_answered_and_the_server_is_busy_until_it_is_gone(serve, target):
    server = serve("probe", "--timeout", "500ms")
    pid = server.workers()[0]
    with server.send_get(target) as running, server.client() as next_one:
        server.wait_calls(1)
        assert running.response().status == 504
        next_one.send_get("/pid")
        assert int(next_one.response().text) != pid
    until(lambda: pid not in server.workers())
    until(lambda: server.status()["servers"] == {"total": 1, "busy": 0})


class Pipeliner(threading.Thread):
    """Ten requests at once, again and again on one connection, until told to stop."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self.answers: list[int] = []
        self._server = server
        self._told_to_stop = threading.Event()

    def run(self) -> None:
        client = self._server.client()
        while not self._told_to_stop.is_set():
            client.send(request("GET", "/sleep/0.001") * 10)
            self.answers += [client.response().status for _ in range(10)]
        client.close()

    def stop(self) -> None:
        self._told_to_stop.set()
        self.join(30)
        assert not self.is_alive()


def test_c7_reload_under_load_is_noticed_by_nobody(serve):
    server = serve("probe", "-w", "2")
    pipeliner = Pipeliner(server)
    with server.client() as upload, Hammer(server, "POST", "/sleep/0.002") as hammer:
        upload.send(request("POST", "/echo", "Content-Length: 10"), b"hello")
        pipeliner.start()
        for _ in range(3):
            before = set(server.workers())
            server.signal(signal.SIGHUP)
            until(lambda old=before: server.workers() and old.isdisjoint(server.workers()), 30)
            answered = len(hammer.answers)
            until(lambda count=answered: len(hammer.answers) > count + 20)
        pipeliner.stop()
        upload.send(b"world")
        assert upload.response().body == b"helloworld"
    assert hammer.statuses().keys() == {200}
    assert set(pipeliner.answers) == {200} and len(pipeliner.answers) >= 10


def test_c7_stop_under_load_answers_what_it_has(serve):
    """Running, waiting, pipelined behind it, half uploaded: answers, and then a clean end."""
    server = serve("probe")
    with (
        server.client() as idle,
        server.client() as running,
        server.client() as waiting,
        server.client() as upload,
    ):
        assert idle.get("/").status == 200
        running.send_get("/block")
        server.wait_calls(2)
        waiting.send(request("GET", "/?1") + request("GET", "/?2"))
        server.wait_queue(1)
        upload.send(request("POST", "/echo", "Content-Length: 10"), b"hello")
        until(lambda: server.status()["connections"]["open"] == 4)
        server.signal(signal.SIGTERM)
        assert idle.at_end()
        upload.send(b"world")
        server.wait_queue(2)
        server.open_gate()
        answer = running.response()
        assert answer.status == 200 and answer["Connection"] == "close" and running.at_end()
        assert [waiting.response().status for _ in range(2)] == [200, 200] and waiting.at_end()
        assert upload.response().body == b"helloworld" and upload.at_end()
    assert server.wait_exit() == 0


def test_c8_health_path_answers_with_a_full_queue(serve):
    server = serve("probe", "--max-queue", "1", "--health-path", "/-/health")
    with server.send_get("/block") as running, server.client() as waiting:
        server.wait_calls(1)
        waiting.send_get("/")
        server.wait_queue(1)
        client = server.client()
        times = []
        for _ in range(50):
            began = time.monotonic()
            assert client.get("/-/health").status == 200
            times.append(time.monotonic() - began)
        assert sorted(times)[25] < 0.1  # 10 ms on a machine with nothing else to do
        assert refused(client.get("/-/healthy"))
        client.close()
        server.open_gate()
        assert running.response().status == waiting.response().status == 200
    assert len(server.calls()) == 2


def test_c9_counters_are_exact_across_kills(serve):
    server = serve("probe", "-w", "2")
    with Hammer(server, "POST", "/sleep/0.002", clients=6) as hammer:
        for _ in range(8):
            server.wait_ready(2)
            answered = len(hammer.answers)
            until(lambda count=answered: len(hammer.answers) > count + 5)
            victim = server.workers()[0]
            os.kill(victim, signal.SIGKILL)
            until(lambda gone=victim: gone not in server.workers())
    statuses = hammer.statuses()
    assert statuses.keys() <= {200, 502}
    assert server.metric('forebay_requests_total{reason="ok"}') == statuses[200]
    for status, count in statuses.items():
        assert server.metric(f'forebay_responses_total{{status="{status}"}}') == count
    if statuses[502]:
        assert server.metric('forebay_requests_total{reason="worker_died"}') == statuses[502]
    assert server.metric('forebay_worker_restarts_total{reason="crash"}') == 8
    until(lambda: server.status()["servers"]["busy"] == 0)
    queue = server.status()["queue"]
    assert queue["requests"] == queue["bytes"] == 0
