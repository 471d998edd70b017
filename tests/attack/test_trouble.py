"""What can go wrong around an attack: bad targets in the middle, servers that answer anything at
all, no descriptors, full disks. Each has one clear behaviour."""

import json
import os
import resource
import socket
import subprocess
import threading

import pytest
from attacking import attack, run_report
from planned_server import PlannedServer
from serving import BINARY


@pytest.fixture(scope="module")
def server():
    with PlannedServer() as server:
        yield server


@pytest.mark.parametrize("threads", [1, 2])
def test_a_bad_line_in_the_middle_of_lazy_targets(server, tmp_path, threads):
    """What is before it is sent; then the line is named, with what was read of it."""
    path = tmp_path / "targets"
    good = [f"GET {server.url(f'/{i}')}" for i in range(10)]
    path.write_text("\n".join([*good, "", "fetch me something", *good]) + "\n")
    done = attack(
        "", f"-targets={path}", "-lazy", "-rate=200", "-duration=1h", f"-threads={threads}"
    )
    assert done.status == 1
    assert "bad method: fetch (line 12 of " in done.error
    assert [hit["url"] for hit in done.hits] == [line[4:] for line in good]
    assert set(done.codes()) == {200}


def test_a_bad_line_in_the_middle_of_a_hundred_thousand(server, tmp_path):
    path = tmp_path / "targets"
    lines = [f"GET {server.url(f'/{i}')}" for i in range(100_000)]
    lines[77_776] = "GET"
    path.write_text("\n".join(lines))
    done = attack("", f"-targets={path}", "-rate=10", "-duration=1s")
    assert (done.status, done.hits) == (1, [])
    assert "line 77777" in done.error


@pytest.mark.parametrize("body", ["/no/such/file", "/", "/dev/zero"])
def test_a_body_that_cannot_be_read(server, body):
    target = f"GET {server.url()}\n\nPOST {server.url()}\n@{body}\n"
    done = attack(target, "-rate=10", "-duration=1s", timeout=100)
    assert (done.status, done.hits) == (1, [])
    assert body in done.error


@pytest.mark.parametrize(
    ("sent", "awaited"),
    [
        (b"", "exceeded while awaiting headers"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", "while reading body"),
    ],
    ids=["nothing", "head"],
)
def test_a_timeout_says_what_was_awaited(sent, awaited):
    def answer(listener):
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(sent)
            connection.recv(1)  # until the client gives up

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer, args=(listener,))
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        done = attack(f"GET {url}", "-rate=1", "-duration=1s", "-timeout=1s")
        thread.join()
    assert [awaited in hit["error"] for hit in done.hits] == [True]


def one_answer(*answers: bytes):
    """A server that answers each connection's first request with these bytes, piece by piece, and
    closes. Returns its URL; it ends with the test."""
    listener = socket.create_server(("127.0.0.1", 0))

    def run():
        while True:
            try:
                connection = listener.accept()[0]
            except OSError:
                return
            with connection:
                request = b""
                while b"\r\n\r\n" not in request:
                    more = connection.recv(65536)
                    if not more:
                        break
                    request += more
                try:
                    for answer in answers:
                        connection.sendall(answer)
                except OSError:
                    pass

    thread = threading.Thread(target=run)
    thread.start()
    return listener, thread, f"http://127.0.0.1:{listener.getsockname()[1]}/"


ANSWERS = {
    "interim answers first": (
        [b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n"
         b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"], 200, "none", 2),
    "no body by its status": ([b"HTTP/1.1 204 No Content\r\n\r\n"], 204, "none", 0),
    "a body up to the end": ([b"HTTP/1.0 200 OK\r\n\r\nall of it"], 200, "none", 9),
    "chunks": ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"],
               200, "none", 3),
    "chunks that break off": (
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc"], 0, "closed", None),
    "a chunk of no size": (
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"], 0, "protocol", None),
    "two lengths": (
        [b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"],
        0, "protocol", None),
    "half a head": ([b"HTTP/1.1 200 OK\r\nContent-Le"], 0, "closed", None),
    "no HTTP": ([b"220 smtp.example ESMTP\r\n"], 0, "protocol", None),
    "a head without end": ([b"HTTP/1.1 200 OK\r\n", *[b"X: " + b"y" * 4096 + b"\r\n"] * 2000],
                           0, "protocol", None),
    "a status of its own": ([b"HTTP/1.1 599 \r\nContent-Length: 0\r\n\r\n"], 599, "status", 0),
}  # fmt: skip


@pytest.mark.parametrize("name", ANSWERS)
def test_a_server_may_answer_anything(name):
    answers, code, failure, size = ANSWERS[name]
    listener, thread, url = one_answer(*answers)
    try:
        done = attack(f"GET {url}", "-rate=1", "-duration=1s")
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
    (hit,) = done.hits
    assert hit.get("failure", "none") == failure, hit
    if size is None:
        assert hit["error"]
    else:
        assert (hit["code"], hit["bytes_in"]) == (code, size)


@pytest.mark.parametrize("limit", [12, 30, 64, 70])
def test_hardly_any_descriptors(server, limit):
    """Either it says what is missing, or every hit is made; it never hangs or dies."""

    def few():
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))

    done = attack(f"GET {server.url('/sleep/50')}", "-rate=50", "-duration=1s", preexec_fn=few)
    if done.hits:
        assert len(done.hits) == 50
        assert set(done.codes()) == {200}, {hit["error"] for hit in done.hits}
    else:
        assert done.status == 1
        assert "descriptors" in done.error


@pytest.mark.parametrize("command", ["report", "plot", "encode"])
def test_a_full_disk_is_an_error_of_every_command(server, tmp_path, command):
    results = tmp_path / "results"
    attack(f"GET {server.url()}", "-rate=10", "-duration=1s", f"-output={results}")
    done = subprocess.run(
        [BINARY, command, results, "-output=/dev/full"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [BINARY, command, results], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60
        )
    assert done.returncode == 1
    assert "No space left on device" in done.stderr


def test_results_that_break_off_in_the_middle(server, tmp_path):
    results = tmp_path / "results"
    attack(f"GET {server.url()}", "-rate=50", "-duration=1s", "-encoding=binary",
           f"-output={results}")  # fmt: skip
    whole = results.read_bytes()
    results.write_bytes(whole[: len(whole) // 2])
    done = run_report(str(results))
    assert done.returncode in (1, 3)
    assert done.stderr
    results.write_bytes(whole[:200] + b"\xff" * 50 + whole[250:])
    done = run_report(str(results))
    assert done.returncode == 1
    assert str(results) in done.stderr


def test_no_stdin_at_all():
    done = subprocess.run(
        ["sh", "-c", f"exec {BINARY} attack -rate=1 -duration=1s <&-"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "no targets" in done.stderr


def test_a_target_whose_url_is_longer_than_any_line(server):
    url = server.url("/echo?" + "x" * 100_000)
    done = attack(json.dumps({"method": "GET", "url": url}), "-format=json", "-rate=2",
                  "-duration=1s")  # fmt: skip
    assert len(done.hits) == 2
    assert all(hit["url"] == url for hit in done.hits)


def test_a_proxy_that_vegeta_would_take_is_named(server):
    env = os.environ | {"http_proxy": "http://127.0.0.1:9/", "HTTPS_PROXY": ""}
    done = attack(f"GET {server.url()}", "-rate=5", "-duration=1s", env=env)
    assert set(done.codes()) == {200}
    assert "http_proxy is set and not used" in done.error
    assert "HTTPS_PROXY" not in done.error


@pytest.mark.parametrize("command", ["report", "plot", "encode"])
def test_a_command_without_stdin_ends(command):
    done = subprocess.run(
        ["sh", "-c", f"exec {BINARY} {command} <&-"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert "stdin" in done.stderr
