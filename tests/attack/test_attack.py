"""`forebay attack` on the real binary: what is sent, and what is said of each way it can end."""

import base64
import json
import resource
import signal
import socket
import subprocess
import time

import pytest
from attacking import attack, start_attack, wait_for_arrivals, write_targets
from planned_server import PlannedServer
from serving import BINARY


@pytest.fixture(scope="module")
def server():
    with PlannedServer() as server:
        yield server


def one(target, *options):
    """A single hit."""
    done = attack(target, "-rate=1", "-duration=1s", *options)
    assert len(done.hits) == 1, done.error
    return done.hits[0]


def echo(hit):
    return json.loads(base64.b64decode(hit["body"]))


def test_exactly_rate_times_duration_hits_from_the_first_moment_on(server):
    done = attack(f"GET {server.url()}", "-rate=250", "-duration=2s")
    assert done.codes() == [200] * 500
    assert [hit["seq"] for hit in done.hits] == list(range(500))
    assert done.status in (0, 3), done.error  # a busy machine may make it late, and say so


def test_targets_take_turns_and_keep_their_headers_and_bodies(server, tmp_path):
    (tmp_path / "body").write_text("text of a file")
    targets = (
        f"POST {server.url('/echo')}\nX-One: 1\n@{tmp_path / 'body'}\n\n"
        f"# a comment\nGET {server.url('/echo')}\nHost: other.example\n\n"
    )
    done = attack(targets, "-rate=4", "-duration=1s", "-header=X-All: yes", "-name=trial")
    said = [echo(hit) for hit in done.hits]
    assert [one["method"] for one in said] == ["POST", "GET", "POST", "GET"]
    assert [one["body"] for one in said] == ["text of a file", ""] * 2
    assert said[0]["headers"]["X-One"] == "1"
    assert said[1]["headers"]["Host"] == "other.example"
    assert [one["headers"]["X-Vegeta-Seq"] for one in said] == ["0", "1", "2", "3"]
    for one_said, hit in zip(said, done.hits, strict=True):
        assert one_said["headers"]["X-All"] == "yes"
        assert one_said["headers"]["X-Vegeta-Attack"] == hit["attack"] == "trial"
    assert [hit["bytes_out"] for hit in done.hits] == [14, 0, 14, 0]


def test_chunked_bodies(server, tmp_path):
    (tmp_path / "body").write_text("x" * 1000)
    said = echo(one(f"POST {server.url('/echo')}", "-chunked", f"-body={tmp_path / 'body'}"))
    assert said["headers"]["Transfer-Encoding"] == "chunked"
    assert said["body"] == "x" * 1000


def test_json_targets(server):
    body = base64.b64encode(b"hello").decode()
    target = {"method": "PUT", "url": server.url("/echo"), "body": body, "header": {"A": ["b"]}}
    said = echo(one(json.dumps(target) + "\n", "-format=json"))
    assert (said["method"], said["body"], said["headers"]["A"]) == ("PUT", "hello", "b")


def test_kept_body_is_cut_where_it_is_told(server):
    hit = one(f"GET {server.url('/echo')}", "-max-body=5")
    assert len(base64.b64decode(hit["body"])) == 5
    assert hit["bytes_in"] > 5
    whole = int(hit["bytes_in"])
    for size in ("-1", "10KB", "1 MB", "2gb"):
        hit = one(f"GET {server.url('/echo')}", "-max-body", size)
        assert len(base64.b64decode(hit["body"])) == whole
    assert attack("GET http://localhost/", "-max-body=some").status == 2


@pytest.mark.parametrize(
    ("path", "code", "failure", "error"),
    [
        ("/status/503", 503, "status", "503 Word"),
        ("/close", 0, "closed", "EOF"),
        ("/reset", 0, "reset", "connection reset by peer"),
        ("/partial", 0, "closed", "unexpected EOF"),
        ("/garbage", 0, "protocol", "HTTP"),
    ],
)
def test_each_failure_has_its_class(server, path, code, failure, error):
    hit = one(f"GET {server.url(path)}")
    assert (hit["code"], hit["failure"]) == (code, failure)
    assert error in hit["error"]


def test_nobody_listens():
    with socket.socket() as bound:  # but it does not listen
        bound.bind(("127.0.0.1", 0))
        hit = one(f"GET http://127.0.0.1:{bound.getsockname()[1]}/")
    assert (hit["code"], hit["failure"]) == (0, "refused")
    assert hit["error"].endswith("connect: connection refused")


def test_name_that_does_not_resolve():
    hit = one("GET http://no-such-name.invalid/")
    assert (hit["code"], hit["failure"]) == (0, "dns")
    assert "no-such-name.invalid" in hit["error"]


def test_timeout_is_kept_and_recorded(server):
    hit = one(f"GET {server.url('/sleep/5000')}", "-timeout=300ms")
    assert (hit["code"], hit["failure"]) == (0, "timeout")
    assert 0.3e9 <= hit["latency"] < 2e9
    assert "deadline exceeded" in hit["error"]


def test_redirects_are_followed_counted_and_left_alone(server):
    assert one(f"GET {server.url('/redirect/2')}")["code"] == 200
    assert one(f"GET {server.url('/redirect/2')}", "-redirects=-1")["code"] == 302
    hit = one(f"GET {server.url('/redirect/5')}", "-redirects=2")
    assert hit["failure"] == "redirects"
    assert "stopped after 2 redirects" in hit["error"]
    assert echo(one(f"POST {server.url('/see-other')}"))["method"] == "GET"


def test_without_keepalive_every_hit_has_its_connection(server):
    done = attack(f"GET {server.url('/echo')}", "-rate=10", "-duration=1s", "-keepalive=false")
    assert {echo(hit)["headers"]["Connection"] for hit in done.hits} == {"close"}
    assert all("connect_ns" in hit for hit in done.hits)


def test_a_connection_that_the_server_closes_is_replaced(server):
    done = attack(f"GET {server.url('/keep-then-close')}", "-rate=20", "-duration=1s")
    assert done.codes() == [200] * 20


def test_connections_are_as_many_as_allowed(server):
    before = len(server.arrivals)
    done = attack(
        f"GET {server.url('/sleep/50')}", "-rate=60", "-duration=1s", "-max-connections=2"
    )
    assert done.codes() == [200] * 60
    assert len({arrival.peer for arrival in server.arrivals[before:]}) == 2


def test_unix_socket(tmp_path):
    with PlannedServer(unix=str(tmp_path / "s")) as server:
        hit = one("GET http://any.name.invalid/echo", f"-unix-socket={tmp_path / 's'}")
        assert echo(hit)["headers"]["Host"] == "any.name.invalid"
        assert len(server.arrivals) == 1


def test_connect_to(server):
    hit = one(
        "GET http://some.name.invalid:80/echo",
        f"-connect-to=some.name.invalid:80:127.0.0.1:{server.port}",
    )
    assert echo(hit)["headers"]["Host"] == "some.name.invalid"


def test_closed_loop_sends_exactly_so_many_and_never_more_at_once(server):
    before = len(server.arrivals)
    done = attack(f"GET {server.url('/sleep/20')}", "-concurrency=3", "-requests=50")
    assert done.codes() == [200] * 50
    assert len({arrival.peer for arrival in server.arrivals[before:]}) == 3


def test_rate_zero_is_a_closed_loop_of_max_workers(server):
    done = attack(f"GET {server.url()}", "-rate=0", "-max-workers=2", "-duration=500ms")
    assert len(done.hits) > 2
    assert set(done.codes()) == {200}


def test_lazy_targets_end_with_their_file(server, tmp_path):
    path = write_targets(tmp_path / "targets", [server.url()] * 7)
    done = attack("", f"-targets={path}", "-lazy", "-rate=100", "-duration=10s")
    assert done.codes() == [200] * 7


def test_a_hundred_thousand_targets(server, tmp_path):
    path = write_targets(tmp_path / "targets", [server.url(f"/{i}") for i in range(100_000)])
    before = len(server.arrivals)
    done = attack("", f"-targets={path}", "-rate=50", "-duration=1s")
    assert done.codes() == [200] * 50
    paths = [arrival.path for arrival in server.arrivals[before:]]
    assert sorted(paths) == sorted(f"/{i}" for i in range(50))


def test_shards_together_are_the_schedule(server):
    shards = [
        attack(f"GET {server.url()}", "-rate=30", "-duration=1s", f"-shard={k}/3") for k in range(3)
    ]
    assert [[hit["seq"] for hit in shard.hits] for shard in shards] == [
        list(range(k, 30, 3)) for k in range(3)
    ]


def test_start_at_is_the_intended_time_of_the_first_hit(server):
    at = time.time() + 1
    done = attack(f"GET {server.url()}", "-rate=5", "-duration=1s", f"-start-at={at:.6f}")
    first = subprocess.run(
        ["date", "-d", done.hits[0]["timestamp"], "+%s.%6N"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert abs(float(first.stdout) - at) < 1e-3


def test_first_signal_lets_answers_come_second_does_not():
    with PlannedServer() as server:
        process = start_attack(server.url("/sleep/500"), "-rate=20", "-duration=1h")
        wait_for_arrivals(server, 5)
        process.send_signal(signal.SIGINT)
        hits = [json.loads(line) for line in process.stdout]
        assert process.wait(20) == 3
        assert "interrupted" in process.stderr.read()
        assert len(hits) >= 5
        assert {hit["code"] for hit in hits} == {200}
    with PlannedServer() as server:
        process = start_attack(server.url("/sleep/60000"), "-rate=20", "-duration=1h", "-timeout=0")
        wait_for_arrivals(server, 5)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        hits = [json.loads(line) for line in process.stdout]
        assert process.wait(20) == 3
        assert {hit["failure"] for hit in hits} == {"unfinished"}
        process.stderr.close()


def test_a_reader_that_goes_ends_the_attack(server):
    process = start_attack(server.url(), "-rate=200", "-duration=1h")
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(20) == 1
    assert "cannot write the results to stdout: Broken pipe" in process.stderr.read()


def test_a_full_disk_ends_the_attack(server):
    done = attack(f"GET {server.url()}", "-rate=100", "-duration=1h", "-output=/dev/full")
    assert done.status == 1
    assert "cannot write the results to /dev/full: No space left on device" in done.error


def test_a_slow_reader_loses_nothing(server):
    process = start_attack(server.url(), "-rate=2000", "-duration=1s")
    time.sleep(1.5)  # the pipe is full long before
    assert len(process.stdout.readlines()) == 2000
    assert process.wait(20) in (0, 3)
    process.stderr.close()


def test_assertions_decide_the_exit_code(server):
    target = f"GET {server.url('/status/503')}"
    bad = attack(target, "-rate=10", "-duration=1s", "-assert=success>=99%")
    if bad.status != 3:  # a machine too busy for a verdict
        assert bad.status == 1
        assert "success>=99%" in bad.error
    assert attack(target, "-rate=1", "-duration=1s", "-assert=nonsense<3").status == 2


@pytest.mark.parametrize(
    ("options", "targets", "status", "message"),
    [
        (["-rate=0"], "GET http://localhost/", 1, "-max-workers"),
        (["-rate=x"], "GET http://localhost/", 2, "-rate"),
        (["-duration=5 parsecs"], "GET http://localhost/", 2, "-duration"),
        (["-shard=3/3"], "GET http://localhost/", 2, "-shard"),
        (["-no-such-flag"], "GET http://localhost/", 2, "no-such-flag"),
        (["-arrivals=never"], "GET http://localhost/", 1, "never"),
        ([], "", 1, "no targets to attack"),
        ([], "GET http://localhost/\n\nfetch it", 1, "line 3"),
        (["-targets=/no/such/file"], "", 1, "/no/such/file"),
        (["-output=/no/such/directory/x"], "GET http://localhost/", 1, "/no/such/directory/x"),
        (["-root-certs=/no/such/file"], "GET https://localhost/", 1, "/no/such/file"),
        (["-header=X: a\r\nY: b"], "GET http://localhost/", 2, "control characters"),
        (["-header=X\r\nY: b"], "GET http://localhost/", 2, "no name of a header"),
        (["-header=X y: b"], "GET http://localhost/", 2, "no name of a header"),
        (["-header=X"], "GET http://localhost/", 2, "write it as Name: value"),
        (["-name=a\r\nX: b"], "GET http://localhost/", 2, "--name: control characters"),
        (["-max-workers=0"], "GET http://localhost/", 2, "--max-workers: must be more than 0"),
        (["-requests=-1"], "GET http://localhost/", 2, "--requests: must be more than 0"),
        (["-profile=cpu"], "GET http://localhost/", 2, "--profile: not offered: "),
        (["-proxy-header=A: b"], "GET http://localhost/", 2, "--proxy-header: not offered: "),
    ],
)
def test_what_makes_no_sense_is_said(options, targets, status, message):
    done = attack(targets, *options)
    assert done.status == status
    assert message in done.error
    assert not done.hits


def test_of_an_option_that_comes_twice_the_last_one_counts(server):
    done = attack(f"GET {server.url()}", "-rate=1", "-rate=3", "-duration=2s", "-duration=1s")
    assert len(done.hits) == 3


def test_many_connections_with_few_descriptors(server):
    """Hits wait for a connection when there are no descriptors left; none is lost."""

    def few():
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))

    done = attack(f"GET {server.url('/sleep/200')}", "-rate=300", "-duration=1s", preexec_fn=few)
    assert done.codes() == [200] * 300


def test_a_connection_for_each_of_many_hits(server):
    done = attack(f"GET {server.url()}", "-rate=200", "-duration=1s", "-keepalive=false")
    assert done.codes() == [200] * 200


def test_options_before_the_command_are_vegetas(server):
    done = subprocess.run(
        [BINARY, "-cpus=1", "attack", "-rate=20", "-duration=1s", "-encoding=json"],
        input=f"GET {server.url()}",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode in (0, 3)  # 3: a busy machine
    assert len(done.stdout.splitlines()) == 20
