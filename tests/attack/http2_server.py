"""A server of HTTP/2 without TLS that does what it is told with each request, frame by frame
(RFC 9113), so that it can do what no good server would."""

import asyncio
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY = 0, 1, 3, 4, 6, 7
END_STREAM, END_HEADERS, ACK = 1, 4, 1
STATUS_200 = b"\x88"  # RFC 7541, appendix A: 8 of the static table
INTERNAL_ERROR, REFUSED_STREAM = 2, 7


def frame(kind: int, stream: int, payload: bytes = b"", flags: int = 0) -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def answer(stream: int) -> bytes:
    return frame(HEADERS, stream, STATUS_200, END_HEADERS) + frame(DATA, stream, b"ok", END_STREAM)


def reset(stream: int, code: int) -> bytes:
    return frame(RST_STREAM, stream, struct.pack(">I", code))


def goaway(last_stream: int) -> bytes:
    return frame(GOAWAY, 0, struct.pack(">II", last_stream, 0))


@dataclass
class Http2Server:
    """`react(number of the request on its connection, from 1; stream)` gives the bytes that are
    sent; None ends the connection."""

    react: Callable[[int, int], bytes | None]
    requests: int = 0
    connections: int = 0
    answered: int = 0
    _ready: threading.Event = field(default_factory=threading.Event)

    def __enter__(self):
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def url(self):
        return f"http://127.0.0.1:{self._port}/"

    async def _serve(self):
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0)
        self._port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    async def _connection(self, reader, writer):
        self.connections += 1
        try:
            assert await reader.readexactly(len(PREFACE)) == PREFACE
            writer.write(frame(SETTINGS, 0))
            number = 0
            while True:
                head = await reader.readexactly(9)
                kind, flags, stream = struct.unpack(">BBI", head[3:])
                await reader.readexactly(int.from_bytes(head[:3], "big"))
                if kind == SETTINGS and not flags & ACK:
                    writer.write(frame(SETTINGS, 0, flags=ACK))
                if kind != HEADERS:
                    continue
                number += 1
                self.requests += 1
                reaction = self.react(number, stream)
                if reaction is None:
                    return
                self.answered += STATUS_200 in reaction
                writer.write(reaction)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
