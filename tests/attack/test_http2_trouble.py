"""HTTP/2 servers that refuse, leave and talk nonsense: every hit has one end, and what was not
refused is sent once."""

from attacking import attack
from http2_server import INTERNAL_ERROR, REFUSED_STREAM, Http2Server, answer, frame, goaway, reset

HITS = 60


def hit_all(server):
    done = attack(f"GET {server.url()}", "-h2c", f"-rate={HITS}", "-duration=1s", "-timeout=5s")
    assert [hit["seq"] for hit in done.hits] == list(range(HITS)), done.error
    return done


def test_what_is_refused_is_sent_again():
    def react(number, stream):
        return answer(stream) if number % 2 == 0 else reset(stream, REFUSED_STREAM)

    with Http2Server(react) as server:
        done = hit_all(server)
    assert set(done.codes()) == {200}, {hit["error"] for hit in done.hits}
    assert server.answered == HITS
    assert server.connections == 1


def test_a_server_that_refuses_everything_is_not_asked_for_ever():
    with Http2Server(lambda _, stream: reset(stream, REFUSED_STREAM)) as server:
        done = hit_all(server)
    assert set(done.codes()) == {0}
    assert all("REFUSED_STREAM" in hit["error"] for hit in done.hits)
    assert HITS < server.requests <= 101 * HITS


def test_an_error_of_one_stream_is_its_own():
    def react(number, stream):
        return reset(stream, INTERNAL_ERROR) if number % 3 == 0 else answer(stream)

    with Http2Server(react) as server:
        done = hit_all(server)
    assert done.codes().count(200) == HITS * 2 // 3
    assert {hit["failure"] for hit in done.hits if hit["code"] == 0} == {"reset"}
    assert server.requests == HITS
    assert server.connections == 1


def test_what_comes_after_a_goaway_goes_elsewhere():
    def react(number, stream):
        return answer(stream) + (goaway(stream) if number == 7 else b"") if number <= 7 else b""

    with Http2Server(react) as server:
        done = hit_all(server)
    assert set(done.codes()) == {200}, {hit["error"] for hit in done.hits}
    assert server.answered == HITS
    assert server.connections >= HITS // 7


def test_a_connection_that_ends_without_a_word_takes_its_hits_with_it():
    with Http2Server(lambda number, stream: answer(stream) if number <= 5 else None) as server:
        done = hit_all(server)
    assert server.requests == HITS
    failed = [hit for hit in done.hits if hit["code"] == 0]
    assert len(failed) == HITS - server.answered
    assert {hit["failure"] for hit in failed} <= {"closed", "reset"}


def test_nonsense_is_a_failure_of_the_protocol():
    with Http2Server(lambda _, stream: frame(0x1, stream, b"\xff" * 20, 0x4)) as server:
        done = hit_all(server)
    assert set(done.codes()) == {0}
    assert {hit["failure"] for hit in done.hits} == {"protocol"}
    assert "HTTP/2" in done.hits[0]["error"]
