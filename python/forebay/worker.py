"""A worker process: loads the application and runs requests, one per server (thread)."""

import os
import random
import signal
import sys
import threading
import traceback
from dataclasses import dataclass
from typing import Any

from forebay import _worker
from forebay.app_loader import AppError, Application, load
from forebay.error_stream import ErrorStream
from forebay.process import ERROR, die_with_front, ignore, write_tracebacks

BOOT_FAILED = 3
APP_UNUSABLE = 4
"""Exit codes, as gunicorn has them."""


@dataclass(frozen=True)
class Options:
    """What the front tells the zygote at the start."""

    app: str
    threads: int
    seats: int
    listeners: list[dict[str, Any]]
    version: str
    preload: bool = False
    traceback_bytes: int = 0
    descriptors: int = 0
    chdir: str | None = None
    pythonpath: tuple[str, ...] = ()
    env: dict[str, str] | None = None


@dataclass(frozen=True)
class Seat:
    """One worker's place: its number and its file descriptors."""

    worker: int
    control: int
    memfd: int
    wake: int
    life: int
    tracebacks: int


def main(options: Options, seat: Seat, app: Application | None) -> int:
    """The life of a worker, from the fork on; returns the exit code. `app`: what was preloaded."""
    die_with_front(seat.life)
    os.close(seat.life)
    write_tracebacks(seat.tracebacks, seat.worker * options.traceback_bytes)
    os.close(seat.tracebacks)
    worker = _worker.Worker(seat.memfd, seat.wake, seat.control)
    os.close(seat.memfd)
    set_signals(worker)
    os.register_at_fork(after_in_child=worker.disown)
    pid = os.getpid()
    random.seed()
    if app is None:
        try:
            app = load(options.app)
        except BaseException as error:
            text, code = explain(error)
            worker.log(ERROR, text.encode(errors="backslashreplace"))
            return code
    worker.ready()
    try:
        serve(worker, options, seat, app)
    finally:
        if os.getpid() != pid:
            os._exit(0)  # a child of the application that returned into its parent's work
    return 0


def explain(error: BaseException) -> tuple[str, int]:
    """Why the application cannot be loaded, for the error log, and the exit code that says so."""
    if isinstance(error, AppError):
        return f"cannot use the application: {error}", APP_UNUSABLE
    shown = "".join(traceback.format_exception(error)).rstrip()
    return f"cannot load the application:\n{shown}", BOOT_FAILED


def set_signals(worker: _worker.Worker) -> None:
    signal.signal(signal.SIGTERM, lambda *_: worker.stop())
    signal.signal(signal.SIGQUIT, lambda *_: os._exit(0))
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    ignore(signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


def serve(worker: _worker.Worker, options: Options, seat: Seat, app: Application) -> None:
    """Runs this process's servers until they are to end; raises what makes the process leave."""
    templates = make_templates(options, ErrorStream(worker.log))
    leave: list[BaseException] = []

    def run(server: int) -> None:
        try:
            worker.run(server, app, templates)
        except BaseException as error:
            leave.append(error)
            worker.stop()

    # Neighbours are in different processes: the front wakes the lowest number first.
    servers = [seat.worker + thread * options.seats for thread in range(options.threads)]
    threads = [
        threading.Thread(target=run, args=(server,), name=f"server-{server}")
        for server in servers[1:]
    ]
    for thread in threads:
        thread.start()
    run(servers[0])
    for thread in threads:
        thread.join()
    if leave:
        raise leave[0]


def make_templates(options: Options, errors: ErrorStream) -> list[dict[str, Any]]:
    """What all requests of a listener have in common (PEP 3333 "environ Variables")."""
    return [
        {
            "SERVER_SOFTWARE": sys.intern(f"forebay/{options.version}"),
            "SERVER_NAME": listener["server_name"],
            "SERVER_PORT": str(listener["server_port"]),
            "SCRIPT_NAME": "",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": listener["scheme"],
            "wsgi.errors": errors,
            "wsgi.multithread": options.threads > 1,
            # Even of one worker: its successor runs beside it for a while.
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
            "wsgi.file_wrapper": _worker.FileWrapper,
            "wsgi.input_terminated": True,
        }
        for listener in options.listeners
    ]
