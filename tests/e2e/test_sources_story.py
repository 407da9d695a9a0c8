"""Stories of later changes: editing a manual entry, and excluding a source from totals."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Locator, Page, expect

from tally.spend.manual_entries import ManualEntry, add_entry
from tally.storage.postgrest import SupabaseDatabase, open_supabase
from tests.app.accounts import Account
from tests.app.conftest import Project
from tests.e2e.steps import expect_spend, kpi, sign_in, visit


def select_row(table: Locator, row: int) -> None:
    """Select a row of a table by position."""
    chosen = table.get_by_role("row").nth(row + 1)  # below the headings
    chosen.get_by_role("button").click()
    expect(chosen.get_by_role("button")).to_have_attribute("aria-pressed", "true")


def test_manual_entry_is_changed_and_deleted(page: Page, account: Account, project: Project) -> None:
    client = open_supabase(project.url, project.key)
    answer = client.auth.sign_in_with_password({"email": account.email, "password": account.password})
    assert answer.user is not None
    add_entry(
        SupabaseDatabase(client, answer.user.id),
        ManualEntry(
            entry_id=uuid4(),
            provider="midjourney",
            day=datetime.now(UTC).date() - timedelta(days=1),
            timezone="Europe/Berlin",
            model_name="Fast hours",
            cost_usd=Decimal("12.50"),
        ),
    )
    sign_in(page, account, "/records")
    select_row(page.locator(".tally-table"), 0)
    page.get_by_role("button", name="Edit").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Cost in USD").fill("9.99")
    dialog.get_by_role("button", name="Save changes").click()
    expect(dialog).to_have_count(0)
    visit(page, "/")
    expect_spend(page, "$9.99")

    visit(page, "/records")
    select_row(page.locator(".tally-table"), 0)
    page.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("Fast hours, $9.99")).to_be_visible()
    deletion = dialog.get_by_role("button", name="Delete entry")
    expect(deletion).to_have_css("background-color", "rgb(217, 45, 32)")
    expect(deletion).not_to_be_focused()
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)
    page.get_by_role("button", name="Delete").click()
    deletion.click()
    expect(page.get_by_text("Nothing here yet.")).to_be_visible()


@pytest.fixture
def exports(tmp_path: Path) -> list[Path]:
    """Two days of OpenAI: usage that comes to $5.50 at list price, and a bill of $6.00."""
    usage = [
        "start_time,end_time,num_model_requests,model,batch,service_tier,input_tokens,output_tokens,input_cached_tokens"
    ]
    costs = ["start_time,end_time,amount_value,amount_currency,line_item,project_id"]
    for age in (3, 2):
        starts = _midnight(datetime.now(UTC).date() - timedelta(days=age))
        span = f"{starts},{starts + 86_400}"
        usage.append(f"{span},10,gpt-4o-2024-08-06,false,default,700000,100000,0")
        costs.append(f'{span},3.00,usd,"gpt-4o-2024-08-06, input",proj_a')
    files = []
    for name, lines in (("usage.csv", usage), ("costs.csv", costs)):
        (tmp_path / name).write_text("\n".join(lines) + "\n")
        files.append(tmp_path / name)
    return files


def _midnight(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp())


def test_bill_is_compared_then_excluded_and_included_again(
    page: Page, account: Account, exports: list[Path]
) -> None:
    sign_in(page, account, "/import")
    for nth, file in enumerate(exports):
        if nth:
            page.get_by_role("button", name="Import more files").click()
        page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(file)
        page.get_by_role("button", name="Import 2 rows").click()
        expect(kpi(page, "Added")).to_have_text("2")

    visit(page, "/sources")
    for label, value in (("Billed", "$6.00"), ("Estimated", "$5.50"), ("Difference", "+$0.50")):
        expect(kpi(page, label)).to_have_text(value)
    expect(page.locator(".js-plotly-plot")).to_be_visible()
    visit(page, "/")
    expect_spend(page, "$6.00")

    for button, notice, spent in (
        ("Exclude from totals", "costs.csv is excluded from all totals.", "$5.50"),
        ("Include in totals", "costs.csv is included in totals again.", "$6.00"),
    ):
        visit(page, "/sources")
        select_row(page.locator(".tally-table").first, 0)
        page.get_by_role("button", name=button).click()
        expect(page.get_by_text(notice)).to_be_visible()
        visit(page, "/")
        expect_spend(page, spent)
