"""`forebay report` on results as vegeta writes them: what it prints, and what it returns."""

import json
import os
import pty
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from serving import BINARY

SECONDS_MAX = 30
SERVICE_UNAVAILABLE = "503 Service Unavailable"


def result(start: float, latency_ms: float, **keys: Any) -> dict[str, Any]:
    return {
        "attack": "",
        "seq": 0,
        "code": 200,
        "timestamp": f"2025-11-21T08:00:{start:012.9f}Z",
        "latency": round(latency_ms * 1e6),
        "bytes_out": 0,
        "bytes_in": 12,
        "error": "",
        "body": None,
        "method": "GET",
        "url": "http://127.0.0.1/",
        "headers": None,
        **keys,
    }


def lines_of(results: Sequence[dict[str, Any]]) -> str:
    return "".join(json.dumps(one) + "\n" for one in results)


def report(*options: object, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BINARY, "report", *map(str, options)],
        input=stdin,
        env={**os.environ, "TZ": "UTC"},
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )


@pytest.fixture
def burst() -> list[dict[str, Any]]:
    """A hit every 10 ms for 10 s, of 1 to 1000 ms, in no order; each tenth is refused."""
    results = [result(i / 100, 1 + i * 7919 % 1000) for i in range(1000)]
    for one in results[::10]:
        one.update(code=503, error=SERVICE_UNAVAILABLE)
    return results


TEXT = """\
Requests      [total, rate, throughput]         1000, 100.10, 82.93
Duration      [total, attack, wait]             10.853s, 9.99s, 863ms
Latencies     [min, mean, 50, 90, 95, 99, max]  1ms, 500.5ms, 500.5ms, 900.5ms, 950.5ms, 990.5ms, 1s
Bytes In      [total, mean]                     12000, 12.00
Bytes Out     [total, mean]                     0, 0.00
Success       [ratio]                           90.00%
Status Codes  [code:count]                      200:900  503:100  
Error Set:
503 Service Unavailable
"""  # noqa: W291 two blanks follow each status


def test_text_is_laid_out_as_vegetas(burst: list[dict[str, Any]], tmp_path: Path) -> None:
    done = report(stdin=lines_of(burst))
    assert (done.returncode, done.stdout, done.stderr) == (0, TEXT, "")
    file = tmp_path / "results"
    file.write_text(lines_of(burst))
    assert report(file).stdout == TEXT
    assert report("-type", "text", "-output", tmp_path / "page", file).stdout == ""
    assert (tmp_path / "page").read_text() == TEXT


def test_several_files_are_one_run_in_order_of_time(
    burst: list[dict[str, Any]], tmp_path: Path
) -> None:
    early, late = tmp_path / "early", tmp_path / "late"
    early.write_text(lines_of([result(0, 1, code=0, error="first"), *burst[:500]]))
    late.write_text(lines_of([*burst[500:], result(20, 1, code=0, error="last")]))
    pages = [report(early, late).stdout, report(late, early).stdout]
    assert pages[0] == pages[1]
    assert pages[0].startswith("Requests      [total, rate, throughput]         1002,")
    assert pages[0].endswith(f"Error Set:\nfirst\n{SERVICE_UNAVAILABLE}\nlast\n")


def test_json_has_vegetas_keys_and_ours_after_them(burst: list[dict[str, Any]]) -> None:
    done = report("-type=json", "-buckets=[0,100ms,500ms]", stdin=lines_of(burst))
    assert done.returncode == 0 and done.stdout.count("\n") == 1
    page = json.loads(done.stdout)
    assert list(page)[:15] == [
        *("latencies", "buckets", "bytes_in", "bytes_out", "earliest", "latest", "end"),
        *("duration", "wait", "requests", "rate", "throughput", "success", "status_codes"),
        "errors",
    ]
    assert list(page)[15] == "schema_version"
    assert page["latencies"]["99th"] == 990_500_000
    assert page["buckets"] == {"0": 99, "100000000": 400, "500000000": 501}
    assert page["earliest"] == "2025-11-21T08:00:00Z"
    assert page["status_codes"] == {"200": 900, "503": 100}
    assert page["errors"] == [SERVICE_UNAVAILABLE]
    assert page["error_classes"]["status"]["count"] == 100
    low, high = page["intervals"]["p50_ns"]
    assert low < 500_500_000 < high


def test_histogram_and_quantiles(burst: list[dict[str, Any]]) -> None:
    assert report("-type=hist[0,100ms,500ms]", stdin=lines_of(burst)).stdout == (
        "Bucket           #    %       Histogram\n"
        "[0s,     100ms]  99   9.90%   #######\n"
        "[100ms,  500ms]  400  40.00%  ##############################\n"
        "[500ms,  +Inf]   501  50.10%  #####################################\n"
    )
    same = report("-type=hist", "-buckets", "[100ms,500ms]", stdin=lines_of(burst))
    assert same.stdout == report("-type=hist[0,100ms,500ms]", stdin=lines_of(burst)).stdout
    lines = report("-type", "hdrplot", stdin=lines_of(burst)).stdout.splitlines()
    assert len(lines) == 95
    assert lines[6].split() == ["500.500000", "0.500000", "500", "2.000000"]


def test_in_full_it_says_all_that_is_known(burst: list[dict[str, Any]]) -> None:
    for one in burst:
        one.update(late_ns=1000, lag_ns=2000, first_byte_ns=500_000)
    done = report("-full", stdin=lines_of(burst))
    assert done.stdout.startswith(TEXT)
    for word in (
        "p99.9 ",
        "service ",
        "first_byte ",
        "Status ",
        "GET http://127.0.0.1/ ",
        "status ",
    ):
        assert f"\n{word}" in done.stdout


def test_a_generator_that_was_late_makes_the_run_invalid(burst: list[dict[str, Any]]) -> None:
    for one in burst:
        one.update(late_ns=80_000_000)
    done = report("-assert", "p99<1ms", stdin=lines_of(burst))
    assert done.returncode == 3
    reason = "this side was late: 1 % of the hits by 80ms or more, and 50.05ms is the most"
    assert done.stdout.startswith(TEXT)
    assert f"Validity      [verdict]                         INVALID: {reason}" in done.stdout
    assert "assertion" not in done.stderr, "there is no verdict on an invalid run"
    page = json.loads(report("-type=json", stdin=lines_of(burst)).stdout)
    assert page["validity"]["verdict"] == "invalid"
    assert report("-late-max=20%", stdin=lines_of(burst)).returncode == 0


def test_hits_without_an_answer_are_counted_as_censored() -> None:
    timeouts = [result(i, 500, code=0, error="timeout", failure="timeout") for i in range(3)]
    done = report(stdin=lines_of([result(3, 1), *timeouts]))
    assert done.stdout.endswith(
        "Censored      [count reason]                    3 timeout; their true latency is longer\n"
    )
    assert done.returncode == 0


def test_assertions_decide_the_exit_code(burst: list[dict[str, Any]]) -> None:
    done = report("-assert", "p99<991ms,success>=90%,status.503<=10%", stdin=lines_of(burst))
    assert (done.returncode, done.stdout, done.stderr) == (0, TEXT, "")
    done = report("-assert", "p99<0.9s,success>=99.9%,requests=1000", stdin=lines_of(burst))
    assert (done.returncode, done.stdout) == (1, TEXT)
    assert done.stderr == (
        "forebay report: assertion failed: p99<0.9s: p99 is 990.5ms\n"
        "forebay report: assertion failed: success>=99.9%: success is 90%\n"
    )


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["-type=foo"], 1, "invalid report type: foo"),
        (["-type=graph"], 1, 'unknown report type: "graph"'),
        (["-type=plot"], 1, "deprecated"),
        (["-type=hist[1ms"], 1, "bad buckets: [1ms"),
        (["-type=json", "-buckets=[x]"], 1, '"x" is no duration'),
        (["nowhere.bin"], 1, "cannot open nowhere.bin: No such file"),
        (["/dev/null"], 1, 'can\'t detect encoding of "/dev/null"'),
        (["-output", "/nowhere/page"], 1, "cannot open /nowhere/page: No such file"),
        (["-output", "/dev/full"], 1, "cannot write the report: No space left"),
        (["-what"], 2, "--what"),
        (["-every=0s"], 2, "must be more than 0"),
        (["-assert=p99"], 2, "'p99' is no assertion"),
        (["-assert=p99<9"], 2, "'9' is no value for p99: write it as 250ms"),
        (["-late-max=x"], 2, "'x' is no part"),
    ],
)
def test_what_makes_no_sense_is_said(options: list[str], code: int, words: str) -> None:
    done = report(*options, stdin=lines_of([result(0, 1)]))
    assert done.returncode == code
    assert words in done.stderr


class Reading:
    """A report of a stream that goes on."""

    def __init__(self, *options: str, **keywords: Any) -> None:
        self.process = subprocess.Popen(
            [BINARY, "report", *options], stdin=subprocess.PIPE, **keywords
        )

    def write(self, results: Sequence[dict[str, Any]]) -> None:
        assert self.process.stdin
        self.process.stdin.write(lines_of(results).encode())
        self.process.stdin.flush()

    def wait_for(self, text: str) -> None:
        """Reads what is printed up to the line with this text."""
        assert self.process.stdout
        for line in self.process.stdout:
            if text in line.decode():
                return
        raise AssertionError(f"it ended without a word of {text}")

    def end(self) -> tuple[str, str]:
        out, err = self.process.communicate(timeout=SECONDS_MAX)
        return out.decode(), err.decode()


def test_an_interrupt_ends_reading_and_what_there_is_is_printed(
    burst: list[dict[str, Any]],
) -> None:
    reading = Reading("-every=50ms", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    reading.write(burst)
    reading.wait_for("1000, 100.10")
    reading.process.send_signal(signal.SIGINT)
    reading.process.wait(SECONDS_MAX)  # while its input is still open
    out, err = reading.end()
    assert TEXT in out
    assert reading.process.returncode == 3
    assert "reading was interrupted" in err


def test_control_c_on_a_terminal_is_for_whoever_writes(burst: list[dict[str, Any]]) -> None:
    """The attack got it too, and ends by itself: its last results still count."""
    terminal, slave = pty.openpty()
    reading = Reading(
        "-every=50ms",
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: (os.setsid(), os.close(os.open(os.ttyname(slave), os.O_RDWR))),
    )
    reading.write(burst[:500])
    reading.wait_for("500, 100.20")
    os.write(terminal, b"\x03")
    reading.wait_for("500, 100.20")
    reading.wait_for("500, 100.20")  # reports go on: it is still there
    reading.write(burst[500:])
    out, err = reading.end()
    assert (reading.process.returncode, err) == (0, "")
    assert out.endswith(TEXT)
    os.close(terminal)
    os.close(slave)


def test_every_period_it_reports_again(burst: list[dict[str, Any]]) -> None:
    reading = Reading("-every=20ms", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    reading.write(burst)
    for _ in range(3):
        reading.wait_for("1000, 100.10")
    out, err = reading.end()
    assert (reading.process.returncode, err) == (0, "")
    assert out.endswith(TEXT)
    assert "\033" not in out, "only a terminal's screen is cleared"


def test_two_runs_are_compared_with_an_interval_for_the_difference(
    burst: list[dict[str, Any]], tmp_path: Path
) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    before.write_text(lines_of(burst))
    slower = [one | {"latency": one["latency"] + 400_000_000} for one in burst]
    after.write_text(lines_of(slower))
    page = report("-compare", before, after)
    assert page.returncode == 0
    rows = {line.split("  ")[0]: line for line in page.stdout.splitlines()}
    for figure in ("p50", "p90", "p95", "p99"):
        assert "+400ms" in rows[figure] and rows[figure].endswith("higher")
    assert rows["success"].endswith("no difference shown")
    assert "too few hits" in rows["p99.9"]
    differences = json.loads(report("-compare", "-type=json", before, after).stdout)["differences"]
    low, high = differences["p50"]["interval"]
    assert 0 < low < 400e6 < high
    same = json.loads(report("-compare", "-type=json", before, before).stdout)["differences"]
    assert not any(entry.get("shown") for entry in same.values())


@pytest.mark.parametrize(
    ("assertion", "code", "words"),
    [
        ("p50.change<90%", 0, ""),
        ("p50.change<10%", 1, "assertion failed: p50.change<10%"),
        ("p50<600ms", 1, "assertion failed: p50<600ms"),
        ("success.change>=0%", 0, ""),
    ],
)
def test_assertions_on_a_change(
    burst: list[dict[str, Any]], tmp_path: Path, assertion: str, code: int, words: str
) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    before.write_text(lines_of(burst))
    after.write_text(lines_of([one | {"latency": one["latency"] + 400_000_000} for one in burst]))
    done = report("-compare", f"-assert={assertion}", before, after)
    assert done.returncode == code
    assert words in done.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["-compare"], "two files"),
        (["-compare", "a"], "two files"),
        (["-compare", "-type=hdrplot", "a", "b"], "two files"),
        (["-compare", "/no/such/file", "/no/such/file"], "/no/such/file"),
        (["-assert=p50.change<10%"], "-compare"),
    ],
)
def test_a_comparison_that_makes_no_sense_is_said(options: list[str], words: str) -> None:
    done = report(*options, stdin=lines_of([result(0, 1)]))
    assert done.returncode == 1
    assert words in done.stderr


def test_summaries_as_of_ab_and_wrk(burst: list[dict[str, Any]]) -> None:
    for one in burst[1::10]:
        one.update(code=0, error="EOF")
    text = lines_of(burst)
    ab = report("-type=ab", stdin=text).stdout.splitlines()
    figures = {name: value.strip() for name, _, value in (line.partition(":") for line in ab)}
    assert figures["Server Hostname"] == "127.0.0.1"
    assert figures["Server Port"] == "80"
    assert figures["Document Path"] == "/"
    assert figures["Document Length"] == "12 bytes"
    assert figures["Time taken for tests"] == "10.853 seconds"
    assert figures["Complete requests"] == "1000"
    assert figures["Failed requests"] == "100"
    assert figures["Non-2xx responses"] == "100"
    assert figures["HTML transferred"] == "12000 bytes"
    assert figures["Requests per second"] == "92.14 [#/sec] (mean)"
    assert figures["Total"].split() == ["1", "501", "288.8", "501", "1000"]
    assert "   50%    501" in ab
    assert ab[-1] == "  100%   1000 (longest request)"
    wrk = report("-type=wrk", stdin=text).stdout
    assert "Running 11s test @ http://127.0.0.1/\n" in wrk
    assert "     50%  500.50ms\n" in wrk
    assert "  1000 requests in 10.85s, 11.72KB read\n" in wrk
    assert "  Socket errors: connect 0, read 100, write 0, timeout 0\n" in wrk
    assert "  Non-2xx or 3xx responses: 100\n" in wrk
    assert wrk.endswith("Requests/sec:      92.14\nTransfer/sec:     1.08KB\n")
