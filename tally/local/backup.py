"""Backups of this machine's Tally, made while it runs."""

import io
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from psycopg import IsolationLevel
from pydantic import SecretStr

from tally.backups.archive import Archive, ArchiveWriter, new_archive
from tally.backups.keys import BackedUpKeys, decrypt_keys, encrypt_keys
from tally.backups.manifest import DATABASE, KEYS, Manifest
from tally.backups.programs import dumping, find_program, read_dump
from tally.backups.retention import Reason, backup_name, find_outdated
from tally.backups.totals import load_totals
from tally.core.environment import load_environment
from tally.core.errors import TallyError
from tally.local.home import Home
from tally.local.interruptions import naming_interruptions
from tally.local.keys import ENCRYPTION_KEYS, load_keys, read_encryption_keys
from tally.local.migrations import load_applied
from tally.local.postmaster import find_postmaster
from tally.local.readiness import has_database, refuse_unfinished_restore
from tally.local.running import running_database

ADMIN = "supabase_admin"
MIN_FREE_BYTES = 200_000_000


def make_backup(home: Home, path: Path, passphrase: SecretStr | None) -> Manifest:
    """Write a consistent copy of the database, and with a passphrase the keys; raises TallyError."""
    refuse_unfinished_restore(home)
    if not has_database(home):
        raise TallyError(f"There is no database in {home.path}. Set TALLY_HOME to the folder that has one.")
    find_program("pg_dump")
    home.backups.mkdir(mode=0o700, exist_ok=True)
    if not path.parent.is_dir():
        raise TallyError(
            f"There is no folder {path.parent}. Create it, or mount the disk that should be there."
        )
    interruptions = naming_interruptions("tally backup")
    with interruptions, database_of(home) as database_url, new_archive(path) as archive:
        return _write(archive, home, database_url, passphrase)


def make_automatic_backup(home: Home, reason: Reason, passphrase: SecretStr | None) -> Path:
    """Write a backup into the home, and delete those that are outdated by it."""
    path = home.backups / backup_name(datetime.now().astimezone(), reason)
    _refuse_full_disk(home)
    make_backup(home, path, passphrase)
    _remove_unfinished(home.backups)
    for name in find_outdated(file.name for file in home.backups.iterdir()):
        (home.backups / name).unlink(missing_ok=True)
    return path


def verify_backup(home: Home, path: Path, passphrase: SecretStr | None) -> Manifest:
    """Read a backup as a restore would, with a passphrase also its keys; raises TallyError if damaged.

    The dump is read from a copy in the home, for the backup may be on a disk that cannot be written.
    """
    archive = Archive(path)
    archive.verify()
    manifest = archive.manifest
    with TemporaryDirectory(dir=home.path, prefix=".verify-") as folder:
        dump = Path(folder) / DATABASE
        archive.extract(DATABASE, dump)
        read_dump(dump)
    if passphrase and manifest.has_keys:
        decrypt_keys(archive.read_keys(), passphrase, manifest.parts[DATABASE].sha256)
    return manifest


@contextmanager
def database_of(home: Home) -> Iterator[str]:
    """Address of the home's database for the superuser; started for as long as it is needed."""
    running = find_postmaster(home)
    if running is not None and running.is_running and not running.is_of_the_original:
        yield admin_url(home, running.port)
        return
    with running_database(home) as stack:
        yield admin_url(home, stack.ports.postgres)


def admin_url(home: Home, port: int, database: str = "postgres") -> str:
    """Address of a database for the superuser."""
    return f"postgresql://{ADMIN}:{load_keys(home).passwords[ADMIN]}@127.0.0.1:{port}/{database}"


def load_backed_up_keys(home: Home) -> BackedUpKeys:
    """The keys of a home; a rotation may add some while the database is read."""
    texts = [load_environment().get(ENCRYPTION_KEYS.lower()), _secret(read_encryption_keys(home))]
    entries = dict.fromkeys(entry.strip() for text in texts if text for entry in text.split(","))
    keys = load_keys(home)
    return BackedUpKeys(SecretStr(",".join(entries)), keys.publishable_key, SecretStr(keys.secret_key))


def _write(archive: ArchiveWriter, home: Home, database_url: str, passphrase: SecretStr | None) -> Manifest:
    before = load_backed_up_keys(home)
    with psycopg.connect(database_url, connect_timeout=10) as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        [[snapshot, server]] = connection.execute(
            "select pg_export_snapshot(), current_setting('server_version')"
        ).fetchall()
        totals, migrations = load_totals(connection), load_applied(connection)
        with dumping(database_url, snapshot) as output:
            dump = archive.add(DATABASE, output)
    if passphrase is not None:
        keys = _join(load_backed_up_keys(home), before)
        archive.add(KEYS, io.BytesIO(encrypt_keys(keys, passphrase, dump.sha256).encode()))
    manifest = Manifest(
        tally=version("tally"),
        postgres=server,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        migrations=migrations,
        totals=totals,
        parts=archive.parts,
    )
    archive.finish(manifest)
    return manifest


def _join(keys: BackedUpKeys, before: BackedUpKeys) -> BackedUpKeys:
    """With the encryption keys that were removed meanwhile: the dump may need them."""
    texts = (keys.encryption_keys.get_secret_value(), before.encryption_keys.get_secret_value())
    entries = dict.fromkeys(entry for text in texts for entry in text.split(",") if entry)
    return BackedUpKeys(SecretStr(",".join(entries)), keys.publishable_key, keys.secret_key)


def _refuse_full_disk(home: Home) -> None:
    """An automatic backup must not take the room that the database needs."""
    sizes = [file.stat().st_size for file in home.backups.glob("*.backup")]
    needed, free = MIN_FREE_BYTES + 2 * max(sizes, default=0), shutil.disk_usage(home.path).free
    if free < needed:
        raise TallyError(
            f"No automatic backup was made: the disk that holds {home.path} has {free / 1e6:,.0f} MB left, "
            f"and {needed / 1e6:,.0f} MB are needed. Free some space."
        )


def _remove_unfinished(folder: Path) -> None:
    """Remove what killed backups left a day ago or earlier."""
    for file in folder.glob(".*.unfinished"):
        if file.stat().st_mtime < time.time() - 86_400:
            file.unlink(missing_ok=True)


def _secret(text: SecretStr | None) -> str | None:
    return text.get_secret_value() if text else None
