"""Tells where it runs. LOADED_IN is the process that imported it."""

import json
import os
import sys

LOADED_IN = os.getpid()


def application(environ, start_response):
    facts = {
        "cwd": os.getcwd(),
        "path": sys.path,
        "env": dict(os.environ),
        "prefix": sys.prefix,
        "loaded_in": LOADED_IN,
        "pid": os.getpid(),
        "parent": os.getppid(),
        "multithread": environ["wsgi.multithread"],
        "multiprocess": environ["wsgi.multiprocess"],
    }
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(facts).encode()]
