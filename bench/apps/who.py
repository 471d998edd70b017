"""Says in X-Pid which process ran it."""

import os

BODY = b"Hello, World!"


def application(environ, start_response):
    headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(BODY)))]
    start_response("200 OK", [*headers, ("X-Pid", str(os.getpid()))])
    return [BODY]
