"""Asks whether its client is still there.

/watch      asks until the client has left, then writes down how often it was still there
/endless    streams for ever, and writes down when it is closed
/later      keeps the question and answers; /ask then tells what it says now
"""

import os
import time
from pathlib import Path

DIRECTORY = Path(os.environ["TEST_DIRECTORY"])
KEPT = []


def watch(is_gone):
    asked = 0
    while not is_gone():
        asked += 1
        (DIRECTORY / "watching").touch()
        time.sleep(0.005)
    (DIRECTORY / "left").write_text(str(asked))


def endless():
    try:
        while True:
            yield b"piece\n"
            time.sleep(0.005)
    finally:
        (DIRECTORY / "closed").touch()


def application(environ, start_response):
    is_gone = environ["forebay.client_disconnected"]
    answer = f"{is_gone()}"
    match environ["PATH_INFO"]:
        case "/watch":
            watch(is_gone)
        case "/later":
            KEPT.append(is_gone)
        case "/ask":
            answer = f"{[kept() for kept in KEPT]} {is_gone()}"
    start_response("200 OK", [("Content-Type", "text/plain")])
    if environ["PATH_INFO"] == "/endless":
        return endless()
    return [answer.encode()]
