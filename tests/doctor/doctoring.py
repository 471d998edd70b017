"""`forebay doctor` for tests: run it, read what it says."""

import json as json_module
from dataclasses import dataclass
from typing import Any

from serving import run_forebay


@dataclass
class Diagnosis:
    code: int
    text: str
    page: dict[str, Any]

    def sockets(self) -> list[dict[str, Any]]:
        return [socket for network in self.page["networks"] for socket in network["sockets"]]

    def socket(self, address: str) -> dict[str, Any]:
        """The one with this address."""
        found = [socket for socket in self.sockets() if socket["address"] == address]
        assert len(found) == 1, f"{address} is not once in:\n{self.text}"
        return found[0]


def diagnose(*options: object, json: bool = True, prefix: tuple[str, ...] = ()) -> Diagnosis:
    how = ["--json", *options] if json else [*options]
    done = run_forebay("doctor", *how, prefix=prefix)
    assert done.stderr == ""
    return Diagnosis(done.returncode, done.stdout, json_module.loads(done.stdout) if json else {})
