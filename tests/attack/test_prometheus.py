"""-prometheus-addr: what Prometheus sees of an attack while it runs."""

import re
import signal
import socket

from attacking import attack, start_attack, wait_for_arrivals
from planned_server import PlannedServer


def connect(path):
    one = socket.socket(socket.AF_UNIX)
    one.settimeout(10)
    one.connect(str(path))
    return one


def scrape(path):
    with connect(path) as one:
        one.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        head, _, body = b"".join(iter(lambda: one.recv(65536), b"")).decode().partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4")
    assert f"Content-Length: {len(body.encode())}\r\n" in head + "\r\n"
    return body


def value(text, name, **labels):
    """0 if there is none."""
    given = ",".join(f'{key}="{text}"' for key, text in labels.items())
    found = re.search(rf"^{name}\{{{re.escape(given)}\}} (\S+)$", text, re.M)
    return float(found[1]) if found else 0


def test_figures_can_be_scraped_while_it_runs_and_nobody_listens_afterwards(tmp_path):
    path = tmp_path / "s"
    with PlannedServer() as server:
        good, bad = server.url("/echo"), server.url("/status/503")
        process = start_attack(
            f"{good}\n\nGET {bad}", "-rate=50", "-duration=1h", f"-prometheus-addr=unix:{path}"
        )
        wait_for_arrivals(server, 40)
        labels = {"method": "GET", "url": bad, "status": "503"}
        while value(text := scrape(path), "request_seconds_count", **labels) < 10:
            pass
        process.send_signal(signal.SIGINT)
        assert len(process.stdout.readlines()) >= 40
        process.wait(20)
        process.stderr.close()
    assert value(text, "request_fail_count", **labels, message="503 Word") >= 10
    assert value(text, "request_bytes_in", **labels) == 2 * value(
        text, "request_seconds_count", **labels
    )
    fine = {"method": "GET", "url": good, "status": "200"}
    assert value(text, "request_seconds_bucket", **fine, le="+Inf") >= 10
    assert value(text, "request_fail_count", **fine, message="") == 0
    assert not path.exists()


def test_an_address_that_is_taken_is_an_error():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = attack("GET http://localhost/", f"-prometheus-addr=127.0.0.1:{port}")
    assert done.status == 1
    assert "another program listens" in done.error
    assert not done.hits


def test_a_client_that_asks_nothing_or_too_much_holds_nobody_up(tmp_path):
    path = tmp_path / "s"
    with PlannedServer() as server:
        process = start_attack(
            server.url(), "-rate=50", "-duration=1h", f"-prometheus-addr=unix:{path}"
        )
        wait_for_arrivals(server, 5)
        silent = [connect(path) for _ in range(8)]
        with connect(path) as chatty:
            try:
                chatty.sendall(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 10_000)
                assert chatty.recv(1) == b""
            except ConnectionError:
                pass
        assert "request_seconds" in scrape(path)
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        assert process.wait(20) == 3
        process.stderr.close()
        for one in silent:
            one.close()
