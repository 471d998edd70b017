"""Clients that go on and on, so that something can be done to the server meanwhile."""

import threading
import time
from collections import Counter
from dataclasses import replace

from raw_client import Client, Response
from serving import Server

BODY_KEPT = 1024


class Hammer:
    """So many clients, each on one kept-alive connection, one request after the other.

    As a context manager: hammers inside, and afterwards `answers` has each request's id with its
    response and the first BODY_KEPT bytes of its body, or with what happened instead, and
    `seconds` how long each of them took.
    """

    def __init__(
        self, server: Server, method: str, target: str, clients: int = 4, body: bytes = b"body"
    ) -> None:
        self._server = server
        self._method = method
        self._target = target
        self._body = body
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(i,)) for i in range(clients)]
        self.answers: dict[str, Response | Exception] = {}
        self.seconds: list[float] = []

    def __enter__(self) -> "Hammer":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()

    def statuses(self) -> Counter[int | str]:
        """How many answers of each status, exceptions by their text."""
        return Counter(
            answer.status if isinstance(answer, Response) else repr(answer)
            for answer in list(self.answers.values())
        )

    def texts(self) -> set[str]:
        return {a.text for a in list(self.answers.values()) if isinstance(a, Response)}

    def _run(self, number: int) -> None:
        client: Client | None = None
        count = 0
        while not self._stop.is_set():
            name = f"{number}-{count}"
            count += 1
            began = time.monotonic()
            try:
                client = client or self._server.client()
                self.answers[name] = self._ask(client, f"{self._target}?{name}")
            except (OSError, AssertionError) as error:
                self.answers[name] = error
                client = None
            self.seconds.append(time.monotonic() - began)
        if client:
            client.close()

    def _ask(self, client: Client, target: str) -> Response:
        get = self._method == "GET"
        answer = client.get(target) if get else client.post(target, self._body)
        return replace(answer, body=answer.body[:BODY_KEPT])
