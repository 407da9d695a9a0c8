"""A webhook of one's own, signed as Standard Webhooks 1.0 says."""

import base64
import binascii
import hashlib
import hmac
import json
import os
import time

from tally.notifications.messages import MAX_PARTS, Message
from tally.notifications.senders.addresses import parse_address
from tally.notifications.senders.judging import judge_status
from tally.notifications.senders.protocol import Field, Outcome, Target, TargetRefused, take
from tally.notifications.transport import Answer, Request

TITLE = "Webhook"
HELP = "Your server gets a signed POST for each event, as Standard Webhooks says. The secret is shown once."
URL = Field("url", "URL", example="https://example.org/tally")
OLD_SECRET = Field(
    "old_secret",
    "Secret so far",
    help="Messages are signed with it, too, so that your server can change over to the new one.",
    example="whsec_…",
    is_secret=True,
    is_optional=True,
)
FIELDS = (URL, OLD_SECRET)

EXPECTED_SECRET = "Give the signing secret of your server, which begins with whsec_, or nothing."  # noqa: S105 - no secret
EXPECTED = "Give the https:// address of your server that takes the messages."
PREFIX = "whsec_"
DAY = "day.costs"
SECRET_BYTES = 32
DELIVERED = frozenset(range(200, 300))

REASONS = {
    401: "The server does not accept the signature: check the secret there",
    403: "The server does not accept the message",
    404: "The server knows no such address: check the URL",
    410: "The server says that this address is gone: change the URL",
}


def make_secret() -> str:
    """A new signing secret."""
    return PREFIX + base64.b64encode(os.urandom(SECRET_BYTES)).decode()


def check(target: Target) -> dict[str, str]:
    """The address with its secret, a new one unless it has one, and the secret before."""
    url = parse_address(target.get("url", ""), EXPECTED)
    if url.scheme not in ("http", "https"):
        raise TargetRefused(EXPECTED)
    old_secret = take(target, OLD_SECRET, r"whsec_[A-Za-z0-9+/=]{24,100}", EXPECTED_SECRET)
    return {"url": str(url), "secret": target.get("secret") or make_secret(), "old_secret": old_secret}


def describe(target: Target) -> str:
    """The server's name; the rest of an address may be secret."""
    return parse_address(target["url"], EXPECTED).host


def compose(message: Message, target: Target) -> Request:
    """A signed message, without a limit of attempts on the receiver's side: `webhook-id` tells them apart."""
    body = json.dumps(_describe(message), ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
    timestamp = int(time.time())
    secrets = [target["secret"], *([target["old_secret"]] if target.get("old_secret") else [])]
    signatures = [sign(secret, message.delivery_id, timestamp, body) for secret in secrets]
    headers = {
        "Content-Type": "application/json",
        "webhook-id": message.delivery_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }
    return Request(target["url"], body, headers)


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """A signature of exactly the bytes that are sent."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise TargetRefused("The signing secret of this webhook is damaged. Make a new one.") from None
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def judge(answer: Answer) -> Outcome:
    """The outcome by the status: any from 200 to 299 is delivered."""
    return judge_status(answer, "The server", REASONS, DELIVERED)


def _describe(message: Message) -> dict[str, object]:
    if message.figures:
        return {"type": DAY, "timestamp": message.occurred_at.isoformat(), "data": message.figures}
    events = {"clear": "cleared", "digest": "digest", "test": "test", "verify": "test"}
    data: dict[str, object] = {
        "title": message.title,
        "text": message.text,
        "severity": message.severity,
        "workspace": message.workspace,
    }
    if message.key:
        data |= {"event": message.key, "facts": message.facts}
    if message.link:
        data["url"] = message.link
    if message.parts:
        data["events"] = [
            {"event": part.key, "kind": part.about, "title": part.title} for part in message.parts[:MAX_PARTS]
        ]
    kind = events.get(message.kind, "raised")
    return {
        "type": f"{message.about}.{kind}" if message.key else kind,
        "timestamp": message.occurred_at.isoformat(),
        "data": data,
    }
