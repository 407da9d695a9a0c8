"""Questions about costs and traces, put to the engine that suits: Postgres, or ClickHouse past one machine.

Postgres is the truth. ClickHouse has copies of its rows, so it answers only where it is as good: it is there,
has this version's tables, and is not behind by more than a minute.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from tally.analytics.answers import Answer, Source
from tally.analytics.client import EngineDown, EngineError
from tally.analytics.connection import Connection, connect
from tally.analytics.exploration import Question
from tally.analytics.exploring import explore_costs, explore_values
from tally.analytics.performing import find_performance
from tally.analytics.tracing import find_sessions, find_traces
from tally.storage.database import Database

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

Mode = Literal["auto", "postgres", "clickhouse"]
Asked = Mapping[str, Any]
LEAST_RECORDS = 1_000_000  # of a workspace: with fewer, Postgres answers within a second
MOST_SECONDS = 60


class Engine(Protocol):
    """An answerer of questions, which are functions of the API with their arguments, for one account."""

    def ask(self, function: str, **asked: Any) -> Answer:
        """The answer of a function; raises DatabaseError."""


class PostgresEngine:
    """Postgres, asked under the account's own rights."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ask(self, function: str, **asked: Any) -> Answer:
        return Answer(self._database.call(function, **asked), None)


class ClickHouseEngine:
    """ClickHouse where it is as good as Postgres, which says what the account may read; else Postgres."""

    def __init__(self, database: Database, connection: Connection, mode: Mode = "auto") -> None:
        self._database, self._connection, self._mode = database, connection, mode

    def ask(self, function: str, **asked: Any) -> Answer:
        kind = _KINDS[function]
        rights = kind.load_rights(self._database, asked)
        if self._mode == "auto" and not kind.is_for_engine(rights):
            return Answer(self._database.call(function, **asked), None)
        reason = _find_obstacle(rights)
        if not reason:
            try:
                client = self._connection.open(rights["engine"]["installation"])
                return Answer(
                    kind.answer(client, asked, rights), Source("clickhouse", rights["engine"]["seconds"])
                )
            except EngineError as error:
                if isinstance(error, EngineDown):
                    self._connection.pause(error)
                reason = str(error)
        return Answer(self._database.call(function, **asked), Source("postgres", reason=reason))


def open_engine(database: Database, address: str | None, mode: Mode) -> Engine:
    """The engine of an installation for an account."""
    if not address or mode == "postgres":
        return PostgresEngine(database)
    return ClickHouseEngine(database, connect(address), mode)


class _Kind(NamedTuple):
    """Questions of one function: the function of their rights with its arguments, and what answers them."""

    rights: str
    arguments: Callable[[Asked], dict[str, Any]]
    answer: Callable[[Client, Asked, Asked], Any]

    def load_rights(self, database: Database, asked: Asked) -> Any:
        return database.call(self.rights, **self.arguments(asked))

    def is_for_engine(self, rights: Asked) -> bool:
        """True for what Postgres is slow at or lacks: many records or archived ones, but no sums of days."""
        is_large = rights["records"] >= LEAST_RECORDS or bool(rights.get("archives"))
        return is_large and not rights.get("is_of_days", False)


def _find_obstacle(rights: Asked) -> str:
    """The reason for which ClickHouse may not answer; empty for none."""
    engine = rights["engine"]
    if engine is None:
        return "The analytics engine has no rows yet. Run `tally analytics rebuild`."
    if engine["is_rebuilding"]:
        return "The analytics engine is being built."
    if engine["parked"]:
        return "The analytics engine could not take some records. See `tally analytics status`."
    if engine["seconds"] > MOST_SECONDS:
        return f"The analytics engine is {engine['seconds'] / 60:.0f} minutes behind."
    return ""


def _ask_for_values(asked: Asked) -> dict[str, Any]:
    """The question about costs whose groups are the values of a dimension."""
    dimension = asked["dimension"]
    is_class = dimension == "token_class"
    left_out = {dimension} if is_class else {dimension, "token_class"}
    return {
        "measure": "tokens" if is_class else "value",
        "by": (dimension,),
        "filters": {name: chosen for name, chosen in asked["filters"].items() if name not in left_out},
        "from_date": asked["from_date"],
        "to_date": asked["to_date"],
        "granularity": "none",
        "top_n": 0,
        "rates": asked.get("rates"),
    }


def _answer_values(client: Client, asked: Asked, rights: Asked) -> Any:
    question = Question.read(_ask_for_values(asked), rights)
    at_most = max(min(asked.get("at_most", 50), 1000), 1)
    return explore_values(client, question, asked.get("search", "").lower(), at_most)


def _ask_for_performance(asked: Asked) -> dict[str, Any]:
    return {name: asked[name] for name in ("first_at", "last_at", "granularity")}


def _answer_performance(client: Client, asked: Asked, rights: Asked) -> Any:
    if rights["starts"] is None:
        raise EngineError("The period is too long.")  # as Postgres says in its own words
    return find_performance(client, asked, rights)


def _ask_for_traces(asked: Asked) -> dict[str, Any]:
    return {"search": asked.get("search")}


_KINDS = {
    "explore_costs": _Kind(
        "explore_rights",
        dict,
        lambda client, asked, rights: explore_costs(client, Question.read(asked, rights)),
    ),
    "explore_values": _Kind("explore_rights", _ask_for_values, _answer_values),
    "find_traces": _Kind("trace_rights", _ask_for_traces, find_traces),
    "find_sessions": _Kind("trace_rights", _ask_for_traces, find_sessions),
    "model_performance": _Kind("performance_rights", _ask_for_performance, _answer_performance),
}
