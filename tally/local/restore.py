"""Restoring a backup into an empty TALLY_HOME.

A marker stands in the folder from the first change to the last. While it does, Tally does not start there,
and the next restore removes what the interrupted one left.
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from psycopg import sql
from pydantic import SecretStr

from tally.backups.archive import Archive
from tally.backups.keys import BackedUpKeys, decrypt_keys
from tally.backups.manifest import DATABASE, Manifest
from tally.backups.programs import OLDEST, find_program, restore_dump
from tally.backups.totals import load_totals
from tally.core.errors import TallyError
from tally.core.private_files import write_private
from tally.local import processes
from tally.local.backup import admin_url, load_backed_up_keys
from tally.local.home import Home
from tally.local.interruptions import naming_interruptions
from tally.local.keys import make_keys, save_encryption_keys, save_keys
from tally.local.lock import HomeLock, find_holder, lock_home
from tally.local.migrations import OTHER_VERSION, load_checksums
from tally.local.ports import find_free_ports
from tally.local.postmaster import find_postmaster
from tally.local.running import running_database, running_stack

RESTORED, REPLACED = "restored", "replaced"
SPACE_FACTOR = 6  # a database takes several times the room of its compressed dump
MIN_FREE_BYTES = 500_000_000


@dataclass(frozen=True, slots=True)
class Source:
    """A backup, and the keys that belong to it; without keys, connections need theirs again."""

    archive: Archive
    keys: BackedUpKeys | None

    @property
    def manifest(self) -> Manifest:
        return self.archive.manifest


def open_source(path: Path, ask: Callable[[], SecretStr], without_keys: bool) -> Source:
    """Check a backup to its last byte, and decrypt its keys; raises TallyError before anything is changed."""
    archive = Archive(path)
    _refuse_other_version(archive)
    archive.verify()
    if without_keys:
        return Source(archive, None)
    if archive.manifest.has_keys:
        dump = archive.manifest.parts[DATABASE].sha256
        return Source(archive, decrypt_keys(archive.read_keys(), ask(), dump))
    home = Home(path.resolve().parent.parent)
    if path.resolve().parent != home.backups or not home.vault_env.exists() or not home.secrets_file.exists():
        raise TallyError(
            f"{path} holds no keys. Restore it from the folder `backups` in the TALLY_HOME that has them, or "
            "add --without-keys: connections then need their provider keys again."
        )
    return Source(archive, load_backed_up_keys(home))


def restore(home: Home, source: Source) -> None:
    """Make the home what the backup holds; raises TallyError, and then the home is empty."""
    find_program("pg_restore")
    _refuse_data(home)
    _refuse_small_disk(home, source.manifest)
    lock = HomeLock(home.path / "restore.lock", "restore", 0)
    try:
        with naming_interruptions("tally restore"):
            _restore(home, source)
    finally:
        lock.release()


def _restore(home: Home, source: Source) -> None:
    lock_home(home, "restore", 0).release()  # waits until the stack of a killed restore has ended
    write_private(home.restore_marker, json.dumps(_marker(source)) + "\n")
    try:
        _clear(home)
        _load(home, source)
        with running_stack(home.path, find_free_ports().dashboard) as stack:
            _refuse_other_totals(source.manifest, admin_url(home, stack.ports.postgres))
            _collect_statistics(admin_url(home, stack.ports.postgres))
    except BaseException:
        _clear(home)
        home.restore_marker.unlink(missing_ok=True)
        raise
    home.stack_env.unlink(missing_ok=True)
    home.restore_marker.unlink()


def _load(home: Home, source: Source) -> None:
    """Make the secrets and the database; the marker is set."""
    keys = make_keys()
    if source.keys is not None:
        keys.publishable_key = source.keys.publishable_key
        keys.secret_key = source.keys.secret_key.get_secret_value()
        if source.keys.encryption_keys.get_secret_value():
            save_encryption_keys(home, source.keys.encryption_keys)
    save_keys(home, keys)
    dump = home.path / DATABASE
    source.archive.extract(DATABASE, dump)
    with running_database(home) as stack:
        port = stack.ports.postgres
        with psycopg.connect(admin_url(home, port, "template1"), autocommit=True) as connection:
            connection.execute(f"create database {RESTORED} template template0 owner postgres")
        restore_dump(dump, admin_url(home, port, RESTORED))
        _forget_sql_roles(admin_url(home, port, RESTORED))
        _refuse_other_totals(source.manifest, admin_url(home, port, RESTORED))
        _replace_database(admin_url(home, port, "template1"))
    dump.unlink()


def _forget_sql_roles(database_url: str) -> None:
    """Login roles are those of a server: BI tools need new ones on this one."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("delete from public.sql_roles")


def _replace_database(database_url: str) -> None:
    """Give the restored database the place of the empty one, to which the stack is connected."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("alter database postgres allow_connections false")
        connection.execute(
            "select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = 'postgres'"
        )
        for old, new in (("postgres", REPLACED), (RESTORED, "postgres")):
            rename = sql.SQL("alter database {} rename to {}")
            connection.execute(rename.format(sql.Identifier(old), sql.Identifier(new)))
        connection.execute(f"drop database {REPLACED}")


def _collect_statistics(database_url: str) -> None:
    """Plans and index-only reads need them, and a dump has none."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("vacuum (analyze)")


def _clear(home: Home) -> None:
    """Remove what a restore makes, and end the database server of a killed one."""
    left = find_postmaster(home)
    if left is not None and left.is_running and not left.is_of_the_original:
        processes.end(left.pid)
    shutil.rmtree(home.data, ignore_errors=True)
    for file in (home.secrets_file, home.vault_env, home.stack_env, home.path / DATABASE):
        file.unlink(missing_ok=True)


def _refuse_data(home: Home) -> None:
    if find_holder(home) is not None and not home.restore_marker.exists():
        raise TallyError(f"Tally is running in {home.path}. Set TALLY_HOME to an empty folder.")
    if home.restore_marker.exists():
        return
    for path in (home.data, home.secrets_file, home.vault_env, home.sessions_db):
        if path.exists():
            raise TallyError(
                f"{home.path} is not empty: it holds {path.name}. Set TALLY_HOME to an empty folder, "
                "and start Tally with the same setting later."
            )


def _refuse_small_disk(home: Home, manifest: Manifest) -> None:
    free = shutil.disk_usage(home.path).free
    needed = MIN_FREE_BYTES + SPACE_FACTOR * manifest.parts[DATABASE].size
    if free < needed:
        raise TallyError(
            f"The disk that holds {home.path} has {free / 1e6:,.0f} MB left, and this backup needs "
            f"{needed / 1e6:,.0f} MB. Free some space, or choose a folder on another disk with TALLY_HOME."
        )


def _refuse_other_version(archive: Archive) -> None:
    manifest = archive.manifest
    if int(manifest.postgres.partition(".")[0]) > OLDEST:
        raise TallyError(f"{archive.path} was made with PostgreSQL {manifest.postgres}. Update Tally first.")
    if not manifest.migrations.items() <= load_checksums().items():
        raise TallyError(OTHER_VERSION.format(what=archive.path))


def _refuse_other_totals(manifest: Manifest, database_url: str) -> None:
    with psycopg.connect(database_url, connect_timeout=10) as connection:
        found = load_totals(connection)
    for name, total in manifest.totals.items():
        if found.get(name) != total:
            raise TallyError(
                f"The restored database has {found.get(name)} {name}, and the backup had {total}. Nothing "
                "was restored. Check the backup with `tally backup --verify`."
            )


def _marker(source: Source) -> dict[str, str]:
    return {"backup": str(source.archive.path), "started_at": datetime.now(UTC).isoformat(timespec="seconds")}
