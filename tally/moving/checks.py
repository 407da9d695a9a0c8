"""Conditions on several columns of a row, which the database has, too."""

from collections.abc import Callable
from decimal import Decimal

from tally.core.encoding import MAX_COUNT
from tally.moving.stored_json import MAX_STATEMENT, fits_statement
from tally.moving.tables import (
    BUDGETS,
    MULTIPLIERS,
    RECORDS,
    SOURCES,
    SUBSCRIPTIONS,
    SUPERSEDED,
    THRESHOLDS,
    Row,
    Table,
)

MAX_AMOUNT = 10**12  # of a budget, in any currency


class Mistake(ValueError):
    """A row whose columns do not fit together; the text is a clause."""


def check_row(table: Table, row: Row) -> None:
    """Raise Mistake for a row that the database would refuse."""
    check = _CHECKS.get(table.name)
    if check is not None:
        check(row)


def _check_statement(row: Row) -> None:
    cost = row["cost_usd"]
    if cost is None:
        if row["cost_basis"] == "billed":
            raise Mistake("a bill has no amount")
    elif cost[0] == "-" and Decimal(cost) < 0 and row["charge_type"] not in ("credit", "adjustment"):
        raise Mistake("a cost is negative, which only a credit or an adjustment may be")
    if row["day"] is not None and row["day"] != row["timestamp"][:10]:
        raise Mistake("the day is not that of the time")
    if row["subscription_id"] is not None and row["day"] is None:
        raise Mistake("a renewal has no day")
    if not fits_statement(row["metadata"]):
        raise Mistake(f"the metadata takes more than {MAX_STATEMENT:,} bytes")


def _check_source(row: Row) -> None:
    if row["kind"] == "file" and row["file_sha256"] is None:
        raise Mistake("a file has no checksum")
    if row["rows_restated"] > row["rows_duplicate"]:
        raise Mistake("more rows are restated than there are duplicates")
    parts = row["rows_imported"] + row["rows_duplicate"] + row["rows_rejected"]
    if row["status"] == "done" and row["rows_read"] != parts:
        raise Mistake("the rows that were read do not add up")


def _check_subscription(row: Row) -> None:
    if not 1 <= row["renewal_day"] <= 31:
        raise Mistake("the renewal day is none of a month")
    if row["ended_on"] is not None and row["ended_on"] < row["started_on"]:
        raise Mistake("the end is before the start")
    if Decimal(row["amount_usd"]) < 0:
        raise Mistake("the amount is negative")


def _check_multiplier(row: Row) -> None:
    if row["valid_to"] is not None and row["valid_to"] < row["valid_from"]:
        raise Mistake("the end is before the start")


def _check_budget(row: Row) -> None:
    amount = Decimal(row["amount"])
    if row["measure"] == "tokens":
        if not 0 < amount <= MAX_COUNT or amount != int(amount):
            raise Mistake("the amount is no number of tokens")
    elif not 0 < amount < MAX_AMOUNT:
        raise Mistake(f"the amount is not between 0 and {MAX_AMOUNT:,}")
    if not 1 <= row["starts_on_day"] <= (28 if row["period"] == "month" else 1):
        raise Mistake("the period cannot begin on that day")


def _check_threshold(row: Row) -> None:
    if not 1 <= row["percent"] <= 1000:
        raise Mistake("the percentage is not between 1 and 1,000")


_CHECKS: dict[str, Callable[[Row], None]] = {
    RECORDS.name: _check_statement,
    SUPERSEDED.name: _check_statement,
    SOURCES.name: _check_source,
    SUBSCRIPTIONS.name: _check_subscription,
    MULTIPLIERS.name: _check_multiplier,
    BUDGETS.name: _check_budget,
    THRESHOLDS.name: _check_threshold,
}
