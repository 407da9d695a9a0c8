"""Database migrations, applied with the real Supabase CLI."""

import os
import subprocess
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from tally.core.errors import TallyError
from tally.core.paths import CHECKOUT
from tally.local.home import Home
from tally.local.node import MODULES, Node

MIGRATIONS = CHECKOUT / "database" / "migrations"
CONFIG = CHECKOUT / "supabase" / "config.toml"


class MigrationsFailed(TallyError):
    """The Supabase CLI refused a migration; the text holds its output."""


def pending_migrations(database_url: str) -> list[str]:
    """Names of the migration files that are not applied yet, in order."""
    with psycopg.connect(database_url, connect_timeout=10) as connection:
        known = connection.execute(
            "select to_regclass('supabase_migrations.schema_migrations') is not null"
        ).fetchone()
        recorded: set[str] = set()
        if known and known[0]:
            rows = connection.execute("select version from supabase_migrations.schema_migrations")
            recorded = {version for (version,) in rows}
    files = sorted(path.name for path in MIGRATIONS.glob("*.sql"))
    return [name for name in files if name.split("_")[0] not in recorded]


def push_migrations(home: Home, node: Node, database_url: str) -> list[str]:
    """Apply pending migrations and return their names; each file is one transaction."""
    pending = pending_migrations(database_url)
    if pending:
        _push(node, _work_folder(home), database_url)
    return pending


def _work_folder(home: Home) -> Path:
    """A folder with links to our config: the CLI writes beside its config, but not into the checkout."""
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
