"""A server that answers by a plan, so that the true figures of an attack are known beforehand.

It runs in a thread of the test, writes down when each request arrived, and answers by the path:

    /                   200 as soon as the plan lets it
    /status/503         that status
    /sleep/100          200 after so many milliseconds
    /redirect/2         302 to /redirect/1, that to /redirect/0, that to /
    /see-other          303 to /echo
    /echo               200, the request as JSON
    /close              closes the connection without an answer
    /reset              the same with a RST
    /partial            a length of 100, 10 bytes, and the end of the connection
    /garbage            no HTTP
    /keep-then-close    200, then closes the connection although it did not say so
"""

import asyncio
import json
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Arrival:
    at: float  # time.monotonic()
    path: str
    headers: dict[str, str]
    peer: object = None


@dataclass
class PlannedServer:
    """`plan(arrival time since the first)` says when to answer, on the same scale."""

    plan: Callable[[float], float] | None = None
    unix: str = ""
    arrivals: list[Arrival] = field(default_factory=list)
    slips: list[float] = field(default_factory=list)  # how late it was with its own plan

    def slip_s(self):
        """How exactly this machine lets the server keep its plan: nobody can measure better."""
        return sorted(self.slips)[int(0.99 * len(self.slips))]

    def __enter__(self):
        started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(started)))
        self._thread.start()
        assert started.wait(10)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def url(self, path="/"):
        return f"http://127.0.0.1:{self.port}{path}"

    async def _serve(self, started):
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        if self.unix:
            server = await asyncio.start_unix_server(self._connection, self.unix, backlog=1024)
        else:
            server = await asyncio.start_server(self._connection, "127.0.0.1", 0, backlog=1024)
            self.port = server.sockets[0].getsockname()[1]
        started.set()
        await self._stop.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    async def _connection(self, reader, writer):
        try:
            while await self._request(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _request(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, path, _ = head[0].split(" ")
        headers = dict(line.split(": ", 1) for line in head[1:] if line)
        arrival = Arrival(time.monotonic(), path, headers, writer.get_extra_info("peername"))
        self.arrivals.append(arrival)
        body = await self._body(reader, headers)
        if self.plan is not None:
            begin = self.arrivals[0].at
            await self._until(begin + self.plan(arrival.at - begin))
        word, _, number = path.partition("?")[0].strip("/").partition("/")
        answer = {"ok": (200, {}, b"ok")}.get(word)
        if word == "sleep":
            await self._until(arrival.at + int(number) / 1000)
        elif word == "close":
            return False
        elif word == "reset":
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            return False
        elif word == "partial":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789")
            await writer.drain()
            return False
        elif word == "garbage":
            writer.write(b"this is no HTTP at all\r\n\r\n")
            await writer.drain()
            return False
        elif word == "status":
            answer = (int(number), {}, b"no")
        elif word == "redirect":
            to = "/" if number == "0" else f"/redirect/{int(number) - 1}"
            answer = (302, {"Location": to}, b"")
        elif word == "see-other":
            answer = (303, {"Location": "/echo"}, b"")
        elif word == "echo":
            said = {"method": method, "path": path, "headers": headers}
            said["body"] = body.decode("latin-1")
            answer = (200, {}, json.dumps(said).encode())
        status, fields, content = answer or (200, {}, b"ok")
        fields = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        length = f"Content-Length: {len(content)}\r\n\r\n"
        writer.write(f"HTTP/1.1 {status} Word\r\n{fields}{length}".encode() + content)
        await writer.drain()
        return word != "keep-then-close" and headers.get("Connection") != "close"

    async def _body(self, reader, headers):
        if headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(await reader.readline(), 16):
                body += (await reader.readexactly(size + 2))[:-2]
            await reader.readline()
            return body
        return await reader.readexactly(int(headers.get("Content-Length", 0)))

    async def _until(self, when):
        delay = when - time.monotonic()
        if delay > 0:
            await asyncio.sleep(delay)
        self.slips.append(time.monotonic() - when)
