"""Multipliers of list prices: one at a time for an account, within bounds."""

from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.database.access import insert, sample_row
from tests.database.teams import Team, make_team
from tests.database_fixtures import Connection, Project

OVERLAPS = "This account already has the multiplier 0.85 from 2026-05-01"


def add(database: Connection, user: UUID, **values: Any) -> None:
    database.execute(insert("price_multipliers", sample_row(database, "price_multipliers", user) | values))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((None, None), ("2026-05-01", None)),
        ((None, None), ("2026-04-01", "2026-05-01")),
        (("2026-05-01", "2026-05-31"), ("2026-05-31", None)),
        (("2026-05-01", "2026-05-31"), ("2026-05-10", "2026-05-20")),
    ],
)
@pytest.mark.parametrize("account", ["openai:Private", None])
def test_overlapping_days_of_one_account_are_refused(
    database: Connection, user: UUID, account: str | None, first: Any, second: Any
) -> None:
    add(database, user, billing_account=account, valid_to=first[1])
    with pytest.raises(psycopg.errors.InvalidParameterValue, match=OVERLAPS), database.transaction():
        add(database, user, billing_account=account, valid_from=second[0], valid_to=second[1])
    assert database.execute("select count(*) from public.price_multipliers").fetchone() == (1,)


def test_days_one_after_another_and_other_accounts_are_allowed(
    database: Connection, user: UUID, stranger: UUID
) -> None:
    add(database, user, valid_to="2026-05-31")
    add(database, user, valid_from="2026-06-01")
    add(database, user, billing_account=None)
    add(database, user, billing_account="openai:Private")
    add(database, stranger)
    assert database.execute("select count(*) from public.price_multipliers").fetchone() == (5,)


def test_a_change_cannot_make_days_overlap(database: Connection, user: UUID) -> None:
    add(database, user, valid_to="2026-05-31")
    add(database, user, valid_from="2026-06-01", multiplier=0.9)
    with pytest.raises(psycopg.errors.InvalidParameterValue, match=OVERLAPS), database.transaction():
        database.execute(
            "update public.price_multipliers set valid_from = '2026-05-31' where multiplier = 0.9"
        )
    database.execute(
        "update public.price_multipliers set multiplier = 0.8, valid_to = '2026-05-30'"
        " where multiplier = 0.85"
    )


def test_two_people_at_once_cannot_add_the_same_days(project: Project, database: Connection) -> None:
    team: Team = make_team(project, database, "owner", "admin")
    row = sample_row(database, "price_multipliers", team["owner"].id, team.id)
    with team.act_as("owner") as owner, team.act_as("admin") as admin:
        owner.execute("set statement_timeout = '5s'")
        admin.execute("set lock_timeout = '300ms'")
        with owner.transaction():
            owner.execute(insert("price_multipliers", row))
            with pytest.raises(psycopg.errors.LockNotAvailable):
                admin.execute(insert("price_multipliers", row | {"user_id": team["admin"].id}))
        with pytest.raises(psycopg.errors.InvalidParameterValue, match=OVERLAPS):
            admin.execute(insert("price_multipliers", row | {"user_id": team["admin"].id}))


@pytest.mark.parametrize(
    "values",
    [
        {"multiplier": 0},
        {"multiplier": -0.5},
        {"multiplier": 100.000001},
        {"multiplier": "NaN"},
        {"valid_from": "2019-12-31"},
        {"valid_from": "infinity"},
        {"valid_to": "2026-04-30"},
        {"valid_to": "2101-01-01"},
        {"billing_account": ""},
        {"billing_account": "a" * 201},
        {"note": "a" * 501},
    ],
)
def test_values_out_of_bounds_are_refused(database: Connection, user: UUID, values: dict[str, Any]) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        add(database, user, **values)


def test_multipliers_have_six_decimals(database: Connection, user: UUID) -> None:
    add(database, user, multiplier="0.8512345")
    [[stored]] = database.execute("select multiplier::text from public.price_multipliers").fetchall()
    assert stored == "0.851235"
