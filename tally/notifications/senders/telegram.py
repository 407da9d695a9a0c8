"""Telegram: a bot that writes to a chat."""

from tally.notifications.messages import Message, cut_encoded
from tally.notifications.senders.judging import judge_status, read_json
from tally.notifications.senders.payload import json_request
from tally.notifications.senders.protocol import Field, Outcome, Target, shorten, take
from tally.notifications.transport import Answer, Request

TITLE = "Telegram"
HELP = "In Telegram: make a bot with @BotFather, add it to the chat, and write to it once."
TOKEN = Field("token", "Bot token", example="123456789:AA…", is_secret=True)
CHAT = Field("chat", "Chat", help="The id of a chat, or the @name of a channel.", example="-1001234567890")
FIELDS = (TOKEN, CHAT)

HOST = "api.telegram.org"
EXPECTED_TOKEN = "Give the bot's token as @BotFather shows it, such as 123456789:AA…."  # noqa: S105 - no token
EXPECTED_CHAT = "Give the id of the chat, such as -1001234567890, or the @name of a channel."
MAX_TEXT_BYTES = 2 * 4_096  # of UTF-16, whose units Telegram counts
UTF_16 = "utf-16-le"

REASONS = {
    400: "Telegram does not know this chat: write to the bot there once, and check the id",
    401: "Telegram does not accept the bot's token: check it",
    403: "The bot may not write to this chat: it was blocked or removed",
    404: "Telegram does not know this bot: check its token",
}


def check(target: Target) -> dict[str, str]:
    """The token and the chat."""
    return {
        "token": take(target, TOKEN, r"\d{5,15}:[A-Za-z0-9_-]{30,60}", EXPECTED_TOKEN),
        "chat": take(target, CHAT, r"-?\d{1,20}|@[A-Za-z][A-Za-z0-9_]{3,40}", EXPECTED_CHAT),
    }


def describe(target: Target) -> str:
    """The chat, and the bot's number, which is no secret."""
    return f"chat {target['chat']}, bot {target['token'].partition(':')[0]} {shorten(target['token'])}"


def compose(message: Message, target: Target) -> Request:
    """Plain text: without a parse mode nothing in it is markup."""
    link = f"\n\n{message.link}" if message.link else ""
    content = {
        "chat_id": target["chat"],
        "text": cut_encoded(message.text, MAX_TEXT_BYTES - len(link.encode(UTF_16)), UTF_16) + link,
        "link_preview_options": {"is_disabled": True},
    }
    return json_request(f"https://{HOST}/bot{target['token']}/sendMessage", content)


def judge(answer: Answer) -> Outcome:
    """Telegram says `ok` in the body, too."""
    if answer.status == 200 and read_json(answer).get("ok") is not True:
        return Outcome(200, "Telegram gave an answer that does not say “delivered” (200).")
    return judge_status(answer, TITLE, REASONS)
