"""The fit of a program and the database's schema: an upgrade has old and new programs side by side."""

from functools import cache
from typing import Any, Protocol

from psycopg.errors import InsufficientPrivilege, InvalidSchemaName, UndefinedFunction

from tally.core.errors import TallyError
from tally.core.paths import own_files

MIGRATIONS = own_files() / "database" / "migrations"
APPLY = "Apply the migrations: `supabase db push`."
QUERY = "select version, serves_from from private.schema_state()"


class SchemaProblem(TallyError):
    """The schema is not for this program; the text says which of the two is to be replaced."""


class Connection(Protocol):
    """A connection to Postgres, as far as it is needed here."""

    def execute(self, query: str, /) -> Any:
        """Run a query and return its cursor."""


@cache
def own_version() -> str:
    """The newest migration that this program comes with."""
    return max(file.name.partition("_")[0] for file in MIGRATIONS.glob("*.sql"))


def check_schema(connection: Connection) -> None:
    """Raise SchemaProblem unless the schema has all that this program uses, and still serves it.

    A newer schema is fine until a migration takes away what earlier programs use, and says so. Its number is
    unknown where something else than the Supabase CLI applied the migrations: then this is not judged.
    """
    try:
        version, serves_from = connection.execute(QUERY).fetchone()
    except (UndefinedFunction, InvalidSchemaName, InsufficientPrivilege):
        raise SchemaProblem(
            f"The database lacks migrations, and this program needs {own_version()}. {APPLY}"
        ) from None
    if version is not None and version < own_version():
        raise SchemaProblem(
            f"The database has migration {version}, and this program needs {own_version()}. {APPLY}"
        )
    if own_version() < serves_from:
        raise SchemaProblem(
            f"The database serves programs from migration {serves_from} on, and this one knows "
            f"{own_version()}. Replace it with the new version."
        )
