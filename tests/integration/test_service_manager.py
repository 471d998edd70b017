"""What systemd, or whoever speaks as it does, gives to a service and hears from it."""

import json
import os
import re
import signal
import socket
import stat
import sys
import time
from pathlib import Path

import pytest
from raw_client import Client
from serving import until

LAUNCHER = Path(__file__).resolve().parent.parent / "launcher.py"


def launched(**settings: object) -> tuple[str, ...]:
    return (sys.executable, str(LAUNCHER), json.dumps(settings))


class Manager:
    """The end that listens at NOTIFY_SOCKET."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address.replace("@", "\0", 1))
        self._socket.settimeout(15)
        self.env = {"NOTIFY_SOCKET": address}

    def __enter__(self) -> "Manager":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def hear(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in self._socket.recv(4096).decode().splitlines())

    def silent(self) -> bool:
        self._socket.settimeout(0)
        try:
            return not self._socket.recv(4096)
        except BlockingIOError:
            return True
        finally:
            self._socket.settimeout(15)


@pytest.fixture(params=["path", "abstract"])
def manager(request, tmp_path):
    path = f"{tmp_path}/notify"
    with Manager(path if request.param == "path" else f"@{path}") as listening:
        yield listening


def test_the_manager_hears_of_ready_reload_and_stop(serve, manager):
    server = serve("waiting_start", env=manager.env, wait=False)
    server.wait_calls(1)  # a worker imports the application
    assert manager.silent()
    server.open_gate()
    assert manager.hear()["READY"] == "1"
    assert server.get().status == 200  # it was true
    before = time.monotonic_ns() // 1000
    server.signal(signal.SIGHUP)
    reloading = manager.hear()
    assert reloading["RELOADING"] == "1"
    assert before <= int(reloading["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000
    assert manager.hear()["READY"] == "1"
    server.wait_for_log("New workers are ready")
    server.signal(signal.SIGTERM)
    assert manager.hear()["STOPPING"] == "1"


def test_a_reload_that_fails_ends_for_the_manager_too(serve, tmp_path):
    (tmp_path / "mine.py").write_text("from probe import application\n")
    with Manager(f"{tmp_path}/notify") as manager:
        server = serve("mine", "--pythonpath", tmp_path, env=manager.env)
        assert manager.hear()["READY"] == "1"
        (tmp_path / "mine.py").write_text("import nothing_of_that_name\n")
        server.troubles_expected = True
        server.signal(signal.SIGHUP)
        assert manager.hear()["RELOADING"] == "1"
        assert manager.hear()["READY"] == "1"
        server.wait_for_log("Reload failed, the old workers go on")


def test_the_watchdog_hears_that_the_loop_turns(serve, tmp_path):
    with Manager(f"{tmp_path}/notify") as manager:
        serve("probe", env={**manager.env, "WATCHDOG_USEC": "100000"})
        beats = 0
        while beats < 5:
            beats += manager.hear().get("WATCHDOG") == "1"


def test_a_watchdog_of_another_process_hears_nothing(serve, tmp_path):
    with Manager(f"{tmp_path}/notify") as manager:
        serve("probe", env={**manager.env, "WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"})
        assert "WATCHDOG" not in manager.hear()
        assert manager.silent()


def test_a_manager_that_is_not_there_is_told_of_once(serve, tmp_path):
    server = serve("probe", env={"NOTIFY_SOCKET": f"{tmp_path}/nobody"})
    assert server.get().status == 200
    assert server.stop() == 0
    assert server.log.count("cannot tell the service manager") == 1


def test_the_application_does_not_see_the_manager_s_variables(serve, tmp_path):
    with Manager(f"{tmp_path}/notify") as manager:
        env = {**manager.env, "WATCHDOG_USEC": "60000000"}
        prefix = launched(listen=[None], pid=0)
        server = serve("surroundings", bind=("127.0.0.1:0",), env=env, prefix=prefix)
        told = json.loads(server.get().body)["env"]
    assert not {"NOTIFY_SOCKET", "WATCHDOG_USEC", "LISTEN_FDS", "LISTEN_PID"} & told.keys()
    assert "TEST_DIRECTORY" in told


def test_sockets_of_the_manager_are_used_instead_of_bind(serve, tmp_path):
    path = tmp_path / "socket"
    with socket.create_server(("127.0.0.1", 0)) as taken:  # binding there would fail
        bind = (f"127.0.0.1:{taken.getsockname()[1]}", "127.0.0.1:0")
        server = serve("probe", bind=bind, prefix=launched(listen=[None, str(path)], pid=0))
        assert isinstance(server.addresses[0], tuple) and server.addresses[1] == str(path)
        for index in (0, 1):
            with server.client(index) as client:
                assert client.get().status == 200
        assert server.stop() == 0
    assert path.is_socket()  # it is the manager's


def test_sockets_that_are_for_another_process_are_not_used(serve):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    server = serve("probe", bind=(f"127.0.0.1:{port}",), prefix=launched(listen=[None], pid=1))
    assert server.address == ("127.0.0.1", port)


def test_descriptors_as_addresses(serve, tmp_path):
    path = tmp_path / "socket"
    binds = ("fd://4", "fd://3", "127.0.0.1:0")
    server = serve("probe", bind=binds, prefix=launched(listen=[None, str(path)]))
    assert server.addresses[0] == str(path)
    for index in range(3):
        with server.client(index) as client:
            assert client.get().status == 200


@pytest.mark.parametrize(
    ("bind", "error"),
    [
        ("fd://99", "cannot listen at descriptor 99: Bad file descriptor"),
        ("fd://0", "cannot listen at descriptor 0: Socket operation on non-socket"),
        ("fd://", "'fd://' has no descriptor's number"),
        ("fd://x", "'fd://x' has no descriptor's number"),
    ],
)
def test_descriptors_that_are_no_sockets_are_refused(serve, bind, error):
    server = serve("probe", bind=(bind,), wait=False)
    server.exit_expected = 1
    assert server.wait_exit() == 1
    assert error in server.log


def test_workers_have_the_descriptor_limit_that_was_set(serve):
    server = serve("probe", prefix=launched(descriptors=100))
    soft = [
        int(re.search(r"Max open files +(\d+)", Path(f"/proc/{pid}/limits").read_text())[1])
        for pid in (server.pid, *server.zygotes(), *server.workers())
    ]
    assert soft[0] > 100 and soft[1:] == [100, 100]


@pytest.mark.parametrize(("umask", "mode"), [("007", 0o770), ("0", 0o777), ("0o77", 0o700)])
def test_umask_is_that_of_the_socket_and_of_the_application(serve, tmp_path, umask, mode):
    path = tmp_path / "socket"
    server = serve("probe", "--umask", umask, bind=(f"unix:{path}",))
    assert stat.S_IMODE(path.stat().st_mode) == mode
    with Client(str(path)) as client:
        assert client.get().status == 200
    written = until((server.directory / "calls").stat).st_mode
    assert stat.S_IMODE(written) == mode & 0o666


def test_a_unix_socket_that_somebody_listens_at_is_left_alone(serve, tmp_path):
    path = tmp_path / "socket"
    first = serve("probe", bind=(f"unix:{path}",))
    inode = os.stat(path).st_ino
    second = serve("probe", bind=(f"unix:{path}",), wait=False)
    second.exit_expected = 1
    assert second.wait_exit() == 1
    assert "another program listens" in second.log
    assert os.stat(path).st_ino == inode
    assert first.get().status == 200
