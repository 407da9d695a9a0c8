"""ntfy: a topic at ntfy.sh, or at a server of one's own."""

from tally.notifications.messages import Message, cut, cut_encoded
from tally.notifications.senders.addresses import parse_address
from tally.notifications.senders.judging import judge_status
from tally.notifications.senders.payload import json_request
from tally.notifications.senders.protocol import Field, Outcome, Target, TargetRefused, take
from tally.notifications.transport import Answer, Request

TITLE = "ntfy"
HELP = "Whoever knows the name of a topic reads it, unless the topic is protected by an access token."
DEFAULT_SERVER = "https://ntfy.sh"
SERVER = Field("server", "Server", example=DEFAULT_SERVER, is_optional=True)
TOPIC = Field("topic", "Topic", help="Long and hard to guess, or protected by a token.", is_secret=True)
TOKEN = Field("token", "Access token", example="tk_…", is_secret=True, is_optional=True)
FIELDS = (SERVER, TOPIC, TOKEN)

EXPECTED_SERVER = "Give the address of an ntfy server, such as https://ntfy.sh, without a topic."
EXPECTED_TOPIC = "Give the name of a topic: up to 64 letters, digits, - and _."
EASY_TOPIC = (
    "Anybody can guess this topic and read your alerts. Take one of at least 12 characters, or give an "
    "access token."
)
EXPECTED_TOKEN = "Give an access token of ntfy, which begins with tk_."  # noqa: S105 - no token
PRIORITIES = {"info": 3, "warning": 4, "critical": 5}
MAX_TITLE, MAX_TEXT_BYTES = 250, 4_000  # longer ones become attachments
MIN_TOPIC = 12

REASONS = {
    400: "The ntfy server could not read the message",
    401: "The ntfy server does not accept the access token",
    403: "The ntfy server does not let you write to this topic: give an access token",
    404: "There is no ntfy server at this address",
    413: "The message is too long for this ntfy server",
}


def check(target: Target) -> dict[str, str]:
    """The server, the topic and the token."""
    server = parse_address(target.get("server") or DEFAULT_SERVER, EXPECTED_SERVER)
    if server.scheme not in ("http", "https") or server.path.strip("/") or server.query:
        raise TargetRefused(EXPECTED_SERVER)
    topic = take(target, TOPIC, r"[A-Za-z0-9_-]{1,64}", EXPECTED_TOPIC)
    token = take(target, TOKEN, r"tk_[A-Za-z0-9]{10,60}", EXPECTED_TOKEN)
    if not token and len(topic) < MIN_TOPIC:
        raise TargetRefused(EASY_TOPIC)
    return {"server": str(server).rstrip("/"), "topic": topic, "token": token}


def describe(target: Target) -> str:
    """The server, and the beginning of the topic."""
    host = target["server"].partition("//")[2]
    return f"{host}/{target['topic'][:3]}…"


def compose(message: Message, target: Target) -> Request:
    """A message with a title; text without markup."""
    content: dict[str, object] = {
        "topic": target["topic"],
        "title": cut(message.title, MAX_TITLE),
        "message": cut_encoded("\n".join([*message.lines, message.footer]), MAX_TEXT_BYTES, "utf-8"),
        "priority": PRIORITIES[message.severity],
        "tags": ["chart_with_upwards_trend"],
    }
    if message.link:
        content["click"] = message.link
    headers = {"Authorization": f"Bearer {target['token']}"} if target.get("token") else {}
    return json_request(f"{target['server']}/", content, headers)


def judge(answer: Answer) -> Outcome:
    """The outcome by the status."""
    return judge_status(answer, "The ntfy server", REASONS)
