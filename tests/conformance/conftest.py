"""One server for all tests of a module: they are many, and each is short."""

from collections.abc import Iterator

import pytest

pytest.register_assert_rewrite("subject")

from subject import Subject, running  # noqa: E402


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    """The probe of the integration tests, with defaults but for a small body limit."""
    directory = tmp_path_factory.mktemp("conformance")
    with running("probe", "--max-body", "100k", directory=directory) as server:
        subject = Subject(server)
        yield subject
        subject.called(0)
