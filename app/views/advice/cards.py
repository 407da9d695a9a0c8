"""A card for one piece of advice: what it is, the sentence with its amounts, the saving on a bar."""

from datetime import date
from decimal import Decimal

import streamlit as st

from app import data
from app.auth.identity import User
from app.figures.advice_totals import place
from app.figures.advice_words import BASIS, CONFIDENCE, ICONS, name_title, write_evidence, write_sentence
from app.figures.currencies import Currency
from app.formats.dates import format_day
from app.formats.money import format_change, format_money, format_plain
from app.formats.text import MINUS, escape_markdown
from app.ui.advice_markup import Figure, draw_figure
from app.ui.cards import render_heading
from app.views.advice.actions import render_actions
from tally.advice.kept import KeptAdvice
from tally.core.text import plural

COLUMNS = [3, 1.25]
COLOURS = {"high": "green", "medium": "blue", "low": "gray"}
SOON_DAYS = 30


class Shown:
    """Amounts as this page shows them: in the user's currency, on one scale."""

    def __init__(self, currency: Currency, scale_usd: Decimal, today: date) -> None:
        self.currency, self.scale_usd, self.today = currency, scale_usd, today

    def money(self, usd: Decimal) -> str:
        """An amount within a sentence."""
        converted = self.currency.convert(usd, self.today)
        sign = MINUS if converted < 0 else ""
        return sign + format_plain(abs(converted), self.currency.code)

    def span(self, low_usd: Decimal, high_usd: Decimal) -> str:
        """A range of amounts, with cents where whole units would be the same."""
        low, high = self.money(low_usd), self.money(high_usd)
        if low != high:
            return f"{low} to {high}"
        exact = (self.currency.convert(usd, self.today) for usd in (low_usd, high_usd))
        return " to ".join(format_money(amount, self.currency.code) for amount in exact)

    def change(self, usd: Decimal) -> str:
        """An amount with its sign, whole from 10 up."""
        converted = self.currency.convert(usd, self.today)
        rounded = converted.quantize(Decimal(1)) if abs(converted) >= 10 else converted
        return format_change(rounded, self.currency.code).removesuffix(".00")


def render_card(user: User, advice: KeptAdvice, shown: Shown) -> None:
    """The card."""
    with st.container(border=True, key=f"advice-{advice.id}"):
        words, figure = st.columns(COLUMNS)
        with words, st.container(gap="small"):
            icon = ICONS[advice.kind]
            render_heading(f":material/{icon}: {escape_markdown(name_title(advice))}")
            _render_badges(advice, shown.today)
            st.markdown(write_sentence(advice, shown.money))
            st.caption(
                write_evidence(advice, shown.money),
                help="  \n".join(map(escape_markdown, advice.assumptions)) or None,
            )
        if drawn := _describe_figure(advice, shown):
            figure.html(draw_figure(drawn))
        if advice.decided_at:
            verb = "Applied" if advice.status == "applied" else "Dismissed"
            person = data.load_people(user).get(advice.decided_by or "")
            by = f" by {escape_markdown(person.email)}" if person else ""
            st.caption(f"{verb} on {format_day(advice.decided_at.date())}{by}")
        render_actions(user, advice)


def _render_badges(advice: KeptAdvice, today: date) -> None:
    with st.container(horizontal=True, gap="xsmall"):
        if advice.kind == "idle_key":
            st.badge("Security", icon=":material/key:", color="blue")
            return
        if advice.kind == "retirement":
            _render_days(date.fromisoformat(advice.evidence["retires_on"]), today)
        icon = ":material/check:" if advice.confidence == "high" else None
        st.badge(CONFIDENCE[advice.confidence], icon=icon, color=COLOURS[advice.confidence])  # type: ignore[arg-type]
        st.badge(BASIS[advice.basis], color="gray")


def _render_days(day: date, today: date) -> None:
    days = (day - today).days
    text = "Retired" if days < 0 else "Today" if days == 0 else f"In {plural(days, 'day')}"
    st.badge(text, icon=":material/warning:", color="orange" if days <= SOON_DAYS else "gray")


def _describe_figure(advice: KeptAdvice, shown: Shown) -> Figure | None:
    low, mid, high = advice.saving
    if advice.kind == "idle_key" or (advice.kind == "retirement" and not advice.evidence["is_priced"]):
        return None
    exact = "at the same tokens" if advice.kind == "retirement" else "exact, from the price"
    if mid < 0:
        note = exact if low == high else f"{shown.change(-high)} to {shown.change(-low)}"
        return Figure("likely extra cost a month", shown.change(-mid), note)
    bar = place(low, shown.scale_usd), place(mid, shown.scale_usd), place(high, shown.scale_usd)
    if low == high:
        return Figure("saving a month", shown.money(mid), exact, bar)
    return Figure("likely saving a month", shown.money(mid), shown.span(low, high), bar)
