"""Reads an access log in JSON."""

import json
from pathlib import Path
from typing import Any

from serving import until

LOGGED = ("--access-logformat", "json", "--access-logfile")


class AccessLog:
    """Options for `serve`, and the lines that come of them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.options = (*LOGGED, path)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._path.read_text().splitlines()]

    def wait(self, count: int = 1, **wanted: object) -> list[dict[str, Any]]:
        """The lines whose keys have these values, once there are `count` of them."""

        def matching() -> list[dict[str, Any]]:
            lines = [line for line in self.lines() if wanted.items() <= line.items()]
            return lines if len(lines) >= count else []

        return until(matching)
