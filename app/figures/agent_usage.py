"""Usage of coding agents as the database sums it up, in the display currency of its days."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from app.figures.currencies import Currency

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Money:
    """The money paid per token, and the value of usage that plans included, at list prices."""

    paid: Decimal = ZERO
    included: Decimal = ZERO
    unpriced: int = 0  # records without a price

    @property
    def value(self) -> Decimal:
        """Both, as if all had been paid per token."""
        return self.paid + self.included

    def __add__(self, other: "Money") -> "Money":
        return Money(self.paid + other.paid, self.included + other.included, self.unpriced + other.unpriced)


def sum_money(parts: Iterable[Money]) -> Money:
    """The sum of amounts."""
    return sum(parts, Money())


@dataclass(frozen=True, slots=True)
class DayUse:
    """An agent's use of a day."""

    day: date
    agent: str
    money: Money
    tokens: int
    requests: int


class HourUse(NamedTuple):
    """The use of an hour, which begins at a whole hour UTC."""

    start: datetime
    value: Decimal
    requests: int


class WeekHour(NamedTuple):
    """The use of an hour of the week, in US dollars; weekday 1 is Monday."""

    weekday: int
    hour: int
    value_usd: Decimal
    requests: int


@dataclass(frozen=True, slots=True)
class Year:
    """Days by agent, hours, and hours of the week."""

    days: Sequence[DayUse]
    hours: Sequence[HourUse]
    week: Sequence[WeekHour]


@dataclass(frozen=True, slots=True)
class ModelUse:
    """A model's use of a day; without a name, that of all models beyond the first ones."""

    day: date
    provider: str | None
    model: str | None
    money: Money
    tokens: int
    input_tokens: int
    output_tokens: int
    cached_input_tokens: int
    cache_write_tokens: int
    hour_write_tokens: int
    requests: int


@dataclass(frozen=True, slots=True)
class PlaceUse:
    """A repository, or one of its branches: `kind` is value, rest (of `members` names) or none."""

    kind: str
    repository: str | None
    is_branch: bool
    branch_kind: str | None
    branch: str | None
    members: int
    money: Money
    sessions: int
    trend: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class SessionUse:
    """A session of a period."""

    session: str
    agent: str
    repository: str
    branch: str
    models: tuple[str, ...]
    first_at: datetime
    last_at: datetime
    money: Money
    requests: int
    first_context: int
    most_context: int


class Sessions(NamedTuple):
    """The number of sessions, and those of most value."""

    total: int
    rows: Sequence[SessionUse]


def read_year(answer: Mapping[str, Any], currency: Currency, zone: ZoneInfo) -> Year:
    """The answer of `agent_days`."""
    days = []
    for row in answer["days"]:
        day = date.fromisoformat(row["day"])
        money = read_money(row, currency, day)
        days.append(DayUse(day, row["agent"] or "", money, int(row["tokens"]), int(row["requests"])))
    hours = []
    for row in answer["hours"]:
        start = datetime.fromisoformat(row["hour"])
        money = read_money(row, currency, start.astimezone(zone).date())
        hours.append(HourUse(start, money.value, int(row["requests"])))
    week = [
        WeekHour(row["weekday"], row["hour"], _read_usd(row), int(row["requests"])) for row in answer["week"]
    ]
    return Year(days, hours, week)


def read_models(answer: Sequence[Mapping[str, Any]], currency: Currency) -> list[ModelUse]:
    """The answer of `agent_models`."""
    found = []
    for row in answer:
        day = date.fromisoformat(row["day"])
        found.append(
            ModelUse(
                day,
                row["provider"],
                row["model_name"],
                read_money(row, currency, day),
                *(
                    int(row[name])
                    for name in (
                        "tokens",
                        "input_tokens",
                        "output_tokens",
                        "cached_input_tokens",
                        "cache_write_tokens",
                        "hour_write_tokens",
                        "requests",
                    )
                ),
            )
        )
    return found


def read_places(
    answer: Sequence[Mapping[str, Any]], currency: Currency, days: Sequence[date]
) -> list[PlaceUse]:
    """The answer of `agent_places`: repositories by value, each before its branches.

    Amounts are sums of days, each at its own rate.
    """
    sums: dict[tuple[Any, ...], dict[date, Money]] = {}
    whole: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for row in answer:
        key = (row["kind"], row["repository"], row["is_branch"], row["branch_kind"], row["branch"])
        if row["day"] is None:
            whole[key] = row
        else:
            day = date.fromisoformat(row["day"])
            sums.setdefault(key, {})[day] = read_money(row, currency, day)
    places = []
    for key, row in whole.items():
        by_day = sums.get(key, {})
        trend = tuple(float(by_day[day].value) if day in by_day else 0.0 for day in days)
        money = sum_money(by_day.values())
        places.append(PlaceUse(*key, int(row["members"]), money, int(row["sessions"]), trend))
    return _sort_places(places)


def _sort_places(places: Sequence[PlaceUse]) -> list[PlaceUse]:
    order = {"value": 0, "rest": 1, "none": 2}

    def rank(place: PlaceUse) -> tuple[Any, ...]:
        name = place.branch if place.is_branch else place.repository
        kind = place.branch_kind if place.is_branch else place.kind
        return order[kind or "none"], -place.money.value, name or ""

    sorted_places = []
    for repository in sorted((place for place in places if not place.is_branch), key=rank):
        sorted_places.append(repository)
        if repository.kind == "value":
            branches = [
                place for place in places if place.is_branch and place.repository == repository.repository
            ]
            sorted_places += sorted(branches, key=rank)
    return sorted_places


def read_sessions(answer: Mapping[str, Any], currency: Currency, zone: ZoneInfo) -> Sessions:
    """The answer of `agent_sessions`."""
    rows = []
    for row in answer["rows"]:
        first_at = datetime.fromisoformat(row["first_at"])
        rows.append(
            SessionUse(
                row["session"],
                row["agent"] or "",
                row["repository"] or "",
                row["branch"] or "",
                tuple(row["models"]),
                first_at,
                datetime.fromisoformat(row["last_at"]),
                read_money(row, currency, first_at.astimezone(zone).date()),
                int(row["requests"]),
                int(row["first_context"] or 0),
                int(row["most_context"] or 0),
            )
        )
    return Sessions(int(answer["sessions"]), rows)


def read_money(row: Mapping[str, Any], currency: Currency, day: date) -> Money:
    """Amounts at the rate of a day."""
    paid, included = (currency.convert(Decimal(row[name]), day) for name in ("cost_usd", "included_usd"))
    return Money(paid, included, int(row.get("unpriced") or 0))


def _read_usd(row: Mapping[str, Any]) -> Decimal:
    return Decimal(row["cost_usd"]) + Decimal(row["included_usd"])
