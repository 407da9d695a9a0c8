"""Operator output: one sentence about failed series, and the table of a dry run."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from forecasting.nightly.account_run import AccountRun
from forecasting.nightly.results import Period, Result
from tally.core.text import printable

HEAD = ("account", "series", "next 30 days", "80% range", "month end", "80% range", "confidence")


def describe_failures(account_runs: Iterable[AccountRun]) -> str | None:
    """Name the failed series in one sentence; None when there are none."""
    names = [
        f"{failure.series.unique_id} of {account_run.account.user_id} ({failure.reason})"
        for account_run in account_runs
        for failure in account_run.failures
    ]
    if not names:
        return None
    return printable(f"{len(names)} series could not be forecast: {'; '.join(names)}.")


def render_table(account_runs: Iterable[AccountRun]) -> str:
    """Render what a run would save, one line per series."""
    rows: list[tuple[str, ...]] = [HEAD]
    for account_run in account_runs:
        rows += [_row(account_run, result) for result in account_run.results()]
        rows += [
            _remark(account_run, short["series"], f"needs {short['days_missing']} more days")
            for short in account_run.too_little_history()
        ]
        rows += [
            _remark(account_run, failure.series.unique_id, f"failed: {failure.reason}")
            for failure in account_run.failures
        ]
    return _align(rows)


def _row(account_run: AccountRun, result: Result) -> tuple[str, ...]:
    next_30_days, month_end = result.periods
    return (
        str(account_run.account.user_id),
        printable(result.unique_id),
        *_amounts(next_30_days),
        *_amounts(month_end),
        str(result.confidence),
    )


def _remark(account_run: AccountRun, unique_id: str, remark: str) -> tuple[str, ...]:
    return str(account_run.account.user_id), printable(unique_id), printable(remark)


def _amounts(period: Period) -> tuple[str, str]:
    amounts = period.amounts
    return _usd(amounts.predicted), f"{_usd(amounts.lower_80)} to {_usd(amounts.upper_80)}"


def _usd(amount: Decimal) -> str:
    return f"${amount:,.2f}"


def _align(rows: Sequence[tuple[str, ...]]) -> str:
    width = max(len(row) for row in rows)
    # Rows with a remark have fewer columns: a long remark must not widen the third column.
    full = [row for row in rows if len(row) == width]
    widths = [max(len(row[column]) for row in full) for column in range(width)]
    widths[:2] = [max(len(row[column]) for row in rows) for column in range(2)]
    return "\n".join(
        "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=False)).rstrip() for row in rows
    )
