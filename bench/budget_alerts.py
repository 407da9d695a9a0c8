"""Forecast alerts on public series: false alarms, and months that were warned before they were exceeded.

Each series is cut into months of 30 days. Of each month, budgets are shares of what the 60 days before would
make of a month. Every morning of it, a forecast on the days so far gives the chance of exceeding. Rules
differ in when that is an alert. Printed is a table; the bars are those of tally/budgets/thresholds.py. The
chance of an alert is a choice among a few round ones: each is shown on either half of the series as well, so
that one that is chosen on a half can be seen on the other.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from decimal import Decimal
from functools import partial
from typing import NamedTuple

import numpy as np

from bench.measurement import Measurement, Options
from bench.public_series import PublicSeries, load_public_series
from forecasting.model import prophet_model
from forecasting.model.intervals import HORIZON_DAYS
from forecasting.model.long_totals import calculate_long_total
from forecasting.workers.pool import count_cores
from tally.budgets.thresholds import ALERT_CHANCE, CLEAR_CHANCE
from tally.core.exceeding import Distribution, calculate_probability
from tally.core.quantile_levels import LEVELS

MONTH, BASE_DAYS, HISTORY_DAYS = 30, 60, 90
MONTHS_A_SERIES = 5  # the newest
SHARES = (0.8, 1.0, 1.2, 1.5)  # of a usual month
CHANCES = (0.65, 0.7, 0.75, 0.78, 0.8)
MOST_FALSE, LEAST_WARNED = 0.22, 0.88


class Night(NamedTuple):
    """One morning of a month: the chance of exceeding, and the end at the pace so far."""

    chance: float
    pace: float  # of the budget


class Month(NamedTuple):
    """A month with a budget: its mornings up to the day on which it was exceeded, and if it was."""

    nights: tuple[Night, ...]
    is_over: bool


Rule = Callable[[Sequence[Night]], Iterator[bool]]  # for each morning: is the alert on?


def _linear(nights: Sequence[Night], first_day: int = 1) -> Iterator[bool]:
    return (nth + 1 >= first_day and night.pace > 1 for nth, night in enumerate(nights))


def _linear_from_day_5(nights: Sequence[Night]) -> Iterator[bool]:
    return _linear(nights, 5)


def _at_50(nights: Sequence[Night]) -> Iterator[bool]:
    return (night.chance >= 0.5 for night in nights)


def _at_80(nights: Sequence[Night]) -> Iterator[bool]:
    return (night.chance >= 0.8 for night in nights)


def _two_nights(nights: Sequence[Night]) -> Iterator[bool]:
    is_on, earlier = False, 0.0
    for night in nights:
        is_on = night.chance >= CLEAR_CHANCE if is_on else min(earlier, night.chance) >= ALERT_CHANCE
        earlier = night.chance
        yield is_on


def _two_runs(nights: Sequence[Night], chance: float) -> Iterator[bool]:
    """The run after the last change of a day knows as much as that of the night: only the first is alone."""
    return (nth > 0 and night.chance >= chance for nth, night in enumerate(nights))


def _once(rule: Rule) -> Rule:
    """A rule whose alert stays on for the rest of the period."""

    def follow(nights: Sequence[Night]) -> Iterator[bool]:
        was_on = False
        for is_on in rule(nights):
            was_on |= is_on
            yield was_on

    return follow


def _name(chance: float) -> str:
    return f"{chance:.0%} in two runs, once a period"


OWN_RULE = _name(ALERT_CHANCE)
BY_CHANCE = {_name(chance): _once(partial(_two_runs, chance=chance)) for chance in CHANCES}
RULES: dict[str, Rule] = {
    "linear run rate": _linear,
    "the same, from day 5": _linear_from_day_5,
    "chance of 50%": _at_50,
    "chance of 80%": _at_80,
    f"{ALERT_CHANCE:.0%} on two nights, clears at {CLEAR_CHANCE:.0%}": _two_nights,
    "the same, once a period": _once(_two_nights),
    **BY_CHANCE,
}


class Outcome(NamedTuple):
    """A rule over all months."""

    false: float
    warned: float
    alerts: float
    most: int


def measure(options: Options) -> list[Measurement]:
    """Measure on two cores in some minutes; prints the table."""
    series = load_public_series()
    chosen = series[: options.scaled(len(series))]
    with ProcessPoolExecutor(count_cores()) as pool:
        found = list(pool.map(simulate, chosen))
    months = [month for each in found for month in each]
    outcomes = {name: judge(months, rule) for name, rule in RULES.items()}
    over = sum(month.is_over for month in months)
    print(f"{len(months)} months of {len(chosen)} series, {over} over budget")
    print(f"{'rule':34} {'under, alerted':>16} {'over, warned':>14} {'alerts a month (most)':>23}")
    for name, outcome in outcomes.items():
        alerts = f"{outcome.alerts:.2f} ({outcome.most})"
        print(f"{name:34} {outcome.false:16.0%} {outcome.warned:14.0%} {alerts:>23}")
    for half in (0, 1):
        _print_half(half, [month for each in found[half::2] for month in each])
    own = outcomes[OWN_RULE]
    false = Measurement(
        "months under budget that alerted",
        100 * own.false,
        "%",
        100 * MOST_FALSE,
        own.false / MOST_FALSE,
        1.0,
    )
    warned = Measurement(
        "months over budget that were warned before",
        100 * own.warned,
        "%",
        100 * LEAST_WARNED,
        own.warned / LEAST_WARNED,
        1.0,
        at_least=True,
    )
    return [false, warned]


def _print_half(half: int, months: Sequence[Month]) -> None:
    """The chances on every other series, by name, so that each family of series is in both halves."""
    print(f"half {half + 1}: {len(months)} months, {sum(month.is_over for month in months)} over budget")
    for name, rule in BY_CHANCE.items():
        outcome = judge(months, rule)
        print(f"{name:34} {outcome.false:16.1%} {outcome.warned:14.1%}")


def simulate(series: PublicSeries) -> list[Month]:
    """The newest months of a series, with each budget."""
    starts = list(range(len(series.y) - MONTH, HISTORY_DAYS - 1, -MONTH))[:MONTHS_A_SERIES]
    return [month for start in starts for month in _simulate_month(series, start)]


def _simulate_month(series: PublicSeries, start: int) -> list[Month]:
    usual = float(series.y[start - BASE_DAYS : start].mean()) * MONTH
    if usual <= 0 or series.before(start).days_missing:
        return []
    ends = [_predict_end(series, start, day) for day in range(MONTH)]
    total = float(series.y[start : start + MONTH].sum())
    return [_judge_budget(series, start, ends, share * usual, total) for share in SHARES]


def _predict_end(series: PublicSeries, start: int, day: int) -> tuple[float, Distribution]:
    """Spend in the month before a day, and the distribution of its end."""
    history = series.before(start + day)
    spent = float(series.y[start : start + day].sum())
    predicted = prophet_model.calculate_daily(prophet_model.fit_trend(history), history.y, HORIZON_DAYS)
    rest = calculate_long_total(history.y, predicted, MONTH - day)
    return spent, Distribution(LEVELS, [Decimal(spent + amount) for amount in rest.quantiles])


def _judge_budget(
    series: PublicSeries, start: int, ends: Sequence[tuple[float, Distribution]], budget: float, total: float
) -> Month:
    reached = np.cumsum(series.y[start : start + MONTH])
    mornings = int(np.searchsorted(reached, budget)) + 1 if total >= budget else MONTH
    nights = tuple(
        Night(
            calculate_probability(distribution, Decimal(budget), Decimal(spent)),
            spent / day * MONTH / budget if day else 0.0,
        )
        for day, (spent, distribution) in enumerate(ends[:mornings])
    )
    return Month(nights, total >= budget)


def judge(months: Sequence[Month], rule: Rule) -> Outcome:
    """False alarms among months under their budget, warnings among the others, and alerts of a month."""
    counts = [(_count_alerts(list(rule(month.nights))), month.is_over) for month in months]
    under = [alerts for alerts, is_over in counts if not is_over]
    over = [alerts for alerts, is_over in counts if is_over]
    return Outcome(
        sum(alerts > 0 for alerts in under) / max(len(under), 1),
        sum(alerts > 0 for alerts in over) / max(len(over), 1),
        sum(alerts for alerts, _ in counts) / max(len(counts), 1),
        max((alerts for alerts, _ in counts), default=0),
    )


def _count_alerts(states: Sequence[bool]) -> int:
    """Times that an alert came on."""
    return sum(is_on and not was_on for was_on, is_on in zip([False, *states], states, strict=False))
