"""Members of a workspace: what each used of a limit, and who may change whom."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import pandas as pd

from app.figures.spend import select_money, sum_amounts
from app.formats.counts import format_count
from app.formats.money import format_limit, format_money

RANKS = {"viewer": 0, "member": 1, "admin": 2, "owner": 3}


@dataclass(frozen=True, slots=True)
class Person:
    """Someone in a workspace; without a role after leaving. Limits are known to admins and oneself."""

    user_id: str
    email: str
    role: str | None
    last_active: date | None = None
    monthly_usd: Decimal | None = None
    monthly_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Use:
    """One person's use of a period; the amount is in the display currency."""

    cost_usd: Decimal = Decimal(0)
    amount: Decimal = Decimal(0)
    tokens: int = 0


def sum_by_person(daily: pd.DataFrame) -> dict[str, Use]:
    """Each person's use in costs that are split by person, in `part`; included usage adds only tokens."""
    return {
        str(user_id): Use(
            sum((cost for cost in select_money(rows)["cost_usd"] if cost is not None), Decimal(0)),
            sum_amounts(select_money(rows)),
            int(rows["tokens"].sum()),
        )
        for user_id, rows in daily.groupby("part")
    }


def calculate_share(person: Person, use: Use) -> float | None:
    """The used part of the nearest limit in percent; None without a limit."""
    shares = []
    if person.monthly_usd:
        shares.append(float(100 * use.cost_usd / person.monthly_usd))
    if person.monthly_tokens:
        shares.append(100 * use.tokens / person.monthly_tokens)
    return max(shares, default=None)


def describe_own_limit(person: Person, use: Use) -> str:
    """A person's own limit and use in a sentence. Limits are in US dollars."""
    limits, used = [], []
    if person.monthly_usd:
        limits.append(format_limit(person.monthly_usd, "USD"))
        used.append(format_money(use.cost_usd, "USD"))
    if person.monthly_tokens:
        limits.append(f"{format_count(person.monthly_tokens)} tokens")
        used.append(format_count(use.tokens) + ("" if used else " tokens"))
    if not limits:
        return "You have no monthly limit."
    return f"Your limit: {' and '.join(limits)} a month, {' and '.join(used)} used."


def may_change(own_role: str, role: str | None) -> bool:
    """True if an owner or admin may change a member of this role: nobody above themself."""
    return role is not None and RANKS[own_role] >= RANKS["admin"] and RANKS[own_role] >= RANKS[role]


def list_assignable(own_role: str) -> list[str]:
    """The roles that an owner or admin may give, highest first: none above their own."""
    return [role for role in reversed(RANKS) if RANKS[role] <= RANKS[own_role]]


def is_only_owner(people: Mapping[str, Person], user_id: str) -> bool:
    """True if the workspace would have no owner without this person."""
    owners = [person.user_id for person in people.values() if person.role == "owner"]
    return owners == [user_id]
