"""The text of a key: `tly_`, 30 random characters, and 6 of a checksum that finds typing errors offline."""

import re
import secrets
from hashlib import sha256
from zlib import crc32

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
START = "tly_"
RANDOM_LENGTH, CHECKSUM_LENGTH = 30, 6  # 178 bits; 62**6 is more than 2**32
KEY_LENGTH = len(START) + RANDOM_LENGTH + CHECKSUM_LENGTH
_FORM = re.compile(rf"{START}[0-9A-Za-z]{{{RANDOM_LENGTH + CHECKSUM_LENGTH}}}", re.ASCII)


def make_key_text() -> str:
    """A new key."""
    body = START + "".join(secrets.choice(DIGITS) for _ in range(RANDOM_LENGTH))
    return body + _checksum(body)


def is_key_text(text: str) -> bool:
    """True for a text that was made as a key, whether or not the key exists."""
    if len(text) != KEY_LENGTH or not _FORM.fullmatch(text):
        return False
    body, checksum = text[:-CHECKSUM_LENGTH], text[-CHECKSUM_LENGTH:]
    return _checksum(body) == checksum


def hash_key(text: str) -> bytes:
    """The SHA-256 that is stored. Random keys need no slow hash: nobody guesses 178 bits."""
    return sha256(text.encode("ascii")).digest()


def split_shown(text: str) -> tuple[str, str]:
    """The first eight and the last four characters, which are stored and shown."""
    return text[: len(START) + 4], text[-4:]


def show_key(prefix: str, last_four: str) -> str:
    """A key as lists show it: `tly_a1B2…9xYz`."""
    return f"{prefix}…{last_four}"


def _checksum(body: str) -> str:
    rest, digits = crc32(body.encode("ascii")), []
    for _ in range(CHECKSUM_LENGTH):
        rest, digit = divmod(rest, len(DIGITS))
        digits.append(DIGITS[digit])
    return "".join(reversed(digits))
