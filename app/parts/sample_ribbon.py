"""Ribbon that marks sample data on every page while it is there."""

import streamlit as st

from app import data
from app.auth.identity import User


def render_sample_ribbon(user: User) -> None:
    """Say that figures are made up, with the way to remove them."""
    source = data.load_sample_source(user)
    if source is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="sample-ribbon"):
        st.markdown(":orange-badge[:material/science: Sample data]", width="content")
        if st.button("Remove", type="tertiary", key="remove-sample"):
            from app.parts.source_dialogs import confirm_deletion  # imports every importer

            confirm_deletion(source)
