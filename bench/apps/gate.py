"""Waits while the file `gate` of $HOME is locked by somebody, then answers."""

import fcntl
import os

BODY = b"Hello, World!"
HEADERS = [("Content-Type", "text/plain"), ("Content-Length", str(len(BODY)))]
GATE = f"{os.environ['HOME']}/gate"


def application(environ, start_response):
    with open(GATE, "a") as gate:
        fcntl.flock(gate, fcntl.LOCK_SH)
    start_response("200 OK", HEADERS)
    return [BODY]
