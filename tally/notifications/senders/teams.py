"""Microsoft Teams: a workflow that posts what its webhook receives."""

from typing import Any

from tally.notifications.messages import Message, cut
from tally.notifications.senders.addresses import check_service_address
from tally.notifications.senders.judging import judge_status
from tally.notifications.senders.markdown import escape
from tally.notifications.senders.payload import json_request
from tally.notifications.senders.protocol import Field, Outcome, Target, TargetRefused, shorten
from tally.notifications.transport import Answer, Request

TITLE = "Microsoft Teams"
HELP = (
    "In Teams: the channel's menu → Workflows → “Send webhook alerts to a channel”, copy the URL. Teams says "
    "that it accepted a message, not that it was posted."
)
URL = Field("url", "Workflow URL", example="https://….logic.azure.com/workflows/…&sig=…", is_secret=True)
FIELDS = (URL,)

HOSTS = (".logic.azure.com", ".environment.api.powerplatform.com", "api.powerautomate.com")
PATH = r"/[A-Za-z0-9/_.:~%-]{1,500}"
EXPECTED = "Give the URL of a Teams workflow. Its host ends with .logic.azure.com or .api.powerplatform.com."
RETIRED = (
    "Microsoft has switched these addresses (webhook.office.com) off. Make a workflow in Teams, and give its "
    "URL."
)
MAX_TITLE, MAX_LINE, MAX_LINES = 300, 900, 21  # a card has 28 kB
DELIVERED = frozenset({200, 202})

REASONS = {
    400: "Teams could not read the message, or the workflow is switched off",
    401: "Teams does not accept this URL any more: make a new workflow and change the channel",
    403: "Teams does not let this workflow post: check who may trigger it",
    404: "Teams does not know this workflow any more: make a new one and change the channel",
}


def check(target: Target) -> dict[str, str]:
    """The workflow's address, whose signature is the secret."""
    url = target.get("url", "")
    if ".webhook.office.com/" in url or "//outlook.office.com/" in url:
        raise TargetRefused(RETIRED)
    return {"url": check_service_address(url, HOSTS, PATH, EXPECTED)}


def describe(target: Target) -> str:
    """The end of the workflow's address."""
    return f"Teams workflow {shorten(target['url'])}"


def compose(message: Message, target: Target) -> Request:
    """An adaptive card."""
    body: list[dict[str, Any]] = [
        _text(message.title, MAX_TITLE) | {"weight": "Bolder", "size": "Medium"},
        *(_text(line, MAX_LINE) for line in message.lines[:MAX_LINES]),
        _text(message.footer, MAX_LINE) | {"isSubtle": True, "size": "Small"},
    ]
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
    }
    if message.link:
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Open in Tally", "url": message.link}]
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    return json_request(target["url"], {"type": "message", "attachments": [attachment]})


def judge(answer: Answer) -> Outcome:
    """The outcome by the status."""
    return judge_status(answer, "Teams", REASONS, DELIVERED)


def _text(text: str, at_most: int) -> dict[str, Any]:
    return {"type": "TextBlock", "text": escape(cut(text, at_most)), "wrap": True}
