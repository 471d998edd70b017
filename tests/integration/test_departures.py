"""Clients that leave, phase by phase, and those that only close their sending side."""

import hashlib
import random

import pytest
from access import AccessLog
from raw_client import Client, request
from serving import until

LEAVE = {"close": Client.close, "reset": Client.reset}
ALLOW = ("--half-close", "allow")


@pytest.fixture
def access(tmp_path):
    return AccessLog(tmp_path / "access.log")


def wait_gone(server):
    until(lambda: server.status()["connections"]["open"] == 0)


@pytest.mark.parametrize("mode", ["abort", "allow"])
@pytest.mark.parametrize("leave", LEAVE.values(), ids=LEAVE.keys())
@pytest.mark.parametrize(
    "sent",
    [b"", b"GET /", b"GET / HTTP/1.1\r\nHost: a\r\n", request("POST", "/", "Content-Length: 9")],
    ids=["nothing", "line", "head", "body"],
)
def test_who_leaves_before_the_request_is_complete_is_never_run(serve, mode, leave, sent):
    server = serve("probe", "--half-close", mode)
    client = server.client()
    client.send(sent)
    until(lambda: server.status()["connections"]["open"] == 1)
    leave(client)
    wait_gone(server)
    assert server.calls() == []


def test_who_half_closes_before_the_request_is_complete_gets_nothing_run(serve):
    server = serve("probe", *ALLOW)
    for sent in (
        b"GET / HTTP/1.1\r\nHost: a\r\n",
        request("POST", "/", "Content-Length: 9") + b"x",
    ):
        with server.client() as client:
            client.send(sent)
            client.half_close()
            assert client.at_end()
    assert server.calls() == []


@pytest.mark.parametrize("mode", ["abort", "allow"])
def test_who_asks_far_ahead_and_then_leaves_is_noticed(serve, access, mode):
    """More than the input holds is unread when the client goes."""
    server = serve("watcher", "--half-close", mode, *access.options)
    client = server.client()
    client.send(request("GET", "/watch"), *(request("GET", f"/?{i}") for i in range(100)))
    until((server.directory / "watching").exists)
    client.reset()
    until((server.directory / "left").exists)
    wait_gone(server)
    assert [line["reason"] for line in access.lines()] == ["client_gone_running"]


@pytest.mark.parametrize("leave", LEAVE.values(), ids=LEAVE.keys())
def test_an_endless_stream_is_closed_when_its_client_leaves(serve, access, leave):
    server = serve("watcher", *access.options)
    client = server.send_get("/endless")
    assert client.head().status == 200 and client.chunk() == b"piece\n"
    leave(client)
    until((server.directory / "closed").exists)
    assert access.wait(reason="client_gone_running")[0]["status"] == 499
    assert server.get("/ask").text == "[] False"  # by the only server: it is free again


# --half-close allow.


def test_who_may_half_close_gets_its_answers(serve):
    server = serve("probe", *ALLOW)
    with server.client() as client:
        client.send(request("GET", "/block"), request("GET", "/?second"))
        server.wait_calls(1)
        client.half_close()
        with server.send_get("/?waiting") as other:
            server.wait_queue(1)
            other.half_close()
            server.open_gate()
            assert client.response().status == client.response().status == 200
            assert other.response().status == 200
        assert client.at_end()
    wait_gone(server)
    assert server.metric('forebay_requests_total{reason="ok"}') == 3


@pytest.mark.parametrize("size", [700, 65_535, 65_536, 65_537, 3_000_000])
def test_upload_that_ends_with_a_half_close_is_complete(serve, size):
    """Also what is still unread when the end is seen, and what follows the body."""
    server = serve("probe", *ALLOW)
    body = random.Random(size).randbytes(size)
    with server.client() as client:
        client.send(request("POST", "/sum", body=body), request("POST", "/sum", body=body[:-1]))
        client.half_close()
        for expected in (body, body[:-1]):
            digest = hashlib.sha256(expected).hexdigest()
            assert client.response().text == f"{len(expected)} {digest}"
        assert client.at_end()
    wait_gone(server)


def test_who_half_closes_and_is_then_reset_while_running_has_left(serve):
    server = serve("watcher", *ALLOW)
    client = server.send_get("/watch")
    until((server.directory / "watching").exists)
    client.half_close()
    assert client.silent(0.3) and not (server.directory / "left").exists()
    client.reset()
    until((server.directory / "left").exists)


def test_who_half_closes_and_is_then_reset_during_its_answer_has_left(serve, access):
    server = serve("probe", *ALLOW, *access.options)
    client = server.send_get("/stream/3")
    assert client.head().status == 200
    client.half_close()
    assert client.chunk() == b"piece 0\n"
    client.reset()
    server.open_gate()
    assert access.wait(reason="client_gone_running")[0]["status"] == 499
    assert server.get().status == 200


def test_who_half_closes_while_waiting_and_is_then_reset_is_never_run(serve):
    server = serve("probe", *ALLOW)
    with server.send_get("/block") as running:
        server.wait_calls(1)
        client = server.send_get("/?gone")
        server.wait_queue(1)
        client.half_close()
        assert client.silent(0.2)
        client.reset()
        server.wait_queue(0)
        server.open_gate()
        assert running.response().status == 200
    assert len(server.calls()) == 1
