"""A shared workspace with people of each role, for tests of several files."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import psycopg

from tests.database.access import ROLES
from tests.database_fixtures import Connection, Project, add_user


@dataclass(frozen=True, slots=True)
class Team:
    """A workspace and its people by role."""

    project: Project
    id: UUID
    people: dict[str, UUID]

    def act_as(self, role: str) -> Connection:
        """A new connection of the person with this role, to be closed by the caller."""
        return self.project.act_as("authenticated", self.people[role])

    def roles(self, database: Connection) -> dict[str, str]:
        """The roles that these people have now, by the ones that they began with."""
        query = "select user_id, role from public.members where workspace_id = %s"
        found: dict[UUID, str] = dict(database.execute(query, [self.id]).fetchall())
        return {role: found[user_id] for role, user_id in self.people.items() if user_id in found}


def make_team(project: Project, database: Connection, *roles: str) -> Team:
    """A workspace with a person of each role, by default one of each; a role may have a number behind it."""
    workspace_id = uuid4()
    people = {role: add_user(database) for role in roles or ROLES}
    database.execute("insert into public.workspaces (id, name) values (%s, 'Team')", [workspace_id])
    for role, user_id in people.items():
        database.execute(
            "insert into public.members (workspace_id, user_id, role) values (%s, %s, %s)",
            [workspace_id, user_id, role.rstrip("0123456789")],
        )
    return Team(project, workspace_id, people)


def call(connection: Connection, function: str, *arguments: Any) -> Any:
    """The answer of a function of the schema public; lists and dictionaries become JSON."""
    values = [json.dumps(value) if isinstance(value, dict | list) else value for value in arguments]
    placeholders = ", ".join(["%s"] * len(values))
    [[answer]] = connection.execute(f"select public.{function}({placeholders})", values).fetchall()
    return answer


def race(*calls: Callable[[], Any]) -> list[Any]:
    """Run calls at once, each in its thread; answers in their order, or the database's errors."""
    start = Barrier(len(calls))

    def run(one: Callable[[], Any]) -> Any:
        start.wait(10)
        try:
            return one()
        except psycopg.Error as error:
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))
