"""Seal a session's secrets with keys that only the browser's cookie can derive."""

import hashlib
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

NONCE_BYTES = 12
COOKIE_LENGTH = 43  # 32 random bytes in URL-safe base64


class SealBroken(Exception):
    """The sealed bytes were not made with this cookie for this session."""


def new_cookie() -> str:
    """A fresh, unguessable session cookie."""
    return secrets.token_urlsafe(32)


def session_id(cookie: str) -> str:
    """The name under which a cookie's session is stored; it says nothing about the cookie."""
    return hashlib.sha256(b"tally session id\0" + cookie.encode()).hexdigest()


def seal(cookie: str, secret: bytes, bound_to: str) -> bytes:
    """Encrypt `secret`; it opens only with the same cookie and the same `bound_to`."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(_key(cookie)).encrypt(nonce, secret, bound_to.encode())


def unseal(cookie: str, sealed: bytes, bound_to: str) -> bytes:
    """Decrypt what `seal` made, or raise SealBroken."""
    try:
        return AESGCM(_key(cookie)).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to.encode())
    except (InvalidTag, ValueError):
        raise SealBroken from None


def _key(cookie: str) -> bytes:
    # The cookie is already uniformly random, so HKDF's extract step adds nothing (RFC 5869, 3.3).
    return HKDFExpand(SHA256(), length=32, info=b"tally session seal").derive(cookie.encode())
