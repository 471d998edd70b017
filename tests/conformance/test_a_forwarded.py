"""What a proxy says of its client, A31 of the checklist. How to say who is one: see
../integration/test_proxies.py."""

import json

import pytest
from raw_client import Client
from subject import Subject, running

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
    "SCRIPT_NAME": "/evil",
    "PATH_INFO": "/evil",
    "REMOTE_ADDR": "192.0.2.1",
}
ALL = [f"{name}: {said}" for name, said in SAYINGS.items()]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running("mirror", "--real-ip", directory=tmp_path_factory.mktemp("forwarded")) as server:
        yield server


@pytest.mark.parametrize("said", [*([field] for field in ALL), ALL], ids=lambda said: said[-1])
def test_a31_what_strangers_say_does_not_count(server, said):
    with Client(server.address, source="127.0.0.2") as client:
        environ = json.loads(client.get("/path", *said).text)
    assert environ["wsgi.url_scheme"] == "http"
    assert environ["REMOTE_ADDR"] == "127.0.0.2" and environ["HTTP_HOST"] == "test"
    assert environ["SERVER_PORT"] == str(server.address[1])
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("", "/path")


def test_a31_what_trusted_proxies_say_counts(server):
    said = ("X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: https", "SCRIPT_NAME: /path")
    environ = json.loads(server.get("/path/a", *said).text)
    assert environ["wsgi.url_scheme"] == "https" and environ["REMOTE_ADDR"] == "192.0.2.1"
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("/path", "/a")


@pytest.mark.parametrize(
    "said",
    [
        ("X-Forwarded-Proto: https", "X-Forwarded-Ssl: off"),
        ("X-Forwarded-Proto: http", "X-Forwarded-Protocol: ssl"),
        ("X-Forwarded-Proto: https", "X-Forwarded-Proto: http"),
    ],
    ids=" | ".join,
)
def test_a31_contradictions_are_refused(subject: Subject, said):
    with subject.client() as client:
        assert client.get("/", *said).status == 400
    subject.called(0)
