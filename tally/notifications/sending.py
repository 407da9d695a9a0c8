"""The way out for messages of each kind of channel, as the settings allow."""

from dataclasses import replace
from urllib.parse import urlsplit

from tally.core.settings import Settings
from tally.notifications.public_addresses import is_public, may_be_own_server
from tally.notifications.senders import OWN_SERVERS
from tally.notifications.transport import Answer, Request, Transport, refusal_of_metadata

LOOPBACK = "127.0.0.1"


def post(settings: Settings, kind: str, request: Request) -> Answer:
    """Send a request; raises NotDelivered or AddressRefused."""
    if kind in OWN_SERVERS:
        return own_servers(settings).post(request)
    if settings.tally_alert_services:
        local = Transport(allows=lambda address: address == LOOPBACK, allows_local_names=True)
        return local.post(replace(request, url=_reroute(settings.tally_alert_services, request.url)))
    return Transport().post(request)


def allows_private(settings: Settings) -> bool:
    """True where people may give servers that are not on the internet, and such without encryption."""
    return settings.tally_allow_private_webhooks


def own_servers(settings: Settings) -> Transport:
    """The way out to servers whose addresses people gave."""
    if allows_private(settings):
        return Transport(allows=may_be_own_server, allows_local_names=True, refuse=refusal_of_metadata)
    return Transport(allows=is_public)


def _reroute(server: str, url: str) -> str:
    """The same path at a server of tests, below the name of the service's host."""
    parts = urlsplit(url)
    query = f"?{parts.query}" if parts.query else ""
    return f"{server.rstrip('/')}/{parts.hostname}{parts.path}{query}"
