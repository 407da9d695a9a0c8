"""First paint of a waterfall of 5,000 spans, and the time from an accepted call to an open page."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from statistics import median
from uuid import uuid4

import httpx
import psycopg
from playwright.sync_api import Browser, BrowserContext, Page, StorageState, sync_playwright

from bench.measurement import Measurement, Options
from tally.api_keys.keys import NewKey, create_key
from tally.storage.postgres import PostgresDatabase
from tally.traces.stored_span import save_spans
from tests.api.test_otlp import as_protobuf, call_span
from tests.app.app_server import AppServer
from tests.e2e.chromium import CHROMIUM, FLAGS, HEADLESS
from tests.embedded import temporary_stack
from tests.scratch import temporary_folder
from tests.tally.people import sign_up
from tests.tally.telemetry.otlp import attributes
from tests.tally.traces.examples import large

SPANS, SMALL, REPEATS, WARM_LOADS = 5_000, 20, 5, 2
MOST_AGAINST_SMALL = 1.3
PAINT_SECONDS, VISIBLE_SECONDS = 1.5, 3.0
PASSWORD, WAIT_MILLISECONDS, SENT = "correct horse 1", 60_000, "bench-"
# The page itself records the frame that shows the rows: Playwright polls every 0.1 to 0.5 s.
OBSERVER = """
const shown = () => {
  const grid = document.querySelector('[data-testid="stDataFrame"] canvas');
  return grid && grid.offsetHeight > 0 && grid.querySelectorAll("tbody tr").length > 5;
};
const observe = () => {
  if (shown()) requestAnimationFrame(() => { document.documentElement.dataset.taken = performance.now(); });
  else requestAnimationFrame(observe);
};
observe();
"""

FIND = """([name, sent]) => {
  const text = document.body ? document.body.textContent : "";
  return text.includes(name) ? "new" : text.includes(sent) ? "old" : null;
}"""


@dataclass(frozen=True)
class Account:
    """An account with traces, and the dashboard, whose process also answers programs."""

    url: str
    email: str
    database: PostgresDatabase

    def add_trace(self, number: int, spans: int) -> str:
        """The address of a new trace of so many spans."""
        save_spans(self.database, large(number, spans))
        return f"{self.url}/traces?trace={number + 1:032x}"


def measure(options: Options) -> Iterator[Measurement]:
    """Load traces in new and in used browsers, and wait for calls on open pages."""
    with ExitStack() as opened:
        stack = opened.enter_context(temporary_stack(on_disk=True))
        folder = opened.enter_context(temporary_folder())
        app = opened.enter_context(AppServer(folder, stack.settings()))
        connection = opened.enter_context(psycopg.connect(stack.settings()["DATABASE_URL"], autocommit=True))
        person = sign_up(stack)
        account = Account(app.url, person.email, PostgresDatabase(connection, person.user_id))
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM or HEADLESS, args=FLAGS)
            state = _sign_in(browser, account)
            yield from _measure_paint(browser, state, account, options)
            for path in ("traces", "records"):
                page = browser.new_context(storage_state=state).new_page()
                yield _measure_visible(page, path, account, options)
            browser.close()


def _measure_paint(
    browser: Browser, state: StorageState, account: Account, options: Options
) -> Iterator[Measurement]:
    """Load large and small traces in turn: most of the time is that of any page."""
    sizes = {"large": options.scaled(SPANS), "small": SMALL}
    taken: dict[tuple[str, str], list[float]] = defaultdict(list)
    for turn in range(options.scaled(REPEATS) + 1):
        for place, (size, spans) in enumerate(sizes.items()):
            address = account.add_trace(turn * len(sizes) + place, spans)
            context = browser.new_context(storage_state=state)
            page = _observed_page(context)
            for kind in ("new", *["used"] * WARM_LOADS):
                seconds = _taken(page, partial(page.goto, address) if kind == "new" else page.reload)
                if turn:  # the first turn warms the server
                    taken[size, kind].append(seconds)
                page.wait_for_load_state("networkidle")
            context.close()
    for kind in ("new", "used"):
        name = f"waterfall of 5,000 spans, first paint in a {kind} browser"
        large_one, small_one = (median(taken[size, kind]) for size in sizes)
        yield Measurement(name, large_one, "s", PAINT_SECONDS, large_one / PAINT_SECONDS, 1.0)
        against = f"{name}, against {SMALL} spans"
        yield Measurement(against, large_one, "s", small_one, large_one / small_one, MOST_AGAINST_SMALL)


def _measure_visible(page: Page, path: str, account: Account, options: Options) -> Measurement:
    """A call that is sent while its page is open, until the page shows it; it is loaded again and again."""
    address, taken = f"{account.url}/{path}", []
    key = create_key(account.database, NewKey(f"bench {path}")).text
    headers = {"authorization": f"Bearer {key}", "content-type": "application/x-protobuf"}
    page.goto(address)
    with httpx.Client(base_url=account.url, headers=headers, timeout=60) as client:
        for turn in range(options.scaled(REPEATS) + 1):
            page.wait_for_load_state("networkidle")
            page.reload()  # what is there now is in the caches
            name = f"{SENT}{uuid4().hex[:12]}"
            span = call_span(1, int(uuid4().hex[:8], 16)) | {"name": name}
            span["attributes"] += attributes({"gen_ai.response.model": name})
            client.post("/v1/traces", content=as_protobuf(span)).raise_for_status()
            accepted = time.perf_counter()
            page.reload()
            while turn and not _shows(page, name):  # the first one makes a list to wait for
                page.reload()
            taken += [time.perf_counter() - accepted] if turn else []
    value, name = max(taken), f"accepted to visible on {path}, the longest of {len(taken)}"
    return Measurement(name, value, "s", VISIBLE_SECONDS, value / VISIBLE_SECONDS, 1.0)


def _shows(page: Page, name: str) -> bool:
    """Wait until the page shows its list; true if this name is in it."""
    found = page.wait_for_function(FIND, arg=[name, SENT], timeout=WAIT_MILLISECONDS)
    return str(found.json_value()) == "new"


def _observed_page(context: BrowserContext) -> Page:
    context.add_init_script(OBSERVER)
    return context.new_page()


def _taken(page: Page, action: Callable[[], object]) -> float:
    """Seconds from the navigation to the frame that shows the rows."""
    page.evaluate("() => { delete document.documentElement.dataset.taken; }")
    action()
    page.locator("html[data-taken]").wait_for(state="attached", timeout=WAIT_MILLISECONDS)
    milliseconds = page.locator("html").get_attribute("data-taken")
    assert milliseconds is not None
    return float(milliseconds) / 1000


def _sign_in(browser: Browser, account: Account) -> StorageState:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{account.url}/login")
    page.get_by_label("Email").fill(account.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.locator(".tly, [data-testid=stMetricValue], [data-testid=stSidebar]").first.wait_for(
        timeout=WAIT_MILLISECONDS
    )
    state = context.storage_state()
    context.close()
    return state
