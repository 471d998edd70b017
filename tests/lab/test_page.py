"""`forebay lab --html`: the page as a real browser shows it, from a file and without a network."""

from pathlib import Path
from typing import Any

import pytest
from browser import Browser
from experimenting import GUNICORN
from serving import run_forebay

# 2 workers and 4 + 1 places for 20 requests: 7 are answered by the classic stack.
SMALL = ("burst", "--quick", "--workers", "2", "--somaxconn", "4", "--rate", "100",
         "--duration", "200ms", "--service", "0.4s", "--gunicorn", GUNICORN)  # fmt: skip


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("lab") / "page.html"
    done = run_forebay("lab", *SMALL, "--html", file, seconds=120)
    assert done.returncode == 0, done.stderr
    return file


def show(browser: Browser, page: Path, **options: Any) -> None:
    browser.complaints.clear()
    browser.show(page, **options)
    root = "document.documentElement.dataset"
    browser.wait_for(f"{root}.charts !== undefined || {root}.errors !== undefined")
    assert browser.evaluate(f"{root}.errors") is None
    assert browser.complaints == []


def texts(browser: Browser, selector: str) -> list[str]:
    return browser.evaluate(
        f"[...document.querySelectorAll({selector!r})].map((e) => e.textContent)"
    )


@pytest.mark.parametrize("dark", [False, True])
def test_it_shows_the_verdict_the_tables_and_all_charts(
    browser: Browser, page: Path, tmp_path: Path, dark: bool
) -> None:
    show(browser, page, dark=dark)
    assert "Forebay answered 20 of 20" in texts(browser, "#messages p")[0]
    assert texts(browser, "#overview h2") == ["What came of it", "Foretold and measured"]
    assert len(texts(browser, "#overview table")) == 2
    sections = texts(browser, "#charts > h2")
    assert len(sections) == 4 and sections[0] == "20 requests in 0.2 s, somaxconn 4"
    assert texts(browser, ".card.half h2")[:4] == [
        "nginx + gunicorn: answers and queue",
        "Forebay: answers and queue",
        "nginx + gunicorn: who waits where",
        "Forebay: who waits where",
    ]
    assert browser.evaluate("document.querySelectorAll('canvas').length") == 4 * 5
    browser.picture(tmp_path / "page.png")
    assert (tmp_path / "page.png").stat().st_size > 50_000


def test_the_classic_stack_stands_beside_forebay(browser: Browser, page: Path) -> None:
    boxes = (
        "[...document.querySelectorAll('.card.half')].slice(0, 2)"
        ".map((c) => c.getBoundingClientRect()).map((b) => [b.left, b.top, b.width])"
    )
    show(browser, page)
    (left, top, width), (right, same_top, same_width) = browser.evaluate(boxes)
    assert right >= left + width
    assert (top, width) == (same_top, same_width)
    show(browser, page, width=700)
    (left, top, _), (same_left, below, _) = browser.evaluate(boxes)
    assert left == same_left and below > top


def test_the_refusals_are_in_the_charts(browser: Browser, page: Path) -> None:
    show(browser, page)
    names = browser.evaluate("page.charts.slice(0, 2).map((c) => c.series.map((s) => s.name))")
    assert names[0][:2] == ["200", "502"]
    assert "what fits into it" in names[0]
    assert "502" not in names[1]
    totals = browser.evaluate(
        "page.charts.slice(0, 2).map((c) => c.series[0].y.reduce((a, b) => a + b) * c.barWidth)"
    )
    assert abs(totals[0] - 7) <= 2 and round(totals[1]) == 20
    latencies = browser.evaluate("page.charts[4].series.map((s) => s.name)")
    assert latencies == ["nginx + gunicorn: 200", "nginx + gunicorn: 502", "Forebay: 200"]


def test_the_page_can_go_to_stdout_instead_of_the_table() -> None:
    done = run_forebay("lab", *SMALL, "--only", "forebay", "--html", "-", seconds=120)
    assert done.returncode == 0
    assert done.stdout.startswith("<!doctype html>")
    assert done.stdout.rstrip().endswith("</html>")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--html", "/nowhere/page.html"), "open /nowhere/page.html"),
        (("--html", "-", "--json", "-"), "cannot both go to stdout"),
        (("--here",), "without --somaxconn"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_started(
    options: tuple[str, ...], says: str
) -> None:
    done = run_forebay("lab", *SMALL, *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert "runs" not in done.stderr
