"""What the tests of the load generator share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Browser


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    one: Path = tmp_path_factory.mktemp("browser")
    browser = Browser(one / "profile")
    try:
        yield browser
    finally:
        browser.close()
