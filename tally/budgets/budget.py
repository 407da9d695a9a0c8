"""A budget with its thresholds, its current period and what is known of that, as `budget_status` answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, cast

from tally.budgets.periods import Period, PeriodKind

Measure = Literal["cost", "tokens"]
ThresholdKind = Literal["actual", "forecast"]
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Threshold:
    """A share of a budget at which people want to know."""

    id: str
    kind: ThresholdKind
    percent: int
    since: date = date.min  # the workspace's day on which it became what it is


@dataclass(frozen=True, slots=True)
class Scope:
    """The scope of a budget: all that is given must match. Names are for reading, ids for comparing."""

    project_id: str | None
    project: str | None
    provider_id: str | None
    provider: str | None
    model_name: str | None
    user_id: str | None
    person: str | None
    billing_account: str | None
    tag: str | None
    agent: str | None = None
    environment: str | None = None
    customer: str | None = None

    @property
    def is_everything(self) -> bool:
        """True for the whole workspace."""
        keys = (
            self.project_id,
            self.provider_id,
            self.model_name,
            self.user_id,
            self.billing_account,
            self.tag,
            self.agent,
            self.environment,
            self.customer,
        )
        return not any(keys)


@dataclass(frozen=True, slots=True)
class StoredForecast:
    """The rest of a period as a run saw it, in US dollars or tokens, from its day `made_on` on."""

    made_on: date
    made_at: datetime
    days: Mapping[date, Decimal]
    quantiles: tuple[Decimal, ...]  # of the sum of the days

    @property
    def predicted(self) -> Decimal:
        """The sum of the days."""
        return sum(self.days.values(), ZERO)


@dataclass(frozen=True, slots=True)
class Budget:
    """A budget. Without channels of its own, all of the workspace's hear of it."""

    id: str
    name: str
    scope: Scope
    measure: Measure
    amount: Decimal  # in the currency, or tokens
    currency: str
    period_kind: PeriodKind
    starts_on_day: int
    counts_subscriptions: bool
    counts_tax: bool
    paused_at: datetime | None
    created_at: datetime
    thresholds: tuple[Threshold, ...]
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BudgetFacts:
    """A budget with what is known of its period: `days` from the first of the period before up to today."""

    budget: Budget
    today: date
    period: Period
    previous: Period
    days: Mapping[date, Decimal]  # in US dollars or tokens; days without any are missing
    forecast: StoredForecast | None
    earlier_forecast: StoredForecast | None  # the last one, of an hour before that or more


def read_facts(row: Mapping[str, Any]) -> BudgetFacts:
    """Read a budget as the database describes it."""
    days = row["days"] or {}
    return BudgetFacts(
        budget=_read_budget(row),
        today=date.fromisoformat(row["today"]),
        period=_read_period(row, "period"),
        previous=_read_period(row, "previous"),
        days={date.fromisoformat(day): Decimal(amount) for day, amount in days.items()},
        forecast=_read_forecast(row["forecast"]),
        earlier_forecast=_read_forecast(row["earlier_forecast"]),
    )


def _read_budget(row: Mapping[str, Any]) -> Budget:
    return Budget(
        id=row["id"],
        name=row["name"],
        scope=Scope(**{name: row[name] for name in Scope.__slots__}),
        measure=cast(Measure, row["measure"]),
        amount=Decimal(row["amount"]),
        currency=row["currency"],
        period_kind=cast(PeriodKind, row["period"]),
        starts_on_day=row["starts_on_day"],
        counts_subscriptions=row["counts_subscriptions"],
        counts_tax=row["counts_tax"],
        paused_at=row["paused_at"] and datetime.fromisoformat(row["paused_at"]),
        created_at=datetime.fromisoformat(row["created_at"]),
        thresholds=tuple(map(_read_threshold, row["thresholds"] or ())),
        channels=tuple(row["channels"] or ()),
    )


def _read_threshold(row: Mapping[str, Any]) -> Threshold:
    return Threshold(row["id"], row["kind"], row["percent"], date.fromisoformat(row["since"]))


def _read_period(row: Mapping[str, Any], name: str) -> Period:
    return Period(date.fromisoformat(row[f"{name}_start"]), date.fromisoformat(row[f"{name}_end"]))


def _read_forecast(row: Mapping[str, Any] | None) -> StoredForecast | None:
    if row is None:
        return None
    made_on = date.fromisoformat(row["made_on"])
    days = {
        date.fromordinal(made_on.toordinal() + nth): Decimal(amount) for nth, amount in enumerate(row["days"])
    }
    return StoredForecast(
        made_on, datetime.fromisoformat(row["made_at"]), days, tuple(map(Decimal, row["quantiles"]))
    )
