"""The probe, with wsgiref.validate between it and the server: it complains of either side."""

from wsgiref.validate import validator

import probe


def strict(environ, start_response):
    """The validator wants body pieces of bytes and no Content-Type where there is no body."""
    if environ["PATH_INFO"] == "/write":
        write = start_response("200 OK", [("Content-Type", "text/plain")])
        write(b"written, ")
        return [b"returned"]
    if environ["PATH_INFO"] == "/file":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return environ["wsgi.file_wrapper"](open(__file__, "rb"))
    return probe.application(environ, start_response)


application = validator(strict)
