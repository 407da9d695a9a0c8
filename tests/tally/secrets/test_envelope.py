"""Envelopes decrypt only with their own key and in their own place."""

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from tally.secrets.envelope import EnvelopeError, Place, UnknownVersion, decrypt, encrypt
from tests.every_case import every_case

KEY, OTHER_KEY = AESGCM(bytes(32)), AESGCM(bytes([1] * 32))
PLACE = Place("tests", ("ab", "c"))


@given(st.binary(max_size=200))
def test_decrypting_gives_back_the_secret(secret: bytes) -> None:
    assert decrypt(KEY, encrypt(KEY, secret, PLACE), PLACE) == secret


@every_case(
    [
        (place,)
        for place in [
            Place("other", ("ab", "c")),
            Place("tests", ("a", "bc")),
            Place("tests", ("ab", "c", "")),
            Place("tests", ("abc",)),
            Place("testsab", ("c",)),
        ]
    ]
)
def test_envelope_in_another_place_is_refused(place: Place) -> None:
    with pytest.raises(EnvelopeError):
        decrypt(KEY, encrypt(KEY, b"secret", PLACE), place)


def test_envelope_of_another_key_is_refused() -> None:
    with pytest.raises(EnvelopeError):
        decrypt(OTHER_KEY, encrypt(KEY, b"secret", PLACE), PLACE)


@every_case([(envelope,) for envelope in ["", "v1", "v2.AAAA", "secret"]])
def test_unknown_version_is_named_so(envelope: str) -> None:
    with pytest.raises(UnknownVersion if envelope != "v1" else EnvelopeError):
        decrypt(KEY, envelope, PLACE)
