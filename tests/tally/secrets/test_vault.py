"""Provider keys decrypt for their own connection and workspace alone, and show nowhere."""

import base64
import logging
import pickle
import traceback
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tally.secrets.key_ring import VaultError, load_key_ring
from tally.secrets.vault import EncryptedKey, Owner, decrypt_key, encrypt_key
from tests.every_case import every_case
from tests.tally.secrets.rings import (
    CREDENTIAL,
    KEY,
    NEWER,
    OTHER,
    OWNER,
    SECRET,
    USER,
    ring_of,
    settings_with,
)


def checked_message(error: pytest.ExceptionInfo[VaultError]) -> str:
    """The message, once nothing that a log or debugger shows of the error contains the secret."""
    shown = "".join(
        traceback.TracebackException.from_exception(error.value, capture_locals=True).format()
    ) + repr(error.value)
    assert SECRET not in shown
    assert SECRET[7:] not in shown
    assert error.value.__cause__ is None
    assert error.value.__suppress_context__ or error.value.__context__ is None
    message = str(error.value)
    assert message.endswith("."), message
    return message


def test_stored_keys_still_decrypt() -> None:
    """An envelope that an earlier version wrote, with a nonce of 0 to 11."""
    stored = EncryptedKey(
        "v1.AAECAwQFBgcICQoL-6AeM26JopimFTuLzTLzejEe0ena_v2Tu6KKb-hQa08vU3hSOGg1i4QnTgZNBBfEQd8=", "first"
    )
    secret = decrypt_key(ring_of(NEWER, KEY), stored, OWNER)
    assert secret.get_secret_value() == "sk-ant-admin01-verysecretindeed ä"


@given(st.text(min_size=1, max_size=500), st.builds(Owner, st.uuids(), st.uuids(), st.text()))
def test_decrypting_gives_back_the_secret(secret: str, owner: Owner) -> None:
    ring = ring_of(KEY)
    encrypted = encrypt_key(ring, secret, owner)
    assert decrypt_key(ring, encrypted, owner).get_secret_value() == secret


def test_same_secret_never_encrypts_to_the_same_envelope() -> None:
    ring = ring_of(KEY)
    assert len({encrypt_key(ring, SECRET, OWNER).envelope for _ in range(200)}) == 200


def test_newest_key_encrypts_and_older_ones_still_decrypt() -> None:
    older = encrypt_key(ring_of(KEY), SECRET, OWNER)
    ring = ring_of(NEWER, KEY)
    assert encrypt_key(ring, SECRET, OWNER).key_id == ring.newest_id == NEWER.partition(":")[0]
    assert decrypt_key(ring, older, OWNER).get_secret_value() == SECRET


@every_case(
    [
        (other,)
        for other in [
            Owner(OTHER, CREDENTIAL, "anthropic"),
            Owner(USER, uuid4(), "anthropic"),
            Owner(CREDENTIAL, USER, "anthropic"),
            Owner(USER, CREDENTIAL, "openai"),
        ]
    ]
)
def test_envelope_in_another_row_is_refused(other: Owner) -> None:
    ring = ring_of(KEY)
    encrypted = encrypt_key(ring, SECRET, OWNER)
    with pytest.raises(VaultError) as error:
        decrypt_key(ring, encrypted, other)
    assert "belongs to another connection" in checked_message(error)


def test_envelope_under_another_key_id_is_refused() -> None:
    same_bytes = KEY.partition(":")[2]
    ring = ring_of(f"a:{same_bytes}", f"b:{same_bytes}")
    encrypted = encrypt_key(ring, SECRET, OWNER)
    with pytest.raises(VaultError):
        decrypt_key(ring, EncryptedKey(encrypted.envelope, "b"), OWNER)


@given(st.data())
def test_any_changed_byte_is_noticed(data: st.DataObject) -> None:
    ring = ring_of(KEY)
    encrypted = encrypt_key(ring, SECRET, OWNER)
    version, _, encoded = encrypted.envelope.partition(".")
    raw = bytearray(base64.urlsafe_b64decode(encoded))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(VaultError) as error:
        decrypt_key(
            ring,
            EncryptedKey(f"{version}.{base64.urlsafe_b64encode(raw).decode()}", encrypted.key_id),
            OWNER,
        )
    assert "cannot be decrypted" in checked_message(error)


@given(st.text(max_size=200) | st.binary(max_size=60).map(lambda raw: "v1." + base64.b64encode(raw).decode()))
def test_any_other_text_is_refused_with_a_message(envelope: str) -> None:
    with pytest.raises(VaultError) as error:
        decrypt_key(ring_of(KEY), EncryptedKey(envelope, KEY.partition(":")[0]), OWNER)
    checked_message(error)


def test_shortened_or_lengthened_envelope_is_refused() -> None:
    ring = ring_of(KEY)
    encrypted = encrypt_key(ring, SECRET, OWNER)
    for envelope in (
        *(encrypted.envelope[:end] for end in range(len(encrypted.envelope))),
        encrypted.envelope + "A=",
    ):
        with pytest.raises(VaultError):
            decrypt_key(ring, EncryptedKey(envelope, encrypted.key_id), OWNER)


def test_envelope_of_a_later_version_is_named_so() -> None:
    encrypted = encrypt_key(ring_of(KEY), SECRET, OWNER)
    with pytest.raises(VaultError) as error:
        decrypt_key(
            ring_of(KEY),
            EncryptedKey(encrypted.envelope.replace("v1.", "v2.", 1), encrypted.key_id),
            OWNER,
        )
    assert "newer Tally" in checked_message(error)


def test_missing_encryption_key_is_named() -> None:
    encrypted = encrypt_key(ring_of(KEY), SECRET, OWNER)
    with pytest.raises(VaultError) as error:
        decrypt_key(ring_of(NEWER), encrypted, OWNER)
    message = checked_message(error)
    assert encrypted.key_id in message
    assert "Put that key back" in message


def test_other_key_with_the_same_id_is_refused() -> None:
    encrypted = encrypt_key(ring_of("a:" + KEY.partition(":")[2]), SECRET, OWNER)
    with pytest.raises(VaultError) as error:
        decrypt_key(ring_of("a:" + NEWER.partition(":")[2]), EncryptedKey(encrypted.envelope, "a"), OWNER)
    assert "cannot be decrypted" in checked_message(error)


@pytest.mark.parametrize("secret", ["", "x" * 5_001, "é" * 2_501])
def test_secret_of_impossible_length_is_refused(secret: str) -> None:
    with pytest.raises(VaultError, match="1 to 5,000 characters"):
        encrypt_key(ring_of(KEY), secret, OWNER)


def test_logs_and_pickles_show_neither_secrets_nor_keys(caplog: pytest.LogCaptureFixture) -> None:
    settings = settings_with(f"{NEWER},{KEY}")
    ring = load_key_ring(settings)
    encrypted = encrypt_key(ring, SECRET, OWNER)
    decrypted = decrypt_key(ring, encrypted, OWNER)
    things = (settings, ring, encrypted, decrypted, vars(ring), [decrypted], {"key": decrypted})
    for thing in things:
        logging.getLogger("tally").warning("%s %r", thing, thing)
    for hidden in (SECRET, KEY.partition(":")[2], NEWER.partition(":")[2], encrypted.envelope):
        assert hidden not in caplog.text
    with pytest.raises(TypeError):
        pickle.dumps(ring)
