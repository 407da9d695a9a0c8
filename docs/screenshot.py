"""`python -m docs.screenshot`: the README's screenshot of an account with sample data and a forecast."""

import tempfile
from pathlib import Path

import psycopg
from playwright.sync_api import ViewportSize, sync_playwright

from bench.pages import CHECKOUT, fill_account
from bench.sample_account import EMAIL, PASSWORD
from tests.app.app_server import AppServer
from tests.e2e.chromium import CHROMIUM, FLAGS, HEADLESS
from tests.embedded import temporary_stack

PICTURE = Path(__file__).parent / "overview.png"
ADD_LIMIT = """
insert into public.budgets (workspace_id, name, amount)
select id, 'Everything', 600 from public.workspaces"""
SIZE: ViewportSize = {"width": 1280, "height": 1010}


def main() -> None:
    """Sign up, load sample data, run the nightly job, take the screenshot."""
    with temporary_stack() as stack, tempfile.TemporaryDirectory() as folder:
        settings = stack.settings()
        fill_account(settings, CHECKOUT)
        with psycopg.connect(settings["DATABASE_URL"]) as database:
            database.execute(ADD_LIMIT)
        with AppServer(Path(folder), settings) as server, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM or HEADLESS, args=FLAGS)
            page = browser.new_page(viewport=SIZE, color_scheme="light", timezone_id="UTC")
            page.goto(f"{server.url}/login")
            page.get_by_label("Email").fill(EMAIL)
            page.get_by_label("Password").fill(PASSWORD)
            page.get_by_role("button", name="Sign in").click()
            page.locator(".js-plotly-plot .barlayer").first.wait_for(timeout=60_000)
            page.wait_for_timeout(1_500)  # fonts and sparklines
            page.screenshot(path=PICTURE)
            browser.close()


if __name__ == "__main__":
    main()
