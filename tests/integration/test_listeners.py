"""Where it listens: TCP, IPv6, unix sockets, several at once, and the kernel's queue behind."""

import json
import os
import re
import socket
import subprocess

import pytest
from raw_client import Client


def environ(client: Client) -> dict:
    return json.loads(client.get("/environ").body)


@pytest.fixture
def ipv6():
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            pass
    except OSError as error:
        pytest.skip(f"no IPv6 here: {error}")


def test_ipv6(serve, ipv6):
    server = serve("probe", bind=("[::1]:0",))
    assert re.search(r"Listening at: http://\[::1\]:\d+ ", server.log)
    with server.client() as client:
        told = environ(client)
    assert told["SERVER_NAME"] == told["REMOTE_ADDR"] == "::1"
    assert told["SERVER_PORT"] == str(server.address[1])


def test_both_families_are_told_the_client_s_plain_address(serve, ipv6):
    server = serve("probe", bind=("[::]:0",))
    port = server.address[1]
    for host in ("127.0.0.1", "::1"):
        with Client((host, port)) as client:
            assert environ(client)["REMOTE_ADDR"] == host


def test_unix_socket(serve, tmp_path):
    path = str(tmp_path / "socket")
    server = serve("probe", bind=(f"unix:{path}",))
    assert server.address == path
    with server.client() as client:
        told = environ(client)
    assert told["SERVER_NAME"] and told["SERVER_PORT"]
    assert told["REMOTE_ADDR"] == "" and "REMOTE_PORT" not in told
    assert server.stop() == 0
    assert not os.path.exists(path)


def test_several_addresses_at_once(serve, tmp_path):
    binds = ("127.0.0.1:0", f"unix:{tmp_path}/one", "127.0.0.1:0", f"unix:{tmp_path}/two")
    server = serve("probe", bind=binds)
    assert len(server.addresses) == 4
    for index, address in enumerate(server.addresses):
        with server.client(index) as client:
            told = environ(client)
            if not isinstance(address, str):
                assert told["SERVER_PORT"] == str(address[1])
    assert len(server.status()["listeners"]) == 4


def test_stale_unix_socket_is_replaced(serve, tmp_path):
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
        dead.listen()
    assert path.is_socket()  # and nobody listens
    server = serve("probe", bind=(f"unix:{path}",))
    assert server.get().status == 200


def test_address_of_a_killed_server_is_free_again(serve, tmp_path):
    path = tmp_path / "socket"
    first = serve("probe", bind=("127.0.0.1:0", f"unix:{path}"))
    port = first.address[1]
    with first.client() as client:  # leaves a connection in TIME_WAIT
        assert client.get("/", "Connection: close").status == 200
        first.process.kill()
        first.exit_expected = -9
        assert first.wait_exit() == -9
    second = serve("probe", bind=(f"127.0.0.1:{port}", f"unix:{path}"))
    assert second.get().status == 200


def test_port_of_the_environment(serve):
    with socket.socket() as reserved:
        # Bound without listening: the server may have the port as well, and nobody else gets it.
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind(("0.0.0.0", 0))
        port = reserved.getsockname()[1]
        server = serve("probe", bind=(), env={"PORT": str(port)})
        assert f"Listening at: http://0.0.0.0:{port} " in server.log
        with Client(("127.0.0.1", port)) as client:
            assert client.get().status == 200


# The kernel's queue.

SMALL = ("unshare", "--net", "sh", "-c", 'echo 128 >/proc/sys/net/core/somaxconn; exec "$0" "$@"')


@pytest.fixture
def namespace():
    """A network namespace of its own, with net.core.somaxconn of 128."""
    show = (*SMALL[:4], SMALL[4] + " </proc/sys/net/core/somaxconn", "cat")
    try:
        result = subprocess.run(show, capture_output=True, text=True, timeout=10, check=False)
    except FileNotFoundError as error:
        pytest.skip(str(error))
    if result.stdout != "128\n":
        pytest.skip(f"no network namespace of our own is permitted: {result.stderr.strip()}")
    return SMALL


def test_a_backlog_that_the_kernel_cuts_is_told(serve, tmp_path, namespace):
    binds = ("0.0.0.0:0", f"unix:{tmp_path}/socket")
    server = serve("probe", "--backlog", "2048", bind=binds, prefix=namespace)
    warning = r"\[WARNING\] (\S+): the kernel cut the backlog from 2048 to 128 .*somaxconn"
    warned = re.findall(warning, server.log)
    assert len(warned) == 2
    assert warned[0].startswith("0.0.0.0:") and warned[1] == f"unix:{tmp_path}/socket"


def test_a_backlog_that_fits_is_not_talked_about(serve, namespace):
    server = serve("probe", "--backlog", "128", bind=("0.0.0.0:0",), prefix=namespace)
    assert "the kernel cut" not in server.log
