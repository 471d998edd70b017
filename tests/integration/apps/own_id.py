"""Gives its answers an X-Request-ID of its own."""


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("x-request-id", "applications")])
    return [b"hello"]
