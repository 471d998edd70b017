"""What a proxy says of its client: A31 of the checklist."""

import ast
import socket
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent.parent
SAYINGS = {
    "X-Forwarded-For": "192.0.2.1",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Protocol": "ssl",
    "X-Forwarded-Ssl": "on",
    "X-Forwarded-Host": "evil.test",
    "X-Forwarded-Port": "1",
    "Forwarded": "for=192.0.2.1;proto=https;host=evil.test",
    "X-Real-IP": "192.0.2.1",
    "X-Script-Name": "/evil",
}


@pytest.mark.parametrize("field", [*SAYINGS, "all of them"])
def test_a31_what_strangers_say_does_not_count(serve, field):
    server = serve("worker_apps", cwd=TESTS)
    fields = [f"{name}: {said}" for name, said in SAYINGS.items() if field in (name, "all of them")]
    with server.client() as client:
        client.close()
        client.socket = socket.create_connection(server.address, 20, ("127.0.0.2", 0))
        environ = ast.literal_eval(client.get("/environ", *fields).text)
    assert environ["wsgi.url_scheme"] == "http"
    assert environ["REMOTE_ADDR"] == "127.0.0.2" and environ["HTTP_HOST"] == "test"
    assert environ["SERVER_PORT"] == str(server.address[1])
    assert environ["SCRIPT_NAME"] == ""
