"""Names to search among are those of the rows that there are, whatever was saved, changed and deleted."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.database.teams import COLLEAGUES, Team, make_team, race
from tests.database.test_saving import record
from tests.database.test_traces import llm
from tests.database_fixtures import Connection, Project

NOW = datetime.now(UTC)
# Each name of what is there, with how often it is used, by whom and in which projects.
TRUTH = """
with records as (
    select
        coalesce(nullif(btrim(metadata ->> 'session'), ''), nullif(btrim(metadata ->> 'session_id'), ''))
            as session,
        left(nullif(btrim(metadata ->> 'note'), ''), 500) as note,
        user_id, case when project_id is null then '{}' else array[project_id] end as project_ids
    from public.cost_records where workspace_id = %(team)s
)
select 'session', session, user_id, project_ids, count(*) from records group by 1, 2, 3, 4
union all
select 'note', note, user_id, project_ids, count(*) from records group by 1, 2, 3, 4
union all
select 'trace', nullif(name, ''), user_id, project_ids, count(*)
from public.traces where workspace_id = %(team)s group by 1, 2, 3, 4
union all
select 'conversation', nullif(session, ''), user_id, project_ids, count(*)
from public.traces where workspace_id = %(team)s group by 1, 2, 3, 4"""
KEPT = """
select kind, name, user_id, project_ids, sum(uses)
from (
    select * from private.search_names where workspace_id = %(team)s
    union all
    select * from private.name_changes where workspace_id = %(team)s
) as n
group by 1, 2, 3, 4
having sum(uses) <> 0"""

Change = tuple[str, int, int]
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(
            ["save", "save", "trace", "file", "delete", "rename", "join", "disable", "enable", "drop_traces"]
        ),
        st.integers(0, 2),
        st.integers(0, 5),
    ),
    max_size=12,
)


@dataclass(frozen=True)
class Scene:
    """A workspace with two projects and a source of each person."""

    database: Connection
    team: Team
    projects: list[UUID]
    sources: dict[str, UUID]

    def names(self, query: str) -> list[tuple[Any, ...]]:
        """The names that a query tells."""
        rows = self.database.execute(query.encode(), {"team": self.team.id}).fetchall()
        return sorted(tuple(map(str, row)) for row in rows if row[1] is not None)


@pytest.fixture(scope="module")
def scene(module_project: Project) -> Iterator[Scene]:
    with module_project.connect() as database:
        team = make_team(module_project, database, *COLLEAGUES)
        projects = [team["admin"].add_project("web"), team["admin"].add_project("secret", is_private=True)]
        sources = {name: team[name].add_source() for name in ("ann", "bob", "admin")}
        yield Scene(database, team, projects, sources)


def used(number: int, **metadata: str) -> dict[str, Any]:
    at = (NOW - timedelta(hours=number)).isoformat()
    return record(timestamp=at, cost_usd="1", request_id=f"r-{number}", metadata=metadata)


def change(scene: Scene, what: str, who: int, number: int) -> None:
    """One change, as people and jobs make them."""
    name = ("ann", "bob", "admin")[who]
    person, database = scene.team[name], scene.database
    if what == "save":
        names = {"session": f" s{number % 3} ", "note": "paid" if number > 2 else "", "agent": "codex"}
        person.save(scene.sources[name], used(number, **names), used(number + 10, session_id=f"s{who}"))
    elif what == "trace":
        spans = [
            llm(n, trace_id=f"{number + 1:032x}", session=f"s{number % 2}", name=f"n{who}") for n in (1, 2)
        ]
        person.ask("save_spans", spans=spans)
    elif what == "file":
        scene.team["admin"].choose([*scene.projects, None][who], f"right(request_id, 1) = '{number}'")
    elif what == "delete":
        person.connection.execute("delete from public.cost_records where request_id = %s", [f"r-{number}"])
    elif what == "rename":
        query = """update public.cost_records set metadata = metadata || '{"session": "renamed"}'
            where request_id = %s"""
        scene.team["admin"].connection.execute(query, [f"r-{number}"])
    elif what == "join":
        database.execute("select private.join_names(%s)", [scene.team.id])
    elif what == "drop_traces":
        database.execute(
            "update public.traces set last_at = '2020-01-01' where workspace_id = %s", [scene.team.id]
        )
        database.execute("select private.drop_old_traces(%s, %s)", [scene.team.id, number])
    else:
        scene.team["admin"].call("set_source_enabled", scene.sources[name], what == "enable")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(CHANGES)
def test_names_are_those_of_the_rows_after_any_changes(scene: Scene, changes: list[Change]) -> None:
    try:
        for what, who, number in changes:
            change(scene, what, who, number)
            assert scene.names(KEPT) == scene.names(TRUTH), what
    finally:
        for name in scene.sources:
            scene.team["admin"].call("set_source_enabled", scene.sources[name], True)
        scene.database.execute("delete from public.cost_records where workspace_id = %s", [scene.team.id])
        scene.database.execute("delete from public.traces where workspace_id = %s", [scene.team.id])
    assert scene.names(KEPT) == []


def test_saves_at_once_lose_no_name_and_do_not_wait(scene: Scene) -> None:
    people = ("ann", "bob", "admin")
    for _ in range(3):
        many = [used(n, session=f"m{n}") for n in range(800)]
        answers = race(
            *(partial(scene.team[name].save, scene.sources[name], *many) for name in people),
            lambda: scene.database.execute("select private.join_names(%s)", [scene.team.id]),
        )
        assert not [answer for answer in answers if isinstance(answer, psycopg.Error)]
        assert scene.names(KEPT) == scene.names(TRUTH)
        scene.database.execute("delete from public.cost_records where workspace_id = %s", [scene.team.id])
    [[waiting]] = scene.database.execute("select count(*) from private.name_changes").fetchall()
    assert waiting <= 4000  # they became one with the names on the way


def test_a_deleted_workspace_leaves_no_name(scene: Scene, module_project: Project) -> None:
    team = make_team(module_project, scene.database, "owner")
    owner = team["owner"]
    owner.save(None, used(1, session="gone"))
    scene.database.execute("select private.join_names(%s)", [team.id])
    owner.save(None, used(2, session="gone too"))
    scene.database.execute("delete from public.workspaces where id = %s", [team.id])
    query = """select count(*) from (
        select workspace_id from private.search_names union all select workspace_id from private.name_changes
    ) as n where workspace_id = %s"""
    assert scene.database.execute(query, [team.id]).fetchone() == (0,)


def test_longest_names_are_kept(scene: Scene) -> None:
    owner = scene.team["admin"]
    long = "\ufdfa" * 200  # which is 18 letters each, as it is compared
    owner.save(scene.sources["admin"], used(1, session=long, repository=long, agent=long, note="x" * 900))
    kept = {row[0]: row[1] for row in scene.names(KEPT)}
    assert kept == {"session": long, "note": "x" * 500}
    scene.database.execute("delete from public.cost_records where workspace_id = %s", [scene.team.id])


def test_truncated_tables_have_no_names(database: Connection, project: Project) -> None:
    team = make_team(project, database, "owner")
    team["owner"].save(None, used(1, session="s"))
    team["owner"].ask("save_spans", spans=[llm(1, trace_id=uuid4().hex)])
    database.execute("truncate public.cost_records")
    query = "select distinct kind from private.name_changes where uses > 0"
    assert database.execute(query).fetchall() == [("trace",)]
