"""Provider keys of all workspaces: reading them in pages, and encrypting them with the newest key."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg
from pydantic import SecretStr

from tally.core.errors import TallyError
from tally.secrets.key_ring import KeyRing, VaultError
from tally.secrets.vault import EncryptedKey, decrypt_key, encrypt_key

Connection = psycopg.Connection[Any]
PAGE = 500

NEXT_PAGE = """
select id, workspace_id, encrypted_api_key, encryption_key_id
from public.api_credentials
where id > %s
order by id
limit %s"""

USED_KEYS = "select distinct encryption_key_id from public.api_credentials"

# Changes nothing if the user has replaced the provider key in the meantime.
REPLACE = """
update public.api_credentials
set encrypted_api_key = %s, encryption_key_id = %s
where id = %s and encrypted_api_key = %s and encryption_key_id = %s"""


@dataclass(frozen=True, slots=True)
class StoredKey:
    """One encrypted provider key, and the id of the key that encrypted it."""

    credential_id: UUID
    workspace_id: UUID
    envelope: str = field(repr=False)
    key_id: str

    def decrypt(self, ring: KeyRing) -> SecretStr:
        """The provider key; raises VaultError if the ring cannot decrypt it."""
        encrypted = EncryptedKey(self.envelope, self.key_id)
        return decrypt_key(ring, encrypted, self.workspace_id, self.credential_id)


def load_stored_keys(connection: Connection) -> Iterator[StoredKey]:
    """Every provider key of every workspace."""
    last = UUID(int=0)
    while page := connection.execute(NEXT_PAGE, [last, PAGE]).fetchall():
        for row in page:
            yield StoredKey(*row)
        last = page[-1][0]


def load_used_key_ids(connection: Connection) -> set[str]:
    """Ids of the keys that encrypt at least one provider key."""
    return {row[0] for row in connection.execute(USED_KEYS)}


def reencrypt_all(connection: Connection, ring: KeyRing) -> int:
    """Encrypt all readable provider keys with the newest key; returns the number re-encrypted.

    Safe to interrupt and to repeat.
    """
    reencrypted = 0
    is_complete = False
    while not is_complete:
        outcomes = [_reencrypt(connection, ring, stored) for stored in load_stored_keys(connection)]
        reencrypted += outcomes.count(True)
        is_complete = set(outcomes) <= {None}  # keys that users changed in the meantime are checked again
    return reencrypted


def _reencrypt(connection: Connection, ring: KeyRing, stored: StoredKey) -> bool | None:
    """True if re-encrypted, False if changed in the meantime, None if there is nothing to do."""
    if stored.key_id == ring.newest_id:
        return None
    try:
        secret = stored.decrypt(ring)
    except VaultError:
        return None
    encrypted = encrypt_key(ring, secret.get_secret_value(), stored.workspace_id, stored.credential_id)
    values = (encrypted.envelope, encrypted.key_id, stored.credential_id, stored.envelope, stored.key_id)
    return connection.execute(REPLACE, values).rowcount == 1


def refuse_concurrent_change(connection: Connection) -> None:
    """Lock the key ring for this connection: two rotations would each drop the other's new key."""
    query = "select pg_try_advisory_lock(hashtextextended('tally.keys.rotate', 0))"
    row = connection.execute(query).fetchone()
    if not row or not row[0]:
        raise TallyError("Another `tally keys` command is changing the keys. Wait for it to finish.")
