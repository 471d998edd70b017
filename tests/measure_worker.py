"""What the worker's own code costs around the call of a trivial application.

    FOREBAY_BUILD_DIR=build /usr/bin/python3 tests/measure_worker.py

One process, no front that runs meanwhile: requests are published, the worker takes them all.
"""

import ctypes
import os
import platform
import statistics
import struct
import sys
import time

import front_stub

sys.path.append(str(front_stub.BUILD / "python"))

from forebay import _worker  # noqa: E402
from forebay.worker import Options, make_templates  # noqa: E402

REQUESTS = 100  # a slot takes 20 KiB: they stay in the cache, as those of a busy server
ROUNDS = 1000
FIELDS = {
    "Host": "127.0.0.1:8000",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en-US,en;q=0.5",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "Connection": "keep-alive",
    "Cookie": "sessionid=4f7d2c8e9b1a; csrftoken=abcdefghijklmnopqrstuvwxyz",
    "Upgrade-Insecure-Requests": "1",
    "Sec-Fetch-Mode": "navigate",
    "Priority": "u=0, i",
}


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "13")])
    return [b"Hello, World!"]


def call_alone():
    """Seconds for the call of the application itself."""
    environ, ignore = {}, lambda status, fields: None
    start = time.perf_counter()
    for _ in range(REQUESTS):
        application(environ, ignore)
    return (time.perf_counter() - start) / REQUESTS


class Worker:
    """A front and a worker in this process. The channel is closed: run() ends when all is done."""

    def __init__(self):
        self.library = front_stub._load_library()
        self.front = self.library.front_create(1, REQUESTS)
        self.library.front_close(self.front)
        memfd, wake = self.library.front_memfd(self.front), self.library.front_wake_fd(self.front)
        self.worker = _worker.Worker(memfd, os.dup(wake), os.dup(1))
        options = Options(
            "", 1, 1, [{"server_name": "a", "server_port": "1", "scheme": "http"}], "0"
        )
        self.templates = make_templates(options, sys.stderr)
        texts = ["GET", "/hello?x=1", "", "/hello?x=1", "127.0.0.1"]
        texts += [text for pair in FIELDS.items() for text in pair]
        self.head = struct.pack(
            "=HHHHqq", 0, front_stub.HTTP11, len(FIELDS), 4711, time.monotonic_ns(), 0
        )
        self.head += b"".join(map(front_stub._string, texts))

    def run(self):
        """Seconds per request, from the claim to the commit."""
        size = len(self.head)
        for _ in range(REQUESTS):
            ticket = self.library.front_submit(self.front, self.head, size, 0, 0)
            assert ticket != front_stub.NO_ROOM
        start = time.perf_counter()
        self.worker.run(0, application, self.templates)
        seconds = (time.perf_counter() - start) / REQUESTS
        record = front_stub._Record()
        for _ in range(REQUESTS):
            assert self.library.front_next(self.front, ctypes.byref(record)) == 1
            self.library.front_finish(self.front, record.ticket)
        return seconds


def main():
    worker = Worker()
    worker.run()  # touches the pages
    whole = [worker.run() for _ in range(ROUNDS)]
    alone = [call_alone() for _ in range(ROUNDS)]
    print(f"Python {platform.python_version()}, {len(FIELDS)} fields, best and median of {ROUNDS}")
    for name, seconds in [("request", whole), ("application alone", alone)]:
        best, middle = min(seconds) * 1e6, statistics.median(seconds) * 1e6
        print(f"{name:18} {best:6.2f} us {middle:6.2f} us")


if __name__ == "__main__":
    main()
