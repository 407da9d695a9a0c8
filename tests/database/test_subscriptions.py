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
        post_nightly(database)
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
    post_nightly(database)
    person.execute("update public.subscriptions set amount_usd = 21")
    assert days(person) == ["2025-01-31", "2025-03-31", "2025-04-30"]


def post_nightly(database: Connection, at_most: int = 5_000) -> list[tuple[int, int, list[str]]]:
    """Post the renewals of every workspace, as the nightly run does: added, left, plans that failed."""
    query = """
        select p.*
        from (select distinct s.workspace_id from public.subscriptions as s order by 1) as w
        cross join lateral private.post_workspace_renewals(w.workspace_id, %s) as p"""
    return database.execute(query, [at_most]).fetchall()


def test_failing_subscription_stops_no_other_one(person: Connection, database: Connection) -> None:
    subscribe(person)
    subscribe(person, plan_name="Refused")
    database.execute("delete from public.cost_records")
    database.execute(
        "alter table public.cost_records add constraint fails check (model_name <> 'Refused') not valid"
    )
    assert post_nightly(database) == [(4, 0, ["Refused"])]
    assert len(days(person)) == 4


def test_renewals_beyond_the_bound_of_a_night_follow_the_next_night(
    person: Connection, database: Connection
) -> None:
    subscribe(person)
    expected = days(person)
    database.execute("delete from public.cost_records")
    assert post_nightly(database, at_most=3) == [(3, 1, [])]
    assert days(person) == expected[:3], "the oldest first"
    assert post_nightly(database, at_most=3) == [(1, 0, [])]
    assert days(person) == expected
    assert post_nightly(database, at_most=3) == [(0, 0, [])]


def test_night_puts_right_what_was_changed_by_hand(person: Connection, database: Connection) -> None:
    subscribe(person)
    before = read_daily_costs(person)
    person.execute(
        "update public.cost_records set cost_usd = 3, model_name = 'Mine' where day = '2025-02-28'"
    )
    person.execute("update public.cost_records set cost_usd = 4 where day = '2025-03-31'")
    post_nightly(database)
    assert read_daily_costs(person) == before == add_up(person)


@pytest.mark.parametrize(
    "edit", ["ended_on = '2025-03-01'", "plan_name = 'Pro', amount_usd = 7", "renewal_day = 3"]
)
def test_night_posts_what_a_change_posts(person: Connection, database: Connection, edit: str) -> None:
    """The statements on all subscriptions and the function of one agree."""
    subscribe(person)
    subscribe(person, plan_name="Other", interval="year", started_on="2020-02-29")
    database.execute("alter table public.subscriptions disable trigger subscriptions_follow")
    database.execute(f"update public.subscriptions set {edit} where plan_name = 'Plus'")
    database.execute("alter table public.subscriptions enable trigger subscriptions_follow")
    post_nightly(database)
    by_night = read_daily_costs(person)
    person.execute("update public.subscriptions set amount_usd = amount_usd")
    assert read_daily_costs(person) == by_night == add_up(person)
