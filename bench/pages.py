"""Time to load the Overview in Chromium, compared with a hello-world Streamlit page, and to switch ranges."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

import httpx
import psycopg
from playwright.sync_api import Browser, BrowserContext, Page, StorageState, sync_playwright

from bench import sample_account
from bench.measurement import REPEATS, Measurement, Options
from bench.older_tally import older_tally, python_of
from bench.sample_account import EMAIL, PASSWORD
from tests.app.app_server import AppServer
from tests.e2e.chromium import CHROMIUM, FLAGS, HEADLESS
from tests.embedded import temporary_stack

CHECKOUT = Path(__file__).resolve().parent.parent
HELLO = 'import streamlit as st\n\nst.metric("Hello", "$1,234.56")\n'
BAR, SWITCH_SECONDS, SWITCH_BAR = 1.5, 0.3, 1.05
CHANGED = "data just changed"
SWITCHES = (CHANGED, "data as before")
WARM_LOADS = 2  # per cold load, as noise affects short loads more
START_SECONDS, SHOWN_MILLISECONDS = 60, 60_000
REST_MILLISECONDS = 1_500  # lets charts settle and the server check for a newer version of the data

# Playwright polls every 0.1 to 0.5 s, so the page itself records the frame that shows the KPI.
OBSERVER = """
const text = (selector) => {
  const found = document.querySelector(selector);
  return found && found.offsetHeight > 0 ? found.innerText : "";
};
const shown = () => text('[data-testid="stMetricValue"]') || text(".tly") + text(".st-key-period_spend");
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


@dataclass(frozen=True, slots=True)
class Server:
    """A running dashboard and its database."""

    url: str
    database_url: str

    def change_data(self) -> None:
        """Change the data's version, not the data."""
        with psycopg.connect(self.database_url, autocommit=True) as database:
            database.execute("update public.user_preferences set theme = theme")


def measure(options: Options) -> list[Measurement]:
    """Measure on an account with half a year of sample data and its forecasts."""
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        settings = opened.enter_context(temporary_stack(on_disk=True)).settings()
        fill_account(settings, CHECKOUT)
        app = opened.enter_context(AppServer(folder, settings))
        servers = {"now": Server(app.url, settings["DATABASE_URL"])}
        if options.before:
            url, older_settings = opened.enter_context(older_tally(options.before))
            fill_account(older_settings, options.before)
            servers["before"] = Server(url, older_settings["DATABASE_URL"])
        hello = opened.enter_context(_hello_server(folder))
        return measure_on(servers, hello, options.scaled(REPEATS))


def measure_on(servers: Mapping[str, Server], hello: str, repeats: int = REPEATS) -> list[Measurement]:
    """Measure on running servers: `now`, and `before` if an older checkout is compared with."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM or HEADLESS, args=FLAGS)
        states = {name: sign_in(browser, server.url) for name, server in servers.items()}
        sides = {"hello": (browser, hello, None), "overview": (browser, servers["now"].url, states["now"])}
        loads = _measure_loads(sides, repeats)
        switches = _measure_switches(browser, servers, states, repeats)
        browser.close()
    return [*_compare_loads(loads), *_compare_switches(switches)]


def _compare_loads(loads: Mapping[str, float]) -> Iterator[Measurement]:
    for kind in ("cold", "warm"):
        overview, plain = loads[f"overview, {kind}"], loads[f"hello, {kind}"]
        name = f"Overview to its first KPI, {kind} browser, against hello"
        yield Measurement(name, overview, "s", plain, overview / plain, BAR)


def _compare_switches(switches: Mapping[tuple[str, str], float]) -> Iterator[Measurement]:
    for kind in SWITCHES:
        taken, before = switches["now", kind], switches.get(("before", kind))
        name = f"range switch, {kind}"
        yield Measurement(f"{name}, against 300 ms", taken, "s", SWITCH_SECONDS, taken / SWITCH_SECONDS, 1.0)
        if before:
            yield Measurement(f"{name}, against before", taken, "s", before, taken / before, SWITCH_BAR)


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
    browser: Browser, servers: Mapping[str, Server], states: Mapping[str, StorageState], repeats: int
) -> dict[tuple[str, str], float]:
    """Medians of switches between 30D and 90D, with cached data and with changed data; servers take turns."""
    pages = {name: _observed_page(browser.new_context(storage_state=states[name])) for name in servers}
    for name, server in servers.items():
        _taken(pages[name], partial(pages[name].goto, f"{server.url}/?range=30D"))
    taken: dict[tuple[str, str], list[float]] = defaultdict(list)
    for turn in range(4 * repeats):
        kind = SWITCHES[turn % 4 // 2]
        for name, page in pages.items():
            if kind == CHANGED:
                servers[name].change_data()
            page.wait_for_timeout(REST_MILLISECONDS)
            button = page.get_by_role("radio", name="30D" if turn % 2 else "90D")
            taken[name, kind].append(_taken(page, button.click))
    return {name_and_kind: median(values) for name_and_kind, values in taken.items()}


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


def sign_in(browser: Browser, tally: str) -> StorageState:
    """Sign in once; the state of the browser is for other contexts."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{tally}/login")
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.locator('.tly, [data-testid="stMetricValue"]').first.wait_for(timeout=SHOWN_MILLISECONDS)
    state = context.storage_state()
    context.close()
    return state


def fill_account(settings: dict[str, str], checkout: Path) -> None:
    """Sign up in the stack with these settings, load sample data, run the nightly job."""
    python = sys.executable if checkout == CHECKOUT else python_of(checkout)
    for arguments in (["-P", sample_account.__file__], ["-m", "forecasting"]):  # bench has a statistics.py
        subprocess.run(
            [python, *arguments],
            cwd=checkout,
            env=os.environ | settings,
            check=True,
            capture_output=True,
        )


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
