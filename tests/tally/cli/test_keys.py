"""`tally keys` on a real stack: rotating, pruning and checking encryption keys."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from stat import S_IMODE
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from pydantic import SecretStr
from typer.testing import CliRunner, Result

from tally.cli.key_rotation import PROVIDER_KEYS
from tally.cli.main import app
from tally.cli.target_rotation import TARGETS
from tally.core.errors import TallyError
from tally.core.settings import load_settings
from tally.local.home import open_home
from tally.local.keys import load_keys, make_encryption_keys, read_encryption_keys, save_encryption_keys
from tally.local.stack import Stack
from tally.notifications.targets import Owner as TargetOwner
from tally.notifications.targets import seal_target
from tally.secrets.key_ring import KeyRing, load_key_ring, make_key
from tally.secrets.vault import EncryptedKey, Owner, decrypt_key, encrypt_key
from tests.shared_connections import operator_connection
from tests.tally.people import sign_up
from tests.tally.secrets.rings import KEY, NEWER, SECRET, ring_of

ADD = """
insert into public.api_credentials
    (id, workspace_id, user_id, provider_id, credential_name, encrypted_api_key, encryption_key_id)
select %s, %s, %s, p.id, %s, %s, %s from public.providers as p where p.name = 'anthropic'"""


class Vault:
    """An account's provider keys in a real stack, and the encryption keys of its TALLY_HOME."""

    def __init__(self, stack: Stack, connection: psycopg.Connection[Any]) -> None:
        self.stack, self.connection = stack, connection
        self.user_id = UUID(sign_up(stack).user_id)

    def ring(self) -> KeyRing:
        return load_key_ring(load_settings())

    def add(self, secret: str, ring: KeyRing | None = None) -> UUID:
        credential_id = uuid4()
        encrypted = encrypt_key(ring or self.ring(), secret, self.owner(credential_id))
        values = [self.user_id, self.user_id, str(credential_id), encrypted.envelope, encrypted.key_id]
        self.connection.execute(ADD, [credential_id, *values])
        return credential_id

    def row(self, credential_id: UUID) -> tuple[str, str]:
        query = "select encrypted_api_key, encryption_key_id from public.api_credentials where id = %s"
        found = self.connection.execute(query, [credential_id]).fetchone()
        assert found is not None
        return found[0], found[1]

    def decrypt(self, credential_id: UUID) -> str:
        encrypted = EncryptedKey(*self.row(credential_id))
        return decrypt_key(self.ring(), encrypted, self.owner(credential_id)).get_secret_value()

    def owner(self, credential_id: UUID) -> Owner:
        return Owner(self.user_id, credential_id, "anthropic")

    def damage(self, credential_id: UUID) -> None:
        """Change the stored key as its owner can, through the API."""
        query = "update public.api_credentials set encrypted_api_key = 'v1.damaged' where id = %s"
        self.connection.execute(query, [credential_id])


@pytest.fixture
def vault(stack: Stack) -> Iterator[Vault]:
    with operator_connection(stack, autocommit=True) as connection:
        before = read_encryption_keys(stack.home)
        assert before is not None
        for table in ("api_credentials", "channels"):
            connection.execute(f"delete from public.{table}")  # of other tests
        yield Vault(stack, connection)
        for table in ("api_credentials", "channels"):
            connection.execute(f"delete from public.{table}")
        save_encryption_keys(stack.home, before)


TARGET = {"url": "https://hooks.slack.com/services/T0/B0/secret"}


def add_channel(vault: Vault, ring: KeyRing | None = None) -> UUID:
    """A channel of alerts with an encrypted target."""
    channel = uuid4()
    sealed = seal_target(ring or vault.ring(), TARGET, TargetOwner(vault.user_id, channel, "slack"))
    vault.connection.execute(
        """insert into public.channels
            (id, workspace_id, kind, name, hint, sealed_target, encryption_key_id)
        values (%s, %s, 'slack', 'Team', '', %s, %s)""",
        [channel, vault.user_id, sealed.envelope, sealed.key_id],
    )
    return channel


def read_target(vault: Vault, channel: UUID) -> tuple[str, dict[str, str]]:
    """The id of the key of a channel's target, and the target."""
    [stored] = [one for one in TARGETS.load(vault.connection) if one.row_id == channel]
    return stored.key_id, stored.decrypt(vault.ring())


def test_rotation_encrypts_targets_of_channels_too(vault: Vault) -> None:
    channel, before = add_channel(vault), vault.ring().newest_id
    ended = keys("rotate")
    newest = vault.ring().newest_id
    assert newest != before
    assert f"Encrypted with the new key {newest}: 1." in ended.stdout
    assert f"Targets of channels encrypted with {newest} (newest): 1\n" in ended.stdout
    assert read_target(vault, channel) == (newest, TARGET)


def test_key_of_a_target_is_not_removed(vault: Vault) -> None:
    older = vault.ring()
    assert keys("rotate").exit_code == 0
    os.utime(vault.stack.home.vault_env, (0, 0))
    channel = add_channel(vault, older)
    assert keys("prune").stdout == "There are no unused encryption keys.\n"
    assert read_target(vault, channel)[1] == TARGET


def test_target_that_cannot_be_decrypted_is_named(vault: Vault) -> None:
    lost, moved, good = add_channel(vault, ring_of(NEWER)), add_channel(vault), add_channel(vault)
    vault.connection.execute(
        """update public.channels as c set sealed_target = o.sealed_target
        from public.channels as o where c.id = %s and o.id = %s""",
        [moved, good],
    )
    ended = keys("check")
    assert ended.exit_code == 1
    [first, second] = sorted(ended.stderr.splitlines(), key=lambda line: str(moved) in line)
    assert first.startswith(f"Channel {lost}: The target of this channel was encrypted with the key 'second'")
    assert second.startswith(f"Channel {moved}: The target of this channel cannot be decrypted")
    assert "secret" not in ended.output


def test_lost_keys_are_not_made_anew_while_a_channel_needs_them(vault: Vault) -> None:
    add_channel(vault)
    vault.stack.home.vault_env.unlink()
    with pytest.raises(TallyError, match=r"1 provider key or channel of alerts cannot be decrypted"):
        make_encryption_keys(vault.stack.home, vault.stack.settings()["DATABASE_URL"])


def keys(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["keys", *arguments])


def test_home_gets_its_first_encryption_key_at_start(tmp_path: Path) -> None:
    home = open_home(tmp_path)
    load_keys(home)
    first = read_encryption_keys(home)
    assert first is not None
    assert S_IMODE(home.vault_env.stat().st_mode) == 0o600
    load_keys(home)
    assert read_encryption_keys(home) == first


@pytest.mark.parametrize("is_empty", [False, True], ids=["missing", "empty"])
def test_lost_keys_are_made_anew_only_while_nothing_needs_them(vault: Vault, is_empty: bool) -> None:
    home, url = vault.stack.home, vault.stack.settings()["DATABASE_URL"]
    credential_id, before = vault.add("stored"), read_encryption_keys(home)
    home.vault_env.write_text("") if is_empty else home.vault_env.unlink()
    load_keys(home)
    assert read_encryption_keys(home) is None
    with pytest.raises(TallyError, match=r"vault\.env is missing .* 1 provider key .*tally keys replace"):
        make_encryption_keys(home, url)
    assert read_encryption_keys(home) is None
    vault.connection.execute("delete from public.api_credentials where id = %s", [credential_id])
    make_encryption_keys(home, url)
    assert read_encryption_keys(home) not in (None, before)


def test_settings_find_the_keys_of_their_home(stack: Stack) -> None:
    found = load_settings().tally_encryption_keys
    assert found is not None
    assert found == read_encryption_keys(stack.home)


def test_empty_setting_does_not_hide_the_stored_keys(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLY_ENCRYPTION_KEYS", "")
    assert load_settings().tally_encryption_keys == read_encryption_keys(stack.home)


def test_rotation_reports_the_new_key_and_stores_it_privately(vault: Vault) -> None:
    before = vault.ring().newest_id
    for number in range(3):
        vault.add(f"secret {number}")
    ended = keys("rotate")
    assert ended.exit_code == 0, ended.output
    newest = vault.ring().newest_id
    assert newest != before
    assert f"Encrypted with the new key {newest}: 3." in ended.stdout
    assert f"Provider keys encrypted with {newest} (newest): 3\n" in ended.stdout
    assert S_IMODE(vault.stack.home.vault_env.stat().st_mode) == 0o600


def test_rotation_encrypts_everything_with_the_new_key(vault: Vault) -> None:
    credentials = {vault.add(f"secret {n}"): f"secret {n}" for n in range(3)}
    envelopes = {vault.row(credential_id)[0] for credential_id in credentials}
    assert keys("rotate").exit_code == 0
    newest = vault.ring().newest_id
    assert {credential_id: vault.decrypt(credential_id) for credential_id in credentials} == credentials
    rows = [vault.row(credential_id) for credential_id in credentials]
    assert {key_id for _, key_id in rows} == {newest}
    assert envelopes.isdisjoint(envelope for envelope, _ in rows)


def test_interrupted_rotation_is_finished_by_the_next(vault: Vault) -> None:
    older = vault.ring()
    credentials = [vault.add("a"), vault.add("b")]
    current = read_encryption_keys(vault.stack.home)
    assert current is not None
    save_encryption_keys(vault.stack.home, SecretStr(f"{make_key()},{current.get_secret_value()}"))
    vault.add("c")
    newest = vault.ring().newest_id
    assert newest != older.newest_id
    ended = keys("rotate")
    assert f"Encrypted with {newest}, the newest key: 2." in ended.stdout
    assert {vault.row(credential_id)[1] for credential_id in credentials} == {newest}
    assert vault.ring().newest_id == newest


def test_killed_rotation_loses_nothing(vault: Vault) -> None:
    secrets = {vault.add(f"secret {n}"): f"secret {n}" for n in range(40)}
    # Another transaction holds the 21st credential: the rotation waits for it and is killed there.
    with psycopg.connect(vault.stack.settings()["DATABASE_URL"]) as other:
        held = sorted(secrets)[20]
        other.execute("select from public.api_credentials where id = %s for update", [held])
        process = subprocess.Popen(
            [sys.executable, "-m", "tally", "keys", "rotate"],
            env=os.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        _wait(lambda: _is_blocked(vault.connection))
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert len({vault.row(credential_id)[1] for credential_id in secrets}) == 2
    assert {credential_id: vault.decrypt(credential_id) for credential_id in secrets} == secrets
    _wait(lambda: not _is_blocked(vault.connection))
    ended = keys("rotate")
    assert ended.exit_code == 0, ended.output
    assert {vault.row(credential_id)[1] for credential_id in secrets} == {vault.ring().newest_id}
    assert {credential_id: vault.decrypt(credential_id) for credential_id in secrets} == secrets


def test_rotation_does_not_overwrite_a_key_that_the_app_just_changed(vault: Vault) -> None:
    credential_id = vault.add("before")
    older = vault.ring()
    ring = ring_of(make_key(), _text(vault))

    class Changing:
        """A connection on which the app replaces the key just before the rotation does."""

        done = False

        def execute(self, query: str, values: Any) -> psycopg.Cursor[Any]:
            if query.lstrip().startswith("update") and not self.done:
                self.done = True
                encrypted = encrypt_key(older, "changed by the app", vault.owner(credential_id))
                vault.connection.execute(
                    "update public.api_credentials set encrypted_api_key = %s, encryption_key_id = %s"
                    " where id = %s",
                    [encrypted.envelope, encrypted.key_id, credential_id],
                )
            return vault.connection.execute(query, values)

    PROVIDER_KEYS.reencrypt(Changing(), ring)  # type: ignore[arg-type]
    opened = decrypt_key(ring, EncryptedKey(*vault.row(credential_id)), vault.owner(credential_id))
    assert opened.get_secret_value() == "changed by the app"
    assert vault.row(credential_id)[1] == ring.newest_id


def test_second_rotation_at_the_same_time_is_refused(vault: Vault) -> None:
    vault.connection.execute("select pg_advisory_lock(hashtextextended('tally.keys.rotate', 0))")
    ended = keys("rotate")
    vault.connection.execute("select pg_advisory_unlock(hashtextextended('tally.keys.rotate', 0))")
    assert ended.exit_code == 1
    assert ended.stderr == "Another `tally keys` command is changing the keys. Wait for it to finish.\n"


def test_hosted_rotation_prints_the_setting_and_then_uses_it(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TALLY_ENCRYPTION_KEYS", KEY)
    credential_id = vault.add(SECRET)
    ended = keys("rotate")
    assert ended.exit_code == 0
    assert "set this value wherever the app and the nightly run get their settings" in ended.stderr
    value = ended.stdout.partition("TALLY_ENCRYPTION_KEYS=")[2].partition("\n")[0]
    assert value.endswith(f",{KEY}")
    assert vault.row(credential_id)[1] == KEY.partition(":")[0]
    monkeypatch.setenv("TALLY_ENCRYPTION_KEYS", value)
    assert ", the newest key: 1." in keys("rotate").stdout
    monkeypatch.setenv("TALLY_ENCRYPTION_KEYS", value.partition(",")[0])
    assert vault.decrypt(credential_id) == SECRET


def test_prune_removes_unused_keys(vault: Vault) -> None:
    kept = vault.add("kept")
    older = vault.ring()
    rotated = keys("rotate")
    assert (
        f"Unused encryption keys: {', '.join(older.ids)}. Remove them with `tally keys prune`."
        in rotated.stdout
    )
    newest = vault.ring().newest_id
    early = keys("prune")
    assert (early.exit_code, vault.ring().ids) == (1, (newest, *older.ids))
    assert "Run `tally keys prune` again in an hour." in early.stderr
    vault_file = vault.stack.home.vault_env
    os.utime(vault_file, (0, 0))
    late = vault.add("late", older)
    assert keys("prune").stdout == "There are no unused encryption keys.\n"
    vault.connection.execute("delete from public.api_credentials where id = %s", [late])
    assert keys("prune").stdout == f"Removed unused encryption keys: {', '.join(older.ids)}.\n"
    assert vault.ring().ids == (newest,)
    assert vault.decrypt(kept) == "kept"
    assert S_IMODE(vault_file.stat().st_mode) == 0o600


def test_prune_names_unused_keys_in_the_environment(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLY_ENCRYPTION_KEYS", f"{NEWER},{KEY}")
    before = read_encryption_keys(vault.stack.home)
    ended = keys("prune")
    assert ended.exit_code == 1
    assert ended.stderr.endswith("Remove these unused keys where it is set: first.\n")
    assert KEY not in ended.output
    assert read_encryption_keys(vault.stack.home) == before


def test_check_counts_good_keys_and_names_broken_ones(vault: Vault) -> None:
    good, lost = vault.add("good"), vault.add("lost", ring_of(NEWER))
    moved, target = vault.add("moved"), vault.add("target")
    vault.connection.execute(
        "update public.api_credentials set encrypted_api_key = %s where id = %s",
        [vault.row(moved)[0], target],
    )
    ended = keys("check")
    assert ended.exit_code == 1
    assert f"Provider keys encrypted with {vault.ring().newest_id} (newest): 2\n" in ended.stdout
    *named, hint = ended.stderr.splitlines()
    assert len(named) == 2
    assert hint == "To delete such a connection, run `tally keys discard` with its id."
    assert any(line.startswith(f"Connection {lost}: ") and "does not hold" in line for line in named)
    assert any(
        line.startswith(f"Connection {target}: ") and "changed in the database" in line for line in named
    )
    assert str(good) not in ended.output
    assert str(vault.user_id) not in ended.output
    vault.connection.execute("delete from public.api_credentials where id = any(%s)", [[lost, target]])
    assert keys("check").exit_code == 0


def test_rotation_leaves_undecryptable_keys_unchanged(vault: Vault) -> None:
    lost, good = vault.add("lost", ring_of(NEWER)), vault.add("good")
    row = vault.row(lost)
    ended = keys("rotate")
    assert ended.exit_code == 1
    assert vault.row(lost) == row
    assert vault.decrypt(good) == "good"
    assert vault.row(good)[1] == vault.ring().newest_id
    assert f"Connection {lost}: " in ended.stderr


def test_damaged_row_keeps_no_key_from_being_removed(vault: Vault) -> None:
    damaged, good, older = vault.add("damaged"), vault.add("good"), vault.ring()
    vault.damage(damaged)
    rotated = keys("rotate")
    assert rotated.exit_code == 1
    assert f"Connection {damaged}: " in rotated.stderr
    assert vault.row(damaged)[1] == older.newest_id
    os.utime(vault.stack.home.vault_env, (0, 0))
    assert keys("prune").stdout == f"Removed unused encryption keys: {', '.join(older.ids)}.\n"
    assert vault.decrypt(good) == "good"


def test_discard_deletes_only_what_cannot_be_decrypted(vault: Vault) -> None:
    damaged, good = vault.add("damaged"), vault.add("good")
    vault.damage(damaged)
    refused = keys("discard", str(good))
    assert (refused.exit_code, refused.stderr) == (
        1,
        f"The provider key of connection {good} can be decrypted. Nothing was deleted.\n",
    )
    assert keys("discard", str(damaged)).stdout == f"Deleted connection {damaged}.\n"
    assert "There is no connection" in keys("discard", str(damaged)).stderr
    assert keys("check").exit_code == 0
    assert vault.decrypt(good) == "good"


def test_key_moved_to_another_provider_is_not_sent_there(vault: Vault) -> None:
    moved = vault.add("moved")
    other = "(select id from public.providers where name = 'openai')"
    vault.connection.execute(
        f"update public.api_credentials set provider_id = {other} where id = %s", [moved]
    )
    ended = keys("check")
    assert (ended.exit_code, f"Connection {moved}: " in ended.stderr) == (1, True)


def test_lost_key_is_replaced_and_a_present_one_kept(vault: Vault) -> None:
    before = vault.ring().newest_id
    assert "holds an encryption key" in keys("replace").stderr
    assert vault.ring().newest_id == before
    vault.stack.home.vault_env.unlink()
    assert keys("replace").exit_code == 0
    assert vault.ring().newest_id != before


def test_binary_file_of_keys_is_named(vault: Vault) -> None:
    vault.stack.home.vault_env.write_bytes(b"\0\xff")
    for command in ("check", "rotate", "replace", "prune"):
        ended = keys(command)
        assert (ended.exit_code, ended.exception is None or isinstance(ended.exception, SystemExit)) == (
            1,
            True,
        )
        assert str(vault.stack.home.vault_env) in ended.stderr
        assert "Restore it from a backup" in ended.stderr
    assert vault.stack.home.vault_env.read_bytes() == b"\0\xff"


@pytest.mark.parametrize("command", ["rotate", "check"])
def test_missing_or_malformed_keys_are_explained(
    vault: Vault, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("TALLY_ENCRYPTION_KEYS", "half a ring")
    ended = keys(command)
    assert ended.exit_code == 1
    assert ended.stderr.startswith("TALLY_ENCRYPTION_KEYS cannot be used: entry 1")
    monkeypatch.delenv("TALLY_ENCRYPTION_KEYS")
    vault.stack.home.vault_env.unlink()
    assert keys(command).stderr.startswith("Missing: TALLY_ENCRYPTION_KEYS")


def _text(vault: Vault) -> str:
    current = read_encryption_keys(vault.stack.home)
    assert current is not None
    return current.get_secret_value()


def _is_blocked(connection: psycopg.Connection[Any]) -> bool:
    query = "select exists (select from pg_stat_activity where wait_event_type = 'Lock' and query like %s)"
    row = connection.execute(query, ["%update public.api_credentials%"]).fetchone()
    return bool(row and row[0])


def _wait(is_true: Callable[[], bool]) -> None:
    for _ in range(600):
        if is_true():
            return
        signal.sigtimedwait([], 0.05)
    raise AssertionError("condition not met in time")
