"""A WSGI application that does what slow ones do: it blocks its worker, then answers.

    forebay serve examples.blocking:application

BLOCK_SECONDS sets for how long (default 2), as if it waited for a database or another service.
"""

import os
import time

BLOCK_SECONDS = float(os.environ.get("BLOCK_SECONDS", "2"))


def application(environ, start_response):
    time.sleep(BLOCK_SECONDS)
    body = b"OK\n"
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
