"""Checking the addresses of services: their own hosts, encrypted, at the usual port."""

import re
from collections.abc import Collection

import httpx

from tally.notifications.senders.protocol import TargetRefused

MAX_ADDRESS = 2_000


def check_service_address(address: str, hosts: Collection[str], path: str, expected: str) -> str:
    """The address of a service's webhook; raises TargetRefused. A host that begins with a dot is a suffix."""
    url = parse_address(address, expected)
    host = url.host
    known = any(host.endswith(one) if one.startswith(".") else host == one for one in hosts)
    is_usual = url.scheme == "https" and url.port in (None, 443)
    if not (known and is_usual and re.fullmatch(path, url.path)):
        raise TargetRefused(expected)
    return str(url)


def parse_address(address: str, expected: str) -> httpx.URL:
    """An address without a user, a password or a fragment; raises TargetRefused."""
    text = address.strip()
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, UnicodeError):
        raise TargetRefused(expected) from None
    is_plain = text.isprintable() and " " not in text and "\\" not in text and len(text) <= MAX_ADDRESS
    if not is_plain or not url.host or url.userinfo or url.fragment:
        raise TargetRefused(expected)
    return url
