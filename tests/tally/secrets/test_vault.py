"""Provider keys open for their own row and person alone, and nothing of them shows anywhere."""

import base64
import logging
import os
import pickle
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from stat import S_IMODE
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from typer.testing import CliRunner, Result

from tally.cli.keys import reseal
from tally.cli.main import app
from tally.core.settings import Settings, load_settings
from tally.local.home import open_home
from tally.local.keys import load_keys, read_encryption_keys, save_encryption_keys
from tally.local.stack import Stack
from tally.secrets.vault import KeyRing, VaultError, load_key_ring, make_key
from tests.tally.people import sign_up

SECRET = "sk-ant-admin01-verysecretindeed"
USER, OTHER, CREDENTIAL = UUID(int=1), UUID(int=2), UUID(int=3)


def settings_with(keys: str | None) -> Settings:
    return Settings(
        _env_file=None,  # type: ignore[call-arg]
        supabase_url="http://127.0.0.1",
        supabase_publishable_key="public",
        tally_encryption_keys=SecretStr(keys) if keys is not None else None,
    )


def ring_of(*keys: str) -> KeyRing:
    return load_key_ring(settings_with(",".join(keys)))


def sentence(error: pytest.ExceptionInfo[VaultError]) -> str:
    """What it says, after a look at everything that a log or a debugger would write of it."""
    shown = "".join(
        traceback.TracebackException.from_exception(error.value, capture_locals=True).format()
    ) + repr(error.value)
    assert SECRET not in shown
    assert SECRET[7:] not in shown
    assert error.value.__cause__ is None
    assert error.value.__suppress_context__ or error.value.__context__ is None
    said = str(error.value)
    assert said.endswith("."), said
    return said


# The same in every process: they are part of tests' names.
KEY, NEWER = (
    f"{name}:{base64.b64encode(bytes([number]) * 32).decode()}"
    for number, name in enumerate(("first", "second"))
)


@given(st.text(min_size=1, max_size=500), st.uuids(), st.uuids())
def test_what_is_sealed_opens_as_it_was(secret: str, user_id: UUID, credential_id: UUID) -> None:
    ring = ring_of(KEY)
    sealed = ring.seal(secret, user_id, credential_id)
    assert ring.open(sealed.envelope, sealed.key_id, user_id, credential_id).get_secret_value() == secret


def test_the_same_secret_is_never_sealed_alike() -> None:
    ring = ring_of(KEY)
    assert len({ring.seal(SECRET, USER, CREDENTIAL).envelope for _ in range(200)}) == 200


def test_newest_key_seals_and_older_ones_still_open() -> None:
    old = ring_of(KEY).seal(SECRET, USER, CREDENTIAL)
    ring = ring_of(NEWER, KEY)
    assert ring.seal(SECRET, USER, CREDENTIAL).key_id == ring.newest_id == NEWER.partition(":")[0]
    assert ring.open(old.envelope, old.key_id, USER, CREDENTIAL).get_secret_value() == SECRET


@pytest.mark.parametrize(
    ("user_id", "credential_id"), [(OTHER, CREDENTIAL), (USER, uuid4()), (CREDENTIAL, USER)]
)
def test_an_envelope_in_another_row_does_not_open(user_id: UUID, credential_id: UUID) -> None:
    ring = ring_of(KEY)
    sealed = ring.seal(SECRET, USER, CREDENTIAL)
    with pytest.raises(VaultError) as error:
        ring.open(sealed.envelope, sealed.key_id, user_id, credential_id)
    assert "belongs to another connection" in sentence(error)


def test_an_envelope_under_another_keys_name_does_not_open() -> None:
    same_bytes = KEY.partition(":")[2]
    ring = ring_of(f"a:{same_bytes}", f"b:{same_bytes}")
    sealed = ring.seal(SECRET, USER, CREDENTIAL)
    with pytest.raises(VaultError):
        ring.open(sealed.envelope, "b", USER, CREDENTIAL)


@given(st.data())
def test_any_changed_byte_is_noticed(data: st.DataObject) -> None:
    ring = ring_of(KEY)
    sealed = ring.seal(SECRET, USER, CREDENTIAL)
    version, _, encoded = sealed.envelope.partition(".")
    raw = bytearray(base64.urlsafe_b64decode(encoded))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(VaultError) as error:
        ring.open(f"{version}.{base64.urlsafe_b64encode(raw).decode()}", sealed.key_id, USER, CREDENTIAL)
    assert "cannot be opened" in sentence(error)


@given(st.text(max_size=200) | st.binary(max_size=60).map(lambda raw: "v1." + base64.b64encode(raw).decode()))
def test_any_other_text_is_a_sentence(envelope: str) -> None:
    with pytest.raises(VaultError) as error:
        ring_of(KEY).open(envelope, KEY.partition(":")[0], USER, CREDENTIAL)
    sentence(error)


def test_a_shortened_or_lengthened_envelope_does_not_open() -> None:
    ring = ring_of(KEY)
    sealed = ring.seal(SECRET, USER, CREDENTIAL)
    for envelope in (*(sealed.envelope[:end] for end in range(len(sealed.envelope))), sealed.envelope + "A="):
        with pytest.raises(VaultError):
            ring.open(envelope, sealed.key_id, USER, CREDENTIAL)


def test_an_envelope_of_a_later_version_says_so() -> None:
    sealed = ring_of(KEY).seal(SECRET, USER, CREDENTIAL)
    with pytest.raises(VaultError) as error:
        ring_of(KEY).open(sealed.envelope.replace("v1.", "v2.", 1), sealed.key_id, USER, CREDENTIAL)
    assert "newer Tally" in sentence(error)


def test_a_key_that_is_not_on_the_ring_is_named() -> None:
    sealed = ring_of(KEY).seal(SECRET, USER, CREDENTIAL)
    with pytest.raises(VaultError) as error:
        ring_of(NEWER).open(sealed.envelope, sealed.key_id, USER, CREDENTIAL)
    said = sentence(error)
    assert sealed.key_id in said
    assert "Put that key back" in said


def test_another_key_of_the_same_name_does_not_open() -> None:
    sealed = ring_of("a:" + KEY.partition(":")[2]).seal(SECRET, USER, CREDENTIAL)
    with pytest.raises(VaultError) as error:
        ring_of("a:" + NEWER.partition(":")[2]).open(sealed.envelope, "a", USER, CREDENTIAL)
    assert "cannot be opened" in sentence(error)


@pytest.mark.parametrize("secret", ["", "x" * 5_001, "é" * 2_501])
def test_only_something_of_a_keys_length_is_sealed(secret: str) -> None:
    with pytest.raises(VaultError, match="1 to 5,000 characters"):
        ring_of(KEY).seal(secret, USER, CREDENTIAL)


@pytest.mark.parametrize("keys", [None, ""])
def test_a_missing_ring_says_how_to_get_one(keys: str | None) -> None:
    with pytest.raises(VaultError, match=r"Missing: TALLY_ENCRYPTION_KEYS.*make up"):
        load_key_ring(settings_with(keys))


BYTES = KEY.partition(":")[2]


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        (BYTES, "entry 1 does not begin with an id"),
        (f":{BYTES}", "entry 1 does not begin with an id"),
        (f"a b:{BYTES}", "entry 1 does not begin with an id"),
        (f"a:{BYTES},", "entry 2 does not begin with an id"),
        (f"a:{BYTES},a:{BYTES}", "entry 2 has the id of an earlier one"),
        (f"a:{BYTES[:-1]}!", "entry 1 is not base64"),
        (f"a:{BYTES[:-1]}", "entry 1 is not base64"),
        (f"a:{BYTES}ä", "entry 1 is not base64"),
        (f"a:{base64.b64encode(b'x' * 16).decode()}", "entry 1 holds 16 bytes, not 32"),
        ("a:", "entry 1 holds 0 bytes, not 32"),
    ],
)
def test_a_malformed_ring_is_explained_without_showing_it(keys: str, reason: str) -> None:
    settings = settings_with(keys)
    with pytest.raises(VaultError) as error:
        load_key_ring(settings)
    shown = "".join(traceback.TracebackException.from_exception(error.value, capture_locals=True).format())
    frames_of_ours = shown.partition("in load_key_ring")[2]
    assert BYTES[:20] not in frames_of_ours
    assert reason in sentence(error)


def test_nothing_shows_a_secret_or_a_key(caplog: pytest.LogCaptureFixture) -> None:
    settings = settings_with(f"{NEWER},{KEY}")
    ring = load_key_ring(settings)
    sealed = ring.seal(SECRET, USER, CREDENTIAL)
    opened = ring.open(sealed.envelope, sealed.key_id, USER, CREDENTIAL)
    things = (settings, ring, sealed, opened, vars(ring), [opened], {"key": opened})
    for thing in things:
        logging.getLogger("tally").warning("%s %r", thing, thing)
    for hidden in (SECRET, KEY.partition(":")[2], NEWER.partition(":")[2], sealed.envelope):
        assert hidden not in caplog.text
    with pytest.raises(TypeError):
        pickle.dumps(ring)


# What follows is the same in a database, as an operator types it.

ADD = """
insert into public.api_credentials
    (id, user_id, provider_id, credential_name, encrypted_api_key, encryption_key_id)
select %s, %s, p.id, %s, %s, %s from public.providers as p where p.name = 'anthropic'"""


class Safe:
    """The provider keys of somebody in a real stack, and the ring of its TALLY_HOME."""

    def __init__(self, stack: Stack, connection: psycopg.Connection[Any]) -> None:
        self.stack, self.connection = stack, connection
        self.user_id = UUID(sign_up(stack).user_id)

    def ring(self) -> KeyRing:
        return load_key_ring(load_settings())

    def add(self, secret: str, ring: KeyRing | None = None) -> UUID:
        credential_id = uuid4()
        sealed = (ring or self.ring()).seal(secret, self.user_id, credential_id)
        values = [credential_id, self.user_id, str(credential_id), sealed.envelope, sealed.key_id]
        self.connection.execute(ADD, values)
        return credential_id

    def row(self, credential_id: UUID) -> tuple[str, str]:
        query = "select encrypted_api_key, encryption_key_id from public.api_credentials where id = %s"
        found = self.connection.execute(query, [credential_id]).fetchone()
        assert found is not None
        return found[0], found[1]

    def open(self, credential_id: UUID) -> str:
        return self.ring().open(*self.row(credential_id), self.user_id, credential_id).get_secret_value()


@pytest.fixture
def safe(stack: Stack) -> Iterator[Safe]:
    with psycopg.connect(stack.settings()["DATABASE_URL"], autocommit=True) as connection:
        before = read_encryption_keys(stack.home)
        assert before is not None
        connection.execute("delete from public.api_credentials")  # other tests' keys are under no ring
        yield Safe(stack, connection)
        connection.execute("delete from public.api_credentials")
        save_encryption_keys(stack.home, before)


def keys(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["keys", *arguments])


def test_a_home_gets_its_first_key_at_the_next_start(tmp_path: Path) -> None:
    home = open_home(tmp_path)
    load_keys(home)
    first = read_encryption_keys(home)
    assert first is not None
    assert S_IMODE(home.vault_env.stat().st_mode) == 0o600
    load_keys(home)
    assert read_encryption_keys(home) == first
    home.vault_env.unlink()
    load_keys(home)
    assert read_encryption_keys(home) not in (None, first)


def test_the_app_and_the_night_find_the_ring_of_their_home(stack: Stack) -> None:
    found = load_settings().tally_encryption_keys
    assert found is not None
    assert found == read_encryption_keys(stack.home)


def test_an_empty_setting_does_not_hide_the_ring(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLY_ENCRYPTION_KEYS", "")
    assert load_settings().tally_encryption_keys == read_encryption_keys(stack.home)


def test_rotating_seals_everything_with_a_new_key(safe: Safe) -> None:
    before = safe.ring().newest_id
    credentials = {safe.add(f"secret {n}"): f"secret {n}" for n in range(3)}
    envelopes = {safe.row(credential_id)[0] for credential_id in credentials}
    ended = keys("rotate")
    assert ended.exit_code == 0, ended.output
    newest = safe.ring().newest_id
    assert newest != before
    assert f"Sealed with the new key {newest}: 3." in ended.stdout
    assert f"Provider keys under {newest} (newest): 3\n" in ended.stdout
    for credential_id, secret in credentials.items():
        assert safe.open(credential_id) == secret
        assert safe.row(credential_id)[1] == newest
    assert not envelopes & {safe.row(credential_id)[0] for credential_id in credentials}
    assert S_IMODE(safe.stack.home.vault_env.stat().st_mode) == 0o600


def test_an_interrupted_rotation_is_finished_by_the_next(safe: Safe) -> None:
    older = safe.ring()
    credentials = [safe.add("a"), safe.add("b")]
    current = read_encryption_keys(safe.stack.home)
    assert current is not None
    save_encryption_keys(safe.stack.home, SecretStr(f"{make_key()},{current.get_secret_value()}"))
    safe.add("c")
    newest = safe.ring().newest_id
    assert newest != older.newest_id
    ended = keys("rotate")
    assert f"Sealed with {newest}, the newest key: 2." in ended.stdout
    assert {safe.row(credential_id)[1] for credential_id in credentials} == {newest}
    assert safe.ring().newest_id == newest


def test_a_rotation_that_is_killed_loses_nothing(safe: Safe) -> None:
    secrets = {safe.add(f"secret {n}"): f"secret {n}" for n in range(60)}
    # Somebody is changing the 31st credential: the rotation waits for them, and dies there.
    with psycopg.connect(safe.stack.settings()["DATABASE_URL"]) as other:
        held = sorted(secrets)[30]
        other.execute("select from public.api_credentials where id = %s for update", [held])
        process = subprocess.Popen(
            [sys.executable, "-m", "tally", "keys", "rotate"],
            env=os.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        _wait(lambda: _is_blocked(safe.connection))
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert len({safe.row(credential_id)[1] for credential_id in secrets}) == 2
    assert {credential_id: safe.open(credential_id) for credential_id in secrets} == secrets
    _wait(lambda: not _is_blocked(safe.connection))
    ended = keys("rotate")
    assert ended.exit_code == 0, ended.output
    assert {safe.row(credential_id)[1] for credential_id in secrets} == {safe.ring().newest_id}
    assert {credential_id: safe.open(credential_id) for credential_id in secrets} == secrets


def test_a_key_that_the_app_changes_meanwhile_is_not_overwritten(safe: Safe) -> None:
    credential_id = safe.add("before")
    older = safe.ring()
    ring = ring_of(make_key(), _text(safe))

    class Changing:
        """A connection on which somebody else gives the credential a new key just before the swap."""

        done = False

        def execute(self, query: str, values: Any) -> psycopg.Cursor[Any]:
            if query.lstrip().startswith("update") and not self.done:
                self.done = True
                sealed = older.seal("changed by the app", safe.user_id, credential_id)
                safe.connection.execute(
                    "update public.api_credentials set encrypted_api_key = %s, encryption_key_id = %s"
                    " where id = %s",
                    [sealed.envelope, sealed.key_id, credential_id],
                )
            return safe.connection.execute(query, values)

    reseal(Changing(), ring)  # type: ignore[arg-type]
    opened = ring.open(*safe.row(credential_id), safe.user_id, credential_id)
    assert opened.get_secret_value() == "changed by the app"
    assert safe.row(credential_id)[1] == ring.newest_id


def test_two_rotations_at_once_are_refused(safe: Safe) -> None:
    safe.connection.execute("select pg_advisory_lock(hashtextextended('tally.keys.rotate', 0))")
    ended = keys("rotate")
    safe.connection.execute("select pg_advisory_unlock(hashtextextended('tally.keys.rotate', 0))")
    assert ended.exit_code == 1
    assert ended.stderr == "Another `tally keys` is changing the ring. Wait until it has ended.\n"


def test_a_hosted_ring_is_shown_what_to_set_and_then_used(
    safe: Safe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TALLY_ENCRYPTION_KEYS", KEY)
    credential_id = safe.add(SECRET)
    ended = keys("rotate")
    assert ended.exit_code == 0
    assert "set this value wherever the app and the nightly job run" in ended.stderr
    value = ended.stdout.partition("TALLY_ENCRYPTION_KEYS=")[2].partition("\n")[0]
    assert value.endswith(f",{KEY}")
    assert safe.row(credential_id)[1] == KEY.partition(":")[0]
    monkeypatch.setenv("TALLY_ENCRYPTION_KEYS", value)
    assert ", the newest key: 1." in keys("rotate").stdout
    monkeypatch.setenv("TALLY_ENCRYPTION_KEYS", value.partition(",")[0])
    assert safe.open(credential_id) == SECRET


def test_older_keys_that_seal_nothing_are_taken_off_the_ring(safe: Safe) -> None:
    kept = safe.add("kept")
    older = safe.ring()
    rotated = keys("rotate")
    assert f"These seal nothing any more: {', '.join(older.ids)}. `tally keys prune`" in rotated.stdout
    newest = safe.ring().newest_id
    early = keys("prune")
    assert (early.exit_code, safe.ring().ids) == (1, (newest, *older.ids))
    assert "Run `tally keys prune` again in an hour." in early.stderr
    vault = safe.stack.home.vault_env
    os.utime(vault, (0, 0))
    late = safe.add("late", older)
    assert keys("prune").stdout == "Every older key still seals something, or there is none.\n"
    safe.connection.execute("delete from public.api_credentials where id = %s", [late])
    assert keys("prune").stdout == f"Taken off the ring: {', '.join(older.ids)}.\n"
    assert safe.ring().ids == (newest,)
    assert safe.open(kept) == "kept"
    assert S_IMODE(vault.stat().st_mode) == 0o600


def test_keys_in_the_environment_are_named_and_left(safe: Safe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLY_ENCRYPTION_KEYS", f"{NEWER},{KEY}")
    before = read_encryption_keys(safe.stack.home)
    ended = keys("prune")
    assert ended.exit_code == 1
    assert ended.stderr.endswith("seal nothing any more and can be taken out where it is set: first.\n")
    assert KEY not in ended.output
    assert read_encryption_keys(safe.stack.home) == before


def test_check_counts_what_opens_and_names_what_does_not(safe: Safe) -> None:
    good, lost = safe.add("good"), safe.add("lost", ring_of(NEWER))
    moved, target = safe.add("moved"), safe.add("target")
    safe.connection.execute(
        "update public.api_credentials set encrypted_api_key = %s where id = %s",
        [safe.row(moved)[0], target],
    )
    ended = keys("check")
    assert ended.exit_code == 1
    assert f"Provider keys under {safe.ring().newest_id} (newest): 2\n" in ended.stdout
    named = ended.stderr.splitlines()
    assert len(named) == 2
    assert any(line.startswith(f"Connection {lost}: ") and "does not hold" in line for line in named)
    assert any(
        line.startswith(f"Connection {target}: ") and "changed in the database" in line for line in named
    )
    assert str(good) not in ended.output
    assert str(safe.user_id) not in ended.output
    safe.connection.execute("delete from public.api_credentials where id = any(%s)", [[lost, target]])
    assert keys("check").exit_code == 0


def test_what_cannot_be_opened_is_left_as_it_is_by_a_rotation(safe: Safe) -> None:
    lost, good = safe.add("lost", ring_of(NEWER)), safe.add("good")
    row = safe.row(lost)
    ended = keys("rotate")
    assert ended.exit_code == 1
    assert safe.row(lost) == row
    assert safe.open(good) == "good"
    assert safe.row(good)[1] == safe.ring().newest_id
    assert f"Connection {lost}: " in ended.stderr


@pytest.mark.parametrize("command", ["rotate", "check"])
def test_a_missing_or_malformed_ring_is_a_sentence(
    safe: Safe, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("TALLY_ENCRYPTION_KEYS", "half a ring")
    ended = keys(command)
    assert ended.exit_code == 1
    assert ended.stderr.startswith("TALLY_ENCRYPTION_KEYS cannot be used: entry 1")
    monkeypatch.delenv("TALLY_ENCRYPTION_KEYS")
    safe.stack.home.vault_env.unlink()
    assert keys(command).stderr.startswith("Missing: TALLY_ENCRYPTION_KEYS")


def _text(safe: Safe) -> str:
    current = read_encryption_keys(safe.stack.home)
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
    raise AssertionError("it did not come true")
