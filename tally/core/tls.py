"""Shared TLS context."""

import ssl
from functools import cache

import httpx


@cache
def certificates() -> ssl.SSLContext:
    """Context of every HTTPS client; creating one takes 20 ms, which httpx would spend per client."""
    return httpx.create_ssl_context()
