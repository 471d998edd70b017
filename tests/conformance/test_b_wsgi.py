"""WSGI (PEP 3333) as an application and its clients see it: part B of the checklist.

What does not need HTTP to be seen is in test_worker_wsgi.py.
"""

import ast
import signal
from pathlib import Path
from urllib.parse import quote

import pytest
import worker_apps
from raw_client import Client, request
from serving import until
from subject import running
from worker_apps import READ_FROM, READS

TESTS = Path(__file__).resolve().parent.parent
ERROR = b"Internal Server Error\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    directory = tmp_path_factory.mktemp("wsgi")
    env = {"WORKER_APPS_SCRATCH": str(directory)}
    # Applications that raise are among them.
    with running(
        "worker_apps", troubles_expected=True, directory=directory, env=env, cwd=TESTS
    ) as server:
        yield server


@pytest.fixture
def client(server):
    with server.client() as client:
        yield client


def environ_of(response):
    assert response.status == 200
    return ast.literal_eval(response.text)


# --- environ ---------------------------------------------------------------------------------


def test_b1_environ_is_a_new_dict_for_each_request(client):
    """Which the application changes. It takes two positional arguments, and no others."""
    for _ in range(3):
        environ = environ_of(client.get("/environ"))
        assert environ["type"] == "dict" and environ["keys"] == ["str"]
        assert "mine" not in environ


@pytest.mark.parametrize(
    ("path", "decoded"),
    [
        ("/%C3%A9", "/\xc3\xa9"),
        ("/\xe9", "/\xc3\xa9"),
        ("/%2F%00%25", "//\0%"),
        ("/%zz%4", "/%zz%4"),
        ("/a%20b+c", "/a b+c"),
    ],
)
def test_b2_path_is_decoded_once_and_text_is_latin_1(client, path, decoded):
    assert client.get(path).text == ascii(decoded)


def test_b2_query_and_fields_are_not_decoded(client):
    environ = environ_of(client.get("/%65nviron?a=%20b%2", "X-Caf: %C3%A9", "X-Bytes: \xe9"))
    assert environ["PATH_INFO"] == "/environ" and environ["QUERY_STRING"] == "a=%20b%2"
    assert environ["HTTP_X_CAF"] == "%C3%A9" and environ["HTTP_X_BYTES"] == "\xc3\xa9"


def test_b3_what_is_always_there(server, client):
    expected = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/environ",
        "QUERY_STRING": "",
        "SERVER_NAME": server.address[0],
        "SERVER_PORT": str(server.address[1]),
        "SERVER_PROTOCOL": "HTTP/1.1",
    }
    assert expected.items() <= environ_of(client.get("/environ")).items()


def test_b3_b8_on_a_unix_socket(serve, tmp_path):
    serve("worker_apps", cwd=TESTS, bind=(f"unix:{tmp_path}/socket",))
    with Client(str(tmp_path / "socket")) as client:
        environ = environ_of(client.get("/environ"))
    assert environ["SERVER_NAME"] and environ["SERVER_PORT"]
    assert environ["REMOTE_ADDR"] == "" and "REMOTE_PORT" not in environ


def test_b4_content_fields_are_absent_when_not_sent(client):
    environ = environ_of(client.get("/environ"))
    assert "CONTENT_TYPE" not in environ and "CONTENT_LENGTH" not in environ


def test_b4_content_fields_have_no_prefix(client):
    environ = environ_of(client.post("/environ", b"{}", "Content-Type: a/b"))
    assert (environ["CONTENT_TYPE"], environ["CONTENT_LENGTH"]) == ("a/b", "2")
    assert environ.keys().isdisjoint({"HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"})


@pytest.mark.parametrize("chunks", [b"", b"2\r\n{}\r\n", b"1\r\n{\r\n1;a\r\n}\r\n"])
def test_b4_a_chunked_body_has_the_length_it_came_to(client, chunks):
    """It is complete before the application is called: docs/decisions/0008."""
    client.send(request("POST", "/environ", "Transfer-Encoding: chunked"), chunks + b"0\r\n\r\n")
    environ = environ_of(client.response())
    assert environ["CONTENT_LENGTH"] == ("2" if chunks else "0")
    assert "HTTP_TRANSFER_ENCODING" not in environ


def test_b5_repeated_fields_are_joined(client):
    fields = ["X-One: 1", "Cookie: a=1", "x-one: 2", "cookie: b=2; c=3", "X-ONE: 3"]
    environ = environ_of(client.get("/environ", *fields))
    assert environ["HTTP_X_ONE"] == "1,2,3"
    assert environ["HTTP_COOKIE"] == "a=1; b=2; c=3"


@pytest.mark.parametrize("path", ["//a", "/a//b", "/a/../b", "/./a", "/..", "/a/", "/a;b=c"])
def test_b6_paths_are_not_normalised(client, path):
    assert client.get(path).text == repr(path)


@pytest.mark.parametrize("target", ["/%65nviron?a=%20b", "http://other:1//%65nviron", "/environ?"])
def test_b6_the_raw_target_is_given(client, target):
    environ = environ_of(client.get(target))
    assert environ["RAW_URI"] == environ["REQUEST_URI"] == target


@pytest.mark.parametrize("path", ["/", "/environ", "//environ", "/environ/", "/a%20b", "/%C3%A9"])
def test_b7_script_name_and_path_info_rebuild_the_path(client, path):
    environ = environ_of(client.get(path, "X-App: environ"))
    rebuilt = environ["SCRIPT_NAME"] + quote(environ["PATH_INFO"], encoding="latin-1")
    assert rebuilt == path and environ["SCRIPT_NAME"] == ""


def test_b7_script_name_ends_at_the_border_of_a_segment(serve):
    server = serve("worker_apps", "--root-path", "/shop", cwd=TESTS)
    with server.client() as client:
        for rest, path in {"/a": "/a", "//a?b": "//a", "": "", "/": "/"}.items():
            environ = environ_of(client.get("/%73hop" + rest, "X-App: environ"))
            assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("/shop", path)
        for target in ("/", "/shopping", "/sho", "/a/shop/"):
            assert client.get(target, "X-App: environ").status == 404


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_b8_remote_address(serve, host):
    bind = f"[{host}]:0" if ":" in host else f"{host}:0"
    server = serve("worker_apps", cwd=TESTS, bind=(bind,))
    with server.client() as client:
        environ = environ_of(client.get("/environ"))
        assert environ["REMOTE_ADDR"] == environ["SERVER_NAME"] == host
        assert environ["REMOTE_PORT"] == str(client.socket.getsockname()[1])


@pytest.mark.parametrize(("workers", "threads"), [(1, 1), (1, 2), (2, 1), (2, 2)])
def test_b9_wsgi_keys_are_true_to_fact(serve, workers, threads):
    server = serve("worker_apps", "-w", workers, "--threads", threads, cwd=TESTS)
    expected = {
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.multithread": threads > 1,
        "wsgi.multiprocess": True,  # one worker and its successor run at the same time
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
    }
    environ = environ_of(server.get("/environ"))
    assert expected.items() <= environ.items()
    assert 0 <= environ["queue_time"] < 10


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
def test_b10_b11_b13_b15_b17_bodies(client, path, body, length):
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
def test_b17_bodies_for_http_1_0(server, path):
    with server.client() as client:
        client.send(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        body = {"/plain": b"plain", "/generator": b"one two", "/writes": b"abcd"}[path]
        response = client.response()
        assert response.body == body and not response.all("Transfer-Encoding")
        assert client.at_end()


def test_b17_no_content(client):
    response = client.get("/empty")
    assert response.status == 204 and response.body == b""
    assert client.get("/plain").body == b"plain"


def test_b13_head_goes_with_the_first_block_that_is_not_empty(server, client):
    client.send_get("/empty_first")
    assert client.silent(0.2)
    (server.directory / "not_empty").touch()
    assert client.head()["Transfer-Encoding"] == "chunked"
    assert (client.chunk(), client.chunk()) == (b"late", b"")


def test_b13_empty_blocks_do_not_end_a_body(client):
    client.send_get("/generator")
    client.head()
    assert [client.chunk() for _ in range(3)] == [b"one ", b"two", b""]


def test_b14_blocks_do_not_wait_for_the_next(server, client):
    client.send_get("/paced")
    client.head()
    assert client.chunk() == b"first"
    (server.directory / "second").touch()
    assert (client.chunk(), client.chunk()) == (b"second", b"")


def test_b15_write(client):
    assert client.get("/writes").body == b"abcd"  # two by write(), two of the iterable
    assert client.get("/writes_and_list").body == b"ab"
    assert client.get("/writes_str").body.startswith(b"TypeError: ")
    body = client.get("/writes_from_thread").body
    assert (body.count(b"t"), body.count(b"m"), body[-3:]) == (300_000, 100_000, b"end")


@pytest.mark.parametrize("how", ["list", "iterator"])
def test_b16_content_length_and_body_differ(server, how):
    with server.client() as client:
        assert client.get("/length?5,3,3", f"X-How: {how}").body == b"xxxxx"
        assert client.get("/plain").body == b"plain"
        client.send_get("/length?5,2", f"X-How: {how}")
        assert client.head()["Content-Length"] == "5"
        assert client.rest() == b"xx"
    server.wait_for_log("sent 2 bytes of a body with Content-Length 5")


# --- errors ----------------------------------------------------------------------------------


def test_b10_b11_b19_errors_before_the_head(server, client):
    for path in ("error", "closing_error", "never_starts", "never_starts_list", "starts_twice"):
        response = client.get(f"/{path}")
        assert (response.status, response.body) == (500, ERROR)
        server.wait_for_log(f"error in GET /{path}\n")


@pytest.mark.parametrize("kind", worker_apps.BAD)
def test_a27_b12_nothing_bad_reaches_the_wire(client, kind):
    response = client.get(f"/bad?{kind}")
    assert (response.status, response.body) == (500, ERROR)
    assert "Evil" not in repr(response)


@pytest.mark.parametrize("path", ["/closing_error_late", "/replaced_late", "/exit_late"])
def test_b11_b19_errors_after_the_head(server, path):
    with server.client() as client:
        client.send_get(path)
        assert client.head()["Transfer-Encoding"] == "chunked"
        assert client.chunk()
        assert client.rest() == b""  # no last chunk


def test_a29_b12_connection_level_fields_are_left_out(client):
    response = client.get("/hop_by_hop")
    assert response["A"] == "b" and response.body == b"ok"
    assert not response.all("Connection") and not response.all("Transfer-Encoding")


# --- close() ---------------------------------------------------------------------------------


def closes(server):
    """How often an application's iterable was closed."""
    file = server.directory / "closed"
    return len(file.read_text().splitlines()) if file.exists() else 0


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("how", ["whole", "empty", "error", "late_error", "large"])
def test_b18_close_is_called_once(server, client, method, how):
    before = closes(server)
    with server.client() as leaving:
        leaving.send(request(method, f"/told?{how}"))
        leaving.head()
    until(lambda: closes(server) == before + 1)
    assert client.get("/plain").status == 200  # by the same server, so all is done by now
    assert closes(server) == before + 1


def test_b18_close_is_called_when_the_client_has_left(server, client):
    before = closes(server)
    for _ in range(5):
        leaving = server.client()
        leaving.send_get("/told?large")
        leaving.reset()
    assert client.get("/plain").status == 200
    until(lambda: server.status()["servers"]["busy"] == 0)
    assert closes(server) <= before + 5
    with server.client() as leaving:
        before = closes(server)
        leaving.send_get("/told?large")
        leaving.head()
        leaving.reset()
    until(lambda: closes(server) == before + 1)
    assert client.get("/plain").status == 200
    assert closes(server) == before + 1


def test_b18_close_is_called_when_the_server_stops(serve, tmp_path):
    env = {"WORKER_APPS_SCRATCH": str(tmp_path)}
    server = serve("worker_apps", cwd=TESTS, env=env, directory=tmp_path)
    with server.send_get("/told?waits") as client:
        client.head()
        server.signal(signal.SIGTERM)
        server.wait_for_log("Handling signal: TERM")
        (tmp_path / "go_on").touch()
        assert client.chunk() == b"first" and client.chunk() == b""
    server.wait_exit()
    assert closes(server) == 1


# --- wsgi.input ------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 16_384, 100_000, 1_048_576, 3_000_000])
def test_b20_b21_bodies_read_and_not_read(client, size):
    for _ in range(2):
        assert client.post("/read?nothing", b"x" * size).text == "[]"
        assert client.post("/read?size", b"x" * size).text == repr([str(size).encode()])


@pytest.mark.parametrize("framing", ["length", "chunks"])
@pytest.mark.parametrize("how", READS)
def test_b20_ways_to_read(client, how, framing):
    """What comes after the body is the next request, never more of this one."""
    for _ in range(2):
        if framing == "length":
            client.send(request("POST", f"/read?{how}", body=READ_FROM))
        else:
            client.send(request("POST", f"/read?{how}", "Transfer-Encoding: chunked"))
            client.send(b"9\r\n%b\r\n9\r\n%b\r\n0\r\n\r\n" % (READ_FROM[:9], READ_FROM[9:]))
        client.send_get("/plain")
        assert ast.literal_eval(client.response().text) == READS[how]
        assert client.response().body == b"plain"


def test_b20_no_body_is_an_empty_one(client):
    assert ast.literal_eval(client.get("/read?all").text) == [b"", b"", b""]


# --- wsgi.errors and wsgi.file_wrapper -------------------------------------------------------


def test_b22_errors_stream(server, client):
    assert client.get("/errors").status == 200
    server.wait_for_log("^half line\nnext\nrest of it\nl\u20acst \\\\udc80\nprinted\nx")


def test_b22_errors_stream_of_several_threads(server, client):
    assert client.get("/errors_from_threads").status == 200
    for name in "abcd":
        server.wait_for_log(f"^{name * 40}$", 50)


CONTENT = bytes(range(250)) * 400


@pytest.mark.parametrize("kind", ["regular", "memory", "gzip", "pipe"])
def test_b23_files(client, kind):
    for _ in range(2):
        assert client.get(f"/file?{kind},0,").body == CONTENT


def test_b23_files_from_an_offset(server, client):
    assert client.get("/file?regular,99000,").body == CONTENT[99_000:]
    response = client.get("/file?regular,10,20")
    assert response.body == CONTENT[10:30] and response["Content-Length"] == "20"
    client.send(request("HEAD", "/file?regular,10,"))
    assert client.response("HEAD")["Content-Length"] == "99990"
    assert client.get("/file_after_write").body == b"before after"
    client.send_get("/file?regular,99990,20")
    assert client.head()["Content-Length"] == "20"
    assert client.rest() == CONTENT[99_990:]


def test_b23_files_for_clients_that_leave(server):
    for _ in range(20):
        with server.client() as client:
            client.send_get("/file?regular,0,")
            client.reset()
    with server.client() as client:
        assert client.get("/file?regular,0,").body == CONTENT


# --- all of it -------------------------------------------------------------------------------


def test_b24_the_validator_of_the_standard_library_is_content(serve):
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
    server.wait_ready()
    assert client.get("/plain").body == b"plain"
