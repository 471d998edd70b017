"""Fixtures for whole-program tests: the real binary over real sockets."""

import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.register_assert_rewrite("access", "hammer", "raw_client", "serving")

from browser import Browser  # noqa: E402
from serving import Server  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def many_descriptors() -> None:
    """A test with thousands of clients needs a descriptor for each, and so does the server."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """serve(APP, OPTION..., wait=True, **what Server takes): a server that is ready.

    At the end of the test each one is told to TERM, and must exit with 0, leave no process behind
    and have no traceback in its log, unless the test said otherwise on the Server.
    """
    servers: list[Server] = []

    def start(app: str, *options: object, wait: bool = True, **keywords: Any) -> Server:
        keywords.setdefault("directory", tmp_path / f"server{len(servers)}")
        server = Server(app, *options, **keywords)
        servers.append(server)
        if wait:
            server.wait_ready()
        return server

    try:
        yield start
        while servers:
            servers.pop().close()
    finally:
        for server in servers:
            server.kill()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    browser = Browser(tmp_path_factory.mktemp("browser") / "profile")
    try:
        yield browser
    finally:
        browser.close()
