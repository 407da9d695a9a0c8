"""Time to load the Overview in Chromium, compared with a hello-world Streamlit page, and to switch ranges."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import psycopg
from playwright.sync_api import Browser, BrowserContext, Page, StorageState, sync_playwright
from supabase import create_client

from bench.measurement import REPEATS, Measurement, Options
from tally.spend import sample_data
from tally.storage.postgrest import SupabaseDatabase
from tests.app.app_server import AppServer
from tests.e2e.chromium import CHROMIUM, FLAGS, HEADLESS
from tests.embedded import temporary_stack

CHECKOUT = Path(__file__).resolve().parent.parent
EMAIL, PASSWORD = "bench@example.com", "correct horse 1"
HELLO = 'import streamlit as st\n\nst.metric("Hello", "$1,234.56")\n'
BAR, SWITCH_SECONDS = 1.5, 0.3
WARM_LOADS = 2  # per cold load, as noise affects short loads more
START_SECONDS, SHOWN_MILLISECONDS = 60, 60_000
REST_MILLISECONDS = 1_500  # lets charts settle and the server check for a newer version of the data

# Playwright polls every 0.1 to 0.5 s, so the page itself records the frame that shows the KPI.
OBSERVER = """
const shown = () => {
  const value = document.querySelector('[data-testid="stMetricValue"]');
  return value && value.offsetHeight > 0 ? value.closest('[data-testid="stMetric"]').innerText : "";
};
const observe = (from, before) => {
  const now = shown();
  if (now && now !== before) document.documentElement.dataset.taken = performance.now() - from;
  else requestAnimationFrame(() => observe(from, before));
};
observe(0, "");
addEventListener("pointerdown", (event) => {
  delete document.documentElement.dataset.taken;
  observe(event.timeStamp, shown());
}, true);
"""


def measure(options: Options) -> list[Measurement]:
    """Measure on an account with half a year of sample data and its forecasts."""
    with temporary_stack(on_disk=True) as stack, tempfile.TemporaryDirectory() as folder:
        settings = stack.settings()
        _fill_account(settings)
        with AppServer(Path(folder), settings) as tally, _hello_server(Path(folder)) as hello:
            return measure_on(tally.url, hello, settings["DATABASE_URL"], options.scaled(REPEATS))


def measure_on(tally: str, hello: str, database_url: str, repeats: int = REPEATS) -> list[Measurement]:
    """Measure on running servers."""
    with sync_playwright() as playwright, psycopg.connect(database_url, autocommit=True) as database:
        browser = playwright.chromium.launch(executable_path=CHROMIUM or HEADLESS, args=FLAGS)
        signed_in = _sign_in(browser, tally)
        sides = {"hello": (browser, hello, None), "overview": (browser, tally, signed_in)}
        loads = _measure_loads(sides, repeats)
        switches = _measure_switches(browser, tally, signed_in, database, repeats)
        browser.close()
    measurements = []
    for kind in ("cold", "warm"):
        overview, plain = loads[f"overview, {kind}"], loads[f"hello, {kind}"]
        name = f"Overview to its first KPI, {kind} browser, against hello"
        measurements.append(Measurement(name, overview, "s", plain, overview / plain, BAR))
    for kind, taken in switches.items():
        name = f"range switch, {kind}, against 300 ms"
        measurements.append(Measurement(name, taken, "s", SWITCH_SECONDS, taken / SWITCH_SECONDS, 1.0))
    return measurements


def _measure_loads(
    sides: Mapping[str, tuple[Browser, str, StorageState | None]], repeats: int
) -> dict[str, float]:
    """Medians of interleaved loads; a cold one is in a new browser context."""
    taken: dict[str, list[float]] = defaultdict(list)
    for turn in range(repeats + 1):
        for name, (browser, url, state) in sides.items():
            context = browser.new_context(storage_state=state)
            page = _observed_page(context)
            for kind in ("cold", *["warm"] * WARM_LOADS):
                seconds = _taken(page, partial(page.goto, url) if kind == "cold" else page.reload)
                if turn:  # the first turn warms the servers
                    taken[f"{name}, {kind}"].append(seconds)
                page.wait_for_load_state("networkidle")
            context.close()
    return {name: median(values) for name, values in taken.items()}


def _measure_switches(
    browser: Browser, tally: str, signed_in: StorageState, database: psycopg.Connection[Any], repeats: int
) -> dict[str, float]:
    """Medians of switches between 7D and 90D, with cached data and with changed data."""
    context = browser.new_context(storage_state=signed_in)
    page = _observed_page(context)
    _taken(page, partial(page.goto, f"{tally}/?range=7D"))
    taken: dict[str, list[float]] = defaultdict(list)
    for turn in range(4 * repeats):
        kind = "data just changed" if turn % 4 < 2 else "data as before"
        if kind == "data just changed":
            database.execute("update public.user_preferences set theme = theme")  # changes data_version
        page.wait_for_timeout(REST_MILLISECONDS)
        button = page.get_by_role("radio", name="7D" if turn % 2 else "90D")
        taken[kind].append(_taken(page, button.click))
    context.close()
    return {kind: median(values) for kind, values in taken.items()}


def _taken(page: Page, action: Callable[[], object]) -> float:
    """Seconds from the navigation or the click to the frame that shows the KPI."""
    page.evaluate("() => { delete document.documentElement.dataset.taken; }")
    action()
    page.locator("html[data-taken]").wait_for(state="attached", timeout=SHOWN_MILLISECONDS)
    milliseconds = page.locator("html").get_attribute("data-taken")
    assert milliseconds is not None
    return float(milliseconds) / 1000


def _observed_page(context: BrowserContext) -> Page:
    context.add_init_script(OBSERVER)
    return context.new_page()


def _sign_in(browser: Browser, tally: str) -> StorageState:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{tally}/login")
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_test_id("stMetricValue").first.wait_for(timeout=SHOWN_MILLISECONDS)
    state = context.storage_state()
    context.close()
    return state


def _fill_account(settings: dict[str, str]) -> None:
    client = create_client(settings["SUPABASE_URL"], settings["SUPABASE_PUBLISHABLE_KEY"])
    client.auth.sign_up({"email": EMAIL, "password": PASSWORD})
    sample_data.load(SupabaseDatabase(client), datetime.now(UTC).date())
    subprocess.run([sys.executable, "-m", "forecasting"], cwd=CHECKOUT, check=True, capture_output=True)


@contextmanager
def _hello_server(folder: Path) -> Iterator[str]:
    """Serve the smallest page with a KPI, by `streamlit run`."""
    script, port = folder / "hello.py", _free_port()
    script.write_text(HELLO)
    options = {"server.port": str(port), "server.headless": "true", "browser.gatherUsageStats": "false"}
    command = [sys.executable, "-m", "streamlit", "run", str(script)]
    command += [part for name, value in options.items() for part in (f"--{name}", value)]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("STREAMLIT_")}
    process = subprocess.Popen(command, cwd=folder, env=clean, stdout=subprocess.DEVNULL)
    url = f"http://localhost:{port}"
    try:
        _wait_for(url, process)
        yield url
    finally:
        process.terminate()
        process.wait(10)


def _free_port() -> int:
    with socket.create_server(("", 0)) as probe:  # Streamlit listens on every address
        port: int = probe.getsockname()[1]
        return port


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(httpx.HTTPError):
            if httpx.get(f"{url}/_stcore/health", timeout=2).status_code == 200:
                return
        time.sleep(0.1)
    raise RuntimeError("The hello-world page did not start.")
