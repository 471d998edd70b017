"""bjoern has no process manager: this forks WORKERS processes that share a port by SO_REUSEPORT.

Usage: bjoern_launcher.py DIRECTORY MODULE PORT WORKERS. It ends, with all its processes, on SIGTERM
or when one of them ends.
"""

import importlib
import os
import signal
import sys

import bjoern


def main() -> None:
    directory, module, port, workers = sys.argv[1:]
    sys.path.insert(0, directory)
    application = importlib.import_module(module).application
    children = []
    try:
        for _ in range(int(workers)):
            pid = os.fork()
            if pid == 0:
                bjoern.run(application, "127.0.0.1", int(port), reuse_port=True)
                os._exit(1)
            children.append(pid)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        os.wait()
    finally:
        for pid in children:
            os.kill(pid, signal.SIGTERM)


if __name__ == "__main__":
    main()
