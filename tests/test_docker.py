"""docker/: what can be said of the image where there is no Docker. The experiment runs as the
container would run it, in a network namespace, from the paths of the image."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from serving import BINARY, BUILD, ROOT, environment

DOCKER = ROOT / "docker"
GUNICORN = Path(sys.executable).parent / "gunicorn"
ALWAYS_THERE = {"libc6", "libgcc-s1", "libstdc++6"}  # apt itself needs them


def instructions() -> list[tuple[str, str]]:
    """Of the Dockerfile, with continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", (DOCKER / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    return [(name, " ".join(rest.split())) for name, _, rest in
            (line.partition(" ") for line in lines if line.strip())]  # fmt: skip


def of_context() -> list[str]:
    """What the image is built from."""
    copies = [rest.split()[:-1] for name, rest in instructions()
              if name == "COPY" and not rest.startswith("--from")]  # fmt: skip
    return [source for sources in copies for source in sources]


def installed() -> set[str]:
    """The packages of the last stage."""
    last = [rest for name, rest in instructions() if name == "RUN"][-1]
    return set(re.search(r"--no-install-recommends (.*?) &&", last)[1].split())


def test_the_dockerfile_has_what_linters_ask_for() -> None:
    names = [name for name, _ in instructions()]
    assert set(names) <= {"FROM", "RUN", "COPY", "WORKDIR", "USER", "ENTRYPOINT", "CMD"}
    for name, rest in instructions():
        if name == "FROM":
            assert re.match(r"debian:12-slim( AS \w+)?$", rest), "a fixed release"
        if name == "RUN" and "apt-get install" in rest:
            assert rest.startswith("apt-get update && apt-get install --yes --no-install")
            assert rest.endswith("&& rm -rf /var/lib/apt/lists/*")
        if name in ("ENTRYPOINT", "CMD"):
            assert isinstance(yaml.safe_load(rest), list), "no shell in between"
    users = [rest for name, rest in instructions() if name == "USER"]
    assert users == ["nobody"] and names.index("USER") > names.index("COPY")


def test_the_context_has_what_is_copied_and_nothing_else() -> None:
    ignored = (DOCKER / "Dockerfile.dockerignore").read_text().splitlines()
    allowed = {line[1:] for line in ignored if line.startswith("!")}
    assert "*" in ignored
    assert set(of_context()) == allowed
    assert all((ROOT / source).exists() for source in allowed)


def test_what_is_copied_is_enough_to_build(tmp_path: Path) -> None:
    for source in of_context():
        copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy
        copy(ROOT / source, tmp_path / source)
    uplot = f"-DFOREBAY_UPLOT_DIR={ROOT / 'build' / 'uplot'}"  # ./dev would get it from npm
    for command in (["cmake", "--preset", "release", uplot], ["ninja", "-C", "build", "-n"]):
        done = subprocess.run(
            [*command, *(["server"] if command[0] == "ninja" else [])],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif("FOREBAY_TEST_PRELOAD" in os.environ, reason="a sanitizer's own libraries")
def test_the_image_has_the_libraries_of_the_program() -> None:
    linked = subprocess.run(["ldd", BINARY], capture_output=True, text=True, check=True).stdout
    for path in re.findall(r"=> (\S+)", linked):
        file = Path(os.path.realpath(path)).name  # /lib may be /usr/lib: by name
        owners = subprocess.run(
            ["dpkg", "-S", f"*/{file}"], capture_output=True, text=True, check=True
        ).stdout
        packages = {line.split(":")[0] for line in owners.splitlines()}
        assert packages & (installed() | ALWAYS_THERE), f"{path} is of {packages}"


@pytest.fixture
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The files of the image at the places that they have beside each other there."""
    with tempfile.TemporaryDirectory() as directory:
        top = Path(directory)
        for name, rest in instructions():
            if name == "COPY" and rest.startswith("--from"):
                source, place = (Path(word) for word in rest.split()[1:])
                built = BUILD / source.relative_to("/forebay/build")
                copy = shutil.copytree if built.is_dir() else shutil.copy
                target = top / place.relative_to("/")
                target.parent.mkdir(parents=True, exist_ok=True)
                copy(built, target)
        top.chmod(0o755)  # for nobody
        yield top


def test_the_container_makes_the_experiment(image: Path) -> None:
    command = next(yaml.safe_load(rest) for name, rest in instructions() if name == "CMD")
    as_nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    as_nobody = as_nobody if os.geteuid() == 0 else ()
    user = () if os.geteuid() == 0 else ("--map-root-user",)
    container = 'ip link set lo up && echo 4 > /proc/sys/net/core/somaxconn && exec "$@"'
    small = (
        "--quick",
        "--workers",
        "2",
        "--rate",
        "100",
        "--duration",
        "200ms",
        "--service",
        "0.4s",
    )
    done = subprocess.run(
        [
            *("unshare", *user, "--net", "sh", "-c", container, "sh", *as_nobody),
            *(image / "usr/local/bin/forebay", *command, *small, "--gunicorn", GUNICORN),
        ],
        cwd=image,
        env=environment("", {}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "somaxconn 4" in done.stdout and "somaxconn 1024" not in done.stdout
    refused = re.search(r"nginx \+ gunicorn +(\d+) of 20 ", done.stdout)
    assert refused and abs(int(refused[1]) - 7) <= 2, done.stdout
    assert re.search(r"Forebay +20 of 20 ", done.stdout)


def test_the_services_are_the_runs_of_the_experiment() -> None:
    services = yaml.safe_load((DOCKER / "compose.yaml").read_text())["services"]
    limits = {name: service["sysctls"] for name, service in services.items()}
    assert limits == {
        "burst": {"net.core.somaxconn": 128},
        "burst-1024": {"net.core.somaxconn": 1024},
    }
    for service in services.values():
        context = (DOCKER / service["build"]["context"]).resolve()
        assert context == ROOT
        assert (context / service["build"]["dockerfile"]).is_file()
        assert service["init"] is True
        assert service["command"] == ["lab", "burst", "--here"]
