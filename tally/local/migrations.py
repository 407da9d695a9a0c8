"""Database migrations, applied with the real Supabase CLI."""

import os
import subprocess
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from tally.core.errors import TallyError
from tally.core.paths import own_files
from tally.local.home import Home
from tally.local.interruptions import is_interruption
from tally.local.node import MODULES, Node

MIGRATIONS = own_files() / "database" / "migrations"
CONFIG = own_files() / "supabase" / "config.toml"

# Beside the CLI's own table, which has the names of applied migrations but not what was in them.
CREATE_CHECKSUMS = """
create schema if not exists supabase_migrations;
create table if not exists supabase_migrations.checksums (version text primary key, sha256 text not null)"""

SAVE_CHECKSUM = """
insert into supabase_migrations.checksums (version, sha256)
values (%s, %s)
on conflict (version) do update set sha256 = excluded.sha256"""

Connection = psycopg.Connection[Any]


class MigrationsFailed(TallyError):
    """The Supabase CLI refused a migration; the text holds its output."""


class OtherVersion(TallyError):
    """The data was made by another version of Tally; the text says how to bring it over."""


OTHER_VERSION = (
    "The data in {what} was made by another version of Tally: run `tally export` with that version, then set "
    "TALLY_HOME to an empty folder and run `tally import` with this one."
)


def push_migrations(
    home: Home, node: Node, database_url: str, back_up: Callable[[], object] = lambda: None
) -> list[str]:
    """Apply pending migrations and return their names; each file is one transaction.

    Raises OtherVersion, before anything is changed, unless all applied migrations are those of this version,
    and MigrationsFailed, with everything as it was, if one does not suit the data. `back_up` is called before
    data is changed.
    """
    files, checksums = _list_files(), load_checksums()
    with psycopg.connect(database_url, connect_timeout=10) as connection:
        applied = load_applied(connection)
        if not applied.items() <= checksums.items():
            raise OtherVersion(OTHER_VERSION.format(what=home.path))
        pending = [version for version in files if version not in applied]
        if pending and applied:
            _rehearse(database_url, [files[version] for version in pending])
            back_up()
        # Before the push: a push that is interrupted leaves no migration without its checksum.
        _save_checksums(connection, {version: checksums[version] for version in pending})
    if pending:
        _push(node, _work_folder(home), database_url)
    return [files[version].name for version in pending]


def _rehearse(database_url: str, files: list[Path]) -> None:
    """Apply the files in one transaction and roll it back."""
    with psycopg.connect(database_url, connect_timeout=10) as connection:
        for file in files:
            try:
                connection.execute(file.read_bytes())
            except psycopg.Error as error:
                if is_interruption(error):
                    raise
                reason = error.diag.message_primary or error
                raise MigrationsFailed(
                    f"The data in the database does not suit {file.name}: {reason}. "
                    "Nothing was changed: the version of Tally that ran before still starts."
                ) from None
        connection.rollback()


def load_checksums() -> dict[str, str]:
    """Checksum of each migration of this Tally, by version."""
    return {version: sha256(path.read_bytes()).hexdigest() for version, path in _list_files().items()}


def _list_files() -> dict[str, Path]:
    return {path.name.partition("_")[0]: path for path in sorted(MIGRATIONS.glob("*.sql"))}


def load_applied(connection: Connection) -> dict[str, str | None]:
    """Version and checksum of each applied migration; None where an earlier version stored none."""
    if not _has_table(connection, "schema_migrations"):
        return {}
    versions = connection.execute("select version from supabase_migrations.schema_migrations").fetchall()
    checksums = {}
    if _has_table(connection, "checksums"):
        checksums = dict(connection.execute("select version, sha256 from supabase_migrations.checksums"))
    return {version: checksums.get(version) for (version,) in versions}


def _has_table(connection: Connection, name: str) -> bool:
    query = "select to_regclass(%s) is not null"
    row = connection.execute(query, [f"supabase_migrations.{name}"]).fetchone()
    return bool(row and row[0])


def _save_checksums(connection: Connection, checksums: dict[str, str]) -> None:
    if checksums:
        connection.execute(CREATE_CHECKSUMS)
        connection.cursor().executemany(SAVE_CHECKSUM, checksums.items())


def _work_folder(home: Home) -> Path:
    """A folder with links to our config: the CLI writes beside its config, but not into ours."""
    folder = home.cli
    links = {folder / "supabase" / "config.toml": CONFIG, folder / "supabase" / "migrations": MIGRATIONS}
    (folder / "supabase").mkdir(mode=0o700, exist_ok=True)
    for link, target in links.items():
        link.unlink(missing_ok=True)
        link.symlink_to(target)
    return folder


def _push(node: Node, folder: Path, database_url: str) -> None:
    address, password = _split_password(database_url)
    command = [str(node.program), str(MODULES / "supabase" / "dist" / "supabase.js"), "db", "push", "--yes"]
    ended = subprocess.run(  # noqa: S603 - our own command
        [*command, "--workdir", str(folder), "--db-url", address],
        env={
            "PATH": f"{node.program.parent}{os.pathsep}{os.environ.get('PATH', '')}",
            "HOME": str(folder),
            # In the environment: every user of the machine can read command lines.
            "PGPASSWORD": password,
            "SUPABASE_HOME": str(folder),
            "SUPABASE_TELEMETRY_DISABLED": "1",
            "SUPABASE_NO_UPDATE_NOTIFIER": "1",
            "DO_NOT_TRACK": "1",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode != 0:
        output = (ended.stderr or ended.stdout).replace(password, "***").strip()
        raise MigrationsFailed(f"The database could not be migrated. Output of the Supabase CLI:\n{output}")


def _split_password(database_url: str) -> tuple[str, str]:
    parts = conninfo_to_dict(database_url)
    address = (
        f"postgresql://{parts['user']}@{parts['host']}:{parts['port']}/{parts['dbname']}?sslmode=disable"
    )
    return address, str(parts["password"])
