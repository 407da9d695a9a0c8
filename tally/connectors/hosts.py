"""Hosts of providers' APIs, and the keys sent to them."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import SecretStr

from tally.connectors.errors import ConnectorError, KeyRefused

LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
MAX_KEY_LENGTH = 1_000
_KEY = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class Host:
    """An API's name and address, and advice on which key it needs."""

    title: str
    base_url: str
    key_advice: str


def bearer(key: SecretStr) -> dict[str, str]:
    """Return the header in which most APIs take a key."""
    return {"authorization": f"Bearer {key.get_secret_value()}"}


def check_key(key: SecretStr) -> None:
    """Raise KeyRefused for a text that cannot be a key and would break the header that carries it."""
    if not key:
        raise KeyRefused("Paste the key.")
    if len(key) > MAX_KEY_LENGTH or not _KEY.fullmatch(key.get_secret_value()):
        raise KeyRefused("This is not a key. Copy it again, without spaces or line breaks.")


def check_address(host: Host) -> None:
    """Raise ConnectorError unless a key sent to this address is encrypted or stays on this machine."""
    address = urlsplit(host.base_url)
    if address.scheme == "https" and address.hostname:
        return
    if address.scheme != "http" or address.hostname not in LOCAL_HOSTS:
        raise ConnectorError(
            f"The address of {host.title}'s API is not https, so no key is sent there. "
            "Correct it in public.providers."
        )
