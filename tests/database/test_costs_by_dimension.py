"""costs_by_dimension: parts that add up to the total, as plain sums of what the caller may know."""

import json
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tally.core.dimensions import DIMENSION_NAMES, DIMENSIONS, DimensionName
from tests.database.teams import COLLEAGUES, Team, make_team
from tests.database.test_saving import record
from tests.database_fixtures import Connection, Project

MAY = ("2026-05-01", "2026-05-31")
ROWS = """
select r.user_id, r.project_id, (r.timestamp at time zone 'Asia/Tokyo')::date, r.cost_basis,
    r.cost_usd, r.tokens_used, r.request_count, r.metadata
from public.effective_records as r
where r.workspace_id = %s"""
NOWHERE = UUID(int=0)


@dataclass(frozen=True)
class Scene:
    """A workspace with records of three people, in projects of which one is private."""

    database: Connection
    team: Team
    projects: dict[str, UUID]

    def ask(self, reader: str, dimension: str, *days: str, **named: Any) -> Any:
        first, last = days or MAY
        return self.team[reader].ask(
            "costs_by_dimension", dimension=dimension, from_date=first, to_date=last, **named
        )


@pytest.fixture
def scene(project: Project, database: Connection) -> Scene:
    team = make_team(project, database, *COLLEAGUES)
    admin = team["admin"]
    projects = {"web": admin.add_project("web"), "secret": admin.add_project("secret", is_private=True)}
    scene = Scene(database, team, projects)
    chance = random.Random(7)
    for name in ("ann", "bob", "admin"):
        team[name].save(None, *make_records(chance))
        ids = [
            key
            for (key,) in database.execute(
                "select id from public.cost_records where user_id = %s", [team[name].id]
            )
        ]
        chosen = [chance.choice([None, *projects.values()]) for _ in ids]
        database.execute(
            """update public.cost_records as r set project_id = c.project_id, project_chosen_by = 'person'
            from unnest(%s::uuid[], %s::uuid[]) as c (id, project_id)
            where r.id = c.id""",
            [ids, chosen],
        )
    database.execute("update public.workspaces set timezone = 'Asia/Tokyo' where id = %s", [team.id])
    return scene


def make_records(chance: random.Random) -> Iterator[dict[str, Any]]:
    for _ in range(40):
        basis = chance.choice(["billed", "estimated", "included"])
        described = {
            key: chance.choice(["a", "b", "c", " d ", ""])
            for dimension in DIMENSIONS.values()
            for key in dimension.keys
            if chance.random() < 0.7
        }
        yield record(
            timestamp=f"2026-05-{chance.randint(1, 20):02}T{chance.randrange(24):02}:00:00Z",
            cost_usd=None if basis != "billed" and chance.random() < 0.2 else f"{chance.randint(0, 9)}.5",
            cost_basis=basis,
            tokens_used=chance.randint(0, 100),
            request_count=1,
            metadata=described,
        )


def value_of(metadata: dict[str, Any], dimension: DimensionName) -> str | None:
    found = (str(metadata.get(key) or "").strip() for key in DIMENSIONS[dimension].keys)
    return next(filter(None, found), None)


Sums = dict[tuple[str, str | None], list[Any]]


def expect(scene: Scene, reader: str, split: str, asked: tuple[DimensionName, str, str, UUID | None]) -> Sums:
    """The plain sums of what the reader may know."""
    dimension, first, last, project = asked
    me, is_admin = scene.team[reader].id, reader in ("owner", "admin")
    sums: Sums = defaultdict(lambda: [Decimal(0), Decimal(0), 0, 0, 0, 0])
    for user, of_project, day, basis, cost, tokens, requests, metadata in scene.database.execute(
        ROWS, [scene.team.id]
    ):
        if not first <= str(day) <= last or (project and (of_project or NOWHERE) != project):
            continue
        if split == "own" and not is_admin and user != me:
            continue
        is_readable = (
            is_admin or user == me or (split == "everyone" and of_project != scene.projects["secret"])
        )
        value = value_of(metadata, dimension)
        kind = "hidden" if not is_readable else "value" if value else "none"
        found = sums[kind, value if is_readable else None]
        found[1 if basis == "included" else 0] += cost or 0
        for place, added in enumerate((tokens, requests, 1, int(cost is None)), 2):
            found[place] += added
    return sums


def fold(sums: Sums, most: int) -> Sums:
    """The first `most` values, and the rest as one."""
    values = [key for key in sums if key[0] == "value"]
    values.sort(key=lambda key: (-sums[key][0], -sums[key][1], -sums[key][2], key[1]))
    folded = {key: found for key, found in sums.items() if key[0] != "value" or key in values[:most]}
    if beyond := values[most:]:
        folded["rest", None] = [sum(column) for column in zip(*(sums[key] for key in beyond), strict=True)]
    return folded


def read(answer: dict[str, Any]) -> Sums:
    return {(part["kind"], part["value"]): read_sums(part) for part in answer["parts"]}


def read_sums(part: dict[str, Any]) -> list[Any]:
    counts = [part[name] for name in ("tokens", "requests", "records", "unpriced_records")]
    return [Decimal(part["cost_usd"]), Decimal(part["included_usd"]), *counts]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_parts_are_the_plain_sums_of_what_the_caller_may_know(scene: Scene, data: st.DataObject) -> None:
    split = data.draw(st.sampled_from(["own", "admins", "everyone"]))
    reader = data.draw(st.sampled_from(COLLEAGUES))
    dimension: DimensionName = data.draw(st.sampled_from(DIMENSION_NAMES))
    first, last = sorted(data.draw(st.lists(st.sampled_from(range(1, 29)), min_size=2, max_size=2)))
    days = (f"2026-05-{first:02}", f"2026-05-{last:02}")
    project = data.draw(st.sampled_from([None, NOWHERE, scene.projects["web"]]))
    most = data.draw(st.integers(1, 5))
    scene.database.execute("update public.workspaces set person_split = %s", [split])

    answer = scene.ask(reader, dimension, *days, top_n=most, project=project)

    sums = expect(scene, reader, split, (dimension, *days, project))
    assert read(answer) == fold(sums, most)
    total = [sum(column) for column in zip(*sums.values(), strict=True)] or [0] * 6
    assert read_sums(answer["total"]) == total
    rest = [part["values"] for part in answer["parts"] if part["kind"] == "rest"]
    assert sum(rest) == max(sum(kind == "value" for kind, _ in sums) - most, 0)


@pytest.mark.parametrize("reader", COLLEAGUES)
def test_total_is_that_of_the_days(scene: Scene, reader: str) -> None:
    days = scene.team[reader].ask("daily_costs", from_date=MAY[0], to_date=MAY[1])
    spent = sum(
        (
            Decimal(cost)
            for cost, basis in zip(days["cost_usd"], days["cost_basis"], strict=True)
            if cost and basis != "included"
        ),
        Decimal(0),
    )
    total = scene.ask(reader, "agent")["total"]
    assert Decimal(total["cost_usd"]) == spent > 0
    assert total["tokens"] == sum(days["tokens"])
    assert total["unpriced_records"] == sum(days["unpriced_records"])


def test_other_dimensions_and_periods_are_refused(scene: Scene) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="Ask for agent"):
        scene.ask("owner", "colour")
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="ten years"):
        scene.ask("owner", "agent", "2016-01-01", "2026-12-31")
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="no such project"):
        scene.ask("bob", "agent", project=scene.projects["secret"])


def test_strangers_are_refused(scene: Scene, project: Project, stranger: UUID) -> None:
    with (
        project.act_as("authenticated", stranger) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(
            "select public.costs_by_dimension(%s, 'agent', '2026-05-01', '2026-05-02')", [scene.team.id]
        )


def test_parts_of_a_request_are_bounded(scene: Scene) -> None:
    many = [
        record(cost_usd="1", metadata={"session": f"s{nth}"}, timestamp="2026-06-01T00:00Z")
        for nth in range(1200)
    ]
    scene.team["ann"].save(None, *many)
    answer = scene.ask("ann", "session", "2026-06-01", "2026-06-02", top_n=100_000)
    assert len(answer["parts"]) == 1001
    assert (
        answer["parts"][-1] | {"kind": "rest", "values": 200, "cost_usd": "200.0000000000"}
        == answer["parts"][-1]
    )


def test_what_the_counted_statement_leaves_out_is_told_by_another(scene: Scene) -> None:
    """The telemetry of an agent knows no branch; its log does."""
    ann = scene.team["ann"]
    both = {"request_id": "msg_1", "source_key": str(UUID(int=9)), "timestamp": "2026-06-01T00:00Z"}
    one, other = ann.add_source(name="one"), ann.add_source(name="other")
    ann.save(one, record(**both, cost_usd="2", tokens_used=9, metadata={"agent": "a"}))
    ann.save(other, record(**both, cost_usd="1", tokens_used=5, metadata={"branch": "main", "agent": "z"}))
    period = ("2026-06-01", "2026-06-02")
    assert [part["value"] for part in scene.ask("ann", "branch", *period)["parts"]] == ["main"]
    assert [part["value"] for part in scene.ask("ann", "agent", *period)["parts"]] == ["a"]
    ann.call("set_source_enabled", other, False)
    assert [part["kind"] for part in scene.ask("ann", "branch", *period)["parts"]] == ["none"]


def test_recent_values_are_those_that_the_caller_may_read(scene: Scene) -> None:
    now = datetime.now(UTC).isoformat()
    for name, value in (("ann", "codex"), ("bob", "secret-agent")):
        scene.team[name].save(None, record(timestamp=now, metadata={"agent": value, "customer": " acme "}))
    old = (datetime.now(UTC) - timedelta(days=91)).isoformat()
    scene.team["ann"].save(None, record(timestamp=old, metadata={"agent": "old"}))
    mine = scene.team["ann"].ask("recent_values")
    assert mine == {"agent": ["codex"], "environment": [], "customer": ["acme"]}
    assert scene.team["admin"].ask("recent_values")["agent"] == ["codex", "secret-agent"]


def test_keys_of_dimensions_are_those_of_the_code(database: Connection) -> None:
    query = "select private.dimension_keys(%s)"
    found = {name: tuple(database.execute(query, [name]).fetchall()[0][0]) for name in DIMENSION_NAMES}
    assert found == {name: dimension.keys for name, dimension in DIMENSIONS.items()}


@pytest.mark.parametrize("odd", [None, 5, ["x"], {"a": 1}, "x" * 500, "  "])
def test_odd_metadata_is_some_text_or_none(database: Connection, odd: object) -> None:
    query = "select private.dimension_value(%s::jsonb, array['agent'])"
    [(value,)] = database.execute(query, [json.dumps({"agent": odd})]).fetchall()
    assert value is None if odd in (None, "  ") else 0 < len(value) <= 200
