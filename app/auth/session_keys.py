"""Encryption of a session's tokens with a key that only the browser's cookie can derive."""

import hashlib
import secrets

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from tally.secrets.envelope import KEY_BYTES, Place, decrypt, encrypt

COOKIE_LENGTH = 43  # 32 random bytes in URL-safe base64
DOMAIN = "tally.app.sessions"


def new_cookie() -> str:
    """A fresh, unguessable session cookie."""
    return secrets.token_urlsafe(32)


def session_id(cookie: str) -> str:
    """Id that a cookie's session is stored under; the cookie cannot be derived from it."""
    return hashlib.sha256(b"tally session id\0" + cookie.encode()).hexdigest()


def encrypt_tokens(cookie: str, tokens: bytes, user_id: str) -> bytes:
    """Encrypts for this cookie and account only."""
    return encrypt(_key(cookie), tokens, Place(DOMAIN, (user_id,))).encode()


def decrypt_tokens(cookie: str, encrypted: bytes, user_id: str) -> bytes:
    """Tokens that `encrypt_tokens` encrypted for this cookie and account; raises EnvelopeError."""
    return decrypt(_key(cookie), encrypted.decode("ascii", "replace"), Place(DOMAIN, (user_id,)))


def _key(cookie: str) -> AESGCM:
    # The cookie is already uniformly random, so HKDF's extract step adds nothing (RFC 5869, 3.3).
    derive = HKDFExpand(SHA256(), length=KEY_BYTES, info=b"tally session tokens")
    return AESGCM(derive.derive(cookie.encode()))
