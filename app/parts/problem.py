"""The card in place of a page, or of a part of one, that could not be loaded."""

import streamlit as st

from tally.storage.database import DatabaseError


def render_problem(problem: DatabaseError) -> None:
    """Explain why the page could not be loaded, and offer to try again."""
    with st.container(border=True, horizontal_alignment="center", gap="medium", key="problem"):
        st.space("small")
        st.header("Couldn't load your data", anchor=False, text_alignment="center")
        st.text(str(problem), width="content", text_alignment="center")
        if st.button("Try again", type="primary", icon=":material/refresh:"):
            st.rerun()
        st.space("small")
