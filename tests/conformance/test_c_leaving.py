"""Clients that leave, C3 and C4 of the checklist: who waits is never run, who runs may finish."""

import pytest
from access import AccessLog
from raw_client import Client, request
from serving import until

LEAVE = {"close": Client.close, "reset": Client.reset, "half close": Client.half_close}


@pytest.fixture
def access(tmp_path):
    return AccessLog(tmp_path / "access.log")


@pytest.mark.parametrize("leave", LEAVE.values(), ids=LEAVE.keys())
def test_c3_who_leaves_while_waiting_is_never_run(serve, access, leave):
    """The first that wait were handed to the worker's ready ring already, the others not."""
    server = serve("probe", *access.options)
    running = server.send_get("/block?running")
    server.wait_calls(1)
    clients = [server.send_get(f"/?{i}") for i in range(12)]
    server.wait_queue(12)
    for client in clients[:10]:
        leave(client)
    server.wait_queue(2)
    gone = access.wait(count=10, reason="client_gone_queued")
    assert len(gone) == 10
    assert {line["status"] for line in gone} == {499}
    assert {line["worker_pid"] for line in gone} == {None}
    assert {line["app_time"] for line in gone} == {0}
    assert all(line["queue_time"] > 0 for line in gone)
    server.open_gate()
    for client in (running, *clients[10:]):
        assert client.response().status == 200
        client.close()
    assert [call.split()[2] for call in server.calls()] == ["running", "10", "11"]
    assert server.metric("forebay_queue_abandoned_total") == 10
    assert server.metric('forebay_requests_total{reason="client_gone_queued"}') == 10
    assert server.metric('forebay_responses_total{status="499"}') == 10
    assert server.metric('forebay_queue_wait_seconds_count{outcome="gone"}') == 10
    for client in clients[:10]:
        client.close()


def test_c3_who_leaves_a_top_up_place_is_never_run(serve, access):
    """With fast requests the ready ring holds several for each server; they can still leave."""
    server = serve("probe", *access.options)
    for _ in range(50):  # the mean service time becomes small
        assert server.get("/").status == 200
    before = len(server.calls())
    running = server.send_get("/block")
    server.wait_calls(before + 1)
    clients = [server.send_get("/?left") for _ in range(20)]
    server.wait_queue(20)
    for client in clients:
        client.close()
    server.wait_queue(0)
    server.open_gate()
    assert running.response().status == 200
    running.close()
    assert server.get("/?after").status == 200
    assert [call.split()[2:3] for call in server.calls()[before + 1 :]] == [["after"]]
    access.wait(count=20, reason="client_gone_queued")


def test_c3_who_leaves_while_running_is_logged_and_the_server_stays_busy(serve, access):
    server = serve("probe", *access.options)
    client = server.send_get("/block?left")
    server.wait_calls(1)
    client.close()
    # Its server still works for it: what comes now has to wait.
    with server.send_get("/?next") as client:
        server.wait_queue(1)
        status = server.status()
        assert status["servers"] == {"total": 1, "busy": 1} and status["workers"]["busy"] == 1
        assert len(server.calls()) == 1
        server.open_gate()
        assert client.response().status == 200
    gone = access.wait(reason="client_gone_running")[0]
    assert gone["status"] == 499 and gone["worker_pid"] == server.workers()[0]
    assert gone["app_time"] > 0
    until(lambda: server.status()["servers"]["busy"] == 0)
    assert server.metric('forebay_requests_total{reason="client_gone_running"}') == 1
    assert server.metric("forebay_queue_abandoned_total") == 0
    assert server.get("/pid").text == str(gone["worker_pid"])


def test_c3_who_leaves_in_the_middle_of_an_answer_frees_the_worker(serve, access):
    server = serve("probe", *access.options)
    client = server.send_get("/stream/3")
    assert client.head().status == 200 and client.chunk() == b"piece 0\n"
    client.reset()
    server.open_gate()
    assert server.get("/").status == 200
    assert access.wait(reason="client_gone_running")[0]["status"] == 499


def test_c3_who_leaves_before_the_body_is_complete_is_never_queued(serve, access):
    server = serve("probe", *access.options)
    client = server.client()
    client.send(request("POST", "/echo", "Content-Length: 10"), b"half")
    until(lambda: server.status()["connections"]["open"] == 1)
    client.close()
    until(lambda: server.status()["connections"]["open"] == 0)
    assert access.wait(reason="bad_request")[0]["status"] == 400
    assert server.calls() == []


def test_c4_after_a_stall_with_clients_gone_a_live_one_is_served_at_once(serve):
    """The backlog of the dead costs nothing: one service time, not a hundred."""
    server = serve("probe")
    running = server.send_get("/block")
    server.wait_calls(1)
    for client in [server.send_get("/sleep/1?dead") for _ in range(100)]:
        client.close()
    server.wait_queue(0)
    with server.send_get("/?live") as client:
        server.wait_queue(1)
        server.open_gate()
        assert client.response().status == 200
    running.close()
    assert [call.split()[2:3] for call in server.calls()[1:]] == [["live"]]
