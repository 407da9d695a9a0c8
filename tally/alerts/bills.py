"""Bills that differ from what was estimated, for the last complete month in UTC, as providers bill.

Taxes and credits are no difference; only days are compared that have both a bill and an estimate.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from tally.alerts.rules import Connection, Finding, Watched
from tally.catalog.providers import PROVIDERS
from tally.core.months import month_before
from tally.ledger.reconcile import CREDITS
from tally.ledger.statements import (
    ZERO,
    Statement,
    find_bill,
    group_units,
    list_estimators,
    select_estimates,
    sum_usd,
)

FIRST_DAY = 3  # of the month: bills of the last days of the one before have come by then
LEAST_USD = Decimal(1)
FIELDS = (
    "day",
    "billing_account",
    "model",
    "dataset",
    "cost_basis",
    "cost_usd",
    "charge_type",
    "is_effective",
    "money_is_effective",
    "unpriced_records",
    "tokens",
    "requests",
)
OTHER_CHARGES = ("tax", *CREDITS)

# Accounts that have both on some day of the month; most workspaces have none.
SHARED = """
select distinct e.billing_account
from private.day_parts as e
where
    e.workspace_id = %(workspace)s and e.day between %(first)s and %(last)s and e.cost_basis = 'estimated'
    and exists (
        select from private.day_parts as b
        where
            b.workspace_id = e.workspace_id and b.billing_account = e.billing_account and b.day = e.day
            and b.cost_basis = 'billed'
    )"""
STATEMENTS = """
select
    s.day, s.billing_account, s.model_key, s.dataset, s.cost_basis, s.cost_usd, s.charge_type, s.is_effective,
    s.money_is_effective, s.unpriced_records, s.tokens::bigint, s.requests::bigint
from private.sum_statements(%(workspace)s, %(first)s, %(last)s, null, array[]::uuid[]) as s"""


def find_bills(connection: Connection, watched: Watched) -> list[Finding]:
    """One event for each billing account whose bill of the month differs by more than the share."""
    first, last = month_before(watched.today)
    month = {"workspace": watched.id, "first": first, "last": last}
    if watched.today.day < FIRST_DAY or not connection.execute(SHARED, month).fetchall():
        return []
    by_account: dict[str, list[Statement]] = defaultdict(list)
    for row in connection.execute(STATEMENTS, month).fetchall():
        statement = _parse(row)
        by_account[statement.billing_account].append(statement)
    found = []
    for account, statements in sorted(by_account.items()):
        billed, estimated = compare(statements)
        difference = abs(billed - estimated)
        if difference >= LEAST_USD and 100 * difference > watched.rules.bill_percent * estimated > 0:
            found.append(_describe(account, first, last, (billed, estimated)))
    return found


def compare(statements: Sequence[Statement]) -> tuple[Decimal, Decimal]:
    """The billed and the estimated sum, of days and models with both."""
    billed = estimated = ZERO
    estimators = list_estimators(statements)
    for unit in group_units(statements).values():
        effective = [statement for statement in unit if statement.is_effective]
        biller = find_bill(effective)
        estimates = next(filter(None, (select_estimates(effective, name) for name in estimators)), [])
        if biller is None or not estimates or any(each.unpriced_records for each in estimates):
            continue
        estimated += sum_usd(estimates)
        billed += sum_usd(
            line
            for line in effective
            if line.cost_basis == "billed"
            and line.dataset == biller
            and line.charge_type not in OTHER_CHARGES
        )
    return billed, estimated


def _parse(row: Sequence[Any]) -> Statement:
    return Statement(**dict(zip(FIELDS, row, strict=True)))


def _describe(account: str, first: date, last: date, amounts: tuple[Decimal, Decimal]) -> Finding:
    provider, _, name = account.partition(":")
    facts = {
        "provider": PROVIDERS.get(provider, provider),
        "account": name.removeprefix("@"),
        "period_start": first.isoformat(),
        "period_end": last.isoformat(),
        "billed": str(amounts[0]),
        "estimated": str(amounts[1]),
        "currency": "USD",
    }
    return Finding("bill", account, first, "warning", facts)
