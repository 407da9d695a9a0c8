"""Budgets as progress and in words: scope, period, and how many are at risk. Names are from outside."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date

from app.figures.progress import Progress
from app.formats.dates import format_day, format_short_day
from tally.budgets.budget import Budget, Scope
from tally.budgets.status import BudgetStatus, State
from tally.core.known_days import KnownDays

ALL, AT_RISK, PAUSED = "All", "At risk", "Paused"
RISKS = (State.EXCEEDED, State.LIKELY)
ORDER = (State.EXCEEDED, State.LIKELY, State.ON_TRACK, State.NO_FORECAST, State.PAUSED)
EARLIER = {
    "day": "yesterday",
    "week": "last week",
    "month": "last month",
    "quarter": "last quarter",
    "year": "last year",
}
MONTHS_A_QUARTER = 3


def hide_forecast(status: BudgetStatus) -> BudgetStatus:
    """The status as pages show it: nothing acts on the forecast of a paused budget, so it has none."""
    return replace(status, outlook=None) if status.state == State.PAUSED else status


def read_progress(status: BudgetStatus, begins: date | None) -> Progress:
    """The progress of a budget's period; `begins` is the first day of all costs."""
    lower, upper = status.range_80 or (None, None)
    is_paused = status.state == State.PAUSED
    has_before = not is_paused and any(day in status.previous for day in status.days)
    is_known = KnownDays(status.previous.first, status.previous.last, begins).is_complete
    return Progress(
        spent=status.spent,
        days_left=status.days_to_come,
        limit=status.limit,
        before=status.spent_before if has_before and is_known else None,
        likely=status.likely,
        lower=lower,
        upper=upper,
        chance=status.chance,
        is_paused=is_paused,
    )


def sort_worst_first(statuses: Iterable[BudgetStatus]) -> list[BudgetStatus]:
    """Budgets by state, then by chance, then by the used share."""

    def badness(status: BudgetStatus) -> tuple[int, float, float]:
        return ORDER.index(status.state), -(status.chance or 0), -float(status.spent / status.limit)

    return sorted(statuses, key=badness)


def find_paused_limit(statuses: Sequence[BudgetStatus]) -> BudgetStatus | None:
    """The oldest paused budget of everything in a month, or else of anything where all are paused."""
    paused = sorted(filter(FILTERS[PAUSED], statuses), key=lambda status: status.budget.created_at)
    whole = [status for status in paused if _is_whole_month(status.budget)]
    return next(iter(whole or (paused if len(paused) == len(statuses) else [])), None)


def _is_whole_month(budget: Budget) -> bool:
    is_month = (budget.period_kind, budget.starts_on_day, budget.measure) == ("month", 1, "cost")
    return is_month and budget.scope.is_everything and budget.counts_subscriptions and budget.counts_tax


def count_by_filter(statuses: Sequence[BudgetStatus]) -> dict[str, int]:
    """The number of budgets behind each filter."""
    return {name: sum(map(keeps, statuses)) for name, keeps in FILTERS.items()}


def summarize(statuses: Sequence[BudgetStatus]) -> str:
    """A sentence about the budgets at risk."""
    exceeded, likely = (sum(status.state == state for status in statuses) for state in RISKS)
    if not exceeded and not likely:
        return _reassure([status.state for status in statuses])
    parts = [_count(exceeded, "is exceeded", "are exceeded")] if exceeded else []
    parts += [_count(likely, "is likely to be", "are likely to be", bool(parts))] if likely else []
    rest = sum(status.state not in (*RISKS, State.PAUSED) for status in statuses)
    sentence = f"{' and '.join(parts)}."
    return f"{sentence} The rest are within their limits." if rest else sentence


def _reassure(states: Sequence[State]) -> str:
    """The sentence where no budget is at risk; it leaves out those that are paused."""
    active = [state for state in states if state != State.PAUSED]
    if states and not active:
        return "All budgets are paused."
    kind = "active budget" if len(active) < len(states) else "budget"
    unknown = all(state == State.NO_FORECAST for state in active)
    return f"No {kind} is exceeded." if unknown else f"All {kind}s are within their limits."


def _count(number: int, one: str, many: str, follows: bool = False) -> str:
    if follows:
        return f"{'one' if number == 1 else number} {one if number == 1 else many}"
    to_exceed = " exceeded" if "likely" in one else ""
    return f"{'One budget' if number == 1 else f'{number} budgets'} {one if number == 1 else many}{to_exceed}"


def list_scope(scope: Scope, providers: Mapping[str, str]) -> list[tuple[str, str]]:
    """The parts of a scope, as icons and names; `providers` maps slug to name."""
    parts = (
        ("folder", scope.project),
        ("apartment", scope.provider and providers.get(scope.provider, scope.provider)),
        ("neurology", scope.model_name),
        ("person", scope.person),
        ("receipt_long", scope.billing_account),
        ("label", scope.tag),
        ("smart_toy", scope.agent),
        ("dns", scope.environment),
        ("storefront", scope.customer),
    )
    return [(icon, name) for icon, name in parts if name] or [("layers", "Everything")]


def describe_period(status: BudgetStatus) -> str:
    """The period, as it follows an amount: in November, in Q4, today."""
    first, kind = status.period.first, status.budget.period_kind
    if kind == "day":
        return "today"
    if kind == "week":
        return "this week"
    if kind == "month":
        is_calendar = status.budget.starts_on_day == 1
        return f"in {first:%B}" if is_calendar else f"since {format_short_day(first, status.today)}"
    if kind == "quarter":
        return f"in Q{(first.month - 1) // MONTHS_A_QUARTER + 1}"
    return f"in {first.year}"


def describe_days(status: BudgetStatus) -> str:
    """The period with the day in it: October to December, day 59 of 92."""
    first, last, today = status.period.first, status.period.last, status.today
    day = f"day {status.day_number} of {status.period.days}"
    if status.budget.period_kind == "day":
        return format_day(today)
    if status.budget.period_kind == "month" and status.budget.starts_on_day == 1:
        return f"{first:%B}, {day}"
    if status.budget.period_kind == "quarter":
        return f"{first:%B} to {last:%B}, {day}"
    if status.budget.period_kind == "year":
        return f"{first.year}, {day}"
    return f"{format_short_day(first, today)} to {format_short_day(last, today)}, {day}"


def name_earlier(status: BudgetStatus) -> str:
    """The same day of the period before."""
    kind = status.budget.period_kind
    return EARLIER[kind] if kind == "day" else f"{EARLIER[kind]} at this day"


def starts_again(status: BudgetStatus) -> date:
    """The first day of the next period."""
    return date.fromordinal(status.period.last.toordinal() + 1)


FILTERS: dict[str, Callable[[BudgetStatus], bool]] = {
    ALL: lambda _: True,
    AT_RISK: lambda status: status.state in RISKS,
    PAUSED: lambda status: status.state == State.PAUSED,
}
