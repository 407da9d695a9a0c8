"""Where records come from, and what each source said: files, machines and connections."""

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

import pandas as pd

from app.auth.identity import User, database_of, supabase_client
from app.data.preferences import load_currency
from app.data.reading import API_ROWS, as_rows, ask, cached, data_version
from app.figures.currencies import Currency

if TYPE_CHECKING:
    from tally.connectors.connections import Connection

IMPORTS_SHOWN = 200
IMPORT_COLUMNS = (
    "id,kind,filename,format,status,counts,rows_read,rows_imported,rows_duplicate,rows_restated,rows_rejected,"
    "created_at,finished_at"
)


def load_import_list(user: User) -> list[dict[str, Any]]:
    """The person's newest imported files, newest first, without their rejected rows."""
    table = supabase_client(user).table("imports")
    files = table.select(IMPORT_COLUMNS).eq("kind", "file")
    newest = files.order("created_at", desc=True).order("id").limit(IMPORTS_SHOWN)
    return as_rows(ask(lambda: newest.execute().data))


def load_rejected(user: User, import_id: str) -> list[dict[str, Any]]:
    """The rejected rows that an import kept: line, reason, row."""
    table = supabase_client(user).table("imports")
    found = as_rows(ask(lambda: table.select("errors").eq("id", import_id).execute().data))
    return as_rows(found[0]["errors"]) if found else []


def load_sources(user: User) -> list[dict[str, Any]]:
    """Machines and connections, then files, the newest first: up to API_ROWS of them."""
    table = supabase_client(user).table("imports")
    ordered = table.select(IMPORT_COLUMNS).order("kind", desc=True).order("created_at", desc=True).order("id")
    rows = as_rows(ask(lambda: ordered.limit(API_ROWS).execute().data))
    return sorted(rows, key=lambda row: row["kind"] == "file")


def load_connections(user: User) -> "list[Connection]":
    """The person's connections to providers' APIs, as they are at this moment."""
    from tally.connectors.connections import list_connections  # with all that it takes to ask providers

    return list_connections(database_of(user))


def load_source_days(user: User) -> pd.DataFrame:
    """What each source brought, whether it counts or not: import_id, day, cost_basis, cost_usd, records,
    unpriced_records; money in the currency that the person reads, None where all of it is unpriced.
    """
    return _source_days(user, data_version(user), load_currency(user))


@cached
def _source_days(user: User, version: str, currency: Currency) -> pd.DataFrame:  # noqa: ARG001
    columns = ask(lambda: supabase_client(user).rpc("source_days", {}).execute().data)
    return _parse_said(cast(dict[str, list[Any]], columns), currency)


def load_statements(user: User, first: date | None, last: date) -> pd.DataFrame:
    """What each source said of these UTC days, in the columns of `source_statements`; money converted."""
    return _statements(user, data_version(user), first, last, load_currency(user))


@cached
def _statements(
    user: User,
    version: str,  # noqa: ARG001
    first: date | None,
    last: date,
    currency: Currency,
) -> pd.DataFrame:
    params = {"from_date": first and first.isoformat(), "to_date": last.isoformat()}
    columns = ask(lambda: supabase_client(user).rpc("source_statements", params).execute().data)
    return _parse_said(cast(dict[str, list[Any]], columns), currency)


def _parse_said(columns: dict[str, list[Any]], currency: Currency) -> pd.DataFrame:
    days = [date.fromisoformat(text) for text in columns["day"]]
    money = [
        None if text is None else currency.convert(Decimal(text), day)
        for text, day in zip(columns["cost_usd"], days, strict=True)
    ]
    return pd.DataFrame(columns | {"day": days, "cost_usd": money}, dtype=object)
