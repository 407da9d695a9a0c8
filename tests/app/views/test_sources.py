"""The Sources page: sources in and out of totals, and the difference between bills and estimates."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from app import data
from app.auth.identity import User, database_of
from app.figures.source_names import describe_billing_account, describe_dataset, describe_source
from app.formats.dates import format_day
from app.formats.money import NO_PRICE
from app.formats.text import DASH
from app.ui.periods import Period
from app.views.sources import comparison, source_list
from tally.core.records import REQUESTS, CostRecord
from tally.ledger.save import save_records
from tests.app.pages import metrics, open_page, save, shown, spent, usage
from tests.app.ui.shown_table import select_line, shown_table, tables
from tests.app.wire import Wire

HOSTILE = "<b>x ![x](http://localhost/x).csv"


def add_source(
    user: User, records: Sequence[CostRecord], name: str, source_format: str, kind: str = "file"
) -> str:
    """Save records as those of a new source."""
    row: dict[str, Any] = {"kind": kind, "filename": name, "format": source_format, "status": "done"}
    if kind == "file":
        row["file_sha256"] = "0" * 64
    import_id = str(database_of(user).insert("imports", row)["id"])
    saved = save_records(database_of(user), records, import_id)
    assert not saved.rejected
    data.forget_version(user)
    return import_id


def bill(days_ago: int, cost: str, **values: Any) -> CostRecord:
    return usage(days_ago, cost, billing_account="openai", dataset="openai_cost", **values)


def estimate(days_ago: int, cost: str | None, **values: Any) -> CostRecord:
    usual = {
        "billing_account": "openai",
        "dataset": "openai_usage",
        "cost_basis": "estimated",
        "input_tokens": 1000,
        "request_count": 2,
    }
    return usage(days_ago, cost, **usual | values)


def add_both(user: User) -> tuple[str, str]:
    """A usage export that estimates $8 and a cost export that bills $10, $1 of it tax."""
    of_usage = add_source(user, [estimate(1, "3"), estimate(2, "5")], "usage.csv", "openai_usage")
    lines = [bill(1, "4"), bill(2, "5"), bill(2, "1", charge_type="tax", model_name="Tax")]
    return of_usage, add_source(user, lines, "costs.csv", "openai_cost")


def select(page: AppTest, user: User, import_id: str) -> AppTest:
    """Select a source in the list."""
    sources = data.load_sources(user)
    place = next(nth for nth, source in enumerate(sources) if source["id"] == import_id)
    return select_line(page, f"sources-{sources[0]['id']}-{len(sources)}", place)


@pytest.mark.parametrize("name", ["sources", "explore"])
def test_nothing_has_no_period(monkeypatch: pytest.MonkeyPatch, user: User, name: str) -> None:
    page = open_page(monkeypatch, user, name)
    assert not page.exception
    assert "Nothing here yet." in shown(page)
    assert not [*page.segmented_control, *page.selectbox, *page.date_input]
    save(user, [usage(1, "2")])
    data.forget_version(user)
    page.run()
    assert not page.exception
    assert [*page.segmented_control, *page.selectbox]


def test_bill_is_compared_with_the_estimate(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    add_both(user)

    page = open_page(monkeypatch, user, "sources")

    assert not page.exception
    assert metrics(page) == {"Billed": "$10.00", "Estimated": "$8.00", "Difference": "+$2.00"}
    parts = shown_table(tables(page)[2])
    assert dict(zip(parts["part"], parts["amount"], strict=True)) == {"Tax": "+$1.00", "Rest": "+$1.00"}
    reported = tables(page)[-1].value
    assert sorted(set(zip(reported["source"], reported["basis"], reported["in_totals"], strict=True))) == [
        ("costs.csv", "Billed", "money"),
        ("usage.csv", "Estimated", "tokens"),
    ]


def test_list_shows_records_and_money_of_each_source(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    add_both(user)
    page = open_page(monkeypatch, user, "sources")
    listed = tables(page)[0].value.set_index("source")
    assert listed["billed"].to_dict() == {"costs.csv": "$10.00", "usage.csv": DASH}
    assert listed["estimated"].to_dict() == {"costs.csv": DASH, "usage.csv": "$8.00"}
    assert dict(listed["records"]) == {"costs.csv": "3", "usage.csv": "2"}
    assert list(listed["format"]) == ["OpenAI cost export", "OpenAI usage export"]
    narrow = page.radio[0]
    assert narrow.options == ["costs\\.csv", "usage\\.csv"]
    assert not narrow.set_value(1).run().exception
    assert not page.button(key="delete").disabled


def test_narrow_pages_list_the_same_sources(user: User) -> None:
    add_both(user)
    days, sources = data.load_source_days(user, None, None), data.load_sources(user)
    frame = source_list.describe_sources([*sources, *sources], days, days)
    told = source_list.Shown(Period(None, date(2026, 1, 1), "All"), ZoneInfo("UTC"), "USD", None)
    names, details, _ = zip(*source_list.describe_lines(frame, told), strict=True)
    assert names == ("costs.csv", "usage.csv") * 2
    newest = f"newest {format_day(max(days['day']))}"
    assert details[:2] == (
        f"$10.00 in spend · 3 records · {newest} · OpenAI cost export",
        f"2 records · {newest} · OpenAI usage export",
    )


def test_sum_of_the_sources_is_that_of_the_overview(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    add_both(user)
    by_hand = usage(3, "7.25", collection_method="manual_entry")
    plan = usage(4, "20", collection_method="manual_entry", charge_type="subscription", model_name="Plus")
    save(user, [by_hand, plan, usage(4, "99", cost_basis="included", collection_method="manual_entry")])

    page = open_page(monkeypatch, user, "sources")

    assert not page.exception
    listed = shown_table(tables(page)[0]).set_index("source")["spend"]
    assert listed[["Subscriptions", "Entered by hand", "costs.csv"]].tolist() == ["$20.00", "$7.25", "$10.00"]
    assert spent(user) - 99 == Decimal("37.25")
    assert "Together $37.25 of spend, as on the Overview." in shown(page).replace("\\", "")
    select_line(page, "sources-", 3)  # an entry without a source cannot be excluded


def test_list_follows_the_period_as_the_overview_does(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    add_source(user, [estimate(5, "3"), estimate(80, "50")], "usage.csv", "openai_usage")
    add_source(user, [usage(80, "20", billing_account="old")], "old.csv", "generic")

    def open_range(preset: str) -> tuple[dict[str, Any], str]:
        page = open_page(monkeypatch, user, "sources", {"range": preset})
        assert not page.exception
        listed = shown_table(tables(page)[0]).set_index("source")
        assert listed.loc["old.csv", "newest_day"] != NO_PRICE, "the newest day is that of all records"
        return dict(zip(listed.index, listed["spend"], strict=True)), shown(page).replace("\\", "")

    month, told = open_range("30D")
    assert month["usage.csv"] == "$3.00"
    assert "$" not in str(month["old.csv"])
    assert "Together $3.00 of spend, as on the Overview." in told

    every, told = open_range("All")
    assert every == {"usage.csv": "$53.00", "old.csv": "$20.00"}
    assert "Together $73.00 of spend, as on the Overview." in told
    assert "2 sources, all time" in told


def test_sum_of_utc_days_is_told_apart_from_that_of_the_overview() -> None:
    alike = source_list.describe_spend(Decimal("3.001"), Decimal("3.00"), "USD")
    assert alike == "Together $3.00 of spend, as on the Overview."
    other = source_list.describe_spend(Decimal(3), Decimal(4), "USD")
    assert "$3.00 of spend on UTC days" in other
    assert other.endswith("as on the Overview, it is $4.00.")
    assert source_list.describe_spend(Decimal(3), None, "USD") == "Together $3.00 of spend."


def test_period_until_today_has_the_utc_day_that_began_in_the_evening() -> None:
    now = datetime(2026, 11, 20, 20, tzinfo=ZoneInfo("America/Los_Angeles"))
    days = pd.DataFrame({"day": [date(2026, 11, 14), date(2026, 11, 15), date(2026, 11, 21)]}, dtype=object)
    week = Period(date(2026, 11, 15), date(2026, 11, 20), "")
    assert list(source_list.select_period(days, week, now)["day"]) == [date(2026, 11, 15), date(2026, 11, 21)]
    past = Period(None, date(2026, 11, 14), "")
    assert list(source_list.select_period(days, past, now)["day"]) == [date(2026, 11, 14)]


def test_excluded_source_is_in_no_total(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    _, costs = add_both(user)
    assert spent(user) == 10

    page = select(open_page(monkeypatch, user, "sources"), user, costs)
    page.button(key="switch").click().run()
    assert not page.exception
    assert spent(user) == 8
    assert tables(page)[0].value["in_totals"][0] == "Excluded"
    assert "no day with both a bill and an estimate" in shown(page)
    assert "no" in set(tables(page)[-1].value["in_totals"])

    assert page.button(key="switch").label == "Include in totals"
    page.button(key="switch").click().run()
    assert spent(user) == 10


def test_deleting_a_source_keeps_the_data_of_others(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    _, costs = add_both(user)
    open_page(monkeypatch, user, "sources")

    def open_dialog(row: "dict[str, object]") -> None:
        from app.parts.source_dialogs import confirm_deletion

        confirm_deletion(row)

    row = next(source for source in data.load_sources(user) if source["id"] == costs)
    dialog = AppTest.from_function(open_dialog, args=(row,), default_timeout=60).run()
    assert "3 records will be removed from all totals" in shown(dialog).replace("\\", "")
    dialog.button(key="danger-confirm").click().run()
    assert not dialog.exception
    assert spent(user) == 8
    assert [source["filename"] for source in data.load_sources(user)] == ["usage.csv"]


@pytest.mark.parametrize(("kind", "source_format"), [("machine", "claude-code"), ("key", "telemetry")])
def test_payment_of_a_tool_can_be_changed_to_a_plan(
    monkeypatch: pytest.MonkeyPatch, user: User, kind: str, source_format: str
) -> None:
    record = usage(
        1, "2", provider="anthropic", cost_basis="estimated", billing_account="anthropic", input_tokens=5
    )
    laptop = add_source(user, [record], "laptop", source_format, kind=kind)
    page = select(open_page(monkeypatch, user, "sources"), user, laptop)
    assert page.button(key="paid-by").label == "Paid by: API key"

    def open_dialog(row: "dict[str, object]") -> None:
        from app.parts.source_dialogs import edit_payment

        edit_payment(row, is_plan=False)

    row = data.load_sources(user)[0]
    dialog = AppTest.from_function(open_dialog, args=(row,), default_timeout=60).run()
    dialog.radio[0].set_value(True).run()
    dialog.button[0].click().run()
    assert not dialog.exception

    page = select(open_page(monkeypatch, user, "sources"), user, laptop)
    assert page.button(key="paid-by").label == "Paid by: plan"
    assert tables(page)[0].value["included"][0] == "$2.00"
    assert [row["cost_basis"] for row in data.load_records_page(user, data.RecordFilter(), 1, "UTC")] == [
        "included"
    ]


def test_import_history_lists_only_files(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    add_source(user, [usage(1, "2")], "laptop", "claude-code", kind="machine")
    add_source(user, [usage(2, "2")], "costs.csv", "generic")
    page = open_page(monkeypatch, user, "imports")
    assert list(tables(page)[-1].value["file"]) == ["costs.csv"]


def test_machine_without_new_data_is_reported() -> None:
    now = datetime(2026, 11, 20, tzinfo=UTC)
    source = {
        "kind": "machine",
        "format": "codex",
        "filename": "laptop",
        "is_enabled": True,
        "created_at": "2026-01-01T00:00:00+00:00",
        "finished_at": (now - timedelta(days=5)).isoformat(),
    }
    assert source_list.list_quiet([source], now) == ["Codex CLI on laptop: no new data for 5 days."]
    assert source_list.list_quiet([source | {"finished_at": now.isoformat()}], now) == []
    assert source_list.list_quiet([source | {"kind": "file"}], now) == []


def test_usage_missing_in_the_log_is_volume(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    add_both(user)
    of_log = estimate(
        1, "1.50", dataset=REQUESTS, input_tokens=500, request_count=1, collection_method="local_log"
    )
    add_source(user, [of_log], "laptop", "codex", kind="machine")

    page = open_page(monkeypatch, user, "sources", {"estimator": describe_dataset("requests")})

    assert page.selectbox(key="estimator").value == "requests"
    assert metrics(page)["Estimated"] == "$1.50"
    parts = shown_table(tables(page)[2])
    assert dict(zip(parts["part"], parts["amount"], strict=True)) == {
        "Volume": "+$6.50",
        "Tax": "+$1.00",
        "Rest": "+$1.00",
    }


def test_record_on_two_machines_counts_once(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    shared, own = (
        estimate(1, cost, dataset=REQUESTS, collection_method="local_log", minutes_ago=ago)
        for cost, ago in (("2", 1), ("1", 2))
    )
    add_source(user, [shared], "laptop", "codex", kind="machine")
    add_source(user, [shared, own], "desktop", "codex", kind="machine")

    page = open_page(monkeypatch, user, "sources")

    reported = tables(page)[-1].value.set_index("source")
    assert dict(reported["reported"]) == {"Codex CLI on laptop": 2, "Codex CLI on desktop": 3}
    assert reported["in_totals"]["Codex CLI on desktop"] == "money and tokens, partly"
    assert spent(user) == 3


def test_account_with_one_source_is_not_compared(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    add_source(user, [estimate(1, "3")], HOSTILE, "openai_usage")
    page = open_page(monkeypatch, user, "sources")
    assert "no account has data from more than one source" in shown(page)
    assert tables(page)[0].value["source"][0] == HOSTILE


def test_hostile_names_are_text_everywhere(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    model = "<img src=x onerror=alert(1)>"
    add_source(user, [estimate(1, "3", model_name=model)], HOSTILE, "openai_usage")
    add_source(user, [bill(1, "3", model_name=model)], f"{HOSTILE}2", "openai_cost")
    page = open_page(monkeypatch, user, "sources")
    page.selectbox(key="model").set_value(model).run()
    assert not page.exception
    assert "<b>" not in "".join(str(element.value) for element in (*page.markdown, *page.caption))


def test_unpriced_estimates_are_reported(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    add_source(user, [estimate(1, None)], "usage.csv", "openai_usage")
    add_source(user, [bill(1, "3")], "costs.csv", "openai_cost")
    page = open_page(monkeypatch, user, "sources")
    assert "1 estimated record has no price" in shown(page)
    assert tables(page)[0].value.set_index("source")["unpriced"]["usage.csv"] == "1"


def test_new_account_is_led_to_the_overview(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    page = open_page(monkeypatch, user, "sources")
    assert not page.exception
    assert page.button(key="get-started").label == "Get started"


def test_unreachable_database_is_explained(monkeypatch: pytest.MonkeyPatch, user: User, wire: Wire) -> None:
    monkeypatch.setenv("SUPABASE_URL", wire.url)
    add_both(user)
    page = open_page(monkeypatch, user, "sources")
    wire.cut()
    data.forget_version(user)
    page.run()
    assert not page.exception
    assert "cannot be reached" in shown(page)


def test_converted_variance_still_adds_up(user: User) -> None:
    add_both(user)
    database_of(user).update("user_preferences", user.user_id, {"currency": "EUR"}, key="user_id")
    data.forget_version(user)
    rows = data.load_statements(user, None, datetime.now(UTC).date())
    currency = data.load_currency(user)
    statements = comparison.parse_statements(rows)
    total = comparison.sum_up(comparison.explain_units(statements, "openai_usage"))
    two_days_ago: date = min(rows["day"])
    assert total.tax == currency.convert(Decimal(1), two_days_ago)
    assert abs(sum(total.parts.values()) - total.total) < Decimal("1e-20")
    assert total.billed_usd != 10


def test_billing_accounts_and_sources_have_names() -> None:
    assert describe_billing_account("openai:work", {"openai": "OpenAI"}) == "OpenAI, work"
    assert describe_billing_account("house", {}) == "house"
    machine = {"kind": "machine", "format": "claude-code", "filename": "laptop"}
    assert describe_source(machine) == "Claude Code on laptop"
    service = {"kind": "key", "format": "telemetry", "filename": "checkout"}
    assert describe_source(service) == "checkout"
    assert describe_source(service | {"key_name": "production"}) == "checkout (key production)"
    assert describe_source({"kind": None, "format": None, "filename": None}) == "Manual entries"
