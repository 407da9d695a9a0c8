"""The key that a program sends, and its rights."""

import base64
import binascii
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal
from uuid import UUID

from starlette.datastructures import Headers

from api.answers import Refusal
from api.rate_limits import RateLimits
from tally.api_keys.verification import Grant, Verifier
from tally.core.rate_limits import TooManyAttempts

Right = Literal["ingest", "read", "prompts", "push"]  # prompts: to read them, push: to push them

# Requests of one key: many may wait to be saved, while those that read keep a connection busy.
MAX_AT_ONCE: dict[Right | None, int] = {"ingest": 64, "read": 4, "prompts": 32, "push": 8, None: 4}
# The scopes of a key that give a right.
GRANTED_BY: dict[Right, frozenset[str]] = {
    "ingest": frozenset({"ingest"}),
    "read": frozenset({"read"}),
    "prompts": frozenset({"read", "prompts"}),
    "push": frozenset({"ingest", "prompts"}),
}
UNKNOWN = (
    "This key is not valid: it is missing, mistyped, expired or revoked. "
    "Send a key of Tally's page Keys as `Authorization: Bearer`."
)
MAY_NOT_READ = (
    "This key may only send. Read with a key that may read: the page Keys makes one, and so does "
    "`tally keys api create NAME --scope read`."
)
ONLY_PROMPTS = "This key is for prompts alone (scope prompts). "
WITHOUT_RIGHT: dict[Right, str] = {
    "ingest": "This key may only read. Send telemetry with a key that may send.",
    "read": MAY_NOT_READ,
    "prompts": "This key may only send. Fetch prompts with a key that may read, or with one of the scope "
    "prompts: `tally keys api create NAME --scope prompts`.",
    "push": "This key may only read. Push prompts with a key that may send, or with one of the scope "
    "prompts: `tally keys api create NAME --scope prompts`.",
}
INSTEAD: dict[Right, str] = {
    "ingest": "Send telemetry with a key that may send.",
    "read": "Read with a key that may read: `tally keys api create NAME --scope read`.",
}


def find_key(headers: Headers) -> str:
    """The key in Authorization (Bearer, or the password of Basic) or x-api-key; empty without one."""
    scheme, _, value = headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        return _find_password(value.strip())
    return headers.get("x-api-key", "").strip()


def _explain_refusal(grant: Grant, right: Right) -> str:
    if grant.scopes == {"prompts"}:
        return ONLY_PROMPTS + INSTEAD[right]
    return WITHOUT_RIGHT[right]


def _find_password(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


class Callers:
    """Verifies keys, and bounds how often and how many at once they are used."""

    def __init__(self, verifier: Verifier, limits: RateLimits) -> None:
        self._verifier, self._limits = verifier, limits
        self._at_once: Counter[tuple[UUID, Right | None]] = Counter()

    def admit(self, key: str, client_host: str | None, right: Right | None) -> Grant:
        """The rights of a key, which the request is counted for; raises Refusal or DatabaseError."""
        grant = self.identify(key, client_host)
        if right is not None and not GRANTED_BY[right] & grant.scopes:
            raise Refusal(403, _explain_refusal(grant, right))
        self._limits.count_request(grant)
        return grant

    def identify(self, key: str, client_host: str | None) -> Grant:
        """The rights of a key; raises Refusal for one that does not work."""
        try:
            grant = self._verifier.verify(key, client_host)
        except TooManyAttempts as problem:
            raise Refusal(429, str(problem), problem.retry_after) from None
        if grant is None:
            raise Refusal(401, UNKNOWN)
        return grant

    @contextmanager
    def one_of(self, grant: Grant, right: Right | None) -> Iterator[None]:
        """One of a key's requests at once; raises Refusal for one too many."""
        who, most = (grant.key_id, right), MAX_AT_ONCE[right]
        if self._at_once[who] >= most:
            raise Refusal(429, f"More than {most} requests of this key at once. Send fewer.", 1)
        self._at_once[who] += 1
        try:
            yield
        finally:
            self._at_once[who] -= 1
            if not self._at_once[who]:
                del self._at_once[who]
