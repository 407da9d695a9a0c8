"""Database access through an account's own Supabase client."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

import httpx
from postgrest.exceptions import APIError
from supabase import Client, create_client
from supabase.lib.client_options import SyncClientOptions

from tally.core.tls import certificates
from tally.storage.database import (
    ADDRESS_TOO_LONG,
    GATEWAY,
    NOT_TEXT,
    RETRY,
    DatabaseError,
    Query,
    Row,
    Scope,
    Unreachable,
    describe,
    quote,
)

TIMEOUT_SECONDS = 120.0
# Functions that may read or change all of a workspace's records; they have limits of their own, up to 120 s.
LONG_FUNCTIONS = frozenset(
    {
        "agent_days",
        "agent_models",
        "agent_places",
        "agent_session",
        "agent_sessions",
        "bring_experiment",
        "costs_by_dimension",
        "count_by_rule",
        "delete_own_account",
        "delete_source",
        "delete_workspace",
        "explore_costs",
        "explore_values",
        "focus_rows",
        "gather_runs",
        "invoice_usage",
        "model_performance",
        "name_model",
        "prepaid_credits",
        "preview_aliases",
        "preview_restore",
        "preview_rules",
        "prompt_figures",
        "prompt_scores",
        "read_experiment",
        "restore_filing",
        "restore_project",
        "rule_suggestions",
        "save_invoices",
        "save_runs",
        "save_scores",
        "set_aliases",
        "set_paid_by_plan",
        "set_rules",
        "set_source_enabled",
        "unknown_people",
        "update_workspace",
    }
)
LONG_TIMEOUT_SECONDS = 130.0

R = TypeVar("R")


def open_supabase(
    url: str,
    key: str,
    token: str | None = None,
    timeout_seconds: float = TIMEOUT_SECONDS,
    headers: Mapping[str, str] | None = None,
) -> Client:
    """A Supabase client with this access token, which neither refreshes nor stores a session.

    Raises the errors of create_client for an unusable url or key.
    """
    options = SyncClientOptions(
        headers={**(headers or {}), **({"Authorization": f"Bearer {token}"} if token else {})},
        auto_refresh_token=False,
        persist_session=False,
        httpx_client=httpx.Client(
            verify=certificates(),
            timeout=timeout_seconds,
            follow_redirects=True,
            http2=True,
            event_hooks={"request": [_wait_longer]},
        ),
    )
    return create_client(url, key, options)


def _wait_longer(request: httpx.Request) -> None:
    if request.url.path.rpartition("/rpc/")[2] in LONG_FUNCTIONS:
        request.extensions["timeout"] = httpx.Timeout(LONG_TIMEOUT_SECONDS).as_dict()


class SupabaseDatabase:
    """The database as the account of a Supabase client, by default in its personal workspace."""

    workers = 3  # on two cores, 100,000 records take 2.1 s with two workers, 1.9 s with three

    def __init__(self, client: Client, user_id: UUID | str, workspace_id: UUID | str | None = None) -> None:
        self._client = client
        self.scope = Scope.of(user_id, workspace_id)

    def in_workspace(self, workspace_id: UUID | str) -> "SupabaseDatabase":
        return SupabaseDatabase(self._client, self.scope.user_id, workspace_id)

    def call(self, function: str, **params: Any) -> Any:
        arguments = self.scope.arguments(function, params)
        request = self._client.rpc(function, arguments)
        if arguments:  # told their names, PostgREST does not parse the body: 48 ms for 5,000 records
            request.request.params = httpx.QueryParams(columns=",".join(arguments))
        return self._execute(request.execute).data

    def insert(self, table: str, row: Row) -> Row:
        request = self._client.table(table).insert(row | self.scope.columns(table))
        inserted: Row = self._execute(request.execute, retry=False).data[0]
        return inserted

    def update(self, table: str, row_id: str, values: Row, key: str = "id") -> None:
        request = self._client.table(table).update(values)
        self._execute(request.match({key: row_id} | self.scope.columns(table)).execute)

    def delete(self, table: str, row_id: str) -> None:
        request = self._client.table(table).delete()
        self._execute(request.match({"id": row_id} | self.scope.columns(table)).execute)

    def select(self, query: Query) -> list[Row]:
        request = self._client.table(query.table).select(query.columns).limit(query.limit).retry(False)
        for column in query.order:
            request = request.order(column)
        for column, value in {**query.where, **self.scope.columns(query.table)}.items():
            request = request.filter(column, *_condition(value))
        if query.after is not None:
            # Implied by the other condition, which no index can begin with.
            request = request.gte(query.order[0], str(query.after[query.order[0]]))
            request = request.or_(_after(query.order, query.after))
        rows: list[Row] = self._execute(request.execute).data
        return rows

    def _execute(self, execute: Callable[[], Any], retry: bool = True) -> Any:
        def attempt() -> Any:
            try:
                return execute()
            except httpx.HTTPError as error:
                raise describe(GATEWAY, "") from error
            except httpx.InvalidURL as error:
                raise describe(ADDRESS_TOO_LONG, "") from error
            except UnicodeEncodeError as error:
                raise describe(NOT_TEXT, "") from error
            except APIError as error:
                raise describe_answer(error) from error

        return RETRY(Unreachable, attempt) if retry else attempt()


def _condition(value: Any) -> tuple[str, str]:
    """The operator and operand of an equality in PostgREST's spelling."""
    if value is None:
        return "is", "null"
    if isinstance(value, list | tuple):
        return "in", f"({','.join(map(quote, value))})"
    return "eq", str(value)


def _after(order: Sequence[str], after: Row) -> str:
    """(a, b) > (x, y) in PostgREST's spelling."""
    values = [quote(after[column]) for column in order]
    ties = [f"{column}.eq.{value}" for column, value in zip(order, values, strict=True)]
    last = [f"{column}.gt.{value}" for column, value in zip(order, values, strict=True)]
    return ",".join(f"and({','.join([*ties[:i], step])})" for i, step in enumerate(last))


def describe_answer(answer: APIError) -> DatabaseError:
    """Error of a PostgREST answer; an answer without a code comes from the gateway."""
    if answer.code:
        return describe(str(answer.code), answer.message or "no reason given")
    if "API key" in (answer.message or ""):
        return DatabaseError(
            "The project does not accept this API key. Check SUPABASE_PUBLISHABLE_KEY and SUPABASE_URL."
        )
    return describe(GATEWAY, "")


def ask(query: Callable[[], R]) -> R:
    """Run a query of a Supabase client, without retries; raises DatabaseError."""
    try:
        return query()
    except APIError as error:
        raise describe_answer(error) from error
    except httpx.HTTPError as error:
        raise describe(GATEWAY, str(error)) from error
