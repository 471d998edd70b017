"""The application of most tests. Its first path segment says what to do:

/                        answers "hello"
/block?ID                waits at the gate of the test's directory
/sleep/SECONDS?ID
/die?ID                  kills its own worker
/echo                    answers with the request's body
/sum                     length and hash of the request's body, read in pieces
/environ                 answers with the environ, as JSON
/pid                     the worker's pid
/stream/COUNT            so many pieces, the gate before the last one
/large/BYTES             one large answer, in pieces
/status/CODE
/spin/SECONDS            holds the GIL in C
/grow/BYTES              keeps so much memory for good
/raise, /print           an exception; a line on wsgi.errors

Each call writes a line "METHOD PATH ID PID" into the file `calls` before it does anything.
"""

import ctypes
import hashlib
import json
import os
import signal
import time
from pathlib import Path

DIRECTORY = Path(os.environ["TEST_DIRECTORY"])
PIECE = bytes(range(256)) * 256
KEPT = []


def write_down(environ):
    words = [environ["REQUEST_METHOD"], environ["PATH_INFO"], environ["QUERY_STRING"], os.getpid()]
    file = os.open(DIRECTORY / "calls", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    os.write(file, (" ".join(map(str, words)) + "\n").encode())
    os.close(file)


def wait_at_gate():
    os.close(os.open(DIRECTORY / "gate", os.O_RDONLY))


def spin(seconds):
    """In C, with the GIL, as a bad regular expression or a blocking C library would."""
    ctypes.PyDLL(None).usleep(int(float(seconds) * 1e6))


def digest(body):
    total, sha = 0, hashlib.sha256()
    while piece := body.read(65536):
        total += len(piece)
        sha.update(piece)
    return f"{total} {sha.hexdigest()}"


def pieces(count):
    for i in range(count - 1):
        yield f"piece {i}\n".encode()
    wait_at_gate()
    yield b"last\n"


def half():
    yield b"half"
    raise RuntimeError("the application raised")


def large(length):
    while length > 0:
        yield PIECE[:length]
        length -= len(PIECE)


def answer(environ):
    """What the application answers: str, or an iterable of bytes."""
    action, *arguments = environ["PATH_INFO"].removeprefix("/").split("/")
    match action, arguments:
        case "block", _:
            wait_at_gate()
        case "sleep", [seconds]:
            time.sleep(float(seconds))
        case "spin", [seconds]:
            spin(seconds)
        case "die", _:
            os.kill(os.getpid(), signal.SIGKILL)
        case "echo", _:
            return list(iter(lambda: environ["wsgi.input"].read(65536), b""))
        case "sum", _:
            return digest(environ["wsgi.input"])
        case "environ", _:
            told = (str, int, float)
            return json.dumps({key: environ[key] for key in environ if type(environ[key]) in told})
        case "pid", _:
            return str(os.getpid())
        case "stream", [count]:
            return pieces(int(count))
        case "large", [length]:
            return large(int(length))
        case "half", _:
            return half()
        case "grow", [length]:
            KEPT.append(b"x" * int(length))
        case "raise", _:
            raise RuntimeError("the application raised")
        case "print", _:
            environ["wsgi.errors"].write("a line of the application\n")
    return "hello"


def application(environ, start_response):
    write_down(environ)
    path = environ["PATH_INFO"]
    status = path.removeprefix("/status/") if path.startswith("/status/") else "200"
    result = answer(environ)
    fields = [("Content-Type", "text/plain")]
    if isinstance(result, str):
        body = result.encode()
        result = [body]
        if status not in ("204", "304"):
            fields.append(("Content-Length", str(len(body))))
        else:
            result = []
    if path.startswith("/large/"):
        fields.append(("Content-Length", path.removeprefix("/large/")))
    start_response(f"{status} Because", fields)
    return result
