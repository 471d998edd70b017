"""Who takes part in which measurement of `./dev bench memory`, able to hold all those clients."""

from __future__ import annotations

import dataclasses
from functools import partial
from pathlib import Path

import overload_peers
import peers
from peers import Peer, Site, forebay_commands, gunicorn_command

PRELOADED = ["--worker-class", "sync", "--preload"]


def all_peers(forebay: Path) -> dict[str, list[Peer]]:
    """By the name of the measurement."""
    everyone = {peer.name: peer for peer in peers.peers(forebay)}
    proxies = {peer.name: peer for peer in overload_peers.overload_peers(forebay)}
    ours = dataclasses.replace(everyone["forebay"], commands=partial(_forebay, forebay))
    haproxy = dataclasses.replace(proxies["haproxy-gunicorn"], commands=_haproxy)
    nginx = everyone["nginx-gunicorn"]
    alone = [everyone[name] for name in ("gunicorn-gthread", "bjoern", "granian")]
    return {
        "idle": [ours, nginx, haproxy, *alone],
        "waiting": [ours, nginx, haproxy],
        "start": list(everyone.values()),
        "replace": [
            dataclasses.replace(everyone["forebay"], commands=partial(_preload, forebay)),
            dataclasses.replace(proxies["gunicorn"], commands=_gunicorn_preload),
            everyone["uwsgi-router"],
        ],
    }


def _forebay(binary: Path, site: Site) -> list[list[str]]:
    return forebay_commands(binary, site, "--max-connections", str(site.connections))


def _preload(binary: Path, site: Site) -> list[list[str]]:
    return forebay_commands(binary, site, "--preload")


def _gunicorn_preload(site: Site) -> list[list[str]]:
    return [gunicorn_command(site, site.address, *PRELOADED)]


def _haproxy(site: Site) -> list[list[str]]:
    """Nothing may time out while it is looked at."""
    return overload_peers.haproxy_gunicorn(site, ("timeout queue 50s",))
