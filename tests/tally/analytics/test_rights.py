"""A question of the engine never reaches beyond its asker's workspace and rights, whatever is in it."""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

import tally.analytics
from tally.analytics.building import rebuild
from tally.analytics.connection import Connection as Engine
from tally.analytics.engine import ClickHouseEngine, PostgresEngine
from tally.analytics.rights import SOURCES, Rights, Scope
from tally.analytics.shipping import Shipper
from tally.storage.database import NotAllowed
from tally.storage.postgres import PostgresDatabase
from tests.database.teams import Team, make_team
from tests.database.test_saving import record
from tests.database.test_traces import llm
from tests.database_fixtures import Connection, Project

FOLDER = Path(tally.analytics.__file__).parent
ASKING = ("exploration", "explore_query", "exploring", "performing", "tracing", "engine", "numbers")
HOSTILE = (
    "' or 1 = 1 --",
    "x') union all select * from records --",
    "{tenant:UUID}",
    "${records} $records",
    "%(tenant)s",
    "\\' or 1 = 1 --",
    "[null]\t\n",
    "\N{RIGHT-TO-LEFT OVERRIDE}\N{PILE OF POO}",
)
DAYS = {"from_date": "2026-05-01", "to_date": "2026-05-02"}
PERIOD = {"first_at": "2026-05-01T00:00:00+00:00", "last_at": "2026-05-03T00:00:00+00:00"}
LIST = {"status": None, "service": None, "model": None, "session": None, "search": None}
PAGE = {"sort": "newest", "skip": 0, "page_rows": 25}
TABLE = re.compile(r"\bfrom\s+(records|superseded|traces)\b(?!\s+final where workspace_id = \{tenant:UUID\})")


class Listener:
    """A client that keeps what it is asked."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def query(self, text: str, parameters: Any = None, **options: Any) -> Any:
        if parameters is not None:  # all but the facts of the engine
            self.asked.append((text, parameters))
        return self.client.query(text, parameters=parameters, **options)

    def command(self, *arguments: Any, **options: Any) -> Any:
        return self.client.command(*arguments, **options)


@pytest.fixture(scope="module")
def teams(module_project: Project, engine: Any) -> Iterator[tuple[Connection, Team, Team]]:
    """Two workspaces, whose records have hostile names, and the other's alone its own mark."""
    with module_project.connect() as database:
        rebuild(database, engine, replaces=True)
        mine, other = (make_team(module_project, database, "owner", "ann") for _ in range(2))
        for team, mark in ((mine, "mine"), (other, "theirs")):
            records = [
                record(
                    timestamp=f"2026-05-01T12:00:{nth:02}Z",
                    model_name=f"{mark} {name}".strip(),
                    collection_method="otlp",
                    metadata={
                        "branch": name,
                        "customer": mark,
                        "tags": [name, mark],
                        "inference": {"duration_ms": 5},
                    },
                )
                for nth, name in enumerate(HOSTILE)
            ]
            assert team["owner"].save(None, *records)["inserted"] == len(HOSTILE)
            spans = [
                llm(nth + 1, trace_id=f"{nth + 1:032x}", name=mark, session=name, model=name)
                | {"service": name, "started_at": "2026-05-01T12:00:00Z"}
                for nth, name in enumerate(HOSTILE)
            ]
            team["owner"].ask("save_spans", spans=spans)
        Shipper(database, engine).ship_all()
        yield database, mine, other


def list_questions(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Questions with a text in every place that takes one."""
    for dimension in ("branch", "tag", "provider"):
        filters = {"filters": {dimension: [text, None]}}
        yield "explore_costs", {"measure": "value", "by": ("customer", "model"), **DAYS, **filters}
        yield (
            "explore_costs",
            {"measure": "spend", "by": (dimension,), "granularity": "hour", **DAYS, **filters},
        )
    prices = [{"provider": text, "model": text, "from": "2026-01-01", "usd_per_mtok": "1"}]
    asked = {"measure": "cache_savings", "by": ("model",), "filters": {}, "prices": prices}
    yield "explore_costs", {**asked, **DAYS}
    yield "explore_values", {"dimension": "customer", "filters": {}, "search": text, **DAYS}
    yield "explore_values", {"dimension": "tag", "filters": {"branch": [text]}, "search": "", **DAYS}
    for name in LIST:
        yield "find_traces", {**PERIOD, **LIST, name: text, **PAGE}
    yield "find_traces", {**PERIOD, **LIST, **PAGE, "sort": text}
    yield "find_sessions", {**PERIOD, "search": text, **PAGE}
    yield "model_performance", {**PERIOD, "granularity": "day", "project": None, "chosen": (text,)}


@pytest.fixture(scope="module")
def usual_queries(teams: tuple[Connection, Team, Team], engine: Any) -> list[str]:
    """The queries of these questions with a harmless text."""
    database, mine, _ = teams
    listener = Listener(engine)
    account = PostgresDatabase(database, mine["owner"].id, mine.id)
    for function, asked in list_questions("x"):
        ClickHouseEngine(account, Engine("", listener), "clickhouse").ask(function, **asked)  # type: ignore[arg-type]
    return [query for query, _ in listener.asked]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_leads_out_of_a_workspace(
    teams: tuple[Connection, Team, Team], engine: Any, usual_queries: list[str], text: str
) -> None:
    database, mine, _ = teams
    account = PostgresDatabase(database, mine["owner"].id, mine.id)
    listener = Listener(engine)
    clickhouse = ClickHouseEngine(account, Engine("", listener), "clickhouse")  # type: ignore[arg-type]
    for function, asked in list_questions(text):
        answer = clickhouse.ask(function, **asked)
        assert answer.source is not None
        assert answer.source.engine == "clickhouse", (function, asked, answer.source)
        assert "theirs" not in str(answer.value), (function, asked)
        assert counts(answer.value) == counts(PostgresEngine(account).ask(function, **asked).value), asked
    for query, parameters in listener.asked:
        assert str(parameters["tenant"]) == str(mine.id)
        assert not TABLE.search(query), query
    assert [query for query, _ in listener.asked] == usual_queries


def counts(answer: Any) -> Any:
    """What an answer says of how much there is."""
    if "total" in answer:
        return answer["total"]["records"], answer["groups"]
    if "values" in answer:
        return len(answer["values"]), answer["more"]
    return [answer[name] for name in ("traces", "sessions", "requests", "names") if name in answer]


def test_strangers_are_refused_before_the_engine_is_asked(
    teams: tuple[Connection, Team, Team], engine: Any
) -> None:
    database, mine, other = teams
    listener = Listener(engine)
    account = PostgresDatabase(database, mine["owner"].id, other.id)
    clickhouse = ClickHouseEngine(account, Engine("", listener), "clickhouse")  # type: ignore[arg-type]
    for function, asked in list_questions("x"):
        with pytest.raises(NotAllowed):
            clickhouse.ask(function, **asked)
    assert listener.asked == []


def test_a_query_without_a_scope_is_not_asked(teams: tuple[Connection, Team, Team], engine: Any) -> None:
    _, mine, other = teams
    rights = Rights(str(mine.id), str(UUID(int=1)), None, ())
    listener = Listener(engine)
    scope = Scope(listener, rights, *_period())  # type: ignore[arg-type]
    for query, parameters in (
        ("select count() from records", {}),
        ("select 1", {}),
        ("select count() as n from $records", {"tenant": str(other.id)}),
        ("select count() as n from $records", {"hidden": []}),
    ):
        with pytest.raises(ValueError, match=r"of the engine|of a query"):
            scope.ask(query, parameters)
    assert listener.asked == []
    assert scope.ask("select count() as n from $records", {}) == [{"n": len(HOSTILE)}]


def _period() -> tuple[Any, Any]:
    return datetime.fromisoformat(PERIOD["first_at"]), datetime.fromisoformat(PERIOD["last_at"])


def test_questions_name_no_table_and_ask_through_their_scope_alone() -> None:
    assert all("workspace_id = {tenant:UUID}" in source for source in SOURCES.values())
    found = [
        (name, line)
        for name in ASKING
        for line in (FOLDER / f"{name}.py").read_text().splitlines()
        if re.search(r"\b(from|join)\s+(records|superseded|traces)\b", line)
        or re.search(r"\.(query|command|raw_query|query_\w+)\(", line)
    ]
    assert found == []
