"""The parts of the page that the address names: `?prompt=<name>`, the period, and two versions."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import streamlit as st

from app import data
from app.auth.identity import User
from app.figures.currencies import Currency
from app.formats.money import format_unit_price
from tally.prompts.figures import PromptFigures
from tally.prompts.scores import PromptScores
from tally.storage.database import DatabaseError, NotAllowed, SignedOut, Unreachable

PROMPT, PERIOD = "prompt", "period"
PERIODS = {"7D": 7, "30D": 30, "90D": 90}
DEFAULT_PERIOD = "30D"


@dataclass(frozen=True, slots=True)
class Shown:
    """Everything that the parts of the page share."""

    user: User
    zone: ZoneInfo
    currency: Currency
    today: date
    days: int
    project: data.Project | None

    @property
    def period(self) -> tuple[date, date]:
        """The first day and the last."""
        return self.today - timedelta(days=self.days - 1), self.today

    @property
    def project_id(self) -> str | None:
        """The id of the chosen project; None for all."""
        return None if self.project is None else self.project.project_id

    def load_figures(self, prompt: str | None = None) -> PromptFigures | None:
        """The figures of the period, of all prompts or of one; a card says why where there are none."""
        try:
            with st.skeleton(height=320):
                return data.load_prompt_figures(self.user, self.period, self.project_id, prompt)
        except (Unreachable, SignedOut, NotAllowed):
            raise
        except DatabaseError as refused:
            with st.container(border=True):
                st.text(str(refused))
            return None

    def load_scores(self, prompt: str | None = None) -> PromptScores:
        """The scores of the period."""
        return data.load_prompt_scores(self.user, self.period, self.project_id, prompt)

    def count_all_calls(self) -> int:
        """The calls of the period, with a prompt or without."""
        daily = data.load_daily(self.user, *self.period, self.project_id)
        return int(daily.loc[daily["charge_type"] == "usage", "requests"].sum())

    def money(self, usd: Decimal) -> str:
        """The cost of a call, often less than a cent."""
        return format_unit_price(self.convert(usd), self.currency.code)

    def convert(self, usd: Decimal) -> Decimal:
        """Dollars in the currency of the pages, at today's rate."""
        return self.currency.convert(usd, self.today)

    def day_of(self, moment: datetime) -> date:
        """The workspace's day of an instant."""
        return moment.astimezone(self.zone).date()


def choose_days() -> int:
    """The field of the period; its days."""
    chosen = st.segmented_control(
        "Period",
        list(PERIODS),
        default=DEFAULT_PERIOD,
        required=True,
        key=PERIOD,
        bind="query-params",
        label_visibility="collapsed",
    )
    return PERIODS[chosen or DEFAULT_PERIOD]


def open_prompt(name: str) -> None:
    """Show a prompt."""
    st.query_params[PROMPT] = name


def leave() -> None:
    """Go back to the list."""
    st.query_params.pop(PROMPT, None)
