"""Facts about a workspace that advice is found in: sums of its records by cell, its plans and its keys."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from decimal import Decimal
from typing import Any

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of requests in disjoint classes; output includes reasoning."""

    uncached: int = 0
    cached: int = 0
    write_5m: int = 0
    write_1h: int = 0
    output: int = 0

    @property
    def input(self) -> int:
        """All input tokens."""
        return self.uncached + self.cached + self.write_5m + self.write_1h

    @property
    def cached_share(self) -> float:
        """The part of input that was read from a cache."""
        return self.cached / self.input if self.input else 0.0

    def __add__(self, other: "Tokens") -> "Tokens":
        return Tokens(*(getattr(self, name) + getattr(other, name) for name in TOKEN_CLASSES))


TOKEN_CLASSES = tuple(one.name for one in fields(Tokens))
NAMES = ("provider", "model", "project_id", "project", "agent", "tier")
COUNTS = (
    *("unpriced", "active_days", "max_input", "conversations", "following", "pauses", "long_pauses"),
    *("reusable", "fresh", "rewritten", "reread", "failed", "repeats"),
)


@dataclass(frozen=True, slots=True)
class Part:
    """Some requests of a cell: how many, what they cost, and their tokens."""

    requests: int = 0
    cost_usd: Decimal = ZERO
    tokens: Tokens = Tokens()


@dataclass(frozen=True, slots=True)
class Cell:
    """Requests of one project, agent, provider, model and service tier in the window, all of them priced.

    Requests of a conversation follow each other where they are of one model. `reusable` are input tokens that
    the request before had too, within five minutes, and that no cache served; `fresh` are the uncached rest.
    `rewritten` were written to a 5-minute cache again after a longer pause, `reread` were read after such a
    pause from a cache of an hour.
    """

    provider: str
    model: str
    project_id: str | None = None
    project: str | None = None
    agent: str | None = None
    tier: str = ""
    requests: int = 0
    cost_usd: Decimal = ZERO
    tokens: Tokens = Tokens()
    unpriced: int = 0
    active_days: int = 0
    max_input: int = 0
    conversations: int = 0
    following: int = 0
    pauses: int = 0
    long_pauses: int = 0
    reusable: int = 0
    fresh: int = 0
    rewritten: int = 0
    reread: int = 0
    failed: int = 0
    failed_usd: Decimal = ZERO
    repeats: int = 0
    repeated_usd: Decimal = ZERO
    answered: int = 0  # by a gateway's cache, beyond these requests, at every tier
    answered_usd: Decimal = ZERO  # what those would have cost
    hours: tuple[int, ...] = ()
    long: Mapping[int, Part] = field(default_factory=dict)  # by the input tokens that they exceed
    last_day: date | None = None

    @property
    def place(self) -> dict[str, str]:
        """The parts of a subject that say which requests these are."""
        named = {"project_id": self.project_id, "project": self.project, "agent": self.agent}
        return {key: value for key, value in named.items() if value}


@dataclass(frozen=True, slots=True)
class Month:
    """Usage of a coding agent at a provider in a whole month: what was paid for, and what a plan covered."""

    month: date
    paid_usd: Decimal = ZERO
    included_usd: Decimal = ZERO
    unpriced: int = 0


@dataclass(frozen=True, slots=True)
class Usage:
    """Usage of a provider by one agent over whole months, oldest first."""

    provider: str
    agent: str | None
    months: Sequence[Month]


@dataclass(frozen=True, slots=True)
class Plan:
    """An active subscription. `covered_days` are days of the last 30 on which a source that would see its use
    reported, `last_used` the last day on which one did."""

    id: str
    provider: str
    name: str
    monthly_usd: Decimal
    person_id: str | None = None
    started_on: date | None = None
    covered_days: int = 0
    last_used: date | None = None
    months: Sequence[Month] = ()


@dataclass(frozen=True, slots=True)
class IdleKey:
    """A key that works and that no program has used for long."""

    id: str
    name: str
    person_id: str | None
    since: date
    was_used: bool


@dataclass(frozen=True, slots=True)
class Decided:
    """An experiment that was decided for another variant than its baseline, with its expected saving."""

    id: str
    name: str
    project_id: str | None
    variant: str
    baseline: str
    sentence: str
    matched_usd: Decimal  # of the baseline's calls in 28 days
    saving: tuple[Decimal, Decimal, Decimal]
    model: str | None = None
    to_model: str | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that the rules look at; the window ends with the last complete day."""

    window: tuple[date, date]
    spend_usd: Decimal = ZERO  # of the window, without what plans cover
    first_day: date | None = None  # of any usage
    active_days: int = 0
    cells: Sequence[Cell] = ()
    usages: Sequence[Usage] = ()
    plans: Sequence[Plan] = ()
    idle_keys: Sequence[IdleKey] = ()
    decided: Sequence[Decided] = ()

    @property
    def today(self) -> date:
        """The day after the window."""
        return date.fromordinal(self.window[1].toordinal() + 1)


def parse_cell(row: Mapping[str, Any], shape: Mapping[str, Any]) -> Cell:
    """The cell in an object that `private.advice_cells` returns, with that of `private.advice_shapes`."""
    return Cell(
        **{name: row[name] for name in (*NAMES, *COUNTS)},
        **vars_of(parse_part(row)),
        failed_usd=Decimal(row["failed_usd"]),
        repeated_usd=Decimal(row["repeated_usd"]),
        hours=tuple(shape.get("hours", {}).get(str(hour), 0) for hour in range(24)),
        long={int(over): parse_part(part) for over, part in shape.get("long", {}).items()},
        last_day=date.fromisoformat(row["last_day"]),
    )


def vars_of(part: Part) -> dict[str, Any]:
    """The fields of a part."""
    return {"requests": part.requests, "cost_usd": part.cost_usd, "tokens": part.tokens}


def parse_part(row: Mapping[str, Any]) -> Part:
    """Requests, cost and tokens of an object with these keys."""
    return Part(
        row["requests"], Decimal(row["cost_usd"]), Tokens(*(int(row[name]) for name in TOKEN_CLASSES))
    )


def parse_months(rows: Iterable[Mapping[str, Any]]) -> tuple[Month, ...]:
    """Months of objects, oldest first."""
    return tuple(
        Month(
            date.fromisoformat(row["month"]),
            Decimal(row["paid_usd"]),
            Decimal(row["included_usd"]),
            row["unpriced"],
        )
        for row in sorted(rows, key=lambda row: str(row["month"]))
    )
