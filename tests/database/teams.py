"""A shared workspace with its people, as tests of several people need it."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import psycopg

from tests.database.access import ROLES
from tests.database_fixtures import Connection, Project

COLLEAGUES = ("owner", "admin", "ann", "bob", "viewer")
NAMED = {"ann": "member", "bob": "member"}  # other names are roles, perhaps with a number behind them


def call(connection: Connection, function: str, *values: object, **named: object) -> Any:
    """The answer of a function of the schema public; lists, except of ids, and dictionaries become JSON."""
    arguments = ", ".join(["%s"] * len(values) + [f"{name} => %s" for name in named])
    given = [_to_json(value) for value in values]
    given += [value if name == "people" else _to_json(value) for name, value in named.items()]
    [[answer]] = connection.execute(f"select public.{function}({arguments})", given).fetchall()
    return answer


def _to_json(value: object) -> object:
    is_ids = isinstance(value, list) and value and all(isinstance(one, UUID) for one in value)
    return json.dumps(value) if isinstance(value, dict | list) and not is_ids else value


@dataclass(frozen=True, slots=True)
class Person:
    """A member of a workspace, with a connection that acts for them."""

    id: UUID
    connection: Connection
    workspace: UUID

    def call(self, function: str, *values: object, **named: object) -> Any:
        """Call a function of the API and return its answer."""
        return call(self.connection, function, *values, **named)

    def ask(self, function: str, **named: object) -> Any:
        """Call a function about the workspace."""
        return self.call(function, workspace=self.workspace, **named)

    def add_project(self, name: str, is_private: bool = False) -> UUID:
        """Create a project."""
        project: UUID = self.ask("create_project", name=name, is_private=is_private)
        return project

    def add_source(self, kind: str = "file", name: str = "f") -> UUID:
        """Add a source of this person."""
        query = """insert into public.imports (workspace_id, kind, filename, format, file_sha256)
            values (%s, %s, %s, 'f', repeat('0', 64)) returning id"""
        [[source]] = self.connection.execute(query, [self.workspace, kind, name]).fetchall()
        assert isinstance(source, UUID)
        return source

    def save(self, source: UUID | None, *records: dict[str, Any]) -> Any:
        """Save records into the workspace."""
        return self.ask("save_cost_records", import_id=source, records=list(records))

    def choose(self, project: UUID | None, condition: str = "true") -> int:
        """Choose a project for records, as the API does; returns how many."""
        query = f"update public.cost_records set project_id = %s where {condition}"
        return self.connection.execute(query.encode(), [project]).rowcount

    def suspect(self, function: str, **named: object) -> str:
        """The sentence with which a call is refused."""
        try:
            self.call(function, **named)
        except psycopg.Error as error:
            return str(error).partition("\nCONTEXT")[0]
        return ""


@dataclass(frozen=True, slots=True)
class Team:
    """A workspace and its people by the names that they began with."""

    project: Project
    id: UUID
    people: dict[str, Person]

    def __getitem__(self, name: str) -> Person:
        return self.people[name]

    def add(self, database: Connection, *names: str) -> None:
        """Sign up people and make them members."""
        ids = [uuid4() for _ in names]
        database.execute(
            """insert into auth.users (id, email)
            select id, id || '@example.org' from unnest(%s::uuid[]) as u (id)""",
            [ids],
        )
        roles = [NAMED.get(name, name.rstrip("0123456789")) for name in names]
        database.execute(
            """insert into public.members (workspace_id, user_id, role)
            select %s, user_id, role from unnest(%s::uuid[], %s::text[]) as m (user_id, role)""",
            [self.id, ids, roles],
        )
        for name, user in zip(names, ids, strict=True):
            self.people[name] = Person(user, self.project.act_as("authenticated", user), self.id)

    def act_as(self, name: str) -> Connection:
        """Another connection of a person."""
        return self.project.act_as("authenticated", self[name].id)

    def roles(self, database: Connection) -> dict[str, str]:
        """The roles that these people have now."""
        query = "select user_id, role from public.members where workspace_id = %s"
        found: dict[UUID, str] = dict(database.execute(query, [self.id]).fetchall())
        return {name: found[person.id] for name, person in self.people.items() if person.id in found}


def make_team(project: Project, database: Connection, *names: str) -> Team:
    """A workspace with these people, by default one of each role."""
    team = Team(project, uuid4(), {})
    database.execute("insert into public.workspaces (id, name) values (%s, 'Team')", [team.id])
    team.add(database, *(names or ROLES))
    return team


def race(*calls: Callable[[], Any]) -> list[Any]:
    """Run calls at once, each in its thread; answers in their order, or the database's errors."""
    start = Barrier(len(calls))

    def run(one: Callable[[], Any]) -> Any:
        start.wait(60)
        try:
            return one()
        except psycopg.Error as error:
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))
