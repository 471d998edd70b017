"""--user and --group: what needs root is done as root, everything else is not."""

import os
import pwd
import shutil
import signal
import socket
import stat
import tempfile
from pathlib import Path

import pytest
from raw_client import Client
from serving import Server, run_forebay, until

NOBODY = pwd.getpwnam("nobody")
is_root = os.geteuid() == 0


def ids(pid: int) -> tuple[set[int], set[int], set[int]]:
    """User, group and supplementary groups, as real, effective, saved and of the file system."""
    fields = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    uid, gid, groups = (set(map(int, fields[name].split())) for name in ("Uid", "Gid", "Groups"))
    return uid, gid, groups


@pytest.fixture
def open_directory():
    """Where everybody may look, unlike in tmp_path, and only root may write."""
    path = Path(tempfile.mkdtemp(prefix="forebay-identity-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def serve_as_nobody(open_directory, serve):  # servers end before their directory is removed
    def start(*options: object, user: object = "nobody", **keywords) -> Server:
        own = open_directory / "server"
        own.mkdir()
        os.chown(own, NOBODY.pw_uid, NOBODY.pw_gid)
        return serve("probe", "-u", user, *options, directory=own, **keywords)

    return start


needs_root = pytest.mark.skipif(not is_root, reason="only root can become somebody else")


@needs_root
@pytest.mark.parametrize("options", [(), ("--preload",)], ids=" ".join)
def test_no_process_remains_root(serve_as_nobody, options):
    server = serve_as_nobody("-w", "2", *options)
    server.wait_ready(2)
    processes = server.processes()
    assert len(processes) == 4
    for pid in processes:
        uid, gid, groups = ids(pid)
        assert uid == {NOBODY.pw_uid} and gid == {NOBODY.pw_gid}
        assert groups == {NOBODY.pw_gid}


@needs_root
def test_group_of_its_own_and_numbers(serve_as_nobody):
    server = serve_as_nobody("--group", "1", user=NOBODY.pw_uid)
    assert ids(server.pid)[:2] == ({NOBODY.pw_uid}, {1})
    assert ids(server.workers()[0])[:2] == ({NOBODY.pw_uid}, {1})


@needs_root
def test_group_alone(serve):
    server = serve("probe", "--group", "daemon")
    assert ids(server.pid)[:2] == ids(server.workers()[0])[:2] == ({0}, {1})


@needs_root
def test_sockets_logs_and_pid_file_are_its_own(serve_as_nobody, open_directory):
    names = ("access", "error", "pid", "socket")
    access, error, pid, bound = paths = [open_directory / name for name in names]
    server = serve_as_nobody(
        *("--access-logfile", access, "--error-logfile", error, "--pid", pid),
        bind=(f"unix:{bound}",),
    )
    for path in (*paths, server.directory / "admin.sock"):
        info = path.lstat()
        assert (info.st_uid, info.st_gid) == (NOBODY.pw_uid, NOBODY.pw_gid), path
    assert stat.S_ISSOCK(bound.stat().st_mode)
    with Client(str(bound)) as client:
        assert client.get("/before").status == 200
        until(lambda: "/before" in access.read_text())
        server.signal(signal.SIGUSR1)  # its own files it can open anew
        until(lambda: "Handling signal: USR1" in error.read_text())
        assert client.get("/after").status == 200
        until(lambda: "/after" in access.read_text())
    assert "going on with the old file" not in error.read_text()


@needs_root
def test_low_port_is_bound_before(serve_as_nobody):
    start = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
    assert int(start.read_text()) > 1, "any port is free for all here: nothing is shown"
    port = next(port for port in range(1023, 600, -1) if is_free(port))
    server = serve_as_nobody(bind=(f"127.0.0.1:{port}",))
    assert server.get().status == 200


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@needs_root
def test_everything_works_as_before(serve_as_nobody):
    server = serve_as_nobody()
    body = os.urandom(3 << 20)  # goes to a file, and the worker gets its descriptor
    with server.client() as client:
        answer = client.post("/sum", body)
        assert answer.status == 200 and answer.text.startswith(f"{len(body)} ")
        assert len(client.get("/large/4000000").body) == 4000000
    old = server.workers()
    server.signal(signal.SIGHUP)
    server.wait_for_log("New workers are ready")
    until(lambda: not set(old) & set(server.workers()))
    assert server.get().status == 200
    os.kill(server.workers()[0], signal.SIGKILL)
    server.wait_for_log("was killed by signal 9")
    assert server.get().status == 200


@needs_root
def test_nothing_outlives_a_killed_front(serve_as_nobody):
    server = serve_as_nobody("-w", "2")
    server.wait_ready(2)
    server.process.kill()
    server.exit_expected = -9
    until(lambda: not server.processes())


@needs_root
def test_only_root_can_become_somebody_else(open_directory):
    """Nobody tries to become daemon."""
    result = run_forebay(
        *("serve", "probe", "-u", "daemon", "-b", "127.0.0.1:0"),
        prefix=(
            "setpriv",
            f"--reuid={NOBODY.pw_uid}",
            f"--regid={NOBODY.pw_gid}",
            "--clear-groups",
        ),
    )
    assert result.returncode == 1
    assert "only root can become somebody else" in result.stderr


@pytest.mark.skipif(is_root, reason="for root it is no error")
def test_who_is_not_root_is_told():
    result = run_forebay("serve", "probe", "-u", "daemon", "-b", "127.0.0.1:0")
    assert result.returncode == 1
    assert "only root can become somebody else" in result.stderr


@needs_root
def test_spool_directory_that_is_root_s_is_told_at_the_start(open_directory):
    options = ("-u", "nobody", "--spool-dir", open_directory, "-b", "127.0.0.1:0")
    result = run_forebay("serve", "probe", *options)
    assert result.returncode == 1
    error = f"--spool-dir: cannot create a temporary file in {open_directory}: Permission denied"
    assert error in result.stderr


@needs_root
def test_module_in_a_directory_that_is_root_s_is_told(open_directory):
    (open_directory / "mine.py").touch()
    open_directory.chmod(0o700)
    python = ("--python", "/usr/bin/python3")
    result = run_forebay(
        *("serve", "mine", "-u", "nobody", "-b", "127.0.0.1:0", *python), cwd=open_directory
    )
    assert f"no module 'mine' in {open_directory} (which this user may not read)" in result.stderr


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (("-u", "no-such-user"), "there is no user 'no-such-user'"),
        (("-g", "no-such-group"), "there is no group 'no-such-group'"),
        (("-u", "54321"), "54321 has no entry in /etc/passwd: name its --group too"),
    ],
)
def test_who_does_not_exist_is_told(options, error):
    result = run_forebay("serve", "probe", *options, "-b", "127.0.0.1:0")
    assert result.returncode == 1 and error in result.stderr


def test_who_we_are_already_is_no_change(serve):
    server = serve("probe", "-u", os.geteuid(), "-g", os.getegid())
    assert server.get().status == 200
