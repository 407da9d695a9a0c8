"""Two ways to act as a person under row-level security: a Supabase client, or an operator's connection."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar
from uuid import UUID

import httpx
import psycopg
from postgrest.exceptions import APIError
from psycopg import sql
from psycopg.rows import tuple_row
from psycopg.types.json import Json
from supabase import Client

from tally.problem import Problem

Row = dict[str, Any]
T = TypeVar("T")

PAGE = 1_000  # PostgREST cuts longer answers
PAUSES = (0.2, 0.5, 1.0, 2.0)  # seconds before each further try
GATEWAY = "503"
UNREACHABLE = frozenset(
    {"502", GATEWAY, "504", "57P01", "57P02", "57P03", "08006", "08003", "PGRST000", "PGRST001", "PGRST002"}
)
BUSY = frozenset({"40001", "40P01", "53300", "PGRST003"})  # rolled back, so it may be sent again
SIGNED_OUT = frozenset({"PGRST301", "PGRST302", "PGRST303", "401"})
OWN_WORDS = frozenset({"22023", "42501", "23503"})  # what Tally's own functions raise with a sentence
DISK_FULL = "53100"
TIMED_OUT = "57014"


class ApiError(Problem):
    """The database refused; the text is fit for a person."""


class Unreachable(ApiError):
    """Nothing could be done, several times over; what was sent may be sent again."""


class SignedOut(ApiError):
    """The access token is no longer good."""


class Api(Protocol):
    """What the domain asks of a database, always as one person. Rows are as JSON has them."""

    workers: int  # how many calls may run side by side

    def call(self, function: str, **params: Any) -> Any:
        """The answer of an SQL function."""

    def insert(self, table: str, row: Row) -> Row:
        """Insert one row and return it."""

    def update(self, table: str, row_id: str, values: Row, key: str = "id") -> None:
        """Change one row."""

    def delete(self, table: str, row_id: str) -> None:
        """Delete one row."""

    def select(
        self, table: str, columns: str, order: Sequence[str], after: Row | None = None, limit: int = PAGE
    ) -> list[Row]:
        """At most `limit` rows in this order, behind `after` (the order's columns of the last row seen)."""


def describe(code: str | None, message: str) -> ApiError:
    """The error of a database as one that a person can act on."""
    if code in SIGNED_OUT:
        return SignedOut("Your session has ended. Sign in again.")
    if code == DISK_FULL:
        return ApiError(
            "The database's disk is full. Free some space there, then try again; nothing is added twice."
        )
    if code == TIMED_OUT:
        return ApiError("The database took too long and stopped. Try again, with less at a time.")
    if code in UNREACHABLE:
        return Unreachable(
            "The database cannot be reached right now. Check that Tally is running, then try again."
        )
    if code in BUSY:
        return Unreachable("The database is too busy right now. Wait a moment, then try again.")
    if code in OWN_WORDS:
        return ApiError(message)
    return ApiError(f"The database refused this: {message}")


def describe_answer(answer: APIError) -> ApiError:
    """The error of the data API; one without a code is not its own, but of a gateway that misses it."""
    if answer.code:
        return describe(str(answer.code), answer.message or "no reason given")
    if "API key" in (answer.message or ""):
        return ApiError(
            "The project does not know this API key. Check SUPABASE_PUBLISHABLE_KEY and SUPABASE_URL."
        )
    return describe(GATEWAY, "")


def select_all(api: Api, table: str, columns: str, order: Sequence[str]) -> Iterator[list[Row]]:
    """Every row of the person in this order, page by page."""
    page = api.select(table, columns, order)
    while page:
        yield page
        page = api.select(table, columns, order, page[-1]) if len(page) == PAGE else []


def patiently(attempt: Callable[[], T], is_hopeless: Callable[[], bool] = lambda: False) -> T:
    """Try again for a while when nothing answers; every call here is safe to repeat."""
    for pause in PAUSES:
        try:
            return attempt()
        except Unreachable:
            if is_hopeless():
                raise
            time.sleep(pause)
    return attempt()


class SupabaseApi:
    """A person's own Supabase client."""

    workers = 3  # measured with two cores: 2.1 s for 100,000 records with two, 1.9 s with three

    def __init__(self, client: Client) -> None:
        self._client = client

    def call(self, function: str, **params: Any) -> Any:
        return self._execute(self._client.rpc(function, params).execute).data

    def insert(self, table: str, row: Row) -> Row:
        inserted: Row = self._execute(self._client.table(table).insert(row).execute, retry=False).data[0]
        return inserted

    def update(self, table: str, row_id: str, values: Row, key: str = "id") -> None:
        self._execute(self._client.table(table).update(values).eq(key, row_id).execute)

    def delete(self, table: str, row_id: str) -> None:
        self._execute(self._client.table(table).delete().eq("id", row_id).execute)

    def select(
        self, table: str, columns: str, order: Sequence[str], after: Row | None = None, limit: int = PAGE
    ) -> list[Row]:
        query = self._client.table(table).select(columns).limit(limit).retry(False)  # see `patiently`
        for column in order:
            query = query.order(column)
        if after is not None:
            query = query.or_(_behind(order, after))
        rows: list[Row] = self._execute(query.execute).data
        return rows

    def _execute(self, execute: Callable[[], Any], retry: bool = True) -> Any:
        def attempt() -> Any:
            try:
                return execute()
            except httpx.HTTPError as error:
                raise describe(GATEWAY, "") from error
            except APIError as error:
                raise describe_answer(error) from error

        return patiently(attempt) if retry else attempt()


def _behind(order: Sequence[str], after: Row) -> str:
    """PostgREST's spelling of (a, b) > (x, y)."""
    values = [_quote(after[column]) for column in order]
    ties = [f"{column}.eq.{value}" for column, value in zip(order, values, strict=True)]
    last = [f"{column}.gt.{value}" for column, value in zip(order, values, strict=True)]
    return ",".join(f"and({','.join([*ties[:i], step])})" for i, step in enumerate(last))


def _quote(value: Any) -> str:
    """As PostgREST's filters and array literals both have it."""
    escaped = str(value).replace("\\", r"\\").replace('"', r"\"")
    return f'"{escaped}"'


class PostgresApi:
    """A database connection of the operator that takes on a person's role and claims for every call."""

    workers = 1

    def __init__(self, connection: psycopg.Connection[Any], user_id: UUID | str) -> None:
        self._connection = connection
        self._claims = json.dumps({"sub": str(user_id), "role": "authenticated"})

    def call(self, function: str, **params: Any) -> Any:
        arguments = sql.SQL(", ").join(
            sql.SQL("{} => {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in params
        )
        query = sql.SQL("select to_json(public.{}({}))").format(sql.Identifier(function), arguments)
        return self._answers(query, params)[0]

    def insert(self, table: str, row: Row) -> Row:
        query = sql.SQL(
            "with new as (insert into public.{} ({}) values ({}) returning *) select to_json(new) from new"
        ).format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join(map(sql.Placeholder, row)),
        )
        inserted: Row = self._answers(query, row)[0]
        return inserted

    def update(self, table: str, row_id: str, values: Row, key: str = "id") -> None:
        changes = sql.SQL(", ").join(
            sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in values
        )
        query = sql.SQL("update public.{} set {} where {} = {}").format(
            sql.Identifier(table), changes, sql.Identifier(key), sql.Placeholder("_key")
        )
        self._answers(query, values | {"_key": row_id})

    def delete(self, table: str, row_id: str) -> None:
        query = sql.SQL("delete from public.{} where id = %(id)s").format(sql.Identifier(table))
        self._answers(query, {"id": row_id})

    def select(
        self, table: str, columns: str, order: Sequence[str], after: Row | None = None, limit: int = PAGE
    ) -> list[Row]:
        ordered = sql.SQL(", ").join(map(sql.Identifier, order))
        behind: sql.Composable = sql.SQL("true")
        if after is not None:
            behind = sql.SQL("({}) > ({})").format(ordered, sql.SQL(", ").join(map(sql.Placeholder, order)))
        query = sql.SQL(
            "select to_json(r) from (select {} from public.{} where {} order by {} limit {}) as r"
        ).format(
            sql.SQL(", ").join(map(_column, columns.split(","))),
            sql.Identifier(table),
            behind,
            ordered,
            sql.Literal(limit),
        )
        return self._answers(query, after or {})

    def _answers(self, query: sql.Composed, params: Mapping[str, Any]) -> list[Any]:
        adapted = {name: _adapt(value) for name, value in params.items()}

        def attempt() -> list[Any]:
            try:
                with self._as_person() as cursor:
                    cursor.execute(query, adapted)
                    return [answer for (answer,) in cursor] if cursor.description else []
            except psycopg.Error as error:
                raise describe_failure(error) from error

        return patiently(attempt, lambda: self._connection.closed)

    @contextmanager
    def _as_person(self) -> Iterator[psycopg.Cursor[Any]]:
        with self._connection.transaction(), self._connection.cursor(row_factory=tuple_row) as cursor:
            cursor.execute("set local role authenticated")
            cursor.execute("select set_config('request.jwt.claims', %s, true)", [self._claims])
            yield cursor


def describe_failure(error: psycopg.Error) -> ApiError:
    """The error of a connection as one that a person can act on."""
    code = error.sqlstate or (GATEWAY if isinstance(error, psycopg.OperationalError) else None)
    return describe(code, error.diag.message_primary or str(error))


def _column(name: str) -> sql.Composable:
    """PostgREST's spelling of a column: all of them, one, or one as text."""
    if name == "*":
        return sql.SQL("*")
    column = sql.Identifier(name.removesuffix("::text"))
    return sql.SQL("{}::text").format(column) if name.endswith("::text") else column


def _adapt(value: Any) -> Any:
    """JSON for objects and lists; a tuple is an array, of the type that the function takes."""
    if isinstance(value, tuple):
        return "{" + ",".join(map(_quote, value)) + "}"
    return Json(value) if isinstance(value, dict | list) else value


def find_user(connection: psycopg.Connection[Any], email: str) -> UUID:
    """The id of the account with this email; raises ApiError when there is none."""
    query = "select id from auth.users where lower(email) = lower(%s)"
    try:
        with connection.transaction():
            row = connection.execute(query, [email.strip()]).fetchone()
    except psycopg.Error as error:
        raise describe_failure(error) from error
    if row is None:
        raise ApiError(f"There is no account for {email}. Sign up in the dashboard first.")
    user_id: UUID = row[0]
    return user_id
