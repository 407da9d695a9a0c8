"""Did this request come from Tally's own pages?"""

from functools import cache
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from tally.core.settings import load_settings


@cache
def app_origin() -> str | None:
    """The public address of Tally, when it differs from what the server itself sees (APP_ORIGIN)."""
    origin = load_settings().app_origin
    return origin.rstrip("/") if origin else None


def is_https() -> bool:
    """Whether people reach Tally over https."""
    return (app_origin() or "").startswith("https://")


def origin_matches(headers: Headers) -> bool:
    """The Origin header names this very host, or the public address that a proxy serves it under."""
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
    """Fetch metadata first, Origin where a browser sends none (plain http), refused when neither speaks."""
    if site := headers.get("sec-fetch-site"):
        return site in ("same-origin", "none")
    return origin_matches(headers)
