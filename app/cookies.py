"""The one cookie that the browser holds."""

from functools import cache

from starlette.responses import Response

from app.sessions import ABSOLUTE_SECONDS
from tally.settings import load_settings


@cache
def is_https() -> bool:
    """Whether people reach Tally over https (APP_ORIGIN says so)."""
    return (load_settings().app_origin or "").startswith("https://")


def cookie_name() -> str:
    """`__Host-` forbids the cookie to a sibling domain; browsers accept the prefix on https only."""
    return "__Host-tally" if is_https() else "tally"


def set_cookie(response: Response, cookie: str) -> None:
    """Hand the browser its session cookie, out of reach of any script."""
    response.set_cookie(
        cookie_name(),
        cookie,
        max_age=ABSOLUTE_SECONDS,
        path="/",
        secure=is_https(),
        httponly=True,
        samesite="lax",
    )


def clear_cookie(response: Response) -> None:
    """Take the session cookie back."""
    response.delete_cookie(cookie_name(), path="/", secure=is_https(), httponly=True, samesite="lax")
