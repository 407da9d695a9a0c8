"""Stories in a real browser: from sign-up to the forecast, and an unreachable database."""

import uuid
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from tally.local.stack import Stack
from tests.app.accounts import Account
from tests.app.wire import Wire
from tests.e2e.steps import SLOW, expect_spend, kpi, run_nightly, sign_in, sign_up, visit

DAYS = 60


@pytest.fixture
def usage_csv(tmp_path: Path) -> Path:
    """Sixty days of two providers, $3 a day, up to yesterday; one row has an impossible date."""
    today = datetime.now(ZoneInfo("Europe/Berlin")).date()  # as in the browser
    lines = ["date,provider,model,cost,tokens,requests,note"]
    for age in range(DAYS, 0, -1):
        day = today - timedelta(days=age)
        lines += [f"{day},OpenAI,gpt-5.2,2.00,1000,4,", f"{day},Anthropic,claude-opus-4-5,1.00,500,2,"]
    lines.append("2026-02-30,OpenAI,gpt-5.2,5.00,1,1,")
    file = tmp_path / "usage.csv"
    file.write_text("\n".join(lines) + "\n")
    return file


def import_file(page: Page, file: Path, button: str = f"Import {2 * DAYS} rows") -> None:
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(file)
    page.get_by_role("button", name=button).click()


def test_from_sign_up_to_the_forecast(page: Page, stack: Stack, usage_csv: Path) -> None:
    email = f"{uuid.uuid4().hex[:12]}@example.com"
    sign_up(page, email)

    page.get_by_role("button", name="Choose a file").click()
    import_file(page, usage_csv)
    for label, value in (("Read", 2 * DAYS + 1), ("Added", 2 * DAYS), ("Duplicates", 0), ("Rejected", 1)):
        expect(kpi(page, label)).to_have_text(str(value))
    page.get_by_role("button", name="Import more files").click()
    import_file(page, usage_csv, "Import again")
    expect(kpi(page, "Added")).to_have_text("0")
    expect(kpi(page, "Duplicates")).to_have_text(str(2 * DAYS))

    visit(page, "/")
    expect_spend(page, "$87.00")  # today is not in the file
    page.get_by_role("radio", name="90D").click()
    expect_spend(page, "$180.00")
    assert "range=90" in page.url
    expect(page.locator(".js-plotly-plot").first).to_be_visible()

    run_nightly(stack, email)
    visit(page, "/forecast")
    expect(kpi(page, "Next 30 days").first).to_have_text("$90.00")  # the second one is the what-if card's
    visit(page, "/records")
    expect(page.get_by_text(f"1 to 25 of {2 * DAYS} records")).to_be_visible()

    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in to Tally")).to_be_visible()


def test_unreachable_database_is_explained(page: Page, account: Account, server_wire: Wire) -> None:
    sign_in(page, account)
    server_wire.cut()
    page.wait_for_timeout(1_500)  # the data version is cached for a second
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Records").click()
    expect(page.get_by_text("cannot be reached")).to_be_visible(timeout=SLOW)
    assert "Traceback" not in page.content()
