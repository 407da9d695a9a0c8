"""Members' limits and roles."""

from datetime import date
from decimal import Decimal

import pandas as pd
import pytest

from app.figures.members import (
    Person,
    Use,
    calculate_share,
    describe_own_limit,
    is_only_owner,
    list_assignable,
    may_change,
    sum_by_person,
)
from tests.every_case import every_case

ADA = Person("ada", "ada@example.com", "owner")
USE = Use(Decimal("132.40"), Decimal("120"), 4_200_000)


def limited(monthly_usd: str | None, monthly_tokens: int | None) -> Person:
    usd = None if monthly_usd is None else Decimal(monthly_usd)
    return Person("linus", "linus@example.com", "member", None, usd, monthly_tokens)


@every_case(
    [
        (limited(None, None), "You have no monthly limit."),
        (limited("150", None), "Your limit: $150 a month, $132.40 used."),
        (limited(None, 10_000_000), "Your limit: 10M tokens a month, 4.2M tokens used."),
        (
            limited("150.50", 10_000_000),
            "Your limit: $150.50 and 10M tokens a month, $132.40 and 4.2M used.",
        ),
    ]
)
def test_own_limit_is_a_sentence(person: Person, sentence: str) -> None:
    assert describe_own_limit(person, USE) == sentence


@every_case(
    [
        (limited(None, None), None),
        (limited("200", None), 66.2),
        (limited("200", 5_000_000), 84.0),
        (limited("100", 5_000_000), 132.4),
    ]
)
def test_share_is_that_of_the_nearest_limit(person: Person, share: float | None) -> None:
    assert calculate_share(person, USE) == (share if share is None else pytest.approx(share))


def test_included_usage_adds_tokens_and_no_money() -> None:
    rows = [
        ("ada", "billed", "1.5", "1.2", 10),
        ("ada", "included", "9", "8", 20),
        ("ada", "estimated", None, None, 5),
        ("linus", "estimated", "2", "1.8", 7),
    ]
    money = [(cost and Decimal(cost), amount and Decimal(amount)) for _, _, cost, amount, _ in rows]
    daily = pd.DataFrame(
        {
            "date": pd.Timestamp(date(2026, 11, 1)),
            "part": [row[0] for row in rows],
            "cost_basis": [row[1] for row in rows],
            "cost_usd": pd.Series([cost for cost, _ in money], dtype=object),
            "amount": pd.Series([amount for _, amount in money], dtype=object),
            "tokens": [row[4] for row in rows],
        }
    )

    assert sum_by_person(daily) == {
        "ada": Use(Decimal("1.5"), Decimal("1.2"), 35),
        "linus": Use(Decimal(2), Decimal("1.8"), 7),
    }
    assert sum_by_person(daily.head(0)) == {}


@every_case(
    [
        ("owner", ["owner", "admin", "member", "viewer"], ["owner", "admin", "member", "viewer"]),
        ("admin", ["admin", "member", "viewer"], ["admin", "member", "viewer"]),
        ("member", [], ["member", "viewer"]),
        ("viewer", [], ["viewer"]),
    ]
)
def test_nobody_changes_a_higher_role_or_gives_one(
    own: str, changeable: list[str], assignable: list[str]
) -> None:
    roles = ["owner", "admin", "member", "viewer"]
    assert [role for role in roles if may_change(own, role)] == changeable
    assert list_assignable(own) == assignable
    assert not may_change(own, None)


def test_only_owner_is_found() -> None:
    people = {"ada": ADA, "linus": limited(None, None), "gone": Person("gone", "", None)}
    assert (is_only_owner(people, "ada"), is_only_owner(people, "linus")) == (True, False)
    assert not is_only_owner(people | {"bob": Person("bob", "", "owner")}, "ada")
