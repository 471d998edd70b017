"""The servers of the overload, each as it is set up by people who did as its documentation says.

Unlike in peers.py nothing is tuned for the load: forebay has nothing configured at all, gunicorn
has its own backlog of 2048. HAProxy is there twice: with the one setting that everybody gives it,
and told how long its clients wait, which nobody tells the others.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from peers import Peer, Site, forebay_commands, gunicorn_command, nginx_config

PATIENCE_TOLD = ("option abortonclose", "timeout queue 1s")


def overload_peers(forebay: Path) -> list[Peer]:
    """In the order of the report; `forebay` is the binary to measure."""
    gunicorn = ("gunicorn", "gunicorn_h1c")
    compiler = ("gcc", "python3-dev")
    haproxy = {"version_command": ["haproxy", "-v"], "debian": ("haproxy", *compiler)}
    return [
        Peer(
            "forebay",
            "forebay serve, nothing configured",
            partial(forebay_commands, forebay),
            version_command=[str(forebay), "--version"],
            front="process",
        ),
        Peer(
            "nginx-gunicorn",
            "nginx before gunicorn's sync workers, by unix socket",
            nginx_gunicorn,
            version_command=["nginx", "-v"],
            python=gunicorn,
            debian=("nginx-light", *compiler),
            front="tree",
        ),
        Peer(
            "haproxy-gunicorn",
            "HAProxy with maxconn = workers before gunicorn's sync workers, by unix socket",
            haproxy_gunicorn,
            python=gunicorn,
            front="tree",
            **haproxy,
        ),
        Peer(
            "haproxy-told",
            f"the same, with `{'` and `'.join(PATIENCE_TOLD)}`",
            partial(haproxy_gunicorn, told=PATIENCE_TOLD),
            python=gunicorn,
            front="tree",
            **haproxy,
        ),
        Peer(
            "gunicorn",
            "gunicorn's sync workers, without a proxy",
            gunicorn_alone,
            python=gunicorn,
            debian=compiler,
        ),
    ]


def nginx_gunicorn(site: Site) -> list[list[str]]:
    config = site.directory / "nginx.conf"
    config.write_text(nginx_config(site, f"unix:{_socket(site)}"))
    nginx = ["nginx", "-p", str(site.directory), "-c", str(config), "-e", "stderr"]
    return [nginx, _gunicorn_behind(site)]


def haproxy_gunicorn(site: Site, told: tuple[str, ...] = ()) -> list[list[str]]:
    config = site.directory / "haproxy.cfg"
    config.write_text(haproxy_config(site, told))
    return [["haproxy", "-db", "-f", str(config)], _gunicorn_behind(site)]


def haproxy_config(site: Site, told: tuple[str, ...] = ()) -> str:
    """Timeouts as in Debian's haproxy.cfg; without `timeout queue`, that of connect holds. If not
    enough descriptors are allowed for all its connections, HAProxy starts nevertheless.
    """
    more = "".join(f"  {line}\n" for line in told)
    return f"""
global
  maxconn {site.connections}
  no strict-limits
defaults
  mode http
  timeout connect 5s
  timeout client 50s
  timeout server 50s
{more}listen web
  bind {site.address}
  server app unix@{_socket(site)} maxconn {site.workers * site.threads}
"""


def gunicorn_alone(site: Site) -> list[list[str]]:
    return [gunicorn_command(site, site.address, "--worker-class", "sync")]


def _gunicorn_behind(site: Site) -> list[str]:
    return gunicorn_command(site, f"unix:{_socket(site)}", "--worker-class", "sync")


def _socket(site: Site) -> Path:
    return site.directory / "gunicorn.sock"
