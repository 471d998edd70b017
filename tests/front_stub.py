"""Plays the front for a zygote and its workers: requests down, records up, no HTTP.

The channel is the real one (src/channel/front_end.h), through src/extension/front_stub.cc.
"""

import ctypes
import json
import os
import select
import socket
import struct
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = Path(os.environ.get("FOREBAY_BUILD_DIR", ROOT / "build"))
PYTHON = os.environ.get("FOREBAY_TEST_PYTHON", "/usr/bin/python3")
TIMEOUT = 20.0

RESPONSE, BODY, FILE, NOTHING = 1, 2, 3, 4
END, ABORT, DONE = 1, 2, 4
HTTP11, NO_BODY_WANTED, HTTPS = 1, 2, 4
READY, LOG, SEND_FILE, WANT_BODY, GIVE_BODY = 1, 2, 3, 4, 5
RECORD_MAX = 32 * 1024 - 64
NO_ROOM = 2**64 - 1


class _Record(ctypes.Structure):
    _fields_ = [
        ("ticket", ctypes.c_uint64),
        ("type", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("server", ctypes.c_uint32),
        ("bytes", ctypes.c_uint32),
        ("payload", ctypes.c_uint8 * RECORD_MAX),
    ]


def _load_library():
    library = ctypes.CDLL(str(BUILD / "src" / "extension" / "front_stub.so"))
    for name, result, arguments in [
        ("front_create", ctypes.c_void_p, [ctypes.c_uint32, ctypes.c_uint32]),
        ("front_destroy", None, [ctypes.c_void_p]),
        ("front_memfd", ctypes.c_int, [ctypes.c_void_p]),
        ("front_wake_fd", ctypes.c_int, [ctypes.c_void_p]),
        (
            "front_submit",
            ctypes.c_uint64,
            [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_uint32, ctypes.c_uint32, ctypes.c_uint64],
        ),
        ("front_finish", None, [ctypes.c_void_p, ctypes.c_uint64]),
        ("front_cancel", ctypes.c_int, [ctypes.c_void_p, ctypes.c_uint64]),
        ("front_next", ctypes.c_int, [ctypes.c_void_p, ctypes.POINTER(_Record)]),
        ("front_close", None, [ctypes.c_void_p]),
    ]:
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def _string(text):
    data = text.encode("latin-1") if isinstance(text, str) else text
    return struct.pack("=I", len(data)) + data


@dataclass
class Answer:
    """A response, as its records come in."""

    ticket: int
    status: int = 0
    reason: str = ""
    fields: list = field(default_factory=list)
    body: bytes = b""
    flags: int = 0
    server: int = -1
    records: list = field(default_factory=list)  # (type, flags, bytes of body)

    @property
    def ended(self):
        return bool(self.flags & END)

    @property
    def aborted(self):
        return bool(self.flags & ABORT)

    @property
    def done(self):
        return bool(self.flags & DONE)

    def field(self, name):
        return [value for key, value in self.fields if key.lower() == name]


@dataclass
class Worker:
    pid: int
    control: socket.socket
    pidfd: int = -1
    ready: bool = False
    is_gone: bool = False


class Front:
    """Boots a zygote and `workers` workers of `threads` servers each. A context manager."""

    def __init__(self, app, *, workers=1, threads=1, boot=True, preload=False, **options):
        self.log = []  # (level, text)
        self.died = {}  # pid: exit code as waitpid(2) has it
        self.events = []
        self.zygote_is_gone = False
        self.workers = {}
        self.answers = {}
        self.files = {}  # ticket: fd of a file to be sent
        self.bodies = {}  # ticket: fd of a body in a file, or None for a request that is gone
        self.paused = False  # nothing is taken out of the rings
        self.library = _load_library()
        self.front = self.library.front_create(workers * threads, 4)
        self.control, control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        life, self.life = os.pipe()
        self.tracebacks = os.memfd_create("tracebacks")
        fds = {
            "--control": control.fileno(),
            "--memfd": self.library.front_memfd(self.front),
            "--wake": self.library.front_wake_fd(self.front),
            "--life": life,
            "--tracebacks": self.tracebacks,
        }
        environment = dict(os.environ)
        if "FOREBAY_TEST_PRELOAD" in os.environ:
            environment["LD_PRELOAD"] = os.environ["FOREBAY_TEST_PRELOAD"]
        arguments = [str(part) for pair in fds.items() for part in pair]
        self.zygote = subprocess.Popen(
            [PYTHON, str(BUILD / "python" / "forebay"), *arguments],
            pass_fds=fds.values(),
            env=environment,
        )
        control.close()
        os.close(life)
        packet = {
            "app": app,
            "chdir": str(ROOT / "tests"),
            "pythonpath": [],
            "env": {},
            "preload": preload,
            "seats": workers,
            "threads": threads,
            "traceback_bytes": 1 << 20,
            "listeners": [{"server_name": "stub.test", "server_port": "8080", "scheme": "http"}],
            "version": "0.1.0",
        }
        self.control.send(json.dumps(packet | options).encode())
        if boot:
            self.wait(lambda: "ready" in self.events)
            for number in range(workers):
                self.fork(number)
            self.wait(lambda: all(w.ready for w in self.workers.values()))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.life >= 0:
            os.close(self.life)  # the kernel kills zygote and workers
        self.zygote.wait(TIMEOUT)
        for worker in self.workers.values():
            if worker.pidfd >= 0:
                select.select([worker.pidfd], [], [], TIMEOUT)
                os.close(worker.pidfd)
            worker.control.close()
        os.close(self.tracebacks)
        self.control.close()
        self.library.front_destroy(self.front)

    def fork(self, number):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = json.dumps({"command": "fork", "worker": number}).encode()
        socket.send_fds(self.control, [command], [theirs.fileno()])
        theirs.close()
        self.workers[number] = Worker(0, ours)
        self.wait(lambda: self.workers[number].pidfd >= 0)

    def close_channel(self):
        self.library.front_close(self.front)

    # Requests.

    def submit(
        self, method="GET", path="/", headers=(), body=b"", *,
        file=None, remote=("127.0.0.1", 4711), target=None, http11=True, listener=0,
        script_name="", https=False,
    ):  # fmt: skip
        """Publishes a request; `file`: the fd of a spooled body, instead of `body`."""
        flags = (HTTP11 if http11 else 0) | (NO_BODY_WANTED if method == "HEAD" else 0)
        flags |= HTTPS if https else 0
        file_bytes = os.fstat(file).st_size if file is not None else 0
        head = struct.pack(
            "=HHHHqq", listener, flags, len(headers), remote[1], time.monotonic_ns(),
            file_bytes or len(body),
        )  # fmt: skip
        head += b"".join(map(_string, (method, target or path, script_name, path, remote[0])))
        head += b"".join(_string(text) for pair in headers for text in pair)
        ticket = self.library.front_submit(
            self.front, head + body, len(head), len(body), file_bytes
        )
        assert ticket != NO_ROOM
        self.bodies[ticket] = file
        self.answers[ticket] = Answer(ticket)
        return self.answers[ticket]

    def request(self, *arguments, **options):
        """Publishes a request and waits until its server is free again."""
        answer = self.submit(*arguments, **options)
        self.wait(lambda: answer.done)
        self._take_messages(0)  # what was logged before
        return answer

    # What comes back.

    def wait(self, condition, timeout=TIMEOUT):
        """Takes in what comes until `condition()`."""
        deadline = time.monotonic() + timeout
        while True:
            self._take_records()
            if condition():
                return
            left = deadline - time.monotonic()
            assert left > 0, f"nothing more within {timeout} s; log: {self.log}, died: {self.died}"
            self._take_messages(left)

    def _take_messages(self, timeout):
        """Takes one from each socket, until there is none; waits for the first."""
        wake = self.library.front_wake_fd(self.front)
        while True:
            sockets = {w.control: w for w in self.workers.values() if not w.is_gone}
            sources = [wake, *sockets] + ([] if self.zygote_is_gone else [self.control])
            readable, _, _ = select.select(sources, [], [], timeout)
            if not readable:
                return
            if wake in readable:
                os.read(wake, 8)
            if self.control in readable:
                self._take_event()
            for control in sockets.keys() & set(readable):
                self._take_control(sockets[control])
            timeout = 0

    def _take_records(self):
        record = _Record()
        while not self.paused and (
            got := self.library.front_next(self.front, ctypes.byref(record))
        ):
            assert got == 1, "a corrupt response ring"
            self._take_record(record)

    def _take_record(self, record):
        answer = self.answers[record.ticket]
        assert not answer.done, "a record after kDone"
        payload = bytes(memoryview(record.payload)[: record.bytes])
        answer.server = record.server
        if record.type == RESPONSE:
            assert not answer.status, "a second head"
            payload = self._take_head(answer, payload)
        elif record.type == FILE:
            payload = self._take_file(record, *struct.unpack("=QQ", payload))
        if payload:
            assert not answer.ended and not answer.aborted, "body after the end"
        assert not (record.flags & (END | ABORT) and answer.flags & (END | ABORT)), "a second end"
        answer.body += payload
        answer.flags |= record.flags
        answer.records.append((record.type, record.flags, len(payload)))
        if answer.done:
            assert answer.ended or answer.aborted, "kDone without an end"
            self.library.front_finish(self.front, record.ticket)

    @staticmethod
    def _take_head(answer, payload):
        def string(at):
            (size,) = struct.unpack_from("=I", payload, at)
            return payload[at + 4 : at + 4 + size].decode("latin-1"), at + 4 + size

        head_bytes, answer.status, count = struct.unpack_from("=IHH", payload)
        answer.reason, at = string(8)
        for _ in range(count):
            name, at = string(at)
            value, at = string(at)
            answer.fields.append((name, value))
        assert at == 4 + head_bytes
        return payload[at:]

    def _take_file(self, record, offset, size):
        worker = self.workers[record.server % len(self.workers)]
        while record.ticket not in self.files:
            self._take_control(worker)
        fd = self.files.pop(record.ticket)
        data = os.pread(fd, size, offset)
        os.close(fd)
        assert len(data) == size
        return data

    def _take_event(self):
        data, fds, _, _ = socket.recv_fds(self.control, 1 << 20, 1)
        if not data:
            self.zygote_is_gone = True
            return
        event = json.loads(data)
        self.events.append(event["event"])
        match event["event"]:
            case "born":
                worker = self.workers[event["worker"]]
                worker.pid, worker.pidfd = event["pid"], fds[0]
            case "died":
                self.died[event["pid"]] = event["status"]
            case "log":
                self.log.append((event["level"], event["text"]))

    def _take_control(self, worker):
        data, fds, _, _ = socket.recv_fds(worker.control, 1 << 16, 1)
        if not data:
            worker.is_gone = True
            return
        kind, value, slot, generation = struct.unpack_from("=IIII", data)
        ticket = generation << 32 | slot
        if kind == READY:
            worker.ready = True
        elif kind == LOG:
            self.log.append((value, data[16:].decode()))
        elif kind == SEND_FILE:
            self.files[ticket] = fds[0]
        elif kind == WANT_BODY:
            fd = self.bodies[ticket]
            packet = struct.pack("=IIII", GIVE_BODY, 0, slot, generation)
            socket.send_fds(worker.control, [packet], [] if fd is None else [fd])

    def text_of_log(self):
        return "\n".join(text for _, text in self.log)

    def exit_code(self, number=0):
        """Waits for the death of a worker; its exit code, or minus a signal."""
        pid = self.workers[number].pid
        self.wait(lambda: pid in self.died)
        return os.waitstatus_to_exitcode(self.died[pid])
