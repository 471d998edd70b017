"""`forebay doctor URL`: a few requests at a server of known behaviour."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from serving import run_forebay

REQUESTS = 30  # of a whole probe


class SlowServer:
    """Answers each connection after `seconds`, `parallel` of them at a time."""

    def __init__(self, seconds: float, parallel: int, answer: bytes) -> None:
        self.asked: list[bytes] = []
        self._seconds = seconds
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._serve) for _ in range(parallel)]
        for thread in self._threads:
            thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                self.asked.append(connection.recv(4096))
                time.sleep(self._seconds)
                connection.sendall(self._answer)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()


@contextmanager
def slow_server(
    seconds: float = 0.0,
    parallel: int = 8,
    answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
) -> Iterator[SlowServer]:
    server = SlowServer(seconds, parallel, answer)
    try:
        yield server
    finally:
        server.close()


def answers_of(text: str) -> list[dict[str, object]]:
    return [answer for step in json.loads(text)["steps"] for answer in step["answers"]]


def test_requests_that_wait_for_each_other_are_seen() -> None:
    with slow_server(0.1, parallel=2) as server:
        done = run_forebay("doctor", f"http://localhost:{server.port}/a?b#c", "--exit-code")
    assert "About 2 at once; with more, requests wait" in done.stdout
    assert "16 x 200" in done.stdout
    assert (done.returncode, done.stderr) == (0, "")
    assert len(server.asked) == REQUESTS
    head = server.asked[0].decode()
    assert head.startswith("GET /a?b HTTP/1.1\r\n")
    assert f"\r\nHost: localhost:{server.port}\r\n" in head


def test_it_is_gentle_and_says_it_to_programs() -> None:
    with slow_server() as server:
        page = run_forebay("doctor", "--json", f"http://127.0.0.1:{server.port}").stdout
    assert json.loads(page)["healthy"] is True
    assert [step["at_once"] for step in json.loads(page)["steps"]] == [1, 2, 4, 8]
    assert [answer["status"] for answer in answers_of(page)] == [200] * REQUESTS


def test_errors_of_the_server_are_its_errors() -> None:
    with slow_server(answer=b"HTTP/1.0 502 Bad Gateway\r\n\r\n") as server:
        done = run_forebay("doctor", "--exit-code", f"http://127.0.0.1:{server.port}/")
    assert "explain 502" in done.stdout
    assert done.returncode == 2


def test_an_interim_answer_is_not_the_answer() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    with slow_server(answer=2 * early + b"HTTP/1.1 503 Full\r\n\r\n") as server:
        done = run_forebay("doctor", "--exit-code", f"http://127.0.0.1:{server.port}/")
    assert "16 x 503" in done.stdout
    assert done.returncode == 2


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"", "1 x it closed without an answer"),
        (b"SSH-2.0-x\r\n" * 100, "1 x its answer is no HTTP/1"),
        (b"HTTP/1.1 2", "1 x its answer is no HTTP/1"),
        (b"HTTP/1.1 103 Early Hints\r\n", "1 x its answer is no HTTP/1"),
    ],
)
def test_what_is_no_answer_ends_it(answer: bytes, says: str) -> None:
    with slow_server(answer=answer) as server:
        done = run_forebay("doctor", "--exit-code", f"http://127.0.0.1:{server.port}/")
    assert says in done.stdout
    assert done.returncode == 2
    assert len(server.asked) <= 2


def test_where_nobody_listens() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}/"
        done = run_forebay("doctor", "--exit-code", url)
    assert "Connection refused" in done.stdout
    assert done.returncode == 2


def test_an_answer_that_never_ends_is_not_waited_for(request: pytest.FixtureRequest) -> None:
    over = threading.Event()
    request.addfinalizer(over.set)
    listener = socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            while not over.wait(0.1):
                try:
                    connection.sendall(b".")
                except OSError:
                    return

    thread = threading.Thread(target=drip)
    thread.start()
    done = run_forebay("doctor", f"http://127.0.0.1:{listener.getsockname()[1]}/")
    thread.join()
    listener.close()
    assert "1 x not in time" in done.stdout


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://no-such-host.invalid/", "cannot find the address of no-such-host.invalid"),
        ("http://192.0.2.1/", "is not this machine"),
        ("http://[2001:db8::1]:80/", "is not this machine"),
        ("https://127.0.0.1/", "no TLS"),
        ("ftp://127.0.0.1/", "not of the form"),
        ("127.0.0.1:80", "not of the form"),
        ("http://127.0.0.1:0/", "no port"),
    ],
)
def test_addresses_that_cannot_be_asked(url: str, says: str) -> None:
    done = run_forebay("doctor", url)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr


def test_another_machine_is_asked_only_with_yes() -> None:
    # In a network of its own nothing leads there.
    done = run_forebay("doctor", "--yes", "http://192.0.2.1/", prefix=("unshare", "-rn"))
    assert "1 x Network is unreachable" in done.stdout
