"""The queue as its clients see it: who waits, how long, and what the others are told."""

import json
import os
import signal
import time
from typing import Any

import pytest
from access import AccessLog
from raw_client import Client, Response, request
from serving import Server, until


def assert_refused(response: Response, reason: str) -> None:
    assert response.status == 503
    assert 1 <= int(response["Retry-After"]) <= 120
    wanted = f'forebay; error=connection_limit_reached; details="{reason}"'
    assert response["Proxy-Status"] == wanted
    assert response["Cache-Control"] == "no-store"


def stuck(server: Server, count: int = 1) -> list[Client]:
    """Clients whose requests hold so many servers until the gate opens."""
    clients = [server.send_get("/block") for _ in range(count)]
    server.wait_calls(count)
    return clients


def release(server: Server, clients: list[Client]) -> None:
    server.open_gate()
    for client in clients:
        assert client.response().status == 200
        client.close()


def test_requests_are_served_in_the_order_of_their_arrival(serve):
    server = serve("probe")
    clients = stuck(server)
    for i in range(30):
        clients.append(server.send_get(f"/?{i}"))
        server.wait_queue(i + 1)
    release(server, clients)
    assert [call.split()[2:3] for call in server.calls()[1:]] == [[str(i)] for i in range(30)]


def test_refusals_are_logged_first_at_once_then_counted(serve):
    server = serve("probe", "--max-queue", "1")
    clients = stuck(server)
    clients.append(server.send_get("/"))
    server.wait_queue(1)
    with server.client() as client:
        for _ in range(5):
            assert_refused(client.get("/"), "queue_full")
    server.wait_for_log(r"\[WARNING\] requests are refused \(queue_full\)")
    assert "refused in the last" not in server.log
    server.wait_for_log(r"\[WARNING\] refused in the last 10 s: queue_full=4$")
    assert server.log.count("requests are refused") == 1
    release(server, clients)


def test_who_leaves_amid_an_answer_teaches_no_patience(serve, tmp_path):
    access = AccessLog(tmp_path / "access.log")
    server = serve("probe", "--threads", "30", *access.options)
    server.wait_ready(30)
    for _ in range(30):
        with server.send_get("/stream/2") as client:
            assert client.head().status == 200 and client.chunk() == b"piece 0\n"
        time.sleep(0.02)  # departures are looked at twenty times a second
    server.open_gate()
    access.wait(count=30, reason="client_gone_running")
    assert server.status()["queue"]["max_wait_reason"] == "set"


def test_maximum_wait_ends_on_time_while_all_workers_are_stuck(serve, tmp_path):
    access = AccessLog(tmp_path / "access.log")
    server = serve("probe", "-w", "2", "--max-wait", "600ms", *access.options)
    server.wait_ready(2)
    clients = stuck(server, 2)
    waiting = [server.client() for _ in range(5)]
    began = time.monotonic()
    for client in waiting:
        client.send_get("/?waits")
    for client in waiting:
        assert_refused(client.response(), "queue_timeout")
    assert 0.6 <= time.monotonic() - began < 2
    for line in access.wait(count=5, reason="queue_timeout"):
        assert 0.6 <= line["queue_time"] < 2 and line["worker_pid"] is None
    release(server, clients)
    for client in waiting:  # the connections are as good as before
        assert client.get("/").status == 200
        client.close()
    assert not any("waits" in call for call in server.calls())
    assert server.metric('forebay_queue_rejected_total{reason="queue_timeout"}') == 5
    assert server.metric('forebay_queue_wait_seconds_count{outcome="shed"}') == 5


def test_maximum_wait_holds_without_any_worker(serve):
    """A request whose worker died waits again, and its first arrival still counts."""
    server = serve("slow_start", "--max-wait", "600ms")
    began = time.monotonic()
    with server.send_get("/die") as client:
        server.wait_calls(3)  # the replacement waits at the gate
        assert_refused(client.response(), "queue_timeout")
        assert 0.6 <= time.monotonic() - began < 3
    server.open_gate()


def test_overdue_request_of_a_dead_worker_does_not_wait_for_a_younger_one_s_time(serve):
    server = serve("slow_start", "--max-wait", "1s")
    with server.client() as old, server.client() as young:
        began = time.monotonic()
        old.send_get("/block?old")
        server.wait_calls(2)
        time.sleep(0.8)
        young.send_get("/?young")  # its time ends at 1.8
        server.wait_queue(1)
        time.sleep(max(0, began + 1.1 - time.monotonic()))  # the old one's has ended
        os.kill(server.workers()[0], signal.SIGKILL)
        assert_refused(old.response(), "queue_timeout")
        assert time.monotonic() - began < 1.7
        assert_refused(young.response(), "queue_timeout")
    server.open_gate()


def test_full_queue_refuses_at_once_and_the_connection_stays_usable(serve):
    server = serve("probe", "--max-queue", "2")
    clients = stuck(server)
    for i in range(2):
        clients.append(server.send_get(f"/?{i}"))
        server.wait_queue(i + 1)
    with server.client() as client:
        assert_refused(client.get("/?refused"), "queue_full")
        assert_refused(client.post("/?refused", b"body"), "queue_full")
        answer = client.get("/?refused", "Accept: application/json")
        assert answer["Content-Type"] == "application/json"
        assert json.loads(answer.body)["reason"] == "queue_full"
        head = client
        head.send(request("HEAD", "/?refused"))
        assert_refused(head.response("HEAD"), "queue_full")
        release(server, clients)
        assert client.get("/?served").status == 200
    assert not any("refused" in call for call in server.calls())
    assert server.metric('forebay_queue_rejected_total{reason="queue_full"}') == 4


def test_full_of_bytes_refuses(serve):
    server = serve("probe", "--max-queue-bytes", "100k", "--max-body", "60k")
    clients = stuck(server)
    clients.append(server.client())
    clients[-1].send(request("POST", "/echo", body=b"x" * 60_000))
    server.wait_queue(1)
    with server.client() as client:
        assert_refused(client.post("/echo", b"y" * 60_000), "no_room")
        assert client.at_end(), "its body is not read"
    with server.client() as client:
        assert client.post("/echo", b"z" * 61_441).status == 413
    release(server, clients)


def test_predicted_wait_is_refused_on_arrival(serve):
    server = serve("probe", "--max-wait", "300ms")
    for _ in range(4):  # samples: 200 ms each
        assert server.get("/sleep/0.2").status == 200
    clients = stuck(server)
    clients.append(server.send_get("/?first"))
    server.wait_queue(1)
    began = time.monotonic()
    with server.client() as client:
        assert_refused(client.get("/?refused"), "predicted_wait")
        assert time.monotonic() - began < 0.25
    assert server.status()["queue"]["predicted_wait_seconds"] > 0.3
    release(server, clients)
    assert not any("refused" in call for call in server.calls())


def test_nothing_is_predicted_without_samples_or_when_told_so(serve):
    fresh = serve("probe", "--max-wait", "20s")
    told = serve("probe", "--max-wait", "300ms", "--no-predict")
    for _ in range(4):
        assert told.get("/sleep/0.2").status == 200
    for server in (fresh, told):
        clients = [server.send_get("/sleep/0.01") for _ in range(10)]
        assert [client.response().status for client in clients] == [200] * 10
        for client in clients:
            client.close()


# The order of the queue.


def queued(server: Server, targets: list[str], *fields: str) -> list[Client]:
    """Clients whose requests wait, in this order. The first of all stands at the server's door."""
    before = server.status()["queue"]["requests"]
    clients = []
    for i, target in enumerate(targets):
        clients.append(server.client())
        clients[-1].send_get(target, *fields)
        server.wait_queue(before + i + 1)
    return clients


def served(server: Server) -> list[str]:
    """What the application was asked for after the first request, in its order."""
    return [call.split()[2] for call in server.calls()[1:]]


def test_lifo_serves_who_came_last(serve):
    server = serve("probe", "--queue-order", "lifo")
    assert server.status()["queue"]["order"] == "lifo"
    clients = stuck(server) + queued(server, [f"/?{i}" for i in range(10)])
    ages = [request["age_seconds"] for request in queue_page(server)]
    assert ages == sorted(ages, reverse=True)
    assert {request["predicted_start_seconds"] for request in queue_page(server)} == {None}
    release(server, clients)
    assert served(server) == list("0987654321")


def test_adaptive_lifo_turns_around_when_the_queue_stands(serve):
    server = serve("probe", "--queue-order", "adaptive-lifo", "--max-wait", "6s")
    clients = stuck(server) + queued(server, [f"/?{i}" for i in range(4)])
    release(server, clients)
    assert served(server) == list("0123")
    assert server.get("/sleep/0.3").status == 200  # work is long: nobody stands at the door
    server.close_gate()
    clients = [server.send_get("/block?again")]
    server.wait_calls(7)
    clients += queued(server, [f"/?{i}" for i in "5678"])
    until(lambda: server.metric("forebay_queue_oldest_age_seconds") > 2.1)  # a third is 2 s
    release(server, clients)
    assert served(server)[5:] == ["again", *"8765"]


def queue_page(server: Server) -> list[dict[str, Any]]:
    status, body = server.admin("/queue")
    assert status == 200
    return json.loads(body)["requests"]


def test_priority_by_path_and_header(serve, tmp_path):
    access = AccessLog(tmp_path / "access.log")
    rules = ["low:path=/status/200", "high:header=X-Kind=vip", "low:header=X-Batch"]
    options = [part for rule in rules for part in ("--priority", rule)]
    server = serve("probe", *options, *access.options)
    clients = stuck(server) + queued(server, ["/?door"])
    clients += queued(server, ["/?batch"], "X-Batch: yes")
    clients += queued(server, ["/st%61tus/200?low"], "X-Kind: vip")  # the first rule counts
    clients += queued(server, ["/?normal"], "X-Kind: other")
    clients += queued(server, ["/?vip"], "x-kind: vip", "X-Batch: yes")
    words = [request["priority"] for request in queue_page(server)]
    assert words == ["normal", "low", "low", "normal", "high"]
    for word, count in (("high", 1), ("normal", 1), ("low", 2)):
        assert server.metric(f'forebay_queue_requests_by_priority{{priority="{word}"}}') == count
    release(server, clients)
    assert served(server) == ["door", "vip", "normal", "batch", "low"]
    assert server.metric('forebay_requests_by_priority_total{priority="low"}') == 2
    assert [line["path"] for line in access.wait(count=1, priority="high")] == ["/"]
    assert len(access.wait(count=2, priority="low")) == 2


def test_low_priority_is_passed_for_half_of_the_maximum_wait_only(serve):
    """High requests keep the only server busy, and yet the low one is served."""
    server = serve("probe", "--priority", "low:path=/status", "--priority", "high:path=/sleep",
                   "--max-wait", "4s", "--no-predict")  # fmt: skip
    clients = [server.client() for _ in range(5)]
    for client in clients:
        client.send_get("/sleep/0.1?high")
    server.wait_queue(4)
    with server.send_get("/status/200?low") as low:
        began = time.monotonic()
        while not low_called(server):
            for client in clients:  # each again as soon as it is answered
                assert client.response().status == 200
                client.send_get("/sleep/0.1?high")
        assert low.response().status == 200
        assert 1.5 < time.monotonic() - began < 3.9
    for client in clients:
        assert client.response().status == 200
        client.close()


def low_called(server: Server) -> bool:
    return any("low" in call for call in server.calls())


def test_fair_share_serves_clients_in_turn(serve):
    server = serve("probe", "--fair-share", "--real-ip")
    many, single = ("X-Forwarded-For: 192.0.2.1", "X-Forwarded-For: 192.0.2.2")
    clients = stuck(server) + queued(server, [f"/?m{i}" for i in range(50)], many)
    clients += queued(server, ["/?s0", "/?s1"], single)
    assert server.metric("forebay_queue_clients") == 2
    release(server, clients)
    assert served(server)[:6] == ["m0", "s0", "m1", "s1", "m2", "m3"]
    assert served(server)[6:] == [f"m{i}" for i in range(4, 50)]


def test_fair_share_goes_by_who_the_proxy_says(serve):
    """One greedy client among many, all through one balancer that speaks the PROXY protocol."""
    server = serve("probe", "--fair-share", "--proxy-protocol")

    def send(client: str, target: str) -> Client:
        connection = server.client()
        header = f"PROXY TCP4 {client} 192.0.2.9 5000 80\r\n"
        connection.send(header.encode(), request("GET", target))
        return connection

    clients = [send("198.51.100.1", "/block")]
    server.wait_calls(1)
    others = [f"203.0.113.{i}" for i in range(5)]
    for i, host in enumerate(["198.51.100.1"] * 20 + others):
        clients.append(send(host, f"/?{host}"))
        server.wait_queue(i + 1)
    assert server.metric("forebay_queue_clients") == 6
    assert [each["client"] for each in queue_page(server)][-5:] == others
    release(server, clients)
    assert served(server) == ["198.51.100.1", *others, *["198.51.100.1"] * 19]


def test_who_has_many_waiting_is_refused_before_a_newcomer(serve):
    server = serve("probe", "--fair-share", "--real-ip", "--max-wait", "1s")
    for _ in range(4):
        assert server.get("/sleep/0.2").status == 200
    many, single = ("X-Forwarded-For: 192.0.2.1", "X-Forwarded-For: 192.0.2.2")
    clients = stuck(server) + queued(server, ["/?m"] * 4, many)
    with server.client() as client:
        assert_refused(client.get("/?m", many), "predicted_wait")
    clients += queued(server, ["/?s"], single)
    release(server, clients)


# Deadlines of callers.


def test_request_whose_deadline_passes_while_it_waits_is_not_run(serve, tmp_path):
    access = AccessLog(tmp_path / "access.log")
    server = serve("probe", "--deadline-header", "X-Time-Left", *access.options)
    clients = stuck(server)
    with server.client() as door, server.client() as behind, server.client() as patient:
        began = time.monotonic()
        door.send_get("/?door", "X-Time-Left: 600ms")
        server.wait_queue(1)
        patient.send_get("/?patient", "x-time-left: 60s")
        server.wait_queue(2)
        behind.send_get("/?behind", "X-Time-Left: 600")
        server.wait_queue(3)
        left = [request.get("deadline_seconds") for request in queue_page(server)]
        assert 0 < left[0] < 0.6 and 50 < left[1] < 60 and 0 < left[2] < 0.6
        assert_refused(door.response(), "deadline")
        assert_refused(behind.response(), "deadline")
        assert 0.6 <= time.monotonic() - began < 3
        release(server, [*clients, patient])
    assert served(server) == ["patient"]
    line = access.wait(count=2, reason="deadline")[0]
    assert line["deadline"] == 0.6 and line["worker_pid"] is None and line["status"] == 503
    assert server.metric('forebay_queue_rejected_total{reason="deadline"}') == 2


def test_deadline_that_cannot_be_met_is_refused_at_once(serve):
    server = serve("probe", "--deadline-header", "X-Time-Left")
    for _ in range(4):
        assert server.get("/sleep/0.2").status == 200
    clients = stuck(server) + queued(server, ["/?first"])
    with server.client() as client:
        # It would wait for 0.4 s and work for 0.2 s.
        began = time.monotonic()
        assert_refused(client.get("/?refused", "X-Time-Left: 500"), "deadline")
        assert time.monotonic() - began < 0.4
        upload = request("POST", "/echo", "X-Time-Left: 500", "Expect: 100-continue", body=b"x")
        client.send(upload[:-1])
        assert_refused(client.response(), "deadline")
    clients += queued(server, ["/?in_time"], "X-Time-Left: 20s")
    release(server, clients)
    assert served(server)[4:] == ["first", "in_time"]


@pytest.mark.parametrize(
    ("name", "value"), [("X-Time-Left", "0.3s"), ("X-Time-Left", "300"), ("grpc-timeout", "300m")]
)
def test_deadline_is_understood_as_its_caller_writes_it(serve, name, value):
    server = serve("probe", "--deadline-header", name)
    clients = stuck(server)
    with server.client() as client:
        client.send_get("/?late", f"{name}: {value}")
        server.wait_queue(1)
        assert 0 < queue_page(server)[0]["deadline_seconds"] <= 0.3
        assert_refused(client.response(), "deadline")
    release(server, clients)
    assert served(server) == []
    assert server.metric("forebay_deadlines_ignored_total") == 0


@pytest.mark.parametrize("value", ["soon", "-1", "1m", "1e9", "1 s"])
def test_deadline_that_is_no_time_is_ignored(serve, value):
    server = serve("probe", "--deadline-header", "X-Time-Left")
    with server.client() as client:
        assert client.get("/", f"X-Time-Left: {value}").status == 200
        assert client.get("/", "X-Time-Left: 9000").status == 200
    assert server.metric("forebay_deadlines_ignored_total") == 1


# Health.


def test_health_is_answered_with_all_workers_stuck_and_the_queue_full(serve):
    server = serve("probe", "-w", "2", "--max-queue", "1", "--health-path", "/-/health")
    server.wait_ready(2)
    clients = stuck(server, 2)
    clients.append(server.send_get("/"))
    server.wait_queue(1)
    with server.client() as client:
        for _ in range(20):
            began = time.monotonic()
            answer = client.get("/-/health?from=balancer")
            assert (answer.status, answer.text) == (200, "ok\n")
            assert time.monotonic() - began < 0.25
        assert client.get("/-/healthy").status == 503  # the application's, and the queue is full
    for page in ("/livez", "/readyz", "/metrics", "/queue"):
        assert server.admin(page)[0] == 200
    release(server, clients)
    assert len(server.calls()) == 3


# The time limit of a request.


@pytest.mark.parametrize("target", ["/block", "/spin/60"], ids=["blocked", "stuck in C"])
def test_request_that_runs_too_long_gets_a_504_in_time(serve, tmp_path, target):
    access = AccessLog(tmp_path / "access.log")
    server = serve("probe", "--timeout", "500ms", *access.options)
    pid = server.workers()[0]
    began = time.monotonic()
    with server.send_get(target) as running, server.client() as waiting:
        server.wait_calls(1)
        waiting.send_get("/pid")
        answer = running.response()
        assert 0.5 <= time.monotonic() - began < 2
        assert answer.status == 504
        assert answer["Proxy-Status"] == "forebay; error=http_response_timeout"
        assert answer.all("Retry-After") == []
        assert int(waiting.response().text) != pid  # it waited for the replacement
        assert running.get("/").status == 200  # the connection is as good as before
    assert access.wait(reason="worker_timeout")[0]["worker_pid"] == pid
    assert f"WORKER TIMEOUT (pid:{pid}): GET {target}" in server.log
    assert server.metric('forebay_worker_restarts_total{reason="timeout"}') == 1
    assert len(server.calls()) == 3  # not run again


def test_answer_that_takes_too_long_breaks_off(serve):
    server = serve("probe", "--timeout", "500ms")
    with server.send_get("/stream/2") as client:
        assert client.head().status == 200 and client.chunk() == b"piece 0\n"
        assert client.at_end()  # without a last chunk
    until(lambda: server.get("/").status == 200)


def test_neighbour_in_another_thread_is_not_run_twice_when_its_worker_is_killed(serve):
    server = serve("probe", "--threads", "2", "--timeout", "2", "--graceful-timeout", "0")
    server.wait_ready(2)
    with server.client() as slow, server.client() as neighbour:
        slow.send(request("POST", "/block?slow", body=b""))
        server.wait_calls(1)
        until(lambda: server.status()["servers"]["busy"] == 1)
        time.sleep(1)  # its own time shall not be over as well
        neighbour.send(request("POST", "/block?neighbour", body=b""))
        assert slow.response().status == 504
        assert neighbour.response().status == 502
    assert len(server.calls()) == 2


def test_no_time_limit_when_it_is_zero(serve):
    server = serve("probe", "--timeout", "0")
    assert server.get("/sleep/0.6").status == 200
