"""Both engines find the same names, for each reader: what Postgres says is what another engine has to say."""

from dataclasses import replace
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from tally.search import Document, Engine, Index, PostgresSearch, Question, Reader
from tests.database.teams import COLLEAGUES, Person, Team, make_team
from tests.database.test_search import used
from tests.database_fixtures import Connection, Project
from tests.tally.search.tantivy_index import TantivyIndex

NAMES = """
select workspace_id::text, key::text, kind, name, detail, user_id::text, project_ids::text[], uses, last_at
from private.search_names"""
HIDDEN = """
select array(select p.id::text from public.projects as p where p.workspace_id = %s
except select p.id::text from public.projects as p where p.workspace_id = %s and p.id = any (%s::uuid[]))"""


@pytest.fixture
def team(project: Project, database: Connection) -> Team:
    """Sessions and notes of three people, also in a private project, and those of another workspace."""
    team = make_team(project, database, *COLLEAGUES)
    secret = team["admin"].add_project("secret", is_private=True)
    for name in ("ann", "bob", "admin"):
        metadata = {"session": f"Zebra café {name}", "note": f"paid by {name}", "agent": "codex"}
        team[name].save(None, used(1, f"model-{name}", **metadata), used(2, session="zebra of all"))
    team["admin"].choose(secret, "model_name = 'model-admin'")
    other = make_team(project, database, "owner")["owner"]
    other.save(None, used(1, session="zebra elsewhere"))
    for workspace in (team.id, other.workspace):
        database.execute("select private.join_names(%s)", [workspace])
    return team


def read_names(database: Connection) -> list[Document]:
    """The names as documents, as a job would send them."""
    rows = database.execute(NAMES.encode()).fetchall()
    return [Document(*row) for row in rows]


def call(person: Person, function: str, **asked: Any) -> Any:
    """What has the words, as the search tells it: what is only near to them is each engine's own affair."""
    query = f"select public.{function}(%(workspace)s, %(asked)s, %(kinds)s::text[], %(most)s)"
    values = asked | {"workspace": person.workspace}
    [[answer]] = person.connection.execute(query.encode(), values).fetchall()
    return [hit for hit in answer if hit["score"] >= 40]


def find(engine: Engine, asked: str) -> set[tuple[str, str]]:
    found = engine.search(Question(asked, ("session", "trace", "record"), 50))
    return {(hit.kind, hit.title) for hit in found}


def make_reader(team: Team, name: str, database: Connection, split: str) -> Reader:
    """The rights of a person, as an engine is told them."""
    person = team[name]
    visible = [each["id"] for each in person.ask("list_projects")]
    [[hidden]] = database.execute(HIDDEN.encode(), [team.id, team.id, visible]).fetchall()
    sees_everybody = name in ("owner", "admin") or split == "everyone"
    return Reader(str(team.id), str(person.id), sees_everybody, frozenset(hidden))


@pytest.mark.parametrize("split", ["own", "everyone"])
def test_engines_find_the_same_for_each_reader(team: Team, database: Connection, split: str) -> None:
    database.execute("update public.workspaces set person_split = %s where id = %s", [split, team.id])
    index: Index = TantivyIndex()
    for _ in range(2):  # repeating adds nothing
        index.index(read_names(database))
    found: dict[tuple[str, str], Any] = {}
    for name in COLLEAGUES:
        other = index.as_reader(make_reader(team, name, database, split))
        postgres = PostgresSearch(partial(call, team[name]))
        for asked in ("zebra", "ZEBRA cafe", "café", "paid", "codex zebra", "paid by bob", "nowhere-at-all"):
            found[name, asked] = find(other, asked)
            assert found[name, asked] == find(postgres, asked), (name, asked)
    assert len(found["owner", "zebra"]) == 4
    assert ("session", "Zebra café admin") not in found["ann", "zebra"]
    assert found["owner", "nowhere-at-all"] == set()


def test_names_that_are_gone_are_found_by_neither(team: Team, database: Connection) -> None:
    index: Index = TantivyIndex()
    index.index(read_names(database))
    reader = index.as_reader(make_reader(team, "owner", database, "own"))
    assert ("session", "zebra of all") in find(reader, "zebra")
    index.index(replace(document, uses=0) for document in read_names(database))
    assert find(reader, "zebra") == set()


def test_another_workspace_is_out_of_reach(team: Team, database: Connection) -> None:
    index: Index = TantivyIndex()
    index.index(read_names(database))
    stranger = index.as_reader(Reader(str(uuid4()), str(team["ann"].id), sees_everybody=True))
    assert find(stranger, "zebra") == set()
    for asked in ("zebra workspace:*", f"{team.id}", "* OR zebra", "zebra) OR (workspace:x"):
        assert find(stranger, asked) == set()
