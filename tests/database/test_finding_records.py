"""list_records and sum_records find what Python finds among the rows that one may read."""

import json
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.database.teams import COLLEAGUES, Team, make_team
from tests.database.test_saving import record
from tests.database_fixtures import Connection, Project

SPLITS = ("own", "admins", "everyone")
START = datetime(2026, 3, 27, 22, tzinfo=UTC)  # clocks change on the 29th in Berlin
TEXTS = ("Blau_1", "50%", "a\\b", "O'Neil", 'say "hi"', "x\u202ey", "GPT", "", "weiß")
SEARCHES = (
    *TEXTS,
    "%",
    "_",
    "\\",
    "'",
    '"',
    "\u202e",
    "gpt-",
    "BERG",
    "geheim",
    "ß",
    "' or true --",
    "$1",
    "%s",
)
ORDERS: dict[str, Any] = {
    "newest": lambda row: (-row["timestamp"].timestamp(), row["id"]),
    "oldest": lambda row: (row["timestamp"], row["id"]),
    "dearest": lambda row: (
        row["cost_usd"] is None,
        -(row["cost_usd"] or 0),
        -row["timestamp"].timestamp(),
        row["id"],
    ),
    "tokens": lambda row: (-row["tokens_used"], -row["timestamp"].timestamp(), row["id"]),
}
# What row-level security shows, and which of it has a project that is named to the reader.
ROWS = "select r.* from public.cost_records as r where r.workspace_id = %s"

Row = dict[str, Any]
MARKS: list[Row] = [{}, {"agent": " bot "}, {"price_context": {"service_tier": "flex"}}]


@dataclass(frozen=True)
class Scene:
    """A workspace with records of several people, in projects of which one is private."""

    database: Connection
    team: Team
    project: Project
    projects: dict[str, UUID]

    def rows(self, reader: str) -> list[Row]:
        """The records that a person may read."""
        cursor = self.team[reader].connection.execute(ROWS, [self.team.id])
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, values, strict=True)) for values in cursor]

    def names(self, reader: str) -> dict[UUID, str]:
        """The projects that a person sees."""
        query = "select id, name from public.projects where workspace_id = %s"
        return dict(self.team[reader].connection.execute(query, [self.team.id]).fetchall())

    def find(self, reader: str, chosen: Row, sort: str = "newest", skip: int = 0, rows: int = 2000) -> Any:
        return self.team[reader].ask("list_records", chosen=chosen, sort=sort, skip=skip, max_rows=rows)


@pytest.fixture(scope="module")
def scene(module_project: Project) -> Iterator[Scene]:
    with module_project.connect() as database:
        team = make_team(module_project, database, *COLLEAGUES)
        admin = team["admin"]
        projects = {"Berg": admin.add_project("Berg"), "Geheim": admin.add_project("Geheim", is_private=True)}
        chance = random.Random(5)
        for name in ("ann", "bob", "admin"):
            team[name].save(team[name].add_source(name="one"), *make_records(chance))
        for project in projects.values():
            database.execute(
                "update public.cost_records set project_id = %s where random() < 0.3 and project_id is null",
                [project],
            )
        database.execute("update public.cost_records set money_is_effective = false where tokens_used = 7")
        database.execute("update public.cost_records set tokens_are_effective = false where tokens_used = 8")
        yield Scene(database, team, module_project, projects)


def make_records(chance: random.Random) -> Iterator[Row]:
    for nth in range(40):
        basis = chance.choice(["billed", "estimated", "included"])
        keys = ("note", "session", "session_id", "other")
        day = chance.random() < 0.2
        moment = START + timedelta(minutes=30 * chance.randrange(150))
        yield record(
            provider=chance.choice(["openai", "mistral"]),
            model_name=chance.choice(["gpt-5", "GPT-4o", "50%_off"]),
            timestamp=(moment.replace(hour=0, minute=0) if day else moment).isoformat(),
            day=moment.date().isoformat() if day else None,
            cost_usd=None if basis != "billed" and chance.random() < 0.2 else f"{chance.randint(0, 4)}.50",
            cost_basis=basis,
            collection_method=chance.choice(["csv_import", "otlp"]),
            tokens_used=chance.choice([0, 7, 8, 100]),
            billing_account=chance.choice([None, "openai:@a"]),
            request_id=f"Req_{nth}%" if chance.random() < 0.5 else None,
            input_tokens=chance.choice([0, 7]),
            metadata={key: chance.choice(TEXTS) for key in keys if chance.random() < 0.4}
            | chance.choice(MARKS)
            | {"inference": {"status": "error" if nth % 2 else "ok"}},
        )


def is_unpriced(row: Row, counts: str) -> bool:
    """Check whether money that counts is missing: a call that failed without tokens costs nothing."""
    has_tokens = row["tokens_used"] > 0 and row["tokens_are_effective"]
    is_failed = row["metadata"]["inference"]["status"] == "error" and not has_tokens
    return row["cost_usd"] is None and row[counts] and not is_failed


def session_of(row: Row) -> str | None:
    keys = ("session", "session_id")
    return next((text.strip(" ") for key in keys if (text := row["metadata"].get(key, "")).strip(" ")), None)


def is_call(row: Row, chosen: Row) -> bool:
    """Check for a paid call with the agent, tier and length that are asked for."""
    metadata = row["metadata"]
    texts = {
        "agent": metadata.get("agent", "").strip(),
        "tier": metadata.get("price_context", {}).get("service_tier", ""),
    }
    is_single = row["request_count"] <= 1 and row["day"] is None
    is_paid = row["charge_type"] == "usage" and row["cost_basis"] != "included"
    has_use = row["tokens_used"] > 0 or (row["cost_usd"] or 0) > 0
    return (
        ("calls" not in chosen or (is_paid and has_use and row["tokens_are_effective"]))
        and all(texts[name] == chosen.get(name, texts[name]) for name in texts)
        and ("over" not in chosen or (is_single and row["input_tokens"] > int(chosen["over"])))
    )


def matches(row: Row, chosen: Row, names: dict[UUID, str]) -> bool:
    columns = {
        "model": "model_name",
        "method": "collection_method",
        "basis": "cost_basis",
        "account": "billing_account",
    }
    told = [row["metadata"].get(key) or "" for key in ("note", "session", "session_id")]
    texts = [row["model_name"], row["request_id"] or "", *told, names.get(row["project_id"], "")]
    return (
        all(row[columns[name]] == value for name, value in chosen.items() if name in columns)
        and str(row["provider_id"]) == chosen.get("provider", str(row["provider_id"]))
        and ("project" not in chosen or chosen["project"] == (row["project_id"] and str(row["project_id"])))
        and ("session" not in chosen or session_of(row) == chosen["session"])
        and ("first_at" not in chosen or row["timestamp"] >= datetime.fromisoformat(chosen["first_at"]))
        and ("last_at" not in chosen or row["timestamp"] < datetime.fromisoformat(chosen["last_at"]))
        and is_call(row, chosen)
        and any(chosen.get("search", "").lower() in text.lower() for text in texts)
    )


def draw_filters(data: st.DataObject, rows: list[Row], scene: Scene, zone: str) -> Row:
    hours = st.integers(0, 75).map(lambda hours: (START + timedelta(hours=hours)).isoformat())
    midnight = datetime.combine(START, time(), ZoneInfo(zone))
    days = st.integers(-1, 4).map(lambda days: (midnight + timedelta(days=days)).isoformat())
    moments = hours | days
    providers = sorted({str(row["provider_id"]) for row in rows}) or [str(UUID(int=1))]
    every: dict[str, st.SearchStrategy[Any]] = {
        "provider": st.sampled_from(providers),
        "model": st.sampled_from(["gpt-5", "50%_off", "none"]),
        "method": st.sampled_from(["csv_import", "otlp"]),
        "basis": st.sampled_from(["billed", "estimated", "included"]),
        "account": st.just("openai:@a"),
        "project": st.sampled_from([None, *map(str, scene.projects.values())]),
        "session": st.sampled_from(["Blau_1", "50%"]),
        "search": st.sampled_from(SEARCHES),
        "calls": st.just("paid"),
        "agent": st.sampled_from(["", "bot"]),
        "tier": st.sampled_from(["", "flex"]),
        "over": st.sampled_from(["0", "7"]),
        "first_at": moments,
        "last_at": moments,
    }
    named = data.draw(st.lists(st.sampled_from(sorted(every)), max_size=3, unique=True))
    return {name: data.draw(every[name], name) for name in named}


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_pages_and_sums_are_those_of_the_rows_that_one_may_read(scene: Scene, data: st.DataObject) -> None:
    reader, split = data.draw(st.sampled_from(COLLEAGUES)), data.draw(st.sampled_from(SPLITS))
    zone = data.draw(st.sampled_from(["UTC", "Europe/Berlin", "America/Los_Angeles"]))
    scene.database.execute("update public.workspaces set person_split = %s, timezone = %s", [split, zone])
    rows, names = scene.rows(reader), scene.names(reader)
    chosen, sort = draw_filters(data, rows, scene, zone), data.draw(st.sampled_from(sorted(ORDERS)))
    skip, size = data.draw(st.integers(0, 30)), data.draw(st.integers(1, 20))
    found = [row for row in rows if matches(row, chosen, names)]

    page = scene.find(reader, chosen, sort, skip, size)
    sums = scene.team[reader].ask("sum_records", chosen=chosen)

    expected = sorted(found, key=ORDERS[sort])[skip : skip + size]
    assert [row["id"] for row in page] == [str(row["id"]) for row in expected]
    assert [row["cost_usd"] and Decimal(row["cost_usd"]) for row in page] == [
        row["cost_usd"] for row in expected
    ]
    assert sums["records"] == len(found)
    counts = "tokens_are_effective" if "calls" in chosen else "money_is_effective"
    assert sums["unpriced"] == sum(is_unpriced(row, counts) for row in found)
    days = {day: [Decimal(spend), Decimal(included), tokens] for day, spend, included, tokens in sums["days"]}
    assert days == sum_days(found, ZoneInfo(zone), counts)


KNOWN_OF_DAYS = {"provider": str(UUID(int=1)), "model": "gpt-5", "basis": "billed"}


@pytest.mark.parametrize(
    ("reader", "chosen", "are_days_enough"),
    [
        ("owner", {}, True),
        ("owner", KNOWN_OF_DAYS, True),
        ("owner", {"first_at": "2026-03-29T00:00+01:00", "last_at": "2026-03-30T00:00+02:00"}, True),
        ("owner", {"first_at": "2026-03-29T01:00+01:00"}, False),
        ("owner", {"last_at": "2026-03-30T00:00+01:00"}, False),
        *(("owner", {name: "x"}, False) for name in ("search", "session", "method", "account")),
        ("viewer", {}, False),  # may not read all records that the days sum up
    ],
)
def test_records_are_summed_only_where_their_days_do_not_know_what_is_asked(
    scene: Scene, reader: str, chosen: Row, are_days_enough: bool
) -> None:
    scene.database.execute("update public.workspaces set person_split = 'everyone'")
    claims = json.dumps({"sub": str(scene.team[reader].id), "role": "authenticated"})
    with scene.database.transaction():
        scene.database.execute("select set_config('request.jwt.claims', %s, true)", [claims])
        query = "select private.sum_of_days(%s, %s, 'Europe/Berlin') is not null"
        [[is_summed]] = scene.database.execute(query, [scene.team.id, json.dumps(chosen)]).fetchall()
    assert is_summed is are_days_enough


def sum_days(rows: list[Row], zone: ZoneInfo, counts: str) -> dict[str, list[Any]]:
    days: dict[str, list[Any]] = defaultdict(lambda: [Decimal(0), Decimal(0), 0])
    for row in rows:
        day = days[str(row["day"] or row["timestamp"].astimezone(zone).date())]
        if row[counts]:
            day[row["cost_basis"] == "included"] += row["cost_usd"] or 0
        day[2] += row["tokens_used"] * row["tokens_are_effective"]
    return days


def test_the_rows_of_the_scene_differ_by_reader(scene: Scene) -> None:
    """Without hidden rows, the property would say nothing about access."""
    scene.database.execute("update public.workspaces set person_split = 'everyone'")
    counts = {reader: len(scene.rows(reader)) for reader in ("owner", "ann", "viewer")}
    assert counts["owner"] == 120 > counts["ann"] > counts["viewer"] > 0
    assert "Geheim" not in scene.names("viewer").values()
    scene.database.execute("update public.workspaces set person_split = 'own'")
    assert len(scene.find("ann", {})) == 40
    assert scene.find("viewer", {}) == []


def test_pages_after_a_record_make_a_whole(scene: Scene) -> None:
    """As an export reads them: records of one instant are neither lost nor told twice."""
    whole, found = [row["id"] for row in scene.find("owner", {})], []
    chosen: Row = {}
    while page := scene.find("owner", chosen, rows=7):
        found += [row["id"] for row in page]
        chosen = {"before": {"at": page[-1]["timestamp"], "id": page[-1]["id"]}}
    assert found == whole
    assert len(found) == 120


def test_a_session_is_found_with_the_spaces_that_a_record_has_around_it(scene: Scene) -> None:
    bare = scene.find("owner", {"session": "Blau_1"})
    assert bare
    assert scene.find("owner", {"session": " Blau_1  "}) == bare
    assert scene.find("owner", {"session": " "}) == []


def test_strangers_find_nothing(scene: Scene) -> None:
    outsider = scene.project.act_as("authenticated", UUID(int=77))
    with outsider as connection:
        for query in ("list_records(%s, '{}', 'newest', 0, 5)", "sum_records(%s, '{}')"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"select public.{query}".encode(), [scene.team.id])


@pytest.mark.parametrize(
    ("sentence", "changes"),
    [
        ("Sort records by", {"sort": "id; drop table public.cost_records"}),
        ("Sort records by", {"sort": None}),
        ("Skip at most", {"skip": 1_000_001}),
        ("Skip at most", {"skip": -1}),
        ("Skip at most", {"max_rows": 2_001}),
        ("Skip at most", {"max_rows": None}),
        ("Filters of records", {"chosen": {"color": "red"}}),
        ("Filters of records", {"chosen": {"model": None}}),
        ("Filters of records", {"chosen": {"model": ["gpt-5"]}}),
        ("Filters of records", {"chosen": ["model"]}),
        ("Filters of records", {"chosen": {"model": "x" * 10_000}}),
        ("Filter providers", {"chosen": {"provider": "openai"}}),
        ("Filter providers", {"chosen": {"project": "x"}}),
        ("Search for at most 200", {"chosen": {"search": "x" * 201}}),
        ("Tell the time", {"chosen": {"before": {"id": str(UUID(int=1))}}}),
    ],
)
def test_what_is_no_filter_is_refused(scene: Scene, sentence: str, changes: Row) -> None:
    asked = {"chosen": {}, "sort": "newest", "skip": 0, "max_rows": 25} | changes
    refused = scene.team["ann"].suspect("list_records", workspace=scene.team.id, **asked)
    assert refused.startswith(sentence)


def test_a_search_is_never_a_pattern_nor_code(scene: Scene) -> None:
    noted = [
        record(metadata={"note": text}, cost_usd="1") for text in ("100% sure", "100 sure", "snake_case")
    ]
    scene.team["ann"].save(None, *noted)

    def notes(search: str) -> set[str]:
        return {row["metadata"]["note"] for row in scene.find("ann", {"search": search})}

    assert notes("100% SURE") == {"100% sure"}
    assert notes("0%s") == set()
    assert notes("e_c") == {"snake_case"}
    assert notes("'; drop table public.cost_records; --") == set()
    scene.database.execute(
        "delete from public.cost_records where metadata ->> 'note' = any (%s)",
        [["100% sure", "100 sure", "snake_case"]],
    )


def test_the_filters_are_stored_as_json_and_never_in_the_query(scene: Scene) -> None:
    hostile = "x'); select pg_sleep(9); --"
    filters = dict.fromkeys(("model", "method", "basis", "account", "session", "search"), hostile)
    [[query]] = scene.database.execute(
        "select private.where_records(%s, '{}')", [json.dumps(filters)]
    ).fetchall()
    assert hostile not in query
    assert "pg_sleep" not in query
