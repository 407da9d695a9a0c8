"""Operator output: one sentence about failed series, and the table of a dry run."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from forecasting.nightly.problems import describe
from forecasting.nightly.results import Period, Result
from forecasting.nightly.workspace_run import WorkspaceRun
from tally.core.text import printable

HEAD = ("account", "series", "next 30 days", "80% range", "month end", "80% range", "confidence")


def describe_failures(workspace_runs: Iterable[WorkspaceRun]) -> str | None:
    """Name the workspaces and series that failed; None when there are none."""
    sentences: list[str] = []
    names: list[str] = []
    for workspace_run in workspace_runs:
        workspace_id = workspace_run.workspace.id
        if workspace_run.error:
            sentences.append(f"No forecast of {workspace_id}: {describe(workspace_run.error)}.")
        names += [f"{f.series.unique_id} of {workspace_id} ({f.reason})" for f in workspace_run.failures]
    if names:
        sentences.append(f"{len(names)} series could not be forecast: {'; '.join(names)}.")
    return printable(" ".join(sentences)) or None


def explain_failures(workspace_run: WorkspaceRun) -> str:
    """The same for the people of a workspace; the entry of its step names the series and the reasons."""
    return f"{len(workspace_run.failures)} series could not be forecast."


def render_table(workspace_runs: Iterable[WorkspaceRun]) -> str:
    """Render what a run would save, one line per series."""
    rows: list[tuple[str, ...]] = [HEAD]
    for workspace_run in workspace_runs:
        rows += [_row(workspace_run, result) for result in workspace_run.results_or_none()]
        rows += [
            _remark(workspace_run, short["series"], f"needs {short['days_missing']} more days")
            for short in workspace_run.too_little_history()
        ]
        rows += [
            _remark(workspace_run, failure.series.unique_id, f"failed: {failure.reason}")
            for failure in workspace_run.failures
        ]
    return _align(rows)


def _row(workspace_run: WorkspaceRun, result: Result) -> tuple[str, ...]:
    next_30_days, month_end = result.periods
    return (
        str(workspace_run.workspace.id),
        printable(result.unique_id),
        *_amounts(next_30_days),
        *_amounts(month_end),
        str(result.confidence),
    )


def _remark(workspace_run: WorkspaceRun, unique_id: str, remark: str) -> tuple[str, ...]:
    return str(workspace_run.workspace.id), printable(unique_id), printable(remark)


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
