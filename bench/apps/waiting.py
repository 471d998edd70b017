"""Waits 1 ms without the GIL, as for a database: what is measured is how threads are used."""

import time

BODY = b"Hello, World!"
HEADERS = [("Content-Type", "text/plain"), ("Content-Length", str(len(BODY)))]


def application(environ, start_response):
    time.sleep(0.001)
    start_response("200 OK", HEADERS)
    return [BODY]
