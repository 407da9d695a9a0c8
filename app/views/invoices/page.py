"""Invoices: papers compared with usage and plans, prepaid credits, and charges of card statements."""

from functools import partial

import streamlit as st

from app import data
from app.auth.identity import current_user
from app.figures.invoices import TO_CHECK, find_missing, read_invoices
from app.parts.permissions import explain_fixed_invoices
from app.parts.subscription_form import parse_subscription
from app.ui.notices import render_announcement
from app.ui.periods import today_in
from app.ui.titles import title_row
from app.views.invoices.credits import render_credits
from app.views.invoices.invoice_list import ALL, choose_state, render_list
from app.views.invoices.statements import render_statements
from app.views.invoices.typed import enter_invoice
from app.views.invoices.uploads import render_uploads

user = current_user()
today = today_in(data.load_preferences(user).zone)
may_change = user.workspace.may_administer

with st.skeleton(height=480):
    rows = data.load_invoices(user)
    usage = data.load_invoice_usage(user, [row["id"] for row in rows if row["kind"] == "usage"])
    plans = [parse_subscription(row) for row in data.load_subscriptions(user)]
    views = read_invoices(rows, usage, plans)
    lines = data.load_statement_lines(user)
    providers = {provider.provider_id: provider.slug for provider in data.load_providers(user)}

with title_row("Invoices"), st.container(horizontal=True, width="content", gap="small"):
    chosen = choose_state(views) if views else ALL
    if views:
        st.download_button(
            "Download",
            partial(data.export_invoices, user),
            file_name="invoices.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
            key="download-invoices",
        )
    if may_change and st.button("Enter an invoice", icon=":material/edit:", key="enter-invoice"):
        enter_invoice(today)
if may_change:
    render_uploads(user, today)
elif reason := explain_fixed_invoices(user):
    st.caption(reason)
render_announcement()  # uploads may start another run
if views:
    kept = [
        view for view in views if chosen == ALL or (view.comparison.state in TO_CHECK) == (chosen == "check")
    ]
    missing = find_missing(data.load_daily(user, None, today), views, providers, today)
    render_list(user, kept, missing, today)
    if len(rows) == data.MOST_INVOICES:
        st.caption(f"The newest {data.MOST_INVOICES} invoices. The download has all of them.")
render_credits(user, today)
render_statements(user, lines, today)
