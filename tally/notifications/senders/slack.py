"""Slack: an incoming webhook."""

from typing import Any

from tally.notifications.messages import Message, cut
from tally.notifications.senders.addresses import check_service_address
from tally.notifications.senders.judging import judge_status
from tally.notifications.senders.payload import json_request
from tally.notifications.senders.protocol import Field, Outcome, Target, shorten
from tally.notifications.transport import Answer, Request

TITLE = "Slack"
HELP = "In Slack: Apps → Incoming Webhooks → Add to Slack, choose a channel, copy the webhook URL."
URL = Field("url", "Webhook URL", example="https://hooks.slack.com/services/T…/B…/…", is_secret=True)
FIELDS = (URL,)

HOSTS = ("hooks.slack.com", "hooks.slack-gov.com")
PATH = r"/services/[A-Za-z0-9]{1,40}/[A-Za-z0-9]{1,40}/[A-Za-z0-9]{1,100}"
EXPECTED = "Give the webhook URL of Slack. It begins with https://hooks.slack.com/services/."
MAX_HEADER, MAX_SECTION, MAX_SECTIONS = 150, 3_000, 40

REASONS = {
    400: "Slack could not read the message",
    403: "Slack does not let this webhook post there: its app was removed or restricted",
    404: "Slack does not know this webhook any more: create a new one and change the channel",
    410: "The Slack channel of this webhook is archived: choose another one",
}


def check(target: Target) -> dict[str, str]:
    """The webhook's address."""
    return {"url": check_service_address(target.get("url", ""), HOSTS, PATH, EXPECTED)}


def describe(target: Target) -> str:
    """The end of the webhook's address."""
    return f"hooks.slack.com {shorten(target['url'])}"


def compose(message: Message, target: Target) -> Request:
    """Blocks of plain text, in which nothing is a link or a mention."""
    blocks: list[dict[str, Any]] = [{"type": "header", "text": _plain(message.title, MAX_HEADER)}]
    blocks += [
        {"type": "section", "text": _plain(line, MAX_SECTION)} for line in message.lines[:MAX_SECTIONS]
    ]
    blocks.append({"type": "context", "elements": [_plain(message.footer, MAX_SECTION)]})
    if message.link:
        button = {"type": "button", "text": _plain("Open in Tally", 75), "url": message.link}
        blocks.append({"type": "actions", "elements": [button]})
    return json_request(target["url"], {"text": _escape(message.title), "blocks": blocks})


def judge(answer: Answer) -> Outcome:
    """Slack says `ok` where it took the message."""
    if answer.status == 200 and answer.body.strip() != b"ok":
        return Outcome(200, "Slack gave an answer that does not say “delivered” (200).")
    return judge_status(answer, TITLE, REASONS)


def _plain(text: str, at_most: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": cut(text, at_most) or " ", "emoji": False}


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
