"""What is started by `forebay lab` ends with it, and what is missing is said."""

import os
import shutil
import signal
import subprocess
import uuid

import pytest
from experimenting import GUNICORN, experiment
from serving import BINARY, BUILD, children, environment, processes_of, run_forebay, until

SMALL = ("burst", "--quick", "--workers", "1", "--rate", "20", "--duration", "200ms")


def members(sessions: list[int]) -> list[int]:
    """The processes of these sessions: each sandbox is one."""
    found = []
    for entry in filter(str.isdecimal, os.listdir("/proc")):
        try:
            if os.getsid(int(entry)) in sessions:
                found.append(int(entry))
        except OSError:
            pass  # it ended meanwhile
    return found


@pytest.mark.parametrize(
    ("number", "here"),
    [
        (signal.SIGINT, False),
        (signal.SIGTERM, False),
        (signal.SIGINT, True),
        (signal.SIGQUIT, True),
        (signal.SIGPIPE, True),  # `forebay lab ... | head -1`
        (signal.SIGKILL, False),
    ],
)
def test_a_signal_in_the_middle_leaves_nothing(tmp_path, number, here) -> None:
    mark = uuid.uuid4().hex
    before = set(os.listdir("/dev/shm"))
    process = subprocess.Popen(
        [BINARY, "lab", "burst", "--gunicorn", GUNICORN, *(["--here"] if here else [])],
        env=environment(mark, {"TMPDIR": str(tmp_path)}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        until(lambda: len(processes_of(mark)) > 11)  # it, a sandbox, the servers, the load
        sandboxes = children(process.pid)
        process.send_signal(number)
        _, said = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait()
    until(lambda: not processes_of(mark))
    until(lambda: not members(sandboxes))  # nginx shows no mark
    assert os.listdir(tmp_path) == []
    assert set(os.listdir("/dev/shm")) <= before
    if number != signal.SIGKILL:
        assert process.returncode == 128 + number
        assert "interrupted" in said


def test_ctrl_c_on_a_terminal_reaches_only_the_lab(tmp_path) -> None:
    mark = uuid.uuid4().hex
    process = subprocess.Popen(
        [BINARY, "lab", "burst", "--only", "forebay"],
        env=environment(mark, {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    until(lambda: len(processes_of(mark)) > 11)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert said.splitlines()[-1] == "forebay lab: interrupted; nothing is left of it"
    until(lambda: not processes_of(mark))


def test_without_gunicorn_forebay_is_tried_alone(tmp_path) -> None:
    """In a place of its own, where no virtual environment is beside it."""
    program = shutil.copy(BINARY, tmp_path / "forebay")
    (tmp_path / "python").symlink_to(BUILD / "python")
    done = subprocess.run(
        [program, "lab", *SMALL],
        env=environment("", {"PATH": "/usr/bin:/bin"}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "missing: gunicorn is not here: python3 -m venv" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("Forebay answered 4 of 4")


def test_here_makes_no_namespaces(tmp_path) -> None:
    network = os.stat("/proc/self/ns/net").st_ino
    mark = uuid.uuid4().hex
    process = subprocess.Popen(
        [BINARY, "lab", *SMALL, "--here", "--only", "forebay"],
        env=environment(mark, {"TMPDIR": str(tmp_path)}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )

    def networks() -> set[int]:
        found = set()
        for pid in processes_of(mark):
            try:
                found.add(os.stat(f"/proc/{pid}/ns/net").st_ino)
            except OSError:
                pass
        return found

    until(lambda: len(processes_of(mark)) > 3)
    assert networks() == {network}
    out, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert "Forebay answered 4 of 4" in out
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "required"),
        (("bang",), "'bang' is no experiment"),
        (("burst", "--workers", "0"), "--workers"),
        (("burst", "--rate", "nothing"), "--rate"),
        (("burst", "--service", "-1"), "--service"),
        (("burst", "--only", "apache"), "--only"),
        (("burst", "--gunicorn", "/nowhere/gunicorn"), "'/nowhere/gunicorn' is no program"),
        (("burst", "--json", "/nowhere/x.json"), "cannot open /nowhere/x.json"),
    ],
)
def test_what_makes_no_sense_is_said(arguments, said) -> None:
    done = run_forebay("lab", *arguments)
    assert done.returncode == 2
    assert said in done.stderr


def test_where_namespaces_are_refused_it_is_said(tmp_path) -> None:
    # As in a sandbox of our own that allows no more of them.
    script = 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"'
    done = run_forebay(
        *("lab", *SMALL, "--only", "forebay"),
        prefix=("unshare", "--user", "--map-root-user", "sh", "-c", script, "sh",
                "setpriv", "--bounding-set=-all", "--inh-caps=-all"),
    )  # fmt: skip
    assert done.returncode == 2
    assert "user.max_user_namespaces is 0" in done.stderr
    assert "--here" in done.stderr


def test_the_list(tmp_path) -> None:
    names = [line.split()[0] for line in run_forebay("lab", "list").stdout.splitlines()]
    assert names[:2] == ["burst", "overload"]


def test_json_on_stdout_is_all_of_it(tmp_path) -> None:
    outcome = experiment(tmp_path, *SMALL, "--only", "forebay")
    assert outcome.experiment["name"] == "burst"
    assert outcome.experiment["verdict"].startswith("Forebay answered 4 of 4")
