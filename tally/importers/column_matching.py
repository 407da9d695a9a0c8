"""Columns of a table of costs, found by the user's mapping or by their headings."""

import re
from collections.abc import Container, Mapping, Sequence

from tally.currency.rates import USD, bundled_rates
from tally.importers.protocol import MissingColumns
from tally.importers.readers.decoding import ImportRefused
from tally.importers.readers.table import Table, list_quoted

REQUIRED = ("date", "cost")
# Tally's column -> headings that mean it, best first, in the form that normalise_heading gives.
COLUMNS = {
    "date": (
        "date",
        "day",
        "timestamp",
        "datetime",
        "time",
        "created_at",
        "created",
        "usage_date",
        "start_time",
    ),
    "provider": ("provider", "vendor", "provider_name", "service", "company", "source", "platform"),
    "model": ("model", "model_name", "model_id", "engine", "product", "plan", "item"),
    "cost": (
        "cost",
        "cost_usd",
        "usd",
        "cost_in_usd",
        "amount",
        "amount_usd",
        "price",
        "price_usd",
        "spend",
        "spend_usd",
        "total_cost",
        "total_cost_usd",
        "total",
        "charge",
    ),
    "tokens": ("tokens", "total_tokens", "tokens_used", "token_count"),
    "input_tokens": ("input_tokens", "prompt_tokens", "tokens_prompt", "tokens_in"),
    "output_tokens": ("output_tokens", "completion_tokens", "tokens_completion", "tokens_out"),
    "cached_input_tokens": ("cached_input_tokens", "cached_tokens", "cache_read_tokens", "tokens_cached"),
    "requests": ("requests", "request_count", "num_requests", "calls", "api_calls", "count"),
    "currency": ("currency", "currency_code"),
    "charge_type": ("charge_type", "type", "kind"),
    "note": ("note", "notes", "description", "comment", "memo", "details"),
    # What a charge was for; rules file records by them.
    "project": ("project", "project_name", "team", "department", "cost_center", "cost_centre"),
    "person": ("person", "user", "user_email", "email", "member", "employee", "owner"),
    "customer": ("customer", "client", "end_user"),
    "tags": ("tags", "tag", "labels", "label"),
}


def find_columns(header: Sequence[str], mapping: Mapping[str, str] | None) -> dict[str, int]:
    """Tally's columns and their indexes: those the user mapped, the others by their headings."""
    mapping = mapping or {}
    found = {mapping[heading]: index for index, heading in enumerate(header) if heading in mapping}
    names = [_strip_currency(normalise_heading(heading)) for heading in header]
    for column, synonyms in COLUMNS.items():
        if column not in found:
            index = _find_synonym(names, synonyms, set(found.values()))
            if index is not None:
                found[column] = index
    return found


def check_columns(columns: Mapping[str, int], table: Table, mapping: Mapping[str, str]) -> None:
    """Raise ImportRefused for a mapping of another file, and MissingColumns for a required column."""
    unknown = sorted(set(mapping.values()) - set(COLUMNS))
    absent = sorted(set(mapping) - set(table.header))
    if unknown or absent:
        raise ImportRefused(
            f"The column mapping does not fit {table.filename}: {list_quoted(unknown + absent)} is missing. "
            "Map its columns again."
        )
    missing = [column for column in REQUIRED if column not in columns]
    if missing:
        raise MissingColumns(
            f"{table.filename} has no column for {' and '.join(missing)}. "
            f"It has {list_quoted(table.header)}. Match the columns, or rename one.",
            missing,
            table.header,
        )


def find_unused(header: Sequence[str], columns: Mapping[str, int]) -> tuple[str, ...]:
    """The headings of the columns that none of Tally's columns is read from."""
    used = set(columns.values())
    return tuple(heading for index, heading in enumerate(header) if index not in used and heading.strip())


def normalise_heading(heading: str) -> str:
    """One name for headings such as `Cost (USD)` and `cost_usd`; currency signs become codes."""
    name = heading.casefold().replace("$", "usd").replace("€", "eur").replace("£", "gbp")
    return re.sub(r"[^a-z0-9]+", "_", name).strip("_")


def currency_of_heading(heading: str) -> str:
    """The currency in a heading such as `Cost (EUR)`, empty where there is none."""
    cost, _, code = normalise_heading(heading).rpartition("_")
    return code.upper() if cost in COLUMNS["cost"] and code.upper() in bundled_rates().currencies else ""


def _strip_currency(name: str) -> str:
    """The heading without its currency: `cost` for `cost_eur`."""
    return name.rpartition("_")[0] if currency_of_heading(name) not in ("", USD) else name


def _find_synonym(names: Sequence[str], synonyms: Sequence[str], taken: Container[int]) -> int | None:
    for synonym in synonyms:
        if synonym in names and (index := names.index(synonym)) not in taken:
            return index
    return None
