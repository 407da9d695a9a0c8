"""The dialog that adds a subscription."""

from datetime import date

import streamlit as st

from app.auth import identity
from app.parts.subscription_form import render_new_subscription


@st.dialog("Add subscription", icon=":material/add_card:", width="large")
def add_subscription(today: date) -> None:
    """Ask for a subscription, and save it."""
    render_new_subscription(identity.current_user(), today)
