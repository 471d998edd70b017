"""`forebay serve` as a process, for whole-program tests: start it, look at it, end it, leave
nothing behind."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from raw_client import Address, Client, Response

ROOT = Path(__file__).resolve().parent.parent
BUILD = Path(os.environ.get("FOREBAY_BUILD_DIR", ROOT / "build")).resolve()
BINARY = BUILD / "forebay"
APPS = ROOT / "tests" / "integration" / "apps"
MARK = "FOREBAY_TEST_MARK"
TROUBLE = re.compile(
    r"^.*(?:Traceback|CHECK failed|ERROR: AddressSanitizer|ThreadSanitizer|runtime error:).*$",
    re.MULTILINE,
)
T = TypeVar("T")


def until(what: Callable[[], T], seconds: float = 15) -> T:
    """Looks again and again until `what()` is true, and returns it; fails after the deadline."""
    deadline = time.monotonic() + seconds
    while not (value := what()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.005)
    return value


def environment(mark: str, extra: dict[str, str | None]) -> dict[str, str]:
    """Ours, without what would change the server's defaults."""
    unset = ("PORT", "WEB_CONCURRENCY", "VIRTUAL_ENV", "PYTHONPATH", "PYTEST_CURRENT_TEST",
             "SCRIPT_NAME", "FORWARDED_ALLOW_IPS")  # fmt: skip
    env = {key: value for key, value in os.environ.items() if key not in unset}
    if preload := env.pop("FOREBAY_TEST_PRELOAD", ""):
        env["LD_PRELOAD"] = preload
    env[MARK] = mark
    for key, value in extra.items():
        if value is not None:
            env[key] = value
        else:
            env.pop(key, None)
    return env


def sanitizer_options(words: str) -> dict[str, str | None]:
    """For the environment: more options of AddressSanitizer, where the server is built with it."""
    options = os.environ.get("ASAN_OPTIONS")
    return {"ASAN_OPTIONS": f"{options}:{words}"} if options else {}


def processes_of(mark: str) -> list[int]:
    """The processes that inherited the mark, however they were orphaned since."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdecimal() and int(entry) != os.getpid():
            try:
                if wanted in Path("/proc", entry, "environ").read_bytes().split(b"\0"):
                    found.append(int(entry))
            except OSError:
                pass  # it ended meanwhile, or is a zombie
    return found


def children(pid: int) -> list[int]:
    """Of all its threads."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += map(int, task.read_text().split())
        except OSError:
            pass
    return found


def memory_peak(pid: int) -> int:
    """Largest resident size so far, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024


def run_forebay(
    *arguments: object,
    env: dict[str, str | None] | None = None,
    cwd: Path = APPS,
    seconds: float = 30,
    prefix: tuple[str, ...] = (),
) -> subprocess.CompletedProcess[str]:
    """For commands that end by themselves. Fails if they do not, or leave a process behind."""
    mark = uuid.uuid4().hex
    try:
        return subprocess.run(
            [*prefix, BINARY, *map(str, arguments)],
            env=environment(mark, env or {}),
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    finally:
        until(lambda: not processes_of(mark), 10)


class Server:
    """One running `forebay serve`.

    Applications of tests find its directory in TEST_DIRECTORY. They block at the fifo `gate` there
    until open_gate(), and write a line into `calls` for each call: see apps/probe.py.
    """

    def __init__(
        self,
        app: str,
        *options: object,
        directory: Path,
        bind: tuple[str, ...] = ("127.0.0.1:0",),
        python: str | None = sys.executable,
        env: dict[str, str | None] | None = None,
        cwd: Path = APPS,
        prefix: tuple[str, ...] = (),
        admin: bool = True,
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.troubles_expected = False
        self.exit_expected = 0
        self._mark = uuid.uuid4().hex
        self._gate: int | None = None
        if not (directory / "gate").exists():
            os.mkfifo(directory / "gate")
        self._stderr = directory / "stderr.log"
        self._stdout = directory / "stdout.log"
        pages = ["--admin", f"unix:{directory}/admin.sock"] if admin else []
        interpreter = ["--python", python] if python else []
        binds = [part for address in bind for part in ("-b", address)]
        command = [*prefix, BINARY, "serve", app, *binds, *pages, *interpreter, *options]
        env = {"TEST_DIRECTORY": str(directory), **(env or {})}
        with self._stderr.open("wb") as stderr, self._stdout.open("wb") as stdout:
            self.process = subprocess.Popen(
                [str(part) for part in command],
                env=environment(self._mark, env),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
            )
        self._listeners = len(bind)

    # What it says.

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def log(self) -> str:
        return self._stderr.read_text(errors="replace")

    @property
    def stdout(self) -> str:
        return self._stdout.read_text(errors="replace")

    def wait_for_log(self, pattern: str, count: int = 1, seconds: float = 15) -> re.Match[str]:
        """The count-th match, once there are so many."""

        def matches() -> list[re.Match[str]]:
            found = list(re.finditer(pattern, self.log, re.MULTILINE))
            if len(found) < count and self.process.poll() is not None:
                raise AssertionError(f"ended without '{pattern}' in its log:\n{self.log}")
            return found if len(found) >= count else []

        try:
            return until(matches, seconds)[count - 1]
        except AssertionError as error:
            raise AssertionError(f"no '{pattern}' in the log:\n{self.log}") from error

    @property
    def addresses(self) -> list[Address]:
        """Where it listens: (host, port) or a path."""
        last = self.wait_for_log(r"Listening at: (\S+) ", self._listeners)
        texts = re.findall(r"Listening at: (\S+) ", self.log[: last.end() + 1])
        return [parse_address(text) for text in texts]

    @property
    def address(self) -> Address:
        return self.addresses[0]

    @property
    def url(self) -> str:
        host, port = self.address
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def admin(self, path: str) -> tuple[int, bytes]:
        """A page of the admin listener; (0, b"") while nobody listens there."""
        connection = http.client.HTTPConnection("admin", timeout=10)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(10)
        try:
            connection.sock.connect(str(self.directory / "admin.sock"))
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()
        except (FileNotFoundError, ConnectionRefusedError, ConnectionResetError):
            return 0, b""
        finally:
            connection.close()

    def status(self) -> dict[str, Any]:
        status, body = self.admin("/status.json")
        assert status == 200
        return json.loads(body)

    def metrics(self) -> str:
        status, body = self.admin("/metrics")
        assert status == 200
        return body.decode()

    def metric(self, sample: str) -> float:
        """One sample by its name with labels, as in 'x_total{reason="ok"}'."""
        for line in self.metrics().splitlines():
            name, _, value = line.rpartition(" ")
            if name == sample:
                return float(value)
        raise AssertionError(f"no sample {sample}")

    def ready(self) -> bool:
        return self.admin("/readyz")[0] == 200

    def wait_ready(self, servers: int = 1) -> None:
        """With so many servers: workers, times their threads."""

        def up() -> bool:
            if self.process.poll() is not None:
                raise AssertionError(f"it ended ({self.process.returncode}):\n{self.log}")
            return self.ready()

        try:
            until(up, 30)
            until(lambda: self.status()["servers"]["total"] >= servers, 30)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log}\n{self.admin('/status.json')}") from error

    def wait_queue(self, requests: int) -> None:
        until(lambda: self.status()["queue"]["requests"] == requests)

    def wait_busy(self, servers: int) -> None:
        until(lambda: self.status()["servers"]["busy"] == servers)

    # Its processes.

    def zygotes(self) -> list[int]:
        """Direct children; after a zygote's death its workers are among them."""
        return children(self.pid)

    def workers(self) -> list[int]:
        return [pid for zygote in self.zygotes() for pid in children(zygote)]

    def processes(self) -> list[int]:
        return processes_of(self._mark)

    # The application.

    def calls(self) -> list[str]:
        """What the application wrote down when it was called, a line for each call."""
        try:
            return (self.directory / "calls").read_text().splitlines()
        except FileNotFoundError:
            return []

    def wait_calls(self, count: int) -> list[str]:
        return until(lambda: len(calls := self.calls()) >= count and calls)

    def open_gate(self) -> None:
        """Everything that blocks at the gate goes on, and nothing blocks there until it closes."""
        if self._gate is None:
            self._gate = os.open(self.directory / "gate", os.O_RDWR | os.O_NONBLOCK)

    def close_gate(self) -> None:
        if self._gate is not None:
            os.close(self._gate)
            self._gate = None

    # Clients.

    def client(self, index: int = 0, seconds: float = 20) -> Client:
        return Client(self.addresses[index], seconds)

    def get(self, target: str = "/", *fields: str) -> Response:
        """One GET on a connection of its own."""
        with self.client() as client:
            return client.get(target, *fields)

    def send_get(self, target: str) -> Client:
        """A client that has sent a GET and does not read yet."""
        client = self.client()
        client.send_get(target)
        return client

    # Its end.

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait_exit(self, seconds: float = 30) -> int:
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {seconds} s:\n{self.log}") from None

    def stop(self) -> int:
        """TERM, unless it has ended already."""
        if self.process.poll() is None:
            self.open_gate()
            self.signal(signal.SIGTERM)
        try:
            return self.wait_exit()
        finally:
            self.close_gate()

    def close(self) -> None:
        """Ends it and holds it to a good end."""
        try:
            code = self.stop()
            until(lambda: not self.processes(), 10)
        finally:
            self.kill()
        assert code == self.exit_expected, f"exit code {code}:\n{self.log}"
        if not self.troubles_expected:
            troubles = TROUBLE.findall(self.log)
            assert not troubles, f"{troubles}\n{self.log}"

    def kill(self) -> None:
        """Whatever is left, at once."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.close_gate()


def parse_address(text: str) -> Address:
    if text.startswith("unix:"):
        return text.removeprefix("unix:")
    host, _, port = text.removeprefix("http://").rpartition(":")
    return host.strip("[]"), int(port)
