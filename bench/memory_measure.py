"""What a connection and a waiting request cost in memory, and what a birth costs in time."""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import os
import resource
import signal
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import procs
from peers import Peer
from scenarios import Scenario
from server import Server, StartFailed, running

WORKERS = 2
# Connections that a server must be able to hold beside those of the measurement.
SPARE = 1000
WARM_UP_REQUESTS = 200
# One source address has some 28,000 ports, many of them still in TIME_WAIT.
CONNECTIONS_PER_SOURCE = 5000
SETTLED_S = 1.0
SETTLE_MAX_S = 20.0
POLL_S = 0.05
ANSWER_MAX_S = 20.0
BETWEEN_KILLS_S = 0.5

TRIVIAL = Scenario("idle", "a 13-byte answer", app="trivial", answer=b"Hello, World!")
GATE = Scenario("waiting", "an application that waits", app="gate", answer=b"Hello, World!")
WHO = Scenario("replace", "says who it is", app="who", answer=b"Hello, World!")

SMALL_REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
BROWSER_REQUEST = (
    b"GET /products/4711/reviews?page=2&sort=newest HTTP/1.1\r\n"
    b"Host: shop.example.com\r\n"
    b"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n"
    b"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    b"Accept-Language: en-GB,en;q=0.7,de;q=0.3\r\n"
    b"Accept-Encoding: gzip, deflate, br, zstd\r\n"
    b"Referer: https://shop.example.com/products/4711\r\n"
    b"Cookie: session=8f14e45fceea167a5a36dedd4bea2543; csrf=c9f0f895fb98ab9159f51fd0297e236d\r\n"
    b"Upgrade-Insecure-Requests: 1\r\n"
    b"Sec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Site: same-origin\r\n"
    b"Priority: u=0, i\r\n\r\n"
)


@dataclass
class Holding:
    """What `count` connections cost the processes before the workers, all together: `peak` while
    they are there, `after` when they have left, both beyond what the server had `before`.
    """

    peer: str
    count: int
    problems: list[str] = field(default_factory=list)
    command: str = ""
    before: procs.Memory = procs.Memory()
    peak: procs.Memory = procs.Memory()
    after: procs.Memory = procs.Memory()
    kernel_kib: int = 0  # of both ends, as all is on one machine

    @property
    def counts(self) -> bool:
        return not self.problems


@dataclass
class Births:
    """Times of one peer until something new answers."""

    peer: str
    problems: list[str] = field(default_factory=list)
    command: str = ""
    times_ms: list[float] = field(default_factory=list)

    def add(self, more: Births) -> None:
        self.problems += more.problems
        self.command = self.command or more.command
        self.times_ms += more.times_ms


def allow_many_descriptors() -> None:
    """For this process and for the servers that it starts."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def idle(peer: Peer, count: int) -> Holding:
    """Connections that have had one answer and are kept."""
    return _hold(peer, TRIVIAL, count, _ask_and_read)


def waiting(peer: Peer, count: int) -> Holding:
    """Requests that wait for workers that are all busy."""
    return _hold(peer, GATE, count, _ask_only)


def _hold(
    peer: Peer, scenario: Scenario, count: int, open_one: Callable[[Server, int], socket.socket]
) -> Holding:
    holding = Holding(peer.name, count)
    try:
        with running(peer, scenario, WORKERS, connections=count + SPARE) as server:
            holding.command = server.command_line()
            for number in range(WARM_UP_REQUESTS):
                _ask_and_read(server, number).close()
            with _closed_gate(server):
                _fill_and_empty(holding, server, open_one)
    except (StartFailed, OSError, ValueError) as failure:
        holding.problems.append(str(failure))
    return holding


@contextlib.contextmanager
def _closed_gate(server: Server) -> Iterator[None]:
    """Meanwhile apps/gate.py waits; the other applications do not know of it."""
    with (server.site.directory / "gate").open("a") as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)
        yield


def _fill_and_empty(
    holding: Holding, server: Server, open_one: Callable[[Server, int], socket.socket]
) -> None:
    descriptors = _settled_descriptors(server)
    holding.before, kernel_kib = _memory(server), procs.kernel_memory_kib()
    connections: list[socket.socket] = []
    try:
        for number in range(holding.count):
            connections.append(open_one(server, number))
        full = _settled_descriptors(server, lambda now: now >= descriptors + holding.count)
        if full < descriptors + holding.count:
            holding.problems.append(f"holds only {full - descriptors} of {holding.count}")
        holding.peak = _memory(server) - holding.before
        holding.kernel_kib = procs.kernel_memory_kib() - kernel_kib
        if heard := sum(_hears_something(connection) for connection in connections):
            holding.problems.append(f"{heard} of {holding.count} were closed or refused")
    finally:
        for connection in connections:
            connection.close()
    _settled_descriptors(server, lambda now: now < descriptors + holding.count / 100)
    holding.after = _memory(server) - holding.before


def _settled_descriptors(server: Server, reached: Callable[[int], bool] = lambda now: True) -> int:
    """Waits until so many descriptors are open and memory does not change any more; gives up after
    SETTLE_MAX_S. Returns how many there are.
    """
    give_up = time.monotonic() + SETTLE_MAX_S
    last, since = None, time.monotonic()
    while (now := time.monotonic()) < give_up:
        descriptors = procs.descriptors_of(server.before_workers())
        state = (descriptors, _memory(server).rss_kib)  # PSS depends on who else runs
        if state != last or not reached(descriptors):
            last, since = state, now
        elif now - since >= SETTLED_S:
            break
        time.sleep(POLL_S)
    return procs.descriptors_of(server.before_workers())


def _memory(server: Server) -> procs.Memory:
    return procs.memory_of(server.before_workers())


def start(peer: Peer) -> Births:
    """From the start of the first process to the first answer."""
    births = Births(peer.name)
    try:
        with running(peer, TRIVIAL, WORKERS) as server:
            births.command = server.command_line()
            births.times_ms.append(1e3 * server.start_s)
    except StartFailed as failure:
        births.problems.append(str(failure))
    return births


def replace(peer: Peer, kills: int) -> Births:
    """From `kill -9` of the only worker to the first answer of another one, seen by a client who
    asks at once and asks again when its request was lost.
    """
    births = Births(peer.name)
    try:
        with running(peer, WHO, workers=1) as server:
            births.command = server.command_line()
            pid = _who_answers(server)
            for _ in range(kills):
                time.sleep(BETWEEN_KILLS_S)  # a server may take many deaths at once for a loop
                killed_at = time.monotonic()
                os.kill(pid, signal.SIGKILL)
                pid = _who_answers(server, other_than=pid)
                births.times_ms.append(1e3 * (time.monotonic() - killed_at))
    except (StartFailed, OSError, ValueError) as failure:
        births.problems.append(str(failure))
    return births


def _who_answers(server: Server, other_than: int = 0) -> int:
    give_up = time.monotonic() + ANSWER_MAX_S
    while time.monotonic() < give_up:
        with contextlib.suppress(OSError, http.client.HTTPException):
            pid = _ask_who(server.site.port)
            if pid not in (None, other_than):
                return pid
    raise ValueError(f"no worker answered within {ANSWER_MAX_S:g} s")


def _ask_who(port: int) -> int | None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_MAX_S)
    with contextlib.closing(connection):
        connection.request("GET", "/", headers={"Connection": "close"})
        pid = connection.getresponse().headers.get("X-Pid")
        return int(pid) if pid else None


def _connect(server: Server, number: int) -> socket.socket:
    source = (f"127.0.1.{1 + number // CONNECTIONS_PER_SOURCE}", 0)
    address = ("127.0.0.1", server.site.port)
    return socket.create_connection(address, timeout=ANSWER_MAX_S, source_address=source)


def _ask_and_read(server: Server, number: int) -> socket.socket:
    connection = _connect(server, number)
    connection.sendall(SMALL_REQUEST)
    answer = b""
    while not answer.endswith(TRIVIAL.answer):
        received = connection.recv(4096)
        if not received:
            raise ValueError(f"connection {number + 1} was closed")
        answer += received
    return connection


def _ask_only(server: Server, number: int) -> socket.socket:
    connection = _connect(server, number)
    connection.sendall(BROWSER_REQUEST)
    return connection


def _hears_something(connection: socket.socket) -> bool:
    """An answer or the end, where neither is expected."""
    connection.setblocking(False)
    try:
        connection.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True
