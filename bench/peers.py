"""The servers that are compared, each with the settings that are the strongest for it.

A peer is what it needs and the commands that start it in the foreground; installing is install.py,
starting and stopping is server.py. Everywhere: no access log, `workers` processes that run Python,
a listen backlog that no load of this benchmark fills.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

BENCH = Path(__file__).resolve().parent
REPOSITORY = BENCH.parent
APPS = BENCH / "apps"
VENV = REPOSITORY / "build" / "bench-venv"
TOOLS = REPOSITORY / "build" / "bench-tools"

# uWSGI does not start when the kernel would cut it.
BACKLOG = min(4096, int(Path("/proc/sys/net/core/somaxconn").read_text()))
CONNECTIONS = 2048


@dataclass(frozen=True)
class Site:
    """Where and how a server runs: `directory` is its own and empty, `threads` are per worker, and
    `connections` is how many clients it must be able to hold.
    """

    port: int
    directory: Path
    app: str
    workers: int
    threads: int
    keep_alive: bool
    connections: int = CONNECTIONS

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"


@dataclass(frozen=True)
class Peer:
    """One way to serve. `front` names the processes before the Python workers, if there are any:
    the first process alone, or the first process with its children.
    """

    name: str
    about: str
    commands: Callable[[Site], list[list[str]]]
    version_command: list[str] | None = None
    python: tuple[str, ...] = ()  # lines of requirements.txt
    debian: tuple[str, ...] = ()  # keys of install.DEBIAN
    go: tuple[str, ...] = ()  # keys of install.GO
    threads: bool = False  # can run more than one request at a time in a worker
    front: Literal["process", "tree"] | None = None


def venv(program: str) -> str:
    return str(VENV / "bin" / program)


def peers(forebay: Path) -> list[Peer]:
    """All of them, in the order of the report; `forebay` is the binary to measure."""
    compiler = ("gcc", "python3-dev")
    return [
        Peer(
            "forebay",
            "forebay serve",
            lambda site: forebay_commands(forebay, site),
            version_command=[str(forebay), "--version"],
            threads=True,
            front="process",
        ),
        Peer(
            "nginx-gunicorn",
            "nginx before gunicorn's sync workers, by unix socket",
            nginx_gunicorn,
            version_command=["nginx", "-v"],
            python=("gunicorn", "gunicorn_h1c"),
            debian=("nginx-light", *compiler),
            front="tree",
        ),
        Peer(
            "gunicorn-gthread",
            "gunicorn's threaded workers, without a proxy",
            gunicorn_gthread,
            python=("gunicorn", "gunicorn_h1c"),
            debian=compiler,
            threads=True,
        ),
        Peer(
            "uwsgi-router",
            "uWSGI's HTTP router before its workers",
            uwsgi_router,
            python=("uWSGI",),
            debian=compiler,
            threads=True,
        ),
        Peer(
            "uwsgi-socket",
            "uWSGI's workers speak HTTP themselves and close every connection",
            uwsgi_socket,
            python=("uWSGI",),
            debian=compiler,
            threads=True,
        ),
        Peer(
            "bjoern",
            "one process per worker, sharing the port by SO_REUSEPORT",
            bjoern,
            python=("bjoern",),
            debian=("libev-dev", *compiler),
        ),
        Peer(
            "granian",
            "Rust front inside each worker, WSGI interface",
            granian,
            python=("granian",),
            threads=True,
        ),
    ]


def forebay_commands(binary: Path, site: Site, *options: str) -> list[list[str]]:
    command = [str(binary), "serve", f"{site.app}:application", "-b", site.address]
    command += ["-w", str(site.workers), "--chdir", str(APPS), *options]
    return [command + (["--threads", str(site.threads)] if site.threads > 1 else [])]


def nginx_gunicorn(site: Site) -> list[list[str]]:
    socket, config = site.directory / "gunicorn.sock", site.directory / "nginx.conf"
    config.write_text(nginx_config(site, f"unix:{socket}"))
    nginx = ["nginx", "-p", str(site.directory), "-c", str(config), "-e", "stderr"]
    gunicorn = gunicorn_command(site, f"unix:{socket}", "--worker-class", "sync", *LONG_BACKLOG)
    return [nginx, gunicorn]


def nginx_config(site: Site, upstream: str) -> str:
    """nginx as strong as it gets here.

    One nginx worker: it is never the bottleneck before gunicorn, and a second one only takes turns
    with the Python workers on the same cores. Buffers hold the largest request and response of the
    scenarios, so that nothing is written to disk.
    """
    user = f"user {pwd.getpwuid(0).pw_name};" if os.geteuid() == 0 else ""
    scratch = "\n".join(
        f"  {kind}_temp_path {site.directory}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return f"""
daemon off;
pid {site.directory}/nginx.pid;
{user}
worker_processes 1;
worker_rlimit_nofile {2 * site.connections + 64};
events {{ worker_connections {2 * site.connections}; }}
http {{
{scratch}
  access_log off;
  keepalive_requests 1000000000;
  client_body_buffer_size 128k;
  proxy_buffers 80 16k;
  proxy_buffer_size 16k;
  server {{
    listen {site.address} backlog={BACKLOG};
    location / {{ proxy_pass http://{upstream}; proxy_set_header Host $http_host; }}
  }}
}}
"""


def gunicorn_gthread(site: Site) -> list[list[str]]:
    options = ["--worker-class", "gthread", "--threads", str(site.threads), "--keep-alive", "75"]
    options += ["--worker-connections", str(site.connections), *LONG_BACKLOG]
    return [gunicorn_command(site, site.address, *options)]


LONG_BACKLOG = ("--backlog", str(BACKLOG))


def gunicorn_command(site: Site, bind: str, *options: str) -> list[str]:
    """The heartbeat file is in memory, as gunicorn's documentation advises; gunicorn_h1c is used
    because it is installed (--http-parser auto).
    """
    command = [venv("gunicorn"), f"{site.app}:application", "--chdir", str(APPS), "--bind", bind]
    command += ["--workers", str(site.workers), *options]
    return command + ["--worker-tmp-dir", "/dev/shm", "--no-control-socket"]


def uwsgi_router(site: Site) -> list[list[str]]:
    """The way to put uWSGI before clients, says its documentation."""
    keep = ["--http-keepalive"] if site.keep_alive else CLOSE_HEADER
    return [uwsgi_command(site, ["--http", site.address, *keep])]


def uwsgi_socket(site: Site) -> list[list[str]]:
    """The faster way, with no shield before the workers.

    It knows no keep-alive and does not say so in the response: CLOSE_HEADER does. --http11-socket
    would keep connections, but a worker then belongs to one connection for as long as that lives:
    with 2 workers 62 of 64 clients were never answered.
    """
    return [uwsgi_command(site, ["--http-socket", site.address, *CLOSE_HEADER])]


CLOSE_HEADER = ["--add-header", "Connection: close"]


def uwsgi_command(site: Site, options: list[str]) -> list[str]:
    command = [venv("uwsgi"), "--master", "--die-on-term", "--need-app", "--disable-logging"]
    command += ["--chdir", str(APPS), "--module", f"{site.app}:application"]
    command += ["--processes", str(site.workers), "--listen", str(BACKLOG), *options]
    return command + (["--threads", str(site.threads)] if site.threads > 1 else [])


def bjoern(site: Site) -> list[list[str]]:
    launcher = str(BENCH / "bjoern_launcher.py")
    return [[venv("python"), launcher, str(APPS), site.app, str(site.port), str(site.workers)]]


def granian(site: Site) -> list[list[str]]:
    """Its default, hundreds of blocking threads, is within the noise of one thread when connections
    are kept, a quarter slower when they are not, and costs a third to a half more CPU.
    """
    command = [venv("granian"), f"{site.app}:application", "--working-dir", str(APPS)]
    command += ["--interface", "wsgi", "--http", "1", "--no-ws", "--no-log"]
    command += ["--host", "127.0.0.1", "--port", str(site.port), "--backlog", str(BACKLOG)]
    command += ["--backpressure", str(site.connections)]  # connections that a worker accepts
    return [command + ["--workers", str(site.workers), "--blocking-threads", str(site.threads)]]
