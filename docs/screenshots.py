"""`python -m docs.screenshots`: pictures of the README, with sample data, forecasts, advice and budgets."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
from playwright.sync_api import Page, ViewportSize, sync_playwright

from bench.pages import CHECKOUT, fill_account
from bench.sample_account import EMAIL, PASSWORD
from tests.app.app_server import AppServer
from tests.e2e.chromium import CHROMIUM, FLAGS, HEADLESS
from tests.embedded import temporary_stack

FOLDER = Path(__file__).parent / "pictures"
ADD_BUDGETS = """
insert into public.budgets (workspace_id, name, amount)
select id, 'Everything', 600 from public.workspaces;
insert into public.budgets (workspace_id, name, amount, model_name)
select id, 'Opus', 75, 'claude-opus-4-5' from public.workspaces;
insert into public.budgets (workspace_id, name, amount, provider_id)
select w.id, 'OpenAI', 250, p.id from public.workspaces as w, public.providers as p where p.name = 'openai'"""
DECIDED = "select id from public.experiments where status = 'decided'"
SIZE: ViewportSize = {"width": 1280, "height": 1010}
# Each picture: its address, and what is there once it is complete.
PICTURES = {
    "overview": ("/", ".js-plotly-plot .barlayer"),
    "explore": ("/explore?split=provider&split=model", ".js-plotly-plot .barlayer"),
    "agents": ("/agents", "canvas, table"),
    "forecast": ("/forecast", ".js-plotly-plot .scatterlayer"),
    "budgets": ("/budgets", ".st-key-budgets"),
    "prompt": ("/prompts?prompt=refund-policy", ".js-plotly-plot .scatterlayer"),
    "experiment": ("/experiments?experiment={decided}", ".js-plotly-plot .scatterlayer"),
    "advice": ("/advice", ".adv .track"),
    "invoices": ("/invoices", ".js-plotly-plot .barlayer"),
}


def main() -> None:
    """Sign up, load sample data, run the nightly job, take the pictures."""
    FOLDER.mkdir(exist_ok=True)
    with temporary_stack() as stack, tempfile.TemporaryDirectory() as folder:
        settings = stack.settings()
        fill_account(settings, CHECKOUT)
        with psycopg.connect(settings["DATABASE_URL"]) as database:
            database.execute(ADD_BUDGETS)
            [(decided,)] = database.execute(DECIDED).fetchall()
        subprocess.run([sys.executable, "-m", "forecasting"], env=os.environ | settings, check=True)
        with AppServer(Path(folder), settings) as server, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM or HEADLESS, args=FLAGS)
            page = browser.new_page(viewport=SIZE, color_scheme="light", timezone_id="UTC")
            page.goto(f"{server.url}/login")
            page.get_by_label("Email").fill(EMAIL)
            page.get_by_label("Password").fill(PASSWORD)
            page.get_by_role("button", name="Sign in").click()
            page.locator(".js-plotly-plot .barlayer").first.wait_for(timeout=60_000)
            for name, (address, sign) in PICTURES.items():
                _take(page, f"{server.url}{address.format(decided=decided)}", sign, FOLDER / f"{name}.png")
            browser.close()


def _take(page: Page, address: str, sign: str, picture: Path) -> None:
    page.goto(address)
    page.locator(sign).first.wait_for(timeout=60_000)
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for(timeout=60_000)
    page.wait_for_timeout(6_000)  # fonts and sparklines
    page.screenshot(path=picture)


if __name__ == "__main__":
    main()
