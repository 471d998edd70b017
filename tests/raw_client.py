"""An HTTP/1 client that sends whatever bytes it is told to, and reads answers strictly."""

import re
import socket
import struct
from dataclasses import dataclass

Address = tuple[str, int] | str
"""(host, port), or the path of a unix socket."""

STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-9]\d\d) ([\t\x20-\x7e\x80-\xff]*)\Z")
FIELD_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([\t\x20-\x7e\x80-\xff]*)\Z")
CHUNK_SIZE = re.compile(rb"[0-9a-fA-F]+\Z")


@dataclass
class Response:
    status: int
    reason: str
    fields: list[tuple[str, str]]
    body: bytes = b""

    def __getitem__(self, name: str) -> str:
        """The one field of this name."""
        values = self.all(name)
        assert len(values) == 1, f"{name}: {values}"
        return values[0]

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key.lower() == name.lower()]

    @property
    def text(self) -> str:
        return self.body.decode()


def request(method: str, target: str, *fields: str, body: bytes | None = None) -> bytes:
    """The bytes of a request; with a body, Content-Length is added."""
    lines = [f"{method} {target} HTTP/1.1", "Host: test", *fields]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")


class Client:
    """One connection, from the host `source` if given. Every wait is bounded by `seconds`."""

    def __init__(self, address: Address, seconds: float = 20, source: str | None = None) -> None:
        if isinstance(address, str):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(seconds)
            self.socket.connect(address)
        else:
            from_where = (source, 0) if source else None
            self.socket = socket.create_connection(address, seconds, from_where)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def reset(self) -> None:
        """Closes with a RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def half_close(self) -> None:
        self.socket.shutdown(socket.SHUT_WR)

    # Out.

    def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.socket.sendall(piece)

    def send_get(self, target: str = "/", *fields: str) -> None:
        self.send(request("GET", target, *fields))

    def get(self, target: str = "/", *fields: str) -> Response:
        self.send_get(target, *fields)
        return self.response()

    def post(self, target: str, body: bytes = b"", *fields: str) -> Response:
        self.send(request("POST", target, *fields, body=body))
        return self.response()

    # In.

    def response(self, method: str = "GET") -> Response:
        """The next answer, whole; fails on whatever HTTP/1.1 forbids."""
        response = self.head()
        bodyless = method == "HEAD" or response.status in (204, 304) or response.status < 200
        lengths = response.all("Content-Length")
        codings = response.all("Transfer-Encoding")
        assert len(lengths) + len(codings) <= 1, response
        if bodyless:
            assert response.status != 204 or not lengths + codings, response
        elif codings:
            assert codings == ["chunked"]
            while chunk := self.chunk():
                response.body += chunk
        elif lengths:
            response.body = self.exactly(int(lengths[0]))
        else:
            assert "close" in response.all("Connection"), response
            response.body = self.rest()
        return response

    def head(self) -> Response:
        match = STATUS_LINE.match(line := self.line())
        assert match, line
        fields = []
        while line := self.line():
            field = FIELD_LINE.match(line)
            assert field, line
            fields.append((field[1].decode(), field[2].decode("latin-1")))
        return Response(int(match[1]), match[2].decode("latin-1"), fields)

    def chunk(self) -> bytes:
        """The next chunk; b"" is the last one, with an empty trailer section."""
        size = self.line()
        assert CHUNK_SIZE.match(size), size
        data = self.exactly(int(size, 16))
        assert self.line() == b""
        return data

    def line(self) -> bytes:
        while (end := self._buffer.find(b"\r\n")) < 0:
            self._receive()
        line, self._buffer = self._buffer[:end], self._buffer[end + 2 :]
        assert b"\r" not in line and b"\n" not in line, line
        return line

    def exactly(self, count: int) -> bytes:
        parts, have = [self._buffer], len(self._buffer)
        while have < count:
            parts.append(self._more())
            have += len(parts[-1])
        data = b"".join(parts)
        self._buffer = data[count:]
        return data[:count]

    def rest(self) -> bytes:
        """Everything up to the server's end."""
        parts, self._buffer = [self._buffer], b""
        while part := self.socket.recv(65536):
            parts.append(part)
        return b"".join(parts)

    def at_end(self) -> bool:
        """The server has closed, cleanly, and sent nothing more."""
        return not self._buffer and self.socket.recv(1) == b""

    def silent(self, seconds: float) -> bool:
        """Nothing comes, not even the end, for so long."""
        before = self.socket.gettimeout()
        self.socket.settimeout(seconds)
        try:
            if not self._buffer:
                self.socket.recv(1, socket.MSG_PEEK)
            return False
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(before)

    def _more(self) -> bytes:
        if not (part := self.socket.recv(65536)):
            raise ConnectionError(f"ended in the middle, after {self._buffer!r}")
        return part

    def _receive(self) -> None:
        self._buffer += self._more()
