"""Tokens in the links of Tally's own emails, and the database's functions that take them."""

import re
from collections.abc import Mapping
from typing import Any

from tally.core.settings import load_settings

TOKEN = re.compile(r"[\w-]{43}", re.ASCII)
TIMEOUT_SECONDS = 30
INCOMPLETE = "This link is incomplete. Copy the whole link from the email."


def is_token(text: str) -> bool:
    """Check the form of a token."""
    return TOKEN.fullmatch(text) is not None


def call_with_token(
    function: str,
    parameters: Mapping[str, str],
    access_token: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Any:
    """Call a function of the database, as an account or, without its access token, as anybody."""
    from tally.storage.postgrest import ask, open_supabase  # imports Supabase, which takes a second

    settings = load_settings()
    key = settings.supabase_publishable_key
    client = open_supabase(settings.supabase_url, key, access_token, TIMEOUT_SECONDS, headers)
    return ask(client.rpc(function, dict(parameters)).execute).data
