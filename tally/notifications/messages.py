"""A message as it is before a service's own form."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

MAX_PARTS = 20  # of a digest; it says how many more there are


@dataclass(frozen=True, slots=True)
class Message:
    """Texts for a channel, plain and harmless; each sender escapes them for its service."""

    delivery_id: str
    kind: str  # open, clear, digest, day, test, verify
    about: str  # the kind of event, or of message
    severity: str  # info, warning, critical
    title: str
    sentences: tuple[str, ...]
    as_of: str
    workspace: str
    occurred_at: datetime
    key: str = ""  # what an opened and a cleared event have in common
    link: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    parts: tuple["Message", ...] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)  # of a day

    @property
    def footer(self) -> str:
        """The time of the numbers, and the workspace."""
        return f"As of {self.as_of}. Workspace: {self.workspace}."

    @property
    def lines(self) -> list[str]:
        """The text without its title, line by line; of a digest its events."""
        if not self.parts:
            return list(self.sentences)
        shown = [f"{part.title}. {' '.join(part.sentences)}" for part in self.parts[:MAX_PARTS]]
        more = len(self.parts) - len(shown)
        return [*self.sentences, *shown, *([f"And {more} more, in the history of alerts."] if more else [])]

    @property
    def text(self) -> str:
        """The whole text, without its link."""
        return "\n".join([self.title, "", *self.lines, "", self.footer])


def cut(text: str, at_most: int) -> str:
    """The text, or its beginning where it is longer than a service takes."""
    return text if len(text) <= at_most else text[: at_most - 1] + "…"


def cut_encoded(text: str, at_most: int, encoding: str) -> str:
    """The same for a service that counts bytes of an encoding: a letter may have several."""
    encoded = text.encode(encoding, "replace")
    if len(encoded) <= at_most:
        return text
    room = at_most - len("…".encode(encoding))
    return encoded[:room].decode(encoding, "ignore") + "…"
