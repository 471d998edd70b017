"""Gets the peers: Debian packages by apt, Python packages into a virtual environment of the bench.

Nothing is installed twice, and nothing that fails is hidden: `missing` says why a peer is left out.
"""

from __future__ import annotations

import glob
import json
import os
import re
import shutil
import subprocess
import tempfile
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

from peers import BENCH, REPOSITORY, TOOLS, VENV, Peer

PYTHON = "/usr/bin/python3"
# Debian package -> the command or the header that shows that it is there.
DEBIAN = {
    "wrk": "wrk",
    "nginx-light": "nginx",
    "haproxy": "haproxy",
    "linux-perf": "perf",
    "gcc": "gcc",
    "python3-dev": "/usr/include/python3*/Python.h",
    "python3-venv": "/usr/lib/python3*/ensurepip",
    "libev-dev": "/usr/include/ev.h",
    "hey": "hey",
    "apache2-utils": "ab",
    "nghttp2-client": "h2load",
}
# Program -> the Go module with its command.
GO = {"vegeta": "github.com/tsenart/vegeta/v12@v12.13.0"}
COMPLAINT_MAX = 200  # characters
SYSTEM_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


@dataclass
class Installer:
    """Installs what is missing, or with `allowed` False only looks; remembers what failed."""

    allowed: bool
    failed: dict[str, str] = field(default_factory=dict)  # package -> why

    def missing(self, peer: Peer) -> str | None:
        """Makes sure that the peer can be started; otherwise returns why it cannot."""
        for package in peer.debian:
            if reason := self.debian(package):
                return reason
        for package in peer.python:
            if reason := self.python(package):
                return reason
        for program in peer.go:
            if reason := self.go(program):
                return reason
        program = peer.version_command and peer.version_command[0]
        if program and not shutil.which(program, path=SYSTEM_PATH):
            return f"{Path(program).name} is not built: no {_relative(program)}"
        return None

    def debian(self, package: str) -> str | None:
        """Makes sure that a package of DEBIAN is there; otherwise returns why it is not."""
        if _present(DEBIAN[package]):
            return None
        if package not in self.failed:
            self.failed[package] = self._apt(package) or ""
        return self.failed[package] or None

    def _apt(self, package: str) -> str | None:
        by_hand = f"{package} is missing: sudo apt-get install {package}"
        if not self.allowed or os.geteuid() != 0 or not shutil.which("apt-get"):
            return by_hand
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        command = ["apt-get", "install", "--yes", "--no-install-recommends", package]
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        return None if done.returncode == 0 else f"{by_hand} ({_complaint(done)})"

    def python(self, package: str) -> str | None:
        """Makes sure that the venv has the version in requirements.txt; otherwise why not."""
        wanted = _requirements()[package]
        if installed_versions().get(package.lower()) == wanted:
            return None
        if package not in self.failed:
            self.failed[package] = self._pip(f"{package}=={wanted}") or ""
        return self.failed[package] or None

    def go(self, program: str) -> str | None:
        """Makes sure that a program of GO is there; otherwise returns why it is not."""
        if (TOOLS / program).exists():
            return None
        if program not in self.failed:
            self.failed[program] = self._go_install(program) or ""
        return self.failed[program] or None

    def _go_install(self, program: str) -> str | None:
        if not self.allowed:
            return f"{program} is not installed, and --no-install was given"
        if not shutil.which("go"):
            return f"{program} needs Go 1.22 or later to be built: https://go.dev/dl/"
        module = GO[program]
        # From within a module of our own: `go install module@version` wants a list of all versions.
        with tempfile.TemporaryDirectory() as directory:
            for command in (
                ["go", "mod", "init", "bench"],
                ["go", "get", module],
                ["go", "install", module.partition("@")[0]],
            ):
                done = subprocess.run(
                    command,
                    capture_output=True,
                    text=True,
                    cwd=directory,
                    env=os.environ | {"GOBIN": str(TOOLS)},
                )
                if done.returncode != 0:
                    return f"{program} not built: {_complaint(done)}"
        return None

    def _pip(self, requirement: str) -> str | None:
        if not self.allowed:
            return f"{requirement} is not installed, and --no-install was given"
        if not (VENV / "bin" / "python").exists():
            if reason := self.debian("python3-venv"):
                return reason
            subprocess.run([PYTHON, "-m", "venv", str(VENV)], check=True)
        command = [str(VENV / "bin" / "python"), "-m", "pip", "install", "--no-input", requirement]
        done = subprocess.run(command, capture_output=True, text=True)
        return None if done.returncode == 0 else f"{requirement} not installed: {_complaint(done)}"


def installed_versions() -> dict[str, str]:
    """Distribution -> version of all that the venv holds, and "python"; empty without a venv."""
    python = VENV / "bin" / "python"
    if not python.exists():
        return {}
    program = (
        "import json, platform, importlib.metadata as m;"
        "print(json.dumps({d.name.lower(): d.version for d in m.distributions()}"
        " | {'python': platform.python_version()}))"
    )
    found: dict[str, str] = json.loads(subprocess.check_output([python, "-c", program], text=True))
    return found


def versions(peer: Peer) -> str:
    """The versions of a peer's parts in one line."""
    parts = []
    if peer.version_command:
        command = peer.version_command
        done = subprocess.run(command, capture_output=True, text=True, env={"PATH": SYSTEM_PATH})
        parts.append((done.stdout + done.stderr).strip().splitlines()[0])
    installed = installed_versions()
    return ", ".join(parts + [f"{name} {installed[name.lower()]}" for name in peer.python])


def _requirements() -> dict[str, str]:
    text = (BENCH / "requirements.txt").read_text()
    return dict(re.findall(r"^([\w-]+)==(\S+)$", text, re.MULTILINE))


def _present(mark: str) -> bool:
    return bool(glob.glob(mark) if "/" in mark else shutil.which(mark, path=SYSTEM_PATH))


def _complaint(done: subprocess.CompletedProcess[str]) -> str:
    """The line of an installer's output that says most."""
    lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    errors = [line for line in lines if re.search(r"(?i)\berror: |^E: ", line)]
    return textwrap.shorten((errors or lines or ["it said nothing"])[0], COMPLAINT_MAX)


def _relative(path: str) -> str:
    return os.path.relpath(path, REPOSITORY) if os.path.isabs(path) else path
