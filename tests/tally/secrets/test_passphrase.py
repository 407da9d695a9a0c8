"""Secrets under a passphrase: only it decrypts them, in their place, and no text exhausts the machine."""

import base64

import pytest
from pydantic import SecretStr

from tally.secrets import passphrase as passphrases
from tally.secrets.envelope import EnvelopeError, Place
from tally.secrets.passphrase import decrypt_with_passphrase, encrypt_with_passphrase

PLACE = Place("tests", ("here",))
STORED = "scrypt.17.AAECAwQFBgcICQoLDA0ODw==.v1.AAECAwQFBgcICQoLD7VytS5iBEAQq4FHfdO8IEVayMxsqQ=="
PASSPHRASE = SecretStr("grüße aus Köln")


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passphrases, "COST", 4)


def test_passphrase_gives_back_the_secret_however_it_is_composed() -> None:
    text = encrypt_with_passphrase(PASSPHRASE, b"secret", PLACE)
    assert b"secret" not in text.encode()
    composed_otherwise = SecretStr("gru\u0308ße aus Ko\u0308ln")
    assert decrypt_with_passphrase(composed_otherwise, text, PLACE) == b"secret"


def test_same_secret_never_gives_the_same_text() -> None:
    assert len({encrypt_with_passphrase(PASSPHRASE, b"secret", PLACE) for _ in range(20)}) == 20


def test_text_of_an_earlier_version_decrypts() -> None:
    """Made with the real cost, a salt of 0 to 15 and a nonce of 0 to 11."""
    text = STORED
    assert decrypt_with_passphrase(PASSPHRASE, text, PLACE) == b"secret"


def test_other_passphrase_place_cost_or_salt_is_refused() -> None:
    text = encrypt_with_passphrase(PASSPHRASE, b"secret", PLACE)
    name, cost, salt, envelope = text.split(".", 3)
    other_salt = base64.urlsafe_b64encode(bytes(16)).decode()
    with pytest.raises(EnvelopeError):
        decrypt_with_passphrase(SecretStr("another"), text, PLACE)
    with pytest.raises(EnvelopeError):
        decrypt_with_passphrase(PASSPHRASE, text, Place("tests", ("there",)))
    for changed in (f"{name}.5.{salt}.{envelope}", f"{name}.{cost}.{other_salt}.{envelope}"):
        with pytest.raises(EnvelopeError):
            decrypt_with_passphrase(PASSPHRASE, changed, PLACE)


@pytest.mark.parametrize(
    "text", ["", "v1.abc", "scrypt.99.AAAA.v1.AAAA", "scrypt.0.AAAA.v1.AAAA", "scrypt.4.A.v1"]
)
def test_other_text_is_refused_at_once(text: str) -> None:
    with pytest.raises(EnvelopeError):
        decrypt_with_passphrase(PASSPHRASE, text, PLACE)
