"""Email: to a member, or to an address whose reader agreed."""

import secrets
from html import escape

from tally.notifications.links import stop_link
from tally.notifications.mail import Mail
from tally.notifications.messages import Message
from tally.notifications.senders.protocol import Field, Target, take

TITLE = "Email"
HELP = "A member's address gets alerts at once, any other once its reader has clicked a link."
ADDRESS = Field("address", "Address", example="team@example.org")
FIELDS = (ADDRESS,)

EXPECTED = "Give one email address, such as team@example.org."
# One mailbox has one spelling, which is what limits count.
PATTERN = r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-z0-9](?:[a-z0-9.-]{0,250}[a-z0-9])?"

ROW = '<p style="margin:0 0 12px;font-size:15px;line-height:22px">{}</p>'
PAGE = """\
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark">
<title>{title}</title></head>
<body style="margin:0;padding:24px;font-family:Inter,Segoe UI,Helvetica,Arial,sans-serif">
<div style="max-width:560px;margin:0 auto">
<h1 style="margin:0 0 16px;font-size:20px;line-height:28px">{title}</h1>
{rows}
{button}
<p style="margin:20px 0 0;font-size:13px;line-height:20px;opacity:.75">{footer}{stop}</p>
</div></body></html>
"""
BUTTON = (
    '<p style="margin:20px 0"><a href="{link}" style="display:inline-block;padding:10px 16px;'
    'border-radius:8px;background:#4f46e5;color:#ffffff;text-decoration:none;font-size:15px">'
    "Open in Tally</a></p>"
)

STOP = '<br><a href="{link}" style="color:inherit">Get no more of these emails</a>'


def check(target: Target) -> dict[str, str]:
    """The address in lower case, with the token by which its reader can end the alerts."""
    given = {"address": target.get("address", "").lower()}
    return {
        "address": take(given, ADDRESS, PATTERN, EXPECTED),
        "stop_token": target.get("stop_token") or secrets.token_urlsafe(32),
    }


def describe(target: Target) -> str:
    """The address without most of its name."""
    name, _, domain = target["address"].partition("@")
    return f"{name[:1]}…@{domain}"


def write(message: Message, target: Target, origin: str = "") -> Mail:
    """The email, whose identity is that of its delivery. Links need the public address of Tally."""
    text = message.text + (f"\n\n{message.link}" if message.link else "")
    headers = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}
    stop = stop_link(origin, target["stop_token"]) if origin and target.get("stop_token") else ""
    if stop:
        text += f"\n\nGet no more of these emails: {stop}"
        headers["List-Unsubscribe"] = f"<{stop}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    html = PAGE.format(
        title=escape(message.title),
        rows="\n".join(ROW.format(escape(line)) for line in message.lines),
        button=BUTTON.format(link=escape(message.link)) if message.link else "",
        footer=escape(message.footer),
        stop=STOP.format(link=escape(stop)) if stop else "",
    )
    return Mail(target["address"], message.title, f"{text}\n", html, headers, message.delivery_id)
