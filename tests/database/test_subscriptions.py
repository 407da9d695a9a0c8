"""A subscription's renewals: on their days, never twice, and updated with every change to it."""

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from tests.database.truth import add_up, read_daily_costs
from tests.database_fixtures import Connection

Act = Callable[[UUID], Connection]


def subscribe(person: Connection, **changes: Any) -> UUID:
    """Insert a subscription, by default one that has ended, and return its id."""
    row = {
        "plan_name": "Plus",
        "amount_usd": 20,
        "started_on": "2025-01-31",
        "ended_on": "2025-05-15",
        "renewal_day": 31,
        "interval": "month",
    } | changes
    found = person.execute(
        f"""insert into public.subscriptions (provider_id, {", ".join(row)})
        select id, {", ".join(["%s"] * len(row))} from public.providers where name = 'chatgpt'
        returning id""",
        list(row.values()),
    ).fetchone()
    assert found is not None
    subscription_id: UUID = found[0]
    return subscription_id


def days(person: Connection) -> list[str]:
    """The days of a subscription's records on the dashboard."""
    found = [
        (key[0], totals[7]) for key, totals in read_daily_costs(person).items() if key[4] == "subscription"
    ]
    return sorted(day for day, records in found for _ in range(records))


@pytest.fixture
def person(as_user: Act, user: UUID) -> Connection:
    """A signed-in user."""
    return as_user(user)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ["2025-01-31", "2025-02-28", "2025-03-31", "2025-04-30"]),
        (
            {"started_on": "2024-01-30", "ended_on": "2024-04-30", "renewal_day": 30},
            ["2024-01-30", "2024-02-29", "2024-03-30", "2024-04-30"],
        ),
        ({"started_on": "2025-03-20", "renewal_day": 5}, ["2025-04-05", "2025-05-05"]),
        ({"started_on": "2025-03-05", "ended_on": "2025-03-05", "renewal_day": 5}, ["2025-03-05"]),
        (
            {"started_on": "2024-02-29", "ended_on": "2026-03-01", "renewal_day": 29, "interval": "year"},
            ["2024-02-29", "2025-02-28", "2026-02-28"],
        ),
        (
            {"started_on": "2020-11-03", "ended_on": "2021-01-10", "renewal_day": 3},
            ["2020-11-03", "2020-12-03", "2021-01-03"],
        ),
        ({"started_on": "2099-01-01", "ended_on": None, "renewal_day": 1}, []),
    ],
    ids=["short months", "leap year", "later day", "one day", "yearly", "old months", "future"],
)
def test_renewals_fall_on_their_days(
    person: Connection, changes: dict[str, Any], expected: list[str]
) -> None:
    subscribe(person, **changes)
    assert days(person) == expected
    assert person.execute("select public.post_due_renewals()").fetchone() == (0,)
    assert days(person) == expected


def test_a_running_subscription_is_posted_up_to_today_in_the_users_zone(
    person: Connection, database: Connection, user: UUID
) -> None:
    found = database.execute(
        """select (now() at time zone 'Pacific/Kiritimati')::date,
            (now() at time zone 'Pacific/Pago_Pago')::date"""
    ).fetchone()
    assert found is not None
    ahead, behind = found
    assert ahead > behind
    database.execute(
        "update public.user_preferences set timezone = 'Pacific/Pago_Pago' where user_id = %s", [user]
    )
    subscribe(person, started_on=ahead, ended_on=None, renewal_day=ahead.day)
    assert days(person) == []
    database.execute(
        "update public.user_preferences set timezone = 'Pacific/Kiritimati' where user_id = %s", [user]
    )
    assert person.execute("select public.post_due_renewals()").fetchone() == (1,)
    assert days(person) == [ahead.isoformat()]


def test_travelling_never_posts_a_renewal_twice(person: Connection, database: Connection, user: UUID) -> None:
    subscribe(person)
    expected = days(person)
    for zone in ("Pacific/Kiritimati", "America/Los_Angeles", "Pacific/Auckland", "UTC"):
        database.execute("update public.user_preferences set timezone = %s where user_id = %s", [zone, user])
        person.execute("select public.post_due_renewals()")
        database.execute("select private.post_due_renewals_for_all()")
        assert days(person) == expected, zone
        assert read_daily_costs(person) == add_up(person)


def test_editing_changes_its_records_in_place(person: Connection) -> None:
    subscribe(person)
    person.execute(
        """update public.subscriptions
        set amount_usd = 25, plan_name = 'Pro', ended_on = '2025-03-31', renewal_day = 15,
            provider_id = (select id from public.providers where name = 'claude-desktop')"""
    )
    assert {key[:3]: totals[0] for key, totals in read_daily_costs(person).items()} == {
        ("2025-02-15", "claude-desktop", "Pro"): 25,
        ("2025-03-15", "claude-desktop", "Pro"): 25,
    }


def test_deleting_removes_its_records_only(person: Connection) -> None:
    subscribe(person, ended_on="2025-01-31")
    gone = subscribe(person)
    person.execute("delete from public.subscriptions where id = %s", [gone])
    assert days(person) == ["2025-01-31"]


def test_record_refers_to_its_subscription(person: Connection) -> None:
    subscription_id = subscribe(person, ended_on="2025-01-31")
    row = person.execute(
        "select collection_method, cost_basis, charge_type, day, subscription_id from public.cost_records"
    ).fetchone()
    assert row == ("manual_entry", "billed", "subscription", date(2025, 1, 31), subscription_id)


@pytest.mark.parametrize("dropped", [False, True])
def test_archived_month_stays_archived_and_blocks_no_other(
    person: Connection, database: Connection, dropped: bool
) -> None:
    subscribe(person)
    database.execute("select public.detach_partition(2025, 2)")
    if dropped:
        database.execute("drop table private.cost_records_2025_02")
    database.execute("select private.post_due_renewals_for_all()")
    person.execute("update public.subscriptions set amount_usd = 21")
    assert days(person) == ["2025-01-31", "2025-03-31", "2025-04-30"]


def test_failing_subscription_does_not_stop_the_nightly_run(
    person: Connection, database: Connection, as_user: Act, stranger: UUID
) -> None:
    for account in (person, as_user(stranger)):
        subscribe(account)
    database.execute("delete from public.cost_records")
    found = database.execute(
        """select workspace_id from public.subscriptions order by workspace_id limit 1"""
    ).fetchone()
    assert found is not None
    # The first one fails: its renewals would break a rule that a test adds.
    database.execute(
        f"alter table public.cost_records add constraint fails check (workspace_id <> '{found[0]}') not valid"
    )
    assert database.execute("select private.post_due_renewals_for_all()").fetchone() == (4,)
