"""Login roles with which BI tools read a workspace: `public.sql_roles`, and the schema `bi`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tally.core.errors import TallyError
from tally.storage.database import Database, Query, select_all

COLUMNS = "id,user_id,name,role_name,created_at"
VIEWS = ("budgets", "daily_costs", "people", "projects", "providers", "records", "subscriptions")


@dataclass(frozen=True, slots=True)
class SqlRole:
    """A role of a workspace; it reads as long as `user_id`, who made it, is an admin."""

    id: str
    user_id: str
    name: str
    role_name: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class MadeRole:
    """A role that was just made: the only time that its password is known.

    The server is that which the database sees of itself; behind a proxy or a pooler it has another address.
    """

    role_name: str
    password: str = field(repr=False)
    database: str
    host: str | None
    port: int | None

    @property
    def url(self) -> str:
        """A connection string, with placeholders for an unknown server."""
        host, port = self.host or "<host>", self.port or 5432
        return f"postgresql://{self.role_name}:{self.password}@{host}:{port}/{self.database}"


def list_sql_roles(database: Database) -> list[SqlRole]:
    """The roles of the workspace, oldest first; admins alone see them."""
    query = Query("sql_roles", COLUMNS, ["created_at", "id"])
    return [
        SqlRole(**row | {"created_at": datetime.fromisoformat(row["created_at"])})
        for row in select_all(database, query)
    ]


def create_sql_role(database: Database, name: str) -> MadeRole:
    """Make a role; raises DatabaseError for who is no admin."""
    return MadeRole(**database.call("create_sql_role", name=name))


def remove_sql_role(database: Database, role_id: str) -> None:
    """End a role and its sessions."""
    database.call("remove_sql_role", sql_role=role_id)


def find_sql_role(roles: Sequence[SqlRole], asked: str) -> SqlRole:
    """The role with this id, user name or name; raises TallyError unless there is one."""
    wanted = asked.strip()
    found = [role for role in roles if wanted in (role.id, role.role_name)]
    found = found or [role for role in roles if role.name.casefold() == wanted.casefold()]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(role.role_name for role in found)
        raise TallyError(
            f"There are {len(found)} roles named “{wanted}”. Use the user of one of them: {names}."
        )
    raise TallyError(f"There is no role “{wanted}”. `tally keys sql list` shows all of them.")
