"""A session as a CSV file: a row for each request."""

import pandas as pd

from app.figures.agent_session import Request, Session
from tally.storage.export import write_table

TEXTS = ("agent", "repository", "branch", "provider", "model", "value", "note")


def write_session(session: Session, currency: str) -> bytes:
    """The requests in order; values are exact, and empty without a price."""
    rows = [describe_row(row, currency) for row in session.rows]
    return write_table(pd.DataFrame(rows, dtype=object), "csv", TEXTS)


def describe_row(row: Request, currency: str) -> dict[str, object]:
    """A request by the columns of the file."""
    gap = row.gap
    return {
        "request": row.nth,
        "at": row.at.isoformat(),
        "agent": row.agent,
        "repository": row.repository,
        "branch": row.branch,
        "provider": row.provider,
        "model": row.model,
        "value": "" if row.value is None else f"{row.value:f}",
        "currency": currency,
        "is_included": bool(row.money.included),
        "input_tokens": row.counts.input_tokens,
        "cached_input_tokens": row.counts.cached,
        "cache_write_tokens": row.counts.written,
        "output_tokens": row.counts.output_tokens,
        "note": "" if gap is None else f"{round(gap.pause.total_seconds() / 60)} min gap",
    }
