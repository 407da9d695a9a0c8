"""People with accounts on a real stack, and both ways to act as one of them."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import uuid4

from supabase import Client

from tally.accounts.auth_client import AuthClient, Tokens
from tally.local.stack import Stack
from tally.storage.database import Database, Query, Row
from tally.storage.postgres import PostgresDatabase
from tally.storage.postgrest import SupabaseDatabase, open_supabase
from tests.shared_connections import operator_connection

PASSWORD = "correct horse 1"
TRANSPORTS = ("supabase", "postgres")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who signed up, with the token of their session."""

    user_id: str
    email: str
    token: str


def sign_up(stack: Stack) -> Person:
    """Make an account for somebody new."""
    settings = stack.settings()
    accounts = AuthClient(settings["SUPABASE_URL"], settings["SUPABASE_PUBLISHABLE_KEY"])
    tokens = accounts.sign_up(f"{uuid4().hex[:12]}@example.com", PASSWORD)
    assert isinstance(tokens, Tokens)
    return Person(tokens.user_id, tokens.email, tokens.access_token)


def add_team(stack: Stack, person: Person, name: str = "Team", role: str = "owner") -> str:
    """Make a workspace with the person as a member; returns its id."""
    workspace_id = str(uuid4())
    with operator_connection(stack) as connection:
        connection.execute("insert into public.workspaces (id, name) values (%s, %s)", [workspace_id, name])
    add_member(stack, workspace_id, person, role)
    return workspace_id


def add_member(stack: Stack, workspace_id: str, person: Person, role: str = "member") -> None:
    """Make a person a member of a workspace."""
    with operator_connection(stack) as connection:
        connection.execute(
            "insert into public.members (workspace_id, user_id, role) values (%s, %s, %s)",
            [workspace_id, person.user_id, role],
        )


def client_with(stack: Stack, token: str) -> Client:
    """A Supabase client with this access token."""
    settings = stack.settings()
    return open_supabase(settings["SUPABASE_URL"], settings["SUPABASE_PUBLISHABLE_KEY"], token)


def over_http(stack: Stack, person: Person) -> SupabaseDatabase:
    """The person through PostgREST, as in the app."""
    return SupabaseDatabase(client_with(stack, person.token), person.user_id)


@contextmanager
def over_postgres(stack: Stack, person: Person) -> Iterator[PostgresDatabase]:
    """The person through the operator's connection, as on the command line."""
    with operator_connection(stack) as connection:
        yield PostgresDatabase(connection, person.user_id)


@contextmanager
def acting(stack: Stack, person: Person, transport: str) -> Iterator[Database]:
    """The person through either."""
    if transport == "supabase":
        yield over_http(stack, person)
    else:
        with over_postgres(stack, person) as database:
            yield database


class CountingDatabase:
    """A database that counts the rows that are read from each table."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.workers = database.workers
        self.rows_read: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    def select(self, query: Query) -> list[Row]:
        """The rows, counted."""
        rows = self._database.select(query)
        self.rows_read[query.table] += len(rows)
        return rows


def money_is_exact(stack: Stack, person: Person) -> bool:
    """Check that daily_costs shows a plain sum of what is effective."""
    with operator_connection(stack) as connection:
        plain = connection.execute(
            "select coalesce(sum(cost_usd), 0), coalesce(sum(tokens_used), 0), count(*)"
            " from public.effective_records where workspace_id = %s",
            [person.user_id],
        ).fetchone()
        connection.commit()
        daily = PostgresDatabase(connection, person.user_id).call("daily_costs", from_date=None, to_date=None)
    shown = (sum_of(daily["cost_usd"]), sum(daily["tokens"]), sum(daily["records"]))
    return shown == plain


def sum_of(amounts: list[str | None]) -> Decimal:
    """Money as text, added up; unpriced days hold none."""
    return sum((Decimal(amount) for amount in amounts if amount is not None), Decimal(0))
