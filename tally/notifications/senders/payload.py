"""Requests with JSON."""

import json
from collections.abc import Mapping
from typing import Any

from tally.notifications.transport import Request


def json_request(url: str, content: Any, headers: Mapping[str, str] | None = None) -> Request:
    """A request with minified JSON."""
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
    return Request(url, body, {"Content-Type": "application/json; charset=utf-8", **(headers or {})})
