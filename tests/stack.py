"""The stack that fails: nginx before gunicorn, on unix sockets in a directory, for tests."""

import os
import shutil
import signal
import subprocess
import sys
import uuid
from pathlib import Path

from raw_client import Client
from serving import APPS, environment, processes_of, until

NGINX = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin") or "nginx"

CONFIG = """
daemon off;
{user}
pid {directory}/nginx.pid;
error_log stderr;
worker_processes 1;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi; uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  include {directory}/sites/*.conf;
}}
"""
SITE = """
upstream application {{ server unix:{directory}/gunicorn.sock fail_timeout=0; }}
server {{
  listen unix:{directory}/nginx.sock;
  location / {{ proxy_pass http://application; proxy_read_timeout {read_timeout}; }}
}}
"""


class Stack:
    """nginx and gunicorn, running. The application is that of the integration tests: what asks
    for /block waits until open_gate().
    """

    def __init__(
        self,
        directory: Path,
        *options: object,
        workers: int = 2,
        read_timeout: str = "60s",
        prefix: tuple[str, ...] = (),  # of gunicorn's command: where it runs
    ) -> None:
        self.directory = directory
        self.workers = workers
        self.mark = uuid.uuid4().hex
        self.clients: list[Client] = []
        self._gate: int | None = None
        os.mkfifo(directory / "gate")
        (directory / "sites").mkdir()
        (directory / "sites" / "site.conf").write_text(
            SITE.format(directory=directory, read_timeout=read_timeout)
        )
        user = "user root;" if os.geteuid() == 0 else ""
        (directory / "nginx.conf").write_text(CONFIG.format(directory=directory, user=user))
        self._started: list[subprocess.Popen[bytes]] = []
        self.gunicorn = self._start(
            "gunicorn",
            [*prefix, sys.executable, "-m", "gunicorn", "probe:application", "--no-control-socket",
             "--workers", workers, "--bind", f"unix:{directory}/gunicorn.sock", *options],
        )  # fmt: skip
        self.nginx = self._start(
            "nginx", [NGINX, "-p", directory, "-c", directory / "nginx.conf", "-e", "stderr"]
        )
        until(lambda: (directory / "nginx.sock").exists() and self._answers(), 30)

    def _start(self, name: str, command: list[object]) -> subprocess.Popen[bytes]:
        env = environment(self.mark, {"TEST_DIRECTORY": str(self.directory)})
        env.pop("LD_PRELOAD", None)
        with (self.directory / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [str(word) for word in command], env=env, cwd=APPS, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log,
            )  # fmt: skip
        self._started.append(process)
        return process

    def log(self, name: str) -> str:
        return (self.directory / f"{name}.log").read_text(errors="replace")

    def _answers(self) -> bool:
        """Once every worker has booted."""
        for process in self._started:
            assert process.poll() is None, self.log("gunicorn") + self.log("nginx")
        booted = self.log("gunicorn").count("Booting worker with pid") == self.workers
        return booted and self.get("/").status == 200

    @property
    def queue(self) -> str:
        """The address of gunicorn's socket."""
        return f"unix:{self.directory}/gunicorn.sock"

    def get(self, target: str) -> object:
        with Client(f"{self.directory}/nginx.sock") as client:
            return client.get(target)

    def send(self, count: int) -> None:
        """So many clients that ask for what waits at the gate, and are not waited for."""
        for _ in range(count):
            client = Client(f"{self.directory}/nginx.sock")
            client.send_get("/block")
            self.clients.append(client)

    def occupy(self) -> None:
        """A request for every worker, which waits at the gate."""
        self.send(self.workers)
        calls = self.directory / "calls"
        until(lambda: calls.read_text().count("/block") == self.workers)

    def open_gate(self) -> None:
        if self._gate is None:
            self._gate = os.open(self.directory / "gate", os.O_RDWR | os.O_NONBLOCK)

    def close(self) -> None:
        self.open_gate()
        for client in self.clients:
            client.close()
        for process in self._started:
            process.send_signal(signal.SIGQUIT)
        for process in self._started:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for pid in processes_of(self.mark):
            os.kill(pid, signal.SIGKILL)
        os.close(self._gate)
