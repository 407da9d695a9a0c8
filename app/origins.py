"""Did this request come from Tally's own pages?"""

from urllib.parse import urlsplit

from starlette.datastructures import Headers


def origin_matches(headers: Headers, app_origin: str | None) -> bool:
    """The Origin header names this very host, or the public address that a proxy serves it under."""
    origin = headers.get("origin")
    if not origin:
        return False
    if app_origin and origin == app_origin.rstrip("/"):
        return True
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.netloc != "" and parts.netloc == headers.get("host")


def is_same_origin(headers: Headers, app_origin: str | None) -> bool:
    """Fetch metadata first, Origin where a browser sends none (plain http), refused when neither speaks."""
    if site := headers.get("sec-fetch-site"):
        return site in ("same-origin", "none")
    return origin_matches(headers, app_origin)
