"""Requests and answers one after the other on a connection: A19 to A30 of the checklist."""

import time

import pytest
from raw_client import Client, request
from serving import until

KIB = 1024
BODY_MAX = 100 * KIB  # of the subject


# A19: limits. An answer comes before the body is read, then the end.


def line_of(size: int) -> bytes:
    return b"GET /" + b"a" * (size - 14) + b" HTTP/1.1\r\nHost: a\r\n\r\n"


def field_of(size: int) -> bytes:
    return request("GET", "/", "X: " + "a" * (size - 3))


def fields_of(count: int) -> bytes:
    return request("GET", "/", *["X: y"] * (count - 1))


def body_of(size: int) -> bytes:
    return request("POST", "/", body=b"x" * size)


def chunk_of(size: int) -> bytes:
    chunk = b"%x\r\n%b\r\n0\r\n\r\n" % (size, b"x" * size)
    return request("POST", "/", "Transfer-Encoding: chunked") + chunk


@pytest.mark.parametrize(
    ("make", "limit", "status"),
    [
        (line_of, 4094, 414),
        (field_of, 8190, 431),
        (fields_of, 100, 431),
        (body_of, BODY_MAX, 413),
        (chunk_of, BODY_MAX, 413),
    ],
)
def test_a19_limits(subject, make, limit, status):
    with subject.client() as client:
        client.send(make(limit))
        assert client.response().status == 200
    subject.called()
    subject.refuses(make(limit + 1), status)


def test_a19_chunks_are_added_up(subject):
    chunk = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
    head = request("POST", "/", "Transfer-Encoding: chunked")
    subject.refuses(head + chunk * 7 + b"0\r\n\r\n", 413)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (line_of(4095)[:4095], 414),
        (field_of(8191)[:9000].rstrip(), 431),
        (request("POST", "/", "Content-Length: 102401"), 413),
        (request("POST", "/", "Transfer-Encoding: chunked") + b"19001\r\n", 413),
    ],
    ids=["request line", "field", "length", "chunk"],
)
def test_a19_what_is_too_much_is_refused_before_it_has_come(subject, sent, status):
    subject.refuses(sent, status)


# A20: Expect.

EXPECT = "Expect: 100-continue"


def test_a20_continue_then_the_answer(subject):
    with subject.client() as client:
        for field in (EXPECT, "expect: 100-CONTINUE"):
            client.send(request("POST", "/echo", field, "Content-Length: 5"))
            assert client.head().status == 100
            subject.called(0)
            client.send(b"hello")
            assert client.response().body == b"hello"
            subject.called()


@pytest.mark.parametrize("expect", ["200-ok", "100", "100-continue,x", "100-continue\r\nExpect: x"])
def test_a20_other_expectations_fail(subject, expect):
    subject.refuses(request("POST", "/", f"Expect: {expect}", "Content-Length: 5"), 417)


def test_a20_no_continue_where_none_is_due(subject):
    """For HTTP/1.0, without a body, and when the body is there already."""
    head = f"POST /echo HTTP/1.0\r\n{EXPECT}\r\nContent-Length: 5\r\n\r\n".encode()
    with subject.client() as client:
        client.send(head)
        assert client.silent(0.1)
        client.send(b"hello")
        assert client.response().status == 200
    with subject.client() as client:
        assert client.get("/", EXPECT).status == 200
        assert client.post("/", b"", EXPECT).status == 200
    subject.called(3)


def test_a20_an_upload_that_has_begun_is_answered_once(subject):
    with subject.client() as client:
        client.send(request("POST", "/sum", EXPECT, body=b"x" * 100_000))
        answer = client.head()
        if answer.status == 100:  # allowed, but once
            answer = client.head()
        assert answer.status == 200
    subject.called()


def test_a20_a_final_status_may_come_instead(subject):
    subject.refuses(request("POST", "/", EXPECT, "Content-Length: 102401"), 413)


def test_a20_no_continue_before_there_is_room_in_the_queue(serve):
    server = serve("probe", "--max-queue", "1")
    upload = request("POST", "/echo", EXPECT, "Content-Length: 5")
    with server.send_get("/block") as running, server.client() as waiting:
        server.wait_calls(1)
        waiting.send_get("/")
        server.wait_queue(1)
        with server.client() as client:
            client.send(upload)
            assert client.response().status == 503
        server.open_gate()
        assert running.response().status == waiting.response().status == 200
    with server.client() as client:
        client.send(upload)
        assert client.head().status == 100
    assert len(server.calls()) == 2


# A21: pipelines.


def test_a21_one_segment_is_answered_in_order(subject):
    bodies = [f"body {i}".encode() for i in range(50)]
    with subject.client() as client:
        client.send(b"".join(request("POST", "/echo", body=body) for body in bodies))
        assert [client.response().body for _ in bodies] == bodies
    subject.called(50)


def test_a21_what_comes_during_a_streamed_answer_is_answered_after_it(subject):
    with subject.client() as client:
        client.send(request("GET", "/stream/2") + request("POST", "/echo", body=b"first"))
        assert client.head().status == 200 and client.chunk() == b"piece 0\n"
        client.send(request("POST", "/echo", body=b"second"))
        subject.server.open_gate()
        assert client.chunk() == b"last\n" and client.chunk() == b""
        assert client.response().body == b"first" and client.response().body == b"second"
    subject.server.close_gate()
    subject.called(3)


def test_a21_a_pipeline_longer_than_any_buffer_is_answered_whole(subject):
    count = 1000
    with subject.client() as client:
        client.send(request("GET", "/", "X-Long: " + "v" * 300) * count)
        assert {client.response().status for _ in range(count)} == {200}
    subject.called(count)


def test_a21_what_came_before_a_bad_request_is_answered(subject):
    with subject.client() as client:
        client.send(request("POST", "/echo", body=b"good") + b"GET /\r\n\r\n" + request("GET", "/"))
        assert client.response().body == b"good"
        assert client.response().status == 400 and client.at_end()
    subject.called()


# A22: keep-alive.


@pytest.mark.parametrize(
    ("version", "connection", "stays"),
    [
        ("1.1", None, True),
        ("1.1", "keep-alive", True),
        ("1.1", "closed, x", True),
        ("1.1", "close", False),
        ("1.1", "x, CLOSE", False),
        ("1.1", ",close,", False),
        ("1.1", "keep-alive, close", False),
        ("1.1", "x\r\nConnection: close", False),
        ("1.0", None, False),
        ("1.0", "x", False),
        ("1.0", "keep-alive", True),
        ("1.0", "x,Keep-Alive", True),
        ("1.0", "keep-alive, close", False),
    ],
)
def test_a22_connection_is_a_list_of_tokens(subject, version, connection, stays):
    field = f"Connection: {connection}\r\n" if connection else ""
    with subject.client() as client:
        client.send(f"GET / HTTP/{version}\r\nHost: a\r\n{field}\r\n".encode())
        said = client.response().all("Connection")
        if not stays:
            assert said == ["close"] and client.at_end()
        else:
            assert said == (["keep-alive"] if version == "1.0" else [])
            assert client.get().status == 200
    subject.called(2 if stays else 1)


def test_a22_nothing_is_read_after_close(subject):
    with subject.client() as client:
        client.send(request("GET", "/", "Connection: close") + request("GET", "/"))
        assert client.response().status == 200 and client.at_end()
    subject.called()


# A23: an answer with unread bytes of the client under way.


def send_all_that_goes(client: Client, data: bytes) -> None:
    """The server may close before it has taken everything."""
    try:
        client.send(data)
    except (BrokenPipeError, ConnectionResetError):
        pass


@pytest.mark.parametrize("size", [1, 64 * KIB, 900 * KIB])
def test_a23_answer_is_not_lost_to_a_reset(subject, size):
    for _ in range(5):
        with subject.client() as client:
            client.send(request("POST", "/", f"Content-Length: {BODY_MAX + size}"))
            client.send(b"x" * size)
            time.sleep(0.02)  # a reset would be here by now, and take the answer away
            assert client.response().status == 413 and client.at_end()
    subject.called(0)


def test_a23_nobody_is_listened_to_for_ever(subject):
    with subject.client() as client:
        client.send(request("POST", "/", "Content-Length: 1000000000"))
        assert client.response().status == 413 and client.at_end()
        send_all_that_goes(client, b"x" * (16 * KIB * KIB))
        until(lambda: subject.server.status()["connections"]["open"] == 0)
    subject.called(0)


# A25, A26: how an answer is framed. The client of these tests refuses a length beside chunks.


@pytest.mark.parametrize("target", ["/", "/environ", "/large/100000", "/status/404"])
def test_a25_head_has_the_fields_of_get(subject, target):
    with subject.client() as client:
        get = client.get(target)
        client.send(request("HEAD", target))
        head = client.response("HEAD")
        assert (head.status, head.reason) == (get.status, get.reason)
        names = [[name for name, _ in answer.fields] for answer in (head, get)]
        assert names[0] == names[1]
        if target != "/environ":  # which tells the method
            assert head["Content-Length"] == get["Content-Length"]
        assert client.get("/").text == "hello"
    subject.called(3)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("status", [204, 304])
def test_a25_statuses_without_a_body(subject, status, method):
    with subject.client() as client:
        client.send(request(method, f"/status/{status}"))
        answer = client.response(method)
        assert answer.status == status and answer.all("Transfer-Encoding") == []
        assert status == 304 or answer.all("Content-Length") == []
        assert client.get("/").text == "hello"
    subject.called(2)


@pytest.mark.parametrize("connection", ["close", "keep-alive"])
def test_a26_http_1_0_gets_no_chunks(subject, connection):
    subject.server.open_gate()
    with subject.client() as client:
        client.send(f"GET /stream/3 HTTP/1.0\r\nConnection: {connection}\r\n\r\n".encode())
        answer = client.response()
        assert answer.all("Transfer-Encoding") == [] and answer["Connection"] == "close"
        assert answer.body == b"piece 0\npiece 1\nlast\n" and client.at_end()
    subject.server.close_gate()
    subject.called()


def test_a26_a_length_or_chunks(subject):
    subject.server.open_gate()
    with subject.client() as client:
        for target in ("/", "/stream/2", "/large/5", "/environ"):
            answer = client.get(target)
            framing = answer.all("Content-Length") + answer.all("Transfer-Encoding")
            assert len(framing) == 1, target
    subject.server.close_gate()
    subject.called(4)


def test_a28_no_interim_answer_but_a_continue_that_was_asked_for(subject):
    """None to HTTP/1.0, none after the final head. 103 cannot be sent: see A27 for its status."""
    with subject.client() as client:
        client.send(request("POST", "/echo", EXPECT, "Content-Length: 5"))
        assert client.head().status == 100
        client.send(b"hello")
        assert client.response().body == b"hello" and client.silent(0.1)
    with subject.client() as client:
        client.send(b"POST /echo HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx")
        assert client.head().status == 200 and client.rest() == b"x"
    subject.called(2)


# A30: what speaks something else.


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000"), 505),
        (bytes.fromhex("16030100c8010000c40303") + bytes(189), 400),  # a TLS ClientHello
        (b"SSH-2.0-OpenSSH_9.2\r\n", 400),
        (b"\0" * 100, 400),
    ],
    ids=["HTTP/2", "HTTP/2 with settings", "TLS", "SSH", "zeros"],
)
def test_a30_other_protocols(subject, sent, status):
    subject.refuses(sent, status)


@pytest.mark.parametrize(
    "fields",
    [
        ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"),
        ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"),
        ("Connection: Upgrade", "Upgrade: TLS/1.0"),
        ("Upgrade: h2c",),
    ],
    ids=lambda fields: fields[-1] if len(fields) == 1 else fields[1],
)
def test_a30_upgrade_is_ignored(subject, fields):
    with subject.client() as client:
        client.send(request("POST", "/echo", *fields, body=b"hello") + request("GET", "/"))
        assert client.response().body == b"hello" and client.response().text == "hello"
    subject.called(2)
