"""Encryption under a passphrase: an envelope, and before it how its key is derived.

The text is `scrypt.<binary logarithm of the cost>.<salt>.<envelope>`.
"""

import base64
import binascii
import os
import re
import unicodedata

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from pydantic import SecretStr

from tally.secrets.envelope import KEY_BYTES, EnvelopeError, Place, UnknownVersion, decrypt, encrypt

COST = 17  # 128 MB and half a second for each guess
MAX_COST = 20  # a hostile file does not exhaust the memory
SALT_BYTES = 16
BLOCK_SIZE = 8

_FORMAT = re.compile(r"scrypt\.(\d{1,2})\.([A-Za-z0-9_=-]{1,100})\.(.+)", re.DOTALL)


def encrypt_with_passphrase(passphrase: SecretStr, secret: bytes, place: Place) -> str:
    """The secret, readable only with the passphrase and in this place."""
    salt = os.urandom(SALT_BYTES)
    envelope = encrypt(_derive_key(passphrase, salt, COST), secret, place)
    return f"scrypt.{COST}.{base64.urlsafe_b64encode(salt).decode()}.{envelope}"


def decrypt_with_passphrase(passphrase: SecretStr, text: str, place: Place) -> bytes:
    """The secret; raises EnvelopeError for another passphrase or place, or a changed text."""
    found = _FORMAT.fullmatch(text)
    if not found:
        raise UnknownVersion
    cost, envelope = int(found[1]), found[3]
    try:
        salt = base64.b64decode(found[2], altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise EnvelopeError from None
    if not 1 <= cost <= MAX_COST:
        raise EnvelopeError
    return decrypt(_derive_key(passphrase, salt, cost), envelope, place)


def _derive_key(passphrase: SecretStr, salt: bytes, cost: int) -> AESGCM:
    # The same passphrase may be composed differently on another keyboard.
    text = unicodedata.normalize("NFC", passphrase.get_secret_value()).encode(errors="surrogatepass")
    return AESGCM(Scrypt(salt=salt, length=KEY_BYTES, n=2**cost, r=BLOCK_SIZE, p=1).derive(text))
