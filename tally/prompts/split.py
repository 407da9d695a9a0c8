"""The version that a caller is given: by its key, always the same one, and by shares."""

from collections.abc import Mapping
from decimal import Decimal
from hashlib import sha256
from secrets import token_bytes

HUNDREDTHS = 10_000  # of a whole: shares have two decimals


def choose_version(shares: Mapping[int, Decimal], prompt_id: str, environment: str, key: str | None) -> int:
    """The version of a key; without a key, one that is drawn by the shares.

    Versions lie side by side by number, so that a change of two shares moves only the keys between them.
    `shares` are percents that add up to 100.
    """
    if key is None:
        digest = token_bytes(8)
    else:
        digest = sha256("\0".join((prompt_id, environment, key)).encode(errors="surrogatepass")).digest()[:8]
    place = (int.from_bytes(digest) * HUNDREDTHS) >> 64
    end = 0
    for number in sorted(shares):
        end += int(shares[number] * 100)
        if place < end:
            return number
    return max(shares)
