"""The version that a caller is given: by its key, always the same one, and by shares."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from secrets import token_bytes

SLOTS = 10_000  # of a whole: shares have two decimals

Slots = Mapping[int, Sequence[Sequence[int]]]  # [from, to[ of 0 to 10,000, by the number of their version


def choose_version(slots: Slots, prompt_id: str, environment: str, key: str | None) -> int:
    """The version whose slots have a key's; without a key, one that is drawn by the shares.

    A version has as many slots as its share says. A new split takes none of a version but those that it
    loses, so that the other keys keep their version.
    """
    place = find_slot(prompt_id, environment, key)
    return next(
        number for number, of_version in slots.items() if any(low <= place < high for low, high in of_version)
    )


def find_slot(prompt_id: str, environment: str, key: str | None) -> int:
    """The slot of a key, or a drawn one without a key."""
    if key is None:
        digest = token_bytes(8)
    else:
        digest = sha256("\0".join((prompt_id, environment, key)).encode(errors="surrogatepass")).digest()[:8]
    return (int.from_bytes(digest) * SLOTS) >> 64
