"""Usage of coding agents: the year by day, a month by model, place and session, and one session."""

from datetime import date, timedelta
from typing import Any, NamedTuple

from app.auth.identity import User
from app.data.preferences import load_currency, load_preferences
from app.data.reading import cached, call, data_version
from app.figures import agent_session, agent_usage
from app.figures.agent_session import Session
from app.figures.agent_usage import ModelUse, PlaceUse, Sessions, Year
from app.figures.currencies import Currency
from tally.storage.database import TooMuch

YEAR_DAYS = (399, 90, 31)  # shorter ones where there are too many records
SESSIONS_SHOWN = 10


class AgentQuestion(NamedTuple):
    """The names of agents, one person or everybody, and a period with both ends."""

    agents: tuple[str, ...]
    person: str | None
    first: date
    last: date

    def arguments(self) -> dict[str, Any]:
        """The arguments of the functions."""
        return {
            "agents": list(self.agents),
            "from_date": self.first.isoformat(),
            "to_date": self.last.isoformat(),
            "person": self.person,
        }


def load_agent_year(user: User, agents: tuple[str, ...], person: str | None, today: date) -> Year:
    """Days and hours up to today: of the last 399 days, or of fewer where there are too many records."""
    asked = [AgentQuestion(agents, person, today - timedelta(days=days - 1), today) for days in YEAR_DAYS]
    for question in asked[:-1]:
        try:
            return _year(user, data_version(user), question, load_currency(user))
        except TooMuch:
            continue
    return _year(user, data_version(user), asked[-1], load_currency(user))


@cached
def _year(user: User, version: str, asked: AgentQuestion, currency: Currency) -> Year:  # noqa: ARG001
    answer = call(user, "agent_days", **asked.arguments())
    return agent_usage.read_year(answer, currency, load_preferences(user).zone)


def load_agent_models(user: User, asked: AgentQuestion) -> list[ModelUse]:
    """Models by day."""
    return _models(user, data_version(user), asked, load_currency(user))


@cached
def _models(user: User, version: str, asked: AgentQuestion, currency: Currency) -> list[ModelUse]:  # noqa: ARG001
    return agent_usage.read_models(call(user, "agent_models", **asked.arguments()), currency)


def load_agent_places(user: User, asked: AgentQuestion) -> list[PlaceUse]:
    """Repositories and branches."""
    return _places(user, data_version(user), asked, load_currency(user))


@cached
def _places(user: User, version: str, asked: AgentQuestion, currency: Currency) -> list[PlaceUse]:  # noqa: ARG001
    days = [asked.first + timedelta(days=nth) for nth in range((asked.last - asked.first).days + 1)]
    return agent_usage.read_places(call(user, "agent_places", **asked.arguments()), currency, days)


def load_agent_sessions(user: User, asked: AgentQuestion) -> Sessions:
    """The sessions of most value."""
    return _sessions(user, data_version(user), asked, load_currency(user))


@cached
def _sessions(user: User, version: str, asked: AgentQuestion, currency: Currency) -> Sessions:  # noqa: ARG001
    answer = call(user, "agent_sessions", **asked.arguments(), top_n=SESSIONS_SHOWN)
    return agent_usage.read_sessions(answer, currency, load_preferences(user).zone)


def load_agent_session(user: User, session: str) -> Session | None:
    """A session that the user may see; None for an unknown one."""
    return _session(user, data_version(user), session, load_currency(user))


@cached
def _session(user: User, version: str, session: str, currency: Currency) -> Session | None:  # noqa: ARG001
    if not session.strip() or "\0" in session:
        return None
    answer = call(user, "agent_session", session=session)
    if answer is None:
        return None
    # As records have it, by which other pages find it.
    return agent_session.read_session(session.strip(" "), answer, currency, load_preferences(user).zone)
