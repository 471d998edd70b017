"""`forebay doctor` on the machine where `forebay lab` holds a queue full."""

import json
import os
import signal
import subprocess
import uuid
from typing import Any

import pytest
from experimenting import GUNICORN
from serving import BINARY, environment, processes_of, run_forebay, until

SOMAXCONN = 4


def full_queues() -> list[dict[str, Any]]:
    page = json.loads(run_forebay("doctor", "--json").stdout)
    return [finding for finding in page["findings"]
            if finding["rule"] == "queue-full" and "gunicorn" in finding["what"]]  # fmt: skip


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may look into another network namespace")
def test_the_doctor_names_what_the_lab_makes() -> None:
    mark = uuid.uuid4().hex
    lab = subprocess.Popen(
        [BINARY, "lab", "burst", "--only", "classic", "--workers", "2", "--somaxconn",
         str(SOMAXCONN), "--rate", "100", "--duration", "200ms", "--gunicorn", GUNICORN],
        env=environment(mark, {}), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        (found,) = until(lambda: [each for each in full_queues()
                                  if f"limit is {SOMAXCONN}." in each["what"]], 30)[:1]  # fmt: skip
    finally:
        lab.send_signal(signal.SIGINT)
        lab.wait(30)
    assert lab.returncode == 128 + signal.SIGINT
    assert processes_of(mark) == []
    assert found["severity"] == "critical"
    assert found["subject"].endswith(".sock")
    assert f"{SOMAXCONN + 1} wait" in found["what"]
    assert "2 of 2 workers of gunicorn are busy" in found["evidence"]
    assert any(f"the kernel gave {SOMAXCONN}" in line for line in found["evidence"])
    assert any("nginx passes requests here" in line for line in found["evidence"])
    assert "502 Bad Gateway from nginx" in found["users"]
    assert any("gunicorn --workers" in line for line in found["fix"])
    assert any("net.core.somaxconn=" in line for line in found["fix"])
