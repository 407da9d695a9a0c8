"""Add entry: a single charge or a subscription that no file or provider reports."""

import streamlit as st

from app import data
from app.auth.identity import current_user
from app.parts.permissions import explain_fixed, render_reason
from app.parts.subscription_form import render_new_subscription
from app.ui.notices import render_announcement
from app.ui.periods import today_in
from app.ui.titles import title_row
from app.views.add_entry.charge_form import render_charge_form

CHARGE, SUBSCRIPTION = "One charge", "Subscription"

user = current_user()
preferences = data.load_preferences(user)
today = today_in(preferences.zone)

if reason := explain_fixed(user):
    title_row("Add entry")
    render_reason(reason)
    st.stop()
with title_row("Add entry"):
    kind = st.segmented_control(
        "Kind of entry",
        [CHARGE, SUBSCRIPTION],
        default=CHARGE,
        required=True,
        key="kind",
        bind="query-params",
        label_visibility="collapsed",
    )
render_announcement()
with st.container(border=True):
    if kind == SUBSCRIPTION:
        render_new_subscription(user, today)
    else:
        render_charge_form(user, preferences.timezone, today)
if kind == SUBSCRIPTION:
    st.page_link("views/subscriptions/page.py", label="Your subscriptions", icon=":material/event_repeat:")
