"""Subscriptions: cost and value of each plan, and the list of plans."""

import streamlit as st

from app import data
from app.auth.identity import current_user
from app.figures import plan_worth
from app.parts.subscription_form import parse_subscription
from app.ui.cards import render_heading
from app.ui.notices import render_announcement
from app.ui.periods import today_in
from app.ui.titles import title_row
from app.views.subscriptions import plan_cards
from app.views.subscriptions.new_plan import add_subscription
from app.views.subscriptions.subscription_list import render_subscriptions

ALL_PLANS = "All plans"

user = current_user()
preferences = data.load_preferences(user)
currency = data.load_currency(user)
today = today_in(preferences.zone)
providers = data.load_providers(user)
names = {provider.slug: provider.name for provider in providers}
slugs = {provider.provider_id: provider.slug for provider in providers}

with title_row("Subscriptions"):
    may_write = user.workspace.may_write
    if st.button(
        "Add subscription",
        type="primary",
        icon=":material/add:",
        key="add-subscription",
        disabled=not may_write,
    ):
        add_subscription(today)
render_announcement()
with st.skeleton(height=360):
    daily = data.load_daily(user, None, today)
    rows = data.load_subscriptions(user)
subscriptions = [parse_subscription(row) for row in rows]
plans_by_provider = [(slugs[plan.provider_id], plan) for plan in subscriptions]
months = plan_worth.calculate_months(daily, plans_by_provider, today, currency)
recent = plan_worth.list_recent(months, today)
if recent:
    with st.container(border=True):
        render_heading("Value vs price", "last 12 months, at list prices")
        plans = plan_worth.group_plans(recent)
        with st.grid(4, min_column_width=180, gap="small"):
            for slug, plan_months in plans.items():
                is_entered = slug in dict(plans_by_provider)
                if plan_cards.render_plan(plan_months, names, currency.code, is_entered, may_write):
                    add_subscription(today)
        chosen = ALL_PLANS
        if len(plans) > 1:
            chosen = st.selectbox(
                "Plan",
                [ALL_PLANS, *plans],
                format_func=lambda slug: names.get(slug, slug),
                key="plan",
                label_visibility="collapsed",
            )
        charted = [month for month in recent if chosen in (ALL_PLANS, month.provider)]
        plan_cards.draw_chart(charted, currency.code)
        st.caption("Value is not included in spend.")
    with st.container(border=True):
        plan_cards.render_months(months, names, currency.code)
render_subscriptions(user, rows, today)
