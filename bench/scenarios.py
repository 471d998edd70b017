"""What is measured: which application, under which load, with which answer."""

from __future__ import annotations

from dataclasses import dataclass

UPLOAD_BYTES = 64 * 1024


@dataclass(frozen=True)
class Scenario:
    """`app` is a module in apps/; `answer` is the body that every server must give."""

    name: str
    about: str
    app: str
    answer: bytes
    keep_alive: bool = True
    post_bytes: int = 0
    threads: int = 1  # per worker, unless --threads says otherwise


SCENARIOS = [
    Scenario(
        "keepalive",
        "a 13-byte answer, connections are kept",
        app="trivial",
        answer=b"Hello, World!",
    ),
    Scenario(
        "close",
        "a 13-byte answer, one connection per request",
        app="trivial",
        answer=b"Hello, World!",
        keep_alive=False,
    ),
    Scenario(
        "large",
        "answers of 1 MiB, connections are kept",
        app="large",
        answer=b"x" * (1 << 20),
    ),
    Scenario(
        "upload",
        "request bodies of 64 KiB, read by the application, connections are kept",
        app="upload",
        answer=str(UPLOAD_BYTES).encode(),
        post_bytes=UPLOAD_BYTES,
    ),
    Scenario(
        "threads",
        "the application waits 1 ms without the GIL, 4 threads per worker, connections are kept",
        app="waiting",
        answer=b"Hello, World!",
        threads=4,
    ),
]
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
DEFAULT = ["keepalive", "close"]
