"""Reads the whole request body and answers its length, in decimal."""


def application(environ, start_response):
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body = str(len(environ["wsgi.input"].read(length))).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
