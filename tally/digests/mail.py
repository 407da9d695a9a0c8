"""A digest as a mail: HTML with inline styles, the same as text, and the headers that stop it."""

from dataclasses import dataclass
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined

from tally.digests.content import Bar, Digest
from tally.digests.periods import Kind
from tally.notifications.mail import Mail

STOP_PATH = "unsubscribe"
SENT_AT: dict[Kind, str] = {"weekly": "every Monday at 08:00", "monthly": "on the 1st of each month at 08:00"}
TEMPLATES = Environment(
    loader=PackageLoader("tally.digests"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)


@dataclass(frozen=True, slots=True)
class Envelope:
    """The address and links of a mail: `origin` is Tally's public address, empty if it is not known."""

    kind: Kind
    email: str
    origin: str
    workspace_id: str
    token: str = ""  # of the link that stops it
    key: str = ""  # from which the Message-ID is made

    @property
    def base(self) -> str:
        """The address before a page's path."""
        return f"{self.origin.rstrip('/')}/" if self.origin else ""

    @property
    def query(self) -> str:
        """The part of an address that names the workspace."""
        return f"?{urlencode({'workspace': self.workspace_id})}"

    @property
    def stop(self) -> str:
        """The address that stops this kind of mail; empty without an origin."""
        if not self.base or not self.token:
            return ""
        return f"{self.base}{STOP_PATH}?{urlencode({'kind': self.kind, 'token': self.token})}"

    @property
    def sent_to(self) -> str:
        """The first sentence of the footer."""
        return f"Sent to {self.email} {SENT_AT[self.kind]}."


def write_mail(digest: Digest, envelope: Envelope) -> Mail:
    """The mail with both parts."""
    headers = {"Auto-Submitted": "auto-generated"}
    if envelope.stop:
        headers["List-Unsubscribe"] = f"<{envelope.stop}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    html = _render("mail.html", digest, envelope)
    return Mail(
        envelope.email, digest.subject, write_text(digest, envelope), html, headers=headers, key=envelope.key
    )


def render_preview(digest: Digest, envelope: Envelope) -> str:
    """The body of the mail alone, without a page around it."""
    return _render("digest.html", digest, envelope)


def write_text(digest: Digest, envelope: Envelope) -> str:
    """The same in plain text."""
    parts = [
        f"{digest.heading}, {digest.period}: {digest.total}\n{digest.change} {digest.change_note}",
        "\n".join(digest.reasons),
        "\n".join(digest.events),
        _list_bars("Day by day" if digest.noun == "week" else "", digest.days),
        f"{digest.month.title}\n{digest.month.sentence}" if digest.month else "",
        _list_budgets(digest),
        _list_bars(f"Models that cost the most this {digest.noun}", digest.models),
        _list_bars("Projects", digest.projects),
        *("\n".join([block.title, *(f"- {line}" for line in block.lines)]) for block in digest.blocks),
        _write_footer(envelope),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _render(template: str, digest: Digest, envelope: Envelope) -> str:
    return TEMPLATES.get_template(template).render(
        digest=digest,
        base=envelope.base,
        query=envelope.query,
        stop=envelope.stop,
        sent_to=envelope.sent_to,
    )


def _list_bars(title: str, bars: list[Bar]) -> str:
    if not title or not bars:
        return ""
    width = max(len(bar.label) for bar in bars)
    return "\n".join([title, *(f"{bar.label:<{width}}  {bar.amount}" for bar in bars)])


def _list_budgets(digest: Digest) -> str:
    lines = [f"{each.name}: {each.text}{f' ({each.state})' if each.state else ''}" for each in digest.budgets]
    return "\n".join(["Budgets", *lines]) if lines else ""


def _write_footer(envelope: Envelope) -> str:
    if not envelope.base:
        return f"{envelope.sent_to} Settings in Tally has a switch for it."
    lines = [
        f"Open Tally: {envelope.base}{envelope.query}",
        envelope.sent_to,
        f"Change which mails you get: {envelope.base}settings{envelope.query}",
    ]
    lines += [f"Stop this mail: {envelope.stop}"] if envelope.stop else []
    return "\n".join(lines)
