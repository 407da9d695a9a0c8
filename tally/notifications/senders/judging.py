"""The meaning of a status, and how long a service asks to wait."""

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from tally.notifications.senders.protocol import Outcome
from tally.notifications.transport import Answer

MAX_WAIT = 86_400.0
TRY_AGAIN = frozenset({408, 409, 423, 425, 429})
DELIVERED_BY_DEFAULT = frozenset({200})


def judge_status(
    answer: Answer,
    service: str,
    reasons: Mapping[int, str],
    delivered: frozenset[int] = DELIVERED_BY_DEFAULT,
) -> Outcome:
    """The outcome by the status alone. `reasons` say what a service means by those that are final."""
    status, wait = answer.status, find_wait(answer)
    if status in delivered:
        return Outcome(status, wait=wait)
    if status in reasons:
        return Outcome(status, f"{reasons[status]} ({status}).", is_final=status not in TRY_AGAIN, wait=wait)
    if status == 429:
        return Outcome(status, f"{service} takes no more messages at the moment ({status}).", wait=wait)
    if status in TRY_AGAIN or status >= 500 or status < 200:
        return Outcome(status, f"{service} has a problem of its own ({status}).", wait=wait)
    if 300 <= status < 400:
        reason = f"{service} sends on to another address, where no message follows. Give that one ({status})."
        return Outcome(status, reason, is_final=True)
    if status < 300:
        return Outcome(status, f"{service} gave an answer that does not say “delivered” ({status}).")
    return Outcome(status, f"{service} refused the message ({status}).", is_final=True, wait=wait)


def find_wait(answer: Answer) -> float:
    """Seconds to wait before the next message: by Retry-After, a rate limit that is used up, or the body."""
    headers = answer.headers
    waits = [_parse_retry_after(headers.get("retry-after", ""))]
    if headers.get("x-ratelimit-remaining") == "0":
        waits.append(_parse_seconds(headers.get("x-ratelimit-reset-after", "")))
    if answer.status == 429:
        body = read_json(answer)
        parameters = body.get("parameters")
        waits.append(_parse_seconds(body.get("retry_after")))
        waits.append(_parse_seconds(parameters.get("retry_after") if isinstance(parameters, dict) else None))
    return min(max(waits), MAX_WAIT)


def read_json(answer: Answer) -> dict[str, Any]:
    """The object in the body; empty if there is none."""
    with suppress(ValueError, RecursionError):
        found = json.loads(answer.body)
        return found if isinstance(found, dict) else {}
    return {}


def _parse_seconds(value: object) -> float:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        with suppress(ValueError, OverflowError):
            seconds = float(value)
            return seconds if 0 < seconds < float("inf") else 0
    return 0


def _parse_retry_after(value: str) -> float:
    if seconds := _parse_seconds(value):
        return seconds
    with suppress(ValueError, TypeError, OverflowError):
        moment = parsedate_to_datetime(value)
        return max((moment.astimezone(UTC) - datetime.now(UTC)).total_seconds(), 0)
    return 0
