"""Clients that send a byte now and then hold gunicorn's workers; behind nginx, or with Forebay,
nobody notices them."""

import pytest
from experimenting import Outcome, experiment


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return experiment(tmp_path_factory.mktemp("slow"), "slow-clients", "--quick")


def test_gunicorn_alone_answers_nobody(slow: Outcome) -> None:
    (run,) = slow.runs("gunicorn")
    assert run["statuses"] == {"timeout": run["requests"]}
    assert run["started"] == []


@pytest.mark.parametrize("stack", ["classic", "forebay"])
def test_who_reads_requests_before_workers_do_answers_all(slow: Outcome, stack: str) -> None:
    (run,) = slow.runs(stack)
    assert run["statuses"] == {"200": run["requests"]}


def test_the_slow_ones_were_there_all_the_time(slow: Outcome) -> None:
    for stack in ("gunicorn", "classic", "forebay"):
        (run,) = slow.runs(stack)
        said = [event["what"] for event in run["events"]]
        assert said == ["200 slow clients are there", "200 slow clients are still there"]


def test_forebay_keeps_its_promise(slow: Outcome) -> None:
    assert slow.kept(1), slow.text
    assert "Forebay answered 72 of 72" in slow.text.splitlines()[-1]
