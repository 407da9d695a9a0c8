"""Security headers of every response."""

import base64
import hashlib
import re
from functools import cache

from starlette.datastructures import MutableHeaders

from app.server.dashboard_page import dashboard_page

INLINE_SCRIPT = re.compile(r"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL | re.IGNORECASE)
ALWAYS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


@cache
def dashboard_policy() -> str:
    """Content security policy of Streamlit's page; its inline scripts are allowed by their hashes."""
    hashes = " ".join(_source_hash(script) for script in INLINE_SCRIPT.findall(dashboard_page()))
    return (
        f"default-src 'self'; script-src 'self' {hashes}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; object-src 'none'; "
        "base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
    )


def add_security_headers(headers: MutableHeaders, https: bool) -> None:
    """Add the headers to a response; its own content security and referrer policies take precedence."""
    headers.update(ALWAYS)
    headers.setdefault("referrer-policy", "same-origin")
    headers.setdefault("content-security-policy", dashboard_policy())
    if "access-control-allow-origin" in headers:  # Streamlit allows every site to read static files
        del headers["access-control-allow-origin"]
    if https:
        headers["strict-transport-security"] = "max-age=31536000"


def _source_hash(script: str) -> str:
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
