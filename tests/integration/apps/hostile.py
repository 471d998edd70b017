"""An application that means no good, or does not know better. See test_attacks.py."""

import os
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path

FILE = Path(os.environ["TEST_DIRECTORY"], "file")
FILE.write_bytes(b"x" * 2000)


def endless():
    """All of the announced body, and then no end."""
    yield b"abc"
    threading.Event().wait()


def chatter(errors):
    end = time.monotonic() + 5
    while time.monotonic() < end:
        errors.write("chatter\n")


def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/endless":
        start_response("200 OK", [("Content-Length", "3")])
        return endless()
    start_response("200 OK", [("Content-Type", "text/plain")])
    if path == "/file":
        return environ["wsgi.file_wrapper"](FILE.open("rb"))
    if path == "/chatty":
        threading.Thread(target=chatter, args=(environ["wsgi.errors"],), daemon=True).start()
    elif path == "/leak":
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
    elif path == "/spawn":
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1)"])
    return [str(os.getpid()).encode()]
