"""What a service manager does before it starts a service: launcher.py SETTINGS PROGRAM ARGUMENT...

SETTINGS is JSON: `listen` binds so many sockets, as descriptors from 3 on, to free ports of
127.0.0.1 or to the paths that it lists (null: a port); `pid` is whom they are said to be for, if
not this process; `descriptors` is the soft limit.
"""

import json
import os
import resource
import socket
import sys

FIRST = 3


def bind(path: str | None) -> socket.socket:
    if path is None:
        bound = socket.socket()
        bound.bind(("127.0.0.1", 0))
    else:
        bound = socket.socket(socket.AF_UNIX)
        bound.bind(path)
    bound.listen()
    return bound


def main() -> None:
    settings, *command = sys.argv[1:]
    settings = json.loads(settings)
    sockets = [bind(path) for path in settings.get("listen", [])]
    high = [os.dup2(s.fileno(), 100 + i) for i, s in enumerate(sockets)]
    for i, fd in enumerate(high):
        os.dup2(fd, FIRST + i)
    if sockets and "pid" in settings:
        os.environ["LISTEN_PID"] = str(settings["pid"] or os.getpid())
        os.environ["LISTEN_FDS"] = str(len(sockets))
    if soft := settings.get("descriptors"):
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, resource.getrlimit(7)[1]))
    os.execv(command[0], command)


main()
