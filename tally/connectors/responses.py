"""Checked, bounded reading of a provider's HTTP responses."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NoReturn

import httpx
from pydantic import SecretStr

from tally.connectors.errors import (
    ConnectorError,
    KeyRefused,
    RequestRefused,
    Unavailable,
    UnreadableResponse,
    unreadable,
)
from tally.connectors.hosts import Host
from tally.connectors.limits import Limits
from tally.importers.readers.table import quote

TOO_MANY_REQUESTS = 429
TRANSIENT_STATUSES = frozenset({408, 500, 502, 503, 504, 529})  # 529: Anthropic is overloaded
MAX_EXPLANATION_LENGTH = 200
EXPLANATION_BYTES = 65_536
KEY_PART_LENGTH = 8  # a text with this many consecutive characters of a key is not shown


class TransientFailure(Exception):
    """An attempt failed for a reason that may pass."""

    def __init__(self, sentence: str, retry_after_seconds: float = 0) -> None:
        super().__init__(sentence)
        self.retry_after_seconds = retry_after_seconds


class ResponseReader:
    """Reads the JSON responses of one host, and turns any other into an error without the key."""

    def __init__(self, host: Host, key: SecretStr, limits: Limits) -> None:
        self._host = host
        self._key = key
        self._limits = limits

    def read(self, response: httpx.Response) -> bytes:
        """Return the JSON text of a response; raises ConnectorError or TransientFailure."""
        self._check_status(response)
        self._check_content_type(response)
        return self._read_body(response, self._limits.response_bytes)

    def read_lines(self, response: httpx.Response) -> Iterator[bytes]:
        """Yield the lines of a response, one in memory at a time; raises as `read` does, late ones too."""
        self._check_status(response)
        rest = b""
        for piece in self._iterate(response, self._limits.listing_bytes):
            *lines, rest = (rest + piece).split(b"\n")
            yield from lines
            if len(rest) > self._limits.response_bytes:
                raise unreadable(self._host.title, "has a line that is too long")
        yield rest

    def _check_status(self, response: httpx.Response) -> None:
        title, status = self._host.title, response.status_code
        if status == TOO_MANY_REQUESTS:
            self._retry_later(f"{title} is limiting requests from this account.", response)
        if status in TRANSIENT_STATUSES:
            self._retry_later(f"{title} had an internal problem (HTTP {status}).", response)
        if status == 401:
            raise KeyRefused(f"{title} does not accept this key. {self._host.key_advice}")
        if status == 403:
            raise KeyRefused(f"{title} does not let this key read usage. {self._host.key_advice}")
        if 300 <= status < 400:
            raise UnreadableResponse(
                f"{title} redirects to another address (HTTP {status}), where Tally does not send a key. "
                "Check whether a proxy on your network redirects requests."
            )
        if status != 200:
            sentence = f"{title} refused the request (HTTP {status}){self._explanation(response)}."
            raise RequestRefused(sentence, status)

    def _retry_later(self, sentence: str, response: httpx.Response) -> NoReturn:
        seconds = _read_retry_after(response)
        if seconds > self._limits.longest_pause_seconds:
            raise Unavailable(
                f"{sentence} It asks to wait {describe_seconds(seconds)}.", "Tally resumes at the next sync."
            )
        raise TransientFailure(sentence, seconds)

    def _check_content_type(self, response: httpx.Response) -> None:
        kind = response.headers.get("content-type", "").split(";")[0].strip().lower()
        if kind != "application/json" and not kind.endswith("+json"):
            raise UnreadableResponse(
                f"{self._host.title} returned {quote(kind or 'nothing')} instead of JSON. "
                "A proxy or a sign-in page of your network may have answered in its place."
            )

    def _read_body(self, response: httpx.Response, max_bytes: int) -> bytes:
        return b"".join(self._iterate(response, max_bytes))

    def _iterate(self, response: httpx.Response, max_bytes: int) -> Iterator[bytes]:
        size, deadline = 0, time.monotonic() + self._limits.response_seconds
        for piece in response.iter_bytes():
            size += len(piece)
            if size > max_bytes:
                raise unreadable(self._host.title, f"is longer than {max_bytes // 1024:,} KB")
            if time.monotonic() > deadline:
                raise TransientFailure(f"{self._host.title} did not finish its response in time.")
            yield piece

    def _explanation(self, response: httpx.Response) -> str:
        """Return the provider's error message after a colon; empty when it is unusable or repeats the key."""
        try:
            error = json.loads(self._read_body(response, EXPLANATION_BYTES))["error"]
            message = error["message"] if isinstance(error, dict) else error
        except (ValueError, RecursionError, KeyError, TypeError, ConnectorError, TransientFailure):
            return ""
        if not isinstance(message, str) or not message.strip() or self._has_key_part(message):
            return ""
        shown = " ".join(message.split()).rstrip(".")[:MAX_EXPLANATION_LENGTH]
        return ": " + "".join(character for character in shown if character.isprintable())

    def _has_key_part(self, text: str) -> bool:
        key, length = self._key.get_secret_value(), KEY_PART_LENGTH
        starts = range(max(1, len(key) - length + 1))
        return any(key[start : start + length] in text for start in starts)


def describe_seconds(seconds: float) -> str:
    """Return a wait in seconds, minutes or hours."""
    if seconds < 120:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 7_200 else f"{seconds / 3_600:.0f} hours"


def _read_retry_after(response: httpx.Response) -> float:
    """Return the seconds of Retry-After, a number or a date by RFC 9110; 0 when it is unusable."""
    text = response.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return 0
    return max(0.0, (moment.astimezone(UTC) - datetime.now(UTC)).total_seconds())
