"""HTTP/1 between a socket and the application: connections, large bodies, slow clients. What each
rule of HTTP asks for is in ../conformance."""

import hashlib
import http.client
import time

import pytest
import requests
from access import AccessLog
from raw_client import request
from serving import memory_peak, until

MIB = 1024 * 1024
CHUNKED = "Transfer-Encoding: chunked"


@pytest.fixture
def server(serve):
    return serve("probe")


@pytest.fixture
def client(server):
    with server.client() as client:
        yield client


# Connections.


def test_a_connection_is_kept_alive(server, client):
    for _ in range(100):
        answer = client.get()
        assert answer.status == 200 and answer.all("Connection") == []
    assert server.status()["connections"]["accepted"] == 1


def test_an_idle_connection_is_closed_after_its_time(serve):
    with serve("probe", "--keep-alive", "300ms").client() as client:
        assert client.get().status == 200
        began = time.monotonic()
        assert client.at_end()
        assert 0.25 <= time.monotonic() - began < 2


def test_connections_beyond_the_limit_are_refused_with_a_503(serve):
    server = serve("probe", "--max-connections", "2")
    with server.send_get("/block") as one, server.send_get("/") as two:
        server.wait_queue(1)
        with server.client() as three:
            answer = three.response()
            assert answer.status == 503 and answer["Retry-After"] == "1" and three.at_end()
        server.open_gate()
        assert one.response().status == two.response().status == 200
    until(lambda: server.status()["connections"]["open"] == 0)
    assert server.get().status == 200
    assert server.status()["connections"]["refused"] == 1


def test_who_half_closes_has_left(server, client):
    """Nobody can tell it from a client that is gone."""
    client.send(request("GET", "/block") + request("GET", "/?never"))
    server.wait_calls(1)
    client.half_close()
    server.open_gate()
    assert client.at_end()
    assert server.metric('forebay_requests_total{reason="client_gone_running"}') == 1
    assert len(server.calls()) == 1


# Bodies in.


def test_chunks_of_a_request_are_put_together(client):
    chunks = [b"a", b"bc" * 100, b"d" * 70_000, b"\r\n0\r\n\r\n"]
    for pause in (False, True):
        client.send(request("POST", "/echo", CHUNKED))
        for chunk in chunks:
            piece = b"%X;extension=x\r\n" % len(chunk) + chunk + b"\r\n"
            client.send(*([piece[:2], piece[2:]] if pause else [piece]))
        client.send(b"0\r\nX-Trailer: t\r\n\r\n")
        assert client.response().body == b"".join(chunks)
    assert client.get().status == 200


@pytest.mark.parametrize("size", [0, 1, 16_384, 65_536, 65_537, MIB, MIB + 1, 3 * MIB])
def test_bodies_around_every_limit_of_the_channel_come_through(client, size):
    body = bytes(range(251)) * (size // 251 + 1)
    body = body[:size]
    assert client.post("/sum", body).text == f"{size} {hashlib.sha256(body).hexdigest()}"
    assert client.post("/echo", body).body == body


def test_a_chunked_upload_of_100_mib_leaves_the_front_small(server):
    piece, count = bytes(range(256)) * 4096, 100
    before = memory_peak(server.pid)
    with server.client(seconds=60) as client:
        client.send(request("POST", "/sum", CHUNKED))
        for _ in range(count):
            client.send(b"%x\r\n" % len(piece), piece, b"\r\n")
        client.send(b"0\r\n\r\n")
        expected = hashlib.sha256(piece * count).hexdigest()
        assert client.response().text == f"{count * len(piece)} {expected}"
    assert memory_peak(server.pid) - before < 16 * MIB


def test_a_body_that_nobody_reads_does_not_damage_the_next_request(client):
    assert client.post("/", b"x" * 200_000).text == "hello"
    assert client.get().text == "hello"


def test_slow_uploads_take_no_worker_and_no_place_in_the_queue(server):
    uploads = [server.client() for _ in range(100)]
    for upload in uploads:
        upload.send(request("POST", "/echo", "Content-Length: 4"), b"sl")
    until(lambda: server.status()["connections"]["open"] == 100)
    assert server.get().status == 200
    status = server.status()
    assert status["queue"]["requests"] == 0 and status["servers"]["busy"] == 0
    for upload in uploads:
        upload.send(b"ow")
        assert upload.response().body == b"slow"
        upload.close()


# Bodies out.


def test_pieces_of_an_answer_are_sent_as_they_come(server, client):
    client.send_get("/stream/4")
    head = client.head()
    assert head.all("Transfer-Encoding") == ["chunked"] and head.all("Content-Length") == []
    assert [client.chunk() for _ in range(3)] == [b"piece 0\n", b"piece 1\n", b"piece 2\n"]
    server.open_gate()
    assert client.chunk() == b"last\n" and client.chunk() == b""
    assert client.get().text == "hello"


def test_a_large_answer_to_a_slow_reader_does_not_hold_the_worker(serve, tmp_path):
    access = AccessLog(tmp_path / "access.log")
    server = serve("probe", *access.options)
    size = 64 * MIB
    before = memory_peak(server.pid)
    with server.send_get(f"/large/{size}") as slow:
        slow.head()
        until(lambda: server.status()["servers"]["busy"] == 0)  # done, and nothing read of it
        assert server.get().text == "hello"
        assert memory_peak(server.pid) - before < 16 * MIB
        digest = hashlib.sha256()
        for _ in range(64):
            digest.update(slow.exactly(MIB))
        assert slow.get().text == "hello"
    assert digest.hexdigest() == hashlib.sha256(bytes(range(256)) * (size // 256)).hexdigest()
    line = access.wait(path=f"/large/{size}")[0]
    assert line["bytes"] == size and line["write_time"] > 0


def test_many_large_answers_at_once_are_whole(serve):
    server = serve("probe", "-w", "2")
    clients = [server.send_get("/large/5000001") for _ in range(20)]
    expected = hashlib.sha256((bytes(range(256)) * 20_000)[:5_000_001]).hexdigest()
    for client in clients:
        assert hashlib.sha256(client.response().body).hexdigest() == expected
        client.close()


# What others bring along.


def test_requests_and_http_client_are_served(server):
    with requests.Session() as session:
        for _ in range(3):
            assert session.get(server.url, timeout=10).text == "hello"
        body = (f"{i}".encode() for i in range(100))  # sent in chunks
        assert session.post(f"{server.url}/echo", data=body, timeout=10).text.startswith("0123")
    connection = http.client.HTTPConnection(*server.address, timeout=10)
    connection.request("POST", "/echo", body=b"x" * 100_000, headers={"Expect": "100-continue"})
    assert connection.getresponse().read() == b"x" * 100_000
    connection.close()


def test_a_client_may_leave_at_any_byte(server):
    whole = request("POST", "/echo", CHUNKED) + b"5\r\nabcde\r\n0\r\n\r\n"
    for end in range(1, len(whole), 3):
        with server.client() as client:
            client.send(whole[:end])
            client.reset() if end % 2 else client.close()
    assert server.get().status == 200
    until(lambda: server.status()["connections"]["open"] == 0)
