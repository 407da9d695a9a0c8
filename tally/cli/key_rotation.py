"""Provider keys of all workspaces: reading them in pages, and encrypting them with the newest key."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg
from pydantic import SecretStr

from tally.core.errors import TallyError
from tally.secrets.key_ring import KeyRing, VaultError
from tally.secrets.vault import EncryptedKey, Owner, decrypt_key, encrypt_key

Connection = psycopg.Connection[Any]
PAGE = 500

NEXT_PAGE = """
select c.id, c.workspace_id, p.name, c.encrypted_api_key, c.encryption_key_id
from public.api_credentials as c
inner join public.providers as p on p.id = c.provider_id
where %(last)s::uuid is null or c.id > %(last)s
order by c.id
limit %(page)s"""

# These change nothing if the user has replaced the provider key in the meantime.
REPLACE = """
update public.api_credentials
set encrypted_api_key = %s, encryption_key_id = %s
where id = %s and encrypted_api_key = %s and encryption_key_id = %s"""

DISCARD = """
delete from public.api_credentials
where id = %s and encrypted_api_key = %s and encryption_key_id = %s"""

MAX_PASSES = 10  # an account that keeps changing its key does not keep the rotation from ending


@dataclass(frozen=True, slots=True)
class StoredKey:
    """One encrypted provider key, and the id of the key that encrypted it."""

    owner: Owner
    envelope: str = field(repr=False)
    key_id: str

    def decrypt(self, ring: KeyRing) -> SecretStr:
        """The provider key; raises VaultError if the ring cannot decrypt it."""
        return decrypt_key(ring, EncryptedKey(self.envelope, self.key_id), self.owner)


def load_stored_keys(connection: Connection) -> Iterator[StoredKey]:
    """Every provider key of every workspace."""
    last: UUID | None = None  # not the least id: an account may have chosen that one
    while page := connection.execute(NEXT_PAGE, {"last": last, "page": PAGE}).fetchall():
        for credential_id, workspace_id, provider, envelope, key_id in page:
            yield StoredKey(Owner(workspace_id, credential_id, provider), envelope, key_id)
        last = page[-1][0]


def load_used_key_ids(connection: Connection, ring: KeyRing) -> set[str]:
    """Ids of the keys that decrypt at least one provider key: a damaged row keeps no key."""
    return {stored.key_id for stored in load_stored_keys(connection) if not describe_damage(stored, ring)}


def describe_damage(stored: StoredKey, ring: KeyRing) -> str:
    """Reason why the provider key cannot be decrypted; empty if it can."""
    try:
        stored.decrypt(ring)
    except VaultError as error:
        return str(error)
    return ""


def discard_key(connection: Connection, ring: KeyRing, credential_id: UUID) -> None:
    """Delete a connection whose key cannot be decrypted; raises TallyError for any other."""
    for stored in load_stored_keys(connection):
        if stored.owner.credential_id == credential_id:
            break
    else:
        raise TallyError(
            f"There is no connection {credential_id}. `tally keys check` lists those to discard."
        )
    if not describe_damage(stored, ring):
        raise TallyError(
            f"The provider key of connection {credential_id} can be decrypted. Nothing was deleted."
        )
    connection.execute(DISCARD, (credential_id, stored.envelope, stored.key_id))


def reencrypt_all(connection: Connection, ring: KeyRing) -> int:
    """Encrypt all readable provider keys with the newest key; returns the number re-encrypted.

    Safe to interrupt and to repeat.
    """
    reencrypted = 0
    for _ in range(MAX_PASSES):
        outcomes = [_reencrypt(connection, ring, stored) for stored in load_stored_keys(connection)]
        reencrypted += outcomes.count(True)
        if set(outcomes) <= {None}:  # keys that users changed in the meantime are checked again
            break
    return reencrypted


def _reencrypt(connection: Connection, ring: KeyRing, stored: StoredKey) -> bool | None:
    """True if re-encrypted, False if changed in the meantime, None if there is nothing to do."""
    if stored.key_id == ring.newest_id:
        return None
    try:
        secret = stored.decrypt(ring)
    except VaultError:
        return None
    encrypted = encrypt_key(ring, secret.get_secret_value(), stored.owner)
    values = (
        encrypted.envelope,
        encrypted.key_id,
        stored.owner.credential_id,
        stored.envelope,
        stored.key_id,
    )
    return connection.execute(REPLACE, values).rowcount == 1


def refuse_concurrent_change(connection: Connection) -> None:
    """Lock the key ring for this connection: two rotations would each drop the other's new key."""
    query = "select pg_try_advisory_lock(hashtextextended('tally.keys.rotate', 0))"
    row = connection.execute(query).fetchone()
    if not row or not row[0]:
        raise TallyError("Another `tally keys` command is changing the keys. Wait for it to finish.")
