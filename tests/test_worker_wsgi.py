"""The worker's side of WSGI (PEP 3333), without HTTP: requests and records through the channel."""

import ast
import os
import select
import tempfile
import time

import pytest
import worker_apps
from front_stub import ABORT, BODY, DONE, END, FILE, NOTHING, RESPONSE, Front
from worker_apps import READ_FROM, READS


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("scratch")


@pytest.fixture(scope="module")
def booted(scratch):
    with Front("worker_apps", env={"WORKER_APPS_SCRATCH": str(scratch)}) as front:
        yield front


@pytest.fixture
def front(booted):
    booted.log.clear()
    return booted


def value_of(answer):
    assert answer.status == 200 and answer.ended
    return ast.literal_eval(answer.body.decode())


def environ_of(front, *arguments, **options):
    return value_of(front.request("GET", "/environ", *arguments, **options))


# --- environ ---------------------------------------------------------------------------------


def test_environ_is_a_new_dict_for_each_request(front):  # B1
    for _ in range(2):
        environ = environ_of(front)
        assert environ["type"] == "dict" and environ["keys"] == ["str"]
        assert "mine" not in environ


def test_path_is_decoded_and_query_is_not(front):  # B2, B6
    environ = value_of(front.request(path="/environ/?a=%20b?c"))
    assert environ["PATH_INFO"] == "/environ/" and environ["QUERY_STRING"] == "a=%20b?c"
    environ = value_of(front.request(path="//%65nviron", target="http://other//%65nviron"))
    assert environ["PATH_INFO"] == "//environ" and environ["QUERY_STRING"] == ""
    assert environ["RAW_URI"] == environ["REQUEST_URI"] == "http://other//%65nviron"


@pytest.mark.parametrize(
    ("path", "decoded"),
    [
        ("/%C3%A9", "/\xc3\xa9"),
        ("/\xc3\xa9", "/\xc3\xa9"),
        ("/a/../b//c", "/a/../b//c"),
        ("/%2F%00", "//\0"),
        ("/%zz%4", "/%zz%4"),
        ("/%", "/%"),
        ("/%25%32%46", "/%2F"),
        ("*", "*"),
        ("/?", "/"),
    ],
)
def test_path_info(front, path, decoded):  # B2, B6
    assert front.request(path=path).body.decode() == ascii(decoded)


def test_environ_has_what_is_always_there(front):  # B3, B9
    environ = environ_of(front)
    expected = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/environ",
        "QUERY_STRING": "",
        "SERVER_NAME": "stub.test",
        "SERVER_PORT": "8080",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_SOFTWARE": "forebay/0.1.0",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
    }
    assert {key: environ.get(key) for key in expected} == expected
    assert environ_of(front, http11=False)["SERVER_PROTOCOL"] == "HTTP/1.0"
    assert 0 <= environ["queue_time"] < 10


def test_scheme_and_script_name_are_the_requests_own(front):  # B7
    environ = environ_of(front, script_name="/sh\xc3\xb6p", https=True)
    assert (environ["SCRIPT_NAME"], environ["wsgi.url_scheme"]) == ("/sh\xc3\xb6p", "https")
    environ = environ_of(front)
    assert (environ["SCRIPT_NAME"], environ["wsgi.url_scheme"]) == ("", "http")


def test_content_fields_have_no_prefix_and_are_absent_when_not_sent(front):  # B4
    environ = environ_of(front)
    assert "CONTENT_TYPE" not in environ and "CONTENT_LENGTH" not in environ
    environ = environ_of(front, [("content-type", "a/b"), ("Content-Length", "2")], b"{}")
    assert environ["CONTENT_TYPE"] == "a/b" and environ["CONTENT_LENGTH"] == "2"
    assert "HTTP_CONTENT_TYPE" not in environ and "HTTP_CONTENT_LENGTH" not in environ


def test_fields(front):  # B2, B5
    fields = [
        ("Host", "a.test"),
        ("X-Caf", b"caf\xe9".decode("latin-1")),
        ("Accept", "one"),
        ("Cookie", "a=1"),
        ("accept", "two"),
        ("X_Under", "u"),
        ("ACCEPT", "three"),
        ("cookie", "b=2"),
        ("Empty", ""),
    ]
    for _ in range(3):
        environ = environ_of(front, fields)
        assert environ["HTTP_HOST"] == "a.test"
        assert environ["HTTP_X_CAF"] == "caf\xe9"
        assert environ["HTTP_ACCEPT"] == "one,two,three"
        assert environ["HTTP_COOKIE"] == "a=1; b=2"
        assert environ["HTTP_X_UNDER"] == "u"
        assert environ["HTTP_EMPTY"] == ""
    assert environ_of(front, fields[:1]).keys().isdisjoint({"HTTP_ACCEPT", "HTTP_COOKIE"})


def test_more_field_names_than_are_cached(front):
    for start in range(0, 1500, 50):
        fields = [(f"X-{start + i}", str(i)) for i in range(50)]
        environ = environ_of(front, fields)
        assert all(environ[f"HTTP_X_{start + i}"] == str(i) for i in range(50))
    fields = [("New-Name", "a"), ("New-Name", "b"), ("x-1", "c"), ("X-1", "d"), ("y" * 100, "e")]
    environ = environ_of(front, fields)
    assert environ["HTTP_NEW_NAME"] == "a,b" and environ["HTTP_X_1"] == "c,d"
    assert environ["HTTP_" + "Y" * 100] == "e"


@pytest.mark.parametrize(
    ("remote", "address", "port"),
    [
        (("192.0.2.7", 4711), "192.0.2.7", "4711"),
        (("2001:db8::1", 65535), "2001:db8::1", "65535"),
        (("", 0), "", None),
    ],
)
def test_remote_address(front, remote, address, port):  # B8
    environ = environ_of(front, remote=remote)
    assert environ["REMOTE_ADDR"] == address and environ.get("REMOTE_PORT") == port


# --- records ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "body"),
    [("/plain", b"plain"), ("/pieces", b"one two three"), ("/as_tuple", b"tuple"), ("/empty", b"")],
)
def test_a_small_response_is_one_record(front, path, body):
    answer = front.request(path=path)
    assert answer.body == body
    assert answer.records == [(RESPONSE, END | DONE, len(body))]


def test_large_bodies_arrive_whole(front):
    assert front.request(path="/big").body == bytes(range(256)) * 4096
    expected = b"".join(bytes([n]) * 20_000 for n in range(50))
    answer = front.request(path="/big_pieces")
    assert answer.body == expected and answer.field("content-length") == [str(len(expected))]


def test_a_full_ring_makes_the_application_wait(front):
    front.paused = True
    answer = front.submit(path="/big")
    with pytest.raises(AssertionError):
        front.wait(lambda: answer.done, timeout=0.3)
    front.paused = False
    front.wait(lambda: answer.done)
    assert len(answer.body) == 1024 * 1024


def test_head_goes_with_the_first_block_that_is_not_empty(front):  # B13
    answer = front.request(path="/generator")
    assert answer.body == b"one two"
    assert answer.records[0] == (RESPONSE, 0, 4)
    assert answer.records[1] == (BODY, 0, 3)
    assert answer.records[2] == (NOTHING, END, 0)
    assert answer.field("content-length") == []


def test_blocks_do_not_wait_for_the_next(front, scratch):  # B14
    answer = front.submit(path="/paced")
    front.wait(lambda: answer.body)
    assert answer.body == b"first" and not answer.ended
    (scratch / "second").touch()
    front.wait(lambda: answer.done)
    assert answer.body == b"firstsecond"


def test_the_client_has_its_answer_before_close(front, scratch):
    answer = front.submit(path="/slow_close")
    front.wait(lambda: answer.ended)
    assert not answer.done and answer.body == b"a"
    (scratch / "close").touch()
    front.wait(lambda: answer.done)
    assert answer.records == [(RESPONSE, END, 1), (NOTHING, DONE, 0)]


# --- start_response and write ----------------------------------------------------------------


def is_error_500(front, answer, text):
    assert (answer.status, answer.body) == (500, b"Internal Server Error\n")
    assert answer.ended and not answer.aborted
    assert text in front.text_of_log(), front.log
    return True


def test_start_response_may_come_with_the_first_iteration(front):  # B10
    assert front.request(path="/late_start").body == b"late"
    answer = front.request(path="/late_start?early")
    assert is_error_500(front, answer, "before start_response")


def test_no_start_response_is_an_error(front):  # B10
    before = value_of(front.request(path="/seen"))["closed"]
    assert is_error_500(front, front.request(path="/never_starts"), "before start_response")
    assert value_of(front.request(path="/seen"))["closed"] == before + 1
    assert is_error_500(front, front.request(path="/never_starts_list"), "never called")


def test_second_start_response(front):  # B11
    assert is_error_500(front, front.request(path="/starts_twice"), "a second time")
    answer = front.request(path="/replaced")
    assert (answer.status, answer.reason, answer.body) == (502, "Mine", b"replaced")
    assert answer.fields == [("X-Second", "2"), ("Content-Length", "8")]
    front.log.clear()
    answer = front.request(path="/replaced_late")
    assert answer.aborted and answer.body == b"half"
    assert "ValueError: re-raised" in front.text_of_log()


@pytest.mark.parametrize(
    "kind",
    worker_apps.BAD,
)
def test_what_start_response_refuses(front, kind):  # B12, A27
    answer = front.request(path=f"/bad?{kind}")
    error = "Error"
    if kind.endswith(("int", "bytes", "none", "tuple", "dict", "list", "triple")):
        error = "TypeError: start_response"
    assert is_error_500(front, answer, error)
    assert "Evil" not in repr(answer.fields)
    assert f"error in GET /bad?{kind}\nTraceback" in front.text_of_log()


def test_an_error_of_start_response_can_be_caught(front):
    assert front.request(path="/caught").body == b"caught"


def test_latin1_status_and_fields(front):
    answer = front.request(path="/latin1")
    assert answer.reason == "H\xe9" and answer.field("x-cafe") == ["caf\xe9\t!"]


def test_connection_level_fields_are_left_out_with_one_warning(front):  # B12
    for _ in range(2):
        answer = front.request(path="/hop_by_hop")
        assert answer.fields == [("A", "b"), ("Content-Length", "2")]
    assert [level for level, text in front.log if "TRANSFER-ENCODING" in text] == [30]


def test_write(front):  # B15
    assert front.request(path="/writes").body == b"abcd"
    assert front.request(path="/writes_and_list").body == b"ab"
    assert front.request(path="/writes_str").body.startswith(b"TypeError: ")


def test_write_from_several_threads(front):
    body = front.request(path="/writes_from_thread").body
    assert (body.count(b"t"), body.count(b"m"), body[-3:]) == (300_000, 100_000, b"end")


@pytest.mark.parametrize("kind", ["str_body", "none_body", "array_body"])
@pytest.mark.parametrize("how", ["list", "iterator"])
def test_blocks_must_be_bytes(front, kind, how):
    answer = front.request(path=f"/{kind}?{how}")
    assert is_error_500(front, answer, "the response body must consist of bytes")


def test_returning_no_iterable(front):
    assert is_error_500(front, front.request(path="/returns_none"), "TypeError")


# --- Content-Length --------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["list", "iterator"])
def test_a_body_as_long_as_promised(front, how):
    answer = front.request("GET", "/length?5,2,3", [("X-How", how)])
    assert answer.body == b"xxxxx" and answer.ended
    assert not front.log


@pytest.mark.parametrize("how", ["list", "iterator"])
@pytest.mark.parametrize("sizes", ["5,7", "5,5,1", "5,3,3,3", "0,1"])
def test_a_longer_body_is_cut(front, how, sizes):  # B16
    answer = front.request("GET", f"/length?{sizes}", [("X-How", how)])
    assert answer.body == b"x" * int(sizes[0]) and answer.ended
    assert front.text_of_log().count("more than its Content-Length") == 1


def test_iteration_stops_where_the_length_ends(front):  # B16, B18
    before = value_of(front.request(path="/seen"))["closed"]
    assert front.request(path="/endless").body == b"abcab"
    assert value_of(front.request(path="/seen"))["closed"] == before + 1


@pytest.mark.parametrize("how", ["list", "iterator"])
@pytest.mark.parametrize("sizes", ["5,2", "5,2,2", "5,0"])
def test_a_shorter_body_closes_the_connection(front, how, sizes):  # B16
    answer = front.request("GET", f"/length?{sizes}", [("X-How", how)])
    assert answer.aborted and not answer.ended and answer.status == 200
    assert "with Content-Length 5" in front.text_of_log()


def test_the_end_is_told_with_the_last_promised_byte(front):
    answer = front.request("GET", "/length?5,5", [("X-How", "iterator")])
    assert answer.records == [(RESPONSE, END, 5), (NOTHING, DONE, 0)]


def test_an_iterable_of_length_one_gets_a_content_length(front):  # B17
    answer = front.request(path="/sized")
    assert answer.field("content-length") == ["5"]
    assert answer.records[0] == (RESPONSE, END, 5)


@pytest.mark.parametrize("path", ["/plain", "/pieces", "/big"])
def test_head_has_the_fields_of_get(front, path):  # A25
    get, head = front.request("GET", path), front.request("HEAD", path)
    assert head.fields == get.fields and head.status == get.status
    assert head.body == b"" and head.ended and head.field("content-length")


def test_head_of_a_stream(front):
    answer = front.request("HEAD", "/generator")
    assert answer.body == b"" and answer.ended
    assert not answer.records[0][1] & END  # it has no length then, just as the GET
    answer = front.request("HEAD", "/length?500", [("X-How", "iterator")])
    assert answer.ended and not answer.aborted and not front.log
    answer = front.request("HEAD", "/length?5,9", [("X-How", "iterator")])
    assert answer.ended and not answer.body


# --- close and errors ------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "path", ["/closing", "/closing_error", "/closing_error_late", "/close_error", "/endless"]
)
def test_close_is_called_once(front, method, path):  # B18
    before = value_of(front.request(path="/seen"))["closed"]
    front.request(method, path)
    assert value_of(front.request(path="/seen"))["closed"] == before + 1


def test_errors_before_the_head(front):  # B19
    assert is_error_500(
        front, front.request(path="/error"), "LookupError: of the application \u20ac"
    )
    assert front.log[0][0] == 40 and "GET /error" in front.log[0][1]
    assert is_error_500(front, front.request(path="/closing_error"), "before the head")
    assert front.request("HEAD", "/error").body == b""


def test_errors_after_the_head(front):  # B19
    answer = front.request(path="/closing_error_late")
    assert (answer.status, answer.body, answer.aborted) == (200, b"a", True)
    assert answer.records[1:] == [(NOTHING, ABORT, 0), (NOTHING, DONE, 0)]
    assert "after the head" in front.text_of_log()


def test_an_error_in_close_is_logged(front):
    answer = front.request(path="/close_error")
    assert (answer.status, answer.body, answer.ended) == (200, b"a", True)
    assert "in close" in front.text_of_log()


def test_start_response_is_dead_after_its_request(front):
    assert front.request(path="/keeps_start_response").body == b"kept"
    assert b"after the request was over" in front.request(path="/uses_it_late").body


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [("/exit_3", 500, 3), ("/exit_late", 200, 5), ("/interrupt", 500, -2)],
)
def test_exits_of_the_application(path, status, code):
    with Front("worker_apps") as front:
        answer = front.request(path=path)
        assert answer.status == status and answer.aborted == (status == 200)
        assert front.exit_code() == code


# --- wsgi.input ------------------------------------------------------------------------------


@pytest.mark.parametrize("how", READS)
def test_input_in_memory(front, how):  # B20, B21
    assert value_of(front.request("POST", f"/read?{how}", body=READ_FROM)) == READS[how]


@pytest.mark.parametrize("how", READS)
def test_input_in_a_file(front, how):  # B20, B21
    with tempfile.TemporaryFile() as file:
        file.write(READ_FROM)
        file.seek(0)
        answer = front.request("POST", f"/read?{how}", file=file.fileno())
    assert value_of(answer) == READS[how]


def test_input_through_the_arena(front):
    body = os.urandom(1_000_000)
    assert value_of(front.request("POST", "/read?size", body=body)) == [b"1000000"]


def test_no_input(front):
    assert value_of(front.request("GET", "/read?all")) == [b"", b"", b""]


def test_a_file_of_input_is_closed_after_its_request(front):
    with tempfile.TemporaryFile() as file:
        file.write(READ_FROM)
        file.seek(0)
        front.request("POST", "/keep_input", file=file.fileno())
    assert front.request("POST", "/keep_input").body == b"closed"


def test_a_request_whose_body_is_gone_is_not_run(front):
    with tempfile.TemporaryFile() as file:
        file.write(b"x" * 1000)
        file.flush()
        answer = front.submit("POST", "/error", file=file.fileno())
        front.bodies[answer.ticket] = None
        front.wait(lambda: answer.done)
    assert answer.aborted and not answer.status and not front.log


# --- wsgi.errors -----------------------------------------------------------------------------


def test_errors_stream(front):  # B22
    front.request(path="/errors")
    assert {level for level, _ in front.log} == {0}
    assert front.text_of_log().split("\n") == [
        "half line",
        "next",
        "rest of it",
        "l\u20acst \\udc80",
        "printed",
        "x" * 32_768,
        "x" * (40_000 - 32_768),
    ]


def test_errors_stream_of_several_threads(front):  # B22
    front.request(path="/errors_from_threads")
    lines = front.text_of_log().split("\n")
    assert sorted(lines) == sorted([name * 40 for name in "abcd"] * 50)


# --- wsgi.file_wrapper -----------------------------------------------------------------------

CONTENT = bytes(range(250)) * 400


@pytest.mark.parametrize("offset", [0, 1, 70_000, 100_000])
def test_a_regular_file_travels_as_a_file(front, offset):  # B23
    answer = front.request(path=f"/file?regular,{offset},")
    assert answer.body == CONTENT[offset:]
    assert answer.field("content-length") == [str(100_000 - offset)]
    kinds = [kind for kind, _, _ in answer.records]
    assert kinds == ([RESPONSE, FILE, NOTHING] if offset < 100_000 else [RESPONSE, NOTHING])
    assert answer.records[-2][1] == END and answer.records[-1] == (NOTHING, DONE, 0)
    assert front.request(path="/file_closed").body == b"True"


def test_a_file_stops_at_its_content_length(front):  # B23
    answer = front.request(path="/file?regular,10,20")
    assert answer.body == CONTENT[10:30] and answer.ended
    answer = front.request(path="/file?regular,99990,20")
    assert answer.body == CONTENT[99990:] and answer.aborted
    assert front.request(path="/file?memory,10,20").body == CONTENT[10:30]


@pytest.mark.parametrize("kind", ["memory", "gzip", "pipe", "empty"])
def test_files_that_cannot_be_sent_are_read(front, kind):  # B23
    answer = front.request(path=f"/file?{kind},0,")
    assert answer.body == (b"" if kind == "empty" else CONTENT) and answer.ended
    assert FILE not in [record[0] for record in answer.records]
    assert front.request(path="/file_closed").body == b"True"


def test_head_of_a_file(front):
    answer = front.request("HEAD", "/file?regular,10,")
    assert answer.field("content-length") == ["99990"] and not answer.body
    assert answer.ended and not answer.aborted


def test_file_wrapper_is_a_file_and_an_iterable(front):
    assert value_of(front.request(path="/file_iterated")) == [b"abcd", b"ef", 6, True, False]


def test_file_after_write(front):
    assert front.request(path="/file_after_write").body == b"before after"


def test_file_without_start_response(front):
    assert is_error_500(front, front.request(path="/file_unstarted"), "never called")


# --- validated -------------------------------------------------------------------------------


def test_the_validator_of_the_standard_library_is_content():  # B24
    with Front("worker_apps:validated", threads=2) as front:
        for path, body in [
            ("/plain", b"plain"),
            ("/pieces", b"one two three"),
            ("/generator", b"one two"),
            ("/writes", b"abcd"),
            ("/big", bytes(range(256)) * 4096),
            ("/environ?a=b", None),
        ]:
            answer = front.request("GET", path, [("Host", "a.test"), ("Cookie", "a=1")])
            assert answer.status == 200 and answer.ended, front.log
            assert body is None or answer.body == body
        for how in ("sized", "lines", "hint", "iterate"):
            fields = [("Content-Length", "18"), ("Content-Type", "a/b")]
            answer = front.request("POST", f"/read?{how}", fields, READ_FROM)
            assert value_of(answer) == READS[how]
        front.request(path="/errors")
        assert "AssertionError" not in front.text_of_log()


# --- threads and processes -------------------------------------------------------------------


def test_threads_run_at_the_same_time():
    with Front("worker_apps", threads=3) as front:
        answers = [front.submit(path="/barrier") for _ in range(3)]
        front.wait(lambda: all(answer.done for answer in answers))
        assert {a.body for a in answers} == {b"MainThread", b"server-1", b"server-2"}
        assert environ_of(front)["wsgi.multithread"] is True


def test_threads_share_the_control_socket_for_bodies():
    with Front("worker_apps", threads=3) as front, tempfile.TemporaryFile() as file:
        file.write(b"x" * 100_000)
        for _ in range(20):
            answers = []
            for _ in range(6):
                fd = os.open(f"/proc/self/fd/{file.fileno()}", os.O_RDONLY)
                answers.append(front.submit("POST", "/read?size", file=fd))
            front.wait(lambda: all(answer.done for answer in answers))  # noqa: B023
            assert {value_of(answer)[0] for answer in answers} == {b"100000"}
            for answer in answers:
                os.close(front.bodies[answer.ticket])


def test_workers_are_several_processes_with_their_own_random_numbers():
    with Front("worker_apps", workers=3, preload=True) as front:
        pids, numbers = set(), set()
        deadline = time.monotonic() + 20
        while len(pids) < 3 and time.monotonic() < deadline:
            answers = [front.submit(path="/random_number") for _ in range(6)]
            front.wait(lambda: all(answer.done for answer in answers))  # noqa: B023
            pairs = [answer.body.split() for answer in answers]
            pids |= {pid for pid, _ in pairs}
            numbers |= {number for _, number in pairs}
        assert len(pids) > 1 and len(numbers) >= len(pids)


@pytest.mark.parametrize(
    ("path", "body"), [("/forks", b"parent"), ("/forks_streaming", b"one two")]
)
def test_a_child_of_the_application_does_not_answer(path, body):
    with Front("worker_apps") as front:
        assert front.request(path=path).body == body
        assert front.request(path="/plain").body == b"plain"


def test_many_requests_in_flight():
    with Front("worker_apps", workers=2, threads=2) as front:
        for _ in range(200):
            answers = [front.submit(path="/plain") for _ in range(16)]
            front.wait(lambda: all(answer.done for answer in answers))  # noqa: B023
            assert {answer.body for answer in answers} == {b"plain"}


def test_a_cancelled_request_never_runs(front, scratch):
    slow = front.submit(path="/slow")
    front.wait(lambda: (scratch / "slow-started").exists() or select.select([], [], [], 0.01))
    while not (scratch / "slow-started").exists():
        time.sleep(0.01)
    waiting = front.submit(path="/error")
    assert front.library.front_cancel(front.front, waiting.ticket) == 1
    (scratch / "slow-ends").touch()
    front.wait(lambda: slow.done)
    assert front.request(path="/plain").body == b"plain"
    assert not front.log
