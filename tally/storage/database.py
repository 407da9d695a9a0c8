"""Database protocol, always for one account in one workspace under row-level security, and its errors."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, Protocol
from uuid import UUID

import stamina

from tally.core.errors import TallyError

Row = dict[str, Any]

PAGE = 1_000  # PostgREST truncates longer answers
# Waits of about 0.2, 0.4, 1 and 2 seconds. Every call that is retried is safe to repeat.
RETRY = stamina.RetryingCaller(
    attempts=5, timeout=None, wait_initial=0.2, wait_exp_base=2.2, wait_max=2.0, wait_jitter=0.1
)
logging.getLogger("stamina").addHandler(logging.NullHandler())  # otherwise commands would print every retry
GATEWAY = "503"
UNREACHABLE = frozenset(
    {"502", GATEWAY, "504", "57P01", "57P02", "57P03", "08006", "08003", "PGRST000", "PGRST001", "PGRST002"}
)
BUSY = frozenset({"40001", "40P01", "53300", "55P03", "PGRST003"})  # rolled back, so retries are safe
SIGNED_OUT = frozenset({"PGRST301", "PGRST302", "PGRST303", "401"})
NOT_ALLOWED = "42501"
TOO_MUCH = "54000"
OWN_MESSAGES = frozenset({"22023", "23503", TOO_MUCH})  # raised by Tally's SQL functions, with a message
ADDRESS_TOO_LONG = "414"
TOO_LONG = frozenset({ADDRESS_TOO_LONG, "431"})  # addresses and headers, in which filters are sent
NOT_TEXT = "22021"  # half of a character, as in a file name that is not UTF-8
UNSTORABLE = frozenset({NOT_TEXT, "22P05"})
DISK_FULL = "53100"
TIMED_OUT = "57014"


class DatabaseError(TallyError):
    """The database refused a request; the text is for the user."""


class Unreachable(DatabaseError):
    """The database did not answer, after retries; repeating the request is safe."""


class TimedOut(DatabaseError):
    """The database gave up a request that took too long."""


class TooMuch(DatabaseError):
    """A request about more than the database reads in time; the text says to ask about less."""


class SignedOut(DatabaseError):
    """The access token is no longer valid."""


class NotAllowed(DatabaseError):
    """The account is not a member of the workspace, or its role there does not allow this."""


@dataclass(frozen=True, slots=True)
class Query:
    """One page of a table's rows, filtered and ordered.

    `columns` are separated by commas and may be cast with `::text`. `where` compares columns for equality:
    None matches null, a list or tuple matches any of its values, up to a few hundred, as PostgREST takes them
    in an address. `after` is the last row of the page before.
    """

    table: str
    columns: str
    order: Sequence[str]
    where: Mapping[str, Any] = field(default_factory=dict)
    after: Row | None = None
    limit: int = PAGE


# Tables without workspaces. Rows of all others are read and changed in the database's own workspace only.
WITHOUT_WORKSPACE = frozenset({"exchange_rates", "providers", "user_preferences", "workspaces"})
# Functions that concern the account, or are told by an id what they are about. All others take a workspace.
NOT_ABOUT_WORKSPACE = frozenset(
    {
        "accept_invitation",
        "archive_project",
        "cancel_invitation",
        "change_api_key",
        "confirm_channel",
        "create_workspace",
        "decide_advice",
        "decide_experiment",
        "delete_experiment",
        "delete_missing",
        "delete_own_account",
        "delete_source",
        "delete_view",
        "describe_invitation",
        "ensure_months",
        "gather_runs",
        "get_top_models_by_spend",
        "get_user_total_spend",
        "installation_state",
        "list_workspaces",
        "move_experiment",
        "owns_installation",
        "pause_channel",
        "remove_channel",
        "read_experiment",
        "rename_view",
        "report_sync",
        "preview_restore",
        "restore_project",
        "revoke_api_key",
        "rotate_api_key",
        "set_paid_by_plan",
        "set_project_members",
        "set_source_enabled",
        "stop_digests",
        "stop_channel",
        "test_channel",
        "update_project",
    }
)


@dataclass(frozen=True, slots=True)
class Scope:
    """An account in one of its workspaces, which all of a database's requests are about."""

    user_id: str
    workspace_id: str

    @classmethod
    def of(cls, user_id: UUID | str, workspace_id: UUID | str | None) -> "Scope":
        """The scope of an account in a workspace, by default in its personal one, which has its id."""
        return cls(str(user_id), str(workspace_id or user_id))

    def columns(self, table: str) -> Row:
        """The column that says which of a table's rows are in the workspace, with its value."""
        return {} if table in WITHOUT_WORKSPACE else {"workspace_id": self.workspace_id}

    def arguments(self, function: str, params: Row) -> Row:
        """Arguments of a function, with the workspace unless they name one."""
        return params if function in NOT_ABOUT_WORKSPACE else {"workspace": self.workspace_id} | params


class Database(Protocol):
    """Access to the database as one account in one workspace. Rows are JSON values."""

    workers: int  # calls that may run in parallel
    scope: Scope

    def in_workspace(self, workspace_id: UUID | str) -> "Database":
        """Return the same account's access to another of its workspaces."""

    def call(self, function: str, **params: Any) -> Any:
        """Call an SQL function, on the workspace where it takes one, and return its result."""

    def insert(self, table: str, row: Row) -> Row:
        """Insert one row into the workspace and return it."""

    def update(self, table: str, row_id: str, values: Row, key: str = "id") -> None:
        """Change one row of the workspace."""

    def delete(self, table: str, row_id: str) -> None:
        """Delete one row of the workspace."""

    def select(self, query: Query) -> list[Row]:
        """Return one page of the workspace's rows."""


def describe(code: str | None, message: str) -> DatabaseError:
    """Error with a message that the user can act on, for an SQLSTATE or PostgREST code."""
    if code in SIGNED_OUT:
        return SignedOut("Your session has ended. Sign in again.")
    if code == DISK_FULL:
        return DatabaseError(
            "The database's disk is full. Free some space there, then try again; repeating is safe."
        )
    if code == TIMED_OUT:
        return TimedOut(
            "The database timed out. Wait a moment, then try again, with less data if it happens again."
        )
    if code in TOO_LONG:
        return DatabaseError("This asks for too much at once. Try again with fewer values.")
    if code in UNSTORABLE:
        return DatabaseError("A text contains characters that cannot be stored. Remove them, then try again.")
    if code in UNREACHABLE:
        return Unreachable(
            "The database cannot be reached right now. Check that Tally is running, then try again."
        )
    if code in BUSY:
        return Unreachable("The database is too busy right now. Wait a moment, then try again.")
    if code == NOT_ALLOWED:
        return NotAllowed(_describe_refusal(message))
    if code in OWN_MESSAGES:
        return TooMuch(message) if code == TOO_MUCH else DatabaseError(message)
    return DatabaseError(f"The database refused this: {message}")


def _describe_refusal(message: str) -> str:
    is_policy = message.startswith("new row violates row-level security")
    return "Your role in this workspace does not allow this." if is_policy else message


def select_pages(database: Database, query: Query) -> Iterator[list[Row]]:
    """Every matching row, page by page."""
    page = database.select(query)
    while page:
        yield page
        page = database.select(replace(query, after=page[-1])) if len(page) == query.limit else []


def select_all(database: Database, query: Query) -> Iterator[Row]:
    """Every matching row."""
    return chain.from_iterable(select_pages(database, query))


def select_first(database: Database, query: Query) -> Row | None:
    """The first matching row, or None."""
    return next(iter(database.select(replace(query, limit=1))), None)


def quote(value: Any) -> str:
    """Quoted value for PostgREST filters and Postgres array literals."""
    escaped = str(value).replace("\\", r"\\").replace('"', r"\"")
    return f'"{escaped}"'
