"""WSGI (PEP 3333) as a client sees it: part B of the checklist through the real server.

What does not need HTTP to be seen is in test_worker_wsgi.py.
"""

import ast
from pathlib import Path

import pytest
import worker_apps
from raw_client import request
from serving import Server

TESTS = Path(__file__).resolve().parent
ERROR = b"Internal Server Error\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    directory = tmp_path_factory.mktemp("wsgi")
    env = {"WORKER_APPS_SCRATCH": str(directory)}
    server = Server("worker_apps", "--workers", 2, directory=directory, env=env, cwd=TESTS)
    server.troubles_expected = True  # applications that raise are among them
    try:
        server.wait_ready(2)
        yield server
        server.close()
    finally:
        server.kill()


@pytest.fixture
def client(server):
    with server.client() as client:
        yield client


def environ_of(response):
    assert response.status == 200
    return ast.literal_eval(response.text)


# --- environ ---------------------------------------------------------------------------------


def test_environ(server, client):  # B2, B3, B4, B5, B6, B8, B9
    fields = ["X-One: 1", "x-one: 2", "Cookie: a=1", "Cookie: b=2", "X-Caf: \xc3\xa9"]
    target = "//../%65nviron?a=%20b"
    assert client.get(target).text == repr("//../environ")
    environ = environ_of(client.get("/%65nviron?a=%20b", *fields))
    host, port = server.address
    expected = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/environ",
        "QUERY_STRING": "a=%20b",
        "RAW_URI": "/%65nviron?a=%20b",
        "REQUEST_URI": "/%65nviron?a=%20b",
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "REMOTE_PORT": str(client.socket.getsockname()[1]),
        "HTTP_HOST": "test",
        "HTTP_X_ONE": "1,2",
        "HTTP_COOKIE": "a=1; b=2",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
        "type": "dict",
    }
    assert {key: environ.get(key) for key in expected} == expected
    assert environ["HTTP_X_CAF"].encode("latin-1").decode().encode("latin-1").decode() == "\xe9"
    assert "CONTENT_TYPE" not in environ and "CONTENT_LENGTH" not in environ
    assert 0 <= environ["queue_time"] < 10


def test_environ_of_an_upload(client):  # B4
    environ = environ_of(client.post("/environ", b"{}", "Content-Type: a/b"))
    assert (environ["CONTENT_TYPE"], environ["CONTENT_LENGTH"]) == ("a/b", "2")
    client.send(b"POST /environ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    client.send(b"2\r\n{}\r\n0\r\n\r\n")
    assert "CONTENT_LENGTH" not in environ_of(client.response())


# --- framing ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "body", "length"),
    [
        ("/plain", b"plain", "5"),
        ("/pieces", b"one two three", "13"),
        ("/sized", b"sized", "5"),
        ("/big", bytes(range(256)) * 4096, "1048576"),
        ("/generator", b"one two", None),
        ("/writes", b"abcd", None),
        ("/late_start", b"late", None),
        ("/replaced", b"replaced", "8"),
    ],
)
def test_bodies(client, path, body, length):  # B10, B11, B13, B15, B17
    for _ in range(2):  # the connection stays usable
        response = client.get(path)
        assert response.body == body
        assert response.all("Content-Length") == ([length] if length else [])
        client.send(request("HEAD", path))
        head = client.response("HEAD")
        assert head.status == response.status
        assert without(head, "Date") == without(response, "Date", "Transfer-Encoding")


def without(response, *names):
    return [field for field in response.fields if field[0] not in names]


@pytest.mark.parametrize("path", ["/plain", "/generator", "/writes"])
def test_bodies_for_http_1_0(server, path):  # A26, B17
    with server.client() as client:
        client.send(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        body = {"/plain": b"plain", "/generator": b"one two", "/writes": b"abcd"}[path]
        response = client.response()
        assert response.body == body and not response.all("Transfer-Encoding")
        assert client.at_end()


def test_no_content(client):  # A25
    response = client.get("/empty")
    assert response.status == 204 and response.body == b""
    assert client.get("/plain").body == b"plain"


def test_blocks_do_not_wait_for_the_next(server, client):  # B14
    client.send_get("/paced")
    client.head()
    assert client.chunk() == b"first"
    (server.directory / "second").touch()
    assert (client.chunk(), client.chunk()) == (b"second", b"")


@pytest.mark.parametrize("how", ["list", "iterator"])
def test_content_length_and_body_differ(server, how):  # B16
    with server.client() as client:
        assert client.get("/length?5,3,3", f"X-How: {how}").body == b"xxxxx"
        assert client.get("/plain").body == b"plain"
        client.send_get("/length?5,2", f"X-How: {how}")
        assert client.head()["Content-Length"] == "5"
        assert client.rest() == b"xx"
    server.wait_for_log("sent 2 bytes of a body with Content-Length 5")


# --- errors ----------------------------------------------------------------------------------


def test_errors_before_the_head(server, client):  # B10, B11, B12, B19
    for path in ("error", "closing_error", "never_starts", "never_starts_list", "starts_twice"):
        response = client.get(f"/{path}")
        assert (response.status, response.body) == (500, ERROR)
        server.wait_for_log(f"error in GET /{path}\n")


@pytest.mark.parametrize("kind", worker_apps.BAD)
def test_nothing_bad_reaches_the_wire(client, kind):  # A27, B12
    response = client.get(f"/bad?{kind}")
    assert (response.status, response.body) == (500, ERROR)
    assert "Evil" not in repr(response)


@pytest.mark.parametrize("path", ["/closing_error_late", "/replaced_late", "/exit_late"])
def test_errors_after_the_head(server, path):  # B11, B19
    with server.client() as client:
        client.send_get(path)
        assert client.head()["Transfer-Encoding"] == "chunked"
        assert client.chunk()
        assert client.rest() == b""  # no last chunk


def test_connection_level_fields_are_left_out(client):  # B12
    response = client.get("/hop_by_hop")
    assert response["A"] == "b" and response.body == b"ok"
    assert not response.all("Connection") and not response.all("Transfer-Encoding")


# --- wsgi.input ------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 16_384, 100_000, 1_048_576, 3_000_000])
def test_input(client, size):  # B20, B21
    for _ in range(2):
        assert client.post("/read?nothing", b"x" * size).text == "[]"
        assert client.post("/read?size", b"x" * size).text == repr([str(size).encode()])


def test_chunked_input(client):  # B20
    client.send(
        b"POST /read?lines HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"8\r\nfirst\nse\r\n",
        b"b\r\ncond\nthird\n\r\n0\r\n\r\n",
    )
    expected = [b"first\n", b"se", b"cond\n", b"third\n", b""]
    assert ast.literal_eval(client.response().text) == expected


# --- wsgi.errors and wsgi.file_wrapper -------------------------------------------------------


def test_errors_stream(server, client):  # B22
    assert client.get("/errors").status == 200
    server.wait_for_log("^half line\nnext\nrest of it\nl\u20acst \\\\udc80\nprinted\nx")


CONTENT = bytes(range(250)) * 400


@pytest.mark.parametrize("kind", ["regular", "memory", "gzip", "pipe"])
def test_files(client, kind):  # B23
    for _ in range(2):
        assert client.get(f"/file?{kind},0,").body == CONTENT


def test_files_from_an_offset(server, client):  # B23
    assert client.get("/file?regular,99000,").body == CONTENT[99_000:]
    response = client.get("/file?regular,10,20")
    assert response.body == CONTENT[10:30] and response["Content-Length"] == "20"
    client.send(request("HEAD", "/file?regular,10,"))
    assert client.response("HEAD")["Content-Length"] == "99990"
    assert client.get("/file_after_write").body == b"before after"
    client.send_get("/file?regular,99990,20")
    assert client.head()["Content-Length"] == "20"
    assert client.rest() == CONTENT[99_990:]


def test_files_for_clients_that_leave(server):
    for _ in range(20):
        with server.client() as client:
            client.send_get("/file?regular,0,")
            client.reset()
    with server.client() as client:
        assert client.get("/file?regular,0,").body == CONTENT


# --- all of it -------------------------------------------------------------------------------


def test_the_validator_of_the_standard_library_is_content(serve):  # B24
    server = serve("worker_apps:validated", "--threads", 2, cwd=TESTS)
    with server.client() as client:
        for path, body in [
            ("/plain", b"plain"),
            ("/generator", b"one two"),
            ("/writes", b"abcd"),
            ("/errors", b""),
        ]:
            for _ in range(2):
                assert client.get(path, "Cookie: a=1").body == body
        response = client.post("/read?iterate", b"a\nb", "Content-Type: a/b")
        assert ast.literal_eval(response.text) == [b"a\n", b"b"]


def test_children_of_the_application_do_not_answer(client):
    assert client.get("/forks").body == b"parent"
    assert client.get("/forks_streaming").body == b"one two"


def test_an_exit_of_the_application_costs_one_worker(server, client):
    assert client.get("/exit_3").status == 500
    server.wait_ready(2)
    assert client.get("/plain").body == b"plain"
