"""The status of a budget: what is spent, where its period will likely end, and the chance of exceeding it.

Everything is in the budget's currency, or tokens. Past days are converted at their own rates, as pages do;
what is to come at the newest one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import NamedTuple

from tally.budgets.budget import ZERO, Budget, BudgetFacts, StoredForecast, read_facts
from tally.budgets.periods import Period
from tally.core.exceeding import LIKELY, Distribution, calculate_probability, find_likeliest_day
from tally.core.live_total import SpentSoFar, StoredTotal, calculate_live_total
from tally.core.quantile_levels import LEVELS
from tally.currency import stored_rates
from tally.currency.rates import USD, CurrencyUnknown, Rates, bundled_rates
from tally.storage.database import Database


class State(Enum):
    """A budget's state, as pages name it."""

    ON_TRACK = "On track"
    LIKELY = "Likely to exceed"  # a chance of 50% or more
    EXCEEDED = "Exceeded"
    NO_FORECAST = "No forecast yet"
    PAUSED = "Paused"


@dataclass(frozen=True, slots=True)
class Outlook:
    """The end of a period as it is likely now; no amount is below what is spent."""

    likely: Decimal
    distribution: Distribution
    days: Mapping[date, Decimal]  # what is still to come, from today on
    made_at: datetime

    def at(self, level: float) -> Decimal:
        """The amount below which the period ends with this probability."""
        return self.distribution.amounts[LEVELS.index(level)]


class Earlier(NamedTuple):
    """The end of the period as the run before saw it, and what was spent then."""

    distribution: Distribution
    spent: Decimal


@dataclass(frozen=True, slots=True)
class BudgetStatus:
    """A budget in its current period."""

    budget: Budget
    today: date
    period: Period
    previous: Period
    limit: Decimal
    days: Mapping[date, Decimal]  # of the period so far and the one before; days without any are missing
    spent: Decimal  # in the period, today included
    outlook: Outlook | None
    earlier: Earlier | None = None
    note: str | None = None  # a sentence on the currency, if its rates ended

    @property
    def unit(self) -> str:
        """The currency's code, or `tokens`."""
        return "tokens" if self.budget.measure == "tokens" else self.budget.currency

    @property
    def spent_today(self) -> Decimal:
        """Spent today."""
        return self.days.get(self.today, ZERO)

    @property
    def spent_before(self) -> Decimal:
        """Spent by the same day of the period before."""
        return self._sum(
            self.previous.first,
            min(self.previous.first + (self.today - self.period.first), self.previous.last),
        )

    @property
    def day_number(self) -> int:
        """Days of the period so far, today included."""
        return (self.today - self.period.first).days + 1

    @property
    def days_to_come(self) -> int:
        """Days of the period after today."""
        return (self.period.last - self.today).days

    @property
    def likely(self) -> Decimal | None:
        """The likely end."""
        return self.outlook.likely if self.outlook else None

    @property
    def range_80(self) -> tuple[Decimal, Decimal] | None:
        """The range in which the period ends with 80%."""
        return (self.outlook.at(0.1), self.outlook.at(0.9)) if self.outlook else None

    @property
    def range_95(self) -> tuple[Decimal, Decimal] | None:
        """The range in which the period ends with 95%."""
        return (self.outlook.at(0.025), self.outlook.at(0.975)) if self.outlook else None

    @property
    def chance(self) -> float | None:
        """The chance of exceeding the limit; None where nothing is known of the days to come."""
        return self.chance_of(self.limit)

    def chance_of(self, amount: Decimal) -> float | None:
        """The chance that the period ends above an amount."""
        if self.spent >= amount:
            return 1.0
        return calculate_probability(self.outlook.distribution, amount, self.spent) if self.outlook else None

    def earlier_chance_of(self, amount: Decimal) -> float | None:
        """The same as the run before saw it; None without one."""
        return self.earlier and calculate_probability(self.earlier.distribution, amount, self.earlier.spent)

    @property
    def day(self) -> date | None:
        """The day on which the limit was reached, or else on which it is most likely to be."""
        if self.spent >= self.limit:
            return self._find_day_reached()
        if self.outlook is None:
            return None
        to_come = {day: float(amount) for day, amount in self.outlook.days.items()}
        return find_likeliest_day(self.outlook.distribution, self.limit, self.spent, to_come)

    @property
    def left(self) -> Decimal:
        """The limit minus what is spent: negative once it is exceeded."""
        return self.limit - self.spent

    @property
    def left_a_day(self) -> Decimal | None:
        """The average that may be spent on each day to come; None on the last one, or with nothing left."""
        return self.left / self.days_to_come if self.days_to_come and self.left > 0 else None

    @property
    def at_this_pace(self) -> Decimal:
        """The end if every day to come were as the average so far: no forecast, and no reason to alert."""
        return self.spent / self.day_number * self.period.days

    @property
    def state(self) -> State:
        """The state in a word or two."""
        if self.budget.paused_at is not None:
            return State.PAUSED
        if self.spent >= self.limit:
            return State.EXCEEDED
        chance = self.chance
        if chance is None:
            return State.NO_FORECAST
        return State.LIKELY if chance >= LIKELY else State.ON_TRACK

    def _sum(self, first: date, last: date) -> Decimal:
        return sum((amount for day, amount in self.days.items() if first <= day <= last), ZERO)

    def _find_day_reached(self) -> date | None:
        reached = ZERO
        for day in sorted(day for day in self.days if day in self.period):
            reached += self.days[day]
            if reached >= self.limit:
                return day
        return None


class _Money:
    """Amounts of one budget in its currency; tokens and US dollars stay as they are."""

    def __init__(self, budget: Budget, today: date, rates: Rates) -> None:
        self.code = USD if budget.measure == "tokens" else budget.currency
        self.rates = rates
        self.newest = today
        self.note: str | None = None
        if self.code != USD:
            try:
                rates.find(self.code, today)
            except CurrencyUnknown as problem:
                self.note = str(problem)
                self.newest = rates.last_day(self.code, today)

    def convert(self, amount: Decimal, day: date) -> Decimal:
        """An amount at the rate of a day; an ended currency keeps its last rate."""
        if self.code == USD:
            return amount
        try:
            rate = self.rates.find(self.code, min(day, self.newest))
        except CurrencyUnknown:
            rate = self.rates.find(self.code, self.newest)
        return amount * rate.units_per_usd


def calculate_status(facts: BudgetFacts, rates: Rates | None = None) -> BudgetStatus:
    """The status of a budget; `rates` are needed for other currencies than US dollars."""
    money = _Money(facts.budget, facts.today, rates or bundled_rates())
    days = facts.days
    spent = spent_converted = _sum_up(days, facts)
    if money.code != USD:
        days = {day: money.convert(amount, day) for day, amount in days.items()}
        spent_converted = _sum_up(days, facts)

    def convert(amount: Decimal) -> Decimal:
        return spent_converted.total + money.convert(amount - spent.total, facts.today)

    outlook = _update(facts.forecast, spent, facts.today) if facts.forecast else None
    if outlook and money.code != USD:
        outlook = Outlook(
            convert(outlook.likely),
            Distribution(LEVELS, [convert(amount) for amount in outlook.distribution.amounts]),
            {day: money.convert(amount, facts.today) for day, amount in outlook.days.items()},
            outlook.made_at,
        )
    return BudgetStatus(
        facts.budget,
        facts.today,
        facts.period,
        facts.previous,
        limit=facts.budget.amount,
        days=days,
        spent=spent_converted.total,
        outlook=outlook,
        earlier=_read_earlier(facts, days, money),
        note=money.note,
    )


def _update(stored: StoredForecast, spent: SpentSoFar, today: date) -> Outlook:
    """A stored forecast as it is now: its amounts move together."""
    rest = StoredTotal(stored.predicted, ZERO, stored.days)
    change = calculate_live_total(rest, spent, today) - rest.predicted
    to_come = {day: amount for day, amount in stored.days.items() if day > today}
    to_come[today] = max(stored.days.get(today, ZERO) - max(spent.today, ZERO), ZERO)
    amounts = [max(amount + change, spent.total) for amount in stored.quantiles]
    likely = max(rest.predicted + change, spent.total)
    return Outlook(likely, Distribution(LEVELS, amounts), to_come, stored.made_at)


def _sum_up(days: Mapping[date, Decimal], facts: BudgetFacts) -> SpentSoFar:
    before = (amount for day, amount in days.items() if facts.period.first <= day < facts.today)
    return SpentSoFar(sum(before, ZERO), days.get(facts.today, ZERO))


def _read_earlier(facts: BudgetFacts, days: Mapping[date, Decimal], money: _Money) -> Earlier | None:
    stored = facts.earlier_forecast
    if stored is None:
        return None
    before = (amount for day, amount in days.items() if facts.period.first <= day < stored.made_on)
    spent = sum(before, ZERO)
    amounts = [spent + max(money.convert(amount, facts.today), ZERO) for amount in stored.quantiles]
    return Earlier(Distribution(LEVELS, amounts), spent)


def load_statuses(database: Database) -> list[BudgetStatus]:
    """The budgets of the workspace that the account may see, by name."""
    facts = [read_facts(row) for row in database.call("budget_status")]
    rates = stored_rates.load_rates(database) if needs_rates(facts) else None
    return [calculate_status(each, rates) for each in facts]


def needs_rates(facts: Iterable[BudgetFacts]) -> bool:
    """True if a budget is in another currency than US dollars."""
    return any(each.budget.measure == "cost" and each.budget.currency != USD for each in facts)


def find_month_budget(statuses: Iterable[BudgetStatus]) -> BudgetStatus | None:
    """The oldest active budget of everything that a calendar month costs; None if there is none."""
    found = [
        status
        for status in statuses
        if status.budget.scope.is_everything
        and (status.budget.period_kind, status.budget.starts_on_day) == ("month", 1)
        and status.budget.measure == "cost"
        and status.budget.counts_subscriptions
        and status.budget.counts_tax
        and status.budget.paused_at is None
    ]
    return min(found, key=lambda status: (status.budget.created_at, status.budget.id), default=None)
