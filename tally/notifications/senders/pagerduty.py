"""PagerDuty: events of a service, which it opens incidents from and resolves."""

from tally.notifications.messages import Message, cut
from tally.notifications.senders.judging import judge_status
from tally.notifications.senders.payload import json_request
from tally.notifications.senders.protocol import Field, Outcome, Target, shorten, take
from tally.notifications.transport import Answer, Request

TITLE = "PagerDuty"
HELP = "In PagerDuty: the service → Integrations → Events API V2, copy the integration key."
KEY = Field("routing_key", "Integration key", example="32 letters and digits", is_secret=True)
REGION = Field("region", "Region", choices=(("us", "United States"), ("eu", "Europe")))
FIELDS = (KEY, REGION)

HOSTS = {"us": "events.pagerduty.com", "eu": "events.eu.pagerduty.com"}
EXPECTED = "Give the integration key of an Events API V2 integration: 32 letters and digits."
MAX_SUMMARY = 1_024
DELIVERED = frozenset({202})
SEVERITIES = {"info": "info", "warning": "warning", "critical": "critical"}

REASONS = {
    400: "PagerDuty does not know this integration key, or could not read the message: check the key",
    403: "PagerDuty does not accept events of this key",
    404: "PagerDuty does not know this address",
}


def check(target: Target) -> dict[str, str]:
    """The key and the region."""
    region = target.get("region") or "us"
    key = take(target, KEY, r"[A-Za-z0-9]{32}", EXPECTED)
    return {"routing_key": key, "region": region if region in HOSTS else "us"}


def describe(target: Target) -> str:
    """The end of the key."""
    return f"PagerDuty {shorten(target['routing_key'])}"


def compose(message: Message, target: Target) -> Request:
    """An event; the end of one resolves the incident that its beginning opened."""
    event: dict[str, object] = {
        "routing_key": target["routing_key"],
        "event_action": "resolve" if message.kind == "clear" else "trigger",
        "dedup_key": f"tally-{message.key or message.delivery_id}",
        "payload": {
            "summary": cut(f"{message.title}. {' '.join(message.lines)}".strip(), MAX_SUMMARY),
            "source": "Tally",
            "severity": SEVERITIES[message.severity],
            "timestamp": message.occurred_at.isoformat(),
            "group": message.workspace,
            "class": message.about,
            "custom_details": {"as_of": message.as_of, "text": cut(message.text, 4_000)},
        },
    }
    if message.link:
        event["links"] = [{"href": message.link, "text": "Open in Tally"}]
    return json_request(f"https://{HOSTS[target['region']]}/v2/enqueue", event)


def judge(answer: Answer) -> Outcome:
    """The outcome by the status."""
    return judge_status(answer, TITLE, REASONS, DELIVERED)
