"""Changes between two versions, by words."""

import streamlit as st

from app import data
from app.ui.cards import render_heading
from app.ui.prompt_markup import render_comparison
from app.ui.theme import LIGHT, current_palette
from app.views.prompts.address import Shown
from tally.prompts.comparison import compare
from tally.prompts.stored import Prompt

MOST_SHOWN = 10_000  # characters of one text
ONLY_NAMED = "No text was pushed of these versions, so they are compared by numbers only."


def render_changes(shown: Shown, prompt: Prompt) -> None:
    """The card with two texts; the newest two unless others are chosen."""
    numbers = [version.number for version in prompt.versions if version.sha256]
    with st.container(border=True):
        if not numbers:
            render_heading("Text")
            st.text(ONLY_NAMED)
            return
        if len(numbers) == 1:
            render_heading("Text", f"v{numbers[0]}")
            _render_text(shown, prompt, numbers[0])
            return
        render_heading("Changes")
        with st.container(horizontal=True, gap="small"):
            before = _choose("From", numbers, numbers[1])
            after = _choose("To", numbers, numbers[0])
        palette = current_palette()
        texts = [
            data.load_prompt_text(shown.user, prompt.name, number).content or "" for number in (before, after)
        ]
        rows = compare(*(text.removesuffix("\n") for text in texts))
        if rows is None:
            st.text(
                "These texts have too many lines to be compared here. Pull both with `tally prompts pull`."
            )
            return
        if not any(row.is_changed for row in rows):
            st.text("These versions have the same text.")
            return
        st.html(render_comparison(rows, (f"v{before}", f"v{after}"), palette, palette == LIGHT))
        changed = sum(row.is_changed for row in rows)
        differ = "1 line differs" if changed == 1 else f"{changed:,} lines differ"
        st.caption(f"{differ}: removed words are struck, added ones underlined.")


def _choose(label: str, numbers: list[int], default: int) -> int:
    chosen = st.selectbox(
        label,
        numbers,
        index=numbers.index(default),
        format_func=lambda number: f"v{number}",
        key=f"compare-{label}",
        width=120,
    )
    return default if chosen is None else chosen


def _render_text(shown: Shown, prompt: Prompt, number: int) -> None:
    text = data.load_prompt_text(shown.user, prompt.name, number)
    content = text.content or ""
    st.code(content[:MOST_SHOWN], language=None, wrap_lines=True)
    if len(content) > MOST_SHOWN:
        st.caption(f"These are the first {MOST_SHOWN:,} of {len(content):,} characters.")
    if text.variables:
        st.caption("Variables: " + ", ".join(text.variables))
