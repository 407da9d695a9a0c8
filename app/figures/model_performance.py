"""Performance of models as tables and courses: what each measure is called, shown as, and compared by."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from zoneinfo import ZoneInfo

from app.formats.counts import format_rate
from app.formats.durations import format_duration
from app.formats.money import NO_PRICE, format_unit_price
from app.formats.text import DASH
from tally.core.text import visible
from tally.traces.performance import LEAST_TIMED, Figures, Granularity, PerformanceQuestion

TOO_FEW = "too few"
UNSEEN = "(no visible name)"
PERIODS: Mapping[str, tuple[Granularity, int]] = {  # hours or days, the current one included
    "24H": ("hour", 24),
    "7D": ("hour", 7 * 24),
    "30D": ("day", 30),
    "90D": ("day", 90),
}
LABELS = {"24H": "24 hours", "7D": "7 days", "30D": "30 days", "90D": "90 days"}
MINUTE = timedelta(minutes=1)

Convert = Callable[[Decimal], Decimal]


def ask_for(period: str, now: datetime, zone: ZoneInfo, project: str | None = None) -> PerformanceQuestion:
    """The question of a period, in whole hours or days of a zone up to the current minute.

    So reruns within a minute ask for the same.
    """
    granularity, count = PERIODS[period]
    last = now.replace(second=0, microsecond=0) + MINUTE
    if granularity == "hour":
        first = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=count - 1)
    else:
        today = now.astimezone(zone).date()
        first = datetime.combine(today - timedelta(days=count - 1), datetime.min.time(), zone)
    return PerformanceQuestion(first, last, granularity, project)


def list_moments(question: PerformanceQuestion, zone: ZoneInfo) -> list[datetime]:
    """The beginning of each hour or day of a question, as wall time of the zone without a zone."""
    if question.granularity == "hour":
        count = -(-(question.last_at - question.first_at) // timedelta(hours=1))
        moments = (question.first_at + timedelta(hours=hour) for hour in range(count))
        return list(dict.fromkeys(wall_time(moment, zone) for moment in moments))
    first, last = wall_time(question.first_at, zone), wall_time(question.last_at - MINUTE, zone)
    return [first + timedelta(days=day) for day in range((last - first).days + 1)]


def wall_time(moment: datetime, zone: ZoneInfo) -> datetime:
    """The time on the clocks of a zone, as charts show it."""
    return moment.astimezone(zone).replace(tzinfo=None)


def name_models(models: Sequence[Figures]) -> dict[str, Figures]:
    """Models by their names; where several providers have one, the name tells whose it is.

    Names that differ only in what nobody sees are told apart by a number.
    """
    shown = [visible(each.model_name) or UNSEEN for each in models]
    counts = Counter(shown)
    names: dict[str, Figures] = {}
    for name, each in zip(shown, models, strict=True):
        title = name if counts[name] == 1 else f"{name} ({each.provider_title})"
        number = next(n for n in count(1) if (title if n == 1 else f"{title} {n}") not in names)
        names[title if number == 1 else f"{title} {number}"] = each
    return names


def describe_rate(figures: Figures) -> str:
    """An error rate."""
    return format_rate(figures.failed, figures.requests, places=2)


def describe_latency(figures: Figures, percent: int) -> str:
    """A percentile of the latency, or that there are too few requests for it."""
    milliseconds = figures.latency_ms(percent)
    if milliseconds is None:
        return TOO_FEW if figures.timed else DASH
    return format_duration(milliseconds * 1000)


def explain_too_few(models: Sequence[Figures]) -> str:
    """A sentence about percentiles that are missing; empty if none is."""
    missing = [
        percent
        for percent in (95, 99)
        if any(each.timed and each.latency_ms(percent) is None for each in models)
    ]
    if not missing:
        return ""
    needs = " and ".join(f"a p{percent} needs {LEAST_TIMED[percent]}" for percent in missing)
    return f"Too few requests: {needs} successful requests that tell how long they took."


def describe_first_token(figures: Figures) -> str:
    """The median time to the first token."""
    return DASH if figures.first_token_ms is None else format_duration(figures.first_token_ms * 1000)


def describe_speed(figures: Figures) -> str:
    """Tokens a second."""
    speed = figures.tokens_per_second
    return DASH if speed is None else f"{speed:,.0f}" if speed >= 10 else f"{speed:.1f}"


def describe_cost(figures: Figures, convert: Convert, currency: str) -> str:
    """The cost of 1,000 requests."""
    cost = figures.usd_per_1000
    if cost is None:
        return NO_PRICE if figures.unpriced else DASH
    return format_unit_price(convert(cost), currency)


@dataclass(frozen=True, slots=True)
class Measure:
    """A row of a comparison: its value, its text, and the words for a greater and a smaller value."""

    label: str
    value: Callable[[Figures], float | None]
    show: Callable[[Figures], str]
    greater: str
    smaller: str


def list_measures(show_cost: Callable[[Figures], str]) -> list[Measure]:
    """The rows of a comparison."""

    def latency(percent: int, label: str) -> Measure:
        return Measure(
            label,
            lambda figures: figures.latency_ms(percent),
            lambda figures: describe_latency(figures, percent),
            "slower",
            "faster",
        )

    return [
        Measure("Requests", lambda one: one.requests, lambda one: f"{one.requests:,}", "more", "fewer"),
        Measure(
            "Error rate",
            lambda one: one.error_rate,
            describe_rate,
            "higher",
            "lower",
        ),
        Measure(
            "Retries",
            lambda one: one.retries / one.requests,
            lambda one: f"{one.retries:,}",
            "more",
            "fewer",
        ),
        latency(50, "Median latency"),
        latency(95, "p95 latency"),
        latency(99, "p99 latency"),
        Measure("First token", lambda one: one.first_token_ms, describe_first_token, "slower", "faster"),
        Measure("Tokens per second", lambda one: one.tokens_per_second, describe_speed, "faster", "slower"),
        Measure(
            "Cost per 1,000 requests",
            lambda one: None if one.usd_per_1000 is None else float(one.usd_per_1000),
            show_cost,
            "more",
            "less",
        ),
        Measure(
            "Tokens per request",
            lambda one: one.tokens / one.requests,
            lambda one: f"{one.tokens / one.requests:,.0f}",
            "more",
            "fewer",
        ),
    ]


def describe_difference(measure: Measure, first: Figures, second: Figures) -> str:
    """The second model compared with the first: `43% slower`, `2.8 times higher`; else a dash."""
    before, after = measure.value(first), measure.value(second)
    if before is None or after is None or (not before and after):
        return DASH
    ratio = after / before if before else 1.0
    if abs(ratio - 1) < 0.005:
        return "the same"
    if ratio >= 2:
        return f"{ratio:,.1f} times {measure.greater}"
    return f"{ratio - 1:.0%} {measure.greater}" if ratio > 1 else f"{1 - ratio:.0%} {measure.smaller}"


def follow(
    points: Sequence[Figures],
    moments: Sequence[datetime],
    zone: ZoneInfo,
    value: Callable[[Figures], float | None],
    otherwise: float | None = None,
) -> list[float | None]:
    """A measure at each moment, of the points of one model; `otherwise` where there were no requests."""
    found = {wall_time(point.at, zone): value(point) for point in points if point.at is not None}
    return [found.get(moment, otherwise) for moment in moments]
