"""Clicks in the menu until the page is settled, and what a cold Overview requests, loads and moves."""

import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser, Page, StorageState, sync_playwright

from app.ui.pages import PAGES
from bench.measurement import REPEATS, Measurement, Options
from bench.pages import CHECKOUT, fill_account, sign_in
from tests.app.app_server import AppServer
from tests.e2e.chromium import CHROMIUM, FLAGS, HEADLESS
from tests.embedded import temporary_stack

MEDIAN_MILLISECONDS, MOST_MILLISECONDS = 400, 550
MOST_REQUESTS, MOST_MEGABYTES, MOST_SHIFT = 80, 2.4, 0.05
WAIT_MILLISECONDS = 60_000
# A page is settled at its last change before the app has rested so long.
REST_MILLISECONDS = 400
OBSERVER = """
window.shifted = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
}).observe({ type: "layout-shift", buffered: true });
addEventListener("DOMContentLoaded", () => {
  window.changedAt = performance.now();
  const note = () => { window.changedAt = performance.now(); };
  new MutationObserver(note).observe(document.body, { childList: true, subtree: true, characterData: true });
});
addEventListener("pointerdown", (event) => { window.pressedAt = event.timeStamp; }, true);
"""
SETTLED = """([path, rest]) => {
  const app = document.querySelector('[data-testid="stApp"]');
  return location.pathname === path && app?.dataset.testScriptState === "notRunning"
    && performance.now() - window.changedAt > rest;
}"""


def measure(options: Options) -> list[Measurement]:
    """Measure on an account with half a year of sample data and its forecasts."""
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        settings = opened.enter_context(temporary_stack(on_disk=True)).settings()
        fill_account(settings, CHECKOUT)
        app = opened.enter_context(AppServer(folder, settings))
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM or HEADLESS, args=FLAGS)
            state = sign_in(browser, app.url)
            measured = [
                *_measure_cold(browser, app.url, state),
                *_measure_clicks(browser, app.url, state, options),
            ]
            browser.close()
        return measured


def _measure_cold(browser: Browser, url: str, state: StorageState) -> Iterator[Measurement]:
    context = browser.new_context(storage_state=state)
    context.add_init_script(OBSERVER)
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    loaded: list[float] = []
    requested: list[str] = []
    session.on("Network.loadingFinished", lambda event: loaded.append(event["encodedDataLength"]))
    page.on("request", lambda request: requested.append(request.url))
    page.goto(url)
    _wait_until_settled(page, "/")
    megabytes, shift = sum(loaded) / 1e6, float(page.evaluate("window.shifted"))
    yield _against("requests of a cold Overview", len(requested), "", MOST_REQUESTS)
    yield _against("megabytes of a cold Overview", megabytes, "MB", MOST_MEGABYTES)
    yield _against("layout shift of a cold Overview", shift, "CLS", MOST_SHIFT)
    context.close()


def _measure_clicks(
    browser: Browser, url: str, state: StorageState, options: Options
) -> Iterator[Measurement]:
    context = browser.new_context(storage_state=state)
    context.add_init_script(OBSERVER)
    page = context.new_page()
    page.goto(url)
    _wait_until_settled(page, "/")
    entries = [each for each in PAGES if not each.part_of]
    taken: dict[str, list[float]] = defaultdict(list)
    for turn in range(options.scaled(REPEATS) + 1):
        for entry in [*entries[1:], entries[0]]:
            milliseconds = _click(page, entry.entry or entry.title, f"/{entry.address}")
            if turn:  # the first turn loads the code of every page
                taken[entry.title].append(milliseconds)
    medians = {title: median(values) for title, values in taken.items()}
    every = median(medians.values())
    yield _against("click to settled, median of all pages", every, "ms", MEDIAN_MILLISECONDS)
    for title, milliseconds in sorted(medians.items(), key=lambda pair: -pair[1]):
        yield _against(f"click to settled, {title}", milliseconds, "ms", MOST_MILLISECONDS)
    context.close()


def _click(page: Page, title: str, path: str) -> float:
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=title).click()
    _wait_until_settled(page, path)
    return float(page.evaluate("window.changedAt - window.pressedAt"))


def _wait_until_settled(page: Page, path: str) -> None:
    page.wait_for_function(SETTLED, arg=[path, REST_MILLISECONDS], timeout=WAIT_MILLISECONDS)


def _against(name: str, value: float, unit: str, bar: float) -> Measurement:
    return Measurement(name, value, unit, bar, value / bar, 1.0)
