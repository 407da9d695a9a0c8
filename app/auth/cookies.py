"""The browser's cookies (session, names as a device), and the header that tells Streamlit the session."""

import re
from collections.abc import Mapping

from starlette.responses import Response

from app.auth.same_origin import is_https
from app.auth.session_store import ABSOLUTE_SECONDS

SESSION_HEADER = "X-App-Sid"  # set by the gate; `server.trustedUserHeaders` binds Streamlit sessions to it

DEVICE = re.compile(r"[\w-]{1,100}\.[\w-]{1,100}", re.ASCII)
MAX_DEVICES = 10  # accounts that sign in with one browser
DEVICE_SECONDS = 365 * 24 * 3600


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


def devices_of(cookies: Mapping[str, str]) -> str:
    """Names that this browser was given at its sign-ins, the latest first, separated by spaces."""
    return " ".join(_device_names(cookies))


def remember_device(response: Response, cookies: Mapping[str, str], device: str) -> None:
    """Add a name to those of this browser; an empty one is ignored."""
    if not DEVICE.fullmatch(device):
        return
    names = [device, *(name for name in _device_names(cookies) if name != device)][:MAX_DEVICES]
    response.set_cookie(
        _device_cookie(),
        "~".join(names),
        max_age=DEVICE_SECONDS,
        path="/",
        secure=is_https(),
        httponly=True,
        samesite="lax",
    )


def _device_names(cookies: Mapping[str, str]) -> list[str]:
    names = cookies.get(_device_cookie(), "").split("~")
    return [name for name in names if DEVICE.fullmatch(name)][:MAX_DEVICES]


def _device_cookie() -> str:
    return "__Host-tally-device" if is_https() else "tally-device"
