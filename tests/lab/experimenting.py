"""`forebay lab` for tests: the real binary with real nginx and gunicorn, in its quick form."""

import atexit
import json
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serving import run_forebay


def launcher() -> Path:
    """gunicorn of this interpreter: the script of a virtual environment that was moved does not
    find its own. For everybody to run, until the tests end.
    """
    directory = Path(tempfile.mkdtemp(prefix="gunicorn-"))
    atexit.register(shutil.rmtree, directory)
    directory.chmod(0o755)
    script = directory / "gunicorn"
    script.write_text(f"#!{sys.executable}\nfrom gunicorn.app.wsgiapp import run\n\nrun()\n")
    script.chmod(0o755)
    return script


GUNICORN = launcher()


@dataclass
class Outcome:
    code: int
    text: str
    said: str  # on stderr
    page: dict[str, Any]

    @property
    def experiment(self) -> dict[str, Any]:
        assert len(self.page["experiments"]) == 1
        return self.page["experiments"][0]

    def runs(self, stack: str) -> list[dict[str, Any]]:
        return [run for run in self.experiment["runs"] if run["stack"] == stack]

    def promises(self, stack: str) -> list[bool]:
        return [p["kept"] for p in self.experiment["promises"] if p["stack"] == stack]

    def kept(self, promises: int) -> bool:
        """Forebay kept all of them. Those about time may stay unclear: a machine that is too busy
        for the load says nothing about them.
        """
        made = [p for p in self.experiment["promises"] if p["stack"] == "forebay"]
        unclear = any(p["unclear"] for p in made)
        return (
            len(made) == promises
            and all(p["kept"] or p["unclear"] for p in made)
            and self.code == (3 if unclear else 0)
        )


def experiment(directory: Path, *options: object, **how: Any) -> Outcome:
    """Fails if a process is left behind; see run_forebay."""
    file = directory / "lab.json"
    file.touch()
    file.chmod(0o666)
    done = run_forebay("lab", *options, "--json", file, "--gunicorn", GUNICORN, seconds=120, **how)
    assert done.returncode in (0, 1, 3), done.stderr
    return Outcome(done.returncode, done.stdout, done.stderr, json.loads(file.read_text()))


def near(value: int, expected: int, tolerance: int = 2) -> bool:
    return abs(value - expected) <= tolerance


def wasted(run: dict[str, Any]) -> int:
    """Requests that were run although nobody got an answer."""
    return len(run["started"]) - run["statuses"].get("200", 0)
