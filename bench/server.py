"""Starts a peer on a free port, waits until it answers, tells its CPU time, and stops it."""

from __future__ import annotations

import contextlib
import http.client
import os
import shlex
import signal
import socket
import subprocess
import tempfile
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import procs
from install import SYSTEM_PATH
from peers import CONNECTIONS, REPOSITORY, VENV, Peer, Site
from scenarios import Scenario

START_MAX_S = 15.0
STOP_MAX_S = 5.0
POLL_S = 0.005
# Of the log of a server that failed: so many lines, so many characters of each.
LAST_LINES = 4
LINE_MAX = 160


class StartFailed(Exception):
    """The server did not give the right answer in time."""


class Server:
    """A peer that runs; its processes are leaders of their own sessions, so all can be found."""

    def __init__(self, peer: Peer, site: Site) -> None:
        self.peer = peer
        self.site = site
        self.commands = peer.commands(site)
        self.log = site.directory / "server.log"
        self.processes: list[subprocess.Popen[bytes]] = []
        self.started_at = time.monotonic()
        self.start_s = 0.0  # until the first answer

    @property
    def roots(self) -> list[int]:
        return [process.pid for process in self.processes]

    def cpu(self) -> procs.Cpu:
        return procs.cpu_of(procs.tree(self.roots))

    def front_cpu(self) -> procs.Cpu:
        """CPU of the part before the Python workers; nothing for a peer that has none."""
        match self.peer.front:
            case "process":
                root = procs.read_process(self.roots[0])
                return root.own if root else procs.Cpu()
            case "tree":
                return procs.cpu_of(procs.tree(self.roots[:1]))
        return procs.Cpu()

    def before_workers(self) -> list[procs.Process]:
        """What holds the clients' connections: the front, or everything where there is none."""
        if self.peer.front == "process":
            return [root for root in [procs.read_process(self.roots[0])] if root]
        return procs.tree(self.roots[:1] if self.peer.front == "tree" else self.roots)

    def start(self) -> None:
        with self.log.open("wb") as log:
            for command in self.commands:
                self.processes.append(self._start_one(command, log))

    def _start_one(self, command: list[str], log: BinaryIO) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                command,
                cwd=self.site.directory,
                env=_environment(self.site.directory),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        except OSError as failure:
            raise StartFailed(f"it cannot be started: {failure}") from None

    def wait_until_ready(self, scenario: Scenario) -> None:
        """Asks until the right answer comes."""
        got = "no answer"
        while time.monotonic() < self.started_at + START_MAX_S:
            if any(process.poll() is not None for process in self.processes):
                raise StartFailed(f"it ended at once: {self.last_words()}")
            try:
                status, body = _ask(self.site.port, scenario)
            except (OSError, http.client.HTTPException):
                time.sleep(POLL_S)
                continue
            if status == 200 and body == scenario.answer:
                self.start_s = time.monotonic() - self.started_at
                return
            got = f"status {status}, {len(body)} bytes"
            time.sleep(POLL_S)
        raise StartFailed(f"{got} within {START_MAX_S:g} s: {self.last_words()}")

    def stop(self) -> None:
        """SIGTERM to what was started, SIGKILL to what is left of it after STOP_MAX_S."""
        family = procs.tree(self.roots)
        for process in self.processes:
            process.terminate()
        deadline = time.monotonic() + STOP_MAX_S
        while (left := _still_alive(family)) and time.monotonic() < deadline:
            for process in self.processes:
                process.poll()
            time.sleep(POLL_S)
        for survivor in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(survivor.pid, signal.SIGKILL)
        for process in self.processes:
            process.wait()

    def last_words(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        tail = [line.replace(str(self.site.directory), "$DIR") for line in lines[-LAST_LINES:]]
        return " | ".join(textwrap.shorten(line, LINE_MAX) for line in tail) or "it said nothing"

    def command_line(self) -> str:
        """How it was started, with nothing in it that belongs to this run or this machine only."""
        line = " & ".join(shlex.join(command) for command in self.commands)
        line = line.replace(str(self.site.directory), "$DIR").replace(f"{REPOSITORY}/", "")
        return line.replace(str(self.site.port), "$PORT")


@contextlib.contextmanager
def running(
    peer: Peer, scenario: Scenario, workers: int, threads: int = 1, connections: int = CONNECTIONS
) -> Iterator[Server]:
    """A server that answers; it is gone, with its files, when the block is left."""
    with tempfile.TemporaryDirectory(prefix="forebay-bench-") as directory:
        site = Site(
            port=_free_port(),
            directory=Path(directory),
            app=scenario.app,
            workers=workers,
            threads=threads,
            keep_alive=scenario.keep_alive,
            connections=connections,
        )
        server = Server(peer, site)
        try:
            server.start()
            server.wait_until_ready(scenario)
            yield server
        finally:
            server.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _environment(directory: Path) -> dict[str, str]:
    """The same for all, and nothing of the caller's that a server would take for a setting."""
    return {
        "PATH": f"{VENV / 'bin'}:{SYSTEM_PATH}",
        "HOME": str(directory),
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _ask(port: int, scenario: Scenario) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_MAX_S)
    try:
        body = b"x" * scenario.post_bytes
        connection.request("POST" if body else "GET", "/", body, {"Connection": "close"})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def _still_alive(family: list[procs.Process]) -> list[procs.Process]:
    now = [(old, procs.read_process(old.pid)) for old in family]
    return [new for old, new in now if new and new.alive and new.start == old.start]
