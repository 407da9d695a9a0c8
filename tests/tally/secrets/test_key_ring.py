"""Key rings from TALLY_ENCRYPTION_KEYS, and the errors in that setting."""

import base64
import traceback

import pytest

from tally.secrets.key_ring import VaultError, load_key_ring, make_key
from tests.every_case import every_case
from tests.tally.secrets.rings import KEY, NEWER, ring_of, settings_with


def test_ring_lists_its_keys_newest_first() -> None:
    ring = ring_of(NEWER, KEY)
    assert (ring.ids, ring.newest_id) == (("second", "first"), "second")
    assert repr(ring) == "KeyRing(second, first)"


def test_new_keys_are_usable_and_differ() -> None:
    first, second = make_key(), make_key()
    assert len(set(ring_of(first, second).ids)) == 2


@pytest.mark.parametrize("keys", [None, ""])
def test_missing_keys_are_explained(keys: str | None) -> None:
    with pytest.raises(VaultError, match=r"Missing: TALLY_ENCRYPTION_KEYS.*make up"):
        load_key_ring(settings_with(keys))


BYTES = KEY.partition(":")[2]


@every_case(
    [
        (BYTES, "entry 1 does not begin with an id"),
        (f":{BYTES}", "entry 1 does not begin with an id"),
        (f"a b:{BYTES}", "entry 1 does not begin with an id"),
        (f"a:{BYTES},", "entry 2 does not begin with an id"),
        (f"a:{BYTES},a:{BYTES}", "entry 2 has the id of an earlier one"),
        (f"a:{BYTES[:-1]}!", "entry 1 is not base64"),
        (f"a:{BYTES[:-1]}", "entry 1 is not base64"),
        (f"a:{BYTES}ä", "entry 1 is not base64"),
        (f"a:{base64.b64encode(b'x' * 16).decode()}", "entry 1 holds 16 bytes, not 32"),
        ("a:", "entry 1 holds 0 bytes, not 32"),
    ]
)
def test_malformed_keys_are_explained_without_showing_them(keys: str, reason: str) -> None:
    settings = settings_with(keys)
    with pytest.raises(VaultError) as error:
        load_key_ring(settings)
    shown = "".join(traceback.TracebackException.from_exception(error.value, capture_locals=True).format())
    frames_of_ours = shown.partition("in load_key_ring")[2]
    assert BYTES[:20] not in frames_of_ours
    assert reason in str(error.value)
