"""Manual entries are saved once or refused with a reason; subscriptions are renewed on their days."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from tally.local.stack import Stack
from tally.spend.manual_entries import ManualEntry, add_entry
from tally.spend.subscriptions import (
    Subscription,
    add_subscription,
    delete_subscription,
    list_subscriptions,
    update_subscription,
)
from tally.storage.database import Database, DatabaseError, Query
from tests.tally.people import TRANSPORTS, acting, sign_up

DAY = date(2026, 11, 2)


@pytest.fixture(params=TRANSPORTS)
def database(request: pytest.FixtureRequest, stack: Stack) -> Iterator[Database]:
    with acting(stack, sign_up(stack), request.param) as acting_as:
        yield acting_as


@pytest.fixture
def enter(database: Database) -> Callable[..., None]:
    def add(entry_id: UUID | None = None, **values: Any) -> None:
        defaults: dict[str, Any] = {
            "provider": "openai",
            "day": DAY,
            "timezone": "UTC",
            "model_name": "m",
            "cost_usd": Decimal(3),
        }
        add_entry(database, ManualEntry(entry_id=entry_id or uuid4(), **(defaults | values)))

    return add


def saved(database: Database) -> list[dict[str, Any]]:
    columns = "id,timestamp,model_name,cost_usd::text,collection_method,charge_type,day,metadata"
    return database.select(Query("cost_records", columns, ["timestamp", "id"]))


def test_double_click_saves_once(database: Database, enter: Callable[..., None]) -> None:
    entry_id = uuid4()
    for _ in range(2):
        enter(entry_id, note="for the demo")
    (row,) = saved(database)
    assert (row["cost_usd"], row["collection_method"]) == ("3.0000000000", "manual_entry")
    assert (row["day"], row["metadata"]) == ("2026-11-02", {"note": "for the demo"})


def test_two_equal_entries_are_both_saved(database: Database, enter: Callable[..., None]) -> None:
    enter()
    enter()
    assert len(saved(database)) == 2


def test_entry_keeps_its_day_in_another_timezone(database: Database, enter: Callable[..., None]) -> None:
    database.update(
        "user_preferences", str(user_of(database)), {"timezone": "Pacific/Auckland"}, key="user_id"
    )
    enter(timezone="America/Los_Angeles")
    assert database.call("daily_costs", from_date=None, to_date=None)["date"] == ["2026-11-02"]


def user_of(database: Database) -> object:
    return database.select(Query("user_preferences", "user_id", ["user_id"]))[0]["user_id"]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"cost_usd": Decimal(-1)}, "This entry cannot be saved: the cost is negative, which only"),
        ({"cost_usd": Decimal("NaN")}, "This entry cannot be saved: the cost is beyond"),
        ({"model_name": ""}, "This entry cannot be saved: the model name has 0 characters"),
        ({"model_name": "x" * 201}, "This entry cannot be saved: the model name has 201 characters"),
        ({"input_tokens": -1}, "This entry cannot be saved: a count of tokens or requests is negative"),
        ({"provider": "nobody"}, 'Unknown provider "nobody".'),
        ({"day": date(2019, 1, 1)}, "The date 2019-01-01 is outside 2020 to one year from now."),
        ({"day": date(2999, 1, 1)}, "The date 2999-01-01 is outside 2020 to one year from now."),
    ],
)
def test_invalid_entry_is_refused_with_a_reason(
    database: Database, enter: Callable[..., None], values: dict[str, Any], reason: str
) -> None:
    with pytest.raises(DatabaseError) as refused:
        enter(**values)
    assert str(refused.value).startswith(reason)
    assert saved(database) == []


def test_credit_may_be_negative(database: Database, enter: Callable[..., None]) -> None:
    enter(cost_usd=Decimal("-5"), charge_type="credit")
    assert saved(database)[0]["cost_usd"] == "-5.0000000000"


def test_subscription_is_charged_once_on_each_renewal_day(database: Database) -> None:
    today = datetime.now(UTC).date()
    started = (today.replace(day=1) - timedelta(days=62)).replace(day=1)
    provider_id = next(
        row["id"]
        for row in database.select(Query("providers", "id,name", ["name"]))
        if row["name"] == "chatgpt"
    )
    plan = Subscription(provider_id, "ChatGPT Plus", Decimal(20), started, 1)
    subscription_id = add_subscription(database, plan)
    months = (today.year - started.year) * 12 + today.month - started.month + 1
    assert [row["cost_usd"] for row in saved(database)] == ["20.0000000000"] * months
    assert {row["charge_type"] for row in saved(database)} == {"subscription"}
    database.call("post_due_renewals")
    assert len(saved(database)) == months
    changed = Subscription(provider_id, "ChatGPT Pro", Decimal("200.50"), started, 1, ended_on=today)
    update_subscription(database, subscription_id, changed)
    assert [row["cost_usd"] for row in saved(database)] == ["200.5000000000"] * months
    (row,) = list_subscriptions(database)
    assert (row["id"], row["plan_name"], row["ended_on"]) == (subscription_id, "ChatGPT Pro", str(today))
    delete_subscription(database, subscription_id)
    assert saved(database) == list_subscriptions(database) == []
