"""Comparison of bills with estimates, for billing accounts with several sources."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import reduce
from operator import add
from typing import Any

import pandas as pd

from tally.ledger.rates import find_rates
from tally.ledger.reconcile import Variance, explain_variance
from tally.ledger.statements import Statement, Unit, group_units

STATEMENT_FIELDS = (
    "day",
    "billing_account",
    "model",
    "dataset",
    "cost_basis",
    "cost_usd",
    "charge_type",
    "token_type",
    "is_special",
    "is_effective",
    "money_is_effective",
    "unpriced_records",
    "tokens",
    "input_tokens",
    "output_tokens",
    "cached_input_tokens",
    "cache_write_tokens",
    "requests",
)


def list_shared_accounts(statements: pd.DataFrame) -> list[str]:
    """Billing accounts with data from more than one source on some day, most expensive first."""
    if statements.empty:
        return []
    sources = statements.groupby(["billing_account", "day"])[["import_id", "dataset"]].apply(
        lambda of_day: len(of_day.drop_duplicates())
    )
    shared = set(sources[sources > 1].index.get_level_values("billing_account"))
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for account, cost in zip(statements["billing_account"], statements["cost_usd"], strict=True):
        if account in shared:
            totals[account] += cost or 0
    return sorted(totals, key=lambda account: (-totals[account], account))


def parse_statements(rows: pd.DataFrame) -> list[Statement]:
    """The rows of data.load_statements as statements."""
    values = [rows[name] for name in STATEMENT_FIELDS]
    return [Statement(**dict(zip(STATEMENT_FIELDS, row, strict=True))) for row in zip(*values, strict=True)]


def select_compared(statements: Sequence[Statement]) -> list[Statement]:
    """Statements of days for which a billing account has both a bill and an estimate."""
    bases = defaultdict(set)
    for statement in statements:
        if statement.is_effective:
            bases[statement.billing_account, statement.day].add(statement.cost_basis)
    return [
        statement
        for statement in statements
        if bases[statement.billing_account, statement.day] >= {"billed", "estimated"}
    ]


def explain_units(statements: Sequence[Statement], estimator: str) -> dict[Unit, Variance]:
    """The variance between each unit's bill and the estimate of `estimator`, ordered by day and model."""
    units = group_units(statements)
    return {
        unit: explain_variance(units[unit], estimator, find_rates(unit.provider, unit.model, unit.day))
        for unit in sorted(units)
        if any(_is_compared(statement) for statement in units[unit])
    }


def _is_compared(statement: Statement) -> bool:
    return statement.is_effective and statement.cost_basis in ("billed", "estimated")


def sum_up(variances: Mapping[Unit, Variance]) -> Variance:
    """The total variance."""
    return reduce(add, variances.values(), Variance())


def sum_days(variances: Mapping[Unit, Variance]) -> pd.DataFrame:
    """Billed and estimated amounts by day, as floats for a chart."""
    days: dict[Any, Variance] = defaultdict(Variance)
    for unit, variance in variances.items():
        days[unit.day] += variance
    return pd.DataFrame(
        {
            "Billed": [float(day.billed_usd) for day in days.values()],
            "Estimated": [float(day.estimated_usd) for day in days.values()],
        },
        index=pd.to_datetime(list(days)),
    )
