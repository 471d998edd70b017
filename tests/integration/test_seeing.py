"""What the server tells about itself: access log, error log, metrics, admin pages."""

import json
import os
import re
import signal
import socket
import time

from access import AccessLog
from prometheus_client.parser import text_string_to_metric_families
from raw_client import Client, request
from serving import Server, until

COMBINED = (
    r"127\.0\.0\.1 - - \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "
    r'"GET /\?q=%20x HTTP/1\.1" 200 5 "http://referer/" "agent \\"quoted\\""'
)


# The access log.


def test_combined_log_is_what_log_readers_know(serve, tmp_path):
    path = tmp_path / "access.log"
    server = serve("probe", "--access-logfile", path, "--access-logformat", "combined")
    get_with_quotes(server)
    until(lambda: path.read_text().endswith("\n"))
    assert re.fullmatch(COMBINED + "\n", path.read_text())


def test_forebay_log_adds_the_queue(serve, tmp_path):
    path = tmp_path / "access.log"
    server = serve("probe", "--access-logfile", path)
    get_with_quotes(server)
    until(lambda: path.read_text().endswith("\n"))
    tail = r" queue=0\.\d{6} app=0\.\d{6} reason=ok\n"
    assert re.fullmatch(COMBINED + tail, path.read_text())


def get_with_quotes(server: Server) -> None:
    fields = ("Referer: http://referer/", 'User-Agent: agent "quoted"')
    assert server.get("/?q=%20x", *fields).status == 200


def test_access_log_goes_to_stdout_for_a_dash(serve):
    server = serve("probe", "--access-logfile", "-")
    assert server.get().status == 200
    until(lambda: '"GET / HTTP/1.1" 200 5' in server.stdout)


def test_access_log_that_nobody_reads_holds_nobody_up(serve, tmp_path):
    """As in `forebay ... | less` that shows its first page."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    server = serve("probe", "--access-logfile", pipe)
    path = "/" + "x" * 4000
    with server.client() as client:
        for _ in range(350):  # more than the pipe and the buffer behind it take together
            assert client.get(path).status == 200
    until(lambda: server.metric("forebay_access_log_dropped_total") > 0)
    server.wait_for_log("lines of it are dropped")
    read = b""

    def is_read() -> bool:
        nonlocal read
        try:
            read += os.read(reader, 1 << 16)
        except BlockingIOError:
            return False
        return b"/after" in read

    with server.client() as client:  # what is kept makes room; then new lines come through
        until(lambda: is_read() or client.get("/after").status != 200)
    lines = read.decode().splitlines()
    assert all(line.startswith("127.0.0.1 ") for line in lines)
    assert len([line for line in lines if path in line]) < 350
    assert server.log.count("lines of it are dropped") == 1
    os.close(reader)


def test_access_log_on_a_full_disk_is_told_once(serve):
    server = serve("probe", "--access-logfile", "/dev/full")
    for answered in range(1, 4):
        assert server.get().status == 200
        until(lambda lines=answered: server.metric("forebay_access_log_dropped_total") == lines)
    assert server.log.count("its disk is full: lines of it are dropped") == 1


def test_json_log_has_every_phase(serve, tmp_path):
    access = AccessLog(tmp_path / "access.log")
    server = serve("probe", *access.options)
    running = server.send_get("/block?secret=1")
    server.wait_calls(1)
    waiting = server.client()
    waiting.send(request("POST", "/sleep/0.1", 'User-Agent: "é', body=b"x" * 10))
    server.wait_queue(1)
    time.sleep(0.2)
    server.open_gate()
    assert running.response().status == waiting.response().status == 200
    running.close()
    waiting.close()
    first, second = access.wait(count=2)
    assert first["path"] == "/block" and second["path"] == "/sleep/0.1"  # never the query
    assert (second["method"], second["status"], second["bytes"]) == ("POST", 200, 5)
    assert second["protocol"] == "HTTP/1.1" and second["remote"] == "127.0.0.1"
    assert second["queue_time"] >= 0.2 and 0.1 <= second["app_time"] < 1
    assert second["duration"] >= second["queue_time"] + second["app_time"]
    assert second["write_time"] < 0.1
    assert second["worker_pid"] == first["worker_pid"] == server.workers()[0]
    assert (first["queue_len_at_arrival"], second["queue_len_at_arrival"]) == (0, 0)
    assert second["reason"] == "ok" and first["referer"] == ""
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", second["ts"])
    assert first["ts"] < second["ts"]


def test_nothing_of_a_client_can_forge_a_line_or_break_the_json(serve, tmp_path):
    access = AccessLog(tmp_path / "access.log")
    server = serve("probe", *access.options)
    with server.client() as client:
        client.send(b'GET /"\\%0a HTTP/1.1\r\nHost: a\r\nUser-Agent: "\\\xff\t{}\r\n\r\n')
        client.response()
        client.send(b"GET /\x00\x01 HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.response().status == 400
    lines = access.wait(count=2)
    assert {line["status"] for line in lines} <= {200, 400}


def test_refused_and_broken_requests_are_logged_with_their_reason(serve, tmp_path):
    access = AccessLog(tmp_path / "access.log")
    server = serve("probe", *access.options, "--health-path", "/-/health")
    server.troubles_expected = True
    with server.client() as client:
        assert client.get("/-/health").status == 200
        client.send(b"rubbish\r\n\r\n")
        assert client.response().status == 400
    with server.client() as client:
        client.send_get("/half")
        assert not client.rest().endswith(b"0\r\n\r\n")
    health, bad, half = access.wait(count=3)
    assert health["worker_pid"] is None and health["reason"] == "ok"
    assert (bad["status"], bad["reason"]) == (400, "bad_request")
    assert (half["status"], half["reason"]) == (200, "app_failed")


# The error log.


def test_error_log_goes_to_a_file(serve, tmp_path):
    path = tmp_path / "error.log"
    server = serve("probe", "--error-logfile", path)
    assert "Booting worker with pid" in path.read_text()
    assert server.log == ""


def test_log_level_hides_what_is_less(serve, tmp_path):
    path = tmp_path / "error.log"
    server = serve("probe", "--log-level", "error", "--error-logfile", path)
    os.kill(server.workers()[0], signal.SIGKILL)
    until(lambda: "starting another" in path.read_text())
    assert "[INFO]" not in path.read_text()


# The admin pages.


def families(server: Server) -> dict:
    return {family.name: family for family in text_string_to_metric_families(server.metrics())}


def test_metrics_are_prometheus(serve):
    server = serve("probe", "-w", "2")
    server.wait_ready(2)
    for _ in range(3):
        assert server.get().status == 200
    found = families(server)
    wanted = {
        "forebay_queue_requests": "gauge",
        "forebay_queue_requests_max": "gauge",
        "forebay_queue_limit": "gauge",
        "forebay_queue_bytes": "gauge",
        "forebay_queue_oldest_age_seconds": "gauge",
        "forebay_queue_predicted_wait_seconds": "gauge",
        "forebay_queue_effective_max_wait_seconds": "gauge",
        "forebay_queue_wait_seconds": "histogram",
        "forebay_queue_rejected": "counter",
        "forebay_queue_abandoned": "counter",
        "forebay_workers": "gauge",
        "forebay_worker_busy_seconds": "counter",
        "forebay_worker_start_seconds": "histogram",
        "forebay_worker_restarts": "counter",
        "forebay_requests": "counter",
        "http_server_request_duration_seconds": "histogram",
        "http_server_active_requests": "gauge",
        "forebay_connections": "gauge",
        "forebay_connections_accepted": "counter",
    }
    assert {name: found[name].type for name in wanted} == wanted
    assert all(family.documentation for family in found.values())
    samples = {(s.name, *s.labels.values()): s.value for f in found.values() for s in f.samples}
    assert samples["forebay_requests_total", "ok"] == 3
    assert samples["forebay_responses_total", "200"] == 3
    assert samples["forebay_queue_wait_seconds_count", "dispatched"] == 3
    assert samples["http_server_request_duration_seconds_bucket", "+Inf"] == 3
    assert samples["forebay_workers", "idle"] == 2
    assert samples["forebay_worker_busy_seconds_total",] > 0
    assert samples["forebay_worker_start_seconds_count",] == 2
    assert 0 < samples["forebay_worker_start_seconds_sum",] < 60
    assert samples["forebay_connections_accepted_total",] == 3


def test_metrics_show_the_queue_while_it_stands(serve):
    server = serve("probe", "--max-wait", "25s")
    clients = [server.send_get("/block")]
    server.wait_calls(1)
    for i in range(3):
        clients.append(server.client())
        clients[-1].send(request("POST", f"/?{i}", body=b"x" * 1000))
    server.wait_queue(3)
    until(lambda: server.metric("forebay_queue_oldest_age_seconds") > 0.05)
    assert server.metric("forebay_queue_requests") == 3
    assert server.metric("forebay_queue_bytes") == 3000
    assert server.metric("forebay_queue_effective_max_wait_seconds") == 25
    assert server.metric("http_server_active_requests") == 4
    assert server.metric('forebay_workers{state="busy"}') == 1
    status, body = server.admin("/queue")
    page = json.loads(body)
    assert status == 200 and page["length"] == 3
    assert [r["path"] for r in page["requests"]] == ["/"] * 3
    assert {(r["method"], r["client"], r["bytes"]) for r in page["requests"]} == {
        ("POST", "127.0.0.1", 1000)
    }
    ages = [r["age_seconds"] for r in page["requests"]]
    assert ages == sorted(ages, reverse=True) and ages[-1] > 0
    server.open_gate()
    for client in clients:
        assert client.response().status == 200
        client.close()
    assert server.status()["queue"]["requests_max"] == 3
    assert server.status()["queue"]["wait_max_seconds"] > 0.05


def test_live_and_ready_say_what_they_mean(serve):
    server = serve("waiting_start", wait=False)
    server.wait_calls(1)
    assert until(lambda: server.admin("/livez")) == (200, b"ok\n")
    assert server.admin("/healthz") == (200, b"ok\n")
    assert server.admin("/readyz") == (503, b"not ready\n")
    server.open_gate()
    until(server.ready)
    assert server.admin("/readyz") == (200, b"ready\n")
    assert server.get().status == 200


def test_requests_before_the_first_worker_is_ready_wait_for_it(serve):
    server = serve("waiting_start", wait=False)
    with server.send_get("/") as client:
        server.wait_calls(1)
        server.wait_queue(1)
        server.open_gate()
        assert client.response().text == "hello"


def test_admin_knows_its_pages_and_methods(serve):
    server = serve("probe", "--access-logfile", "-")
    assert server.admin("/nothing")[0] == 404
    with Client(f"{server.directory}/admin.sock") as client:
        client.send(b"POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
        assert client.response().status == 405
    with Client(f"{server.directory}/admin.sock") as client:
        client.send(b"HEAD /livez HTTP/1.0\r\n\r\n")
        assert client.response("HEAD").status == 200 and client.at_end()
    with Client(f"{server.directory}/admin.sock") as client:
        client.send(b"rubbish\r\n\r\n")
        assert client.response().status == 400
    assert server.stdout == ""  # it is nobody's traffic
    assert server.status()["connections"]["accepted"] == 0


def test_admin_listens_at_a_loopback_port_too(serve):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    server = serve("probe", "--admin", f"127.0.0.1:{port}", wait=False, admin=False)
    server.wait_for_log("Admin pages at: 127.0.0.1")
    with Client(("127.0.0.1", port)) as client:
        assert client.get("/livez").text == "ok\n"


def test_status_names_version_listeners_and_servers(serve):
    server = serve("probe", "-w", "2", "--threads", "3")
    server.wait_ready(6)
    status = server.status()
    assert status["version"] == 1 and status["forebay"]
    host, port = server.address
    assert status["listeners"] == [f"{host}:{port}"]
    assert status["servers"] == {"total": 6, "busy": 0}
    assert status["workers"] == {"idle": 2, "busy": 0, "starting": 0, "stopping": 0}


# What the application is told.


def test_application_learns_how_long_its_request_waited(serve):
    server = serve("probe")
    with server.send_get("/block") as running, server.send_get("/environ") as waiting:
        server.wait_calls(1)
        server.wait_queue(1)
        began = time.monotonic()
        time.sleep(0.3)
        server.open_gate()
        waited = json.loads(waiting.response().body)["forebay.queue_time"]
        assert 0.3 <= waited < time.monotonic() - began + 1
        running.response()
    assert json.loads(server.get("/environ").body)["forebay.queue_time"] < 0.2
