"""Authenticated encryption at rest: AES-256-GCM, bound to a domain and to the place of the secret.

An envelope is `v1.` and the URL-safe base64 of nonce, ciphertext and tag. It decrypts only with the same key
and in the same place: one that is moved to another row, or used as another kind of secret, is refused.
"""

import base64
import binascii
import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tally.core.encoding import encode_parts

VERSION = "v1"
KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16


class EnvelopeError(Exception):
    """The envelope was changed, or belongs to another key or place."""


class UnknownVersion(EnvelopeError):
    """The envelope's format is unknown to this version of Tally."""


@dataclass(frozen=True, slots=True)
class Place:
    """Identity of a stored secret: the kind of secret and what sets it apart from others of its kind."""

    domain: str
    context: tuple[str, ...]

    @property
    def associated_data(self) -> bytes:
        """Unambiguous encoding of the place and the format."""
        return encode_parts(self.domain, VERSION, *self.context).encode()


def encrypt(key: AESGCM, secret: bytes, place: Place) -> str:
    """Envelope of the secret, under a nonce that is used once."""
    nonce = os.urandom(NONCE_BYTES)
    encrypted = nonce + key.encrypt(nonce, secret, place.associated_data)
    return f"{VERSION}.{base64.urlsafe_b64encode(encrypted).decode()}"


def decrypt(key: AESGCM, envelope: str, place: Place) -> bytes:
    """The secret in an envelope; raises EnvelopeError."""
    nonce, encrypted = _split(envelope)
    try:
        return key.decrypt(nonce, encrypted, place.associated_data)
    except InvalidTag:
        raise EnvelopeError from None


def _split(envelope: str) -> tuple[bytes, bytes]:
    version, _, encoded = envelope.partition(".")
    if version != VERSION:
        raise UnknownVersion
    try:
        data = base64.b64decode(encoded, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise EnvelopeError from None
    is_canonical = base64.urlsafe_b64encode(data).decode() == encoded
    if len(data) < NONCE_BYTES + TAG_BYTES or not is_canonical:
        raise EnvelopeError
    return data[:NONCE_BYTES], data[NONCE_BYTES:]
