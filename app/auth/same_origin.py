"""Same-origin checks against cross-site requests."""

from functools import cache
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from tally.core.settings import load_settings


@cache
def app_origin() -> str | None:
    """Public origin of Tally (APP_ORIGIN), when it differs from what the server sees."""
    origin = load_settings().app_origin
    return origin.rstrip("/") if origin else None


def is_https() -> bool:
    """True when browsers reach Tally over https."""
    return (app_origin() or "").startswith("https://")


def origin_matches(headers: Headers) -> bool:
    """True when the Origin header names this host or its public address behind a proxy."""
    origin = headers.get("origin")
    if not origin:
        return False
    if origin == app_origin():
        return True
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.netloc != "" and parts.netloc == headers.get("host")


def is_same_origin(headers: Headers) -> bool:
    """Check fetch metadata, or Origin where it is missing (as over plain http); without both, False."""
    if site := headers.get("sec-fetch-site"):
        return site in ("same-origin", "none")
    return origin_matches(headers)
