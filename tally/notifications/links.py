"""Addresses of pages that messages link to."""

from urllib.parse import urlencode, urlsplit
from uuid import UUID

CONFIRMATION_PATH = "/confirm-alerts"
STOP_PATH = "/stop-alerts"


def confirmation_link(origin: str, token: str) -> str:
    """The address of the page that verifies a channel."""
    return f"{origin.rstrip('/')}{CONFIRMATION_PATH}?token={token}"


def stop_link(origin: str, token: str) -> str:
    """The address of the page that ends the alerts to a mailbox."""
    return f"{origin.rstrip('/')}{STOP_PATH}?token={token}"


def page_link(origin: str, path: str, workspace: UUID) -> str:
    """The address of a page in a workspace; empty without an origin."""
    if not origin:
        return ""
    joined = "&" if urlsplit(path).query else "?"
    return f"{origin.rstrip('/')}/{path}{joined}{urlencode({'workspace': workspace})}"
