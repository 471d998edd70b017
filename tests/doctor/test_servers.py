"""What the doctor says of a real stack: nginx before gunicorn, whose queue is full."""

import json
import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from doctoring import Diagnosis, diagnose
from serving import Server, run_forebay, until
from stack import Stack

BACKLOG = 4
WORKERS = 2
ANSWERED = BACKLOG + 1 + WORKERS


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Callable[..., Stack]]:
    running: list[Stack] = []

    def start(*options: object, **keywords: object) -> Stack:
        running.append(Stack(tmp_path, *options, workers=WORKERS, **keywords))
        return running[-1]

    try:
        yield start
    finally:
        for each in running:
            each.close()


def waiting_at(address: str) -> int:
    return diagnose().socket(address)["waiting"]


def findings_of(diagnosis: Diagnosis, address: str) -> dict[str, dict[str, object]]:
    """Those that name this socket, by their rule."""
    found = [each for each in diagnosis.page["findings"] if address in each["what"]]
    assert len({each["rule"] for each in found}) == len(found)
    return {each["rule"]: each for each in found}


def test_a_full_queue_is_named_with_its_cause_its_harm_and_its_fix(stack) -> None:
    running = stack("--backlog", BACKLOG)
    running.occupy()
    running.send(BACKLOG + 1)
    until(lambda: waiting_at(running.queue) == BACKLOG + 1)
    assert running.get("/").status == 502  # what the doctor will say

    diagnosis = diagnose("--exit-code")
    assert diagnosis.code == 2
    full = findings_of(diagnosis, running.queue)["queue-full"]
    assert full["severity"] == "critical"
    assert f"pid {running.gunicorn.pid}" in full["what"]
    assert f"{BACKLOG + 1} wait, its limit is {BACKLOG}" in full["what"]
    assert f"{WORKERS} of {WORKERS} workers of gunicorn are busy" in full["evidence"]
    assert any("nginx passes requests here" in line for line in full["evidence"])
    assert any("come from nginx" in line for line in full["evidence"])
    assert "502" in full["users"]
    assert any("--workers" in line for line in full["fix"])
    assert "longer queue" in full["trade_off"]

    text = diagnose(json=False).text
    assert f"critical: {full['what']}" in text
    running.open_gate()
    assert [client.response().status for client in running.clients] == [200] * ANSWERED


def test_a_container_whose_limit_nobody_raised(stack) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root to enter another network namespace")
    script = f'echo {BACKLOG} > /proc/sys/net/core/somaxconn && exec "$@"'
    running = stack(prefix=("unshare", "--net", "sh", "-c", script, "sh"))
    running.occupy()
    running.send(BACKLOG + 1)
    until(lambda: waiting_at(running.queue) == BACKLOG + 1)
    assert running.get("/").status == 502

    found = findings_of(diagnose(), running.queue)
    cut = f"listen() was asked for 2048 (gunicorn's default), the kernel gave {BACKLOG}"
    assert cut in found["queue-full"]["evidence"]
    fix = f"nsenter -t {running.gunicorn.pid} -n sysctl -w net.core.somaxconn=2048"
    assert any(line.startswith(fix) for line in found["queue-full"]["fix"])
    assert f"the kernel cut it to {BACKLOG}" in found["backlog-cut"]["what"]
    own = run_forebay("doctor", "--json", "--own-network").stdout
    assert running.queue not in {each["address"] for network in json.loads(own)["networks"]
                                 for each in network["sockets"]}  # fmt: skip


def test_configurations_that_cannot_be_read_are_named(stack, tmp_path: Path) -> None:
    config = tmp_path / "settings.py"
    config.write_text("timeout = 90\n")
    running = stack("-c", config)
    config.unlink()
    config.mkdir()
    (tmp_path / "nginx.conf").write_bytes(b"http { \xff\0 'unfinished")
    unseen = diagnose().page["unseen"]
    assert any(f"{config}" in line and "gunicorn" in line for line in unseen), unseen
    assert any(f"{tmp_path}/nginx.conf" in line for line in unseen), unseen
    (tmp_path / "nginx.conf").unlink()
    assert any(f"{tmp_path}/nginx.conf" in line for line in diagnose().page["unseen"])
    assert diagnose().socket(running.queue)["waiting"] == 0


def test_what_was_configured_is_read(stack, tmp_path: Path) -> None:
    config = tmp_path / "settings.py"
    config.write_text("timeout = 90\nbacklog = 64\nthreads = len('no')\n")
    running = stack("-c", config, read_timeout="45s")
    servers = {server["kind"]: server for server in diagnose().page["servers"]
               if server["pid"] in (running.gunicorn.pid, running.nginx.pid)}  # fmt: skip
    gunicorn, nginx = servers["gunicorn"], servers["nginx"]
    assert gunicorn["timeout_seconds"] == 90
    assert gunicorn["backlogs"] == [{"address": None, "backlog": 64, "where": f"{config}:2"}]
    assert [worker["connections"] for worker in gunicorn["workers"]] == [0] * WORKERS
    assert [route["upstream"] for route in nginx["routes"]] == [running.queue]
    assert nginx["routes"][0]["read_timeout_seconds"] == 45
    diagnosis = diagnose()
    assert any(f"{config}:3: threads is computed" in line for line in diagnosis.page["unseen"])
    assert list(findings_of(diagnosis, "90 s")) == ["timeouts-crossed"]


def test_clients_that_nginx_gave_up_on_still_wait(stack) -> None:
    running = stack("--backlog", 16, read_timeout="200ms")
    running.occupy()
    running.send(4)
    until(lambda: diagnose().socket(running.queue)["gone"] == 4)
    found = findings_of(diagnose(), running.queue)
    assert "4 of the 4" in found["gone-clients"]["what"]
    assert found["workers-busy"]["severity"] == "warning"
    assert found["proxy-timeout"]["severity"] == "warning"


def test_an_upstream_where_nobody_listens(stack) -> None:
    running = stack()
    running.gunicorn.send_signal(signal.SIGTERM)
    running.gunicorn.wait(20)
    assert running.get("/").status == 502
    missing = findings_of(diagnose(), running.queue)["upstream-missing"]
    assert missing["severity"] in ("critical", "warning")
    assert "502" in missing["users"]


def test_forebay_that_sheds(serve) -> None:
    server: Server = serve("probe", "-w", "1", "--max-queue", "1")
    clients = [server.send_get("/block?1")]
    server.wait_busy(1)
    clients.append(server.send_get("/block?2"))
    server.wait_queue(1)
    assert server.get("/").status == 503
    found = [each for each in diagnose().page["findings"] if f"(pid {server.pid})" in each["what"]]
    assert [each["rule"] for each in found] == ["forebay-shedding"]
    assert found[0]["severity"] == "warning"
    assert "1 wait" in found[0]["evidence"][0]
    server.open_gate()
    for client in clients:
        assert client.response().status == 200


@pytest.mark.parametrize("options", [(), ("--json",), ("explain", "502"), ("--help",)])
def test_a_full_disk_is_said(options: tuple[str, ...]) -> None:
    done = run_forebay("doctor", *options, prefix=("sh", "-c", 'exec "$@" >/dev/full', "sh"))
    assert done.returncode == 2
    assert done.stderr.startswith("forebay: not all could be written")


IN_A_NETWORK = (("unshare", "--net") if os.geteuid() == 0
                else ("unshare", "--map-root-user", "--net"))  # fmt: skip


def test_a_healthy_machine_has_nothing_wrong() -> None:
    diagnosis = diagnose("--own-network", "--exit-code", prefix=IN_A_NETWORK)
    assert diagnosis.page["findings"] == []
    assert diagnosis.code == 0
    text = diagnose("--own-network", "--exit-code", json=False, prefix=IN_A_NETWORK).text
    assert "Nothing is wrong" in text


def test_the_limit_of_another_network_namespace_is_its_own() -> None:
    script = 'echo 7 > /proc/sys/net/core/somaxconn && exec "$@"'
    prefix = (*IN_A_NETWORK, "sh", "-c", script, "sh")
    own = diagnose("--own-network", prefix=prefix).page["networks"]
    assert [network["somaxconn"] for network in own] == [7]


def test_an_ordinary_user_is_told_what_it_may_not_see() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root to become somebody else")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        as_nobody = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
        diagnosis = diagnose(prefix=as_nobody)
        found = diagnosis.socket(f"127.0.0.1:{listener.getsockname()[1]}")
        assert found["owners"] == []
        assert any("run as root" in line for line in diagnosis.page["unseen"])
