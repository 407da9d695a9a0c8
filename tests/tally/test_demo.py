"""Sample data: marked as such, like a person's own, and gone without a trace."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from tally import demo
from tally.api import Api, select_all
from tally.entries import Subscription, add_entry, add_subscription, list_subscriptions
from tally.local.stack import Stack
from tests.tally.people import TRANSPORTS, Person, acting, money_is_exact, over_http, sign_up

TODAY = datetime.now(UTC).date()


@pytest.fixture
def person(stack: Stack) -> Person:
    return sign_up(stack)


def everything(api: Api) -> list[object]:
    tables = ("cost_records", "imports", "subscriptions", "user_preferences")
    orders = (["timestamp", "id"], ["created_at", "id"], ["id"], ["user_id"])
    return [list(select_all(api, table, "*", order)) for table, order in zip(tables, orders, strict=True)]


def test_same_day_gives_the_same_sample() -> None:
    assert list(demo.sample_records(TODAY)) == list(demo.sample_records(TODAY))


@pytest.mark.parametrize("today", [date(2024, 2, 29), date(2026, 1, 1), TODAY])
def test_sample_is_half_a_year_marked_as_such_and_not_of_tomorrow(today: date) -> None:
    records = list(demo.sample_records(today))
    days = {record.timestamp.date() for record in records}
    assert max(days) <= today
    assert timedelta(days=150) < max(days) - min(days) <= timedelta(days=demo.DAYS)
    assert all(record.metadata == {"sample": True} for record in records)
    assert len({record.source_key for record in records}) == len(records) > 1_000


@pytest.mark.parametrize("weekday", range(7))
def test_sample_has_a_model_that_is_new_and_dear(weekday: int) -> None:
    today = date(2026, 11, 16) + timedelta(days=weekday)
    new = [record for record in demo.sample_records(today) if record.model_name == demo.NEW_MODEL[1]]
    first = min(record.timestamp for record in new).date()
    assert timedelta(days=1) <= today - first <= timedelta(days=7)
    money = [record for record in demo.sample_records(today) if record.cost_basis != "included"]
    since = sum(record.cost_usd or 0 for record in money if record.timestamp.date() >= first)
    assert sum(record.cost_usd or 0 for record in new) >= since / 5


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_account_is_as_before_when_the_sample_is_gone(stack: Stack, person: Person, transport: str) -> None:
    with acting(stack, person, transport) as api:
        providers = {row["name"]: row["id"] for row in api.select("providers", "id,name", ["id"])}
        own = Subscription(providers["chatgpt"], "ChatGPT Plus", Decimal(20), TODAY - timedelta(days=40), 3)
        add_subscription(api, own)
        add_entry(
            api, uuid4(), provider="openai", day=TODAY, timezone="UTC", model_name="m", cost_usd=Decimal(3)
        )
        before = everything(api)
        loaded = demo.load(api, TODAY)
        assert loaded.read == loaded.added > 1_000
        assert len(list_subscriptions(api)) == 1 + len(demo.PLANS)
        (row,) = [row for row in api.select("imports", "*", ["id"]) if row["format"] == demo.FORMAT]
        assert row["filename"] == "Sample data"
        assert money_is_exact(stack, person)
        assert demo.remove(api) == 1
        assert everything(api) == before
        assert demo.remove(api) == 0
        assert everything(api) == before
    assert money_is_exact(stack, person)


def test_sample_loaded_twice_is_there_once(stack: Stack, person: Person) -> None:
    api = over_http(stack, person)
    first = demo.load(api, TODAY)
    again = demo.load(api, TODAY)
    assert (again.added, again.already_there, again.restated) == (0, first.added, 0)
    assert len(list_subscriptions(api)) == len(demo.PLANS)
    assert demo.remove(api) == 2
    assert everything(api)[:3] == [[], [], []]
