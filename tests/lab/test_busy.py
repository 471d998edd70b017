"""All workers are busy and a request comes in: where it waits, and what becomes of one whose client
leaves meanwhile."""

import pytest
from experimenting import Outcome, experiment, wasted
from serving import run_forebay


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return experiment(tmp_path_factory.mktemp("busy"), "busy", "--quick", "--workers", 2)


def steps(run: dict) -> list[str]:
    return [event["what"] for event in run["events"]]


def has(run: dict, *words: str) -> bool:
    """These words are in the steps, in this order."""
    rest = iter(steps(run))
    return all(any(word in step for step in rest) for word in words)


def test_both_stacks_do_as_foretold(busy: Outcome) -> None:
    assert busy.code == 0
    assert busy.promises("forebay") == busy.promises("classic") == [True]
    for run in busy.runs("classic") + busy.runs("forebay"):
        assert run["statuses"] == {"200": 3, "timeout": 1}


def test_the_classic_stack_runs_what_nobody_waits_for(busy: Outcome) -> None:
    (run,) = busy.runs("classic")
    assert wasted(run) == 1
    assert has(
        run, "all 2 workers are busy", "the kernel connects it", "nginx has accepted it",
        "listen queue of that socket: 1 of 129 places", "proxy_read_timeout",
        "waits: 2 of 129 places", "leaves", "still 2 of 129 places", "whose client has left",
        "for nobody",
    )  # fmt: skip


def test_forebay_shows_its_queue_and_lets_the_absent_go(busy: Outcome) -> None:
    (run,) = busy.runs("forebay")
    assert wasted(run) == 0
    assert has(
        run, "all 2 workers are busy", "the kernel connects it", "Forebay has accepted it",
        "Forebay's queue: position 1", "--max-wait", "waits: position 2", "leaves",
        "taken out of the queue", "a worker takes the first one", "answered with 200",
        "never run",
    )  # fmt: skip


def test_the_steps_are_in_order_and_on_the_terminal(busy: Outcome) -> None:
    for run in busy.runs("classic") + busy.runs("forebay"):
        times = [event["at"] for event in run["events"]]
        assert times == sorted(times)
        assert all(f" s  {step}\n" in busy.text for step in steps(run))
    assert "waits" in busy.text.splitlines()[-1]


def test_a_stack_that_it_does_not_have_is_said() -> None:
    done = run_forebay("lab", "busy", "--quick", "--only", "gunicorn")
    assert done.returncode == 2
    assert "there is nothing to run" in done.stderr
