"""Sample data: marked as sample, like real spend, and removed without a trace."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from tally.core.records import CostRecord
from tally.local.stack import Stack
from tally.spend import sample_data
from tally.spend.manual_entries import ManualEntry, add_entry
from tally.spend.subscriptions import Subscription, add_subscription, list_subscriptions
from tally.storage.database import Database, Query, select_all
from tests.every_case import every_case
from tests.tally.people import (
    TRANSPORTS,
    CountingDatabase,
    Person,
    acting,
    money_is_exact,
    over_http,
    sign_up,
)

TODAY = datetime.now(UTC).date()


@pytest.fixture
def person(stack: Stack) -> Person:
    return sign_up(stack)


def everything(database: Database) -> list[object]:
    tables = ("cost_records", "imports", "subscriptions", "user_preferences")
    orders = (["timestamp", "id"], ["created_at", "id"], ["id"], ["user_id"])
    return [
        list(select_all(database, Query(table, "*", order)))
        for table, order in zip(tables, orders, strict=True)
    ]


def test_same_day_gives_the_same_sample() -> None:
    assert list(sample_data.sample_records(TODAY)) == list(sample_data.sample_records(TODAY))


@pytest.mark.parametrize("today", [date(2024, 2, 29), date(2026, 1, 1), TODAY])
def test_sample_is_half_a_year_up_to_today_and_marked_as_sample(today: date) -> None:
    records = list(sample_data.sample_records(today))
    days = {record.timestamp.date() for record in records}
    assert max(days) <= today
    assert timedelta(days=150) < max(days) - min(days) <= timedelta(days=sample_data.DAYS)
    assert all(record.metadata["sample"] is True for record in records)
    assert len({record.source_key for record in records}) == len(records) > 1_000


@every_case([(weekday,) for weekday in range(7)])
def test_sample_has_a_new_and_expensive_model(weekday: int) -> None:
    today = date(2026, 11, 16) + timedelta(days=weekday)
    paid = [record for record in sample_data.sample_records(today) if record.cost_basis != "included"]
    new = [record for record in paid if record.model_name == sample_data.NEW_MODEL.name]
    first = min(record.timestamp for record in new).date()
    assert timedelta(days=1) <= today - first <= timedelta(days=7)
    assert total_usd(new) >= total_usd(record for record in paid if record.timestamp.date() >= first) / 5


def test_sample_sessions_grow_and_are_covered_by_the_plan() -> None:
    sessions: dict[str, list[CostRecord]] = {}
    for record in sample_data.sample_records(date(2026, 11, 16)):
        if "agent" in record.metadata:
            sessions.setdefault(str(record.metadata["session"]), []).append(record)
    assert len(sessions) > 150
    for requests in sessions.values():
        assert all(record.cost_basis == "included" for record in requests)
        assert [record.input_tokens for record in requests] == sorted(
            record.input_tokens for record in requests
        )
        assert len({record.timestamp.date() for record in requests}) == 1
    lost = [r for requests in sessions.values() for r in requests[1:] if r.cached_input_tokens == 0]
    assert len(lost) > 20  # pauses beyond the cache's life
    monthly = total_usd(record for requests in sessions.values() for record in requests) / 6
    assert 20 < monthly < 200  # more than the plan's price


def total_usd(records: Iterable[CostRecord]) -> Decimal:
    return sum((record.cost_usd or Decimal(0) for record in records), Decimal(0))


def add_real_spend(database: Database) -> None:
    """A subscription and a manual entry."""
    providers = {row["name"]: row["id"] for row in database.select(Query("providers", "id,name", ["id"]))}
    started = TODAY - timedelta(days=40)
    add_subscription(database, Subscription(providers["chatgpt"], "ChatGPT Plus", Decimal(20), started, 3))
    entry = ManualEntry(
        entry_id=uuid4(),
        provider="openai",
        day=TODAY,
        timezone="UTC",
        model_name="m",
        cost_usd=Decimal(3),
    )
    add_entry(database, entry)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_removing_the_sample_restores_the_account(stack: Stack, person: Person, transport: str) -> None:
    with acting(stack, person, transport) as database:
        add_real_spend(database)
        before = everything(database)
        loaded = sample_data.load(database, TODAY)
        assert loaded.read == loaded.added > 1_000
        assert len(list_subscriptions(database)) == 1 + len(sample_data.PLANS)
        samples = Query("imports", "filename", ["id"], {"format": sample_data.FORMAT})
        assert database.select(samples) == [{"filename": "Sample data"}]
        assert money_is_exact(stack, person)
        assert sample_data.remove(database) == 1
        assert everything(database) == before
        assert sample_data.remove(database) == 0
        assert everything(database) == before
    assert money_is_exact(stack, person)


def test_removing_the_sample_reads_no_other_imports(stack: Stack) -> None:
    database = CountingDatabase(over_http(stack, sign_up(stack)))
    for number in range(5):
        file = {"filename": f"{number}.csv", "format": "generic", "file_sha256": "0" * 64}
        database.insert("imports", file)
    assert sample_data.remove(database) == 0
    assert database.rows_read["imports"] == 0


def test_loading_the_sample_twice_adds_it_once(stack: Stack, person: Person) -> None:
    database = over_http(stack, person)
    first = sample_data.load(database, TODAY)
    again = sample_data.load(database, TODAY)
    assert (again.added, again.already_there, again.restated) == (0, first.added, 0)
    assert len(list_subscriptions(database)) == len(sample_data.PLANS)
    assert sample_data.remove(database) == 1  # nothing was added, so there is no second source
    assert everything(database)[:3] == [[], [], []]
