"""The commands that the project started from, with forebay in place of vegeta."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from serving import BINARY
from stack import Stack

# What vegeta prints today, line by line.
LAYOUT = r"""
Requests      \[total, rate, throughput\]         {total}, {rate}, [\d.]+
Duration      \[total, attack, wait\]             {time}, {time}, {time}
Latencies     \[min, mean, 50, 90, 95, 99, max\]  {time}(, {time}){{6}}
Bytes In      \[total, mean\]                     \d+, [\d.]+
Bytes Out     \[total, mean\]                     0, 0.00
Success       \[ratio\]                           100.00%
Status Codes  \[code:count\]                      200:{total}\s*
Error Set:
"""
TIME = r"(\d+m)?[\d.]+(s|ms|µs)"


@pytest.fixture
def stack(tmp_path: Path):
    stack = Stack(tmp_path, "--threads", "4")
    yield stack
    stack.close()


def shell(line: str) -> str:
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", line],
        env=os.environ | {"PATH": f"{BINARY.parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode in (0, 3), done.stderr  # 3: this machine is too busy to keep time
    return done.stdout


def assert_layout(report: str, total: int, rate: str) -> None:
    expected = LAYOUT.strip().format(total=total, rate=rate, time=TIME).splitlines()
    lines = report.splitlines()
    for line, pattern in zip(lines, expected, strict=False):
        assert re.fullmatch(pattern, line), f"{line!r} is not {pattern!r}"
    assert len(lines) >= len(expected), report


@pytest.mark.parametrize(
    ("rate", "told"), [(10, r"11\.\d\d"), (200, r"20[01]\.\d\d")], ids=["10", "200"]
)
def test_forebay_serve(serve, rate, told):
    server = serve("probe", "-w", "8")
    report = shell(
        f'echo "GET http://localhost:{server.address[1]}/" |'
        f" forebay attack -insecure -rate={rate} -timeout=500s -duration=1s | forebay report"
    )
    assert_layout(report, rate, told)


def test_nginx_and_gunicorn(stack):
    report = shell(
        f'echo "GET http://localhost/" | forebay attack -unix-socket {stack.directory}/nginx.sock'
        " -insecure -rate=200 -timeout=500s -duration=1s | forebay report"
    )
    assert_layout(report, 200, r"20[01]\.\d\d")
