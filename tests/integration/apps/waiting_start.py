"""Writes down that it is imported, then waits at the gate."""

import os
from pathlib import Path

DIRECTORY = Path(os.environ["TEST_DIRECTORY"])

with (DIRECTORY / "calls").open("a") as calls:
    calls.write("import\n")
os.close(os.open(DIRECTORY / "gate", os.O_RDONLY))


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]
