"""Totals of a database: equal before a backup and after its restore, to the last digit."""

from typing import Any

import psycopg

TABLES = {
    "accounts": "select count(*)::text from auth.users",
    "workspaces": "select count(*)::text from public.workspaces",
    "connections": "select count(*)::text from public.api_credentials",
    "records": "select count(*)::text from public.cost_records",
    "superseded records": "select count(*)::text from public.superseded_records",
    "cost in USD": "select coalesce(sum(cost_usd), 0)::text from public.cost_records",
    "tokens": "select coalesce(sum(tokens_used::numeric), 0)::text from public.cost_records",
}


def load_totals(connection: psycopg.Connection[Any]) -> dict[str, str]:
    """Each total as text, by its name."""
    found = {}
    for name, query in TABLES.items():
        row = connection.execute(query).fetchone()
        found[name] = row[0] if row else ""
    return found
