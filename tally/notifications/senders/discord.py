"""Discord: a channel's webhook."""

from tally.notifications.messages import Message, cut
from tally.notifications.senders.addresses import check_service_address
from tally.notifications.senders.judging import judge_status
from tally.notifications.senders.markdown import escape
from tally.notifications.senders.payload import json_request
from tally.notifications.senders.protocol import Field, Outcome, Target, shorten
from tally.notifications.transport import Answer, Request

TITLE = "Discord"
HELP = "In Discord: the channel's settings → Integrations → Webhooks → New Webhook → Copy Webhook URL."
URL = Field("url", "Webhook URL", example="https://discord.com/api/webhooks/…/…", is_secret=True)
FIELDS = (URL,)

HOSTS = ("discord.com", "discordapp.com", "ptb.discord.com", "canary.discord.com")
PATH = r"/api/(?:v\d{1,2}/)?webhooks/\d{5,25}/[A-Za-z0-9_-]{20,120}"
EXPECTED = "Give the webhook URL of Discord. It begins with https://discord.com/api/webhooks/."
MAX_TITLE, MAX_DESCRIPTION, MAX_FOOTER = 256, 4_000, 1_000
COLOURS = {"info": 0x4F46E5, "warning": 0xD97706, "critical": 0xD92D20}
DELIVERED = frozenset({200, 204})

REASONS = {
    400: "Discord could not read the message",
    401: "Discord does not accept this webhook any more: create a new one and change the channel",
    403: "Discord does not let this webhook post there",
    404: "Discord does not know this webhook any more: create a new one and change the channel",
}


def check(target: Target) -> dict[str, str]:
    """The webhook's address, without a query."""
    return {"url": check_service_address(target.get("url", ""), HOSTS, PATH, EXPECTED).partition("?")[0]}


def describe(target: Target) -> str:
    """The end of the webhook's address."""
    return f"discord.com {shorten(target['url'])}"


def compose(message: Message, target: Target) -> Request:
    """An embed; `wait` asks for an answer once the message is stored, and nobody is mentioned."""
    embed = {
        "title": cut(escape(message.title), MAX_TITLE),
        "description": cut("\n".join(map(escape, message.lines)), MAX_DESCRIPTION),
        "color": COLOURS[message.severity],
        "footer": {"text": cut(message.footer, MAX_FOOTER)},
    }
    if message.link:
        embed["url"] = message.link
    return json_request(f"{target['url']}?wait=true", {"embeds": [embed], "allowed_mentions": {"parse": []}})


def judge(answer: Answer) -> Outcome:
    """The outcome by the status."""
    return judge_status(answer, TITLE, REASONS, DELIVERED)
