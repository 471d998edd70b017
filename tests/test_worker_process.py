"""Zygote and workers as processes: boot, exit codes, signals, and nothing left behind."""

import os
import select
import signal
import subprocess
import sys
import textwrap
import time

import pytest
from front_stub import BUILD, PYTHON, ROOT, Front
from serving import environment

sys.path.append(str(ROOT / "python"))

from forebay import app_loader  # noqa: E402


@pytest.fixture
def module(tmp_path):
    """Writes a module `app` and returns the options that lead to it."""

    def write(source):
        (tmp_path / "app.py").write_text(textwrap.dedent(source))
        return {"chdir": str(tmp_path), "env": {"WORKER_APPS_SCRATCH": str(tmp_path)}}

    return write


def wait_for_file(front, path):
    while not path.exists():
        front.wait(lambda: True)
        time.sleep(0.005)


HELLO = """
    import os, sys
    def application(environ, start_response):
        start_response("200 OK", [])
        return [repr((os.getcwd(), sys.path, os.environ.get("MINE"))).encode()]
"""


# --- boot ------------------------------------------------------------------------------------


def test_options_are_applied(module, tmp_path):
    options = module(HELLO)
    other = tmp_path / "other"
    other.mkdir()
    with Front("app", **options | {"pythonpath": [str(other)], "env": {"MINE": "yes"}}) as front:
        directory, path, mine = eval(front.request().body)  # noqa: S307
    assert directory == str(tmp_path) and mine == "yes"
    assert path[:2] == [str(other), str(tmp_path)]
    assert path[-1] == str(BUILD.resolve() / "python") or path[-1] == str(BUILD / "python")
    assert not any(entry.endswith("/forebay") for entry in path)


def test_preload_loads_once(module, tmp_path):
    options = module(
        """
        import os
        LOADED_IN = os.getpid()
        def application(environ, start_response):
            start_response("200 OK", [])
            return [f"{LOADED_IN} {os.getppid()}".encode()]
        """
    )
    with Front("app", preload=True, workers=2, **options) as front:
        loaded, parent = front.request().body.split()
        assert loaded == parent == str(front.zygote.pid).encode()
    with Front("app", **options) as front:
        loaded, parent = front.request().body.split()
        assert loaded != parent


@pytest.mark.parametrize(
    ("app", "source", "code", "text"),
    [
        ("app", "import nothing_of_that_name", 3, "ModuleNotFoundError"),
        ("app", "1 / 0", 3, "ZeroDivisionError"),
        ("app", "raise SystemExit(0)", 3, "SystemExit"),
        ("nowhere:app", "", 3, "--pythonpath"),
        ("app.py:app", "", 3, "Did you mean 'app:app'?"),
        ("app:missing", "", 4, "no attribute 'missing'"),
        ("app", "", 4, "no attribute 'application'"),
        ("app:app", "app = None", 4, "is None"),
        ("app:app", "app = 5", 4, "is of type int"),
        ("app:a.b", "", 4, "must be a name"),
        ("app:make(1)", "def make(): pass", 4, "takes 0 positional arguments"),
        ("app:make()", "def make(): int(None)", 3, "TypeError: int()"),
    ],
)
def test_apps_that_cannot_be_loaded(module, app, source, code, text):
    with Front(app, boot=False, **module(source)) as front:
        front.wait(lambda: "ready" in front.events)
        front.fork(0)
        assert front.exit_code() == code
        front.wait(lambda: text in front.text_of_log())
        assert front.log[0][0] == 40 and not front.workers[0].ready


def test_a_preload_that_fails_ends_the_zygote(module):
    with Front("app", boot=False, preload=True, **module("1 / 0")) as front:
        assert front.zygote.wait(20) == 1
        front.wait(lambda: "ZeroDivisionError" in front.text_of_log())
        assert "ready" not in front.events


def test_a_directory_that_is_not_there(module):
    with Front("app", boot=False, **module("") | {"chdir": "/nonexistent"}) as front:
        assert front.zygote.wait(20) == 1
        front.wait(lambda: "/nonexistent" in front.text_of_log())


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("a.b", ("a.b", "application", False, (), {})),
        ("a:b", ("a", "b", False, (), {})),
        ("a:b()", ("a", "b", True, (), {})),
        ("a:b('x', 2, k=[1, -1])", ("a", "b", True, ("x", 2), {"k": [1, -1]})),
    ],
)
def test_app_module(text, spec):
    assert app_loader.parse(text) == app_loader.AppSpec(*spec)


@pytest.mark.parametrize(
    "text", ["", ":b", "a:", "a:b.c", "a:b.c()", "a:b(c)", "a:b(*[1])", "a:b(**{})", "a:b;c", "a:1"]
)
def test_malformed_app_module(text):
    with pytest.raises(app_loader.AppError):
        app_loader.parse(text)


def test_old_pythons_are_told_what_to_do():
    source = (BUILD / "python" / "forebay" / "__main__.py").read_text()
    code = f"import sys; sys.version_info = (3, 10); exec({source!r})"
    done = subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, timeout=20)
    assert done.returncode == 1 and "needs Python 3.11 or later" in done.stderr


# --- leaving ---------------------------------------------------------------------------------


@pytest.fixture
def options(tmp_path):
    return {"env": {"WORKER_APPS_SCRATCH": str(tmp_path)}}


def test_workers_leave_when_the_channel_closes(options, tmp_path):
    with Front("worker_apps:with_atexit()", workers=2, threads=2, **options) as front:
        front.close_channel()
        assert front.exit_code(0) == front.exit_code(1) == 0
        assert (tmp_path / "atexit").exists()


@pytest.mark.parametrize("threads", [1, 3])
def test_term_finishes_the_current_request(options, tmp_path, threads):
    with Front("worker_apps:with_atexit()", threads=threads, **options) as front:
        answer = front.submit(path="/slow")
        wait_for_file(front, tmp_path / "slow-started")
        os.kill(front.workers[0].pid, signal.SIGTERM)
        (tmp_path / "slow-ends").touch()
        front.wait(lambda: answer.done)
        assert answer.body == b"slow"
        assert front.exit_code() == 0
        assert (tmp_path / "atexit").exists()


@pytest.mark.parametrize("threads", [1, 3])
def test_term_wakes_idle_servers(threads):
    with Front("worker_apps", threads=threads) as front:
        front.request(path="/plain")
        time.sleep(0.05)  # until they sleep; if not, the test is easier than it says
        os.kill(front.workers[0].pid, signal.SIGTERM)
        assert front.exit_code() == 0


def test_quit_leaves_at_once(options, tmp_path):
    with Front("worker_apps", **options) as front:
        front.submit(path="/slow")
        wait_for_file(front, tmp_path / "slow-started")
        os.kill(front.workers[0].pid, signal.SIGQUIT)
        assert front.exit_code() == 0


def test_signals_that_mean_nothing():
    with Front("worker_apps", threads=2) as front:
        for name in ("INT", "HUP", "USR1", "USR2", "CHLD"):
            os.kill(front.workers[0].pid, signal.Signals[f"SIG{name}"])
        for name in ("INT", "HUP", "TERM", "QUIT", "USR1", "USR2"):
            os.kill(front.zygote.pid, signal.Signals[f"SIG{name}"])
        assert front.request(path="/plain").body == b"plain"
        front.fork(0)
        assert front.zygote.poll() is None


def test_the_death_of_a_worker_is_told_and_it_can_be_replaced():
    with Front("worker_apps") as front:
        os.kill(front.workers[0].pid, signal.SIGKILL)
        assert front.exit_code() == -signal.SIGKILL
        front.fork(0)
        front.wait(lambda: front.workers[0].ready)
        assert front.request(path="/plain").body == b"plain"


def test_workers_outlive_the_zygote():
    with Front("worker_apps") as front:
        front.zygote.kill()
        front.zygote.wait()
        assert front.request(path="/plain").body == b"plain"


def test_quit_ends_the_zygote():
    with Front("worker_apps") as front:
        front.control.send(b'{"command": "quit"}')
        assert front.zygote.wait(20) == 0


def test_the_zygote_leaves_when_the_front_hangs_up():
    with Front("worker_apps") as front:
        front.control.shutdown(2)
        assert front.zygote.wait(20) == 0


def test_nothing_is_left_when_the_front_dies(options, tmp_path):
    with Front("worker_apps", workers=2, **options) as front:
        front.submit(path="/holds_gil")
        wait_for_file(front, tmp_path / "holds-gil")
        os.close(front.life)
        front.life = -1
        assert front.zygote.wait(10) == -signal.SIGKILL
        for worker in front.workers.values():
            assert select.select([worker.pidfd], [], [], 10)[0]


def test_a_worker_that_comes_to_life_after_the_front_died_leaves():
    code = (
        "import os, sys; sys.path.append(sys.argv[1])\n"
        "from forebay.process import die_with_front\n"
        "life, writer = os.pipe(); os.close(writer); die_with_front(life)"
    )
    environ = environment("", {})
    done = subprocess.run([PYTHON, "-c", code, str(BUILD / "python")], env=environ, timeout=20)
    assert done.returncode == -signal.SIGKILL


def test_programs_that_the_application_starts_get_usual_signals_and_no_descriptors(module):
    options = module(
        """
        import subprocess
        def application(environ, start_response):
            start_response("200 OK", [])
            command = "grep -E '^Sig(Ign|Blk)' /proc/self/status; ls -l /proc/self/fd"
            return [subprocess.check_output(command, shell=True, close_fds=False)]
        """
    )
    with Front("app", **options) as front:
        text = front.request().body.decode()
    masks = {line.split(":")[0]: int(line.split()[1], 16) for line in text.splitlines()[:2]}
    usual = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGCHLD}
    assert not any(masks["SigIgn"] >> (number - 1) & 1 for number in usual)
    assert masks["SigBlk"] == 0
    assert "memfd" not in text and "socket" not in text and "eventfd" not in text
