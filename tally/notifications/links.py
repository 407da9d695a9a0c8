"""Addresses of pages that emails link to."""

CONFIRMATION_PATH = "/confirm-alerts"


def confirmation_link(origin: str, token: str) -> str:
    """The address of the page that verifies a channel."""
    return f"{origin.rstrip('/')}{CONFIRMATION_PATH}?token={token}"
