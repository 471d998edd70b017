"""Attacks on servers whose answers follow a plan: the true figures are computed from the plan, and
ours must be within one percent of the scale of the plan, and of how exactly the server kept it."""

import random
from itertools import pairwise
from math import exp

from attacking import attack, intended_s, quantile
from planned_server import PlannedServer


def response_s(hits):
    return sorted(hit["latency"] / 1e9 for hit in hits)


def test_a_server_that_stands_still_now_and_then_delays_all_who_come_meanwhile():
    """K1: still for S in every T. Quantile q > 1 - S/T is S - (1 - q) T."""
    stall, period, rounds, rate = 1.0, 4.0, 3, 100

    def plan(at):
        return at if at % period > stall else at - at % period + stall

    with PlannedServer(plan) as server:
        done = attack(f"GET {server.url()}", f"-rate={rate}", f"-duration={rounds * period:g}s")
    latencies = response_s(done.hits)
    assert len(latencies) == rate * rounds * period
    tolerance = 0.01 * stall + 1 / rate + server.slip_s()
    for q in (0.8, 0.9, 0.95, 0.99):
        assert abs(quantile(latencies, q) - (stall - (1 - q) * period)) < tolerance
    mean = sum(latencies) / len(latencies)
    assert abs(mean - stall**2 / (2 * period)) < tolerance


def test_one_freeze_delays_exactly_those_who_came_in_it():
    """K2: a freeze of S: the number of latencies above x is R (S - x)."""
    freeze, rate = 2.0, 200
    with PlannedServer(lambda at: max(at, 1 + freeze) if at >= 1 else at) as server:
        done = attack(f"GET {server.url()}", f"-rate={rate}", "-duration=5s")
    latencies = response_s(done.hits)
    for x in (0.2, 0.5, 1.0, 1.5):
        above = sum(latency > x for latency in latencies)
        assert abs(above - rate * (freeze - x)) <= rate * (0.01 * freeze + server.slip_s()) + 1


def one_at_a_time(service):
    """A plan for a server with one worker."""
    free = 0.0

    def plan(at):
        nonlocal free
        free = max(free, at) + service
        return free

    return plan


def test_overload_makes_latency_grow_as_the_queue_does():
    """K3: service d, rate R, R d > 1, for t: latency rises in a line to t (R d - 1)."""
    service, rate, seconds = 0.02, 100, 4
    with PlannedServer(one_at_a_time(service)) as server:
        done = attack(f"GET {server.url()}", f"-rate={rate}", f"-duration={seconds}s")
    latencies = response_s(done.hits)
    top = seconds * (rate * service - 1)
    tolerance = 0.01 * top + service + server.slip_s()
    assert abs(latencies[-1] - top) < tolerance
    assert abs(quantile(latencies, 0.5) - top / 2) < tolerance


def test_poisson_arrivals_are_a_poisson_process():
    """K8: intended gaps have a coefficient of variation of 1 and an exponential distribution."""
    with PlannedServer() as server:
        done = attack(f"GET {server.url()}", "-rate=200", "-duration=5s", "-arrivals=poisson")
    assert 850 < len(done.hits) < 1150
    at = [intended_s(hit) for hit in done.hits]
    gaps = sorted(b - a for a, b in pairwise(at))
    mean = sum(gaps) / len(gaps)
    deviation = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5
    assert 0.85 < deviation / mean < 1.15
    distance = max(
        abs((i + 0.5) / len(gaps) - (1 - exp(-gap / mean))) for i, gap in enumerate(gaps)
    )
    assert distance < 1.63 / len(gaps) ** 0.5  # Kolmogorov-Smirnov, 1 %; the seed is fixed


def test_a_delay_that_is_known_for_each_request_is_measured():
    """K5: delays of 20 to 400 ms by the path."""
    delays = random.Random(1).choices(range(20, 400), k=200)
    with PlannedServer() as server:
        targets = "".join(f"GET {server.url(f'/sleep/{ms}')}\n" for ms in delays)
        done = attack(targets, "-rate=50", "-duration=4s")
    assert all(hit["latency"] / 1e6 >= ms - 1 for hit, ms in zip(done.hits, delays, strict=True))
    errors = sorted(hit["latency"] / 1e6 - ms for hit, ms in zip(done.hits, delays, strict=True))
    assert quantile(errors, 0.5) < 4 + 1000 * server.slip_s()  # 1 % of the longest


def test_what_never_ends_is_counted_with_the_time_that_it_waited():
    """K6: a stall past the end of the run: R S censored hits, none dropped."""
    rate = 50
    with PlannedServer(lambda at: at if at < 1 else 3600) as server:
        done = attack(f"GET {server.url()}", f"-rate={rate}", "-duration=3s", "-timeout=1s")
    assert len(done.hits) == 3 * rate
    censored = [hit for hit in done.hits if hit.get("failure") == "timeout"]
    assert abs(len(censored) - 2 * rate) <= 1 + rate * server.slip_s()
    assert all(hit["latency"] >= 1e9 for hit in censored)


def test_waiting_for_a_connection_is_on_the_clock_but_not_in_the_service_time():
    """K10: fewer connections than rate x latency: latency grows, service time does not."""
    with PlannedServer() as server:
        done = attack(
            f"GET {server.url('/sleep/50')}",
            "-rate=40",
            "-duration=3s",
            "-max-connections=1",
        )
    assert [hit["code"] for hit in done.hits] == [200] * 120
    service = sorted((hit["latency"] - hit["lag_ns"]) / 1e9 for hit in done.hits)
    latency = response_s(done.hits)
    top = 120 * 0.05 - 3
    per_hit_s = 0.001 + server.slip_s()  # beside the 50 ms: their way, the server's other work
    assert -0.01 * top < latency[-1] - top < 0.01 * top + 120 * per_hit_s
    assert quantile(service, 0.5) < 0.05 + 0.01 * top + server.slip_s()
    late = sorted(hit["late_ns"] / 1e9 for hit in done.hits)
    assert quantile(late, 0.5) < 0.01  # the wait is not our fault
