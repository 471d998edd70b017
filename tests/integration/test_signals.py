"""TERM, INT, HUP and deaths of the front: what the clients notice, and what is left behind."""

import os
import signal
import time
from pathlib import Path

import pytest
from hammer import Hammer
from raw_client import Client, request
from serving import until

SOURCE = """
import os, time
from probe import application as probe

def application(environ, start_response):
    if environ["PATH_INFO"] == "/version":
        time.sleep(0.002)
        start_response("200 OK", [("Content-Length", "1")])
        return [b"%d"]
    return probe(environ, start_response)
"""


class Versions:
    """A module `version` that can be written anew."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.options = ("--pythonpath", str(directory))
        self.write(SOURCE % 1)

    def write(self, source: str) -> None:
        """As a new file, with a time of its own: Python compares times to use its cache."""
        path = self._directory / "version.py"
        before = path.stat().st_mtime if path.exists() else time.time()
        path.with_suffix(".new").write_text(source)
        os.utime(path.with_suffix(".new"), (before + 2, before + 2))
        path.with_suffix(".new").rename(path)


@pytest.fixture
def versions(tmp_path):
    return Versions(tmp_path)


# HUP.


@pytest.mark.parametrize("options", [(), ("--preload",), ("--threads", "3")], ids=" ".join)
def test_hup_brings_new_code_and_fails_no_request(serve, versions, options):
    server = serve("version", "-w", "2", *versions.options, *options)
    server.wait_ready(2)
    with (
        Hammer(server, "GET", "/version") as gets,
        Hammer(server, "POST", "/version", clients=2) as posts,
    ):
        until(lambda: gets.texts() == {"1"} == posts.texts())
        for version in (2, 3, 4):
            versions.write(SOURCE % version)
            server.signal(signal.SIGHUP)
            until(lambda v=str(version): v in gets.texts() & posts.texts(), 30)
        until(lambda: len(server.zygotes()) == 1)
    assert gets.statuses().keys() == posts.statuses().keys() == {200}
    assert server.get("/version").text == "4"
    assert server.metric('forebay_worker_restarts_total{reason="reload"}') == 3


def test_many_hups_in_a_row_fail_no_request_and_leave_one_generation(serve, versions):
    server = serve("version", "-w", "2", *versions.options)
    server.wait_ready(2)
    with Hammer(server, "GET", "/version") as hammer:
        versions.write(SOURCE % 2)
        for count in range(1, 6):
            server.signal(signal.SIGHUP)
            server.wait_for_log("Handling signal: HUP", count)
        until(lambda: "2" in hammer.texts(), 30)
        until(lambda: len(server.zygotes()) == 1 and len(server.workers()) == 2, 30)
    assert hammer.statuses().keys() == {200}


def test_hup_lets_what_runs_finish_and_the_queue_go_to_new_workers(serve, versions):
    server = serve("version", *versions.options)
    old = server.workers()[0]
    with server.send_get("/block") as running:
        server.wait_calls(1)
        waiting = [server.send_get("/pid") for _ in range(5)]
        server.wait_queue(5)
        server.signal(signal.SIGHUP)
        server.wait_for_log("New workers are ready")
        for client in waiting:  # the first stood at the old worker's door already
            assert int(client.response().text) != old
            client.close()
        server.open_gate()
        assert running.response().status == 200
    until(lambda: old not in server.workers())


def test_hup_keeps_the_first_in_line_when_the_old_worker_never_finishes(serve, versions):
    """Nobody is lost with a worker that is killed at last but what it ran."""
    server = serve("version", *versions.options, "--graceful-timeout", "500ms")
    old = server.workers()[0]
    with server.client() as running, server.client() as first:
        running.send(request("POST", "/block", body=b""))
        server.wait_calls(1)
        first.send(request("POST", "/pid", body=b""))
        server.wait_queue(1)
        server.signal(signal.SIGHUP)
        assert running.response().status == 502
        answer = first.response()
        assert answer.status == 200 and int(answer.text) != old
    until(lambda: len(server.zygotes()) == 1)


@pytest.mark.parametrize("options", [(), ("--preload",)], ids=" ".join)
@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("import nothing_of_that_name", "ModuleNotFoundError"),
        ("this is no Python", "SyntaxError"),
        ("", "has no attribute 'application'"),
    ],
)
def test_hup_with_a_broken_application_changes_nothing(serve, versions, options, source, error):
    server = serve("version", "-w", "2", *versions.options, *options)
    server.wait_ready(2)
    server.troubles_expected = True
    workers = set(server.workers())
    with Hammer(server, "GET", "/version") as hammer:
        until(lambda: hammer.texts() == {"1"})
        versions.write(source)
        server.signal(signal.SIGHUP)
        server.wait_for_log(error)
        server.wait_for_log("Reload failed, the old workers go on")
        until(lambda: set(server.workers()) == workers)
        versions.write(SOURCE % 2)
        server.signal(signal.SIGHUP)
        until(lambda: "2" in hammer.texts(), 30)
    assert hammer.statuses().keys() == {200}


# TERM.


def test_term_answers_what_runs_and_what_waits(serve):
    server = serve("probe", "-w", "2")
    server.wait_ready(2)
    address = server.address
    clients = [server.send_get(f"/block?{i}") for i in range(2)]
    server.wait_calls(2)
    clients += [server.send_get(f"/?{i}") for i in range(2, 12)]
    server.wait_queue(10)
    idle = server.client()
    until(lambda: server.status()["connections"]["open"] == 13)
    server.signal(signal.SIGTERM)
    server.wait_for_log("Handling signal: TERM")
    assert idle.at_end()
    until(lambda: not server.ready())
    assert server.status()["draining"] is True
    with pytest.raises(ConnectionRefusedError):
        Client(address)
    server.open_gate()
    for client in clients:
        answer = client.response()
        assert answer.status == 200 and answer["Connection"] == "close"
        assert client.at_end()
        client.close()
    idle.close()
    assert server.wait_exit() == 0
    assert len(server.calls()) == 12


def test_term_answers_clients_who_have_just_connected(serve):
    """In the kernel's backlog, or accepted before, with requests that nobody has read yet."""
    server = serve("probe")
    kept = server.client()
    assert kept.get("/").status == 200
    os.kill(server.pid, signal.SIGSTOP)
    clients = [kept] + [server.client() for _ in range(20)]
    for client in clients:
        client.send_get("/")
    server.signal(signal.SIGTERM)
    os.kill(server.pid, signal.SIGCONT)
    for client in clients:
        assert client.response().status == 200
        client.close()
    assert server.wait_exit() == 0


def test_term_lets_an_upload_and_a_stream_finish(serve):
    server = serve("probe", "--threads", "2")
    with server.client() as upload, server.send_get("/stream/2") as stream:
        upload.send(request("POST", "/echo", "Content-Length: 10"), b"12345")
        assert stream.head().status == 200 and stream.chunk() == b"piece 0\n"
        server.signal(signal.SIGTERM)
        server.wait_for_log("Handling signal: TERM")
        upload.send(b"67890")
        assert upload.response().body == b"1234567890"
        server.open_gate()
        assert stream.chunk() == b"last\n" and stream.chunk() == b"" and stream.at_end()
    assert server.wait_exit() == 0


def test_term_under_load_fails_nothing_that_was_begun(serve):
    """A client may find the door closed, but nobody gets half an answer or an error."""
    server = serve("probe", "-w", "2")
    server.wait_ready(2)
    with Hammer(server, "GET", "/sleep/0.002", clients=8) as hammer:
        until(lambda: len(hammer.answers) > 100)
        server.signal(signal.SIGTERM)
        assert server.wait_exit() == 0
    answered = [a.status for a in hammer.answers.values() if not isinstance(a, Exception)]
    assert set(answered) == {200} and len(answered) == len(server.calls())


def test_term_ends_with_the_graceful_timeout(serve):
    server = serve("probe", "--graceful-timeout", "500ms")
    with server.client() as running, server.client() as waiting:
        running.send(request("POST", "/block", body=b""))
        server.wait_calls(1)
        waiting.send_get("/")
        server.wait_queue(1)
        began = time.monotonic()
        server.signal(signal.SIGTERM)
        refused = waiting.response()
        assert refused.status == 503 and 'details="shutting_down"' in refused["Proxy-Status"]
        assert 1 <= int(refused["Retry-After"]) <= 120
        assert running.response().status == 502
        assert server.wait_exit() == 0
        assert time.monotonic() - began < 5


# INT.


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT])
def test_int_and_quit_stop_at_once(serve, number, method):
    server = serve("probe", "-w", "2")
    server.wait_ready(2)
    clients = [server.client() for _ in range(4)]
    for client in clients[:2]:
        client.send(request(method, "/spin/60", body=b""))
    server.wait_calls(2)
    for client in clients[2:]:
        client.send_get("/")
    server.wait_queue(2)
    began = time.monotonic()
    server.signal(number)
    assert [client.response().status for client in clients] == [502, 502, 503, 503]
    for client in clients:
        client.close()
    assert server.wait_exit() == 0
    assert time.monotonic() - began < 5


def test_int_hurries_a_term(serve):
    server = serve("probe")
    with server.send_get("/block") as client:
        server.wait_calls(1)
        server.signal(signal.SIGTERM)
        server.wait_for_log("Handling signal: TERM")
        server.signal(signal.SIGINT)
        assert client.response().status == 502
        assert server.wait_exit(8) == 0


def test_term_while_workers_boot_ends_quietly(serve):
    server = serve("waiting_start", wait=False)
    server.wait_for_log("Booting worker")
    server.wait_calls(1)
    server.signal(signal.SIGTERM)
    server.open_gate()
    assert server.wait_exit() == 0


# The front dies.


@pytest.mark.parametrize("target", ["/block", "/spin/60"], ids=["blocked", "stuck in C"])
def test_nothing_outlives_a_killed_front(serve, target):
    server = serve("probe", "-w", "2", "--threads", "2")
    server.wait_ready(4)
    clients = [server.send_get(target) for _ in range(2)]
    server.wait_calls(2)
    assert len(server.processes()) == 4  # front, zygote, two workers
    os.kill(server.pid, signal.SIGKILL)
    server.exit_expected = -signal.SIGKILL
    assert server.wait_exit() == -signal.SIGKILL
    until(lambda: not server.processes(), 5)
    for client in clients:
        client.close()
