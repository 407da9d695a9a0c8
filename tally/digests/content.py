"""The content of a mail, in words and shares: what its HTML and its text say alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from zoneinfo import ZoneInfo

from tally.advice.kept import KeptAdvice
from tally.advice.titles import name_advice
from tally.core.live_total import calculate_live_total
from tally.core.text import plural
from tally.digests.drivers import Change, explain_change, find_largest_change, sum_by_model
from tally.digests.facts import ZERO, Anomaly, Facts, Source
from tally.digests.words import money, percent_change, short_day, signed
from tally.notifications.facts import Facts as Stored
from tally.notifications.texts import describe_event
from tally.notifications.wording import clean
from tally.spend.renewals import renewal_days

TOP = 5
SHOWN_EVENTS = 3
NAME_LENGTH = 60
RENEWAL_DAYS = 14
SILENT_AFTER = timedelta(days=3)
FORGOTTEN_AFTER = timedelta(days=60)  # a source that has been silent for so long is gone
FULL = 100


@dataclass(frozen=True, slots=True)
class Bar:
    """A labelled amount, and its share of the largest one in percent, beside that of the period before."""

    label: str
    amount: str
    percent: int
    before_percent: int = 0


@dataclass(frozen=True, slots=True)
class Month:
    """The month so far: shares of the bar in percent, and the mark of its limit."""

    title: str
    sentence: str
    spent: str
    spent_percent: int = 0  # without a forecast there is no bar
    likely_percent: int = 0
    high_percent: int = 0
    limit: str = ""
    limit_percent: int = 0  # from the start of the bar

    @property
    def rest_percent(self) -> int:
        """The empty end of the bar."""
        return FULL - self.spent_percent - self.likely_percent - self.high_percent


@dataclass(frozen=True, slots=True)
class Limit:
    """The limit of the whole workspace's month, with a sentence on it."""

    sentence: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """A budget in a line; `tone` is good, warning or bad."""

    name: str
    text: str
    state: str
    tone: str


@dataclass(frozen=True, slots=True)
class Block:
    """A titled list of sentences with a link."""

    title: str
    lines: tuple[str, ...]
    path: str
    link: str


@dataclass(frozen=True, slots=True)
class Digest:
    """A mail before it has a form."""

    name: str  # of the workspace; empty for one's own
    noun: str
    period: str
    total: str
    change: str
    change_note: str
    days: list[Bar]
    has_before: bool
    reasons: list[str]
    month: Month | None
    models: list[Bar]
    projects: list[Bar]
    events: list[str]
    budgets: list[BudgetLine] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)

    @property
    def heading(self) -> str:
        """The line above the total."""
        return f"Your {self.noun}" if not self.name else f"{self.name}, {self.noun}"

    @property
    def subject(self) -> str:
        """The subject of the mail."""
        return f"{self.name or 'Your ' + self.noun}, {self.period}: {self.total}"


def write_digest(
    facts: Facts, now: datetime, budgets: Sequence[BudgetLine] = (), limit: Limit | None = None
) -> Digest | None:
    """The content; None where there is nothing to tell."""
    period, code = facts.period, facts.money.code
    after = facts.costs_between(period.first, period.last)
    before = facts.costs_between(period.before, period.first - timedelta(days=1))
    renewals, silent = _list_renewals(facts), _list_silent(facts, now)
    if not _has_news(after, before) and not (renewals or facts.anomalies or _is_newly_silent(facts, now)):
        return None
    change = explain_change(before, after)
    old = sum((cost.amount for cost in before), ZERO)
    new = sum((cost.amount for cost in after), ZERO)
    is_known = facts.known_before.is_complete
    return Digest(
        name="" if facts.is_personal else clean(facts.workspace, NAME_LENGTH),
        noun=period.noun,
        period=period.title,
        total=money(new, code),
        change=signed(change.total, code) if is_known else "",
        change_note=_describe_change(facts, change.total, old),
        days=_draw_days(facts),
        has_before=bool(before) and is_known,
        reasons=_explain(facts, change, before_total=old) if is_known else [],
        month=_describe_month(facts, limit),
        models=_rank(sum_by_model(after), code),
        projects=_rank(facts.projects, code) if len(facts.projects) > 1 else [],
        events=_describe_events(facts),
        budgets=list(budgets),
        blocks=[
            b
            for b in (_list_new_models(facts), _list_advice(facts), renewals, silent, _list_findings(facts))
            if b
        ],
    )


def _describe_change(facts: Facts, change: Decimal, before: Decimal) -> str:
    """The period that the change is from, with the days on which it is known where these are a part."""
    noun, known = facts.period.noun, facts.known_before
    if known.is_complete:
        note = percent_change(change, before)
        return f"{f'({note}) ' if note else ''}on the {noun} before"
    if known.since is None:
        return f"the first {noun} with records"
    return (
        f"after {money(before, facts.money.code)} in the {noun} before, since {short_day(known.since)} only"
    )


def _has_news(*periods: Sequence[object]) -> bool:
    return any(periods)


def _draw_days(facts: Facts) -> list[Bar]:
    """A bar for each day, with the same day of the period before."""
    period = facts.period
    sums: dict[date, Decimal] = {}
    for cost in facts.costs:
        sums[cost.day] = sums.get(cost.day, ZERO) + cost.amount
    shift = (period.first - period.before).days
    earlier = {day: sums.get(day - timedelta(days=shift), ZERO) for day in period.days}
    if period.kind == "monthly":
        earlier = dict.fromkeys(earlier, ZERO)  # its weekdays do not align
    largest = max([*(sums.get(day, ZERO) for day in period.days), *earlier.values()])
    label = "%a %-d" if period.kind == "weekly" else "%-d"
    return [
        Bar(
            f"{day:{label}}",
            money(sums.get(day, ZERO), facts.money.code),
            _share(sums.get(day, ZERO), largest),
            _share(earlier[day], largest),
        )
        for day in period.days
    ]


def _explain(facts: Facts, change: Change, before_total: Decimal) -> list[str]:
    """Two sentences: the parts of the change, and the model that changed most."""
    code, noun = facts.money.code, facts.period.noun
    if not before_total:
        return [f"Nothing was spent in the {noun} before."]
    if not change.total:
        return []
    told = [f"{reason} ({signed(amount, code)})" for reason, amount in change.reasons]
    verb = "rose" if change.total > 0 else "fell"
    sentences = [f"Spend {verb} by {money(abs(change.total), code)}: {_join(told)}."]
    period = facts.period
    largest = find_largest_change(
        sum_by_model(facts.costs_between(period.before, period.first - timedelta(days=1))),
        sum_by_model(facts.costs_between(period.first, period.last)),
    )
    if largest:
        model, old, new = largest
        was = (
            f"{money(new, code)} after {money(old, code)}" if old else f"{money(new, code)}, new this {noun}"
        )
        sentences.append(f"The largest change is {clean(model, NAME_LENGTH)}: {was}.")
    return sentences


def _rank(sums: Mapping[str, Decimal], code: str) -> list[Bar]:
    """The dearest, and the sum of all others."""
    ranked = sorted(
        ((amount, name) for name, amount in sums.items() if amount), key=lambda each: (-each[0], each[1])
    )
    shown, rest = ranked[:TOP], ranked[TOP:]
    others = sum((amount for amount, _ in rest), ZERO)
    largest = max([*(amount for amount, _ in shown), others], default=ZERO)
    bars = [
        Bar(clean(name, NAME_LENGTH) or "No model", money(amount, code), _share(amount, largest))
        for amount, name in shown
    ]
    if rest:
        bars.append(Bar(plural(len(rest), "other"), money(others, code), _share(others, largest)))
    return bars


def _describe_month(facts: Facts, limit: Limit | None) -> Month | None:
    """Today's month: spent, and the likely end with its range as it is now."""
    code, today, spent_usd = facts.money.code, facts.today, facts.month_usd
    first = today.replace(day=1)
    spent = sum((cost.amount for cost in facts.costs_between(first, today)), ZERO)
    told_limit = limit.sentence if limit else ""
    if facts.month is None:
        if facts.period.kind == "monthly" or not spent:
            return None
        told = f"{money(spent, code)} so far. There is no forecast yet."
        told = " ".join(filter(None, [told, told_limit]))
        return Month(f"{today:%B} so far", told, money(spent, code))
    stored = facts.month.stored
    likely_usd = max(calculate_live_total(stored, spent_usd, today), spent_usd.total)
    moved = likely_usd - stored.predicted

    def convert(amount_usd: Decimal) -> Decimal:
        return spent + facts.money.convert(max(amount_usd, spent_usd.total) - spent_usd.total, today)

    likely = convert(likely_usd)
    low, high = convert(facts.month.low + moved), convert(facts.month.high + moved)
    whole = max(high, limit.amount) if limit else high
    ends = [_share(amount, whole) for amount in (spent, likely, high)]
    return Month(
        f"{today:%B} so far",
        f"{money(spent, code)} so far, likely {money(likely, code)} by the end of the month"
        f" ({money(low, code)} to {money(high, code)} with 80% probability). {told_limit}".rstrip(),
        money(spent, code),
        spent_percent=ends[0],
        likely_percent=ends[1] - ends[0],
        high_percent=ends[2] - ends[1],
        limit=f"limit {money(limit.amount, code)}" if limit else "",
        limit_percent=_share(limit.amount, whole) if limit else 0,
    )


def _describe_events(facts: Facts) -> list[str]:
    """Days out of the ordinary, the dearest first."""
    found = [anomaly for anomaly in facts.anomalies if anomaly.kind == "spend"]
    # A day may be out of the ordinary as a whole, and so may the model that caused it.
    by_day = [next(days) for _, days in groupby(sorted(found, key=_by_day), key=lambda one: one.day)]
    ranked = sorted(by_day, key=lambda one: one.amount - (one.expected or ZERO), reverse=True)
    told = [_describe_anomaly(anomaly, facts.money.code) for anomaly in ranked[:SHOWN_EVENTS]]
    if len(ranked) > SHOWN_EVENTS:
        told.append(f"{plural(len(ranked) - SHOWN_EVENTS, 'other day')} out of the ordinary.")
    return told


def _by_day(anomaly: Anomaly) -> tuple[date, bool, Decimal]:
    """By day; what names a model or a provider first, then the largest."""
    return anomaly.day, not anomaly.series, -anomaly.amount


def _describe_anomaly(anomaly: Anomaly, code: str) -> str:
    series = clean(anomaly.series, NAME_LENGTH)
    who = f"{series} cost" if series else "all spend was"
    cost = f"{short_day(anomaly.day)}: {who} {money(anomaly.amount, code)}"
    expected = anomaly.expected
    if expected is None or expected <= 0:
        return f"{cost}."
    times = anomaly.amount / expected
    if times >= 2:
        return f"{cost}, {times:.0f} times a usual {anomaly.day:%A}."
    return f"{cost}, after {money(expected, code)} on a usual {anomaly.day:%A}."


def _list_new_models(facts: Facts) -> Block | None:
    new = [anomaly for anomaly in facts.anomalies if anomaly.kind == "new_model"]
    lines = [
        f"{clean(one.series, NAME_LENGTH)}, since {short_day(one.day)}: {money(one.amount, facts.money.code)}"
        for one in new[:TOP]
    ]
    return Block("New models", tuple(lines), "", "Open Overview") if lines else None


def _list_advice(facts: Facts) -> Block | None:
    """New advice, each with its own saving: they overlap, so that there is no sum. Alone it makes no mail."""
    lines = [_describe_advice(one, facts) for one in facts.advice[:TOP]]
    if len(facts.advice) > TOP:
        lines.append(f"{len(facts.advice) - TOP} more")
    return Block("New advice", tuple(lines), "advice", "Open Advice") if lines else None


def _describe_advice(one: KeptAdvice, facts: Facts) -> str:
    title = clean(name_advice(one, short_day), NAME_LENGTH)
    if not any(one.saving):
        return title
    verb, bounds = (
        ("costs", (-one.saving.high, -one.saving.low))
        if one.saving.mid < 0
        else ("saves", (one.saving.low, one.saving.high))
    )
    low, high = (money(facts.money.convert(usd, facts.today), facts.money.code) for usd in bounds)
    amount = low if low == high else f"{low} to {high}"
    return f"{title}: {verb} {amount}{' more' if verb == 'costs' else ''} a month"


def _list_renewals(facts: Facts) -> Block | None:
    until = facts.today + timedelta(days=RENEWAL_DAYS - 1)
    due = sorted(
        (day, subscription.plan_name, subscription.amount_usd)
        for subscription in facts.subscriptions
        for day in renewal_days(subscription, until)
        if day >= facts.today
    )
    rates = facts.money
    lines = [
        f"{short_day(day)}: {clean(plan, NAME_LENGTH)}, {money(rates.convert(usd, day), rates.code)}"
        for day, plan, usd in due[: 2 * TOP]
    ]
    if len(due) > len(lines):
        lines.append(f"{len(due) - len(lines)} more")
    return (
        Block("Renewals in the next 14 days", tuple(lines), "subscriptions", "Open Subscriptions")
        if lines
        else None
    )


def _list_silent(facts: Facts, now: datetime) -> Block | None:
    silent = [source for source in facts.sources if _is_silent(source, now)]
    lines = [_describe_source(source) for source in silent[:TOP]]
    if len(silent) > TOP:
        lines.append(f"{len(silent) - TOP} more")
    return Block("No new data", tuple(lines), "sources", "Open Sources") if lines else None


def _list_findings(facts: Facts) -> Block | None:
    """The open findings; alone they make no mail, since they may stay so for long."""
    told = [describe_event("idle", Stored(finding, ZoneInfo("UTC")), False) for finding in facts.findings]
    lines = [each.title for each in told[:TOP]]
    if len(told) > TOP:
        lines.append(f"{len(told) - TOP} more")
    return Block("Worth a look", tuple(lines), "", "Open Overview") if lines else None


def _is_silent(source: Source, now: datetime) -> bool:
    since = now - (source.last_at or datetime.min.replace(tzinfo=UTC))
    return SILENT_AFTER <= since < FORGOTTEN_AFTER


def _is_newly_silent(facts: Facts, now: datetime) -> bool:
    """True if a source fell silent within the period: an account that nobody uses gets no mail for ever."""
    days = timedelta(days=(facts.period.last - facts.period.first).days + 1)
    return any(
        _is_silent(source, now) and now - source.last_at < SILENT_AFTER + days
        for source in facts.sources
        if source.last_at
    )


def _describe_source(source: Source) -> str:
    name = clean(source.name, NAME_LENGTH)
    title = f"{clean(source.format, NAME_LENGTH)} on {name}" if source.kind == "machine" else name
    since = f" since {short_day(source.last_at.date())}" if source.last_at else ""
    problem = clean(source.problem, 2 * NAME_LENGTH).rstrip(".")
    return f"{title}: nothing{since}{f'. {problem}' if problem else ''}."


def _share(amount: Decimal, largest: Decimal) -> int:
    """A share in whole percent, at least 1 of what is not nothing."""
    if amount <= 0 or largest <= 0:
        return 0
    return max(1, min(FULL, round(FULL * amount / largest)))


def _join(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""
