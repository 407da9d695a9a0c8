"""Connections to servers: the certificates to trust are read once, not once a client."""

import ssl
from functools import cache

import httpx
from supabase import Client, create_client
from supabase.lib.client_options import SyncClientOptions

TIMEOUT_SECONDS = 120.0


@cache
def certificates() -> ssl.SSLContext:
    """What every client verifies with. Reading them takes 20 ms, and httpx would for each client."""
    return httpx.create_ssl_context()


def open_supabase(
    url: str, key: str, token: str | None = None, timeout_seconds: float = TIMEOUT_SECONDS
) -> Client:
    """A Supabase client that acts with `token`, or else as whoever signs in through it.

    It neither refreshes nor stores a session. Raises what create_client raises for an unusable url or key.
    """
    options = SyncClientOptions(
        headers={"Authorization": f"Bearer {token}"} if token else {},
        auto_refresh_token=False,
        persist_session=False,
        httpx_client=httpx.Client(
            verify=certificates(), timeout=timeout_seconds, follow_redirects=True, http2=True
        ),
    )
    return create_client(url, key, options)
