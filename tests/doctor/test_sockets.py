"""The queues that the doctor shows are those of the kernel: sockets of known fill, beside `ss`."""

import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from doctoring import Diagnosis, diagnose


class Queue:
    """A listening socket at which `clients` wait that nobody will ever accept."""

    def __init__(self, address: str | tuple[str, int], backlog: int, clients: int) -> None:
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        if isinstance(address, tuple) and ":" in address[0]:
            family = socket.AF_INET6
        self.listener = socket.socket(family)
        self.listener.bind(address)
        self.listener.listen(backlog)
        self.clients = [socket.socket(family) for _ in range(clients)]
        for client in self.clients:
            client.settimeout(5)
            client.connect(self.listener.getsockname())

    @property
    def name(self) -> str:
        name = self.listener.getsockname()
        if isinstance(name, bytes):
            return "unix:" + name.replace(b"\0", b"@").decode()
        if isinstance(name, str):
            return f"unix:{name}"
        return f"[{name[0]}]:{name[1]}" if ":" in name[0] else f"{name[0]}:{name[1]}"

    def close(self) -> None:
        for each in [self.listener, *self.clients]:
            each.close()


@pytest.fixture
def queues(tmp_path: Path) -> Iterator[list[Queue]]:
    made: list[Queue] = []
    try:
        made.append(Queue(f"{tmp_path}/full", 2, 3))
        made.append(Queue(f"{tmp_path}/half", 9, 5))
        made.append(Queue(f"{tmp_path}/empty", 7, 0))
        made.append(Queue(f"\0abstract{tmp_path}", 3, 1))
        made.append(Queue(("127.0.0.1", 0), 4, 5))
        made.append(Queue(("127.0.0.1", 0), 16, 2))
        made.append(Queue(("::1", 0), 3, 1))
        yield made
    finally:
        for queue in made:
            queue.close()


def said_by_ss(name: str) -> tuple[int, int]:
    """Length and limit of the queue."""
    kind = "-xlnH" if name.startswith("unix:") else "-tlnH"
    text = subprocess.run(["ss", kind], capture_output=True, text=True, check=True).stdout
    local = re.escape(name.removeprefix("unix:"))
    found = re.search(rf"LISTEN +(\d+) +(\d+) +{local}[ \n]", text)
    assert found, text
    return int(found[1]), int(found[2])


def said_by_doctor(diagnosis: Diagnosis, name: str) -> tuple[int, int]:
    found = diagnosis.socket(name)
    return found["waiting"], found["limit"]


def test_length_and_limit_are_those_of_ss(queues: list[Queue]) -> None:
    diagnosis = diagnose()
    for queue in queues:
        assert said_by_doctor(diagnosis, queue.name) == said_by_ss(queue.name)
        assert diagnosis.socket(queue.name)["waiting"] == len(queue.clients)


def test_the_table_names_each_socket_with_its_figures_and_its_process(queues: list[Queue]) -> None:
    text = diagnose("--all", json=False).text
    for queue in queues:
        row = re.search(rf"^ *(\d+) +(\d+) .*{re.escape(queue.name)} +(.*)$", text, re.MULTILINE)
        assert row, text
        assert (int(row[1]), int(row[2])) == said_by_ss(queue.name)
        assert "pytest" in row[3] or "python" in row[3]


def test_clients_that_left_are_counted(queues: list[Queue]) -> None:
    for client in queues[1].clients[:3]:
        client.close()
    socket_found = diagnose().socket(queues[1].name)
    assert (socket_found["waiting"], socket_found["gone"]) == (5, 3)


def test_a_queue_of_thousands_is_looked_into(tmp_path: Path) -> None:
    somaxconn = int(Path("/proc/sys/net/core/somaxconn").read_text())
    waiting = min(somaxconn, 3000)
    queue = Queue(f"{tmp_path}/long", somaxconn, waiting)
    try:
        for client in queue.clients[: waiting // 2]:
            client.close()
        found = diagnose().socket(queue.name)
        assert (found["waiting"], found["gone"]) == (waiting, waiting // 2)
    finally:
        queue.close()
