"""What an overload comes to: from the outcomes of requests and the list of runs to figures."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from burst import percentile
from crowd import FAILED, LEFT, Outcome, recovered_at

# Half a time unit of the 50 ms application: a sender later than this spoils the run.
LATE_MAX_S = 0.05


@dataclass(frozen=True)
class Window:
    """Figures of a part of the overload. Shares are percentages of the requests due in it."""

    useful_percent: float  # of capacity: right answers that came in this time, in time
    offered_percent: float  # of capacity
    requests: int
    answered_percent: float
    refused_percent: float  # 503
    error_percent: float  # every other status
    failed_percent: float  # no connection, reset, no whole answer
    left_percent: float  # patience over
    answer_p50_ms: float | None
    answer_p99_ms: float | None
    refusal_p50_ms: float | None
    refusal_p99_ms: float | None
    runs: int  # of the application, for these requests
    wasted_runs: int  # those that brought nobody an answer in time
    wasted_percent: float  # of the runs


@dataclass(frozen=True)
class Recovery:
    """After the overload; None: not within the time of the probes."""

    first_request_s: float | None  # how long the first request after the overload took
    first_answer_s: float | None  # until the first request since then was answered
    prompt_s: float | None  # until the first of 10 requests in a row that were answered promptly
    refused_percent: float  # of the probes


def window(
    outcomes: list[Outcome],
    runs: Counter[int],
    capacity_per_s: float,
    from_s: float,
    until_s: float,
) -> Window:
    """Useful work is counted when it was done, everything else when the request was due."""
    due = [outcome for outcome in outcomes if from_s <= outcome.due_s < until_s]
    useful = [o for o in outcomes if o.status == 200 and from_s <= o.ended_s < until_s]
    possible = capacity_per_s * (until_s - from_s)
    by_status = Counter(outcome.status for outcome in due)
    answered, refused = by_status[200], by_status[503]
    share = 100 / max(1, len(due))
    run = sum(runs[outcome.number] for outcome in due)
    return Window(
        useful_percent=100 * len(useful) / possible,
        offered_percent=100 * len(due) / possible,
        requests=len(due),
        answered_percent=share * answered,
        refused_percent=share * refused,
        error_percent=share * sum(n for status, n in by_status.items() if _is_error(status)),
        failed_percent=share * by_status[FAILED],
        left_percent=share * by_status[LEFT],
        answer_p50_ms=_latency_ms(due, 200, 0.50),
        answer_p99_ms=_latency_ms(due, 200, 0.99),
        refusal_p50_ms=_latency_ms(due, 503, 0.50),
        refusal_p99_ms=_latency_ms(due, 503, 0.99),
        runs=run,
        wasted_runs=run - answered,
        wasted_percent=100 * (run - answered) / max(1, run),
    )


def recovery(probes: list[Outcome], ended_s: float, prompt_s: float) -> Recovery:
    """`ended_s` is when the overload ended, `prompt_s` the latency of a prompt answer."""
    answers_s = [probe.ended_s - ended_s for probe in probes if probe.status == 200]
    first = min(probes, key=lambda probe: probe.due_s, default=None)
    recovered = recovered_at(probes, prompt_s)
    return Recovery(
        first_request_s=first.latency_s if first and first.status == 200 else None,
        first_answer_s=min(answers_s, default=None),
        prompt_s=None if recovered is None else recovered - ended_s,
        refused_percent=100 * sum(p.status == 503 for p in probes) / max(1, len(probes)),
    )


def closed_rate_per_s(outcomes: list[Outcome], from_s: float, until_s: float) -> float:
    """Right answers per second in this time."""
    answers = [o for o in outcomes if o.status == 200 and from_s <= o.ended_s < until_s]
    return len(answers) / (until_s - from_s)


def problems(outcomes: list[Outcome]) -> list[str]:
    """Why a run says nothing about the server."""
    if not outcomes:
        return ["nothing was sent"]
    late_s = percentile(sorted(outcome.late_s for outcome in outcomes), 0.99)
    if late_s > LATE_MAX_S:
        return [f"the sender was late: 1 % of the requests by {1e3 * late_s:.0f} ms or more"]
    return []


def _is_error(status: int) -> bool:
    return status > 0 and status not in (200, 503)


def _latency_ms(outcomes: list[Outcome], status: int, share: float) -> float | None:
    latencies = sorted(1e3 * outcome.latency_s for outcome in outcomes if outcome.status == status)
    return percentile(latencies, share) if latencies else None
