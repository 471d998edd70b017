"""What proxies in front of us say, who may say it, and where the application is mounted."""

import json

import pytest
from access import AccessLog
from serving import run_forebay


def environ(server, *fields, target="/path"):
    answer = server.get(target, *fields)
    assert answer.status == 200, answer
    return json.loads(answer.text)


@pytest.fixture
def scheme_of(serve):
    """scheme_of(OPTION...)(FIELD...): wsgi.url_scheme for a request with these fields."""

    def start(*options, **keywords):
        server = serve("mirror", *options, **keywords)
        return lambda *fields: environ(server, *fields)["wsgi.url_scheme"]

    return start


HTTPS = ("X-Forwarded-Proto: https", "X-Forwarded-Protocol: ssl", "X-Forwarded-Ssl: on")


def test_scheme_comes_from_a_trusted_proxy(scheme_of):  # A31
    scheme = scheme_of()
    assert [scheme(field) for field in HTTPS] == ["https"] * 3
    assert scheme(*HTTPS) == "https"
    assert scheme("x-forwarded-PROTO: https") == "https"
    assert scheme("X-Forwarded-Proto: http") == scheme() == "http"


@pytest.mark.parametrize(
    "trusted", ["192.0.2.1", "10.0.0.0/8,::1", ""], ids=["address", "network", "none"]
)
def test_scheme_of_others_is_only_a_field(serve, trusted):
    server = serve("mirror", "--forwarded-allow-ips", trusted)
    assert environ(server, *HTTPS, "X-Forwarded-Ssl: off")["HTTP_X_FORWARDED_SSL"] == "on,off"


def test_scheme_of_others_does_not_count(scheme_of):
    assert scheme_of("--forwarded-allow-ips", "192.0.2.1")(*HTTPS) == "http"
    assert scheme_of("--forwarded-allow-ips", "192.0.2.1,127.0.0.0/8")(*HTTPS) == "https"
    assert scheme_of(env={"FORWARDED_ALLOW_IPS": "192.0.2.1"})(*HTTPS) == "http"
    assert scheme_of("--forwarded-allow-ips", "*")(*HTTPS) == "https"


def test_who_connects_by_a_unix_socket_is_trusted(scheme_of, tmp_path):
    bind = (f"unix:{tmp_path}/app.sock",)
    assert scheme_of("--forwarded-allow-ips", "192.0.2.1", bind=bind)(*HTTPS) == "https"


@pytest.mark.parametrize(
    "fields",
    [
        ("X-Forwarded-Proto: https", "X-Forwarded-Ssl: off"),
        ("X-Forwarded-Proto: https", "X-Forwarded-Proto: http"),
    ],
)
def test_contradictory_schemes_are_refused(serve, fields):  # A31
    server = serve("probe")
    with server.client() as client:
        assert client.get("/", *fields).status == 400
        assert client.get("/?next").status == 200
    assert [call.split()[2] for call in server.calls()] == ["next"]


def test_scheme_fields_can_be_chosen(scheme_of):
    scheme = scheme_of("--secure-scheme-header", "X-Scheme=tls", "--secure-scheme-header", "X-B=1")
    assert scheme("X-Scheme: tls") == scheme("X-B: 1") == "https"
    assert scheme("X-Forwarded-Proto: https") == "http"


# Names with underscores.


def test_underscore_names_are_dropped_but_for_those_of_trusted_proxies(serve):  # A32
    server = serve("mirror", "--forwarder-headers", "REMOTE_USER,Path_Info")
    fields = ("REMOTE_USER: me", "PATH_INFO: /x", "X_Other: 1", "SCRIPT_NAME: /path")
    seen = environ(server, *fields)
    assert (seen["HTTP_REMOTE_USER"], seen["HTTP_PATH_INFO"]) == ("me", "/x")
    assert "HTTP_X_OTHER" not in seen and "HTTP_SCRIPT_NAME" not in seen
    assert (seen["SCRIPT_NAME"], seen["PATH_INFO"]) == ("", "/path")
    server = serve("mirror", "--forwarded-allow-ips", "192.0.2.1")
    seen = environ(server, *fields)
    assert not {"HTTP_REMOTE_USER", "HTTP_PATH_INFO", "HTTP_SCRIPT_NAME"} & seen.keys()
    assert seen["SCRIPT_NAME"] == ""


def test_underscore_names_can_be_refused_or_passed(serve):
    server = serve("mirror", "--header-map", "refuse")
    assert server.get("/", "X_Other: 1").status == 400
    assert environ(server, "SCRIPT_NAME: /")["SCRIPT_NAME"] == ""
    server = serve("mirror", "--header-map", "dangerous", "--forwarded-allow-ips", "")
    assert environ(server, "X_Other: 1", "X-Other: 2")["HTTP_X_OTHER"] == "1,2"


# SCRIPT_NAME.

MOUNTED = [
    ("/shop/environ", "/environ"),
    ("/%73hop/environ?a=/b", "/environ"),
    ("/shop//environ", "//environ"),
    ("/shop/", "/"),
    ("/shop", ""),
    ("/shop?q=1", ""),
]


@pytest.mark.parametrize(("target", "path"), MOUNTED)
def test_script_name_and_path_rebuild_the_path(serve, target, path):  # B7
    server = serve("mirror", "--root-path", "/shop/")
    seen = environ(server, target=target)
    assert (seen["SCRIPT_NAME"], seen["PATH_INFO"]) == ("/shop", path)
    assert seen["RAW_URI"] == target
    seen = environ(server, "SCRIPT_NAME: /shop/e", target="/shop/e/f")
    assert (seen["SCRIPT_NAME"], seen["PATH_INFO"]) == ("/shop/e", "/f")


def test_paths_beside_the_mount_are_not_found(serve):
    server = serve("probe", "--health-path", "/health", env={"SCRIPT_NAME": "/shop"})
    with server.client() as client:
        for target in ("/", "/shopping", "/sho", "/Shop/", "/a/shop/", "/shop%2"):
            assert client.get(target).status == 404
        assert client.get("/health").status == 200
        assert client.get("/shop/pid").status == 200
    assert len(server.calls()) == 1


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--root-path", "shop"), "'shop' must begin with /"),
        (("--forwarded-allow-ips", "localhost"), "'localhost' is no address"),
        (("--header-map", "keep"), "'keep' is no way"),
        (("--secure-scheme-header", "X-Scheme"), "'X-Scheme' is not NAME=VALUE"),
    ],
)
def test_what_makes_no_sense_is_said(arguments, text):
    result = run_forebay("serve", "probe", *arguments)
    assert result.returncode == 2 and text in result.stderr


# The client's address.


def test_remote_addr_is_the_peer_unless_asked(serve):  # as gunicorn
    seen = environ(serve("mirror"), "X-Forwarded-For: 198.51.100.7")
    assert seen["REMOTE_ADDR"] == "127.0.0.1" and int(seen["REMOTE_PORT"]) > 0
    assert seen["HTTP_X_FORWARDED_FOR"] == "198.51.100.7"


CLIENTS = [
    (("198.51.100.7",), "198.51.100.7"),
    (("6.6.6.6, 198.51.100.7",), "198.51.100.7"),
    (("6.6.6.6, 198.51.100.7, 10.1.2.3,10.9.9.9",), "198.51.100.7"),
    (("6.6.6.6, 198.51.100.7", "10.1.2.3"), "198.51.100.7"),
    (("198.51.100.7:4711",), "198.51.100.7"),
    (("[2001:db8::1]:4711",), "2001:db8::1"),
    (("2001:db8::1",), "2001:db8::1"),
    (("10.1.2.3",), "10.1.2.3"),
    (("unknown, 10.1.2.3",), "10.1.2.3"),
    (("198.51.100.7, unknown",), "127.0.0.1"),
    (("",), "127.0.0.1"),
    ((), "127.0.0.1"),
]


def test_real_ip_is_the_last_that_is_no_proxy_of_ours(serve, tmp_path):
    access = AccessLog(tmp_path / "access.log")
    proxies = ("--forwarded-allow-ips", "127.0.0.1,10.0.0.0/8")
    server = serve("mirror", "--real-ip", *proxies, *access.options)
    for values, client in CLIENTS:
        seen = environ(server, *(f"X-Forwarded-For: {value}" for value in values))
        assert seen["REMOTE_ADDR"] == client, values
        assert ("REMOTE_PORT" in seen) == (client == "127.0.0.1"), values
    lines = access.wait(count=len(CLIENTS))
    assert [line["remote"] for line in lines] == [client for _, client in CLIENTS]


def test_real_ip_is_not_what_a_stranger_says(serve):
    server = serve("mirror", "--real-ip", "--forwarded-allow-ips", "192.0.2.1")
    assert environ(server, "X-Forwarded-For: 198.51.100.7")["REMOTE_ADDR"] == "127.0.0.1"


def test_real_ip_with_everybody_trusted_is_the_first(serve, tmp_path):
    bind = (f"unix:{tmp_path}/app.sock",)
    server = serve("mirror", "--real-ip", "--forwarded-allow-ips", "*", bind=bind)
    assert environ(server, "X-Forwarded-For: 6.6.6.6, 7.7.7.7")["REMOTE_ADDR"] == "6.6.6.6"
    assert environ(server)["REMOTE_ADDR"] == ""
    assert environ(server, "X-Forwarded-For: x")["REMOTE_ADDR"] == ""
