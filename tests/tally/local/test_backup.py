"""Backup and restore of a real stack: equal to the last digit, sessions ended, keys open, never half done."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psutil
import psycopg
import pytest
from psycopg.types.json import Json

from tally.accounts.auth_client import AuthClient, AuthRefused
from tally.backups.archive import Archive
from tally.backups.retention import Reason
from tally.local.backup import make_automatic_backup
from tally.local.home import open_home
from tally.local.keys import read_encryption_keys
from tally.local.restore import open_source
from tally.local.running import running_stack
from tally.local.stack import Stack
from tally.secrets import passphrase as passphrases
from tally.secrets.key_ring import load_key_ring
from tally.secrets.vault import EncryptedKey, Owner, decrypt_key, encrypt_key
from tally.storage.database import SignedOut
from tests.database_fixtures import make_months
from tests.embedded import free_port_block, migrated_home, temporary_home, temporary_stack
from tests.supabase.parts import eventually
from tests.tally.cli.in_process import run_tally
from tests.tally.people import Person, over_http, sign_up
from tests.tally.secrets.rings import settings_with

README = (Path(__file__).resolve().parents[3] / "README.md").read_text()
STRANGE = "\\N\t\\.\r\n'\";--$$ \U0001f4b8\u202e"
PASSPHRASE = "correct horse battery"
Ended = subprocess.CompletedProcess[str]


@dataclass
class Original:
    """A running Tally with data of an account."""

    stack: Stack
    person: Person
    owner: Owner
    refresh_token: str


@pytest.fixture(scope="module", autouse=True)
def cheap_passphrases() -> Iterator[None]:
    """Derive keys at little cost; a backup names it, so that restores in other processes follow."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passphrases, "COST", 4)
        yield


@pytest.fixture(scope="module")
def original() -> Iterator[Original]:
    with temporary_stack() as stack:
        person = sign_up(stack)
        loaded = run(stack.home.path, "demo", "--email", person.email, settings=stack.settings())
        assert loaded.returncode == 0, loaded.stderr
        add_extremes(stack)
        tokens = auth_of(stack).sign_in(person.email, "correct horse 1")
        yield Original(stack, person, add_connection(stack, person), tokens.refresh_token)


def add_connection(stack: Stack, person: Person) -> Owner:
    """Store a provider key as the app does."""
    owner = Owner(UUID(person.user_id), uuid4(), "anthropic")
    encrypted = encrypt_key(ring_of(stack), "sk-ant-secret", owner)
    with psycopg.connect(stack.settings()["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(
            """insert into public.api_credentials (
                id, workspace_id, user_id, provider_id, credential_name, encrypted_api_key, encryption_key_id
            )
            select %s, %s, %s, p.id, 'key', %s, %s from public.providers as p where p.name = 'anthropic'""",
            [owner.credential_id, owner.workspace_id, person.user_id, encrypted.envelope, encrypted.key_id],
        )
    return owner


def add_extremes(stack: Stack) -> None:
    """Records of another account with the greatest figures and strangest texts that the database takes."""
    stranger = sign_up(stack)
    with psycopg.connect(stack.settings()["DATABASE_URL"], autocommit=True) as connection:
        for day in ("2020-01-01", "2026-11-02", "2026-11-02"):
            make_months(connection, day)
            connection.execute(
                """insert into public.cost_records (
                    workspace_id, user_id, provider_id, timestamp, model_name, cost_usd, tokens_used, metadata
                )
                select %s, %s, p.id, %s, %s, 99999999.9999999999, 1000000000000000, %s
                from public.providers as p where p.name = 'openai'""",
                [stranger.user_id, stranger.user_id, day, STRANGE, Json({"note": STRANGE})],
            )


def ring_of(stack: Stack) -> Any:
    keys = read_encryption_keys(stack.home)
    return load_key_ring(settings_with(keys.get_secret_value() if keys else None))


def auth_of(stack: Stack) -> AuthClient:
    settings = stack.settings()
    return AuthClient(settings["SUPABASE_URL"], settings["SUPABASE_PUBLISHABLE_KEY"])


def environment(home: Path, settings: dict[str, str] | None = None) -> dict[str, str]:
    """The environment without settings of other stacks."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SUPABASE_", "DATABASE_", "TALLY_"))
    }
    return {**inherited, **(settings or {}), "TALLY_HOME": str(home)}


def run(home: Path, *arguments: str | Path, given: str = "", settings: dict[str, str] | None = None) -> Ended:
    return run_tally(*map(str, arguments), environment=environment(home, settings), given=given)


def follow_readme(step: int, home: Path, disk: Path) -> Ended:
    """Run a command of the README's section on backups, on these folders."""
    section = README.partition("## Backups")[2].partition("##")[0]
    commands = re.findall(r"^ {4}.*\.venv/bin/tally (.+)$", section, re.MULTILINE)
    arguments = [word.replace("/mnt/disk", str(disk)) for word in commands[step].split()]
    return run(home, *arguments, settings={"TALLY_BACKUP_PASSPHRASE": PASSPHRASE})


def start(home: Path, *arguments: str | Path) -> "subprocess.Popen[str]":
    """Run a command as a process that can be killed, with its passphrase."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tally", *map(str, arguments), "--passphrase-stdin"],
        env=environment(home),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None
    process.stdin.write(f"{PASSPHRASE}\n")
    process.stdin.close()
    return process


def kill_when(process: "subprocess.Popen[str]", is_reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_reached():
        assert process.poll() is None, "the process ended before the moment to kill it"
        assert time.monotonic() < deadline
        time.sleep(0.01)  # a look at the children of a process reads those of all
    process.send_signal(signal.SIGKILL)
    process.wait()


def daily_costs(stack: Stack, token: str, user_id: str) -> list[str]:
    """Each row of the account's figures as text, digit by digit; their order within a day is no figure."""
    person = Person(user_id, "", token)
    columns = over_http(stack, person).call("daily_costs", from_date=None, to_date=None)
    lists = {name: values for name, values in columns.items() if isinstance(values, list) and values}
    return sorted(repr(dict(zip(lists, row, strict=True))) for row in zip(*lists.values(), strict=True))


@pytest.fixture(scope="module")
def backup(original: Original, tmp_path_factory: pytest.TempPathFactory) -> Path:
    disk = tmp_path_factory.mktemp("disk")
    ended = follow_readme(0, original.stack.home.path, disk)
    assert ended.returncode == 0, ended.stderr
    file = disk / "tally.backup"
    assert " of 2 accounts to " in ended.stdout
    return file


def test_backup_holds_no_key_in_the_clear(original: Original, backup: Path) -> None:
    content = backup.read_bytes()
    keys = read_encryption_keys(original.stack.home)
    assert keys is not None
    assert keys.get_secret_value().partition(":")[2].encode() not in content
    assert original.stack.keys.secret_key.encode() not in content
    assert PASSPHRASE.encode() not in content
    assert backup.stat().st_mode & 0o777 == 0o600


def test_restored_tally_is_equal_to_the_last_digit(original: Original, backup: Path) -> None:
    before = daily_costs(original.stack, original.person.token, original.person.user_id)
    assert len(before) > 100
    with temporary_home() as home:
        restored = follow_readme(2, home, backup.parent)
        assert restored.returncode == 0, restored.stderr
        assert "Everyone has to sign in again." in restored.stdout
        assert not (home / "restore.json").exists()
        assert not (home / "database.dump").exists()
        with running_stack(home, free_port_block()) as stack:
            with pytest.raises(SignedOut):
                daily_costs(stack, original.person.token, original.person.user_id)
            with pytest.raises(AuthRefused):
                auth_of(stack).refresh(original.refresh_token)
            tokens = auth_of(stack).sign_in(original.person.email, "correct horse 1")
            assert daily_costs(stack, tokens.access_token, tokens.user_id) == before
            assert stack.keys.publishable_key == original.stack.keys.publishable_key
            assert stack.keys.jwt_secret != original.stack.keys.jwt_secret
            assert opened_key(stack, original.owner) == "sk-ant-secret"
            assert schema_of(stack) == schema_of(original.stack)
        assert run(home, "restore", backup, given=PASSPHRASE).returncode == 1, "the folder has data now"


def opened_key(stack: Stack, owner: Owner) -> str:
    with psycopg.connect(stack.settings()["DATABASE_URL"]) as connection:
        query = "select encrypted_api_key, encryption_key_id from public.api_credentials where id = %s"
        row = connection.execute(query, [owner.credential_id]).fetchone()
    assert row is not None
    return decrypt_key(ring_of(stack), EncryptedKey(*row), owner).get_secret_value()


def schema_of(stack: Stack) -> list[tuple[Any, ...]]:
    """Owners, privileges, policies, triggers and definitions of functions."""
    query = """
        select c.oid::regclass::text, c.relkind::text, c.relowner::regrole::text,
            array(select unnest(coalesce(c.relacl, acldefault('r', c.relowner)))::text order by 1)::text
        from pg_class as c where c.relnamespace::regnamespace::text in ('public', 'private', 'auth')
        union all
        select p.oid::regprocedure::text, md5(p.prosrc), p.proowner::regrole::text,
            array(select unnest(coalesce(p.proacl, acldefault('f', p.proowner)))::text order by 1)::text
        from pg_proc as p where p.pronamespace::regnamespace::text in ('public', 'private', 'auth')
        union all
        select p.tablename || '.' || p.policyname, p.cmd, p.roles::text, p.qual from pg_policies as p
        union all
        select t.tgrelid::regclass || '.' || t.tgname, t.tgfoid::regproc::text, t.tgenabled::text,
            t.tgtype::text
        from pg_trigger as t where not t.tgisinternal
        order by 1, 2"""
    with psycopg.connect(stack.settings()["DATABASE_URL"]) as connection:
        return connection.execute(query).fetchall()


def test_intact_backup_is_verified_and_a_changed_one_refused(backup: Path, tmp_path: Path) -> None:
    intact = follow_readme(1, tmp_path, backup.parent)
    assert (intact.returncode, "keys that the passphrase decrypts" in intact.stdout) == (0, True), (
        intact.stderr
    )
    wrong = run(tmp_path, "backup", "--verify", backup, "--passphrase-stdin", given="another phrase\n")
    assert (wrong.returncode, wrong.stderr) == (1, "The passphrase is wrong, or the backup was changed.\n")
    changed = tmp_path / "changed.backup"
    content = bytearray(backup.read_bytes())
    content[len(content) // 3] ^= 1
    changed.write_bytes(content)
    for command in (("backup", "--verify"), ("restore",)):
        refused = run(tmp_path / "home", *command, changed, "--passphrase-stdin", given=f"{PASSPHRASE}\n")
        assert refused.returncode == 1
        assert "is damaged" in refused.stderr
        assert not (tmp_path / "home" / "secrets.json").exists()


def test_wrong_passphrase_touches_nothing(backup: Path, tmp_path: Path) -> None:
    refused = run(tmp_path, "restore", backup, "--passphrase-stdin", given="another phrase\n")
    assert refused.stderr == "The passphrase is wrong, or the backup was changed.\n"
    assert not (tmp_path / "restore.json").exists()
    assert not (tmp_path / "postgres").exists()
    missing = run(tmp_path, "restore", backup)
    assert "TALLY_BACKUP_PASSPHRASE" in missing.stderr


@pytest.mark.parametrize("name", ["secrets.json", "vault.env", "sessions.db", "postgres"])
def test_folder_with_data_is_never_restored_into(backup: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("precious")
    refused = run(tmp_path, "restore", backup, "--passphrase-stdin", given=f"{PASSPHRASE}\n")
    assert refused.returncode == 1
    assert f"is not empty: it holds {name}" in refused.stderr
    assert (tmp_path / name).read_text() == "precious"


def test_killed_restores_are_never_half_done(original: Original, backup: Path) -> None:
    with temporary_home() as home:
        moments: list[Callable[[], bool]] = [
            lambda: (home / "database.dump").exists(),
            lambda: (home / "postgres" / "17" / "PG_VERSION").exists(),
            lambda: any("pg_restore" in name for name in child_names(process)),
            lambda: (home / "postgres").exists() and not (home / "database.dump").exists(),
        ]
        for is_reached in moments:
            process = start(home, "restore", backup)
            kill_when(process, is_reached)
            assert (home / "restore.json").exists()
            for command in (("up",), ("backup", "--without-keys")):
                refused = run(home, *command)
                assert refused.returncode == 1
                assert "was interrupted, and what is there is incomplete" in refused.stderr
        process = start(home, "restore", backup)
        assert process.wait(timeout=120) == 0
        with running_stack(home, free_port_block()) as stack:
            assert opened_key(stack, original.owner) == "sk-ant-secret"
            tokens = auth_of(stack).sign_in(original.person.email, "correct horse 1")
            assert len(daily_costs(stack, tokens.access_token, tokens.user_id)) > 100


def child_names(process: "subprocess.Popen[str]") -> list[str]:
    try:
        return [child.name() for child in psutil.Process(process.pid).children()]
    except psutil.Error:
        return []


def test_killed_backup_leaves_no_file_and_the_next_succeeds(original: Original, tmp_path: Path) -> None:
    file = tmp_path / "tally.backup"
    home = original.stack.home.path
    with psycopg.connect(original.stack.settings()["DATABASE_URL"]) as other:
        other.execute("lock table public.job_runs in access exclusive mode")  # the dump waits for it
        process = start(home, "backup", file)
        kill_when(process, lambda: "pg_dump" in child_names(process))
        dumps = [each for each in psutil.process_iter(["name"]) if each.info["name"] == "pg_dump"]
    assert not file.exists()
    eventually(lambda: not any(each.is_running() for each in dumps))
    ended = run(home, "backup", file, "--without-keys")
    assert ended.returncode == 0, ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["tally.backup"]
    assert not Archive(file).manifest.has_keys
    refused = run(tmp_path / "elsewhere", "restore", file)
    assert "holds no keys" in refused.stderr


def test_backup_of_a_stopped_tally_starts_its_database_for_a_moment(tmp_path: Path) -> None:
    with migrated_home() as home:
        with running_stack(home, free_port_block()) as stack:
            sign_up(stack)
        ended = run(home, "backup", tmp_path / "tally.backup", "--without-keys")
        assert ended.returncode == 0, ended.stderr
        assert "Saved 0 records of 1 account" in ended.stdout
        assert not list(open_home(home).data.glob("*/postmaster.pid"))
        absent = run(home, "backup", tmp_path / "unmounted" / "tally.backup", "--without-keys")
        assert f"There is no folder {tmp_path / 'unmounted'}" in absent.stderr
        assert not (tmp_path / "unmounted").exists()
    nothing = run(tmp_path / "empty", "backup", tmp_path / "second", "--without-keys")
    assert "There is no database" in nothing.stderr


def test_automatic_backup_takes_its_keys_from_the_folder_it_lies_in(original: Original) -> None:
    home = original.stack.home
    leftover = home.backups / ".tally-2026-01-01-031500-nightly.backup.unfinished"
    home.backups.mkdir(exist_ok=True)
    leftover.write_text("half")
    os.utime(leftover, (0, 0))
    path = make_automatic_backup(home, Reason.MIGRATION, None)
    assert [file.name for file in home.backups.iterdir()] == [path.name]
    source = open_source(path, lambda: pytest.fail("it has no keys to decrypt"), without_keys=False)
    assert source.keys is not None
    assert source.keys.encryption_keys == read_encryption_keys(home)
    assert source.keys.publishable_key == original.stack.keys.publishable_key
    shutil.rmtree(home.backups)


def test_backup_of_another_version_is_refused(backup: Path, tmp_path: Path) -> None:
    file = tmp_path / "other.backup"
    shutil.copy(backup, file)
    archive = Archive(file)
    other = archive.manifest.model_copy(update={"migrations": {"001": "0" * 64}})
    with zipfile.ZipFile(backup) as source, zipfile.ZipFile(file, "w") as changed:
        for name in archive.manifest.parts:
            changed.writestr(name, source.read(name))
        changed.writestr("manifest.json", other.model_dump_json())
    refused = run(tmp_path / "home", "restore", file)
    assert refused.returncode == 1
    assert "was made by another version of Tally" in refused.stderr
