"""`tally keys`: the keys that seal provider keys in the database, for the operator."""

import time
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg
import typer
from pydantic import SecretStr

from tally.core.errors import TallyError
from tally.core.settings import Settings, load_settings
from tally.local.home import open_home
from tally.local.keys import read_encryption_keys, save_encryption_keys
from tally.secrets.key_ring import KeyRing, VaultError, load_key_ring, make_key
from tally.secrets.vault import EncryptedKey, decrypt_key, encrypt_key
from tally.storage.operator_connection import operating

Connection = psycopg.Connection[Any]
PAGE = 500
SETTLED_SECONDS = 3600  # longer than adding a connection takes, from reading the ring to saving

keys = typer.Typer(
    help="Look after the keys that seal provider keys.\n\nExample: tally keys check",
    no_args_is_help=True,
    rich_markup_mode=None,
)

NEXT_PAGE = """
select id, user_id, encrypted_api_key, encryption_key_id
from public.api_credentials
where id > %s
order by id
limit %s"""

USED_KEYS = "select distinct encryption_key_id from public.api_credentials"

# Only if nobody gave the credential another key meanwhile.
SWAP = """
update public.api_credentials
set encrypted_api_key = %s, encryption_key_id = %s
where id = %s and encrypted_api_key = %s and encryption_key_id = %s"""


@dataclass(frozen=True, slots=True)
class StoredKey:
    """One sealed provider key of somebody."""

    credential_id: UUID
    user_id: UUID
    envelope: str = field(repr=False)
    key_id: str

    def decrypt(self, ring: KeyRing) -> SecretStr:
        """The provider key, or VaultError."""
        encrypted = EncryptedKey(self.envelope, self.key_id)
        return decrypt_key(ring, encrypted, self.user_id, self.credential_id)


@keys.command()
def rotate() -> None:
    """Make a new sealing key and seal every provider key with it; run it again when it was interrupted.

    Example: tally keys rotate
    """
    with operating() as connection:
        _refuse_two_at_once(connection)
        settings = load_settings()
        ring = load_key_ring(settings)
        resealed = reseal(connection, ring)
        if resealed:
            typer.echo(f"Sealed with {ring.newest_id}, the newest key: {resealed:,}.")
        else:
            _rotate_anew(connection, settings)
    _report()


@keys.command()
def check() -> None:
    """Open every provider key, and say how many are sealed with which key and which cannot be opened.

    Example: tally keys check
    """
    _report()


@keys.command()
def prune() -> None:
    """Take older keys that seal nothing any more off this machine's ring; a backup from before needs them.

    Example: tally keys prune
    """
    with operating() as connection:
        _refuse_two_at_once(connection)
        settings = load_settings()
        ring = load_key_ring(settings)
        idle = _list_idle(ring, {row[0] for row in connection.execute(USED_KEYS)})
        if not idle:
            typer.echo("Every older key still seals something, or there is none.")
            return
        _take_off(idle, settings)
    typer.echo(f"Taken off the ring: {', '.join(idle)}.")


def reseal(connection: Connection, ring: KeyRing) -> int:
    """Seal all that can be opened with the newest key; how many were not. Safe to stop and to repeat."""
    resealed = 0
    is_settled = False
    while not is_settled:
        tries = [_swap(connection, ring, stored) for stored in _load_all(connection)]
        resealed += tries.count(True)
        is_settled = set(tries) <= {None}  # what somebody else changed on the way is looked at again
    return resealed


def _swap(connection: Connection, ring: KeyRing, stored: StoredKey) -> bool | None:
    """Whether it is sealed anew and was not changed meanwhile; None when nothing is to be done."""
    if stored.key_id == ring.newest_id:
        return None
    try:
        secret = stored.decrypt(ring)
    except VaultError:
        return None
    encrypted = encrypt_key(ring, secret.get_secret_value(), stored.user_id, stored.credential_id)
    changed = (encrypted.envelope, encrypted.key_id, stored.credential_id, stored.envelope, stored.key_id)
    return connection.execute(SWAP, changed).rowcount == 1


def _rotate_anew(connection: Connection, settings: Settings) -> None:
    current = settings.tally_encryption_keys
    if current is None:
        raise VaultError("TALLY_ENCRYPTION_KEYS is gone.")
    home = open_home()
    longer = SecretStr(f"{make_key()},{current.get_secret_value()}")
    if read_encryption_keys(home) != current:
        typer.echo(
            "Every provider key is sealed with the newest key already. To rotate, set this value wherever "
            "the app and the nightly job run, start them again, then run `tally keys rotate` once more:",
            err=True,
        )
        typer.echo(f"TALLY_ENCRYPTION_KEYS={longer.get_secret_value()}")
        return
    save_encryption_keys(home, longer)
    ring = load_key_ring(load_settings())
    typer.echo(f"Sealed with the new key {ring.newest_id}: {reseal(connection, ring):,}.")


def _list_idle(ring: KeyRing, used: Collection[str]) -> list[str]:
    """The older keys that seal nothing."""
    return [key_id for key_id in ring.ids if key_id != ring.newest_id and key_id not in used]


def _take_off(idle: Collection[str], settings: Settings) -> None:
    home = open_home()
    current = read_encryption_keys(home)
    if current is None or current != settings.tally_encryption_keys:
        raise TallyError(
            "TALLY_ENCRYPTION_KEYS is set in the environment, where Tally changes nothing. These keys seal "
            f"nothing any more and can be taken out where it is set: {', '.join(idle)}."
        )
    if time.time() - home.vault_env.stat().st_mtime < SETTLED_SECONDS:
        raise TallyError(
            "The ring was changed less than an hour ago, and who began before may still seal with an older "
            "key. Run `tally keys prune` again in an hour."
        )
    entries = [entry.strip() for entry in current.get_secret_value().split(",")]
    kept = [entry for entry in entries if entry.partition(":")[0] not in idle]
    save_encryption_keys(home, SecretStr(",".join(kept)))


def _report() -> None:
    """Print how every provider key stands; exit code 1 when one cannot be opened."""
    ring = load_key_ring(load_settings())
    by_key: Counter[str] = Counter()
    broken = []
    with operating() as connection:
        for stored in _load_all(connection):
            try:
                stored.decrypt(ring)
                by_key[stored.key_id] += 1
            except VaultError as error:
                broken.append((stored.credential_id, str(error)))
    for key_id in ring.ids:
        age = "newest" if key_id == ring.newest_id else "older"
        typer.echo(f"Provider keys under {key_id} ({age}): {by_key[key_id]:,}")
    if not broken and (idle := _list_idle(ring, by_key)):
        typer.echo(
            f"These seal nothing any more: {', '.join(idle)}. `tally keys prune` takes them off the ring."
        )
    for credential_id, reason in broken:
        typer.echo(f"Connection {credential_id}: {reason}", err=True)
    if broken:
        raise typer.Exit(1)


def _load_all(connection: Connection) -> Iterator[StoredKey]:
    last = UUID(int=0)
    while page := connection.execute(NEXT_PAGE, [last, PAGE]).fetchall():
        for row in page:
            yield StoredKey(*row)
        last = page[-1][0]


def _refuse_two_at_once(connection: Connection) -> None:
    """Two rotations would each write a ring without the other's new key."""
    query = "select pg_try_advisory_lock(hashtextextended('tally.keys.rotate', 0))"
    row = connection.execute(query).fetchone()
    if not row or not row[0]:
        raise TallyError("Another `tally keys` is changing the ring. Wait until it has ended.")
