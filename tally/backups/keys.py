"""The keys in a backup, encrypted under a passphrase and bound to the dump beside them."""

import json
from dataclasses import dataclass

from pydantic import SecretStr

from tally.core.errors import TallyError
from tally.secrets.envelope import EnvelopeError, Place
from tally.secrets.passphrase import decrypt_with_passphrase, encrypt_with_passphrase

DOMAIN = "tally.backups.keys"
MIN_LENGTH = 8


@dataclass(frozen=True, slots=True)
class BackedUpKeys:
    """Keys that a restored Tally needs: of provider keys, and those that programs call the API with.

    Not the secrets of sessions and database roles: a restore makes new ones, which ends all sessions.
    """

    encryption_keys: SecretStr
    publishable_key: str
    secret_key: SecretStr


def refuse_short(passphrase: SecretStr) -> None:
    """Raise TallyError for a passphrase that is guessed in no time."""
    if len(passphrase.get_secret_value()) < MIN_LENGTH:
        raise TallyError(f"A passphrase has at least {MIN_LENGTH} characters. Choose a longer one.")


def encrypt_keys(keys: BackedUpKeys, passphrase: SecretStr, dump_sha256: str) -> str:
    """The keys as a part of a backup."""
    values = {
        "encryption_keys": keys.encryption_keys.get_secret_value(),
        "publishable_key": keys.publishable_key,
        "secret_key": keys.secret_key.get_secret_value(),
    }
    return encrypt_with_passphrase(passphrase, json.dumps(values).encode(), _place(dump_sha256))


def decrypt_keys(text: str, passphrase: SecretStr, dump_sha256: str) -> BackedUpKeys:
    """The keys of a backup; raises TallyError for another passphrase, or another dump beside them."""
    try:
        values = json.loads(decrypt_with_passphrase(passphrase, text, _place(dump_sha256)))
    except EnvelopeError:
        raise TallyError("The passphrase is wrong, or the backup was changed.") from None
    return BackedUpKeys(
        SecretStr(values["encryption_keys"]), values["publishable_key"], SecretStr(values["secret_key"])
    )


def _place(dump_sha256: str) -> Place:
    return Place(DOMAIN, (dump_sha256,))
