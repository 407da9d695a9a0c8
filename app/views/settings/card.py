"""Cards of Settings, each with the message of what was done in it, as the page is long."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import streamlit as st

from app.ui.notices import announce, render_announcement

# Parts of long cards count as cards.
Card = Literal[
    "aliases", "alerts", "archive", "channels", "contents", "digests", "display", "focus", "general",
    "invitations", "leaving", "members", "model_limits", "password", "projects", "rules", "sample", "traces",
    "visibility",
]  # fmt: skip


@contextmanager
def card(name: Card, height: Literal["content", "stretch"] = "content") -> Iterator[None]:
    """A card that begins with what was done in it, in the next run."""
    with st.container(border=True, height=height):
        render_outcome(name)
        yield


def render_outcome(name: Card) -> None:
    """The message of what was done in the card in the run before; without one it takes no place."""
    with st.container():
        render_announcement(name)


def announce_in(name: Card, text: str) -> None:
    """Show a success message in a card in the next run."""
    announce(text, name)
