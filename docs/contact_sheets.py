"""`python -m docs.contact_sheets FOLDER [PAGE …]`: pictures to look at, a sheet for each page and state.

A sheet has both themes in three widths. The states are sample data, one record, no record, and a database
that does not answer.
"""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, StorageState, ViewportSize, sync_playwright

from app.ui.pages import PAGES
from bench.pages import CHECKOUT, fill_account
from bench.sample_account import EMAIL, PASSWORD
from tally.accounts.auth_client import AuthClient
from tests.app.accounts import Account, sign_in_user, sign_up
from tests.app.app_server import AppServer
from tests.app.pages import save, usage
from tests.app.wire import Wire
from tests.e2e.chromium import CHROMIUM, FLAGS, HEADLESS
from tests.embedded import temporary_stack

SIZES: tuple[ViewportSize, ...] = (
    {"width": 390, "height": 844},
    {"width": 820, "height": 1180},
    {"width": 1440, "height": 900},
)
MOST_HEIGHT, GAP = 3000, 12  # pixels
SETTLED = "[data-testid=stApp][data-test-script-state=notRunning]"
WAIT, REST = 60_000, 1_500  # milliseconds


def main(folder: Path, names: list[str]) -> None:
    """Take all sheets, or those of the named pages."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [f"/{page.address}" for page in PAGES if not names or page.name in names]
    with temporary_stack() as stack, tempfile.TemporaryDirectory() as home:
        settings = stack.settings()
        fill_account(settings, CHECKOUT)
        upstream = AuthClient(settings["SUPABASE_URL"], settings["SUPABASE_PUBLISHABLE_KEY"])
        one, empty = sign_up(upstream), sign_up(upstream)
        save(sign_in_user(upstream, one), [usage(1, "2")])
        wire = Wire(settings["SUPABASE_URL"])
        server = AppServer(Path(home), settings | {"SUPABASE_URL": wire.url})
        with server, _browser() as browser:
            for state, account in (("data", Account(EMAIL, PASSWORD)), ("one", one), ("empty", empty)):
                _take_sheets(browser, server.url, account, folder / state, paths)
            kept = _sign_in(browser, server.url, Account(EMAIL, PASSWORD))
            wire.cut()
            for path in paths:
                _take_sheet(browser, kept, f"{server.url}{path}", _name(folder / "error", path))


@contextmanager
def _browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM or HEADLESS, args=FLAGS)
        yield browser
        browser.close()


def _sign_in(browser: Browser, url: str, account: Account) -> StorageState:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{url}/login")
    page.get_by_label("Email").fill(account.email)
    page.get_by_label("Password").fill(account.password)
    page.get_by_role("button", name="Sign in").click()
    page.locator(SETTLED).wait_for(timeout=WAIT)
    state = context.storage_state()
    context.close()
    return state


def _take_sheets(browser: Browser, url: str, account: Account, state: Path, paths: list[str]) -> None:
    kept = _sign_in(browser, url, account)
    for path in paths:
        _take_sheet(browser, kept, f"{url}{path}", _name(state, path))


def _name(state: Path, path: str) -> Path:
    return state.with_name(f"{state.name}-{path[1:] or 'overview'}.png")


def _take_sheet(browser: Browser, kept: StorageState, address: str, file: Path) -> None:
    pictures = []
    for scheme in ("light", "dark"):
        for size in SIZES:
            context = browser.new_context(
                storage_state=kept, viewport=size, color_scheme="dark" if scheme == "dark" else "light"
            )
            pictures.append(_take(context.new_page(), address, size))
            context.close()
    sheet = Image.new(
        "RGB",
        (sum(picture.width + GAP for picture in pictures), max(picture.height for picture in pictures)),
        "grey",
    )
    place = 0
    for picture in pictures:
        sheet.paste(picture, (place, 0))
        place += picture.width + GAP
    sheet.save(file)


def _take(page: Page, address: str, size: ViewportSize) -> Image.Image:
    page.goto(address)
    page.locator(SETTLED).wait_for(timeout=WAIT)
    page.wait_for_timeout(REST)  # charts and fonts
    height = page.evaluate("document.querySelector('[data-testid=stMain]')?.scrollHeight ?? 0")
    page.set_viewport_size({"width": size["width"], "height": min(max(height, size["height"]), MOST_HEIGHT)})
    page.wait_for_timeout(REST)
    return Image.open(BytesIO(page.screenshot()))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("Name a folder for the pictures: python -m docs.contact_sheets FOLDER [PAGE …]")
    main(Path(sys.argv[1]), sys.argv[2:])
