"""Provider keys sealed for the database: AES-256-GCM, bound to one user, one credential and one sealing key.

Read the ring anew for each use, with `load_key_ring(load_settings())`: a rotation may have made a newer key.
"""

import base64
import binascii
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

from tally.core.errors import TallyError
from tally.core.records import encode_parts
from tally.core.settings import Settings

VERSION = "v1"
KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
MAX_SECRET_BYTES = 5_000
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")

NO_RING = (
    "Missing: TALLY_ENCRYPTION_KEYS, which seals and opens provider keys. Start Tally with `make up`, or set "
    "it (see README)."
)
SHAPE = "It is a list of <id>:<base64 of 32 bytes>, newest first, with commas between."
DAMAGED = (
    "This provider key cannot be opened: it was changed in the database, or belongs to another connection. "
    "Delete the connection and add the key again."
)


class VaultError(TallyError):
    """A provider key cannot be sealed or opened; the text says nothing of either key."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What the database keeps of a secret, and which key sealed it."""

    envelope: str = field(repr=False)
    key_id: str


class KeyRing:
    """The sealing keys by id, newest first; its repr shows ids alone."""

    def __init__(self, keys: Mapping[str, AESGCM]) -> None:
        self._keys = dict(keys)

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(self.ids)})"

    @property
    def ids(self) -> tuple[str, ...]:
        """Every key's id, newest first."""
        return tuple(self._keys)

    @property
    def newest_id(self) -> str:
        """The key that seals from now on."""
        return self.ids[0]

    def seal(self, secret: str, user_id: UUID, credential_id: UUID) -> Sealed:
        """Seal a provider key with the newest key, under a nonce that is used once."""
        key_id = self.newest_id
        plain = secret.encode(errors="surrogatepass")
        if not 0 < len(plain) <= MAX_SECRET_BYTES:
            raise VaultError(f"A provider key has 1 to {MAX_SECRET_BYTES:,} characters. Paste it again.")
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._keys[key_id].encrypt(nonce, plain, _binding(user_id, credential_id, key_id))
        return Sealed(f"{VERSION}.{base64.urlsafe_b64encode(nonce + sealed).decode()}", key_id)

    def open(self, envelope: str, key_id: str, user_id: UUID, credential_id: UUID) -> SecretStr:
        """The provider key, or VaultError when this row was not sealed as it stands."""
        key = self._keys.get(key_id)
        if key is None:
            raise VaultError(
                f"This provider key was sealed with the key {key_id[:100]!r}, which TALLY_ENCRYPTION_KEYS "
                "does not hold. Put that key back, or delete the connection and add its key again."
            )
        nonce, sealed = _split(envelope)
        try:
            plain = key.decrypt(nonce, sealed, _binding(user_id, credential_id, key_id))
        except InvalidTag:
            raise VaultError(DAMAGED) from None
        return SecretStr(plain.decode(errors="surrogatepass"))


def load_key_ring(settings: Settings) -> KeyRing:
    """The ring of TALLY_ENCRYPTION_KEYS, or VaultError saying what is wrong with it."""
    if not settings.tally_encryption_keys:
        raise VaultError(NO_RING)
    ring = _parse_ring(settings.tally_encryption_keys)
    if isinstance(ring, str):
        raise VaultError(f"TALLY_ENCRYPTION_KEYS cannot be used: {ring} {SHAPE}")
    return ring


def make_key() -> str:
    """A new entry of TALLY_ENCRYPTION_KEYS."""
    key_id = f"{datetime.now(UTC):%Y%m%d}-{secrets.token_hex(3)}"
    return f"{key_id}:{base64.b64encode(os.urandom(KEY_BYTES)).decode()}"


def _parse_ring(setting: SecretStr) -> KeyRing | str:
    """The ring or what is wrong, as a value: a traceback from here would hold keys in its frames."""
    keys: dict[str, AESGCM] = {}
    for place, entry in enumerate(setting.get_secret_value().split(","), start=1):
        key_id, _, encoded = entry.strip().partition(":")
        if not _KEY_ID.fullmatch(key_id):
            return f"entry {place} does not begin with an id of letters, digits, - and _, and a colon."
        if key_id in keys:
            return f"entry {place} has the id of an earlier one."
        try:
            key = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            return f"entry {place} is not base64."
        if len(key) != KEY_BYTES:
            return f"entry {place} holds {len(key)} bytes, not {KEY_BYTES}."
        keys[key_id] = AESGCM(key)
    return KeyRing(keys)


def _binding(user_id: UUID, credential_id: UUID, key_id: str) -> bytes:
    """What an envelope belongs to: it opens nowhere else."""
    return encode_parts("tally.secrets.vault", VERSION, str(user_id), str(credential_id), key_id).encode()


def _split(envelope: str) -> tuple[bytes, bytes]:
    version, _, encoded = envelope.partition(".")
    if version != VERSION:
        raise VaultError(
            "This provider key was sealed by a newer Tally, or its row was damaged. Update Tally, or delete "
            "the connection and add its key again."
        )
    try:
        data = base64.b64decode(encoded, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise VaultError(DAMAGED) from None
    if len(data) <= NONCE_BYTES + TAG_BYTES or base64.urlsafe_b64encode(data).decode() != encoded:
        raise VaultError(DAMAGED)
    return data[:NONCE_BYTES], data[NONCE_BYTES:]
