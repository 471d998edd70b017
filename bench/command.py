"""What the commands of the bench share: the choice of peers, options, progress, results."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import install
from peers import BENCH, REPOSITORY, Peer

RESULTS = BENCH / "results"
BINARY = REPOSITORY / "build" / "forebay"


def add_common_options(parser: argparse.ArgumentParser, everyone: list[Peer]) -> None:
    """--peers, --binary, --no-install and --json, the same for all commands."""
    parser.add_argument(
        "--peers",
        metavar="A,B",
        type=names_from([peer.name for peer in everyone]),
        help="who takes part (default: all that can be installed)",
    )
    parser.add_argument(
        "--binary",
        type=Path,
        default=BINARY,
        metavar="PATH",
        help="the forebay to measure (default: build/forebay)",
    )
    parser.add_argument("--no-install", action="store_true", help="leave out what is missing")
    parser.add_argument("--json", action="store_true", help="JSON on stdout, the tables on stderr")


def available(
    everyone: list[Peer], names: list[str] | None, installer: install.Installer
) -> tuple[list[Peer], dict[str, str]]:
    """The peers of these names (None: all) that can run, and for each of the others the reason."""
    chosen, left_out = [], {}
    for peer in everyone:
        if names and peer.name not in names:
            continue
        note(f"looking for {peer.name}")
        if reason := installer.missing(peer):
            left_out[peer.name] = reason
            note(f"left out: {reason}")
        else:
            chosen.append(peer)
    return chosen, left_out


def versions_of(chosen: list[Peer]) -> dict[str, str]:
    versions = {"python": install.installed_versions().get("python", "unknown")}
    return versions | {peer.name: install.versions(peer) for peer in chosen}


def command_line(command: str, given: dict[str, object]) -> str:
    """A command to repeat a run, with every setting spelled out, so that a later default changes
    nothing. What is None, False or empty is left out; True is an option without a value.
    """
    words = [f"./dev bench {command}"]
    for option, value in given.items():
        if value is True:
            words.append(option)
        elif value:
            words.append(f"{option} {value}")
    return " ".join(words)


def write(path: Path, data: dict[str, object], text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.with_suffix(".json").write_text(json.dumps(data, indent=2) + "\n")
    path.with_suffix(".md").write_text(text)
    note(f"written: {path.relative_to(REPOSITORY)}.json and .md")


def stop_cleanly_on_signals() -> None:
    """The first signal leaves through every `finally`, where servers are stopped; a second one,
    from somebody in a hurry, must not interrupt that."""

    def leave(number: int, _frame: object) -> None:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_IGN)
        note("stopping")
        sys.exit(128 + number)

    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, leave)


def names_from(known: list[str]) -> Callable[[str], list[str]]:
    def parse_names(text: str) -> list[str]:
        names = [name.strip() for name in text.split(",") if name.strip()]
        if unknown := [name for name in names if name not in known]:
            raise argparse.ArgumentTypeError(
                f"{', '.join(unknown)} is not one of {', '.join(known)}"
            )
        return names

    return parse_names


def positive(text: str) -> int:
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number above 0")
    return int(text)


def seconds(text: str) -> int:
    return positive(text.removesuffix("s"))


def note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def fail(why: str, reasons: dict[str, str]) -> int:
    note("\n".join([why, *(f"  {name}: {reason}" for name, reason in reasons.items())]))
    return 1
