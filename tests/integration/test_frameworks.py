"""Flask, Django and wsgiref's own validator are content with this server."""

import hashlib

import pytest
import requests
from raw_client import Client, request
from serving import APPS, memory_peak

MIB = 1024 * 1024


@pytest.fixture(params=["flask_site:app", "flask_site:create_app()"])
def flask_site(request, serve):
    return serve(request.param, "-w", "2")


def test_flask_pages_sessions_forms_and_uploads(flask_site):
    url = flask_site.url
    with requests.Session() as browser:
        assert browser.get(url).text == "flask"
        assert browser.get(f"{url}/whoami").json()["name"] is None
        answer = browser.post(f"{url}/login", data={"name": "Zoë & co"})
        assert answer.status_code == 200 and answer.history[0].status_code == 302
        assert answer.json()["name"] == "Zoë & co"
        files = {"small": b"x", "large": b"y" * (3 * MIB)}
        assert browser.post(f"{url}/upload", files=files).json() == {"small": 1, "large": 3 * MIB}
        assert browser.get(f"{url}/stream").text == "".join(f"{i}\n" for i in range(1000))
        assert browser.get(f"{url}/teapot").status_code == 418
        assert browser.get(f"{url}/nowhere").status_code == 404
        head = browser.head(url)
        assert head.status_code == 200 and head.headers["Content-Length"] == "5"


def test_flask_error_is_a_500_and_a_traceback_in_the_log(flask_site):
    flask_site.troubles_expected = True
    assert requests.get(f"{flask_site.url}/broken", timeout=10).status_code == 500
    flask_site.wait_for_log("RuntimeError: the view raised")
    assert requests.get(flask_site.url, timeout=10).text == "flask"


@pytest.fixture
def django_site(serve):
    return serve("django_site.wsgi", "-w", "2", "--threads", "2")


def test_django_pages_forms_sessions_streams_and_files(django_site):
    url = django_site.url
    with requests.Session() as browser:
        assert browser.get(url).text == "django"
        token = browser.get(f"{url}/form").json()["token"]
        form = {"name": "Zoë", "csrfmiddlewaretoken": token}
        assert browser.post(f"{url}/form", data=form).json()["name"] == "Zoë"
        assert browser.post(f"{url}/form", data={"name": "no token"}).status_code == 403
        assert browser.get(f"{url}/stream").text == "".join(f"line {i}\n" for i in range(1000))
        source = (APPS / "django_site" / "views.py").read_text()
        assert browser.get(f"{url}/file").text == source
        assert browser.get(f"{url}/nowhere").status_code == 404


def test_django_gets_an_upload_of_100_mib_and_the_front_stays_small(django_site):
    piece, count = bytes(range(256)) * 4096, 100
    before = memory_peak(django_site.pid)
    with django_site.client(seconds=60) as client:
        client.send(request("POST", "/upload", f"Content-Length: {count * len(piece)}"))
        for _ in range(count):
            client.send(piece)
        expected = hashlib.sha256(piece * count).hexdigest()
        assert client.response().text == f"{count * len(piece)} {expected}"
    assert memory_peak(django_site.pid) - before < 16 * MIB


# requests sends in chunks what has no length, as an iterator.
CHUNKS = [b"name=", b"Zo%C3%AB", b"&city=" + b"x" * 100_000]
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def test_django_gets_what_comes_in_chunks(django_site):
    url = django_site.url
    sent = b"".join(CHUNKS)
    answer = requests.post(f"{url}/upload", data=iter(CHUNKS), timeout=10)
    assert answer.text == f"{len(sent)} {hashlib.sha256(sent).hexdigest()}"
    with requests.Session() as browser:
        token = browser.get(f"{url}/form").json()["token"]
        form = iter([*CHUNKS, f"&csrfmiddlewaretoken={token}".encode()])
        assert browser.post(f"{url}/form", data=form, headers=FORM).json()["name"] == "Zoë"


def test_flask_gets_what_comes_in_chunks(flask_site):
    with requests.Session() as browser:
        answer = browser.post(f"{flask_site.url}/login", data=iter(CHUNKS), headers=FORM)
        assert answer.json()["name"] == "Zoë"


@pytest.fixture
def validated(serve):
    return serve("validated", "--threads", "2")


def test_validator_finds_nothing(validated):
    with validated.client() as client:
        assert client.get("/").text == "hello"
        assert client.get("/environ?a=b", "X-Field: value").status == 200
        assert client.post("/echo", b"a body").body == b"a body"
        assert client.post("/echo", b"long" * 100_000).body == b"long" * 100_000
        client.send(
            request("POST", "/echo", "Transfer-Encoding: chunked"), b"3\r\nabc\r\n0\r\n\r\n"
        )
        assert client.response().body == b"abc"
        client.send(request("HEAD", "/"))
        assert client.response("HEAD").body == b""
        assert client.get("/large/200000").body[:4] == b"\0\1\2\3"
        assert client.get("/write").text == "written, returned"
        assert client.get("/file").text == (APPS / "validated.py").read_text()


def test_validator_finds_nothing_on_a_unix_socket(serve, tmp_path):
    serve("validated", bind=(f"unix:{tmp_path}/socket",))
    with Client(str(tmp_path / "socket")) as client:
        assert client.get("/environ").status == 200
