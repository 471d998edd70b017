"""Attacks over TLS, HTTP/2 and h2c on nginx: what is spoken, who is trusted, and that every hit is
accounted for, and none is sent twice, when connections and servers end in the middle."""

import threading

import pytest
from attacking import attack, wait_for_arrivals
from nginx import make_authority, make_certificate, nginx
from planned_server import PlannedServer

HOST = "server.test"
HTTPS = f"https://{HOST}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nginx")
    make_authority(folder, "authority")
    make_authority(folder, "stranger")
    make_certificate(folder, "server", "authority", HOST)
    make_certificate(folder, "client", "authority", "client.test")
    key = (folder / "client.key").read_text()
    (folder / "both.pem").write_text((folder / "client.pem").read_text() + key)
    return folder


def trusting(folder):
    return f"-root-certs={folder / 'authority.pem'}"


def hit_all(server, target, *options, rate=100, seconds=1):
    """An attack of rate x seconds hits, each of which is there once, on both sides."""
    done = attack(target, *server.options(), f"-rate={rate}", f"-duration={seconds}s", *options)
    assert [hit["seq"] for hit in done.hits] == list(range(rate * seconds)), done.error
    return done


def seen_once(server, done):
    """What nginx has seen, and that it is what was sent."""
    seen = server.seen()
    answered = sorted(hit["seq"] for hit in done.hits if hit["code"] != 0)
    assert sorted(int(one["seq"]) for one in seen) == answered
    return seen


def test_http2_over_one_connection_where_it_is_offered(folder):
    with nginx(folder, "ssl http2") as server:
        done = hit_all(server, f"GET {HTTPS}/a?b=c", trusting(folder))
        assert set(done.codes()) == {200}
        seen = seen_once(server, done)
    assert {one["protocol"] for one in seen} == {"HTTP/2.0"}
    assert {(one["host"], one["path"]) for one in seen} == {(HOST, "/a?b=c")}
    assert len({one["connection"] for one in seen}) == 1
    assert sum("tls_ns" in hit for hit in done.hits) == 1


@pytest.mark.parametrize(
    ("listen", "option"),
    [("ssl http2", "-http2=false"), ("ssl", "-http2"), ("ssl http2", "-keepalive=false")],
)
def test_http1_where_one_side_does_not_want_more(folder, listen, option):
    with nginx(folder, listen) as server:
        done = hit_all(server, f"GET {HTTPS}/", trusting(folder), option)
        assert set(done.codes()) == {200}
        seen = seen_once(server, done)
    assert {one["protocol"] for one in seen} == {"HTTP/1.1"}
    assert {one["tls"] for one in seen} <= {"TLSv1.2", "TLSv1.3"}
    if option == "-keepalive=false":
        assert len({one["connection"] for one in seen}) == len(seen)


def test_h2c_without_tls(folder):
    with nginx(folder, "http2") as server:
        done = hit_all(server, f"GET http://{HOST}/\n\nGET http://{HOST}/status/503", "-h2c")
        assert done.codes() == [200, 503] * 50
        assert {hit["error"] for hit in done.hits} == {"", "503 Service Unavailable"}
        seen = seen_once(server, done)
    assert {one["protocol"] for one in seen} == {"HTTP/2.0"}


def test_bodies_and_headers_over_http2(folder, tmp_path):
    (tmp_path / "body").write_bytes(b"x" * 200_000)
    with PlannedServer(unix=str(tmp_path / "up")) as upstream:
        inside = f"location /echo {{ proxy_pass http://unix:{tmp_path / 'up'}; }}"
        more = "client_max_body_size 1m;"
        with nginx(folder, "ssl http2", inside, more) as server:
            target = f"POST {HTTPS}/echo\nX-Some: Thing\n@{tmp_path / 'body'}"
            done = hit_all(server, target, trusting(folder), "-max-body=0", rate=20)
            assert set(done.codes()) == {200}
            assert {one["length"] for one in seen_once(server, done)} == {"200000"}
        assert len(upstream.arrivals) == 20
        assert {arrival.headers["x-some"] for arrival in upstream.arrivals} == {"Thing"}
    assert {hit["bytes_out"] for hit in done.hits} == {200_000}
    assert {hit["body"] for hit in done.hits} <= {"", None}
    assert all(hit["bytes_in"] > 200_000 for hit in done.hits)


@pytest.mark.parametrize("http2", ["-http2=true", "-http2=false"])
def test_who_is_not_trusted_gets_no_request(folder, http2):
    with nginx(folder, "ssl http2") as server:
        for options in ([], [f"-root-certs={folder / 'stranger.pem'}"]):
            done = hit_all(server, f"GET {HTTPS}/", http2, *options, rate=5)
            assert {(hit["code"], hit["failure"]) for hit in done.hits} == {(0, "tls")}
            assert "certificate" in done.hits[0]["error"]
        done = hit_all(server, "GET https://other.test/", http2, trusting(folder), rate=5)
        assert {hit["failure"] for hit in done.hits} == {"tls"}
        assert "other.test" in done.hits[0]["error"] or "ostname" in done.hits[0]["error"]
        assert server.seen() == []
        done = hit_all(server, "GET https://other.test/", http2, "-insecure", rate=5)
        assert set(done.codes()) == {200}


def test_a_list_of_roots_is_one_of_them(folder):
    roots = f"-root-certs={folder / 'stranger.pem'},{folder / 'authority.pem'}"
    with nginx(folder, "ssl http2") as server:
        assert set(hit_all(server, f"GET {HTTPS}/", roots, rate=5).codes()) == {200}


def test_a_server_that_wants_to_know_who_we_are(folder):
    more = f"ssl_client_certificate {folder / 'authority.pem'}; ssl_verify_client on;"
    with nginx(folder, "ssl http2", more=more) as server:
        target, trust = f"GET {HTTPS}/", trusting(folder)
        assert set(hit_all(server, target, trust, rate=5).codes()) == {400}
        with_key = [f"-cert={folder / 'client.pem'}", f"-key={folder / 'client.key'}"]
        assert set(hit_all(server, target, trust, *with_key, rate=5).codes()) == {200}
        in_one = [f"-cert={folder / 'both.pem'}"]
        assert set(hit_all(server, target, trust, *in_one, "-http2=false", rate=5).codes()) == {200}
        assert [one["client"] for one in server.seen()] == [""] * 5 + ["CN=client"] * 10
    done = attack(target, trust, f"-cert={folder / 'client.pem'}", f"-key={folder / 'server.key'}")
    assert done.status == 1
    assert "key" in done.error
    assert not done.hits


def test_tickets_resume_sessions_when_asked_to(folder):
    with nginx(folder, "ssl", more="ssl_session_tickets on;") as server:
        options = [trusting(folder), "-keepalive=false"]
        for asked in ([], ["-session-tickets"]):
            done = hit_all(server, f"GET {HTTPS}/", *options, *asked, rate=20)
            assert set(done.codes()) == {200}
        reused = [one["reused"] for one in server.seen()]
    assert set(reused[:20]) == {"."}
    assert "r" in reused[20:]


@pytest.mark.parametrize("http2", [True, False])
def test_a_server_that_ends_connections_after_some_requests(folder, http2):
    """Over HTTP/2 by a GOAWAY: what came too late for it goes over the next connection."""
    with nginx(folder, "ssl http2", more="keepalive_requests 10;") as server:
        done = hit_all(
            server, f"GET {HTTPS}/", trusting(folder), f"-http2={str(http2).lower()}", rate=500
        )
        assert set(done.codes()) == {200}, {hit["error"] for hit in done.hits}
        seen = seen_once(server, done)
    by_connection = [one["connection"] for one in seen]
    assert max(by_connection.count(one) for one in set(by_connection)) <= 11


def test_a_server_that_permits_few_streams(folder, tmp_path):
    with PlannedServer(unix=str(tmp_path / "up")) as upstream:
        inside = f"location /sleep {{ proxy_pass http://unix:{tmp_path / 'up'}; }}"
        with nginx(folder, "ssl http2", inside, "http2_max_concurrent_streams 2;") as server:
            done = hit_all(server, f"GET {HTTPS}/sleep/20", trusting(folder), rate=200)
            assert set(done.codes()) == {200}
            seen_once(server, done)
        assert len(upstream.arrivals) == 200


@pytest.mark.parametrize("path", ["/reset", "/close", "/partial"])
@pytest.mark.parametrize("listen", ["ssl http2", "ssl"])
def test_answers_that_break_off_are_failures_each_of_its_own(folder, tmp_path, path, listen):
    with PlannedServer(unix=str(tmp_path / "up")) as upstream:
        inside = f"""
          location = {path} {{ proxy_pass http://unix:{tmp_path / "up"}; proxy_buffering off; }}"""
        with nginx(folder, listen, inside) as server:
            targets = f"GET {HTTPS}/\n\nGET {HTTPS}{path}"
            done = hit_all(server, targets, trusting(folder), rate=50)
        assert done.codes()[::2] == [200] * 25
        broken = done.hits[1::2]
        if path == "/partial":
            assert {(hit["code"], hit["failure"]) for hit in broken} <= {
                (200, "reset"),
                (200, "closed"),
                (0, "reset"),
                (0, "closed"),
            }
        else:
            assert {hit["code"] for hit in broken} == {502}
        assert len(upstream.arrivals) == 25


@pytest.mark.parametrize("options", [["-http2=true"], ["-http2=false"]])
def test_a_server_that_dies_leaves_failures_and_loses_no_hit(folder, tmp_path, options):
    with PlannedServer(unix=str(tmp_path / "up")) as upstream:
        inside = f"location /sleep {{ proxy_pass http://unix:{tmp_path / 'up'}; }}"
        with nginx(folder, "ssl http2", inside) as server:
            killer = threading.Thread(target=kill_after, args=(server, upstream, 60))
            killer.start()
            done = hit_all(server, f"GET {HTTPS}/sleep/100", trusting(folder), *options, seconds=3)
            killer.join()
        counts = {}
        for arrival in upstream.arrivals:
            seq = arrival.headers.get("X-Vegeta-Seq") or arrival.headers["x-vegeta-seq"]
            counts[seq] = counts.get(seq, 0) + 1
    assert set(counts.values()) == {1}
    codes = done.codes()
    assert codes[0] == 200
    assert codes[-1] == 0
    assert codes.count(200) + codes.count(0) == 300
    failures = {hit["failure"] for hit in done.hits if hit["code"] == 0}
    assert failures <= {"reset", "closed", "refused", "tls", "connect"}
    assert done.hits[-1]["failure"] == "refused"


def kill_after(server, upstream, count):
    wait_for_arrivals(upstream, count)
    server.process.kill()


@pytest.mark.parametrize("listen", ["ssl http2", "ssl"])
def test_a_timeout_ends_one_hit_and_not_its_neighbours(folder, tmp_path, listen):
    with PlannedServer(unix=str(tmp_path / "up")) as upstream:
        inside = f"location /sleep {{ proxy_pass http://unix:{tmp_path / 'up'}; }}"
        with nginx(folder, listen, inside) as server:
            targets = f"GET {HTTPS}/\n\nGET {HTTPS}/sleep/20000"
            done = hit_all(server, targets, trusting(folder), "-timeout=700ms", rate=20)
        assert done.codes() == [200, 0] * 10
        assert {hit["failure"] for hit in done.hits[1::2]} == {"timeout"}
        assert len(upstream.arrivals) == 10
