"""Provider keys of all workspaces, for rotations, and the deletion of one that is lost."""

from dataclasses import dataclass, field
from uuid import UUID

from pydantic import SecretStr

from tally.cli.sealed_rows import Connection, SealedRows, describe_damage
from tally.core.errors import TallyError
from tally.secrets.key_ring import KeyRing
from tally.secrets.vault import EncryptedKey, Owner, decrypt_key, encrypt_key

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


@dataclass(frozen=True, slots=True)
class StoredKey:
    """One encrypted provider key, and the id of the key that encrypted it."""

    owner: Owner
    envelope: str = field(repr=False)
    key_id: str

    @property
    def row_id(self) -> UUID:
        """The connection."""
        return self.owner.credential_id

    def decrypt(self, ring: KeyRing) -> SecretStr:
        """The provider key; raises VaultError if the ring cannot decrypt it."""
        return decrypt_key(ring, EncryptedKey(self.envelope, self.key_id), self.owner)

    def reencrypt(self, ring: KeyRing) -> tuple[str, str]:
        """Encrypt it with the newest key; raises VaultError likewise."""
        encrypted = encrypt_key(ring, self.decrypt(ring).get_secret_value(), self.owner)
        return encrypted.envelope, encrypted.key_id


def _read(credential_id: UUID, workspace_id: UUID, provider: str, envelope: str, key_id: str) -> StoredKey:
    return StoredKey(Owner(workspace_id, credential_id, provider), envelope, key_id)


PROVIDER_KEYS = SealedRows(NEXT_PAGE, REPLACE, _read)


def discard_key(connection: Connection, ring: KeyRing, credential_id: UUID) -> None:
    """Delete a connection whose key cannot be decrypted; raises TallyError for any other."""
    for stored in PROVIDER_KEYS.load(connection):
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


def refuse_concurrent_change(connection: Connection) -> None:
    """Lock the key ring for this connection: two rotations would each drop the other's new key."""
    query = "select pg_try_advisory_lock(hashtextextended('tally.keys.rotate', 0))"
    row = connection.execute(query).fetchone()
    if not row or not row[0]:
        raise TallyError("Another `tally keys` command is changing the keys. Wait for it to finish.")
