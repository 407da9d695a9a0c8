"""Questions about costs by any two dimensions, and their answers, as `explore_costs` gives them. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from app.figures.explore_words import MEASURES
from tally.analytics.answers import Source

Filters = tuple[tuple[str, tuple[str | None, ...]], ...]  # None is "without"
GroupKind = Literal["value", "rest", "all"]
KeyKind = Literal["value", "none", "hidden"]
NameOf = Callable[[str, KeyKind, str | None], str]  # of a dimension's key

LEAP_DAY = (2, 29)
DAY_ONLY = "day"  # the time of what has a date but no hour


@dataclass(frozen=True, slots=True)
class Question:
    """A measure by up to two dimensions and by time; `first` and `last` are local days, both included."""

    first: date
    last: date
    measure: str = "spend"
    by: tuple[str, ...] = ()
    granularity: str = "day"
    filters: Filters = ()
    top: int = 8  # groups that stand alone

    @property
    def unit(self) -> str:
        """The unit of its amounts: money, tokens or requests."""
        unit = MEASURES[self.measure].unit
        return "money" if unit == "ratio" else unit

    @property
    def days(self) -> list[date]:
        """Its days."""
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]


@dataclass(frozen=True, slots=True)
class Key:
    """One dimension of a group: a value, none, or values that the user may not know."""

    kind: KeyKind
    value: str | None
    label: str


@dataclass(frozen=True, slots=True)
class Group:
    """Figures of a group, of all that is not shown alone, or of everything.

    The value is None where it is not known: a cost per request without requests.
    """

    keys: tuple[Key, ...]
    kind: GroupKind
    label: str
    value: Decimal | None
    requests: int
    records: int
    unpriced_records: int
    groups: int = 1  # that it stands for

    @property
    def is_filterable(self) -> bool:
        """True if a question can have it alone."""
        return self.kind == "value" and bool(self.keys) and all(key.kind != "hidden" for key in self.keys)


@dataclass(frozen=True, slots=True)
class Point:
    """A group's value at a time, which is None where the user may not know when, or no one knows the hour."""

    group: int
    at: str | int | None
    value: Decimal | None
    has_day_only: bool = False


@dataclass(frozen=True, slots=True)
class Explored:
    """The answer to a question: groups, dearest first, and their values over time."""

    question: Question
    total: Group
    groups: tuple[Group, ...]
    points: tuple[Point, ...]
    group_count: int
    overlaps: bool  # a record is in several groups, which add up to more than the total
    source: Source | None = None  # the engine that gave it, where there is a choice


class ValueChoice(NamedTuple):
    """A value to filter by, None for "without", and what it cost with what plans include."""

    value: str | None
    label: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class ValueChoices:
    """Values to filter by, dearest first, and how many there are beyond them."""

    values: tuple[ValueChoice, ...]
    more: int


def find_last_year(question: Question) -> Question:
    """The question about the same days of the year before."""
    return replace(question, first=_go_back(question.first), last=_go_back(question.last))


def _go_back(day: date) -> date:
    return day.replace(year=day.year - 1, day=28 if (day.month, day.day) == LEAP_DAY else day.day)


def read_answer(question: Question, answer: Mapping[str, Any], name: NameOf) -> Explored:
    """The answer of the database, with names."""
    points = answer["points"]
    return Explored(
        question,
        total=_read_figures((), "all", "All", answer["total"]),
        groups=tuple(_read_group(question, part, name) for part in answer["parts"]),
        points=tuple(
            Point(group, None if at == DAY_ONLY else at, _read_amount(value), at == DAY_ONLY)
            for group, at, value in zip(points["part"], points["at"], points["value"], strict=True)
        ),
        group_count=answer["groups"],
        overlaps=answer["overlaps"],
    )


def _read_group(question: Question, part: Mapping[str, Any], name: NameOf) -> Group:
    if part["kind"] == "rest":
        return _read_figures((), "rest", f"Other ({part['groups']:,})", part)
    keys = tuple(
        Key(key["kind"], key["value"], name(dimension, key["kind"], key["value"]))
        for dimension, key in zip(question.by, part["keys"], strict=True)
    )
    return _read_figures(
        keys, "value" if keys else "all", " · ".join(key.label for key in keys) or "All", part
    )


def _read_figures(keys: tuple[Key, ...], kind: GroupKind, label: str, part: Mapping[str, Any]) -> Group:
    return Group(
        keys,
        kind,
        label,
        value=_read_amount(part["value"]),
        requests=int(part["requests"]),
        records=int(part["records"]),
        unpriced_records=int(part["unpriced_records"]),
        groups=part.get("groups", 1),
    )


def _read_amount(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
