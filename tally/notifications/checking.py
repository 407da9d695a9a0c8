"""Checking a target that a person gives, before anything is sent there."""

import socket
from contextlib import suppress

import httpx

from tally.core.settings import Settings
from tally.notifications.public_addresses import is_local_name, is_public
from tally.notifications.senders import KINDS, OWN_SERVERS
from tally.notifications.senders.protocol import Target, TargetRefused
from tally.notifications.sending import allows_private
from tally.notifications.transport import refusal

NOT_ENCRYPTED = "Give an address that begins with https://, since alerts tell what is spent."


def check_target(kind: str, given: Target, settings: Settings) -> dict[str, str]:
    """The target as it is stored; raises TargetRefused. Nothing is resolved or asked."""
    target = KINDS[kind].check(given)
    if kind in OWN_SERVERS and not allows_private(settings):
        url = httpx.URL(target.get("url") or target["server"])
        if is_local_name(url.host) or _is_blocked_address(url.host):
            raise TargetRefused(refusal(url.host))
        if url.scheme != "https":
            raise TargetRefused(NOT_ENCRYPTED)
    return target


def _is_blocked_address(host: str) -> bool:
    """True for an address in any spelling, as `0x7f.1`, that is not public."""
    with suppress(OSError):
        return not is_public(socket.inet_ntoa(socket.inet_aton(host)))
    return ":" in host and not is_public(host)
