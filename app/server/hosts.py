"""Names under which browsers may reach Tally: others are refused, as a foreign page uses (DNS rebinding).

A page at http://evil.example can let that name point to this machine and then act as a page of Tally. Its
requests still name evil.example. Addresses in digits need no list: no foreign page has one of this machine.
"""

import re
import socket
from functools import cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from app.auth.same_origin import app_origin

LOOPBACK = re.compile(r"(.+\.)?localhost")
MISDIRECTED = (
    "Tally is not known under this name. Open it at the address that `tally status` shows, "
    "or set APP_ORIGIN to the address that people use."
)


def is_known_host(host: str | None) -> bool:
    """Check a Host header; None, when it is missing, is refused."""
    name = _name(host or "")
    return name is not None and (
        _is_address(name) or LOOPBACK.fullmatch(name) is not None or name in own_names()
    )


@cache
def own_names() -> frozenset[str]:
    """Names of this machine, and of the public address in APP_ORIGIN; in lower case."""
    host = socket.gethostname().lower()
    names = {host, f"{host.partition('.')[0]}.local", socket.getfqdn().lower()}
    if origin := app_origin():
        names.add((urlsplit(origin).hostname or "").lower())
    return frozenset(name.rstrip(".") for name in names if name)


def _name(host: str) -> str | None:
    """The name in a Host header without its port; None if it is not one."""
    try:
        parts = urlsplit(f"//{host}")
        parts.port  # noqa: B018 - raises ValueError for a port that is no number
    except ValueError:
        return None
    if parts.netloc != host or "@" in host or not parts.hostname:
        return None
    return parts.hostname.lower().rstrip(".")


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
