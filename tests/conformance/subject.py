"""The server under test, which knows how often its application should have been called."""

import json
import random
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from raw_client import Client, Response
from serving import Server


def whole(sent: bytes) -> Iterator[bytes]:
    yield sent


def per_line(sent: bytes) -> Iterator[bytes]:
    yield from sent.splitlines(keepends=True)


def per_byte(sent: bytes) -> Iterator[bytes]:
    for i in range(len(sent)):
        yield sent[i : i + 1]


def in_random_pieces(sent: bytes) -> Iterator[bytes]:
    """The same pieces for the same bytes."""
    generator = random.Random(zlib.crc32(sent))
    while sent:
        size = generator.randint(1, 40)
        yield sent[:size]
        sent = sent[size:]


WAYS: tuple[Callable[[bytes], Iterator[bytes]], ...] = (whole, per_line, per_byte, in_random_pieces)


@contextmanager
def running(
    app: str, *options: object, troubles_expected: bool = False, **keywords: Any
) -> Iterator[Server]:
    """A server for the tests of a module."""
    server = Server(app, *options, **keywords)
    server.troubles_expected = troubles_expected
    try:
        server.wait_ready()
        yield server
        server.close()
    finally:
        server.kill()


class Subject:
    """All calls of the application go through accepts() and called(): else they are too many."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.calls = 0

    def client(self) -> Client:
        return self.server.client()

    def called(self, times: int = 1) -> None:
        """Since the last look, and no other call was made."""
        calls = self.server.calls()
        since, self.calls = calls[self.calls :], len(calls)
        assert len(since) == times, since

    def refuses(self, sent: bytes, status: int) -> Response:
        """An answer with this status, then the end; the application is not called."""
        for way in (whole, in_random_pieces):
            with self.client() as client:
                client.send(*way(sent))
                response = client.response()
                assert response.status == status, (way.__name__, sent, response)
                assert response["Connection"] == "close" and client.at_end()
            self.called(0)
        return response

    def accepts(self, sent: bytes, method: str = "GET") -> Response:
        """One request, answered the same way however it is cut."""
        responses = []
        for way in WAYS:
            with self.client() as client:
                client.send(*way(sent))
                responses.append(response := client.response(method))
                assert response.status == 200, (way.__name__, sent, response)
                assert settled(response.body) == settled(responses[0].body), way.__name__
            self.called()
        return responses[0]

    def environ(self, sent: bytes) -> dict[str, str]:
        """What the application is given for a request to /environ, but for what we add to it."""
        environ = json.loads(self.accepts(sent).text)
        del environ["HTTP_X_REQUEST_START"]
        return environ


def settled(body: bytes) -> bytes:
    """Without what differs from one request to the next."""
    return re.sub(rb'"(forebay.queue_time|REMOTE_PORT|HTTP_X_REQUEST_START)": [^,}]*', b"", body)
