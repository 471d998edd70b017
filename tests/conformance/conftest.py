"""One server for all tests of a module: they are many, and each is short."""

from collections.abc import Iterator

import pytest

pytest.register_assert_rewrite("subject")

from serving import Server  # noqa: E402
from subject import Subject  # noqa: E402


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    """The probe of the integration tests, with defaults but for a small body limit."""
    directory = tmp_path_factory.mktemp("conformance")
    server = Server("probe", "--max-body", "100k", directory=directory)
    try:
        server.wait_ready()
        subject = Subject(server)
        yield subject
        subject.called(0)
        server.close()
    finally:
        server.kill()
