"""Whom to trust on https: read once a process, not once a client."""

import ssl
from functools import cache

import httpx


@cache
def certificates() -> ssl.SSLContext:
    """What every client verifies with. Reading them takes 20 ms, and httpx would for each client."""
    return httpx.create_ssl_context()
