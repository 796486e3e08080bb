"""The page in a real browser: its weight, its promptness, and what watching costs the training."""

from __future__ import annotations

import gzip
import re
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import CDPSession, Page, sync_playwright

from app.files import shipped
from tests.bench.measure import Row
from tests.bench.serving import document, server
from tests.conftest import chromium
from tests.web.workbench import address

FEATURES = ["x", "y", "x2", "y2", "xy", "sin_x", "sin_y"]
DEEP = [8] * 6 + [1]
CLICKS = 7
PHASES = 4
PHASE_SECONDS = 4.0
STRETCHES = 9
STRETCH_SECONDS = 0.5

# Every drawing of the page, as it measures them itself: when it was done, how long it took, and
# the step of the frame.
WATCH = """
window.drawn = []
new PerformanceObserver((list) => {
  for (const { name, startTime, duration, detail } of list.getEntries())
    if (name === 'glassnet:draw') drawn.push({ end: startTime + duration, duration, step: detail })
}).observe({ entryTypes: ['measure'] })
"""

UNTIL = """() => new Promise((done, fail) => {
  const end = performance.now() + 10000
  const look = () => {
    const value = EXPRESSION
    if (value) done(value)
    else if (performance.now() > end) fail(new Error('never seen'))
    else requestAnimationFrame(look)
  }
  look()
})"""


def page_weight(folder: Path) -> int:
    """Gzipped bytes of the scripts and styles that the page loads before anything is lazy."""
    page = (folder / "index.html").read_text(encoding="utf-8")
    first = set(re.findall(r'(?:src|href)="/(assets/[^"]+\.(?:js|css))"', page))
    assert first, "the page is not built"
    return sum(len(gzip.compress((folder / name).read_bytes())) for name in first)


def seen(page: Page, expression: str) -> Any:
    """The first value of an expression that is truthy. (Playwright's own waiting needs `eval`, which
    the page's content policy forbids.)"""
    return page.evaluate(UNTIL.replace("EXPRESSION", expression))


def visit(page: Page, url: str) -> None:
    """Open the page afresh; done when its run is on the server and shown."""
    page.goto("about:blank")
    page.goto(url)
    seen(page, "drawn.length && location.hash.includes('r=')")
    page.wait_for_load_state("networkidle")


def milliseconds_to_first_frame(page: Page, url: str) -> float:
    """From a click on Run to the end of the drawing of the first frame after a step."""
    visit(page, url)
    page.evaluate(
        "addEventListener('click', (event) => { window.clicked = event.timeStamp }, true)"
    )
    page.get_by_role("button", name="Run", exact=True).click()
    return float(seen(page, "drawn.find(({ step }) => step > 0)")["end"]) - float(
        page.evaluate("clicked")
    )


def watch_everything(page: Page) -> None:
    """Open the histograms too, which are measured only while they are on show."""
    page.locator("details:has(summary) summary", has_text="Distributions").first.click()


def reached(client: httpx.Client, run: str) -> tuple[int, float]:
    """A step and the time at which the server told it first: it tells them some times a second."""
    first = step = client.get(f"/api/runs/{run}").json()["step"]
    while step == first:
        step = client.get(f"/api/runs/{run}").json()["step"]
    return step, time.perf_counter()


def steps_per_second(client: httpx.Client, run: str) -> float:
    time.sleep(0.7)
    step, started = reached(client, run)
    time.sleep(PHASE_SECONDS)
    last, ended = reached(client, run)
    return (last - step) / (ended - started)


def rows() -> Iterator[Row]:
    yield Row(
        "scripts and styles of the page, gzipped", page_weight(shipped("static/dist")) / 1e3, "kB",
        150, at_least=False,
    )  # fmt: skip
    with (
        server() as running,
        running.client() as client,
        sync_playwright() as playwright,
        playwright.chromium.launch(**chromium()) as browser,
    ):
        page = browser.new_page(viewport={"width": 1440, "height": 900}, locale="en-US")
        page.add_init_script(WATCH)
        yield from promptness(page, running.url, client)
        yield from watched(page, running.url, client)


def promptness(page: Page, base: str, client: httpx.Client) -> Iterator[Row]:
    waits = []
    for seed in range(CLICKS):
        waits.append(
            milliseconds_to_first_frame(page, f"{base}/{address(document([4, 2, 1], seed))}")
        )
        client.delete("/api/runs/latest")
    yield Row(
        "click on Run to the first new frame drawn, median", statistics.median(waits), "ms", 150,
        at_least=False, note=f"slowest {max(waits):.0f} ms of {CLICKS}",
    )  # fmt: skip


def watched(page: Page, base: str, client: httpx.Client) -> Iterator[Row]:
    """One run: first its maps alone, then everything on show in turns with nobody looking."""
    visit(page, f"{base}/{address(document(DEEP, features=FEATURES))}")
    page.get_by_role("button", name="Run", exact=True).click()
    seen(page, "location.hash.includes('r=')")
    url, run = page.url, client.get("/api/runs/latest").json()["id"]
    flat_out = {"type": "speed", "steps_per_second": None}
    client.post(f"/api/runs/{run}/commands", json=flat_out).raise_for_status()
    yield main_thread(page)
    ratios: list[float] = []
    rates: list[float] = []
    for _ in range(PHASES):
        page.goto("about:blank")
        alone = steps_per_second(client, run)
        visit(page, url)
        watch_everything(page)
        started, first = time.perf_counter(), len(page.evaluate("drawn"))
        ratios.append(steps_per_second(client, run) / alone)
        rates.append(frames(page, first) / (time.perf_counter() - started))
    each = " ".join(f"{ratio:.2f}" for ratio in ratios)
    yield Row(
        "7-8×6-1, training watched by a browser against unwatched", statistics.median(ratios) * 100,
        "%", 90, note=f"at {statistics.median(rates):.0f} frames/s; {each}",
    )  # fmt: skip


def frames(page: Page, first: int) -> int:
    """Frames drawn since the drawing number `first`."""
    return int(
        page.evaluate("(first) => new Set(drawn.slice(first).map((d) => d.step)).size", first)
    )


def main_thread(page: Page) -> Row:
    """Processor time of everything that the page's main thread does, painting included, shared
    among the frames drawn meanwhile; the median of some stretches."""
    work = page.context.new_cdp_session(page)
    work.send("Performance.enable", {"timeDomain": "threadTicks"})
    each: list[float] = []
    for _ in range(STRETCHES):
        before, first = task_seconds(work), len(page.evaluate("drawn"))
        time.sleep(STRETCH_SECONDS)
        each.append((task_seconds(work) - before) / max(1, frames(page, first)) * 1e3)
    work.detach()
    scripts = statistics.median(page.evaluate("drawn.map((d) => d.duration)"))
    return Row(
        "7-8×6-1 with all neuron maps, main thread a drawn frame, median", statistics.median(each),
        "ms", 8, at_least=False, note=f"drawing commands {scripts:.1f} ms",
    )  # fmt: skip


def task_seconds(work: CDPSession) -> float:
    metrics = {m["name"]: m["value"] for m in work.send("Performance.getMetrics")["metrics"]}
    return float(metrics["TaskDuration"])
