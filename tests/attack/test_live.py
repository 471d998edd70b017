"""What `forebay attack` says on stderr while it runs."""

import json
import os
import pty
import re
import signal

import pytest
from attacking import start_attack, wait_for_arrivals
from planned_server import PlannedServer


@pytest.fixture(scope="module")
def server():
    with PlannedServer() as server:
        yield server


@pytest.fixture
def terminal():
    """Our end and the program's end of a terminal."""
    ours, theirs = pty.openpty()
    os.set_blocking(ours, True)
    yield ours, theirs
    os.close(ours)


def read_all(ours):
    """Until nobody has the other end open any more."""
    seen = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # EIO: that is how a terminal ends
            return seen.decode()
        seen += part


def start_on(terminal, server, *options, **more):
    process = start_attack(server.url(), *options, stderr=terminal[1], **more)
    os.close(terminal[1])
    return process


def last_picture(text):
    return text.split("\x1b[J")[-1].replace("\r", "")


def test_on_a_terminal_it_is_redrawn_in_place_and_ends_with_the_whole(server, terminal):
    env = os.environ | {"TERM": "xterm", "NO_COLOR": "1"}
    process = start_on(terminal, server, "-rate=100", "-duration=1500ms", "-name=first", env=env)
    hits = [json.loads(line) for line in process.stdout]  # so nothing else is on stdout
    text = read_all(terminal[0])
    assert process.wait(20) in (0, 3)
    assert len(hits) == 150
    assert text.count("\x1b[J") >= 3
    picture = last_picture(text)
    assert re.search(r"^first .* 150 of 150 hits, 100%$", picture, re.M)
    assert re.search(r"^rate .*asked 100\.0/s .*in flight 0$", picture, re.M)
    assert re.search(r"^latency +p50 .*lag p99", picture, re.M)
    assert re.search(r"^status +200: 150 *$", picture, re.M)
    assert re.search(r"^ +< [0-9.]+[mµ]?s +[0-9]+ +#+$", picture, re.M)


def test_a_closed_loop_is_seen_too(server, terminal):
    env = os.environ | {"TERM": "xterm", "NO_COLOR": "1"}
    process = start_on(terminal, server, "-concurrency=2", "-requests=40", env=env)
    assert len(process.stdout.readlines()) == 40
    picture = last_picture(read_all(terminal[0]))
    assert process.wait(20) == 0
    assert "40 of 40 hits, 100%" in picture
    assert "asked" not in picture
    assert "200: 40" in picture


@pytest.mark.parametrize("how", [{"TERM": "dumb"}, {"TERM": "xterm"}])
def test_quiet_is_quiet_and_a_short_run_leaves_no_lines(server, terminal, how):
    options = [] if how["TERM"] == "dumb" else ["-quiet"]
    env = os.environ | how
    options += ["-concurrency=1", "-requests=20"]
    process = start_on(terminal, server, *options, env=env)
    assert len(process.stdout.readlines()) == 20
    assert read_all(terminal[0]) == ""
    assert process.wait(20) == 0


def test_elsewhere_there_is_a_plain_line_now_and_then():
    with PlannedServer() as server:
        process = start_attack(server.url(), "-rate=20", "-duration=1h")
        line = process.stderr.readline()
        wait_for_arrivals(server, 100)
        process.send_signal(signal.SIGINT)
        hits = [json.loads(one) for one in process.stdout]
        rest = process.stderr.read()
        process.stderr.close()
        assert process.wait(20) == 3
    assert re.match(
        r"5(\.\d)?s  \d+ of 72000 hits, 0%  \d+\.\d/s of 20.0/s  in flight \d+  p50 ", line
    )
    assert "\x1b" not in line + rest
    assert len(hits) >= 100
