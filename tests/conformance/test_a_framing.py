"""Where a request's body ends: A1 to A8 and A24 of the checklist, RFC 9112 sections 6 to 8."""

import pytest
from raw_client import request

CHUNKED = "Transfer-Encoding: chunked"
NOTHING = b"0\r\n\r\n"


def post(*fields: str, body: bytes = b"") -> bytes:
    return request("POST", "/echo", *fields) + body


def chunked(body: bytes) -> bytes:
    return post(CHUNKED, body=body)


# A1, A2: two lengths, or one that the version does not know.


@pytest.mark.parametrize(
    "fields",
    [
        (CHUNKED, "Content-Length: 5"),
        ("Content-Length: 5", CHUNKED),
        ("Content-Length: 0", CHUNKED),
        ("content-length: 5", "X: y", "TRANSFER-ENCODING: chunked"),
        ("Content-Length: 5", "Transfer-Encoding: identity"),
        ("Content-Length: 5", "Transfer-Encoding:"),
        ("Content-Length: 5", CHUNKED, "Connection: transfer-encoding"),
        ("Content-Length: 5", CHUNKED, "Connection: content-length"),
    ],
    ids=" | ".join,
)
def test_a1_transfer_encoding_with_content_length(subject, fields):
    subject.refuses(post(*fields, body=NOTHING), 400)


@pytest.mark.parametrize("fields", ["", "Connection: keep-alive\r\n", "Content-Length: 5\r\n"])
def test_a2_transfer_encoding_in_http_1_0(subject, fields):
    head = f"POST /echo HTTP/1.0\r\nHost: a\r\n{fields}{CHUNKED}\r\n\r\n".encode()
    subject.refuses(head + NOTHING, 400)


# A3: transfer codings.


@pytest.mark.parametrize("coding", ["chunked", "CHUNKED", "cHuNkEd", "  chunked  ", "\tchunked"])
def test_a3_chunked_in_any_case(subject, coding):
    answer = subject.accepts(post(f"Transfer-Encoding:{coding}", body=b"3\r\nabc\r\n" + NOTHING))
    assert answer.body == b"abc"


@pytest.mark.parametrize(
    "codings",
    [
        "",
        "identity",
        "xchunked",
        "chunkedx",
        "chunk",
        "chunked chunked",
        "chunked, chunked",
        "chunked, identity",
        "chunked, gzip",
        "chunked,",
        ", chunked",
        ",,chunked",
        "gzip,, chunked",
        "chunked;q=1",
        '"chunked"',
        "\x0bchunked",
        "chunked\x0c",
        "chunked\x00",
        "\xc4\x89hunked",
        "chunked\r\nTransfer-Encoding: chunked",
        "chunked\r\nTransfer-Encoding: identity",
        "chunked\r\nTransfer-Encoding:",
        "identity\r\nTransfer-Encoding: gzip",
        "\r\n chunked",
    ],
    ids=repr,
)
def test_a3_malformed_transfer_codings(subject, codings):
    subject.refuses(post(f"Transfer-Encoding: {codings}", body=NOTHING), 400)


@pytest.mark.parametrize(
    "codings", ["gzip, chunked", "x, y, chunked", "identity, chunked", "gzip\r\n" + CHUNKED]
)
def test_a3_unknown_transfer_codings(subject, codings):
    subject.refuses(post(f"Transfer-Encoding: {codings}", body=NOTHING), 501)


@pytest.mark.parametrize("name", ["Transfer_Encoding", "Transfer.Encoding", "X-Transfer-Encoding"])
def test_a3_names_that_only_look_like_transfer_encoding(subject, name):
    """There is no body, so what follows is a request."""
    assert subject.accepts(post(f"{name}: chunked")).body == b""


# A4: Content-Length.


@pytest.mark.parametrize("length", ["5", "005", " 5 ", "5 "])
def test_a4_content_length_in_digits(subject, length):
    assert subject.accepts(post(f"Content-Length:{length}", body=b"hello")).body == b"hello"


@pytest.mark.parametrize(
    "length",
    [
        "",
        " ",
        ",",
        "5,",
        ",5",
        "5, 5",
        "5,6",
        "+5",
        "-5",
        "-0",
        "5 5",
        "0x5",
        "5h",
        "five",
        "5.0",
        "5e0",
        "5;",
        '"5"',
        "5_0",
        "\x0b5",
        "5\x00",
        "\xb2",
        "\xd9\xa5",
        "18446744073709551616",
        "18446744073709551621",
        "9" * 40,
        "\r\n 5",
    ],
    ids=repr,
)
def test_a4_every_other_content_length(subject, length):
    subject.refuses(post(f"Content-Length: {length}", body=b"hello"), 400)


@pytest.mark.parametrize("second", ["Content-Length: 5", "content-length: 6", "Content-Length:"])
def test_a4_two_content_lengths(subject, second):
    subject.refuses(post("Content-Length: 5", second, body=b"hello!"), 400)


# A5: sizes of chunks.


@pytest.mark.parametrize("size", ["5", "05", "0000000000000000000000005"])
def test_a5_chunk_sizes_in_hex(subject, size):
    assert subject.accepts(chunked(f"{size}\r\nhello\r\n".encode() + NOTHING)).body == b"hello"
    body = b"x" * 0xAB
    assert subject.accepts(chunked(b"aB\r\n" + body + b"\r\n000\r\n\r\n")).body == body


@pytest.mark.parametrize(
    "size",
    [
        "",
        " ",
        "+5",
        "-5",
        "-0",
        "0x5",
        "0X5",
        "5 ",
        " 5",
        "\t5",
        "5\t",
        "5_0",
        "_5",
        "5h",
        "h",
        "5,",
        "5.0",
        "5 5",
        '"5"',
        ";a",
        "\x005",
        "5\x00",
        "\xd9\xa5",
        "10000000000000000",
        "10000000000000005",
        "f" * 17,
    ],
    ids=repr,
)
def test_a5_every_other_chunk_size(subject, size):
    subject.refuses(chunked(size.encode("latin-1") + b"\r\nhello\r\n" + NOTHING), 400)


def test_a5_chunk_size_lines_are_bounded(subject):
    assert subject.accepts(chunked(b"0" * 1023 + b"5\r\nhello\r\n" + NOTHING)).body == b"hello"
    subject.refuses(chunked(b"0" * 1025), 400)


# A6: extensions of chunks.


@pytest.mark.parametrize("extension", [";", ";a", ";a=b", ';a="b;c"', "; a = b", ";a;b;c", ";\xe9"])
def test_a6_chunk_extensions_are_ignored(subject, extension):
    line = extension.encode("latin-1") + b"\r\n"
    body = b"5" + line + b"hello\r\n0" + line + b"\r\n"
    assert subject.accepts(chunked(body)).body == b"hello"


@pytest.mark.parametrize("extension", [";a\nb", ";a\rb", ";\r", ";\n", ";\0", ";\x7f", ';a="\n"'])
def test_a6_controls_in_chunk_extensions(subject, extension):
    subject.refuses(chunked(f"5{extension}\r\nhello\r\n0\r\n\r\n".encode()), 400)


def test_a6_chunk_extensions_are_bounded(subject):
    body = b"5;%s\r\nhello\r\n0\r\n\r\n"
    assert subject.accepts(chunked(body % (b"x" * 1022))).body == b"hello"
    subject.refuses(chunked(body % (b"x" * 1023)), 400)


# A7: ends of chunks.


@pytest.mark.parametrize(
    "body",
    [
        b"5\r\nhello0\r\n\r\n",
        b"5\r\nhelloXX0\r\n\r\n",
        b"5\r\nhello\n0\r\n\r\n",
        b"5\r\nhello\r0\r\n\r\n",
        b"5\r\nhello!\r\n0\r\n\r\n",
        b"5\r\nhello\r\n\r\n0\r\n\r\n",
        b"5\nhello\r\n0\r\n\r\n",
        b"5\rhello\r\n0\r\n\r\n",
        b"5\r\nhello\r\n0\n\r\n",
        b"5\r\nhello\r\n0\r\n\n",
        b"5\r\nhello\r\n0\r\n\r\r\n",
    ],
    ids=repr,
)
def test_a7_crlf_ends_every_line_and_every_chunk(subject, body):
    subject.refuses(chunked(body), 400)


def test_a7_chunks_are_put_together(subject):
    body = b"1\r\nh\r\n2;x\r\nel\r\n0002\r\nlo\r\n4\r\n\r\n0\r\r\n" + NOTHING
    assert subject.accepts(chunked(body)).body == b"hello\r\n0\r"


# A8: trailers.


@pytest.mark.parametrize("trailers", ["X-Sum: 1\r\n", "X: \r\nY:z\r\n", "Server-Timing: a\r\n"])
def test_a8_trailers_never_enter_environ(subject, trailers):
    sent = request("POST", "/environ", CHUNKED) + f"0\r\n{trailers}\r\n".encode()
    environ = subject.environ(sent)
    assert {key for key in environ if key.startswith("HTTP_")} == {"HTTP_HOST"}


@pytest.mark.parametrize(
    "name",
    """Transfer-Encoding Content-Length Host Connection Trailer TE Upgrade Keep-Alive Authorization
    Proxy-Authorization Cookie Content-Type Content-Encoding Content-Range Expect Range If-Match
    Cache-Control Max-Forwards Forwarded X-Forwarded-For X-Forwarded-Proto""".split(),
)
def test_a8_trailers_that_would_mean_something(subject, name):
    subject.refuses(chunked(f"0\r\n{name}: 5\r\n\r\n".encode()), 400)


@pytest.mark.parametrize(
    "trailers",
    ["A : b", "A: b\r\n c", " A: b", ": b", "A", "A: b\nC: d", "A: \x01", "A: b\rC: d", "A\xe9: b"],
    ids=repr,
)
def test_a8_malformed_trailers(subject, trailers):
    subject.refuses(chunked(b"0\r\n" + trailers.encode("latin-1") + b"\r\n\r\n"), 400)


def test_a8_trailers_are_bounded(subject):
    lines = b"A: b\r\n"
    assert subject.accepts(chunked(b"0\r\n" + lines * 100 + b"\r\n")).body == b""
    subject.refuses(chunked(b"0\r\n" + lines * 101 + b"\r\n"), 431)
    subject.refuses(chunked(b"0\r\nA: " + b"x" * 8192 + b"\r\n\r\n"), 431)


# A7, A24: a body that ends early.

CUT = [
    post("Content-Length: 5", body=b"hell"),
    post("Content-Length: 5"),
    chunked(b""),
    chunked(b"5"),
    chunked(b"5\r\nhell"),
    chunked(b"5\r\nhello"),
    chunked(b"5\r\nhello\r\n"),
    chunked(b"5\r\nhello\r\n0"),
    chunked(b"5\r\nhello\r\n0\r\n"),
    chunked(b"5\r\nhello\r\n0\r\nA: b\r\n"),
]


@pytest.mark.parametrize("sent", CUT, ids=lambda sent: repr(sent.partition(b"\r\n\r\n")[2]))
def test_a7_a24_bodies_that_end_early_are_never_complete(subject, sent):
    with subject.client() as client:
        client.send(sent)
        client.half_close()
        assert client.rest()[:12] in (b"", b"HTTP/1.1 400")
    subject.called(0)


def test_a24_bodies_that_stop_coming_get_a_408(serve):
    server = serve("probe", "--body-timeout", "300ms")
    clients = []
    for sent in CUT:
        clients.append(server.client())
        clients[-1].send(sent)
    for client in clients:
        response = client.response()
        assert response.status == 408 and response["Connection"] == "close" and client.at_end()
        client.close()
    assert server.calls() == []
