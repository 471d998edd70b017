"""What broke the server once: floods, leaks of seats and processes, work that never ends."""

import os
import resource
import signal
import socket
import subprocess
import time

from raw_client import request
from serving import until


def sleepers(server):
    """Defunct children of the front."""
    listing = ["ps", "--ppid", str(server.pid), "-o", "state="]
    return subprocess.run(listing, capture_output=True, text=True, check=False).stdout.split()


def test_many_files_in_flight_are_no_breach_of_the_channel(serve):
    """A worker can finish several requests, each with its file, before the front looks."""
    server = serve("hostile")
    clients = [server.client() for _ in range(32)]
    for _ in range(20):
        for client in clients:
            client.send_get("/file")
        for client in clients:
            answer = client.response()
            assert answer.status == 200 and len(answer.body) == 2000
    for client in clients:
        client.close()
    assert "broke the channel's rules" not in server.log


def test_answered_request_that_never_ends_costs_its_worker(serve):
    server = serve("hostile", "--timeout", "1s", "--max-wait", "20s")
    pid = server.get("/pid").text
    assert server.get("/endless").text == "abc"
    assert server.get("/pid").text != pid
    server.wait_for_log(r"a request that has its answer ran for 1\.[0-9] s, more than --timeout")


def test_who_leaves_after_a_stray_newline_is_never_run(serve):
    server = serve("probe")
    with server.send_get("/block?running") as running:
        server.wait_calls(1)
        with server.send_get("/?gone") as client:
            server.wait_queue(1)
            client.send(b"\r\n")
            time.sleep(0.1)  # two reads, not one
        server.wait_queue(0)
        server.open_gate()
        assert running.response().status == 200
    assert len(server.calls()) == 1


def test_a_worker_that_logs_without_end_holds_nobody_up(serve):
    server = serve("hostile", "-w", "2", "--health-path", "/health")
    server.wait_ready(2)
    assert server.get("/chatty").status == 200
    server.wait_for_log("chatter", 1000)
    slowest = 0.0
    for _ in range(20):
        began = time.monotonic()
        assert server.get("/health").status == 200
        slowest = max(slowest, time.monotonic() - began)
    assert slowest < 5
    assert server.get("/pid").status == 200


def test_orphans_of_workers_leave_no_zombies(serve):
    server = serve("hostile")
    for _ in range(3):
        server.get("/spawn")
    os.kill(server.workers()[0], signal.SIGKILL)
    server.wait_ready(1)
    until(lambda: sleepers(server) == ["S"])


def test_hup_storm_boots_one_generation_at_a_time(serve):
    server = serve("slow_start")
    server.open_gate()
    server.wait_ready(1)
    server.close_gate()
    for _ in range(20):
        server.signal(signal.SIGHUP)
        time.sleep(0.05)
    until(lambda: len(server.zygotes()) <= 2)
    server.open_gate()
    until(lambda: len(server.zygotes()) == 1)
    assert server.get("/").text == "hello"


def test_killed_zygotes_and_workers_leave_no_half_born(serve):
    server = serve("probe", "-w", "4")
    for i in range(6):
        until(lambda: len(server.zygotes()) == 1 and server.status()["workers"]["idle"] == 4, 30)
        zygote = server.zygotes()[0]
        for worker in server.workers():
            os.kill(worker, signal.SIGKILL)
        time.sleep(i / 1000)
        os.kill(zygote, signal.SIGKILL)
        until(lambda dead=zygote: dead not in server.zygotes())
    until(lambda: len(server.zygotes()) == 1 and server.status()["workers"]["idle"] == 4, 30)
    until(lambda: server.status()["workers"]["starting"] == 0)
    until(lambda: server.status()["workers"]["stopping"] == 0)
    assert server.get("/").status == 200


def test_clients_cannot_take_all_descriptors(serve):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert soft == hard
    server = serve("probe", prefix=("sh", "-c", 'ulimit -n 64; exec "$@"', "sh"))
    assert "Room for 32 connections" in server.log
    clients = [socket.create_connection(server.address, 10) for _ in range(100)]
    until(lambda: server.status()["connections"]["refused"] >= 60)
    os.kill(server.workers()[0], signal.SIGKILL)
    server.wait_for_log("Booting worker", 2)
    until(lambda: server.status()["workers"]["idle"] == 1)
    for client in clients:
        client.close()
    until(lambda: server.status()["connections"]["open"] == 0)
    assert server.get("/").status == 200


def test_what_is_pipelined_without_reading_is_answered_in_order(serve):
    server = serve("probe", "-w", "2")
    server.wait_ready(2)
    with server.client() as client:
        client.send(*(request("GET", f"/environ?{i}") for i in range(500)))
        for i in range(500):
            assert f'"QUERY_STRING": "{i}"' in client.response().text
    status = server.status()
    assert status["queue"]["requests"] == status["queue"]["bytes"] == status["servers"]["busy"] == 0


def test_bodies_and_answers_that_find_no_room_cost_only_themselves(serve):
    """A limit on file sizes, 8 MiB, stands for a full disk; the shared memory fits into it."""
    server = serve("probe", prefix=("sh", "-c", 'ulimit -f 16384; exec "$@"', "sh"))
    with server.client() as client:
        client.send(request("POST", "/sum", body=b"x" * (8 * 1024 * 1024 + 100_000)))
        assert client.response().status == 503 and client.at_end()
    assert server.calls() == []
    server.wait_for_log("there is no room for their bodies")
    with server.send_get("/large/100000000") as client:
        assert client.head()["Content-Length"] == "100000000"
        server.wait_busy(0)
        assert len(client.rest()) < 100_000_000
    assert server.get("/").status == 200


def test_a_worker_without_descriptors_says_why_large_bodies_fail(serve):
    server = serve("hostile")
    assert server.get("/leak").status == 200
    with server.client() as client:
        assert client.post("/pid", b"x" * 2_000_000).status == 502
        assert client.post("/pid", b"small").status == 200
    server.wait_for_log("no descriptor left for the request's body")
