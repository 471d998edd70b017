"""A33 of the checklist: slow clients take no server and no place in the queue, and their time runs
out."""

import time

import pytest
from hammer import Hammer
from raw_client import request
from serving import until

EACH = 200
SECONDS = 8  # of patience with each: time enough to connect them all
LARGE = 1_000_000  # more than a socket's buffer


@pytest.fixture
def server(serve, tmp_path):
    limits = ("--head-timeout", "--body-timeout", "--write-timeout", "--keep-alive")
    options = [part for limit in limits for part in (limit, f"{SECONDS}s")]
    bind = ("127.0.0.1:0", f"unix:{tmp_path}/socket")
    server = serve("probe", "-w", "2", *options, bind=bind)
    server.wait_ready(2)
    return server


def test_a33_slow_clients_of_all_kinds_change_nothing_for_the_others(server):
    heads = [server.client(seconds=60) for _ in range(EACH)]
    bodies = [server.client(seconds=60) for _ in range(EACH)]
    silent = [server.client(seconds=60) for _ in range(EACH)]
    readers = [server.client(index=1, seconds=60) for _ in range(EACH)]
    began = time.monotonic()
    for head, body, reader in zip(heads, bodies, readers, strict=True):
        head.send(b"GET / HTTP/1.1\r\nHost: a\r\nX: ")
        body.send(request("POST", "/echo", "Content-Length: 1000"), b"x")
        reader.send_get(f"/large/{LARGE}")
    until(lambda: server.status()["connections"]["open"] == 4 * EACH)
    # Their answers are done and wait for them; no server does.
    server.wait_calls(EACH)
    server.wait_busy(0)
    assert server.metric("forebay_queue_requests") == 0

    with Hammer(server, "GET", "/?good", clients=4) as hammer:
        while time.monotonic() < began + SECONDS / 2:
            for head in heads:  # a head's time runs in total, whatever drips
                head.send(b"y")
            status = server.status()
            assert status["queue"]["requests"] <= 4 and status["servers"]["busy"] <= 2
            assert status["connections"]["open"] >= 4 * EACH
            time.sleep(0.2)
        until(lambda: server.status()["connections"]["open"] <= 4, 30)
        assert time.monotonic() - began >= SECONDS
        for client in heads + bodies:
            assert client.response().status == 408 and client.at_end(), "slow to send"
        for client in silent:
            assert client.at_end(), "silent"
        for client in readers:
            assert len(client.rest()) < LARGE, "slow to read"
    assert hammer.statuses().keys() == {200}
    assert len(hammer.answers) > 100 and max(hammer.seconds) < 5
    assert len(server.calls()) == EACH + len(hammer.answers)
    assert server.metric('forebay_requests_total{reason="slow_request"}') == 2 * EACH
    for client in heads + bodies + silent + readers:
        client.close()
    until(lambda: server.status()["connections"]["open"] == 0)
