"""Form of a subscription, used to add one and to edit one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import streamlit as st

from app import data
from app.auth.identity import User, database_of
from app.figures.currencies import Currency
from app.figures.renewals import PLANS, Plan, spent_so_far
from app.formats.amount_field import read_amount, show_amount
from app.formats.money import format_figure, format_usd
from app.formats.text import escape_markdown
from app.parts.provider_choice import choose_provider
from app.ui.notices import announce, explain_refusal
from app.ui.periods import EARLIEST_DAY
from tally.core.amounts import AmountUnreadable
from tally.spend.renewals import next_renewal, renewal_days
from tally.spend.subscriptions import Interval, Subscription
from tally.spend.subscriptions import parse_subscription as parse_subscription
from tally.storage.database import DatabaseError

LATEST_DAY = date(2099, 12, 31)
MAX_NAME_LENGTH = 200
INTERVALS: dict[Interval, str] = {"month": "Every month", "year": "Every year"}


@dataclass(frozen=True, slots=True)
class Fields:
    """Session keys of the widgets of one form, and their initial values."""

    form_id: str

    def key(self, name: str) -> str:
        """The session key of a field."""
        return f"{name}-{self.form_id}"

    def fill(self, **values: Any) -> None:
        """Set the values of fields before they are drawn."""
        for name, value in values.items():
            st.session_state[self.key(name)] = value

    def fill_once(self, **values: Any) -> None:
        """Set the values of fields that have none yet."""
        for name, value in values.items():
            st.session_state.setdefault(self.key(name), value)


def render_new_subscription(user: User, today: date) -> None:
    """Ask for a subscription, show its renewals so far, and save it once."""
    new_id: UUID = st.session_state.setdefault("subscription_id", uuid4())
    providers = data.load_providers(user)
    fields = Fields(str(new_id))
    st.selectbox(
        "Plan",
        PLANS,
        index=None,
        format_func=lambda plan: f"{plan.title}, {format_usd(plan.amount_usd)} a month",
        placeholder="Choose a plan or enter your own",
        key=fields.key("plan"),
        on_change=_apply_plan,
        args=(fields, providers),
    )
    fields.fill_once(started=today, day=today.day, interval="month")
    try:
        subscription = render_fields(fields, providers)
        render_renewals(subscription, today, data.load_currency(user))
    except AmountUnreadable as incomplete:
        subscription = None
        st.caption(escape_markdown(str(incomplete)))
    is_sent = st.button(
        "Add subscription",
        type="primary",
        icon=":material/add:",
        disabled=subscription is None,
        key=fields.key("save"),
    )
    if is_sent and subscription is not None:
        _save_new(user, new_id, subscription)


def render_fields(fields: Fields, providers: Sequence[data.Provider]) -> Subscription:
    """The form's subscription; raises AmountUnreadable while a field is missing or wrong."""
    with st.grid(3, min_column_width=180, gap="small"):
        provider = choose_provider(providers, fields.key("provider"))
        name = st.text_input("Plan name", max_chars=MAX_NAME_LENGTH, key=fields.key("name"))
        amount = st.text_input("Amount in USD", max_chars=40, placeholder="20.00", key=fields.key("amount"))
        started = _render_day("First day", fields, "started", on_change=_copy_start_day, args=(fields,))
        day = st.number_input(
            "Renewal day",
            1,
            31,
            key=fields.key("day"),
            help="Day of the month it renews; the last day in shorter months.",
        )
        interval = st.selectbox(
            "Renews",
            list(INTERVALS),
            format_func=lambda interval: INTERVALS[interval],
            key=fields.key("interval"),
        )
        ended = _render_day("Last day (optional)", fields, "ended", value=None)
    _check_days(started, ended)
    if provider is None or not name.strip():
        raise AmountUnreadable("Choose a plan, or enter provider and plan name.")
    return Subscription(
        provider.provider_id, name.strip(), _read_price(amount), started, int(day), interval, ended
    )


def render_renewals(subscription: Subscription, today: date, currency: Currency) -> None:
    """The renewals of a subscription before it is saved."""
    days = renewal_days(subscription, today)
    with st.grid(3, min_column_width=150, gap="small"):
        upcoming = next_renewal(subscription, today)
        day = f"{upcoming.day} {upcoming:%b}" if upcoming else "None"
        st.metric(
            "Next renewal",
            day,
            str(upcoming.year) if upcoming else "ended",
            delta_color="off",
            delta_arrow="off",
        )
        st.metric("Renewals so far", f"{len(days):,}")
        st.metric("Spent so far", format_figure(spent_so_far(subscription, today, currency), currency.code))


def _render_day(label: str, fields: Fields, name: str, **options: Any) -> Any:
    key = fields.key(name)
    return st.date_input(
        label, min_value=EARLIEST_DAY, max_value=LATEST_DAY, format="YYYY-MM-DD", key=key, **options
    )


def _check_days(started: date | None, ended: date | None) -> None:
    if started is None:
        raise AmountUnreadable("Choose the first day.")
    if ended is not None and ended < started:
        raise AmountUnreadable("The last day must not be before the first day.")


def _read_price(amount: str) -> Decimal:
    amount_usd = read_amount(amount)
    if amount_usd < 0:
        raise AmountUnreadable("The amount cannot be negative.")
    return amount_usd


@explain_refusal
def _save_new(user: User, new_id: UUID, subscription: Subscription) -> None:
    """Save under the form's id, so that a retry after a lost response finds it saved."""
    database = database_of(user)
    try:
        database.insert("subscriptions", subscription.to_json() | {"id": str(new_id)})
    except DatabaseError:
        if all(row["id"] != str(new_id) for row in data.load_subscriptions(user)):
            raise
    st.session_state.subscription_id = uuid4()
    data.forget_version(user)
    announce(f"{subscription.plan_name} added, with all renewals up to today.")
    st.rerun()


def _apply_plan(fields: Fields, providers: Sequence[data.Provider]) -> None:
    plan: Plan | None = st.session_state[fields.key("plan")]
    if plan is not None:
        provider = next((provider for provider in providers if provider.slug == plan.provider), None)
        fields.fill(provider=provider, name=plan.title, amount=show_amount(plan.amount_usd))


def _copy_start_day(fields: Fields) -> None:
    started = st.session_state[fields.key("started")]
    if started is not None:
        fields.fill(day=started.day)
