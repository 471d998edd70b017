"""The zygote: loads the application if it is to be preloaded, and forks workers for the front.

It talks with the front by JSON objects, one a packet:

    front:  the options, first of all
            {"command": "fork", "worker": 0}  and the worker's end of its own control socket
            {"command": "quit"}
    zygote: {"event": "ready"}
            {"event": "born", "worker": 0, "pid": 17}  and a pidfd
            {"event": "unborn", "worker": 0}  it could not be forked
            {"event": "died", "pid": 17, "status": as from waitpid(2)}
            {"event": "log", "level": 40, "text": "..."}
"""

import argparse
import contextlib
import dataclasses
import gc
import json
import os
import resource
import selectors
import signal
import socket
import sys
from typing import Any

from forebay import worker
from forebay._worker import crash_point
from forebay.app_loader import Application, load
from forebay.process import ERROR, WARNING, die_with_front, ignore, write_tracebacks

PACKET_BYTES_MAX = 1024 * 1024
LOG_TEXT_MAX = 15_000
"""Characters: each may take 12 bytes in JSON, and a packet has to fit into a socket's buffer."""
LOAD_FAILED = 1
"""Exit code, as gunicorn has it."""


class Zygote:
    """The zygote's books: its socket to the front and the workers that it has to reap."""

    def __init__(
        self, control: socket.socket, memfd: int, wake: int, life: int, tracebacks: int
    ) -> None:
        self._control = control
        self._memfd = memfd
        self._wake = wake
        self._life = life
        self._tracebacks = tracebacks
        self._own_life = die_with_front(life)
        self._workers: set[int] = set()
        # A byte arrives here for each signal.
        self._signals, signal_writer = socket.socketpair()
        self._signals.setblocking(False)
        signal_writer.setblocking(False)
        self._signal_writer = signal_writer
        self.take_signals()

    def take_signals(self) -> None:
        """Once more when the application has been loaded: it may have handlers and a mask."""
        signal.set_wakeup_fd(self._signal_writer.fileno(), warn_on_full_buffer=False)
        ignore(signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP)
        ignore(signal.SIGUSR1, signal.SIGUSR2)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())

    def receive(self) -> tuple[dict[str, Any], int]:
        """The next packet and the fd that came with it, or -1. The front's end ends us as well."""
        try:
            data, fds, _, _ = socket.recv_fds(self._control, PACKET_BYTES_MAX, 1)
        except ConnectionResetError:  # it was killed before it had read all that we said
            os._exit(0)
        if not data:
            os._exit(0)
        for fd in fds:
            os.set_inheritable(fd, False)
        return json.loads(data), fds[0] if fds else -1

    def send(self, fd: int = -1, **event: Any) -> None:
        packet = json.dumps(event).encode()
        try:
            socket.send_fds(self._control, [packet], [fd] if fd >= 0 else [])
        except OSError:
            os._exit(0)  # the front is gone

    def log(self, level: int, text: str) -> None:
        self.send(event="log", level=level, text=text[:LOG_TEXT_MAX])

    def wait_for_fork(self) -> worker.Seat | None:
        """Serves the front. Returns its seat in each worker, and None in the zygote at the end."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._control, selectors.EVENT_READ)
            selector.register(self._signals, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select()}
                if self._signals in ready:
                    self._signals.recv(4096)
                    self._reap()
                if self._control not in ready:
                    continue
                command, fd = self.receive()
                if command["command"] == "quit":
                    return None
                if seat := self._fork(command["worker"], fd):
                    return seat

    def _fork(self, number: int, control: int) -> worker.Seat | None:
        flush_output()
        born, teller = -1, -1
        try:
            born, teller = os.pipe()
            pid = os.fork()
        except OSError as error:
            self.log(ERROR, f"cannot fork worker {number}: {error}")
            for end in {born, teller, control} - {-1}:
                os.close(end)
            self.send(event="unborn", worker=number)
            return None
        if pid == 0:
            crash_point("worker.forked")
            os.close(teller)
            if not os.read(born, 1):
                os._exit(0)  # the zygote was killed before the front heard of us
            os.close(born)
            self._become_worker()
            return worker.Seat(
                number, control, self._memfd, self._wake, self._life, self._tracebacks
            )
        crash_point("zygote.forked")
        self._workers.add(pid)
        os.close(born)
        os.close(control)
        pidfd = os.pidfd_open(pid)
        self.send(pidfd, event="born", worker=number, pid=pid)
        crash_point("zygote.birth_told")
        os.close(pidfd)  # at once: a later fork would keep it
        with contextlib.suppress(BrokenPipeError):  # it was killed already
            os.write(teller, b"!")
        crash_point("zygote.birth_over")
        os.close(teller)
        return None

    def _become_worker(self) -> None:
        signal.set_wakeup_fd(-1)
        for end in (self._signals, self._signal_writer, self._control):
            end.close()
        os.close(self._own_life)

    def _reap(self) -> None:
        """Only our own children: the application may have started others, and waits for them."""
        for pid in list(self._workers):
            try:
                reaped, status = os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:  # what was preloaded waits for any child
                self.log(WARNING, f"how worker {pid} ended is unknown: the application reaped it")
                reaped, status = pid, 0
            if reaped:
                crash_point("zygote.reaped")
                self._workers.remove(pid)
                self.send(event="died", pid=pid, status=status)


def flush_output() -> None:
    """What has been printed so far, or each worker would print it again. A stream that is closed,
    full, or none at all is the application's affair."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()


def apply(options: worker.Options) -> None:
    """Environment, directory and sys.path, as gunicorn sets them, and the limit of descriptors that
    was set for the application: the front has raised its own."""
    if options.descriptors:
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (options.descriptors, hard))
    os.environ.update(options.env or {})
    if options.chdir:
        os.chdir(options.chdir)
    sys.path[:0] = [*map(os.path.abspath, options.pythonpath), os.getcwd()]


def preload(options: worker.Options) -> Application | None:
    if not options.preload:
        return None
    app = load(options.app)
    # What is there now stays; the collector would only touch, and so copy, pages shared with forks.
    gc.collect()
    gc.freeze()
    return app


def read_options(packet: dict[str, Any]) -> worker.Options:
    """Leaves out what a front of another version may say and we do not know."""
    known = {field.name for field in dataclasses.fields(worker.Options)}
    return worker.Options(**{key: value for key, value in packet.items() if key in known})


def main(arguments: list[str]) -> int:
    """Runs the zygote, and in each process forked from it the worker. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="forebay zygote")
    for name in ("control", "memfd", "wake", "life", "tracebacks"):
        parser.add_argument(f"--{name}", type=int, required=True, metavar="FD")
    fds = parser.parse_args(arguments)
    for fd in vars(fds).values():
        os.set_inheritable(fd, False)
    control = socket.socket(fileno=fds.control)
    zygote = Zygote(control, fds.memfd, fds.wake, fds.life, fds.tracebacks)
    options = read_options(zygote.receive()[0])
    write_tracebacks(fds.tracebacks, options.seats * options.traceback_bytes)
    try:
        apply(options)
        app = preload(options)
        zygote.take_signals()
    except BaseException as error:
        zygote.log(ERROR, worker.explain(error)[0])
        return LOAD_FAILED
    zygote.send(event="ready")
    seat = zygote.wait_for_fork()
    return worker.main(options, seat, app) if seat else 0
