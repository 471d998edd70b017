"""What zygote and workers share: a life bound to the front's, and messages to it."""

import faulthandler
import fcntl
import os
import select
import signal

from forebay._worker import leave_signal_stack

CRITICAL, ERROR, WARNING, INFO, DEBUG = 50, 40, 30, 20, 10
"""Levels of the error log, as in the logging module."""


def die_with_front(life: int) -> int:
    """Binds this process to the pipe whose write end only the front holds.

    When that end vanishes, however the front died, the kernel sends us SIGKILL (fcntl(2),
    F_SETSIG), whatever this process is doing. It needs a description of its own, as the owner
    belongs to the description, which is shared by forks. Returns it; closing it undoes all.
    """
    own = os.open(f"/proc/self/fd/{life}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.fcntl(own, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(own, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(own, fcntl.F_SETFL, fcntl.fcntl(own, fcntl.F_GETFL) | os.O_ASYNC)
    gone = select.poll()
    gone.register(life, 0)
    if gone.poll(0):  # it was gone before the signal was armed
        os.kill(os.getpid(), signal.SIGKILL)
    return own


def write_tracebacks(memfd: int, offset: int) -> None:
    """From now on SIGRTMAX, and a crash, make this process write there what its threads are doing.

    Not through Python code: it works while a thread holds the GIL.
    """
    own = os.open(f"/proc/self/fd/{memfd}", os.O_WRONLY | os.O_CLOEXEC)
    os.lseek(own, offset, os.SEEK_SET)
    faulthandler.register(signal.SIGRTMAX, file=own, all_threads=True)
    if not os.environ.get("PYTHONFAULTHANDLER"):
        faulthandler.enable(file=own)
    # It has taken a small stack for all signal handlers, Python's as well: a few signals at once
    # overflow it where a frame is large (AVX-512, AMX).
    leave_signal_stack()


def ignore(*signals: int) -> None:
    """Ignores signals through a handler, so that programs started from here get the defaults."""
    for number in signals:
        signal.signal(number, lambda *_: None)
