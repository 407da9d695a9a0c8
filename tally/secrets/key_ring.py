"""Encryption keys of the operator, in the setting TALLY_ENCRYPTION_KEYS."""

import base64
import binascii
import os
import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

from tally.core.errors import TallyError
from tally.core.paths import START
from tally.core.settings import Settings
from tally.secrets.envelope import KEY_BYTES

_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")

NO_KEYS = (
    f"Missing: TALLY_ENCRYPTION_KEYS, which encrypts provider keys. Start Tally with `{START}`, or set it "
    "(see README)."
)
FORMAT = "It is a list of <id>:<base64 of 32 bytes>, newest first, separated by commas."


class VaultError(TallyError):
    """A provider key cannot be encrypted or decrypted; the text contains neither key."""


class KeyRing:
    """Encryption keys by id, newest first; its repr shows only ids."""

    def __init__(self, keys: Mapping[str, AESGCM]) -> None:
        self._keys = dict(keys)

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(self.ids)})"

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of all keys, newest first."""
        return tuple(self._keys)

    @property
    def newest_id(self) -> str:
        """Id of the key that encrypts."""
        return self.ids[0]

    def get(self, key_id: str) -> AESGCM:
        """The key with this id; raises VaultError without one."""
        key = self._keys.get(key_id)
        if key is None:
            raise VaultError(
                f"This provider key was encrypted with the key {key_id[:100]!r}, which TALLY_ENCRYPTION_KEYS "
                "does not hold. Put that key back, or delete the connection and add its key again."
            )
        return key


def load_key_ring(settings: Settings) -> KeyRing:
    """The keys in TALLY_ENCRYPTION_KEYS; raises VaultError when they are missing or malformed."""
    if not settings.tally_encryption_keys:
        raise VaultError(NO_KEYS)
    ring = _parse_ring(settings.tally_encryption_keys)
    if isinstance(ring, str):
        raise VaultError(f"TALLY_ENCRYPTION_KEYS cannot be used: {ring} {FORMAT}")
    return ring


def make_key() -> str:
    """A new entry of TALLY_ENCRYPTION_KEYS."""
    key_id = f"{datetime.now(UTC):%Y%m%d}-{secrets.token_hex(3)}"
    return f"{key_id}:{base64.b64encode(os.urandom(KEY_BYTES)).decode()}"


def _parse_ring(setting: SecretStr) -> KeyRing | str:
    """The ring or an error message, as a value: a traceback from here would show keys in its frames."""
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
