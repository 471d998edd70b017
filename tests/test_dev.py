"""The tools of the house: the burst's sender, the adding up of results, the script's own help."""

import http.server
import json
import re
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BURST = ROOT / "bench" / "burst.py"
TALLY = ROOT / "tests" / "tally.py"


def run(*command):
    return subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=60, check=False
    )


# --- the burst -------------------------------------------------------------------------------


@contextmanager
def server(respond):
    """A small HTTP server on a free port; `respond(handler)` answers one GET. Yields HOST:PORT."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            respond(self)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{httpd.server_port}"
        finally:
            httpd.shutdown()
            thread.join()


def answer(handler, status=200, body=b"OK\n"):
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def burst(address, *options):
    done = run(sys.executable, BURST, address, "--json", *options)
    return done.returncode, json.loads(done.stdout)


def test_a_burst_that_is_answered_ends_well():
    with server(answer) as address:
        status, summary = burst(address, "--count", 20, "--over", 0.2)
    assert status == 0
    assert summary["statuses"] == {"200": 20}
    assert summary["total_s"] >= 19 * 0.01
    assert summary["latency_s"]["p50"] <= summary["latency_s"]["max"]


def test_a_burst_counts_what_was_refused():
    requests = iter(range(10))
    with server(lambda handler: answer(handler, 503 if next(requests) == 0 else 200)) as address:
        status, summary = burst(address, "--count", 10, "--over", 0.1)
    assert status == 1
    assert summary["statuses"] == {"200": 9, "503": 1}


def test_a_burst_tells_a_short_answer_from_a_whole_one():
    def cut_short(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfive!")

    with server(cut_short) as address:
        status, summary = burst(address, "--count", 2, "--over", 0)
    assert status == 1
    assert summary["errors"] == {"answer cut short: 5 of 10 bytes": 2}


def test_a_burst_gives_up_on_an_answer_that_does_not_come():
    enough = threading.Event()
    with server(lambda _: enough.wait(30)) as address:
        status, summary = burst(address, "--count", 2, "--over", 0, "--timeout", 0.2)
        enough.set()
    assert status == 1
    assert summary["errors"] == {"no answer within 0.2 s": 2}


def test_a_burst_reads_the_queue_from_the_admin_listener():
    queue = {"requests": 3, "requests_max": 7, "oldest_age_seconds": 1.5, "wait_max_seconds": 4.0}
    asked = []

    def admin(handler):
        asked.append(handler.path)
        if handler.path == "/readyz" and asked.count("/readyz") == 1:
            return answer(handler, 503)
        return answer(handler, body=json.dumps({"queue": queue}).encode())

    with server(answer) as address, server(admin) as admin_address:
        status, summary = burst(address, "--count", 2, "--over", 0, "--admin", admin_address)
    assert status == 0
    assert asked[:2] == ["/readyz", "/readyz"]
    assert summary["queue"] == {"longest": 7, "longest_wait_s": 4.0}


def test_a_burst_knows_the_ideal_time():
    with server(answer) as address:
        _, summary = burst(
            address, "--count", 9, "--over", 0, "--workers", 4, "--service-seconds", 2
        )
    assert summary["ideal_s"] == 6.0


# --- the tally -------------------------------------------------------------------------------

PASSED = "<testcase/>"
FAILED = "<testcase><failure>a</failure><failure>b</failure></testcase>"
BROKEN = "<testcase><error>a</error></testcase>"
SKIPPED = "<testcase><skipped/></testcase>"
DISABLED = '<testcase status="notrun"/>'


def tally(tmp_path, *suites):
    arguments = []
    for n, (exit_status, cases) in enumerate(suites):
        results = tmp_path / f"{n}.xml"
        if cases is not None:
            results.write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")
        arguments += [f"suite {n}", exit_status, results]
    done = run(sys.executable, TALLY, *arguments)
    return done.returncode, done.stdout.strip()


@pytest.mark.parametrize(
    ("suites", "status", "total"),
    [
        ([(0, PASSED * 2), (0, PASSED)], 0, "3 passed, 0 failed, 0 skipped"),
        ([(0, PASSED + SKIPPED), (0, DISABLED)], 0, "1 passed, 0 failed, 2 skipped"),
        ([(1, PASSED + FAILED), (1, BROKEN)], 1, "1 passed, 2 failed, 0 skipped"),
        ([(0, ""), (0, SKIPPED)], 1, "0 passed, 0 failed, 1 skipped"),  # nothing ran
        ([(0, PASSED), (139, None)], 1, "1 passed, 1 failed, 0 skipped"),  # crashed
        ([(0, PASSED), (5, "")], 1, "1 passed, 1 failed, 0 skipped"),  # found no test
        ([(23, PASSED)], 1, "1 passed, 1 failed, 0 skipped"),  # complained at its end
    ],
)
def test_the_tally_is_exact(tmp_path, suites, status, total):
    assert tally(tmp_path, *suites) == (status, f"total: {total}")


# --- the script ------------------------------------------------------------------------------


def test_the_help_names_every_command():
    main = re.search(
        r"^main\(\) \{$(.*?)^\}$", (ROOT / "dev").read_text(), re.DOTALL | re.MULTILINE
    )
    commands = set(re.findall(r"^    ([a-z]+)\)", main[1], re.MULTILINE))
    page = run(ROOT / "dev", "help").stdout
    assert {"build", "run", "test", "bench", "fuzz", "format", "lint"} <= commands
    for command in commands:
        assert re.search(rf"^  {command}\b", page, re.MULTILINE), f"help says nothing on {command}"


def test_an_unknown_command_is_refused_with_the_help():
    done = run(ROOT / "dev", "nonsense")
    assert done.returncode == 2
    assert "usage: ./dev COMMAND" in done.stderr


def test_continuous_integration_runs_the_tests_and_nothing_cleverer():
    script = (ROOT / ".ci" / "run").read_text().splitlines()
    assert script == ["#!/usr/bin/env bash", 'exec "$(dirname "$0")/../dev" test']
