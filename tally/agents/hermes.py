"""Hermes Agent: a database with the sums of each session, in newer versions by model."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tally.agents.events import Event, ParsedPart, select_last
from tally.agents.json_values import read_cost, read_count, read_name, read_time
from tally.agents.sqlite_logs import list_columns, parse_rows
from tally.catalog.payees import OTHER, find_payee
from tally.core.encoding import encode_parts

if TYPE_CHECKING:
    from sqlite3 import Connection

name = "hermes"
title = "Hermes Agent"
by_line = False  # the sums of a session grow
select_winners = select_last

DATABASE = "state.db"
BY_MODEL = "session_model_usage"
COUNTS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens")


def find_folders(home: Path, environment: Mapping[str, str]) -> list[Path]:
    """Name HERMES_HOME or the default folder."""
    return [Path(environment.get("HERMES_HOME") or home / ".hermes")]


def find_files(home: Path, environment: Mapping[str, str]) -> list[Path]:
    """Find the database."""
    folders = find_folders(home, environment)
    return [folder / DATABASE for folder in folders if (folder / DATABASE).is_file()]


def parse(data: bytes, path: Path, state: dict[str, Any]) -> ParsedPart:  # noqa: ARG001 - part of the interface
    """Return the sums of the sessions in the database."""
    return parse_rows(path, _load_rows, _read_row)


def _load_rows(database: "Connection") -> Iterator[dict[str, Any]]:
    """Yield the sums of sessions by model, of those from before this was recorded as a whole."""
    covered = set()
    if list_columns(database, BY_MODEL):
        query = f"select u.*, s.started_at from {BY_MODEL} as u join sessions as s on s.id = u.session_id"  # noqa: S608 - a constant
        for row in map(dict, database.execute(query)):
            covered.add(row["session_id"])
            yield row
    for row in map(dict, database.execute("select *, id as session_id from sessions")):
        if row["session_id"] not in covered:
            yield row


def _read_row(row: Mapping[str, Any]) -> Event | None:
    uncached, output, cached, written, reasoning = (read_count(row, key) for key in COUNTS)
    if not uncached + output + cached + written + reasoning:
        return None
    session, model = str(row["session_id"]), read_name(row, "model")
    provider = read_name(row, "billing_provider")
    return Event(
        encode_parts(session, model, provider) if "id" not in row else encode_parts(session),
        read_time(row.get("started_at")),
        find_payee(model, provider) or OTHER,
        model or "unknown",
        uncached + cached + written,
        output + reasoning,
        cached_input_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=reasoning,
        session=session,
        logged_usd=read_cost(row.get("actual_cost_usd")) or read_cost(row.get("estimated_cost_usd")),
        is_sum=True,
    )
