"""Addresses of pages that emails link to."""

CONFIRMATION_PATH = "/confirm-alerts"
STOP_PATH = "/stop-alerts"


def confirmation_link(origin: str, token: str) -> str:
    """The address of the page that verifies a channel."""
    return f"{origin.rstrip('/')}{CONFIRMATION_PATH}?token={token}"


def stop_link(origin: str, token: str) -> str:
    """The address of the page that ends the alerts to a mailbox."""
    return f"{origin.rstrip('/')}{STOP_PATH}?token={token}"
