"""Limits of clients: each at its border, what is answered beyond it, and that others go on."""

import contextlib
import os
import signal
import time
from pathlib import Path

import pytest
from raw_client import request
from serving import until

BODY = "Content-Length: 1000000"


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def drip(client, piece, seconds, pause=0.05):
    """Sends piece after piece, until the time is over or the server has answered."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and client.silent(pause):
        client.send(piece)


# The rate of bodies.


def test_body_that_comes_too_slowly_is_refused(serve):
    server = serve("probe", "--body-timeout", "1s", "--min-body-rate", "1000")
    with server.client() as client:
        client.send(request("POST", "/sum", BODY))
        drip(client, b"x", 20)
        assert client.response().status == 408 and client.at_end()
    assert server.metric('forebay_requests_total{reason="slow_request"}') == 1
    assert server.calls() == []


def test_body_that_keeps_up_the_rate_may_take_its_time(serve):
    server = serve("probe", "--body-timeout", "1s", "--min-body-rate", "1000")
    with server.client() as client:
        client.send(request("POST", "/sum", "Content-Length: 60000"))
        for _ in range(30):  # 3 windows at least
            client.send(b"x" * 2000)
            time.sleep(0.1)
        assert client.response().text.startswith("60000 ")


def test_without_a_rate_any_byte_will_do(serve):
    server = serve("probe", "--body-timeout", "1s", "--min-body-rate", "0")
    with server.client() as client:
        client.send(request("POST", "/sum", "Content-Length: 30"))
        for _ in range(30):
            client.send(b"x")
            time.sleep(0.1)
        assert client.response().text.startswith("30 ")
    with server.client() as client:
        client.send(request("POST", "/sum", "Content-Length: 30"))
        assert client.response().status == 408


# The rate of answers.


def read_slowly(client, seconds, pause=0.05, piece=100):
    """Reads a little now and then; false when the server has closed."""
    end = time.monotonic() + seconds
    with contextlib.suppress(ConnectionError):
        while time.monotonic() < end:
            if not client.socket.recv(piece):
                return False
            time.sleep(pause)
        return True
    return False


def test_answer_that_is_taken_too_slowly_is_given_up(serve, tmp_path):
    bind = (f"unix:{tmp_path}/socket",)
    options = ("--write-timeout", "1s", "--min-write-rate", "100000")
    server = serve("probe", *options, bind=bind)
    with server.send_get("/large/3000000") as client:
        until(lambda: read_slowly(client, 0.2) is False or no_connections(server), 20)
        assert len(client.rest()) < 3_000_000
    assert server.get().status == 200


def no_connections(server):
    return server.status()["connections"]["open"] == 0


def test_answer_that_is_taken_at_the_rate_arrives(serve, tmp_path):
    bind = (f"unix:{tmp_path}/socket",)
    options = ("--write-timeout", "1s", "--min-write-rate", "1000")
    server = serve("probe", *options, bind=bind)
    with server.send_get("/large/3000000") as client:
        assert read_slowly(client, 3.5, piece=5000)  # for 3 windows at least
        assert len(client.exactly(2_000_000)) == 2_000_000


# Connections.


def test_requests_of_a_connection_are_counted(serve):
    server = serve("probe", "--max-requests-per-connection", "3")
    with server.client() as client:
        assert [client.get().all("Connection") for _ in range(3)] == [[], [], ["close"]]
        assert client.at_end()
    with server.client() as client:
        client.send(*(request("GET", f"/?{i}") for i in range(5)))
        assert [client.response().all("Connection") for _ in range(3)] == [[], [], ["close"]]
        assert client.at_end()
    assert len(server.calls()) == 6


@pytest.mark.parametrize("first", [request("GET", "/"), b"G"], ids=["whole", "a byte"])
def test_request_that_comes_just_when_the_idle_time_is_over_is_served(serve, first):
    """The front finds both at once. There are more connections than it reads from in a turn: of
    some it has the bytes first, of the others it sees first that their time is over."""
    server = serve("probe", "--keep-alive", "3s")
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(server.client()) for _ in range(400)]
        for client in clients:
            client.send(request("GET", "/"))
        for client in clients:
            assert client.response().status == 200
        server.signal(signal.SIGSTOP)
        until(lambda: Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2][1] == "T")
        for client in clients:
            client.send(first)
        time.sleep(3.5)  # of which it knows when it goes on
        server.signal(signal.SIGCONT)
        for client in clients:
            client.send(request("GET", "/")[len(first) :])
            assert client.response().status == 200


def test_idle_connections_make_room_for_new_ones(serve):
    server = serve("probe", "--max-connections", "3", "--threads", "2")
    with server.client() as oldest, server.client() as busy, server.client() as young:
        assert oldest.get().status == young.get().status == 200
        busy.send_get("/block")
        server.wait_calls(3)
        time.sleep(1.1)
        assert young.get().status == 200  # no longer the one that was idle for longest
        with server.client() as new:
            server.open_gate()
            assert new.get().status == 200
            assert oldest.at_end()
            assert busy.response().status == young.get().status == 200
    assert server.status()["connections"]["refused"] == 0
    assert server.metric("forebay_connections_evicted_total") == 1


def test_connections_are_accepted_again_when_descriptors_are_free(serve):
    """Each body under way takes a second descriptor, so they run out before --max-connections."""
    server = serve("probe", prefix=("sh", "-c", 'ulimit -n 64; exec "$@"', "sh"))
    clients = []
    for _ in range(30):
        client = server.client()
        client.send(request("POST", "/sum", BODY), b"x" * 100_000)
        clients.append(client)
    server.wait_for_log("cannot accept connections for now|no room for their bodies")
    before = cpu_seconds(server.pid)
    time.sleep(1)
    assert cpu_seconds(server.pid) - before < 0.5, "it spins"
    for client in clients:
        client.close()
    until(lambda: server.status()["connections"]["open"] == 0)
    for _ in range(20):
        assert server.get().status == 200


# Bytes.


def test_bodies_under_way_are_bounded(serve):
    limits = ("--max-queue-bytes", "3M", "--max-body", "3M")
    server = serve("probe", *limits)
    with server.client() as first, server.client() as second, server.client() as third:
        first.send(request("POST", "/sum", "Content-Length: 3000000"), b"x" * 2_000_000)
        second.send(request("POST", "/sum", "Transfer-Encoding: chunked"))
        until(lambda: spooled(server.pid) >= 1_900_000)
        second.send(b"180000\r\n" + b"x" * 0x180000)  # 1.5 MiB, and so more than there is room for
        answer = second.response()
        assert answer.status == 503 and int(answer["Retry-After"]) > 0 and second.at_end()
        # What says how long it is, is refused before it comes.
        third.send(request("POST", "/sum", "Content-Length: 2000000"))
        assert third.response().status == 503 and third.at_end()
        with server.client() as expecting:
            expecting.send(request("POST", "/", "Content-Length: 2000000", "Expect: 100-continue"))
            assert expecting.response().status == 503
        assert server.get().status == 200  # without a body there is room
        first.send(b"x" * 1_000_000)
        assert first.response().text.startswith("3000000 ")
    with server.client() as client:
        assert client.post("/sum", b"x" * 3_000_000).text.startswith("3000000 ")
    assert server.metric('forebay_queue_rejected_total{reason="no_room"}') == 3
    assert len(server.calls()) == 3


@pytest.mark.parametrize(
    "limit", [("--max-spool", "1M"), ("--max-spool-bytes", "1M")], ids=["one", "all"]
)
def test_what_slow_readers_leave_is_bounded(serve, tmp_path, limit):
    bind = (f"unix:{tmp_path}/socket",)
    server = serve("probe", *limit, "--threads", "2", bind=bind)
    with server.send_get("/large/20000000") as one, server.send_get("/large/20000000") as two:
        server.wait_calls(2)
        time.sleep(0.5)
        assert server.status()["servers"]["busy"] == 2, "it waits for its reader"
        assert spooled(server.pid) < 3_000_000
        assert len(one.response().body) == len(two.response().body) == 20_000_000
    until(lambda: spooled(server.pid) == 0)


def spooled(pid):
    """Bytes in files without a name."""
    total = 0
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            if os.readlink(entry).endswith("(deleted)") and "memfd" not in os.readlink(entry):
                total += entry.stat().st_size
    return total
