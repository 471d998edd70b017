"""Thousands at once: what the kernel's queue would have lost is answered."""

import asyncio
import os

from serving import until

CLIENTS = 3000


async def answer_of(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """Status line of the answer, which must be whole."""
    head = await reader.readuntil(b"\r\n\r\n")
    assert b"Content-Length: 5\r\n" in head
    assert await reader.readexactly(5) == b"hello"
    writer.close()
    await writer.wait_closed()
    return head.split(b"\r\n")[0]


async def burst(host: str, port: int) -> list[bytes]:
    """All connect, then all send, then all read."""
    connections = []
    for _ in range(CLIENTS // 100):
        connections += await asyncio.gather(
            *(asyncio.open_connection(host, port) for _ in range(100))
        )
    for _, writer in connections:
        writer.write(b"GET /sleep/0.002 HTTP/1.1\r\nHost: test\r\n\r\n")
    return await asyncio.gather(*(answer_of(*connection) for connection in connections))


def test_3000_clients_at_once_are_all_answered(serve):
    server = serve("probe", "-w", "2")
    server.wait_ready(2)
    answers = asyncio.run(asyncio.wait_for(burst(*server.address), 90))
    assert answers == [b"HTTP/1.1 200 Because"] * CLIENTS
    calls = server.calls()
    assert len(calls) == CLIENTS
    status = server.status()
    assert status["requests"]["ok"] == CLIENTS and status["queue"]["requests"] == 0
    assert status["queue"]["requests_max"] > CLIENTS / 3
    # Nothing of it stays open.
    until(lambda: server.status()["connections"]["open"] == 0)
    assert len(os.listdir(f"/proc/{server.pid}/fd")) < 100
