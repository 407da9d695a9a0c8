"""The browser's session cookie, and the header that passes the session on to Streamlit."""

from starlette.responses import Response

from app.auth.same_origin import is_https
from app.auth.sessions import ABSOLUTE_SECONDS

SESSION_HEADER = "X-App-Sid"  # set by the gate; `server.trustedUserHeaders` binds Streamlit sessions to it


def cookie_name() -> str:
    """Name of the cookie. `__Host-` keeps sibling domains from setting it; it needs https."""
    return "__Host-tally" if is_https() else "tally"


def set_cookie(response: Response, cookie: str) -> None:
    """Set the session cookie, which no script can read."""
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
    """Delete the session cookie."""
    response.delete_cookie(cookie_name(), path="/", secure=is_https(), httponly=True, samesite="lax")
