"""The cards at the top: today, this week, value against plans, and what caches saved."""

from collections.abc import Sequence
from decimal import Decimal

import streamlit as st

from app import data
from app.figures.agent_classes import ClassFigures
from app.figures.agent_days import describe_today, describe_week, sum_by_day
from app.figures.agent_plans import Plans, calculate_plans
from app.figures.agent_usage import ModelUse, sum_money
from app.figures.month_card import name_price
from app.formats.counts import format_change, format_factor
from app.formats.dates import format_short_day
from app.formats.money import format_figure, format_limit, format_money
from app.formats.text import DASH, escape_markdown
from app.parts.subscription_form import parse_subscription
from app.ui import agent_markup as markup
from app.ui.agent_markup import Card, PlanCard
from app.ui.theme import current_palette
from app.views.agents.address import Shown
from tally.core.text import plural


def load_plans(shown: Shown) -> Plans:
    """Plans of the workspace in the chosen month."""
    slugs = {provider.provider_id: provider.slug for provider in data.load_providers(shown.user)}
    found = [parse_subscription(row) for row in data.load_subscriptions(shown.user)]
    subscriptions = [(slugs[plan.provider_id], plan) for plan in found]
    last = shown.question.last
    daily = data.load_daily(shown.user, last.replace(day=1), last)
    return calculate_plans(daily, subscriptions, last, shown.currency)


def render_top(shown: Shown, plans: Plans, classes: ClassFigures, models: Sequence[ModelUse]) -> None:
    """The four cards, and what their figures consist of."""
    palette = current_palette()
    by_day = sum_by_day(shown.year.days)
    today = describe_today(by_day, shown.year.hours, shown.today, shown.zone)
    week = describe_week(by_day, shown.today)
    code = shown.currency.code
    usual = "" if not today.usual else f"usual {shown.today:%A} {format_money(today.usual, code)}"
    change = None if week.before is None else format_change(week.money.value, week.before)
    same_days = "Mon" if shown.today.weekday() == 0 else f"Mon {DASH} {shown.today:%a}"
    share = classes.cached_share
    st.html(
        markup.cards(
            [
                Card(
                    "Today",
                    format_figure(today.money.value, code),
                    usual,
                    line=today.hours,
                    colour=palette.accent,
                ),
                Card(
                    "This week",
                    format_figure(week.money.value, code),
                    change or "",
                    _find_tone(week.money.value, week.before),
                    f"vs last {same_days}" if change else "",
                    week.days,
                    palette.accent,
                ),
                describe_plans(shown, plans, models),
                Card(
                    f"Cache saved, {shown.month}",
                    format_figure(max(classes.saved, Decimal(0)), code),
                    "" if share is None else f"{share:.0%} of input from cache",
                    "good" if share and share >= Decimal("0.5") else "",
                    line=[max(float(classes.saved_by_day.get(day, 0)), 0.0) for day in shown.days],
                    colour=palette.series[1],
                ),
            ]
        )
    )
    render_notes(shown, models)


def _find_tone(now: Decimal, before: Decimal | None) -> str:
    return "" if before is None or before <= 0 else "good" if now < before else "bad" if now > before else ""


def describe_plans(shown: Shown, plans: Plans, models: Sequence[ModelUse]) -> PlanCard:
    """Value against plans; without a plan, what the month would cost per token."""
    code = shown.currency.code
    if plans.factor is None:
        value = sum_money(use.money for use in models).value
        said = (
            f"{', '.join(plans.names)} for {format_limit(plans.price, code)}, no usage covered yet"
            if plans.price > 0
            else "No plan this month. Add one under Plans & prices to compare."
        )
        return PlanCard(
            f"Value, {shown.month}", format_figure(value, code), "at list prices", 0, None, "", said, ""
        )
    whole = max(plans.value, plans.price) * Decimal("1.1")
    if plans.even_on is not None:
        said = f"Paid for itself on {format_short_day(plans.even_on, shown.today)}"
    else:
        said = f"{format_money(plans.price - plans.value, code)} to go until it has paid for itself"
    return PlanCard(
        f"Value against plans, {shown.month}",
        format_factor(plans.factor),
        name_price(plans, code, "your"),
        float(plans.value / whole),
        float(plans.price / whole),
        format_limit(plans.price, code),
        said,
        format_money(plans.value, code),
    )


def render_notes(shown: Shown, models: Sequence[ModelUse]) -> None:
    """Money by its kind: what is paid per token, what plans include, what has no price."""
    money = sum_money(use.money for use in models)
    code = shown.currency.code
    said = [
        f"Value is what {shown.month}'s usage costs per token: {format_money(money.paid, code)} of it is "
        f"paid per token, {format_money(money.included, code)} is covered by plans and not part of spend."
    ]
    if money.unpriced:
        said.append(f"{plural(money.unpriced, 'record')} without a price left out.")
    if not shown.user.workspace.is_personal:
        said.append("Plans are those of the whole workspace.")
    st.caption(escape_markdown(" ".join(said)))
