"""Writes down that it is imported; from the second time on it then waits at the gate."""

import os
from pathlib import Path

DIRECTORY = Path(os.environ["TEST_DIRECTORY"])

with (DIRECTORY / "calls").open("a") as calls:
    calls.write("import\n")
if (DIRECTORY / "calls").read_text().count("import") > 1:
    os.close(os.open(DIRECTORY / "gate", os.O_RDONLY))
from probe import application  # noqa: E402, F401
