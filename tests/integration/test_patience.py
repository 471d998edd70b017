"""Requests and boots that take too long, and workers that die before they have done anything."""

import re
import signal
import time

import pytest
from raw_client import request
from serving import sanitizer_options, until

CRASHER = """
import os, threading
from probe import application, DIRECTORY

def crash():
    with (DIRECTORY / "births").open("a") as births:
        births.write("birth\\n")
    os._exit(7)

if not (DIRECTORY / "well").exists():
    threading.Timer(0.05, crash).start()
"""

SEGFAULT = """
import ctypes

def application(environ, start_response):
    def deep_within():
        ctypes.string_at(0)
    deep_within()
"""


@pytest.mark.parametrize("path", ["/spin/60", "/block"])
def test_request_that_runs_too_long_shows_where_it_was(serve, path):
    server = serve("probe", "--timeout", "500ms")
    server.troubles_expected = True
    pid = server.workers()[0]
    assert server.get(path).status == 504
    server.wait_for_log(
        rf"WORKER TIMEOUT \(pid:{pid}\): GET {path} ran for 0\.[5-9] s, more than --timeout, "
        r"after 0\.0 s in the queue"
    )
    where = "in spin" if "spin" in path else "in wait_at_gate"
    shown = server.wait_for_log(r"What it was doing:\n(?:.*\n)*?.*" + where)
    assert shown.start() > server.log.index("WORKER TIMEOUT")
    server.wait_for_log(rf"Worker \(pid: {pid}\) was killed: a request ran too long")
    server.wait_ready(1)
    assert server.get("/pid").text != str(pid)
    assert server.metric('forebay_worker_restarts_total{reason="timeout"}') == 1


def test_neighbours_of_a_request_that_runs_too_long_may_finish(serve):
    server = serve("probe", "--threads", "2", "--timeout", "3")
    pid = server.workers()[0]
    with server.send_get("/block?stuck") as stuck, server.client() as neighbour:
        server.wait_calls(1)
        time.sleep(2)  # the neighbour is to be well within its time when the other's is over
        neighbour.send(request("POST", "/sleep/2?neighbour", body=b""))
        server.wait_calls(2)
        assert stuck.response().status == 504
        assert server.get("/pid").text != str(pid)  # another worker serves at once
        assert pid in server.workers()
        assert neighbour.response().status == 200
    until(lambda: pid not in server.workers())
    assert server.metric('forebay_worker_restarts_total{reason="timeout"}') == 1


@pytest.mark.parametrize("options", [(), ("--preload",)], ids=" ".join)
def test_application_that_hangs_in_its_import_is_told_with_its_traceback(serve, options):
    # Time enough for Python itself: before that nobody is there to say what he was doing.
    server = serve("waiting_start", "--boot-timeout", "1500ms", *options, wait=False)
    server.exit_expected = 3
    assert server.wait_exit() == 3
    assert re.search(r"not loaded (the application )?within 1.5 s \(--boot-timeout\)", server.log)
    assert re.search(r"What it was doing:\n(?:.*\n)*?.*waiting_start\.py", server.log)
    assert "A worker failed to boot. Shutting down" in server.log


def test_reload_that_hangs_in_its_import_leaves_the_old_workers(serve):
    server = serve("slow_start", "--boot-timeout", "1")
    old = server.workers()
    server.signal(signal.SIGHUP)  # the second import waits at the gate
    server.wait_for_log("Reload failed, the old workers go on")
    assert server.get().status == 200
    assert server.workers() == old


def test_workers_that_die_at_once_are_started_ever_more_slowly(serve, tmp_path):
    (tmp_path / "mine.py").write_text(CRASHER)
    server = serve("mine", "--pythonpath", tmp_path, wait=False)
    server.wait_for_log(r"3 workers in a row have died before they ran a request: .*Next one in")
    until(lambda: server.admin("/readyz")[0] == 503)
    server.wait_for_log(r"5 workers in a row have died .*Next one in 1\.6 s")
    births = len((server.directory / "births").read_text().splitlines())
    assert births == 5


@pytest.mark.parametrize("proof", ["request", "time"])
def test_readiness_does_not_flap_in_a_crash_loop(serve, tmp_path, proof):
    (tmp_path / "mine.py").write_text(CRASHER)
    server = serve("mine", "--pythonpath", tmp_path, wait=False)
    seen = []

    def look():
        if (ready := server.admin("/readyz")[0]) and ready not in seen[-1:]:
            seen.append(ready)
        return "5 workers in a row have died" in server.log

    until(look)
    assert seen[-1] == 503 and seen.count(200) <= 1  # only the first worker was believed
    (server.directory / "well").touch()
    if proof == "request":
        assert server.get().status == 200
    until(server.ready)


def test_crash_in_c_shows_where_it_was(serve, tmp_path):
    (tmp_path / "mine.py").write_text(SEGFAULT)
    server = serve("mine", "--pythonpath", tmp_path, env=sanitizer_options("handle_segv=0"))
    server.troubles_expected = True
    with server.client() as client:
        assert client.post("/", b"").status == 502
    server.wait_for_log(r"Fatal Python error: Segmentation fault\n(?:.*\n)*?.*in deep_within")
    server.wait_for_log("was killed by signal 11 \\(SEGV\\)")
