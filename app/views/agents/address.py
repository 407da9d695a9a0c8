"""The state of the page in its address: `?agent=<title>&person=<id>&month=<Nov 2026>`, or `?session=<name>`.

Streamlit writes choices into the address as they are labelled.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import streamlit as st

from app import data
from app.auth.identity import User
from app.figures.agent_usage import Year
from app.figures.currencies import Currency
from app.formats.dates import format_month
from tally.agents.registry import AGENTS
from tally.core.months import add_months, last_day_of_month

SESSION, PERSON = "session", "person"
ALL, ME, EVERYONE = "all", "me", "everyone"
TITLES: Mapping[str, str] = {agent.name: agent.title for agent in AGENTS}
MOST_BUTTONS = 4
MONTHS_BACK = 12


@dataclass(frozen=True, slots=True)
class Shown:
    """Everything that the parts of the page share."""

    user: User
    question: data.AgentQuestion  # of the chosen month
    year: Year
    zone: ZoneInfo
    currency: Currency
    today: date

    @property
    def month(self) -> str:
        """The name of the chosen month."""
        return f"{self.question.first:%B}"

    @property
    def days(self) -> list[date]:
        """The days of the chosen month, up to today."""
        count = (self.question.last - self.question.first).days + 1
        return [self.question.first + timedelta(days=nth) for nth in range(count)]


def title_agent(name: str) -> str:
    """The title of an agent; its own name where it is none of those that Tally reads."""
    return TITLES.get(name, name)


def choose_person(user: User) -> str | None:
    """The person whose usage is shown, in workspaces of several people; None for everybody."""
    if user.workspace.is_personal or not user.workspace.shows_others:
        return None
    people = {key: person.email for key, person in data.load_people(user).items() if key != user.user_id}
    options = [ME, EVERYONE, *people]
    asked = st.query_params.get(PERSON, ME)
    # Not bound: the address would have the labels, which are addresses of people.
    st.session_state[PERSON] = asked if asked in options else ME
    chosen = st.selectbox(
        "Person",
        options,
        format_func=lambda key: {ME: "Only me", EVERYONE: "Everyone"}.get(key) or people.get(key) or key,
        key=PERSON,
        on_change=_save_person,
        label_visibility="collapsed",
        width=170,
    )
    if chosen == ME or chosen is None:
        return user.user_id
    return None if chosen == EVERYONE else chosen


def _save_person() -> None:
    st.query_params[PERSON] = st.session_state[PERSON]


def choose_agent(names: Sequence[str]) -> str | None:
    """One of the agents that were used, or None for all of them."""
    if len(names) < 2:
        return None
    options = [ALL, *names]
    chosen: str | None
    if len(names) <= MOST_BUTTONS:
        chosen = st.segmented_control(
            "Agent",
            options,
            format_func=_label_agent,
            default=ALL,
            required=True,
            key="agent",
            bind="query-params",
            label_visibility="collapsed",
        )
    else:
        chosen = st.selectbox(
            "Agent",
            options,
            format_func=_label_agent,
            key="agent",
            bind="query-params",
            label_visibility="collapsed",
            width=170,
        )
    return chosen if chosen in names else None


def _label_agent(name: str) -> str:
    return "All" if name == ALL else title_agent(name)


def choose_month(today: date) -> tuple[date, date]:
    """The first day of a month and its last one so far."""
    firsts = [add_months(today.replace(day=1), -back) for back in range(MONTHS_BACK + 1)]
    names = {f"{first:%Y-%m}": first for first in firsts}
    chosen = st.selectbox(
        "Month",
        list(names),
        format_func=lambda name: format_month(names[name]),
        key="month",
        bind="query-params",
        label_visibility="collapsed",
        width=130,
    )
    first = names.get(chosen or "", firsts[0])
    end = last_day_of_month(first)
    return first, min(end, today)


def address_of_session(session: str) -> str:
    """The address that shows a session, with what else the page's address names, for links."""
    kept = [(name, value) for name in st.query_params for value in st.query_params.get_all(name)]
    return "/agents?" + urlencode([*kept, (SESSION, session)])
