"""Provider keys encrypted for the database, each bound to its connection and encryption key.

Load the key ring for each use, with `load_key_ring(load_settings())`: a rotation may have added a key.
"""

from dataclasses import dataclass, field
from uuid import UUID

from pydantic import SecretStr

from tally.secrets.envelope import EnvelopeError, Place, UnknownVersion, decrypt, encrypt
from tally.secrets.key_ring import KeyRing, VaultError

DOMAIN = "tally.secrets.vault"
MAX_SECRET_BYTES = 5_000
DAMAGED = (
    "This provider key cannot be decrypted: it was changed in the database, or belongs to another "
    "connection. Delete the connection and add the key again."
)
TOO_NEW = (
    "This provider key was encrypted by a newer Tally, or its row was damaged. Update Tally, or delete the "
    "connection and add its key again."
)


@dataclass(frozen=True, slots=True)
class EncryptedKey:
    """An encrypted provider key, and the id of its encryption key."""

    envelope: str = field(repr=False)
    key_id: str


@dataclass(frozen=True, slots=True)
class Owner:
    """The connection of a provider key; the key is refused in any other."""

    workspace_id: UUID
    credential_id: UUID
    provider: str


def encrypt_key(ring: KeyRing, secret: str, owner: Owner) -> EncryptedKey:
    """Encrypts a provider key with the newest encryption key."""
    plain = secret.encode(errors="surrogatepass")
    if not 0 < len(plain) <= MAX_SECRET_BYTES:
        raise VaultError(f"A provider key has 1 to {MAX_SECRET_BYTES:,} characters. Paste it again.")
    key_id = ring.newest_id
    place = _place(owner, key_id)
    return EncryptedKey(encrypt(ring.get(key_id), plain, place), key_id)


def decrypt_key(ring: KeyRing, encrypted: EncryptedKey, owner: Owner) -> SecretStr:
    """The provider key; raises VaultError unless it was encrypted for this very connection."""
    place = _place(owner, encrypted.key_id)
    try:
        plain = decrypt(ring.get(encrypted.key_id), encrypted.envelope, place)
    except UnknownVersion:
        raise VaultError(TOO_NEW) from None
    except EnvelopeError:
        raise VaultError(DAMAGED) from None
    return SecretStr(plain.decode(errors="surrogatepass"))


def _place(owner: Owner, key_id: str) -> Place:
    return Place(DOMAIN, (str(owner.workspace_id), str(owner.credential_id), owner.provider, key_id))
