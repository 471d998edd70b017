"""What users get wrong at the start: a clear message, the exit code that says what it was, and no
process left (run_forebay sees to that)."""

import os
import shutil
import socket
import sys

import pytest
from serving import run_forebay

PYTHON = ("--python", sys.executable)
FREE = ("-b", "127.0.0.1:0", *PYTHON)
NOWHERE = "/etc/passwd/nowhere"  # a path that not even root can make


def serve(*arguments, **keywords):
    """Exit code and stderr of a serve that cannot start."""
    result = run_forebay("serve", *arguments, **keywords)
    assert result.stdout == ""
    return result.returncode, result.stderr


# The application.


@pytest.mark.parametrize("preload", [(), ("--preload",)], ids=["", "preload"])
@pytest.mark.parametrize(
    ("app", "says"),
    [
        ("nothing_of_that_name", "ModuleNotFoundError: No module named 'nothing_of_that_name'"),
        ("imports_nothing", "ModuleNotFoundError: No module named 'nothing_of_that_name'"),
        ("raises", "RuntimeError: no configuration"),
        ("bad_syntax", "SyntaxError"),
        ("forms:broken()", "RuntimeError: the factory raised"),
        ("leaves", "SystemExit"),
    ],
)
def test_application_that_cannot_be_loaded(tmp_path, app, says, preload):
    (tmp_path / "imports_nothing.py").write_text("import nothing_of_that_name\n")
    (tmp_path / "raises.py").write_text("raise RuntimeError('no configuration')\n")
    (tmp_path / "bad_syntax.py").write_text("def f(:\n")
    (tmp_path / "leaves.py").write_text("import sys\nsys.exit('bye')\n")
    code, stderr = serve(app, *FREE, *preload, "--pythonpath", tmp_path)
    assert says in stderr and "Traceback (most recent call last)" in stderr
    assert code == (1 if preload else 3), stderr


def test_an_error_of_any_length_is_told(tmp_path):
    (tmp_path / "raises.py").write_text("raise RuntimeError('\\U0001f4a5' * 1_000_000)\n")
    code, stderr = serve("raises", *FREE, "--preload", "--pythonpath", tmp_path)
    assert "RuntimeError: \U0001f4a5\U0001f4a5" in stderr
    assert code == 1, stderr


def test_missing_module_teaches_where_it_was_looked_for():
    _, stderr = serve("nothing_of_that_name", *FREE)
    assert "--chdir or --pythonpath" in stderr


def test_file_name_instead_of_a_module_is_recognised():
    for file, module in (("forms.py", "forms"), ("package/inner.py", "package.inner")):
        code, stderr = serve(file, *FREE)
        assert code == 3 and f"Did you mean '{module}:application'?" in stderr


@pytest.mark.parametrize("preload", [(), ("--preload",)], ids=["", "preload"])
@pytest.mark.parametrize(
    ("app", "says"),
    [
        ("forms:missing", "has no attribute 'missing'"),
        ("forms:number", "is of type int, which cannot be called"),
        ("forms:nothing", "is None, not an application"),
        ("forms:coroutine", "is an ASGI application"),
        ("forms:Asynchronous()", "is an ASGI application"),
        ("forms:number()", "is of type int, not a function"),
        ("forms:make(1, 2)", "cannot call"),
        ("forms:make(", "must be a name"),
        ("forms:make(open)", "must be a name"),
        (":application", "names no module"),
    ],
)
def test_application_that_cannot_be_used(app, says, preload):
    code, stderr = serve(app, *FREE, *preload)
    assert says in stderr and "Traceback" not in stderr
    assert code == (1 if preload else 4), stderr


# The command line.


def test_no_application_is_named():
    code, stderr = serve()
    assert code == 2 and "APP" in stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--no-such-option", "value"], "--no-such-option: no such option\n"),
        (["--workrs=3"], "--workrs: no such option. Did you mean --workers?\n"),
        (["extra"], "'extra': one argument too many\n"),
        (["--reload"], "--reload: not offered: send HUP"),
        (["-c", "gunicorn.conf.py"], "--config: not offered: config files and hooks are not read"),
        (["--certfile=cert.pem"], "--certfile: not offered: TLS is for a proxy"),
        (["-w", "0"], "--workers"),
        (["-w", "many"], "--workers"),
        (["--threads", "100000"], "--threads"),
        (["--max-wait", "soon"], "'soon' is no duration"),
        (["--max-wait", "0"], "--max-wait"),
        (["--timeout", "-1"], "--timeout"),
        (["--max-body", "12 parsecs"], "'12 parsecs' is no size"),
        (["--max-queue", "-1"], "--max-queue"),
        (["--backlog", "0"], "--backlog"),
        (["--chdir", "/nowhere/at/all"], "/nowhere/at/all"),
        (["--spool-dir", "/nowhere/at/all"], "/nowhere/at/all"),
        (["--env", "NOVALUE"], "'NOVALUE' is not KEY=VALUE"),
        (["-k", "gevent"], "'gevent' is not offered"),
        (["--log-level", "loud"], "'loud' is no log level"),
        (["--queue-order", "random"], "use fifo, lifo or adaptive-lifo"),
        (["--priority", "urgent:path=/"], "write high, normal or low"),
        (["--priority", "high:/path"], "as in low:path=/reports/"),
        (["--access-logformat", "%(h)s"], "is no access log format"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_option(arguments, says):
    code, stderr = serve("forms", *FREE, *arguments)
    assert code == 2, stderr
    assert says in stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--max-body", "3G", "--max-queue-bytes", "1G"], "--max-body"),
        (["--queue-order", "lifo", "--fair-share"], "leave out the one or the others"),
        (["--queue-order", "adaptive-lifo", "--priority", "low:path=/"], "leave out the one"),
        (["-w", "512", "--threads", "512"], "262144 servers"),
        (["--health-path", "health"], "must begin with /"),
        (["--python", "/nowhere/python3"], "--python /nowhere/python3: no such interpreter"),
        (["--python", "/etc/passwd"], "not executable"),
        (["-b", "127.0.0.1:99999"], "no valid port"),
        (["-b", "127.0.0.1:http"], "no valid port"),
        (["-b", "no.such.host.invalid:80"], "cannot resolve"),
        (["-b", "203.0.113.1:8000"], "no such address"),
        (["-b", "unix:" + "x" * 200], "the path of a unix socket"),
        (["-b", "unix:/nowhere/at/all/socket"], "/nowhere/at/all/socket"),
        (["--admin", "0.0.0.0:0"], "--admin-public"),
        (["--error-logfile", f"{NOWHERE}/log"], "--error-logfile"),
        (["--access-logfile", f"{NOWHERE}/log"], "--access-logfile"),
        (["-p", f"{NOWHERE}/pid"], "cannot write the pid file"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_options_that_cannot_work(arguments, says):
    python = () if "--python" in arguments else PYTHON
    code, stderr = serve("forms", "-b", "127.0.0.1:0", *python, *arguments)
    assert code == 1, stderr
    assert stderr.splitlines()[-1].startswith("Error: ") and says in stderr


def test_virtualenv_without_an_interpreter():
    code, stderr = serve("forms", "-b", "127.0.0.1:0", env={"VIRTUAL_ENV": "/nowhere"})
    assert code == 1 and "VIRTUAL_ENV is /nowhere" in stderr


def test_interpreter_that_does_not_work(tmp_path):
    fake = tmp_path / "python3"
    fake.write_text("#!/bin/sh\nexit 1\n")
    fake.chmod(0o755)
    code, stderr = serve("forms", "-b", "127.0.0.1:0", "--python", fake)
    assert code != 0 and "zygote exited with code 1" in stderr


# Addresses.


def test_address_in_use():
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        code, stderr = serve("forms", "-b", address, *PYTHON)
    assert code == 1
    assert f"another program listens at {address}" in stderr


def test_unix_socket_in_use_is_left_alone(tmp_path):
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(path)
        other.listen()
        code, stderr = serve("forms", "-b", f"unix:{path}", *PYTHON)
        assert code == 1 and f"another program listens at unix:{path}" in stderr
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)


def test_file_in_the_way_of_a_unix_socket_is_left_alone(tmp_path):
    (tmp_path / "precious").write_text("data")
    code, stderr = serve("forms", "-b", f"unix:{tmp_path}/precious", *PYTHON)
    assert code == 1, stderr
    assert (tmp_path / "precious").read_text() == "data"


# Permissions: as somebody who has none.

NOBODY = "65534"


@pytest.fixture
def nobody():
    if os.geteuid() == 0 and not shutil.which("setpriv"):
        pytest.skip("runs as root, and there is no setpriv to become somebody else")


def serve_as_nobody(*arguments):
    if os.geteuid() != 0:
        return serve(*arguments)
    drop = ("--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--inh-caps=-all")
    result = run_forebay("serve", *arguments, prefix=("setpriv", *drop))
    return result.returncode, result.stderr


def test_unix_socket_in_a_forbidden_directory(nobody):
    code, stderr = serve_as_nobody("forms", "-b", "unix:/etc/forebay.sock", "--python", "/bin/sh")
    assert code == 1
    assert "check the directory's permissions" in stderr


def test_log_that_may_not_be_written(nobody):
    arguments = ("forms", "-b", "127.0.0.1:0", "--python", "/bin/sh")
    code, stderr = serve_as_nobody(*arguments, "--error-logfile", "/etc/forebay.log")
    assert code == 1 and "cannot open the error log" in stderr
    code, stderr = serve_as_nobody(*arguments, "--access-logfile", "/etc/forebay.log")
    assert code == 1 and "cannot open the access log /etc/forebay.log" in stderr


def test_help_and_version_are_no_errors():
    assert run_forebay("serve", "--help").returncode == 0
    result = run_forebay("--version")
    assert result.returncode == 0 and result.stdout.startswith("forebay ")
    assert run_forebay().returncode == 2
