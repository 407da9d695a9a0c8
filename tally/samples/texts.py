"""The texts of the sample's prompts, version by version."""

from collections.abc import Mapping
from typing import NamedTuple


class Text(NamedTuple):
    """A version's text, its message and its labels."""

    content: str
    message: str
    labels: list[str] = []  # noqa: RUF012 - a tuple's default, never changed


_LONG = """You answer refund questions for Northwind.

Follow the policy below. {reading}
{asking}

{{{{policy}}}}
If the order is older than {days} days, offer store credit.
Gift cards are {cards}.
Answer in {tone}.
"""
_FIRST = {
    "reading": "Read the whole policy before you answer.",
    "asking": "Always ask for the order number, even if the customer has given it.",
    "days": "thirty (30)",
    "cards": "not refundable under any circumstances",
    "tone": "a friendly, professional and empathetic tone, in the customer's language",
}
_SECOND = _FIRST | {"reading": "Cite the policy section in every answer."}
_THIRD = _SECOND | {
    "asking": "Ask for the order number once, unless it is known.",
    "days": "30",
    "cards": "never refundable",
    "tone": "the customer's language, in at most 120 words",
}
_TAGS = "one of: refund, delivery, account, other."

TEXTS: Mapping[str, tuple[Text, ...]] = {
    "refund-policy": (
        Text(_LONG.format(**_FIRST), "First version"),
        Text(_LONG.format(**_SECOND), "Cite the policy section in every answer", ["stable"]),
        Text(_LONG.format(**_THIRD), "Shorter, order number asked once", ["canary"]),
    ),
    "tag-ticket": (
        Text(f"Tag this ticket with {_TAGS}\n{{{{ticket}}}}\n", "First version"),
        Text(
            f"Tag this ticket with exactly {_TAGS} Answer with the tag alone.\n{{{{ticket}}}}\n",
            "One tag alone",
        ),
    ),
    "draft-reply": (
        Text("Draft a reply to this ticket.\n{{ticket}}\n", "First version"),
        Text("Draft a short reply to this ticket. Do not promise dates.\n{{ticket}}\n", "No promises"),
    ),
}
