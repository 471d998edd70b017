"""The application of tests/crash: probe, and /file by wsgi.file_wrapper."""

from pathlib import Path

from probe import application as probe

LARGE = Path(__file__).parent / "probe.py"


def application(environ, start_response):
    if environ["PATH_INFO"] != "/file":
        return probe(environ, start_response)
    start_response("200 OK", [("Content-Length", str(LARGE.stat().st_size))])
    return environ["wsgi.file_wrapper"](LARGE.open("rb"))
