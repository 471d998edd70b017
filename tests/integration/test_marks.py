"""By what a request is found again: X-Request-Start, X-Request-ID, traceparent, Server-Timing."""

import json
import re
import time

import pytest
from access import AccessLog
from serving import until

STRANGER = ("--forwarded-allow-ips", "192.0.2.1")
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def access(tmp_path):
    return AccessLog(tmp_path / "access.log")


def environ(server, *fields):
    return json.loads(server.get("/", *fields).text)


# X-Request-Start.


def test_request_start_is_when_the_wait_began(serve):
    before = time.time()
    start = environ(serve("mirror"))["HTTP_X_REQUEST_START"]
    assert re.fullmatch(r"t=\d{10}\.\d{3}", start)
    assert before - 0.001 <= float(start[2:]) <= time.time()


def test_request_start_of_strangers_is_replaced(serve):
    server = serve("mirror", *STRANGER)
    fields = ("X-Request-Start: t=1.000", "x-request-start: t=2.000", "X-Queue-Start: t=1.000")
    seen = environ(server, *fields)
    assert float(seen["HTTP_X_REQUEST_START"][2:]) > time.time() - 60
    assert "HTTP_X_QUEUE_START" not in seen


@pytest.mark.parametrize("form", ["t={:.3f}", "{:.3f}", "t={:.0f}", "{1:.0f}", "t={2:.0f}"])
def test_request_start_of_a_trusted_proxy_is_kept_and_measured(serve, access, form):
    server = serve("mirror", *access.options)
    at = time.time() - 100
    start = form.format(at, at * 1e3, at * 1e6)
    assert environ(server, f"X-Request-Start: {start}")["HTTP_X_REQUEST_START"] == start
    assert 99 <= access.wait()[0]["proxy_time"] <= 160


def test_request_start_in_the_future_or_of_no_sense_measures_nothing(serve, access):
    server = serve("mirror", *access.options)
    environ(server, f"X-Request-Start: t={time.time() + 1000:.3f}")
    assert environ(server, "X-Request-Start: soon")["HTTP_X_REQUEST_START"] == "soon"
    environ(server)
    first, second, third = access.wait(count=3)
    assert first["proxy_time"] == 0
    assert "proxy_time" not in second and "proxy_time" not in third


# X-Request-ID.


def test_request_ids_pass_and_are_logged_but_not_made_unless_asked(serve, access):
    server = serve("mirror", *access.options)
    answer = server.get("/", "X-Request-ID: mine")
    assert json.loads(answer.text)["HTTP_X_REQUEST_ID"] == "mine"
    assert answer.all("X-Request-ID") == []
    assert "HTTP_X_REQUEST_ID" not in environ(server)
    first, second = access.wait(count=2)
    assert first["request_id"] == "mine" and "request_id" not in second


def test_request_ids_are_made_and_given_to_all_sides(serve, access):
    server = serve("mirror", "--request-id", *access.options)
    seen = set()
    for _ in range(5):
        answer = server.get()
        seen.add(answer["X-Request-ID"])
        assert json.loads(answer.text)["HTTP_X_REQUEST_ID"] == answer["X-Request-ID"]
        assert re.fullmatch("[0-9a-f]{32}", answer["X-Request-ID"])
    assert len(seen) == 5
    assert {line["request_id"] for line in access.wait(count=5)} == seen
    assert server.get("/", "x-request-id: mine")["X-Request-ID"] == "mine"


@pytest.mark.parametrize("text", ["", "with space", 'quote"', "x" * 129, "\xe9"])
def test_request_ids_that_could_do_harm_are_replaced(serve, text):
    answer = serve("mirror", "--request-id").get("/", f"X-Request-ID: {text}")
    assert re.fullmatch("[0-9a-f]{32}", answer["X-Request-ID"])
    assert json.loads(answer.text)["HTTP_X_REQUEST_ID"] == answer["X-Request-ID"]


def test_request_id_of_the_application_is_left_alone(serve):
    answer = serve("own_id", "--request-id").get("/", "X-Request-ID: clients")
    assert answer["X-Request-ID"] == "applications"


def test_refusals_have_the_request_id(serve):
    server = serve("probe", "--request-id", "--max-queue", "1", "--no-predict")
    with server.send_get("/block") as running:
        server.wait_calls(1)
        with server.send_get("/?waiting") as waiting:
            server.wait_queue(1)
            refusal = server.get("/", "X-Request-ID: refused")
            assert (refusal.status, refusal["X-Request-ID"]) == (503, "refused")
            server.open_gate()
            assert waiting.response().status == running.response().status == 200


# traceparent.


def test_traces_pass_and_are_logged_but_not_made_unless_asked(serve, access):
    server = serve("mirror", *access.options)
    assert environ(server, f"traceparent: {TRACE}")["HTTP_TRACEPARENT"] == TRACE
    assert "HTTP_TRACEPARENT" not in environ(server)
    first, second = access.wait(count=2)
    assert first["trace_id"] == TRACE[3:35] and "trace_id" not in second


def test_traces_are_made(serve, access):
    server = serve("mirror", "--trace", *access.options)
    assert environ(server, f"traceparent: {TRACE}")["HTTP_TRACEPARENT"] == TRACE
    made = {environ(server, *fields)["HTTP_TRACEPARENT"] for fields in [(), ("traceparent: x",)]}
    assert len(made) == 2
    for trace in made:
        assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-01", trace)
    assert {line["trace_id"] for line in access.wait(count=3)} == {
        trace[3:35] for trace in {TRACE, *made}
    }


# Server-Timing.


def test_server_timing_tells_the_wait_and_the_work(serve):
    server = serve("probe", "--server-timing")
    with server.send_get("/block") as running:
        server.wait_calls(1)
        waiting = server.send_get("/")
        server.wait_queue(1)
        time.sleep(0.2)
        server.open_gate()
        (_, work), (wait, _) = timing(running.response()), timing(waiting.response())
        waiting.close()
    assert 200 <= work < 20_000 and 200 <= wait < 20_000


def timing(answer):
    """Milliseconds in the queue and in the application."""
    pattern = r"queue;dur=(\d+\.\d{3}), app;dur=(\d+\.\d{3})"
    return [float(part) for part in re.fullmatch(pattern, answer["Server-Timing"]).groups()]


def test_server_timing_is_for_who_asked_for_it(serve):
    answer = serve("mirror").get()
    assert answer.all("Server-Timing") == answer.all("X-Request-ID") == []


# environ["forebay.client_disconnected"].


def test_an_application_can_ask_whether_its_client_has_left(serve):
    server = serve("watcher")
    client = server.send_get("/watch")
    until((server.directory / "watching").exists)
    client.close()
    until((server.directory / "left").exists)
    until(lambda: server.status()["servers"]["busy"] == 0)
    assert server.get().text == "False"


def test_a_question_that_was_kept_is_never_about_another_request(serve):
    server = serve("watcher")
    for _ in range(3):
        assert server.get("/later").text == "False"
    assert server.get("/ask").text == "[True, True, True] False"
