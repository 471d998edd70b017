"""What whoever starts the server, or the application while it is preloaded, leaves behind: closed
descriptors, handlers and masks of signals, somebody who waits for all children."""

import os
import signal

import pytest
from serving import until

SOURCE = """
import os, signal, sys, threading, time
from probe import application

def wait_for_all():
    while True:
        try:
            os.wait()
        except ChildProcessError:
            time.sleep(0.001)

"""

LEFT_BEHIND = {
    "ignored": "signal.signal(signal.SIGCHLD, signal.SIG_IGN)",
    "default": "signal.signal(signal.SIGCHLD, signal.SIG_DFL)",
    "masked": "signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())",
    "taken": "signal.set_wakeup_fd(-1)",
    "waiting": "threading.Thread(target=wait_for_all, daemon=True).start()",
    "closed": "sys.stdout.close()",
    "none": "sys.stdout = sys.stderr = None",
}


@pytest.mark.parametrize("statement", LEFT_BEHIND.values(), ids=LEFT_BEHIND)
def test_what_preloading_leaves_behind_keeps_no_worker_from_being_replaced(
    serve, tmp_path, statement
):
    (tmp_path / "leaves.py").write_text(SOURCE + statement + "\n")
    server = serve("leaves", "--preload", "--pythonpath", tmp_path)
    for _ in range(3):
        worker = server.workers()[0]
        os.kill(worker, signal.SIGKILL)
        until(lambda dead=worker: dead not in server.workers())
        assert server.get("/").status == 200
    assert len(server.zygotes()) == 1
    assert "zygote exited" not in server.log


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_server_without_standard_descriptors(serve, tmp_path, closed):
    log = tmp_path / "error.log"
    server = serve(
        "probe",
        *("--error-logfile", log, "--preload"),
        bind=(f"unix:{tmp_path}/socket",),
        prefix=("sh", "-c", f'exec "$@" {closed}', "sh"),
    )
    for pid in (server.pid, *server.zygotes(), *server.workers()):
        for fd, shell in enumerate(("<&-", ">&-", "2>&-")):
            if shell in closed.split():
                assert os.readlink(f"/proc/{pid}/fd/{fd}") == "/dev/null"
    assert "Listening at" in log.read_text()
