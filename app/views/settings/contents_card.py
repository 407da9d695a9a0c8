"""Settings card: whether prompts and answers are kept, for how many days, and what is removed from them."""

import streamlit as st

from app import data
from app.auth.identity import User, database_of
from app.data import ContentRules
from app.ui.cards import render_heading
from app.ui.notices import explain_refusal
from app.views.settings.card import announce_in
from tally.core.text import plural

MOST_DAYS, USUAL_DAYS = 400, 30
ABOUT = (
    "Without this, prompts, answers and arguments of tools are dropped before anything is stored. With it, "
    "keys, e-mail addresses, card numbers and your own words are removed first, and members read the rest in "
    "the steps of traces that they see."
)


def render_contents(user: User) -> None:
    """A form for admins, a sentence for others."""
    rules = data.load_content_rules(user)
    render_heading("Prompts and answers")
    if not user.workspace.may_administer:
        st.text(_describe(rules.days))
        return
    st.caption(ABOUT)
    with st.form("contents", border=False):
        is_kept = st.checkbox("Keep prompts and answers of traces", rules.days is not None)
        days = st.number_input("Days to keep them", 1, MOST_DAYS, rules.days or USUAL_DAYS, step=1)
        words = st.text_area(
            "Words to remove",
            "\n".join(rules.words),
            max_chars=5_000,
            placeholder="One on each line, such as names of customers",
        )
        is_sent = st.form_submit_button("Save what is kept")
    if is_sent:
        _save(user, ContentRules(int(days) if is_kept else None, words.splitlines()))


def _describe(days: int | None) -> str:
    if days is None:
        return "Prompts and answers aren't kept."
    return f"Prompts and answers of traces are kept for {plural(days, 'day')}."


@explain_refusal
def _save(user: User, rules: ContentRules) -> None:
    database_of(user).call("set_content_rules", days=rules.days, words=rules.words)
    announce_in("contents", _describe(rules.days))
    st.rerun()
