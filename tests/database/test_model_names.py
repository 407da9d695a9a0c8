"""Results of model_names before and after a refresh."""

from collections.abc import Callable
from uuid import UUID

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
