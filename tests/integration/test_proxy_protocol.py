"""The PROXY protocol: proxies that pass bytes on say first for whom they do."""

import json
import socket
import struct

import pytest
from access import AccessLog
from raw_client import Client, request
from serving import until

VERSION_1 = b"PROXY TCP4 192.0.2.7 127.0.0.1 56324 443\r\n"
VERSION_1_V6 = b"PROXY TCP6 2001:db8::7 ::1 56324 443\r\n"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
ADDRESSES = socket.inet_aton("192.0.2.7") + socket.inet_aton("127.0.0.1")
VERSION_2 = SIGNATURE + b"\x21\x11" + struct.pack("!H8sHH", 12, ADDRESSES, 56324, 443)
NOBODY = [b"PROXY UNKNOWN\r\n", SIGNATURE + b"\x20\x00\x00\x00"]
GET = request("GET", "/environ")


def environ(client: Client) -> dict:
    answer = client.response()
    assert answer.status == 200
    return json.loads(answer.body)


@pytest.mark.parametrize(
    ("header", "host"),
    [(VERSION_1, "192.0.2.7"), (VERSION_1_V6, "2001:db8::7"), (VERSION_2, "192.0.2.7")],
    ids=["1", "1-v6", "2"],
)
def test_application_and_log_see_the_client(serve, tmp_path, header, host):
    access = AccessLog(tmp_path / "access.log")
    server = serve("probe", "--proxy-protocol", *access.options)
    with server.client() as client:
        client.send(header + GET)
        told = environ(client)
        assert (told["REMOTE_ADDR"], told["REMOTE_PORT"]) == (host, "56324")
        client.send(GET)  # the header comes once in a connection
        assert environ(client)["REMOTE_ADDR"] == host
    assert {line["remote"] for line in access.wait(2)} == {host}


@pytest.mark.parametrize("header", [VERSION_1, VERSION_2], ids=["1", "2"])
def test_header_may_come_byte_by_byte(serve, header):
    server = serve("probe", "--proxy-protocol")
    with server.client() as client:
        client.send(*(bytes([byte]) for byte in header + GET))
        assert environ(client)["REMOTE_ADDR"] == "192.0.2.7"


@pytest.mark.parametrize("header", NOBODY, ids=["1", "2"])
def test_proxy_that_names_nobody_is_the_client_itself(serve, header):
    server = serve("probe", "--proxy-protocol")
    with server.client() as client:
        client.send(header + GET)
        told = environ(client)
        assert told["REMOTE_ADDR"] == "127.0.0.1"
        assert told["REMOTE_PORT"] == str(client.socket.getsockname()[1])


def test_unix_socket_is_trusted(serve, tmp_path):
    bind = (f"unix:{tmp_path}/app.sock",)
    server = serve("probe", "--proxy-protocol", "--proxy-allow-from", "192.0.2.1", bind=bind)
    with server.client() as client:
        client.send(VERSION_2 + GET)
        assert environ(client)["REMOTE_ADDR"] == "192.0.2.7"


@pytest.mark.parametrize(
    "first", [GET, b"PROXY TCP4 192.0.2.7\r\n" + GET, SIGNATURE + b"\x31\x11\x00\x00"],
    ids=["none", "1", "2"],
)  # fmt: skip
def test_without_a_header_the_connection_is_closed(serve, first):
    server = serve("probe", "--proxy-protocol")
    with server.client() as client:
        client.send(first)
        assert closed_without_answer(client)
    with server.client() as client:
        client.send(VERSION_1 + GET)
        assert client.response().status == 200
    assert len(server.calls()) == 1


def test_others_than_the_proxies_are_closed(serve):
    server = serve("probe", "--proxy-protocol", "--proxy-allow-from", "192.0.2.0/24")
    with server.client() as client:
        client.send(VERSION_1 + GET)
        assert closed_without_answer(client)
    server.wait_for_log(r"from 127\.0\.0\.1 was closed: with --proxy-protocol only the proxies of")
    assert server.calls() == []


def test_header_that_does_not_come_is_waited_for_no_longer_than_a_head(serve):
    server = serve("probe", "--proxy-protocol", "--head-timeout", "500ms")
    with server.client() as client:
        client.send(VERSION_1[:20])
        assert closed_without_answer(client)
    until(lambda: server.status()["connections"]["open"] == 0)


def test_fields_count_by_who_the_client_is(serve):
    """A proxy that passes bytes on does not answer for what its clients say."""
    https = request("GET", "/environ", "X-Forwarded-Proto: https")
    server = serve(
        *("probe", "--proxy-protocol", "--forwarded-allow-ips", "127.0.0.1,192.0.2.7/32")
    )
    for host, scheme in [("192.0.2.7", "https"), ("192.0.2.8", "http"), ("127.0.0.1", "https")]:
        with server.client() as client:
            client.send(VERSION_1.replace(b"192.0.2.7", host.encode()) + https)
            assert environ(client)["wsgi.url_scheme"] == scheme


def test_without_the_option_it_is_no_request(serve):
    server = serve("probe")
    with server.client() as client:
        client.send(VERSION_1 + GET)
        assert client.response().status == 400


def closed_without_answer(client: Client) -> bool:
    try:
        return client.at_end()
    except ConnectionResetError:
        return True
