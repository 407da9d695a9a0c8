"""The one cookie that the browser holds, and the header that carries its session inward."""

from starlette.responses import Response

from app.auth.same_origin import is_https
from app.auth.sessions import ABSOLUTE_SECONDS

SESSION_HEADER = "X-App-Sid"  # set by the gate; `server.trustedUserHeaders` binds Streamlit sessions to it


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
