"""A shared workspace with its people, projects and rules, as tests of several people need it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from tests.database_fixtures import Connection, add_user

Act = Callable[[UUID], Connection]
JSON = Any


@dataclass(frozen=True, slots=True)
class Person:
    """A member of the workspace, with a connection that acts for them."""

    id: UUID
    connection: Connection
    workspace: UUID

    def call(self, function: str, **arguments: object) -> JSON:
        """Call a function of the API and return its answer."""
        named = ", ".join(f"{name} => %({name})s" for name in arguments)
        values = {
            name: json.dumps(value) if isinstance(value, list | dict) and name != "people" else value
            for name, value in arguments.items()
        }
        found = self.connection.execute(f"select public.{function}({named})".encode(), values).fetchone()
        assert found is not None
        return found[0]

    def ask(self, function: str, **arguments: object) -> JSON:
        """Call a function about the workspace."""
        return self.call(function, workspace=self.workspace, **arguments)

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

    def save(self, source: UUID | None, *records: dict[str, Any]) -> JSON:
        """Save records into the workspace."""
        return self.ask("save_cost_records", import_id=source, records=list(records))

    def choose(self, project: UUID | None, condition: str = "true") -> int:
        """Choose a project for records, as the API does; returns how many."""
        query = f"update public.cost_records set project_id = %s where {condition}"
        return self.connection.execute(query.encode(), [project]).rowcount

    def suspect(self, function: str, **arguments: object) -> str:
        """The sentence with which a call is refused."""
        try:
            self.call(function, **arguments)
        except Exception as error:
            return str(error).partition("\nCONTEXT")[0]
        return ""


def add_person(database: Connection, as_user: Act, workspace: UUID, role: str) -> Person:
    """Sign up a user and make them a member."""
    user = add_user(database)
    database.execute(
        "insert into public.members (workspace_id, user_id, role) values (%s, %s, %s)",
        [workspace, user, role],
    )
    return Person(user, as_user(user), workspace)


def make_team(
    database: Connection, as_user: Act, timezone: str = "UTC", person_split: str = "admins"
) -> dict[str, Person]:
    """A workspace with an owner, an admin, two members (`ann`, `bob`) and a viewer."""
    workspace = uuid4()
    database.execute(
        "insert into public.workspaces (id, name, timezone, person_split) values (%s, 'Team', %s, %s)",
        [workspace, timezone, person_split],
    )
    roles = {"owner": "owner", "admin": "admin", "ann": "member", "bob": "member", "viewer": "viewer"}
    return {name: add_person(database, as_user, workspace, role) for name, role in roles.items()}
