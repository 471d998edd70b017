"""Which application is served, by which interpreter, in which surroundings."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from serving import APPS, Server


def facts(server: Server) -> dict:
    return json.loads(server.get().body)


@pytest.mark.parametrize(
    ("app", "answer"),
    [
        ("forms", "application"),
        ("forms:other", "other"),
        ("forms:make()", "made of None"),
        ("forms:make('argument')", "made of argument"),
        ("package.inner:application", "inner"),
    ],
)
def test_module_name_and_factory_are_found(serve, app, answer):
    assert serve(app).get().text == answer


def test_chdir_pythonpath_and_env_reach_the_application(serve, tmp_path):
    for name in ("work", "first", "second"):
        (tmp_path / name).mkdir()
    (tmp_path / "work" / "mine.py").write_text("from surroundings import application\n")
    paths = f"{tmp_path}/first,{tmp_path}/second"
    server = serve(
        "mine",
        *("--chdir", tmp_path / "work", "--pythonpath", paths, "--pythonpath", APPS),
        *("-e", "GREETING=hello=world", "--env", "EMPTY="),
        cwd=Path("/"),
    )
    told = facts(server)
    assert told["cwd"] == str(tmp_path / "work")
    assert told["path"][:4] == [
        f"{tmp_path}/first",
        f"{tmp_path}/second",
        str(APPS),
        str(tmp_path / "work"),
    ]
    assert told["env"]["GREETING"] == "hello=world" and told["env"]["EMPTY"] == ""
    assert not told["multithread"]
    assert told["multiprocess"]  # with one worker too: a reload runs another beside it


def test_relative_paths_count_from_chdir(serve, tmp_path):
    (tmp_path / "work" / "lib").mkdir(parents=True)
    (tmp_path / "work" / "lib" / "mine.py").write_text("from forms import application\n")
    server = serve("mine", "--chdir", "work", "--pythonpath", f"lib,{APPS}", cwd=tmp_path)
    assert server.get().text == "application"


def test_preload_imports_once_before_the_workers(serve):
    server = serve("surroundings", "--preload", "-w", "2")
    told = facts(server)
    assert told["loaded_in"] == told["parent"] != told["pid"]


def test_without_preload_each_worker_imports(serve):
    told = facts(serve("surroundings"))
    assert told["loaded_in"] == told["pid"]


def test_workers_run_at_the_same_time(serve):
    server = serve("probe", "-w", "2")
    server.wait_ready(2)
    assert_two_requests_overlap(server, pids=2)


def test_threads_of_one_worker_run_at_the_same_time(serve):
    server = serve("probe", "--threads", "2", "-k", "gthread")
    assert_two_requests_overlap(server, pids=1)
    assert facts(serve("surroundings", "--threads", "2"))["multithread"]


def assert_two_requests_overlap(server: Server, pids: int) -> None:
    with server.send_get("/block?1") as one, server.send_get("/block?2") as two:
        calls = server.wait_calls(2)  # both have begun, and neither can have ended
        assert len({call.split()[-1] for call in calls}) == pids
        server.open_gate()
        assert one.response().status == two.response().status == 200


@pytest.fixture(scope="module")
def virtualenv(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("venv") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", path], check=True, timeout=60)
    return path


def test_active_virtualenv_is_used(serve, virtualenv):
    server = serve("surroundings", python=None, env={"VIRTUAL_ENV": str(virtualenv)})
    assert facts(server)["prefix"] == str(virtualenv)


def test_named_interpreter_wins_over_the_virtualenv(serve, virtualenv):
    server = serve("surroundings", env={"VIRTUAL_ENV": str(virtualenv)})
    assert facts(server)["prefix"] == sys.prefix


def test_first_python_of_path_is_used_without_a_virtualenv(serve, virtualenv):
    server = serve("surroundings", python=None, env={"PATH": f"{virtualenv}/bin:/usr/bin:/bin"})
    assert facts(server)["prefix"] == str(virtualenv)


def test_workers_come_from_web_concurrency(serve):
    server = serve("probe", env={"WEB_CONCURRENCY": "3"})
    server.wait_ready(3)
    assert len(server.workers()) == 3


def test_pid_file_lives_as_long_as_the_server(serve, tmp_path):
    server = serve("probe", "-p", tmp_path / "pid")
    assert (tmp_path / "pid").read_text() == f"{server.pid}\n"
    assert server.stop() == 0
    assert not (tmp_path / "pid").exists()


def test_pid_file_of_another_server_is_left_alone(serve, tmp_path):
    old = serve("probe", "-p", tmp_path / "pid")
    new = serve("probe", "-p", tmp_path / "pid")
    assert old.stop() == 0
    assert (tmp_path / "pid").read_text() == f"{new.pid}\n"


def test_settings_of_gunicorn_are_said_to_be_ignored(serve, tmp_path):
    (tmp_path / "gunicorn.conf.py").write_text("workers = 3\n")
    path = ("--pythonpath", APPS)
    server = serve("probe", *path, cwd=tmp_path, env={"GUNICORN_CMD_ARGS": "-w 3"})
    server.wait_for_log("WARNING.* gunicorn.conf.py of this directory is not read")
    server.wait_for_log("WARNING.* GUNICORN_CMD_ARGS is not read")


def test_the_end_of_a_long_traceback_is_in_the_log(serve, tmp_path):
    (tmp_path / "long.py").write_text(
        "def application(*_):\n    raise RuntimeError('x' * 100_000 + 'last')\n"
    )
    server = serve("long", "--pythonpath", tmp_path)
    server.troubles_expected = True
    assert server.get().status == 500
    server.wait_for_log(r"x\n\[\.\.\.\]\nx+last$")
    assert "error in GET /\nTraceback (most recent call last)" in server.log


def test_errors_and_lines_of_the_application_are_in_the_log(serve):
    server = serve("probe")
    server.troubles_expected = True
    assert server.get("/print").status == 200
    server.wait_for_log("^a line of the application$")
    assert server.get("/raise").status == 500
    server.wait_for_log("RuntimeError: the application raised")
    assert "Traceback (most recent call last)" in server.log
