"""Both engines after any history: bills that come and go, sources switched off and on, records deleted."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Context, Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tally.analytics.building import rebuild
from tally.analytics.connection import Connection as Engine
from tally.analytics.engine import ClickHouseEngine, PostgresEngine
from tally.analytics.shipping import Shipper
from tally.storage.postgres import PostgresDatabase
from tests.database.teams import COLLEAGUES, Team, make_team
from tests.database.test_explore_costs import (
    DAYS,
    EVERY_DIMENSION,
    FIRST,
    GRANULARITIES,
    MEASURES,
    PRICES,
    make_records,
)
from tests.database.test_traces import llm, span
from tests.database_fixtures import Connection, Project

PEOPLE = ("ann", "bob", "admin")
START = datetime.fromisoformat("2026-03-24T12:00:00+00:00")
PHASES = [Phase.explicit, Phase.reuse, Phase.generate]
EVENTS = 6  # which several sources tell
LAST = FIRST + timedelta(days=DAYS)
PERIOD = {"first_at": "2026-03-24T00:00:00+00:00", "last_at": "2026-03-31T22:00:00+00:00"}


@dataclass
class History:
    """A workspace and what happened in it."""

    database: Connection
    team: Team
    projects: list[UUID]
    chance: random.Random
    sources: list[tuple[str, UUID]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def save(self) -> None:
        """A source of somebody, with events that other sources may tell as well."""
        name = self.chance.choice(PEOPLE)
        source = self.team[name].add_source(name=f"source {len(self.sources)}")
        self.sources.append((name, source))
        records = [*make_records(self.chance)][:10]
        for record in records:
            record["dataset"] = self.chance.choice(["requests", "requests", "usage", "costs"])
            if self.chance.random() < 0.5:
                event = self.chance.randrange(EVENTS)
                record |= {"source_key": str(UUID(int=event)), "request_id": f"msg_{event}"}
                record.pop("day", None)
                record["timestamp"] = (
                    START + timedelta(hours=17 * event, minutes=self.chance.choice([0, 0, 30]))
                ).isoformat()
            if self.chance.random() < 0.4:
                self._make_call(record)
        self.team[name].save(source, *records)

    def _make_call(self, record: dict[str, Any]) -> None:
        record["collection_method"] = "otlp"
        record["metadata"] |= {
            "inference": {
                "status": self.chance.choice(["ok", "ok", "ok", "error", "timeout", "odd"]),
                "duration_ms": self.chance.choice([0, 5, 70, 800, None, "long"]),
                "first_token_ms": self.chance.choice([3, 60, None]),
            },
            "trace_id": self.chance.choice(["r", "s", ""]),
        }

    def switch(self) -> None:
        """A source that is left out, or counted again."""
        if self.sources:
            name, source = self.chance.choice(self.sources)
            self.team[name].call("set_source_enabled", source, self.chance.random() < 0.5)

    def remove(self) -> None:
        """A source that is deleted."""
        if self.sources:
            name, source = self.sources.pop(self.chance.randrange(len(self.sources)))
            self.team[name].call("delete_source", source)

    def delete(self) -> None:
        """Some records that are deleted."""
        self.team["admin"].connection.execute(
            "delete from public.cost_records where workspace_id = %s and input_tokens = 7", [self.team.id]
        )

    def file(self) -> None:
        """Records that are given a project."""
        self.team["admin"].choose(
            self.chance.choice([None, *self.projects]), f"provider_id::text < '{self.chance.choice('5bf')}'"
        )

    def trace(self) -> None:
        """Spans of somebody."""
        name = self.chance.choice(PEOPLE)
        spans = []
        for _ in range(4):
            trace = f"{self.chance.randrange(12):032x}"
            number = self.chance.randrange(1, 6)
            made = self.chance.choice([span, llm])
            spans.append(
                made(
                    number,
                    trace_id=trace,
                    started_at=(START + timedelta(hours=self.chance.randrange(150))).isoformat(),
                    name=self.chance.choice(["Plan", "Über", "x'; drop table traces --"]),
                    session=self.chance.choice(["", "s1", "s2"]),
                    service=self.chance.choice(["shop", ""]),
                    status=self.chance.choice(["ok", "ok", "error"]),
                    project_id=self.chance.choice([None, *map(str, self.projects)]),
                )
            )
        self.team[name].ask("save_spans", spans=spans)


ACTIONS: list[Callable[[History], None]] = [
    *[History.save] * 4,
    *[History.switch] * 2,
    History.remove,
    History.delete,
    History.file,
    *[History.trace] * 2,
]


@st.composite
def explorations(draw: st.DrawFn, history: History) -> dict[str, Any]:
    measure = draw(st.sampled_from(MEASURES))
    dimensions = [name for name in EVERY_DIMENSION if measure == "tokens" or name != "token_class"]
    values: dict[str, list[Any]] = {
        "provider": ["openai", "mistral"],
        "model": ["gpt-5", "claude"],
        "project": [*map(str, history.projects), None],
        "person": [str(history.team["ann"].id), None],
        "source": [*(str(source) for _, source in history.sources), None],
        "token_class": ["input", "output"],
    }
    first, last = sorted(draw(st.lists(st.integers(-1, DAYS), min_size=2, max_size=2)))
    days = (FIRST + timedelta(days=first), FIRST + timedelta(days=last))
    filtered = draw(st.lists(st.sampled_from(dimensions), max_size=2, unique=True))
    rates = [format(Decimal(n % 3 + 1) / 7, "f") for n in range((days[1] - days[0]).days + 1)]
    return {
        "measure": measure,
        "by": tuple(draw(st.lists(st.sampled_from(dimensions), max_size=2, unique=True))),
        "filters": {
            name: draw(
                st.lists(st.sampled_from(values.get(name, ["a", "c", "x", None])), min_size=1, unique=True)
            )
            for name in filtered
        },
        "from_date": days[0].isoformat(),
        "to_date": days[1].isoformat(),
        "granularity": draw(st.sampled_from(GRANULARITIES)),
        "top_n": draw(st.sampled_from([0, 1, 3, 50])),
        "rates": draw(st.none() | st.just(tuple(rates))),
        "prices": PRICES,
    }


@st.composite
def questions(draw: st.DrawFn, history: History) -> tuple[str, dict[str, Any]]:
    function = draw(st.sampled_from(["explore_costs"] * 4 + [*ANSWERS]))
    page = {"skip": draw(st.integers(0, 2)), "page_rows": draw(st.integers(1, 5))}
    search = draw(st.sampled_from([None, "a", "ÜBER", "0000000", "'; drop"]))
    sort = draw(st.sampled_from(["newest", "slowest", "dearest"]))
    if function == "explore_values":
        asked = draw(explorations(history))
        given = {name: asked[name] for name in ("filters", "from_date", "to_date", "rates")}
        dimension = draw(st.sampled_from(EVERY_DIMENSION))
        if dimension != "token_class":
            given["filters"].pop("token_class", None)
        return function, {
            **given,
            "dimension": dimension,
            "search": draw(st.sampled_from(["", "A", "open"])),
            "at_most": draw(st.sampled_from([1, 50])),
        }
    if function == "find_traces":
        chosen = {
            "status": draw(st.sampled_from([None, "ok", "error"])),
            "service": draw(st.sampled_from([None, "shop"])),
            "model": draw(st.sampled_from([None, "gpt-5"])),
            "session": draw(st.sampled_from([None, "s1"])),
        }
        return function, {**PERIOD, "search": search, **chosen, "sort": sort, **page}
    if function == "find_sessions":
        return function, {**PERIOD, "search": search, "sort": sort, **page}
    if function == "model_performance":
        project = draw(st.sampled_from([None, str(UUID(int=0)), *map(str, history.projects)]))
        by = draw(st.sampled_from(["hour", "day"]))
        return function, {**PERIOD, "granularity": by, "project": project, "chosen": ("gpt-5",)}
    return function, draw(explorations(history))


def plain(value: Any) -> Any:
    """An answer without what is no figure: the zeros at the end of a number, and the zone of an instant."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, str):
        try:
            return Decimal(value).normalize(Context(prec=200))
        except ArithmeticError:
            pass
        if len(value) > 20 and value[10] == "T":
            return datetime.fromisoformat(value)
    return value


def plain_traces(answer: Any) -> Any:
    """A list of traces, of which points are a sample in any order."""
    return plain(answer | {"points": sorted(answer["points"] or [], key=str)})


def plain_savings(asked: dict[str, Any], answer: Any) -> Any:
    """An answer about costs; sums of days do not know which of their records read from a cache."""
    if asked["measure"] == "cache_savings":
        for figures in (answer["total"], *answer["parts"]):
            figures["unpriced_records"] = None
    return plain(answer)


ANSWERS: dict[str, Callable[[dict[str, Any], Any], Any]] = {
    "explore_costs": plain_savings,
    "explore_values": lambda _, answer: plain(answer),
    "find_traces": lambda _, answer: plain_traces(answer),
    "find_sessions": lambda _, answer: plain(answer),
    "model_performance": lambda _, answer: plain(answer),
}


@pytest.fixture(scope="module")
def place(module_project: Project, engine: Any) -> Iterator[tuple[Connection, Team, list[UUID]]]:
    """A workspace, and its neighbour with the same events."""
    with module_project.connect() as database:
        rebuild(database, engine, replaces=True)
        neighbours = History(database, make_team(module_project, database, *COLLEAGUES), [], random.Random(1))
        for _ in range(5):
            neighbours.save()
            neighbours.trace()
        team = make_team(module_project, database, *COLLEAGUES)
        admin = team["admin"]
        yield database, team, [admin.add_project("web"), admin.add_project("secret", is_private=True)]


def empty(database: Connection, team: Team) -> None:
    """Forget what happened in a workspace."""
    for table in ("cost_records", "superseded_records", "imports", "traces", "spans"):
        database.execute(f"delete from public.{table} where workspace_id = %s".encode(), [team.id])


@settings(max_examples=8, deadline=None, phases=PHASES)
@given(data=st.data())
def test_both_engines_answer_the_same_after_any_history(
    place: tuple[Connection, Team, list[UUID]], engine: Any, data: st.DataObject
) -> None:
    database, team, projects = place
    empty(database, team)
    history = History(database, team, projects, random.Random(data.draw(st.integers(0, 2**32))))
    for action in data.draw(st.lists(st.sampled_from(ACTIONS), min_size=2, max_size=9)):
        action(history)
    database.execute(
        "update public.workspaces set timezone = %s, person_split = %s where id = %s",
        [
            data.draw(st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata", "America/Los_Angeles"])),
            data.draw(st.sampled_from(["own", "admins", "everyone"])),
            team.id,
        ],
    )
    Shipper(database, engine).ship_all()
    connection = Engine("", engine)
    for reader in COLLEAGUES:
        account = PostgresDatabase(database, team[reader].id, team.id)
        engines = PostgresEngine(account), ClickHouseEngine(account, connection, "clickhouse")
        for _ in range(3):
            function, asked = data.draw(questions(history))
            expected, found = (one.ask(function, **asked) for one in engines)
            assert found.source is not None
            assert found.source.engine == "clickhouse", found.source
            read = ANSWERS[function]
            assert read(asked, found.value) == read(asked, expected.value), (reader, function, asked)
