"""The laws of -arrivals, seen by a server that writes down when requests come."""

from itertools import pairwise
from math import pi, sin, sqrt

import pytest
from attacking import attack, intended_s, run_report
from planned_server import PlannedServer

RATE, SECONDS = 100, 2


@pytest.fixture(scope="module")
def server():
    with PlannedServer() as server:
        yield server


def offsets(server, *options):
    """When hits were meant to come, since the first of them; and the server has seen them so."""
    before = len(server.arrivals)
    done = attack(f"GET {server.url()}", *options)
    assert done.codes() == [200] * len(done.hits), done.error
    start = intended_s(done.hits[0])
    meant = [intended_s(hit) - start for hit in done.hits]
    assert meant == sorted(meant)
    arrived = {int(a.headers["X-Vegeta-Seq"]): a.at for a in server.arrivals[before:]}
    assert sorted(arrived) == list(range(len(meant)))
    slips = sorted(abs(arrived[n] - arrived[0] - at) for n, at in enumerate(meant))
    assert slips[len(slips) // 2] < 0.05  # a busy machine makes some late, but not half of them
    return meant


def assert_close(meant, expected):
    assert len(meant) == len(expected)
    assert max(abs(a - b) for a, b in zip(meant, expected, strict=True)) < 2e-6


def when(hits_until, count, seconds):
    """The moments at which `hits_until(t)`, which grows, passes 0, 1, ..."""
    moments = []
    for n in range(count):
        low, high = 0.0, float(seconds)
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if hits_until(middle) < n else (low, middle)
        moments.append(high)
    return moments


def test_constant(server):
    meant = offsets(server, f"-rate={RATE}", f"-duration={SECONDS}s")
    assert_close(meant, [n / RATE for n in range(RATE * SECONDS)])


def test_bursts(server):
    meant = offsets(server, f"-rate={RATE}", f"-duration={SECONDS}s", "-arrivals=bursts:10")
    assert_close(meant, [n // 10 * 10 / RATE for n in range(RATE * SECONDS)])


def test_jitter_moves_each_hit_within_its_gap(server):
    seen = [
        offsets(
            server, f"-rate={RATE}", f"-duration={SECONDS}s", "-arrivals=jitter", f"-seed={seed}"
        )
        for seed in (7, 7, 8)
    ]
    assert_close(seen[0], seen[1])
    assert seen[0] != seen[2]
    for n, at in enumerate(seen[0]):
        assert (n - 1) / RATE < at < (n + 1) / RATE  # the first hit is somewhere in its own gap


def test_poisson_is_the_same_for_the_same_seed(server):
    options = [f"-rate={RATE}", f"-duration={SECONDS}s", "-arrivals=poisson"]
    seen = [offsets(server, *options, f"-seed={seed}") for seed in (1, 1, 2)]
    assert_close(seen[0], seen[1])
    assert seen[0] != seen[2]
    assert len({round(b - a, 4) for a, b in pairwise(seen[0])}) > 50


def test_a_ramp_goes_from_the_rate_to_another(server):
    low, high = 20, 180
    meant = offsets(server, f"-rate={low}", f"-duration={SECONDS}s", f"-arrivals=ramp:{high}")
    growth = (high - low) / SECONDS
    assert_close(
        meant,
        [
            (sqrt(low**2 + 2 * growth * n) - low) / growth
            for n in range((low + high) // 2 * SECONDS)
        ],
    )


def test_steps_have_their_own_rates(server):
    meant = offsets(server, "-arrivals=steps:1s@20,500ms@200")
    assert_close(meant, [n / 20 for n in range(20)] + [1 + n / 200 for n in range(100)])
    over_and_over = offsets(server, "-arrivals=steps:200ms@50,200ms@100", "-duration=800ms")
    assert len(over_and_over) == 2 * (10 + 20)


def test_a_sine_goes_around_the_rate(server):
    amplitude, period = 80, 1
    meant = offsets(
        server, f"-rate={RATE}", f"-duration={SECONDS}s", f"-arrivals=sine:{amplitude}@{period}s"
    )

    def hits_until(t):
        from_start = sin(pi * t / period) ** 2  # (1 - cos(2 pi t / period)) / 2
        return RATE * t + amplitude * period / pi * from_start

    expected = when(hits_until, RATE * SECONDS, SECONDS)
    assert max(abs(a - b) for a, b in zip(meant, expected, strict=True)) < 1e-4


LOG = """\
127.0.0.1 - - [21/Nov/2026:09:00:00 +0000] "GET /a HTTP/1.1" 200 5 "-" "-"
127.0.0.1 - - [21/Nov/2026:09:00:00 +0000] "GET /b HTTP/1.1" 200 5 "-" "-"
this line has no time
127.0.0.1 - - [21/Nov/2026:10:00:01 +0100] "GET /c HTTP/1.1" 200 5 "-" "-"
127.0.0.1 - - [21/Nov/2026:09:00:03 +0000] "GET /d HTTP/1.1" 200 5 "-" "-"
"""


def test_an_access_log_is_replayed(server, tmp_path):
    log = tmp_path / "access.log"
    log.write_text(LOG)
    assert_close(offsets(server, f"-arrivals=replay:{log}"), [0, 0.5, 1, 3])
    assert_close(offsets(server, f"-arrivals=replay:{log}@4"), [0, 0.125, 0.25, 0.75])
    assert_close(offsets(server, f"-arrivals=replay:{log}@4", "-duration=500ms"), [0, 0.125, 0.25])
    log.write_text("nothing here\n")
    done = attack(f"GET {server.url()}", f"-arrivals=replay:{log}")
    assert done.status == 1
    assert "line 1" in done.error


def test_the_seed_is_in_the_report(server, tmp_path):
    results = tmp_path / "results"
    options = ["-rate=10", "-duration=1s", "-arrivals=poisson", "-seed=42", f"-output={results}"]
    attack(f"GET {server.url()}", *options, "-encoding=binary")
    report = run_report("-full", str(results))
    assert "poisson 10/1s for 1s, seed 42" in report.stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-arrivals=steps:1s@20", "-rate=50"], "leave -rate away"),
        (["-arrivals=poisson", "-concurrency=2"], "a closed loop has none"),
        (["-rate=50", "-concurrency=2"], "leave -rate away"),
        (["-arrivals=ramp:100"], "needs -duration"),
        (["-arrivals=sine:80@1s", "-rate=50"], "no hits below zero"),
        (["-arrivals=bursts:0"], "burst"),
        (["-arrivals=replay:/no/such/file"], "/no/such/file"),
    ],
)
def test_what_makes_no_sense_is_said(options, message):
    done = attack("GET http://localhost/", *options)
    assert done.status == 1
    assert message in done.error
    assert not done.hits
