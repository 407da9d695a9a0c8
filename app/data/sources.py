"""Sources of records (files, machines, services and connections), and their statements."""

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

import pandas as pd

from app.auth.identity import User, database_of
from app.data.preferences import load_currency
from app.data.reading import API_ROWS, cached, call, data_version, fetch_rows, select
from app.figures.currencies import Currency

if TYPE_CHECKING:
    from tally.connectors.connections import Connection
    from tally.importers.save import FileKey

IMPORTS_SHOWN = 200
SAMPLE = "sample"  # as tally.spend.sample_data, which imports every importer, names its format
IMPORT_COLUMNS = (
    "id,user_id,kind,filename,format,status,is_enabled,rows_read,rows_imported,rows_duplicate,rows_restated,"
    "rows_rejected,created_at,finished_at,key_name:metadata->>key_name"
)


def load_import_list(user: User) -> list[dict[str, Any]]:
    """The newest imported files, newest first, without their rejected rows."""
    files = select(user, "imports", IMPORT_COLUMNS).eq("kind", "file")
    return fetch_rows(files.order("created_at", desc=True).order("id").limit(IMPORTS_SHOWN))


def load_sample_source(user: User) -> dict[str, Any] | None:
    """The source of the user's sample data, while it is there."""
    return _sample_source(user, data_version(user))


@cached
def _sample_source(user: User, version: str) -> dict[str, Any] | None:  # noqa: ARG001
    samples = select(user, "imports", IMPORT_COLUMNS).eq("format", SAMPLE).eq("user_id", user.user_id)
    return next(iter(fetch_rows(samples.limit(1))), None)


def load_same_import(user: User, key: "FileKey") -> dict[str, Any] | None:
    """The own import of the same file that is in the workspace, complete and unchanged."""
    return _same_import(user, data_version(user), key)


@cached
def _same_import(user: User, version: str, key: "FileKey") -> dict[str, Any] | None:  # noqa: ARG001
    from tally.importers.save import find_same_import  # loads every importer, which one page needs

    found = find_same_import(database_of(user), key)
    if found is None:
        return None
    return next(iter(fetch_rows(select(user, "imports", IMPORT_COLUMNS).eq("id", found))), None)


def load_rejected(user: User, import_id: str) -> list[dict[str, Any]]:
    """The rejected rows stored with an import: line, reason, row."""
    found = fetch_rows(select(user, "imports", "errors").eq("id", import_id))
    return cast(list[dict[str, Any]], found[0]["errors"]) if found else []


def load_sources(user: User) -> list[dict[str, Any]]:
    """Machines, services with keys and connections, then files, each newest first; at most API_ROWS."""
    sources = select(user, "imports", IMPORT_COLUMNS).order("kind", desc=True)
    rows = fetch_rows(sources.order("created_at", desc=True).order("id").limit(API_ROWS))
    return sorted(rows, key=lambda row: row["kind"] == "file")


def load_connections(user: User) -> "list[Connection]":
    """Connections to providers' APIs; never cached."""
    from tally.connectors.connections import list_connections  # imports every connector

    return list_connections(database_of(user))


def load_source_days(user: User, project: str | None = None, account: str | None = None) -> pd.DataFrame:
    """Totals of each source by day, enabled or not; with a project or billing account only of its records.

    Columns: import_id (None for what has no source: then `kind` is "subscription" or how it was collected),
    day, cost_basis, cost_usd (in the display currency, None where all records are unpriced), effective_usd
    (the part in the totals), records, unpriced_records.
    """
    return _source_days(user, data_version(user), (project, account), load_currency(user))


@cached
def _source_days(
    user: User,
    version: str,  # noqa: ARG001
    chosen: tuple[str | None, str | None],
    currency: Currency,
) -> pd.DataFrame:
    params = {name: value for name, value in zip(("project", "account"), chosen, strict=True) if value}
    return _parse_statements(call(user, "source_days", **params), currency)


def load_account_names(user: User) -> dict[str, str]:
    """The names that people gave to billing accounts, by account."""
    return _account_names(user, data_version(user))


@cached
def _account_names(user: User, version: str) -> dict[str, str]:  # noqa: ARG001
    rows = fetch_rows(select(user, "billing_accounts", "account,name").order("name").limit(API_ROWS))
    return {row["account"]: row["name"] for row in rows}


def load_statements(user: User, first: date | None, last: date) -> pd.DataFrame:
    """Statements of all sources on UTC days, in the columns of `source_statements`; money is converted."""
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
    return _parse_statements(call(user, "source_statements", **params), currency)


def _parse_statements(columns: dict[str, list[Any]], currency: Currency) -> pd.DataFrame:
    days = [date.fromisoformat(text) for text in columns["day"]]
    money = {
        name: [
            None if text is None else currency.convert(Decimal(text), day)
            for text, day in zip(columns[name], days, strict=True)
        ]
        for name in ("cost_usd", "effective_usd")
        if name in columns
    }
    return pd.DataFrame(columns | {"day": days} | money, dtype=object)
