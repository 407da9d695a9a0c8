"""Names of models and the first day of costs, before and after a refresh; names of bills and usage."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest

from tally.catalog.models import canonical_model
from tests.database.test_saving import record, save
from tests.database_fixtures import Connection

Act = Callable[[UUID], Connection]


def names(connection: Connection) -> list[str]:
    row = connection.execute("select public.model_names()").fetchone()
    assert row is not None
    found: list[str] = row[0]
    return found


def test_names_are_sorted_and_unique_over_all_bases(as_user: Act, user: UUID, stranger: UUID) -> None:
    account = as_user(user)
    assert names(account) == []
    records = [
        record(timestamp="2026-05-01T12:00Z", model_name="small"),
        record(timestamp="2026-05-02T12:00Z", model_name="small"),
        record(timestamp="2024-05-02T12:00Z", model_name="large", cost_basis="included"),
        record(timestamp="2026-05-02T13:00Z", model_name='o"dd', cost_usd=None, cost_basis="estimated"),
    ]
    save(account, records)
    save(as_user(stranger), [record(timestamp="2026-05-02T14:00Z", model_name="another account's")])

    assert names(account) == ["large", 'o"dd', "small"]


def test_names_follow_deletions_without_a_refresh(as_user: Act, user: UUID, database: Connection) -> None:
    account = as_user(user)
    save(account, [record(timestamp="2026-05-01T12:00Z", model_name="old")])
    save(account, [record(timestamp="2026-05-02T12:00Z", model_name="current")])
    database.execute("select public.refresh_cost_records_daily()")
    assert names(account) == ["current", "old"]

    database.execute("delete from public.cost_records where model_name = 'old'")
    save(account, [record(timestamp="2026-05-03T12:00Z", model_name="new")])

    assert names(account) == ["current", "new"]


def first_day(connection: Connection) -> date | None:
    row = connection.execute("select public.first_cost_day()").fetchone()
    assert row is not None
    found: date | None = row[0]
    return found


def test_first_day_follows_records_without_a_refresh(
    as_user: Act, user: UUID, stranger: UUID, database: Connection
) -> None:
    account = as_user(user)
    save(as_user(stranger), [record(timestamp="2020-05-02T14:00Z")])
    assert first_day(account) is None
    save(account, [record(timestamp="2026-05-03T12:00Z")])
    database.execute("select public.refresh_cost_records_daily()")
    assert first_day(account) == date(2026, 5, 3)
    save(account, [record(timestamp="2026-05-02T12:00Z"), record(timestamp="2026-06-02T12:00Z")])
    assert first_day(account) == date(2026, 5, 2)
    database.execute("delete from public.cost_records where timestamp < '2026-06-01'")
    assert first_day(account) == date(2026, 6, 2)


@pytest.mark.parametrize(
    ("billed", "used"),
    [
        ("Claude Opus 4.7", "claude-opus-4-7[1m]"),
        ("claude-sonnet-4-5-20250929", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("gpt-4o-2024-08-06", "gpt-4o"),
        ("GPT-5.5", "gpt-5.5-xhigh"),
        ("gemini-2.5-flash", "models/gemini-2.5-flash-preview-09-2025"),
        ("Claude 3.5 Sonnet v2", "claude-3-5-sonnet-20241022"),
        ("gpt-5.4", "gpt-5.4-high-fast"),
        ("chatgpt-4o-latest", "chatgpt-4o-latest"),
        ("gpt-4o-2024-05-13", "gpt-4o-2024-05-13"),
    ],
)
def test_bill_covers_usage_of_its_model_by_any_name(as_user: Act, user: UUID, billed: str, used: str) -> None:
    account = as_user(user)
    same = {"timestamp": "2026-05-01T12:00Z", "billing_account": "shared"}
    bill = record(**same, model_name=canonical_model(billed), cost_usd="10", dataset="costs")
    usage = record(**same, model_name=canonical_model(used), cost_usd="3", cost_basis="estimated")
    other = record(**same, model_name=canonical_model("gpt-5.4-mini"), cost_usd="1", cost_basis="estimated")
    save(account, [bill, usage, other])
    found = account.execute(
        "select coalesce(sum(cost_usd), 0) from public.cost_records where money_is_effective"
    ).fetchone()
    assert found == (Decimal(11),)
