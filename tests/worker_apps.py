"""Applications for the tests of the worker. `application` calls the one that the path names."""

import atexit
import gzip
import io
import os
import sys
import tempfile
import threading
import time
from wsgiref.validate import validator

SEEN = {"closed": 0, "late": None}
SCRATCH = os.environ.get("WORKER_APPS_SCRATCH", "/nonexistent")


def wait_for(name):
    """Until the test makes a file."""
    deadline = time.monotonic() + 20
    while not os.path.exists(os.path.join(SCRATCH, name)):
        if time.monotonic() > deadline:
            raise TimeoutError(name)
        time.sleep(0.002)


def tell(name):
    open(os.path.join(SCRATCH, name), "w").close()


class Closing:
    """An iterable that counts its close()."""

    def __init__(self, *blocks, error=None, close_error=None):
        self.blocks = iter(blocks)
        self.error = error
        self.close_error = close_error

    def __iter__(self):
        return self

    def __next__(self):
        for block in self.blocks:
            return block
        if self.error:
            raise self.error
        raise StopIteration

    def close(self):
        SEEN["closed"] += 1
        if self.close_error:
            raise self.close_error


class Sized(Closing):
    def __len__(self):
        return 1


OK = ("200 OK", [("Content-Type", "text/plain")])


def plain(environ, start_response):
    start_response(*OK)
    return [b"plain"]


def environ(environ, start_response):
    start_response(*OK)
    shown = {key: value for key, value in environ.items() if isinstance(value, str | bool | tuple)}
    shown["type"] = type(environ).__name__
    shown["keys"] = sorted({type(key).__name__ for key in environ})
    shown["queue_time"] = environ["forebay.queue_time"]
    environ["mine"] = "to change"
    return [repr(shown).encode()]


def seen(environ, start_response):
    start_response(*OK)
    return [repr(SEEN).encode()]


def empty(environ, start_response):
    start_response("204 No Content", [])
    return []


def pieces(environ, start_response):
    start_response(*OK)
    return [b"one ", b"", b"two ", b"three"]


def as_tuple(environ, start_response):
    start_response(*OK)
    return (b"tuple",)


def big(environ, start_response):
    start_response(*OK)
    return [bytes(range(256)) * 4096]


def big_pieces(environ, start_response):
    start_response(*OK)
    return [bytes([n]) * 20_000 for n in range(50)]


def generator(environ, start_response):
    start_response(*OK)
    yield b""
    yield b"one "
    yield b""
    yield b"two"


def paced(environ, start_response):
    start_response(*OK)
    yield b"first"
    wait_for("second")
    yield b"second"


def empty_first(environ, start_response):
    start_response(*OK)
    yield b""
    wait_for("not_empty")
    yield b"late"


def late_start(environ, start_response):
    yield_first = environ["QUERY_STRING"]
    if yield_first:
        yield b"too early"
    start_response(*OK)
    yield b"late"


def never_starts(environ, start_response):
    return Closing(b"body")


def never_starts_list(environ, start_response):
    return []


def starts_twice(environ, start_response):
    start_response(*OK)
    start_response(*OK)
    return [b"?"]


def replaced(environ, start_response):
    start_response("200 OK", [("X-First", "1")])
    try:
        raise ValueError("mine")
    except ValueError:
        start_response("502 Mine", [("X-Second", "2")], exc_info=sys.exc_info())
    return [b"replaced"]


def replaced_late(environ, start_response):
    write = start_response(*OK)
    write(b"half")
    try:
        raise ValueError("re-raised")
    except ValueError:
        start_response("500 Late", [], sys.exc_info())
    return [b"never"]


BAD = {
    "status-int": (200, []),
    "status-bytes": (b"200 OK", []),
    "status-short": ("20 OK", []),
    "status-no-space": ("200OK", []),
    "status-word": ("OK", []),
    "status-1xx": ("100 Continue", []),
    "status-crlf": ("200 OK\r\nX-Evil: 1", []),
    "status-nul": ("200 O\0K", []),
    "status-wide": ("200 \u20ac", []),
    "fields-tuple": ("200 OK", (("A", "b"),)),
    "fields-dict": ("200 OK", {"A": "b"}),
    "field-list": ("200 OK", [["A", "b"]]),
    "field-triple": ("200 OK", [("A", "b", "c")]),
    "name-bytes": ("200 OK", [(b"A", "b")]),
    "value-bytes": ("200 OK", [("A", b"b")]),
    "value-int": ("200 OK", [("A", 1)]),
    "value-none": ("200 OK", [("A", None)]),
    "name-empty": ("200 OK", [("", "b")]),
    "name-space": ("200 OK", [("A B", "b")]),
    "name-colon": ("200 OK", [("A:", "b")]),
    "name-crlf": ("200 OK", [("A\r\nX-Evil", "b")]),
    "value-crlf": ("200 OK", [("A", "b\r\nX-Evil: 1")]),
    "value-lf": ("200 OK", [("A", "b\nX-Evil: 1")]),
    "value-nul": ("200 OK", [("A", "\0")]),
    "value-wide": ("200 OK", [("A", "\u20ac")]),
    "value-surrogate": ("200 OK", [("A", "\udc80")]),
    "length-word": ("200 OK", [("Content-Length", "many")]),
    "length-sign": ("200 OK", [("Content-Length", "+5")]),
    "length-twice": ("200 OK", [("Content-Length", "5"), ("Content-Length", "5")]),
    "head-big": ("200 OK", [("A", "x" * 40_000)]),
    "heads-many": ("200 OK", [("A", "x" * 100)] * 400),
}


def bad(environ, start_response):
    start_response(*BAD[environ["QUERY_STRING"]])
    return [b"bad"]


def caught(environ, start_response):
    """Survives its own mistake."""
    try:
        start_response(200, [])
    except TypeError:
        start_response(*OK)
    return [b"caught"]


def latin1(environ, start_response):
    start_response("200 H\xe9", [("X-Caf\x65", "caf\xe9\t!")])
    return [b""]


def hop_by_hop(environ, start_response):
    start_response(
        "200 OK", [("Connection", "close"), ("TRANSFER-ENCODING", "chunked"), ("A", "b")]
    )
    return [b"ok"]


def writes(environ, start_response):
    write = start_response(*OK)
    write(b"a")
    write(b"")
    write(b"b")
    return Closing(b"c", b"d")


def writes_and_list(environ, start_response):
    write = start_response(*OK)
    write(b"a")
    return [b"b"]


def writes_str(environ, start_response):
    write = start_response(*OK)
    try:
        write("text")
    except TypeError as error:
        return [b"TypeError: " + str(error).encode()]


def body_of(block):
    def app(environ, start_response):
        start_response(*OK)
        return [b"good", block] if environ["QUERY_STRING"] == "list" else iter([block])

    return app


str_body = body_of("text")
none_body = body_of(None)
array_body = body_of(bytearray(b"x"))


def returns_none(environ, start_response):
    start_response(*OK)


def length(environ, start_response):
    """?LENGTH,BLOCK,BLOCK: declares a length and sends blocks of these sizes."""
    declared, *sizes = map(int, environ["QUERY_STRING"].split(","))
    start_response("200 OK", [("content-length", str(declared))])
    if environ["HTTP_X_HOW"] == "list":
        return [b"x" * size for size in sizes]
    return Closing(*(b"x" * size for size in sizes))


def endless(environ, start_response):
    start_response("200 OK", [("Content-Length", "5")])
    try:
        while True:
            yield b"abc"
    finally:
        SEEN["closed"] += 1


def sized(environ, start_response):
    start_response(*OK)
    return Sized(b"sized")


def closing(environ, start_response):
    start_response(*OK)
    return Closing(b"a", b"b")


class Told(Closing):
    """Its close() is a line in the file `closed`. It may wait for a file before it ends."""

    def __init__(self, *blocks, error=None, wait=None):
        super().__init__(*blocks, error=error)
        self.wait = wait

    def __next__(self):
        try:
            return super().__next__()
        except StopIteration:
            if self.wait:
                wait_for(self.wait)
            raise

    def close(self):
        with open(os.path.join(SCRATCH, "closed"), "a") as file:
            file.write("closed\n")


def told(environ, start_response):
    """?HOW: a body whose close() is told."""
    start_response(*OK)
    match environ["QUERY_STRING"]:
        case "whole":
            return Told(b"a", b"b")
        case "empty":
            return Told()
        case "error":
            return Told(error=ZeroDivisionError("before the head"))
        case "late_error":
            return Told(b"a", error=ZeroDivisionError("after the head"))
        case "large":
            return Told(*[bytes(1 << 20)] * 40)
        case "waits":
            return Told(b"first", wait="go_on")


def closing_error(environ, start_response):
    start_response(*OK)
    return Closing(error=ZeroDivisionError("before the head"))


def closing_error_late(environ, start_response):
    start_response(*OK)
    return Closing(b"a", error=ZeroDivisionError("after the head"))


def close_error(environ, start_response):
    start_response(*OK)
    return Closing(b"a", close_error=ZeroDivisionError("in close"))


def slow_close(environ, start_response):
    start_response("200 OK", [("Content-Length", "1")])

    class Slow(Closing):
        def close(self):
            wait_for("close")

    return Slow(b"a")


def error(environ, start_response):
    raise LookupError("of the application \u20ac")


def exit_3(environ, start_response):
    raise SystemExit(3)


def exit_late(environ, start_response):
    start_response(*OK)
    yield b"half"
    raise SystemExit(5)


def interrupt(environ, start_response):
    raise KeyboardInterrupt


READ_FROM = b"first\nsecond\nthird"
READS = {
    "all": [READ_FROM, b"", b""],
    "sized": [b"fir", b"", READ_FROM[3:], b""],
    "lines": [b"first\n", b"se", b"cond\n", b"third", b""],
    "hint": [b"first\n", b"second\n", b"third"],
    "iterate": [b"first\n", b"second\n", b"third"],
    "nothing": [],
}


def read(environ, start_response):
    start_response(*OK)
    body = environ["wsgi.input"]
    match environ["QUERY_STRING"]:
        case "all":
            parts = [body.read(), body.read(), body.read(5)]
        case "sized":
            parts = [body.read(3), body.read(0), body.read(100_000_000), body.read(1)]
        case "lines":
            parts = [body.readline(), body.readline(2), *body.readlines(), body.readline()]
        case "hint":
            parts = [*body.readlines(3), *body.readlines()]
        case "iterate":
            parts = list(body)
        case "nothing":
            parts = []
        case "size":
            parts = [str(len(body.read())).encode()]
    return [repr(parts).encode()]


def keep_input(environ, start_response):
    start_response(*OK)
    before, SEEN["late"] = SEEN["late"], environ["wsgi.input"]
    return [b"closed" if before and before.closed else b"open"]


def errors(environ, start_response):
    stream = environ["wsgi.errors"]
    stream.write("half ")
    stream.write("line\nnext\nrest")
    stream.writelines([" of", " it\n", "l\u20acst \udc80"])
    stream.flush()
    print("printed", file=stream)
    stream.write("x" * 40_000 + "\n")
    start_response(*OK)
    return [b""]


def errors_from_threads(environ, start_response):
    def write(name):
        for _ in range(50):
            environ["wsgi.errors"].write(name * 40 + "\n")

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    start_response(*OK)
    return [b""]


def temporary_file(content):
    file = tempfile.TemporaryFile()
    file.write(content)
    return file


def file(environ, start_response):
    """?KIND,OFFSET,LENGTH: a file of 100,000 bytes by wsgi.file_wrapper."""
    kind, offset, declared = environ["QUERY_STRING"].split(",")
    content = bytes(range(250)) * 400
    match kind:
        case "regular":
            filelike = temporary_file(content)
        case "memory":
            filelike = io.BytesIO(content)
        case "gzip":
            filelike = gzip.GzipFile(fileobj=temporary_file(gzip.compress(content)))
            filelike.fileobj.seek(0)
        case "pipe":
            reader, writer = os.pipe()
            threading.Thread(target=lambda: [os.write(writer, content), os.close(writer)]).start()
            filelike = open(reader, "rb")
        case "empty":
            filelike = temporary_file(b"")
    if kind in ("regular", "memory"):
        filelike.seek(0)
        filelike.read(int(offset))  # buffered: the descriptor is elsewhere
    SEEN["late"] = filelike
    start_response("200 OK", [("Content-Length", declared)] if declared else [])
    return environ["wsgi.file_wrapper"](filelike, 8192)


def file_closed(environ, start_response):
    start_response(*OK)
    return [repr(SEEN["late"].closed).encode()]


def file_iterated(environ, start_response):
    wrapper = environ["wsgi.file_wrapper"](io.BytesIO(b"abcdef"), 4)
    start_response(*OK)
    parts = [*wrapper, wrapper.tell(), wrapper.seekable(), hasattr(wrapper, "nothing")]
    wrapper.close()
    return [repr(parts).encode()]


def file_after_write(environ, start_response):
    start_response(*OK)(b"before ")
    file = temporary_file(b"after")
    file.seek(0)
    return environ["wsgi.file_wrapper"](file)


def file_unstarted(environ, start_response):
    file = temporary_file(b"never")
    return environ["wsgi.file_wrapper"](file)


def keeps_start_response(environ, start_response):
    SEEN["late"] = start_response
    start_response(*OK)
    return [b"kept"]


def uses_it_late(environ, start_response):
    late, SEEN["late"] = SEEN["late"], None
    try:
        late(*OK)
    except RuntimeError as error:
        start_response(*OK)
        return [str(error).encode()]


def writes_from_thread(environ, start_response):
    write = start_response(*OK)
    threads = [
        threading.Thread(target=lambda: [write(b"t" * 1000) for _ in range(100)]) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for _ in range(100):
        write(b"m" * 1000)
    for thread in threads:
        thread.join()
    return Closing(b"end")


def slow(environ, start_response):
    tell("slow-started")
    wait_for("slow-ends")
    start_response(*OK)
    return [b"slow"]


def barrier(environ, start_response, meet=threading.Barrier(3)):  # noqa: B008
    meet.wait(20)
    start_response(*OK)
    return [threading.current_thread().name.encode()]


def holds_gil(environ, start_response):
    tell("holds-gil")
    sum(range(10**12))


def forks(environ, start_response):
    start_response(*OK)
    if os.fork() == 0:
        return [b"child"]
    os.wait()
    return [b"parent"]


def forks_streaming(environ, start_response):
    start_response(*OK)
    yield b"one "
    if os.fork() == 0:
        yield b"child"
        os._exit(9)
    os.wait()
    yield b"two"


def random_number(environ, start_response):
    import random

    start_response(*OK)
    return [f"{os.getpid()} {random.random()}".encode()]


def path_info(environ, start_response):
    start_response(*OK)
    return [ascii(environ["PATH_INFO"]).encode()]


def application(environ, start_response, /):
    """The field X-App names an application whatever the path is."""
    name = environ.get("HTTP_X_APP") or environ["PATH_INFO"].strip("/")
    app = globals().get(name, path_info)
    return app(environ, start_response)


validated = validator(application)


def with_atexit():
    atexit.register(tell, "atexit")
    return application
