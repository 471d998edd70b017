"""`forebay doctor --watch`, `explain`, and arguments that make no sense."""

import json
import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest
from doctoring import diagnose
from serving import BINARY, run_forebay, until


def full_queue(path: Path) -> list[socket.socket]:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(0)
    client = socket.socket(socket.AF_UNIX)
    client.connect(str(path))
    return [listener, client]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_watch_ends_by_a_signal_and_then_says_all_that_was_wrong(tmp_path, number) -> None:
    sockets = full_queue(tmp_path / "q")
    log = tmp_path / "log"
    with log.open("wb") as out:
        watch = subprocess.Popen([BINARY, "doctor", "--watch", "--exit-code"], stdout=out)
    try:
        until(lambda: f"unix:{tmp_path}/q" in log.read_text())
        for each in sockets:
            each.close()
        os.remove(tmp_path / "q")
        lines = len(log.read_text().splitlines())
        until(lambda: len(log.read_text().splitlines()) > lines)
        watch.send_signal(number)
        assert watch.wait(10) == 2
    finally:
        watch.kill()
        watch.wait()
    text = log.read_text()
    assert text.startswith("time ")
    assert "1/0" in text
    assert f"critical: The queue of unix:{tmp_path}/q" in text


def test_a_watch_for_programs_is_a_line_of_json_each_second(tmp_path: Path) -> None:
    sockets = full_queue(tmp_path / "q")
    done = run_forebay("doctor", "--watch", "--for", "1s", "--json", "--exit-code")
    for each in sockets:
        each.close()
    pages = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(pages) == 2
    for page in pages:
        assert page["schema_version"] == 1 and page["time"]
        assert page["highest"]["waiting"] > page["highest"]["limit"]
        assert any(f"{tmp_path}/q" == each["subject"].removeprefix("unix:")
                   for each in page["findings"])  # fmt: skip
    assert done.returncode == 2


def test_explain_has_the_values_of_this_machine(tmp_path: Path) -> None:
    somaxconn = Path("/proc/sys/net/core/somaxconn").read_text().strip()
    text = run_forebay("doctor", "explain", "somaxconn").stdout
    assert f"net.core.somaxconn = {somaxconn}" in text
    sockets = full_queue(tmp_path / "q")
    assert f"unix:{tmp_path}/q" in run_forebay("doctor", "explain", "backlog").stdout
    for each in sockets:
        each.close()


@pytest.mark.parametrize(
    "arguments",
    [
        ["explain", "weather"],
        ["explain"],
        ["--for", "x"],
        ["--no-such-option"],
        ["http://127.0.0.1:1/", "--watch"],
        ["http://127.0.0.1:1/", "--for", "1s"],
    ],
)
def test_arguments_that_make_no_sense(arguments: list[str]) -> None:
    done = run_forebay("doctor", *arguments)
    assert done.returncode == 2
    assert done.stdout == "" and done.stderr != ""


def test_names_chosen_by_others_cannot_move_the_cursor(tmp_path: Path) -> None:
    path = tmp_path / "a\x1b[2Jb\n"
    sockets = full_queue(path)
    text = diagnose("--all", json=False).text
    assert "a?[2Jb?" in text and "\x1b" not in text
    for each in sockets:
        each.close()
