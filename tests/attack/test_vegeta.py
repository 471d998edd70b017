"""Interchange with the real vegeta: each reads what the other wrote, and says the same of it."""

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest
from planned_server import PlannedServer
from serving import BINARY, ROOT

sys.path.append(str(ROOT / "bench"))
from install import Installer
from peers import TOOLS

ENCODINGS = ("json", "csv", "gob")
FOREBAY = str(BINARY)


@pytest.fixture(scope="module")
def vegeta():
    reason = Installer(allowed=True).go("vegeta")
    if reason:
        pytest.skip(reason)
    return str(TOOLS / "vegeta")


def run(*command: object, stdin: bytes | str = b"") -> bytes:
    done = subprocess.run(
        [str(part) for part in command],
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode in (0, 3), done.stderr  # 3: our word for a machine too busy
    return done.stdout


KEYS = "attack seq code timestamp latency bytes_out bytes_in error body method url headers".split()


def records(text: bytes) -> list[dict]:
    """Vegeta's part of each line. An empty body is null or "", as it came to vegeta."""
    hits = [{key: json.loads(line)[key] for key in KEYS} for line in text.splitlines()]
    return [hit | {"body": hit["body"] or ""} for hit in hits]


@pytest.fixture(scope="module")
def results(vegeta, tmp_path_factory):
    """The same kinds of hits, made by each of the two, each in its own encodings."""
    folder = tmp_path_factory.mktemp("results")
    files: dict[str, Path] = {}
    with PlannedServer() as server:
        paths = ["/echo", "/status/503", "/sleep/30", "/status/404", "/redirect/1", "/close"]
        targets = "\n\n".join(f"GET {server.url(path)}" for path in paths)
        attack = ["attack", "-rate=60", "-duration=1s", '-name=a, "b" & <c>']
        gob = folder / "theirs.gob"
        gob.write_bytes(run(vegeta, *attack, stdin=targets))
        files["theirs.gob"] = gob
        for encoding in ("json", "csv"):
            files[f"theirs.{encoding}"] = folder / f"theirs.{encoding}"
            files[f"theirs.{encoding}"].write_bytes(run(vegeta, "encode", f"-to={encoding}", gob))
        binary = folder / "ours"
        binary.write_bytes(run(FOREBAY, *attack, stdin=targets))
        for encoding in ENCODINGS:
            files[f"ours.{encoding}"] = folder / f"ours.{encoding}"
            files[f"ours.{encoding}"].write_bytes(run(FOREBAY, "encode", f"-to={encoding}", binary))
    return files


NAMES = [f"{whose}.{encoding}" for whose in ("ours", "theirs") for encoding in ENCODINGS]


@pytest.mark.parametrize("name", NAMES)
def test_both_read_the_same_hits_in_every_encoding(vegeta, results, name):
    theirs = records(run(vegeta, "encode", "-to=json", results[name]))
    ours = records(run(FOREBAY, "encode", "-to=json", results[name]))
    assert len(ours) == 60
    assert ours == theirs
    assert {hit["code"] for hit in ours} == {0, 200, 404, 503}
    assert ours == records(results[f"{name.split('.')[0]}.json"].read_bytes())


@pytest.mark.parametrize("name", NAMES)
def test_what_one_encodes_anew_the_other_reads(vegeta, results, name, tmp_path):
    for to in ENCODINGS:
        for writer, reader in ((FOREBAY, vegeta), (vegeta, FOREBAY)):
            path = tmp_path / "again"
            path.write_bytes(run(writer, "encode", f"-to={to}", results[name]))
            read = records(run(reader, "encode", "-to=json", path))
            assert read == records(run(reader, "encode", "-to=json", results[name]))


def test_csv_is_the_same_to_the_byte(vegeta, results):
    for name in NAMES:
        theirs = run(vegeta, "encode", "-to=csv", results[name])
        assert run(FOREBAY, "encode", "-to=csv", results[name]) == theirs


def close(ours: float, theirs: float, part: float) -> bool:
    return abs(ours - theirs) <= part * max(abs(ours), abs(theirs))


@pytest.mark.parametrize("name", NAMES)
def test_reports_say_the_same(vegeta, results, name):
    """All but the quantiles to the digit: vegeta's come from a t-digest, ours are exact."""
    options = ["report", "-type=json", "-buckets=[0,1ms,10ms,40ms]", results[name]]
    theirs, ours = json.loads(run(vegeta, *options)), json.loads(run(FOREBAY, *options))
    assert list(ours)[: len(theirs)] == list(theirs)
    quantiles = {key for key in theirs["latencies"] if key.endswith("th")}
    assert len(quantiles) == 4
    for key in quantiles:
        assert close(ours["latencies"].pop(key), theirs["latencies"].pop(key), 0.05)
    for key, value in theirs.items():
        assert ours[key] == value, key
    options = ["report", "-type=hist[0,1ms,10ms,40ms]", results[name]]
    assert run(FOREBAY, *options) == run(vegeta, *options)


def lines(text: bytes) -> list[str]:
    return [line for line in text.decode().splitlines() if not line.startswith("Latencies")]


@pytest.mark.parametrize("name", NAMES)
def test_text_reports_are_laid_out_the_same(vegeta, results, name):
    theirs = run(vegeta, "report", results[name])
    ours = run(FOREBAY, "report", results[name])
    assert lines(ours)[: len(lines(theirs))] == lines(theirs)
    names = [text.decode().splitlines()[2][:48] for text in (ours, theirs)]
    assert names == ["Latencies     [min, mean, 50, 90, 95, 99, max]  "] * 2


def test_quantiles_of_few_hits_are_the_same_to_the_digit(vegeta, tmp_path):
    """Vegeta's own test vector, where its t-digest is exact."""
    path = tmp_path / "results"
    with path.open("w") as file:
        for i in range(10_000):
            day, hour = divmod(i, 86400)
            at = f"2026-01-{day + 1:02}T{hour // 3600:02}:{hour // 60 % 60:02}:{hour % 60:02}Z"
            hit = {"attack": "", "seq": i, "code": [200, 302, 500][i % 3], "timestamp": at}
            hit |= {"latency": (i + 1) * 1000, "bytes_out": 1024, "bytes_in": 512}
            hit |= {"error": "Internal server error" if i % 3 == 2 else "", "body": None}
            file.write(json.dumps(hit | {"method": "GET", "url": "http://a/", "headers": None}))
            file.write("\n")
    assert run(FOREBAY, "report", path) == run(vegeta, "report", path)
    options = ["report", "-type=json", path]
    theirs, ours = json.loads(run(vegeta, *options)), json.loads(run(FOREBAY, *options))
    assert {key: ours[key] for key in theirs} == theirs


def test_hdrplots_have_the_same_rows(vegeta, results):
    pages = [
        [
            line.split()
            for line in run(program, "report", "-type=hdrplot", path).decode().splitlines()
        ]
        for path in [results["theirs.gob"]]
        for program in (FOREBAY, vegeta)
    ]
    assert len(pages[0]) == len(pages[1]) > 90
    assert pages[0][0] == pages[1][0]
    for ours, theirs in zip(pages[0][1:], pages[1][1:], strict=True):
        assert ours[1:] == theirs[1:]
        assert close(float(ours[0]), float(theirs[0]), 0.2)  # of 60 hits, between two


def http_targets(server, folder: Path) -> str:
    (folder / "body").write_text("from a file\n")
    return f"""
# a comment
GET {server.url("/echo?a=b&c=%20d")}
X-One: 1
x-one: 2
# another
Host: other.example

POST {server.url("/echo")}
Content-Type: text/plain
@{folder / "body"}
PUT {server.url("/echo")}

  DELETE {server.url("/echo")}  
X-Colon: a:b: c
"""  # noqa: W291


def json_targets(server, _folder: Path) -> str:
    body = base64.b64encode(b"\0binary\xff").decode()
    targets = [
        {"method": "GET", "url": server.url("/echo?a=b")},
        {"method": "POST", "url": server.url("/echo"), "body": body, "header": {"X": ["1", "2"]}},
        {"url": server.url("/echo"), "method": "PATCH", "unknown": 1, "header": {"Host": ["h"]}},
    ]
    return "\n".join(json.dumps(target) for target in targets) + "\n"


OWN = {"User-Agent", "Accept-Encoding", "Accept"}


def said(output: bytes) -> list:
    """What the server was told, hit by hit, but for what each client adds of its own."""
    hits = sorted(records(output), key=lambda hit: hit["seq"])
    told = []
    for hit in hits:
        echo = json.loads(base64.b64decode(hit["body"]))
        echo["headers"] = {k: v for k, v in echo["headers"].items() if k not in OWN}
        told.append((hit["method"], hit["url"], hit["bytes_out"], echo))
    return told


@pytest.mark.parametrize(("form", "make"), [("http", http_targets), ("json", json_targets)])
def test_targets_mean_the_same(vegeta, form, make, tmp_path):
    with PlannedServer() as server:
        targets = make(server, tmp_path)
        options = ["attack", f"-format={form}", "-rate=8", "-duration=1s", "-header=X-All: yes"]
        theirs = run(vegeta, *options, stdin=targets)
        ours = run(FOREBAY, *options, stdin=targets)
    ours, theirs = (run(FOREBAY, "encode", "-to=json", stdin=output) for output in (ours, theirs))
    assert len(said(ours)) == 8
    assert said(ours) == said(theirs)


@pytest.mark.parametrize(
    "targets",
    [
        "",
        "fetch http://a/",
        "GET",
        "GET a b c",
        "GET http://a/\nno header",
        "GET http://a/\nX:",
        "GET http://a/\n@/no/such/file",
        '{"method": "GET"}',
        '{"url": "http://a/"}',
        '{"method": ',
    ],
)
def test_what_vegeta_refuses_we_refuse(vegeta, targets):
    form = "json" if targets.startswith("{") else "http"
    for program in (vegeta, FOREBAY):
        done = subprocess.run(
            [program, "attack", f"-format={form}", "-rate=1", "-duration=1s"],
            input=targets.encode(),
            capture_output=True,
            timeout=60,
        )
        assert done.returncode == 1, (program, done.stderr)
        assert done.stderr
