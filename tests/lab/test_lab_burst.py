"""The burst of the seeds: who is refused depends on the kernel's queue, unless Forebay queues."""

import os
import re
import tempfile
from pathlib import Path

import pytest
from experimenting import Outcome, experiment, near, wasted


@pytest.fixture(scope="module")
def burst(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return experiment(tmp_path_factory.mktemp("burst"), "burst", "--quick")


def queue(run: dict, name: str) -> dict:
    return next(queue for queue in run["queues"] if queue["name"] == name)


def test_forebay_keeps_its_promises(burst: Outcome) -> None:
    assert burst.code == 0
    assert burst.promises("forebay") == [True] * 4
    answered = [run["statuses"].get("200", 0) for run in burst.runs("forebay")]
    assert [answered[0], answered[1], answered[3]] == [200, 200, 10]


def test_the_classic_stack_fails_as_the_kernel_makes_it(burst: Outcome) -> None:
    refused, queued, impatient, calm = burst.runs("classic")
    # 8 in workers, 128 + 1 in the queue.
    assert near(refused["statuses"]["200"], 137) and near(refused["statuses"]["502"], 63)
    assert queued["statuses"] == {"200": 200}
    assert near(impatient["statuses"]["200"], 40) and near(impatient["statuses"]["504"], 160)
    assert calm["statuses"] == {"200": 10}
    assert burst.promises("classic") == [True] * 4


def test_the_queues_were_looked_at(burst: Outcome) -> None:
    classic, forebay = burst.runs("classic")[0], burst.runs("forebay")[0]
    assert queue(classic, "kernel, gunicorn")["limit"] == 129
    assert max(queue(classic, "kernel, gunicorn")["waiting"]) == 129
    assert near(max(queue(forebay, "forebay")["waiting"]), 192)
    assert max(queue(forebay, "kernel, forebay")["waiting"]) <= 129


def test_nothing_is_run_in_vain_by_forebay(burst: Outcome) -> None:
    assert [wasted(run) for run in burst.runs("forebay")] == [0, 0, 0, 0]
    assert near(wasted(burst.runs("classic")[2]), 160)


def test_every_request_is_accounted_for(burst: Outcome) -> None:
    for run in burst.runs("classic") + burst.runs("forebay"):
        assert sum(run["statuses"].values()) == run["requests"] == len(run["answers"])


def test_the_table_and_the_verdict_say_it(burst: Outcome) -> None:
    assert re.search(r"nginx \+ gunicorn +13\d of 200 +6\d x 502 ", burst.text)
    assert re.search(r"Forebay +200 of 200 +- ", burst.text)
    assert "Forebay answered 200 of 200" in burst.text.splitlines()[-1]
    assert "8 runs, one after the other" in burst.said


def test_other_figures(tmp_path) -> None:
    # 2 workers and 4 + 1 places; 20 requests before the first is done.
    outcome = experiment(
        tmp_path, "burst", "--quick", "--only", "classic", "--workers", 2, "--somaxconn", 4,
        "--rate", 100, "--duration", "200ms", "--service", "0.4s",
    )  # fmt: skip
    assert near(outcome.runs("classic")[0]["statuses"]["200"], 7)
    assert outcome.runs("forebay") == []


def test_an_ordinary_user_may() -> None:
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    nobody = nobody if os.geteuid() == 0 else ()
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        outcome = experiment(
            Path(directory), "burst", "--quick", "--workers", 2, "--somaxconn", 4, "--rate", 100,
            "--duration", "100ms", prefix=nobody,
        )  # fmt: skip
    assert outcome.code == 0
    assert outcome.runs("classic")[0]["settings"]["somaxconn"] == 4
    assert near(outcome.runs("classic")[0]["statuses"]["200"], 7)
