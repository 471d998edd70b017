"""Takes 50 ms without the GIL, and notes in the file `runs` of $HOME whose request it ran.

A line is the number that the client gave its request in X-Number; without one nothing is noted.
"""

import os
import time

SERVICE_S = 0.05
BODY = b"done"
HEADERS = [("Content-Type", "text/plain"), ("Content-Length", str(len(BODY)))]
RUNS = os.open(f"{os.environ['HOME']}/runs", os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def application(environ, start_response):
    if number := environ.get("HTTP_X_NUMBER"):
        os.write(RUNS, f"{number}\n".encode())
    time.sleep(SERVICE_S)
    start_response("200 OK", HEADERS)
    return [BODY]
