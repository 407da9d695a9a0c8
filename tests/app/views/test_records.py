"""The Records page: paged and filtered by the database; only manual entries can be changed."""

import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import uuid4
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from app import data
from app.auth.identity import User, database_of
from app.data import changes
from app.figures.currencies import Currency
from app.formats.text import DASH
from app.views.records.table import describe_cost, describe_records, explain_record
from tally.currency.rates import Rates
from tally.spend.manual_entries import ManualEntry, add_entry
from tally.spend.subscriptions import Subscription, add_subscription
from tally.storage.database import TIMED_OUT, describe
from tally.storage.export import COLUMNS
from tally.traces.stored_span import save_spans
from tests.app.pages import open_page, save, shown, usage
from tests.app.ui.shown_table import select_line, shown_table, tables
from tests.app.wire import Wire
from tests.tally.traces.examples import call, span

UTC_ZONE = ZoneInfo("UTC")


def today() -> date:
    return datetime.now(UTC).date()


def add_manual_entry(user: User, cost: str = "12.50") -> None:
    add_entry(
        database_of(user),
        ManualEntry(
            entry_id=uuid4(),
            provider="midjourney",
            day=today(),
            timezone="UTC",
            model_name="Fast hours",
            cost_usd=Decimal(cost),
        ),
    )


def all_records(user: User, **chosen: object) -> list[dict[str, object]]:
    return data.load_records_page(user, data.RecordFilter(**chosen), 1, "UTC")  # type: ignore[arg-type]


def test_records_are_paged_newest_first(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(user, [usage(0, f"0.{n:02}", minutes_ago=n) for n in range(1, 61)])

    page = open_page(monkeypatch, user, "records")

    assert not page.exception
    assert len(tables(page)[0].value) == data.PAGE_ROWS
    assert shown_table(tables(page)[0])["cost"].iloc[0] == "$0.01"
    assert "1 to 25 of 60 records" in shown(page)
    assert len(data.load_records_page(user, data.RecordFilter(), 3, "UTC")) == 10


def test_filters_are_applied_in_the_database(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(user, [usage(0, "1"), usage(0, "2", model_name="a,b.(c)\"d'"), usage(0, "3", cost_basis="included")])

    page = open_page(monkeypatch, user, "records", {"model": "a,b.(c)\"d'", "first_day": "2020-01-01"})

    assert shown_table(tables(page)[0])["cost"].tolist() == ["$2.00"]
    page.selectbox(key="model").set_value(None).run()
    assert len(tables(page)[0].value) == 3
    assert [row["cost_usd"] for row in all_records(user, cost_basis="included")] == ["3.0000000000"]
    assert all_records(user, collection_method="otlp") == []


def test_search_sort_and_sums_are_of_all_that_match(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(user, [usage(0, f"0.{n:02}", minutes_ago=n, metadata={"note": "cheap"}) for n in range(1, 31)])
    save(
        user,
        [
            usage(2, "7", metadata={"note": "Poster 100%"}, input_tokens=10_000),
            usage(3, "9", metadata={"note": "poster 100%"}, cost_basis="included"),
            usage(4, None, metadata={"note": "poster 100% again"}, cost_basis="estimated", input_tokens=5),
        ],
    )

    page = open_page(monkeypatch, user, "records", {"sort": "Most expensive first"})
    assert shown_table(tables(page)[0])["cost"].tolist()[:3] == ["$9.00", "$7.00", "$0.30"]
    assert "**$11.65** spend · $9.00 of use that plans include" in unescaped(page)

    page.text_input(key="search").set_value("POSTER 100%").run()
    assert not page.exception
    assert len(tables(page)[0].value) == 3
    assert "1 to 3 of 3 records" in shown(page)
    sums = "**$7.00** spend · $9.00 of use that plans include · 10K tokens · 1 record without a price"
    assert sums in unescaped(page)

    page = open_page(monkeypatch, user, "records", {"search": "cheap", "sort": "Oldest first"})
    assert len(tables(page)[0].value) == data.PAGE_ROWS
    assert shown_table(tables(page)[0])["cost"].iloc[0] == "$0.30"


def unescaped(page: AppTest) -> str:
    return shown(page).replace("\\", "")


@pytest.mark.parametrize("text", ["a\0b", "x" * 10_000, "\u202e\u202e", "%_\\'\"", "\ud800%x"])
def test_no_search_is_refused_by_the_database(user: User, text: str) -> None:
    save(user, [usage(0, "1")])
    for chosen in (data.RecordFilter(search=text), data.RecordFilter(session=text)):
        assert data.load_records_page(user, chosen, 1, "UTC") == []
    assert data.load_record_sums(user, data.RecordFilter(search=text), "UTC").records == 0


def test_sums_are_converted_at_the_rate_of_each_day() -> None:
    first, second = date(2026, 1, 5), date(2026, 1, 6)
    rates = Rates([(first, "USD", Decimal(2)), (second, "USD", Decimal("1.25"))])
    days = tuple(data.DaySum(day, Decimal(10), Decimal(1), 3) for day in (first, second))
    sums = data.RecordSums(2, 0, days)
    assert sums.convert(Currency("EUR", rates)) == (Decimal(13), Decimal("1.3"))
    assert sums.convert(Currency()) == (Decimal(20), Decimal(2))


def test_csv_has_what_matches_as_totals_count_it(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.data.records.EXPORTED_AT_ONCE", 4)
    counted = [usage(0, f"{n}", minutes_ago=n, metadata={"note": "=HYPERLINK()"}) for n in range(1, 11)]
    covered = usage(1, "3", billing_account="openai", dataset="openai_usage", cost_basis="estimated")
    billed = usage(1, "4", billing_account="openai", dataset="openai_cost")
    save(user, [*counted, covered, billed])

    everything = read_csv(data.export_records(user, data.RecordFilter(), "UTC"))
    assert list(everything.columns) == list(COLUMNS)
    assert [Decimal(cost) for cost in everything["cost_usd"]][:10] == list(range(1, 11))
    assert sorted(Decimal(cost) for cost in everything["cost_usd"][10:]) == [0, 4]
    found = read_csv(data.export_records(user, data.RecordFilter(search="hyperlink"), "UTC"))
    assert set(found["note"]) == {"'=HYPERLINK()"}
    monkeypatch.setattr("app.data.records.MOST_EXPORTED", 7)
    assert len(read_csv(data.export_records(user, data.RecordFilter(), "UTC"))) == 7


def read_csv(content: bytes) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(content), dtype=str)


def test_slow_searches_say_what_to_do(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(user, [usage(0, "1")])

    def give_up(*_: object, **__: object) -> None:
        raise describe(TIMED_OUT, "canceling statement due to statement timeout")

    monkeypatch.setattr("app.data.load_record_sums", give_up)
    page = open_page(monkeypatch, user, "records")
    assert not page.exception
    assert "Choose a shorter period" in page.warning[0].value
    assert len(tables(page)[0].value) == 1
    monkeypatch.setattr("app.data.records._read_page", give_up)
    assert b"Choose a shorter period" in data.export_records(user, data.RecordFilter(), "UTC")


def test_filters_without_match_show_a_message(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(user, [usage(0, "1")])

    page = open_page(monkeypatch, user, "records")
    page.selectbox(key="source").set_value("otlp").run()

    assert "No records match these filters" in shown(page)
    assert "session" not in shown(page)
    page.query_params["session"] = "gone"
    assert "were deleted with their source" in shown(page.run())


def test_filter_uses_days_of_the_accounts_timezone(user: User) -> None:
    moment = datetime(2026, 3, 10, 23, 30, tzinfo=UTC)  # already the 11th in Kathmandu
    save(user, [usage(0, "1", timestamp=moment)])
    tenth = data.RecordFilter(first_day=date(2026, 3, 10), last_day=date(2026, 3, 10))

    assert data.load_record_sums(user, tenth, "UTC").records == 1
    assert data.load_record_sums(user, tenth, "Asia/Kathmandu").records == 0


def test_unpriced_record_shows_no_price(user: User) -> None:
    save(user, [usage(0, None, cost_basis="estimated")])
    [record] = all_records(user)

    assert describe_records([record], {}, UTC_ZONE, Currency())["cost"].tolist() == [None]
    assert describe_cost(record, UTC_ZONE, Currency()) == "no price"


def test_covered_estimate_shows_its_figures_and_what_totals_use(
    monkeypatch: pytest.MonkeyPatch, user: User
) -> None:
    counts = {"cost_basis": "estimated", "input_tokens": 1000, "request_count": 2}
    covered = usage(1, "3", billing_account="openai", dataset="openai_usage", **counts)
    smaller = usage(1, "2", billing_account="openai", **counts | {"input_tokens": 900})
    billed = usage(1, "4", billing_account="openai", dataset="openai_cost")
    save(user, [covered, smaller, billed, usage(2, "5", input_tokens=10)])

    table = shown_table(tables(open_page(monkeypatch, user, "records"))[0])

    assert sorted(zip(table["cost"], table["input_tokens"], table["in_totals"], strict=True)) == [
        ("$2.00", "900", "no"),
        ("$3.00", "1,000", "tokens"),
        ("$4.00", DASH, "money"),
        ("$5.00", "10", "money and tokens"),
    ]


def test_tokens_that_nobody_told_are_a_dash_and_those_of_a_failed_request_are_none(
    monkeypatch: pytest.MonkeyPatch, user: User
) -> None:
    failed = {"metadata": {"inference": {"status": "rate_limited"}}, "cost_basis": "estimated"}
    save(user, [usage(1, "5"), usage(2, None, **failed), usage(3, "7", input_tokens=9)])

    page = open_page(monkeypatch, user, "records")
    table = shown_table(tables(page)[0])

    assert sorted(zip(table["cost"], table["input_tokens"], table["output_tokens"], strict=True)) == [
        ("$0.00", "0", "0"),
        ("$5.00", DASH, DASH),
        ("$7.00", "9", "0"),
    ]
    assert "without a price" not in shown(page)


def test_sums_say_nothing_of_tokens_where_none_are_known(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(user, [usage(1, "5")])

    page = open_page(monkeypatch, user, "records")

    assert "1 record · **$5.00** spend" in unescaped(page)
    assert "tokens" not in unescaped(page)


def test_use_by_totals_is_left_out_where_totals_use_everything(user: User) -> None:
    save(user, [usage(1, "5", input_tokens=10), usage(2, "0")])

    assert "in_totals" not in describe_records(all_records(user), {}, UTC_ZONE, Currency())


def test_manual_entry_can_be_changed_and_deleted(user: User) -> None:
    add_manual_entry(user)
    [record] = all_records(user)
    yesterday = today() - timedelta(days=1)

    changes.update_record(
        user, record, changes.Entry(yesterday, "Slow hours", Decimal("9.99"), 4, "poster"), "UTC"
    )
    [changed] = all_records(user)

    assert (changed["model_name"], changed["cost_usd"], changed["request_count"]) == (
        "Slow hours",
        "9.9900000000",
        4,
    )
    assert (changed["day"], changed["metadata"]) == (yesterday.isoformat(), {"note": "poster"})
    assert str(changed["timestamp"]).startswith(yesterday.isoformat())
    changes.delete_record(user, changed)
    assert all_records(user) == []


def test_imported_record_cannot_be_deleted(user: User) -> None:
    save(user, [usage(0, "1")])
    [record] = all_records(user)

    changes.delete_record(user, record)

    assert explain_record(record)
    assert len(all_records(user)) == 1


def test_subscription_renewal_points_to_its_subscription(user: User) -> None:
    provider = next(p for p in data.load_providers(user) if p.slug == "chatgpt")
    plan = Subscription(provider.provider_id, "ChatGPT Plus", Decimal(20), today(), today().day)
    add_subscription(database_of(user), plan)

    [record] = all_records(user)

    assert "subscription" in str(explain_record(record))


def test_new_account_is_led_to_the_overview(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    page = open_page(monkeypatch, user, "records")

    assert not page.exception
    assert page.button(key="get-started").label == "Get started"


def test_unreachable_database_shows_a_message_and_retry_recovers(
    monkeypatch: pytest.MonkeyPatch, user: User, wire: Wire
) -> None:
    monkeypatch.setenv("SUPABASE_URL", wire.url)
    save(user, [usage(0, "1")])
    page = open_page(monkeypatch, user, "records")
    assert len(tables(page)[0].value) == 1

    wire.cut()
    st.cache_data.clear()
    page.run()
    assert not page.exception
    assert "cannot be reached" in shown(page)

    wire.mend()
    next(button for button in page.button if button.label == "Try again").click().run()
    assert len(tables(page)[0].value) == 1


def test_a_record_of_a_call_leads_to_its_step_in_the_trace(
    monkeypatch: pytest.MonkeyPatch, user: User
) -> None:
    traced = call(0, 2, 1, 0, 1, "chat")
    save_spans(database_of(user), [span(0, 1, 0, 0, 2, "answer"), traced])
    save(user, [usage(0, "0.01", metadata={"trace_id": traced.trace_id, "span_id": traced.span_id})])
    page = open_page(monkeypatch, user, "records")
    key = f"records-{hash((data.RecordFilter(), 'newest'))}-1"
    select_line(page, key, 0)
    next(button for button in page.button if button.label == "Trace").click().run()
    assert not page.exception
    assert page.query_params["trace"] in (traced.trace_id, [traced.trace_id])
    assert page.query_params["span"] in (traced.span_id, [traced.span_id])
    assert tables(page)[0].value["name"].iloc[0] == "answer"
