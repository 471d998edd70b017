"""`forebay plot`: the page as a real browser shows it, from a file and without a network."""

import json
import math
import subprocess
from pathlib import Path
from typing import Any

import pytest
from browser import Browser
from serving import BINARY

HITS = 6000
EVIL = '</script><script>document.title = "taken"</script><!-- \u2028 & "'


def result(second: float, latency_ms: float, code: int = 200, error: str = "") -> dict[str, Any]:
    """As vegeta writes them."""
    return {
        "attack": "",
        "seq": 0,
        "code": code,
        "timestamp": f"2025-11-21T08:00:{second:012.9f}Z",
        "latency": round(latency_ms * 1e6),
        "bytes_out": 0,
        "bytes_in": 0,
        "error": error,
        "body": None,
        "method": "GET",
        "url": "http://127.0.0.1/",
        "headers": None,
    }


def one_minute() -> list[dict[str, Any]]:
    """100 hits a second for a minute. From 20 s to 30 s every other one is refused; one peak."""
    results = []
    for i in range(HITS):
        second = i / 100
        if 20 <= second < 30 and i % 2:
            results.append(result(second, 0.5, 503, "503 Service Unavailable"))
        else:
            results.append(result(second, 10 + 5 * math.sin(i / 100)))
    results[4321]["latency"] = 7_777_000_000
    return results


def plot(results: list[dict[str, Any]], page: Path, *options: str) -> Path:
    lines = "".join(json.dumps(one) + "\n" for one in results)
    done = subprocess.run(
        [BINARY, "plot", *options, "-output", page],
        input=lines,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return page


def show(browser: Browser, page: Path, **options: Any) -> None:
    browser.complaints.clear()
    browser.show(page, **options)
    root = "document.documentElement.dataset"
    browser.wait_for(f"{root}.charts !== undefined || {root}.errors !== undefined")
    assert browser.evaluate(f"{root}.errors") is None
    assert browser.complaints == []


def painted(browser: Browser, colour: str, chart: int = 0) -> int:
    """How many points of a chart have nearly the colour of this CSS variable."""
    return browser.evaluate(
        f"""(() => {{
          const {{ctx}} = charts[{chart}].plot, {{width, height}} = ctx.canvas;
          const pixels = ctx.getImageData(0, 0, width, height).data;
          const hex = css('{colour}');
          const want = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
          let count = 0;
          for (let i = 0; i < pixels.length; i += 4)
            count += pixels[i + 3] > 100 && want.every((c, j) => Math.abs(pixels[i + j] - c) < 12);
          return count;
        }})()"""
    )


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("plot")
    return plot(one_minute(), directory / "page.html", "-title", "A minute", "-threshold=500")


@pytest.mark.parametrize("dark", [False, True])
def test_the_charts_are_drawn(browser: Browser, page: Path, tmp_path: Path, dark: bool) -> None:
    show(browser, page, dark=dark)
    assert browser.evaluate("document.title") == "A minute"
    titles = browser.evaluate("[...document.querySelectorAll('h2')].map((h) => h.textContent)")
    assert titles == [
        "Latency",
        "What became of the hits",
        "Percentiles over time",
        "Distribution of latency",
        "How the hits ended",
    ]
    assert browser.evaluate("document.querySelectorAll('canvas').length") == 4
    assert painted(browser, "--good-1") > 200, "dots of answers"
    assert painted(browser, "--bad-1") > 200, "crosses of errors"
    assert painted(browser, "--bad-1", chart=1) > 200, "bars of errors"
    browser.picture(tmp_path / "page.png")
    assert (tmp_path / "page.png").stat().st_size > 20_000


def test_the_figures_are_there(browser: Browser, page: Path) -> None:
    show(browser, page)
    figures = browser.evaluate(
        "Object.fromEntries([...document.querySelectorAll('.figure')].map("
        "(f) => [f.querySelector('.name').textContent, f.querySelector('.value').textContent]))"
    )
    assert figures["requests"] == "6,000"
    assert figures["rate"] == "100/s"
    assert figures["success"] == "91.67 %"
    assert figures["max"] == "7.777 s"


def test_the_peak_is_shown_and_the_page_says_how_much_is(browser: Browser, page: Path) -> None:
    show(browser, page)
    ys = browser.evaluate("page.charts[0].series.map((s) => s.y)")
    assert max(max(y) for y in ys) == 7777
    assert all(len(y) <= 500 for y in ys)
    shown = sum(len(y) for y in ys)
    note = browser.evaluate("document.querySelector('.note').textContent")
    assert f"{shown:,} of 6,000 hits are shown" in note


def test_dragging_zooms_all_charts_over_time_and_a_double_click_ends_it(
    browser: Browser, page: Path
) -> None:
    show(browser, page)
    scales = "charts.slice(0, 3).map((c) => [c.plot.scales.x.min, c.plot.scales.x.max])"
    whole = browser.evaluate(scales)
    box = browser.evaluate(
        "(() => { const b = charts[0].plot.over.getBoundingClientRect();"
        " return [b.left, b.top, b.width, b.height]; })()"
    )
    left, y, right = box[0] + box[2] * 0.25, box[1] + box[3] / 2, box[0] + box[2] * 0.5
    browser.mouse("mouseMoved", left, y)
    browser.mouse("mousePressed", left, y, clicks=1)
    browser.mouse("mouseMoved", right, y, clicks=1)
    browser.mouse("mouseReleased", right, y, clicks=1)
    browser.wait_for(f"{scales}.every(([min, max]) => min > 14 && max < 31)")

    for clicks in (1, 2):
        browser.mouse("mousePressed", left, y, clicks=clicks)
        browser.mouse("mouseReleased", left, y, clicks=clicks)
    browser.wait_for(f"JSON.stringify({scales}) === '{json.dumps(whole, separators=(',', ':'))}'")


def test_the_legend_follows_the_cursor(browser: Browser, page: Path) -> None:
    show(browser, page)
    x, y = browser.evaluate(
        "(() => { const u = charts[1].plot, b = u.over.getBoundingClientRect();"
        " return [b.left + u.valToPos(25.2, 'x'), b.top + b.height / 2]; })()"
    )
    browser.mouse("mouseMoved", x, y)
    legend = (
        "[...charts[1].plot.root.querySelectorAll('.u-legend .u-value')].map((v) => v.textContent)"
    )
    browser.wait_for(f"{legend}[1] === '50'")
    assert browser.evaluate(legend)[2] == "50", "503: the height of the bar, not of its top"


def test_a_scale_can_be_linear(browser: Browser, page: Path) -> None:
    show(browser, page)
    assert browser.evaluate("charts[0].plot.scales.y.distr") == 3
    browser.evaluate("document.querySelector('.buttons button').click()")
    assert browser.evaluate("charts[0].plot.scales.y.distr") == 1
    assert browser.evaluate("charts[0].plot.scales.y.min") == 0
    assert browser.complaints == []


def test_a_chart_can_be_saved_as_a_picture(browser: Browser, page: Path) -> None:
    show(browser, page)
    url = browser.evaluate("picture(charts[0]).toDataURL()")
    assert url.startswith("data:image/png;base64,")
    assert len(url) > 5000


def test_what_is_in_the_results_cannot_become_part_of_the_page(
    browser: Browser, tmp_path: Path
) -> None:
    results = one_minute()[:10]
    for one in results[5:]:
        one["attack"] = EVIL
    page = plot(results, tmp_path / "evil.html", f"-title={EVIL}")
    show(browser, page)
    assert browser.evaluate("document.getElementById('title').textContent") == EVIL
    assert browser.evaluate("document.scripts.length") == 3


@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_hits_are_shown_as_well(browser: Browser, tmp_path: Path, count: int) -> None:
    page = plot([result(i, 0) for i in range(count)], tmp_path / "few.html")
    show(browser, page)
    assert int(browser.evaluate("document.documentElement.dataset.charts")) >= 2


def test_the_page_goes_to_stdout_by_default() -> None:
    line = json.dumps(result(0, 1)) + "\n"
    done = subprocess.run(
        [BINARY, "plot"], input=line, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.startswith("<!doctype html>")
    assert done.stdout.rstrip().endswith("</html>")


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["/nowhere/at.all"], 1, "/nowhere/at.all"),
        (["-threshold", "3"], 2, "threshold"),
        (["-output", "/nowhere/page.html"], 1, "/nowhere/page.html"),
        (["-output", "/dev/full"], 1, "No space left on device"),
        (["-nonsense"], 2, "nonsense"),
    ],
)
def test_what_goes_wrong_is_said(arguments: list[str], status: int, words: str) -> None:
    done = subprocess.run(
        [BINARY, "plot", *arguments],
        input=json.dumps(result(0, 1)) + "\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == status
    assert words in done.stderr
