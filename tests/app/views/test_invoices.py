"""The Invoices page: papers are read, compared and decided on; credits and card statements follow."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from app import data
from app.auth.identity import User, database_of
from app.figures.invoices import explain, find_missing, read_invoices
from app.views.invoices.invoice_form import read_line
from tally.core.amounts import AmountUnreadable
from tally.spend.subscriptions import Subscription, list_subscriptions
from tally.storage.database import Unreachable
from tests.app.pages import metrics, open_dialog, open_page, read_markdown, save, shown, spent, usage
from tests.app.ui.shown_table import shown_table, tables
from tests.tally.invoices.receipts import BROKEN, RECEIPT

CSV = """date,description,amount
{0},OPENAI *CHATGPT SUBSCR,20.00
{1},OPENAI *CHATGPT SUBSCR,20.00
{1},TESCO,9.00
"""


def today() -> date:
    """The account's day."""
    return datetime.now(UTC).date()


def drop(page: AppTest, name: str, content: bytes) -> AppTest:
    page.file_uploader[0].set_value([(name, content, "application/octet-stream")])
    page.run()
    assert not page.exception
    return page


def press(page: AppTest, label: str) -> AppTest:
    next(button for button in page.button if button.label == label).click()
    page.run()
    assert not page.exception
    return page


def bill(user: User, **changes: Any) -> None:
    """An invoice of last month's usage."""
    last = today().replace(day=1) - timedelta(days=1)
    invoice = {
        "provider": "openai",
        "seller": "OpenAI, LLC",
        "number": "U-1",
        "kind": "usage",
        "issued_on": str(last),
        "period_start": str(last.replace(day=1)),
        "period_end": str(last),
        "currency": "USD",
        "subtotal": "100",
        "discount": "0",
        "tax": "19",
        "total": "119",
        "applied_balance": "0",
        "usd_rate": "1",
        "lines": [{"description": "Usage", "amount": "90"}, {"description": "Storage", "amount": "10"}],
    }
    data.save_invoice(user, invoice | changes)


def test_receipt_is_read_and_saved_with_one_press(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    page = drop(open_page(monkeypatch, user, "invoices"), "receipt.pdf", RECEIPT.to_pdf())
    assert "Anthropic, PBC, 8C41F0D2-0009: 23.80 USD. Lines and sums add up." in read_markdown(shown(page))
    page = press(page, "Save invoice")
    assert "Invoice 8C41F0D2-0009 saved." in read_markdown("\n".join(str(s.value) for s in page.success))
    assert spent(user) == Decimal("23.80")
    assert shown_table(tables(page)[0])["state"].tolist() == ["Matched"]


def test_receipt_that_does_not_add_up_is_a_form_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, user: User
) -> None:
    page = drop(open_page(monkeypatch, user, "invoices"), "receipt.pdf", BROKEN["receipt"][0].to_pdf())
    told = read_markdown(page.warning[0].value)
    assert told.startswith("The sums do not add up. The lines add up to 19.00, but the subtotal is 20.00.")
    [lines] = page.text_area
    assert next(button for button in page.button if button.label == "Save invoice").disabled
    lines.set_value("Claude Pro 20.00")
    page.run()
    press(page, "Save invoice")
    assert spent(user) == Decimal("23.80")


def test_file_that_is_no_invoice_says_why_and_offers_the_form(
    monkeypatch: pytest.MonkeyPatch, user: User
) -> None:
    page = drop(open_page(monkeypatch, user, "invoices"), "x.pdf", b"GIF89a")
    assert "x.pdf is not a PDF." in read_markdown(page.error[0].value)
    assert len(page.text_area) == 1


def test_list_of_invoices_is_saved_whole_and_downloaded(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    head = "seller,number,issued_on,currency,total,tax,colour"
    rows = [f"Anysphere,C-{nth},{today()},USD,23.80,3.80,red" for nth in (1, 2)]
    wrong = [head, *rows, f"Nobody,1,{today()},USD,5,0,red"]
    page = drop(open_page(monkeypatch, user, "invoices"), "wrong.csv", "\n".join(wrong).encode())
    assert "Nothing of wrong.csv was saved. Line 4: Tally does not know" in read_markdown(page.error[0].value)
    page = drop(open_page(monkeypatch, user, "invoices"), "../list.csv", "\n".join([head, *rows]).encode())
    assert "2 invoices. Lines and sums of each add up." in read_markdown(shown(page))
    assert "Columns left out: colour." in read_markdown(shown(page))
    assert "took 2 invoices for a plan. If that is wrong, add a column kind" in read_markdown(shown(page))
    page = press(page, "Save 2 invoices")
    assert spent(user) == Decimal("47.60")
    assert data.export_invoices(user).decode().count("Anysphere") == 2


def test_difference_is_explained_accepted_and_ignored(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    last = today().replace(day=1) - timedelta(days=1)
    save(user, [usage((today() - last).days + 10, "90", cost_basis="billed")])
    bill(user)
    page = open_page(monkeypatch, user, "invoices")
    text = read_markdown(shown(page))
    assert "Differs by $10.00" in text
    assert "The line “Storage” is close to it." in text
    assert "Difference of $29.00" in read_markdown("\n".join(str(one.value) for one in page.subheader))
    assert spent(user) == 109
    press(page, "Accept")
    [row] = data.load_invoices(user)
    assert row["decision"] == "accepted"
    data.decide_invoice(user, row["id"], "ignored")
    assert spent(user) == 90


def test_line_that_no_source_tells_becomes_a_cost(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    last = today().replace(day=1) - timedelta(days=1)
    save(user, [usage((today() - last).days + 10, "90", cost_basis="billed")])
    bill(user)
    page = press(open_page(monkeypatch, user, "invoices"), "Add Storage as a cost")
    assert shown_table(tables(page)[0])["state"].tolist() == ["Matched"]
    assert spent(user) == 119
    assert not [button for button in page.button if button.label.startswith("Add ")]


def test_credits_show_their_balance_and_are_no_cost(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    bought = today() - timedelta(days=12)
    save(user, [usage(ago, "5") for ago in range(1, 11)])
    bill(
        user, kind="credits", issued_on=str(bought), period_start=None, period_end=None, tax="0", total="100"
    )
    page = open_page(monkeypatch, user, "invoices")
    assert metrics(page)["Balance"] == "$50.00"
    assert "Lasts until" in metrics(page)
    assert "An alert comes 5 days before, as set in Settings." in read_markdown(shown(page))
    assert spent(user) == 50


def test_statement_keeps_charges_and_offers_a_subscription(
    monkeypatch: pytest.MonkeyPatch, user: User
) -> None:
    second = today() - timedelta(days=5)
    content = CSV.format(second - timedelta(days=30), second).encode()
    page = drop(open_page(monkeypatch, user, "invoices"), "card.csv", content)
    assert "2 charges for AI in 3 lines. All others are forgotten." in read_markdown(shown(page))
    page = press(page, "Keep 2 charges")
    assert spent(user) == 40
    page = press(page, "Add as subscription")
    [row] = list_subscriptions(database_of(user))
    assert (row["plan_name"], row["amount_usd"]) == ("ChatGPT", 20)
    assert spent(user) == 40
    assert not [button for button in page.button if button.label == "Add as subscription"]


def test_charge_of_a_statement_is_ignored_and_deleted(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    content = CSV.format(today() - timedelta(days=90), today() - timedelta(days=5)).encode()
    page = drop(open_page(monkeypatch, user, "invoices"), "card.csv", content)
    page = press(page, "Keep 2 charges")
    page = press(page.radio[0].set_value(0).run(), "Ignore charge")
    assert spent(user) == 20
    page = press(page.radio[0].set_value(0).run(), "Delete")
    assert "Delete charge" in [button.label for button in page.button]
    ignored, row = data.load_statement_lines(user)
    assert ignored["is_ignored"]
    dialog = open_dialog(monkeypatch, user, "app.views.invoices.statements:confirm_deletion", row)
    dialog.button(key="danger-confirm").click().run()
    assert not dialog.exception
    assert [kept["id"] for kept in data.load_statement_lines(user)] == [ignored["id"]]
    assert spent(user) == 0


def test_empty_account_sees_the_drop_zone_alone(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    page = open_page(monkeypatch, user, "invoices")
    assert not page.exception
    assert "The file and all other lines are thrown away at once." in read_markdown(shown(page))
    assert [header.value for header in page.header] == []


def test_invoices_that_cannot_be_loaded_are_explained(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    def fail(*_: object) -> None:
        raise Unreachable("The database cannot be reached right now.")

    monkeypatch.setattr(data, "load_invoices", fail)
    page = open_page(monkeypatch, user, "invoices")
    assert "The database cannot be reached right now." in shown(page)


@pytest.mark.parametrize(
    ("text", "name", "amount"),
    [
        ("Claude Pro 20.00", "Claude Pro", "20.00"),
        ("Unused time: -10.00", "Unused time", "-10.00"),
        ("Plan  \u20ac1.234,50", "Plan", "1234.50"),
        ("7.5", "Amount", "7.5"),
    ],
)
def test_typed_lines_end_in_their_amount(text: str, name: str, amount: str) -> None:
    line = read_line(text)
    assert (line.description, line.amount) == (name, Decimal(amount))


def test_typed_line_without_an_amount_is_refused() -> None:
    with pytest.raises(AmountUnreadable, match="Write an amount at the end of each line"):
        read_line("Claude Pro")
    with pytest.raises(AmountUnreadable, match="two ways"):
        read_line("Claude Pro 1,234")


ROW: dict[str, Any] = {
    "id": "1",
    "provider_id": "p",
    "seller": "OpenAI",
    "number": "1",
    "kind": "subscription",
    "issued_on": "2026-11-12",
    "paid_on": None,
    "period_start": None,
    "period_end": None,
    "currency": "USD",
    "subtotal": "25",
    "discount": "0",
    "tax": "0",
    "total": "25",
    "usd_rate": "1",
    "card_last_four": None,
    "plan_name": "Plus",
    "decision": None,
}


def test_plan_at_another_price_differs_from_the_nearest_renewal() -> None:
    plans = [
        Subscription("p", "Plus", Decimal(20), date(2026, 1, 13), 13),
        Subscription("p", "Pro", Decimal(200), date(2026, 1, 28), 28),
        Subscription("other", "Max", Decimal(25), date(2026, 1, 12), 12),
    ]
    [view] = read_invoices([ROW], {}, plans)
    assert view.state_text == "Differs by $5.00"
    [alone] = read_invoices([ROW], {}, plans[1:])
    assert alone.state_text == "Matched"


def test_invoices_of_the_same_days_say_so() -> None:
    october = ROW | {"kind": "usage", "period_start": "2026-10-01", "period_end": "2026-10-31"}
    late = october | {"id": "2", "number": "2", "period_start": "2026-10-31", "period_end": "2026-11-30"}
    after = late | {"period_start": "2026-11-01"}
    other = late | {"provider_id": "q"}
    ignored = late | {"decision": "ignored"}
    for second, overlaps in ((late, ["2", "1"]), (after, ["", ""]), (other, ["", ""]), (ignored, ["", ""])):
        views = read_invoices([october, second], {}, [])
        assert [view.overlaps for view in views] == overlaps
    told = dict(explain(read_invoices([october, late], {}, [])[0], None))
    assert told["Overlap"].startswith("Invoice 2 has some of the same days")


def test_months_of_billed_usage_without_an_invoice_are_found() -> None:
    usage_row = ROW | {"kind": "usage", "period_start": "2026-09-01", "period_end": "2026-09-30"}
    views = read_invoices([usage_row], {}, [])
    daily = pd.DataFrame(
        {
            "date": pd.to_datetime(["2026-08-05", "2026-09-05", "2026-10-05", "2026-10-06", "2026-11-05"]),
            "provider": ["openai"] * 5,
            "cost_basis": ["billed", "billed", "billed", "estimated", "billed"],
            "charge_type": ["usage"] * 5,
            "cost_usd": [Decimal(9)] * 5,
        }
    )
    found = find_missing(daily, views, {"p": "openai"}, date(2026, 11, 20))
    assert found == [("openai", date(2026, 10, 1), Decimal(9))]
