"""The other experiments in their quick form: Forebay keeps its promise, and the usual stack fails
as predicted where that does not depend on speed."""

from experimenting import experiment, near, wasted


def test_overload_is_work_for_those_who_wait(tmp_path) -> None:
    outcome = experiment(tmp_path, "overload", "--quick")
    assert outcome.kept(2), outcome.text
    for classic, forebay in zip(outcome.runs("classic"), outcome.runs("forebay"), strict=True):
        assert wasted(classic) > len(classic["started"]) / 2
        assert wasted(forebay) < len(forebay["started"]) / 2
        assert forebay["statuses"]["503"] > 0


def test_newcomers_are_served_soon_after_an_overload(tmp_path) -> None:
    outcome = experiment(tmp_path, "recovery", "--quick", "--only", "forebay")
    assert outcome.kept(1), outcome.text


def test_who_has_left_is_not_served(tmp_path) -> None:
    outcome = experiment(tmp_path, "abandoned", "--quick")
    assert outcome.kept(1), outcome.text
    assert near(wasted(outcome.runs("classic")[0]), 100)
    assert wasted(outcome.runs("forebay")[0]) <= 8
    assert outcome.runs("forebay")[0]["statuses"] == {"timeout": 100}


def test_a_crash_of_workers_fails_nothing(tmp_path) -> None:
    outcome = experiment(tmp_path, "worker-crash", "--quick")
    assert outcome.kept(1), outcome.text
    classic, forebay = outcome.runs("classic")[0], outcome.runs("forebay")[0]
    assert len(forebay["events"]) == 8
    assert forebay["statuses"] == {"200": forebay["requests"]}
    assert near(classic["statuses"]["502"], len(classic["events"]))


def test_a_reload_fails_nothing(tmp_path) -> None:
    outcome = experiment(tmp_path, "reload", "--quick")
    assert outcome.kept(1), outcome.text
    assert [event["what"] for event in outcome.runs("forebay")[0]["events"]] == ["HUP"] * 4
