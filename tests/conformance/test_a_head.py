"""What a request's head may look like: A9 to A18, A29 and A32 of the checklist, RFC 9112 sections 2
to 5."""

import pytest
from raw_client import request


def lines(*head: str) -> bytes:
    return "\r\n".join([*head, "", ""]).encode("latin-1")


def get(*fields: str) -> bytes:
    return lines("GET /environ HTTP/1.1", "Host: a", *fields)


# Field lines.


@pytest.mark.parametrize(
    "field", ["X : a", "X\t: a", "X  : a", "Host : b", "Content-Length : 5", "X Y: a"]
)
def test_a9_space_before_the_colon(subject, field):
    subject.refuses(get(field), 400)
    subject.refuses(lines("GET / HTTP/1.1", field, "Host: a"), 400)


@pytest.mark.parametrize(
    "fold", ["X: a\r\n b", "X: a\r\n\tb", "X:\r\n a", "X: a\r\n ", "X: a\r\n\t"]
)
def test_a10_folded_lines(subject, fold):
    subject.refuses(get(fold), 400)
    subject.refuses(get(fold, "Y: z"), 400)


@pytest.mark.parametrize("byte", [*b'()<>@,;\\"/[]?={} ', 0, 1, 9, 10, 13, 31, 127, 128, 233, 255])
def test_a11_bytes_that_no_field_name_has(subject, byte):
    subject.refuses(get(f"X{chr(byte)}Y: a"), 400)
    subject.refuses(get(f"{chr(byte)}: a"), 400)


@pytest.mark.parametrize("field", [":", ": a", "X", "no colon here"])
def test_a11_a_field_is_a_name_and_a_colon(subject, field):
    subject.refuses(get(field), 400)


def test_a11_every_other_byte_is_part_of_a_name(subject):
    environ = subject.environ(get("!#$%&'*+-.^`|~09Zaz: v"))
    assert environ["HTTP_!#$%&'*+_.^`|~09ZAZ"] == "v"


@pytest.mark.parametrize("byte", [*range(9), *range(10, 32), 127])
def test_a12_controls_in_a_value(subject, byte):
    subject.refuses(get(f"X: a{chr(byte)}b"), 400)


def test_a12_everything_else_in_a_value_passes(subject):
    value = bytes([9, *range(32, 127), *range(128, 256)]).decode("latin-1")
    assert subject.environ(get(f"X:{value}"))["HTTP_X"] == value.strip("\t ")
    assert subject.environ(get("X: \t a b \t "))["HTTP_X"] == "a b"
    assert subject.environ(get("X:"))["HTTP_X"] == ""


@pytest.mark.parametrize(
    "sent",
    [
        "GET / HTTP/1.1\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\rHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\rX: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX:\rY: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: b\nY: c\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: b\rContent-Length: 5\r\n\r\n",
        "GET / HTTP/1.1\nHost: a\n\n",
        "GET /\r HTTP/1.1\r\nHost: a\r\n\r\n",
        "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "\rGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
    ids=repr,
)
def test_a13_lines_end_in_crlf(subject, sent):
    subject.refuses(sent.encode(), 400)


def test_a14_a_few_empty_lines_before_a_request(subject):
    for count in range(5):
        subject.environ(b"\r\n" * count + get())
    subject.refuses(b"\r\n" * 5 + get(), 400)
    with subject.client() as client:  # as some old clients end a body
        client.send(request("POST", "/echo", body=b"hello") + b"\r\n" + get())
        assert client.response().body == b"hello" and client.response().status == 200
    subject.called(2)


@pytest.mark.parametrize(
    "sent",
    [
        lines("GET / HTTP/1.1", " Host: a"),
        lines("GET / HTTP/1.1", "\tHost: a"),
        lines("GET / HTTP/1.1", " ", "Host: a"),
        lines(" GET / HTTP/1.1", "Host: a"),
        b" \r\n" + get(),
    ],
    ids=repr,
)
def test_a14_whitespace_before_the_first_field(subject, sent):
    subject.refuses(sent, 400)


# Host.


@pytest.mark.parametrize(
    "sent",
    [
        lines("GET / HTTP/1.1"),
        lines("GET http://a/ HTTP/1.1"),
        lines("GET / HTTP/1.1", "Host: a", "Host: a"),
        lines("GET / HTTP/1.1", "Host: a", "host: b"),
        lines("GET / HTTP/1.0", "Host: a", "Host: b"),
        lines("GET http://a/ HTTP/1.1", "Host: a", "Host: a"),
    ],
    ids=repr,
)
def test_a15_exactly_one_host(subject, sent):
    subject.refuses(sent, 400)


@pytest.mark.parametrize(
    "host",
    """a/b a?b a#b u@a u:p@a :80 a:b a:1:2 a:123456 a:-1 [::1 ::1 [] [::1]x [::1]:x [g] a] % %2 %zz
    "a" <a> a\\b http://a a,b@c \xe9""".split()
    + ["", "a b", "a\tb"],
)
def test_a15_invalid_hosts(subject, host):
    subject.refuses(lines("GET / HTTP/1.1", f"Host: {host}"), 400)


@pytest.mark.parametrize("host", "a a.b A-b.C a_b a: a:1 127.0.0.1:80 [::1] [::1]:80 x%2Fy".split())
def test_a15_valid_hosts(subject, host):
    sent = lines("GET /environ HTTP/1.1", f"Host: {host}")
    assert subject.environ(sent)["HTTP_HOST"] == host


def test_a15_absolute_form_overrides_host(subject):
    sent = lines("GET http://b:81/environ?c HTTP/1.1", "Host: a")
    environ = subject.environ(sent)
    assert (environ["HTTP_HOST"], environ["PATH_INFO"]) == ("b:81", "/environ")
    environ = subject.environ(lines("GET http://b/environ HTTP/1.0"))
    assert environ["HTTP_HOST"] == "b"


# The request line.


@pytest.mark.parametrize(
    ("line", "path", "query"),
    [
        ("GET / HTTP/1.1", "/", ""),
        ("GET //a HTTP/1.1", "//a", ""),
        ("GET /?http://b HTTP/1.1", "/", "http://b"),
        ('GET /a|b^c{d}"<>[]\\`e HTTP/1.1', '/a|b^c{d}"<>[]\\`e', ""),
        ("GET http://b HTTP/1.1", "/", ""),
        ("GET HTTPS://b?c HTTP/1.1", "/", "c"),
        ("OPTIONS * HTTP/1.1", "*", ""),
        ("OPTIONS /a HTTP/1.1", "/a", ""),
    ],
)
def test_a16_target_forms(subject, line, path, query):
    subject.accepts(lines(line, "Host: a"))
    method = line.partition(" ")[0]
    assert subject.server.calls()[-1].rpartition(" ")[0] == f"{method} {path} {query}"


@pytest.mark.parametrize(
    "line",
    [
        "GET *",
        "options *",
        "OPTIONS **",
        "OPTIONS *?a",
        "GET a",
        "GET a/b",
        "GET ?a",
        "GET /a#b",
        "GET #",
        "GET http://b/#c",
        "GET a:80",
        "GET ftp://b/",
        "GET http:/b",
        "GET http://",
        "GET http:///a",
        "GET http://?a",
        "GET http://u@b/",
        "GET http://b:x/",
        "GET ://b/",
        "GET \\a",
        "GET /\x7f",
        "GET /\x00",
        "GET /\x0b",
        "CONNECT /",
        "CONNECT a",
        "CONNECT *",
        "CONNECT http://a/",
    ],
    ids=repr,
)
def test_a16_every_other_target(subject, line):
    subject.refuses(lines(f"{line} HTTP/1.1", "Host: a"), 400)


def test_a16_connect_is_not_implemented(subject):
    subject.refuses(lines("CONNECT a:80 HTTP/1.1", "Host: a"), 501)


@pytest.mark.parametrize("method", ["get", "PURGE", "M-SEARCH", "FROB", "PRI", "!#$%&'*+-.^_`|~"])
def test_a17_methods_are_tokens_and_keep_their_case(subject, method):
    sent = lines(f"{method} /environ HTTP/1.1", "Host: a")
    assert subject.environ(sent)["REQUEST_METHOD"] == method


@pytest.mark.parametrize("method", ["", "G(T", "G:T", "G\tT", "G\xc9T", 'G"T', "[GET]", "GET,"])
def test_a17_methods_that_are_no_tokens(subject, method):
    subject.refuses(lines(f"{method} / HTTP/1.1", "Host: a"), 400)


@pytest.mark.parametrize("version", ["1.2", "1.9", "0.9", "2.0", "2.1", "3.0", "9.9"])
def test_a17_other_versions(subject, version):
    subject.refuses(lines(f"GET / HTTP/{version}", "Host: a"), 505)


@pytest.mark.parametrize(
    "line",
    [
        "GET / HTTP/1",
        "GET / HTTP/1.",
        "GET / HTTP/.1",
        "GET / HTTP/1.10",
        "GET / HTTP/11.1",
        "GET / HTTP/01.1",
        "GET / http/1.1",
        "GET / HTTP/1,1",
        "GET / HTTP/a.b",
        "GET / HTTP/+1.1",
        "GET / HTTP /1.1",
        "GET / HTTP/ 1.1",
        "GET / HTTP/1.1 ",
        "GET / HTTPS/1.1",
        "GET / ICE/1.0",
        "GET / ",
        "GET /",
        "GET",
        "GET  / HTTP/1.1",
        "GET /  HTTP/1.1",
        "GET\t/ HTTP/1.1",
        "GET /\tHTTP/1.1",
        "GET / a HTTP/1.1",
        "GET/ HTTP/1.1",
        "/ HTTP/1.1",
        "HTTP/1.1 200 OK",
    ],
    ids=repr,
)
def test_a17_malformed_request_lines(subject, line):
    subject.refuses(lines(line, "Host: a"), 400)


def test_a17_versions_that_are_served(subject):
    for version in ("1.0", "1.1"):
        sent = lines(f"GET /environ HTTP/{version}", "Host: a")
        assert subject.environ(sent)["SERVER_PROTOCOL"] == f"HTTP/{version}"


def test_a18_two_content_types(subject):
    assert subject.environ(get("Content-Type: a/b"))["CONTENT_TYPE"] == "a/b"
    subject.refuses(get("Content-Type: a/b", "Content-Type: a/b"), 400)
    subject.refuses(get("Content-Type: a/b", "content-type: c/d"), 400)


# Fields that are not passed on.


def test_a29_connection_level_fields_stay_here(subject):
    environ = subject.environ(
        get(
            "X: 0",
            "Connection: x, Y, keep-alive",
            "Keep-Alive: 1",
            "TE: trailers",
            "Trailer: a",
            "Upgrade: b",
            "Proxy-Connection: close",
            "Y: 2",
            "y: 3",
            "Z: 4",
        )
    )
    assert {key for key in environ if key.startswith("HTTP_")} == {"HTTP_HOST", "HTTP_Z"}


def test_a29_connection_cannot_take_away_what_frames_a_message(subject):
    fields = ("Connection: host, content-length, content-type", "Content-Type: a/b")
    environ = subject.environ(request("POST", "/environ", *fields, body=b"hello"))
    wanted = {"HTTP_HOST": "test", "CONTENT_LENGTH": "5", "CONTENT_TYPE": "a/b"}
    assert wanted.items() <= environ.items()


def test_a29_connection_names_are_bounded(subject):
    subject.environ(get("Connection: " + ",".join(["x"] * 16)))
    subject.refuses(get("Connection: " + ",".join(["x"] * 17)), 400)


def test_a32_names_with_an_underscore_are_dropped(subject):
    environ = subject.environ(get("X_Foo: 1", "X-Foo: 2", "X_Bar: 3", "Content_Length: 5"))
    assert environ["HTTP_X_FOO"] == "2"
    assert "HTTP_X_BAR" not in environ and "CONTENT_LENGTH" not in environ
