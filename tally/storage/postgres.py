"""The operator's Postgres connection, and an account's database over it."""

import json
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row

from tally.core.paths import START
from tally.core.settings import load_settings, require_database_url
from tally.storage.database import (
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
from tally.storage.idle import end_idle_transactions

# As `set local role`, in one query with what the role's policies ask for.
ACT = """
select
    set_config('role', %s, true),
    set_config('request.jwt.claims', %s, true),
    set_config('request.headers', %s, true)"""


class PostgresDatabase:
    """The operator's connection, which assumes an account's role and claims for every call.

    By default in the account's personal workspace. `program` is what the audit log calls the caller.
    """

    workers = 1

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        user_id: UUID | str,
        workspace_id: UUID | str | None = None,
        program: str = "",
    ) -> None:
        self._connection, self._program = connection, program
        self._headers = json.dumps({"x-tally-user-agent": program} if program else {})
        self._claims = json.dumps({"sub": str(user_id), "role": "authenticated"})
        self.scope = Scope.of(user_id, workspace_id)

    def in_workspace(self, workspace_id: UUID | str) -> "PostgresDatabase":
        return PostgresDatabase(self._connection, self.scope.user_id, workspace_id, self._program)

    def call(self, function: str, **params: Any) -> Any:
        arguments = self.scope.arguments(function, params)
        names = sql.SQL(", ").join(
            sql.SQL("{} => {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in arguments
        )
        query = sql.SQL("select to_json(public.{}({}))").format(sql.Identifier(function), names)
        return self._execute(query, arguments)[0]

    def call_private(self, function: str, **params: Any) -> Any:
        """Call a function of the schema private as the connection's own role, on behalf of the account."""
        names = sql.SQL(", ").join(
            sql.SQL("{} => {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in params
        )
        query = sql.SQL("select to_json(private.{}({}))").format(sql.Identifier(function), names)
        return self._execute(query, params, "none")[0]

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make all calls over the connection one transaction. None of them is retried: the whole may be."""
        try:
            with self._connection.transaction():
                yield
        except psycopg.Error as error:
            raise describe_failure(error) from error

    def insert(self, table: str, row: Row) -> Row:
        row = row | self.scope.columns(table)
        query = sql.SQL(
            "with new as (insert into public.{} ({}) values ({}) returning *) select to_json(new) from new"
        ).format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join(map(sql.Placeholder, row)),
        )
        inserted: Row = self._execute(query, row)[0]
        return inserted

    def update(self, table: str, row_id: str, values: Row, key: str = "id") -> None:
        changes = sql.SQL(", ").join(
            sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in values
        )
        which = {key: row_id} | self.scope.columns(table)
        query = sql.SQL("update public.{} set {} where {}").format(
            sql.Identifier(table), changes, _conditions(which)
        )
        self._execute(query, values | _filters(which))

    def delete(self, table: str, row_id: str) -> None:
        which = {"id": row_id} | self.scope.columns(table)
        query = sql.SQL("delete from public.{} where {}").format(sql.Identifier(table), _conditions(which))
        self._execute(query, _filters(which))

    def select(self, query: Query) -> list[Row]:
        order = sql.SQL(", ").join(map(sql.Identifier, query.order))
        which = {**query.where, **self.scope.columns(query.table)}
        conditions = _conditions(which)
        if query.after is not None:
            last_row = sql.SQL(", ").join(map(sql.Placeholder, query.order))
            conditions = sql.SQL("{} and ({}) > ({})").format(conditions, order, last_row)
        statement = sql.SQL(
            "select to_json(r) from (select {} from public.{} where {} order by {} limit {}) as r"
        ).format(
            sql.SQL(", ").join(map(_column, query.columns.split(","))),
            sql.Identifier(query.table),
            conditions,
            order,
            sql.Literal(query.limit),
        )
        return self._execute(statement, (query.after or {}) | _filters(which))

    def _execute(
        self, query: sql.Composed, params: Mapping[str, Any], role: str = "authenticated"
    ) -> list[Any]:
        adapted = {name: _adapt(value) for name, value in params.items()}

        def attempt() -> list[Any]:
            try:
                with self._as_account(role) as cursor:
                    cursor.execute(query, adapted)
                    return [answer for (answer,) in cursor] if cursor.description else []
            except psycopg.Error as error:
                raise describe_failure(error) from error
            except UnicodeEncodeError as error:
                raise describe(NOT_TEXT, "") from error

        is_alone = self._connection.info.transaction_status == TransactionStatus.IDLE
        return RETRY(self._may_recover, attempt) if is_alone else attempt()

    def _may_recover(self, error: Exception) -> bool:
        return isinstance(error, Unreachable) and not self._connection.closed

    @contextmanager
    def _as_account(self, role: str) -> Iterator[psycopg.Cursor[Any]]:
        with self._connection.transaction(), self._connection.cursor(row_factory=tuple_row) as cursor:
            cursor.execute(ACT, [role, self._claims, self._headers])
            yield cursor


@contextmanager
def connect_operator() -> Iterator[psycopg.Connection[Any]]:
    """Connect past row-level security, in autocommit; raises DatabaseError."""
    try:
        connection = psycopg.connect(
            require_database_url(load_settings()), connect_timeout=10, autocommit=True
        )
    except psycopg.OperationalError:
        raise DatabaseError(
            f"The database cannot be reached. Start Tally with `{START}`, then try again."
        ) from None
    except (psycopg.ProgrammingError, UnicodeEncodeError):
        raise DatabaseError(
            "DATABASE_URL is not a Postgres address such as postgresql://postgres:password@host:5432/postgres."
        ) from None
    with closing(connection):
        try:
            end_idle_transactions(connection)
            yield connection
        except psycopg.Error as error:
            raise describe_failure(error) from None


def describe_failure(error: psycopg.Error) -> DatabaseError:
    """Error with a message that the user can act on."""
    return describe(error.sqlstate or _client_code(error), error.diag.message_primary or str(error))


def _client_code(error: psycopg.Error) -> str | None:
    """Code of an error that did not come from Postgres."""
    if isinstance(error, psycopg.OperationalError):
        return GATEWAY
    return NOT_TEXT if isinstance(error, psycopg.DataError) else None  # a NUL character


def _column(name: str) -> sql.Composable:
    """A column in PostgREST's spelling: `*`, a name, or a name cast with `::text`."""
    if name == "*":
        return sql.SQL("*")
    column = sql.Identifier(name.removesuffix("::text"))
    return sql.SQL("{}::text").format(column) if name.endswith("::text") else column


def _conditions(which: Mapping[str, Any]) -> sql.Composable:
    """Equalities with the parameters of `_filters`; true without any."""
    conditions = [_condition(column, value) for column, value in which.items()]
    return sql.SQL(" and ").join(conditions or [sql.SQL("true")])


def _filters(which: Mapping[str, Any]) -> Row:
    """The parameters of `_conditions`."""
    return {f"where_{name}": _as_array(value) for name, value in which.items()}


def _condition(column: str, value: Any) -> sql.Composable:
    """Equality with the parameter `where_<column>`."""
    if value is None:
        return sql.SQL("{} is null").format(sql.Identifier(column))
    pattern = sql.SQL("{} = any({})" if isinstance(value, list | tuple) else "{} = {}")
    return pattern.format(sql.Identifier(column), sql.Placeholder(f"where_{column}"))


def _as_array(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _adapt(value: Any) -> Any:
    """Objects and lists as untyped JSON, which suits json and jsonb; tuples as untyped array literals."""
    if isinstance(value, tuple):
        return "{" + ",".join(map(quote, value)) + "}"
    return json.dumps(value) if isinstance(value, dict | list) else value


def find_user(connection: psycopg.Connection[Any], email: str) -> UUID:
    """Id of the account with this email; raises DatabaseError without one."""
    query = "select id from auth.users where lower(email) = lower(%s)"
    try:
        with connection.transaction():
            row = connection.execute(query, [email.strip()]).fetchone()
    except psycopg.Error as error:
        raise describe_failure(error) from error
    except UnicodeEncodeError:
        row = None
    if row is None:
        raise DatabaseError(f"There is no account for {email}. Sign up in the dashboard first.")
    user_id: UUID = row[0]
    return user_id
