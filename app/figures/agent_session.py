"""One session of a coding agent: its requests in order, cache misses, and what gaps between requests cost."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from app.figures.agent_classes import Counts, find_class_prices, price_classes
from app.figures.agent_usage import Money, sum_money
from app.figures.currencies import Currency
from tally.pricing.usage import MILLION, STANDARD, Conditions, Tier

ZERO = Decimal(0)
SHORT_LIFE, LONG_LIFE = timedelta(minutes=5), timedelta(hours=1)
LEAST_LOST = 1_024  # tokens: providers cache no shorter contexts
LARGE_CONTEXT = 20_000  # tokens
TIERS: dict[str, Tier] = {"request": "request", "short": "short", "long": "long", "unknown": "unknown"}
MOST_CONDITIONS = 10


class Gap(NamedTuple):
    """A pause beyond the cache's life: the tokens that were not read from the cache after it."""

    nth: int
    began_at: datetime
    ended_at: datetime
    model: str
    lost: int
    extra: Decimal | None  # None without a price

    @property
    def pause(self) -> timedelta:
        """Its length."""
        return self.ended_at - self.began_at


@dataclass(frozen=True, slots=True)
class Request:
    """A request; numbers begin with 1. `so_far` is the value of it and all before."""

    nth: int
    at: datetime
    agent: str
    repository: str
    branch: str
    provider: str
    model: str
    money: Money
    counts: Counts
    conditions: Conditions
    so_far: Decimal = ZERO
    gap: Gap | None = None
    is_cleared: bool = False  # the context became much smaller, and stayed so

    @property
    def value(self) -> Decimal | None:
        """Its value; None without a price."""
        return None if self.money.unpriced else self.money.value


@dataclass(frozen=True, slots=True)
class Session:
    """A session with its first requests; `requests` and `money` are those of all of them."""

    name: str
    rows: Sequence[Request]
    records: int
    requests: int
    first_at: datetime
    last_at: datetime
    money: Money
    has_traces: bool

    @property
    def gaps(self) -> list[Gap]:
        """Pauses that cost something, in order."""
        return [row.gap for row in self.rows if row.gap]

    @property
    def lost(self) -> Decimal:
        """The extra cost of all gaps that have a price."""
        return sum((gap.extra for gap in self.gaps if gap.extra), ZERO)

    @property
    def cached(self) -> tuple[int, int]:
        """Tokens read from caches, and all input tokens."""
        return (
            sum(row.counts.cached for row in self.rows),
            sum(row.counts.input_tokens for row in self.rows),
        )

    def list_names(self, kind: str) -> list[str]:
        """The values of `agent`, `repository`, `branch` or `model`, those of most requests first."""
        counted = Counter(getattr(row, kind) for row in self.rows)
        return [name for name, _ in counted.most_common() if name]

    def count_models(self) -> list[tuple[str, int]]:
        """Requests by model, most first."""
        return Counter(row.model for row in self.rows).most_common()


def read_session(name: str, answer: Mapping[str, Any], currency: Currency, zone: ZoneInfo) -> Session:
    """The answer of `agent_session`."""
    rows = [_read_request(nth, row, currency, zone) for nth, row in enumerate(answer["rows"], 1)]
    first_at = datetime.fromisoformat(answer["first_at"])
    last_at = datetime.fromisoformat(answer["last_at"])
    money = sum_money(row.money for row in rows)
    if answer["records"] > len(rows):
        money = Money(*_convert_days(answer["days"], currency), answer["unpriced"])
    return Session(
        name,
        explain_requests(rows),
        int(answer["records"]),
        int(answer["requests"]),
        first_at,
        last_at,
        money,
        bool(answer["has_traces"]),
    )


def _convert_days(days: Sequence[tuple[str, str, str]], currency: Currency) -> tuple[Decimal, Decimal]:
    """The money that was paid and that plans included, each day at its rate."""
    paid, included = ZERO, ZERO
    for day, paid_usd, included_usd in days:
        paid += currency.convert(Decimal(paid_usd), date.fromisoformat(day))
        included += currency.convert(Decimal(included_usd), date.fromisoformat(day))
    return paid, included


def _read_request(nth: int, row: Mapping[str, Any], currency: Currency, zone: ZoneInfo) -> Request:
    at = datetime.fromisoformat(row["at"])
    usd = row["cost_usd"]
    amount = currency.convert(Decimal(usd), at.astimezone(zone).date()) if usd is not None else ZERO
    included = bool(row["is_included"])
    return Request(
        nth,
        at,
        row["agent"] or "",
        row["repository"] or "",
        row["branch"] or "",
        row["provider"],
        row["model_name"],
        Money(ZERO if included else amount, amount if included else ZERO, int(usd is None)),
        Counts(
            row["input_tokens"],
            row["output_tokens"],
            row["cached_input_tokens"],
            row["cache_write_tokens"],
            row["hour_write_tokens"],
        ),
        _read_conditions(row["priced_by"]),
    )


def _read_conditions(told: object) -> Conditions:
    """The conditions of a price as metadata name them, which anybody may have written."""
    if not isinstance(told, dict):
        return STANDARD
    context = told.get("context")
    named = context.items() if isinstance(context, dict) else ()
    texts = {key: value for key, value in named if isinstance(value, str)}
    return Conditions(
        TIERS.get(str(told.get("tier")), "request"), texts if len(texts) <= MOST_CONDITIONS else {}
    )


def explain_requests(rows: Sequence[Request]) -> list[Request]:
    """The requests with the value so far, gaps and cleared contexts; each model has a cache of its own."""
    explained: list[Request] = []
    before: dict[tuple[str, str], Request] = {}
    lives: dict[tuple[str, str], timedelta] = {}
    so_far = ZERO
    cleared = _find_cleared(rows)
    for row in rows:
        key = row.provider, row.model
        so_far += row.money.value
        previous = before.get(key)
        gap = _find_gap(previous, row, lives.get(key, SHORT_LIFE)) if previous else None
        explained.append(replace(row, so_far=so_far, gap=gap, is_cleared=row.nth in cleared))
        before[key] = row
        if row.counts.written:
            lives[key] = LONG_LIFE if row.counts.hour_written else SHORT_LIFE
    return explained


def _find_gap(previous: Request, row: Request, life: timedelta) -> Gap | None:
    if row.at - previous.at <= life:
        return None
    kept = min(previous.counts.input_tokens, row.counts.input_tokens)
    lost = kept - row.counts.cached
    if lost < LEAST_LOST:
        return None
    return Gap(row.nth, previous.at, row.at, row.model, lost, _price_lost(row, lost))


def _price_lost(row: Request, lost: int) -> Decimal | None:
    """The amount that reading these tokens from the cache would have saved, at the price that was paid."""
    prices = find_class_prices(row.provider, row.model, row.at, row.counts.input_tokens, row.conditions)
    costs = prices and price_classes(prices, row.counts)
    listed = sum(costs.values(), ZERO) if costs else ZERO
    if prices is None or row.value is None or listed <= 0:
        return None
    rates = prices.by_class
    written = min(lost, row.counts.written)
    write = rates["cache_write_1h"] if row.counts.hour_written else rates["cache_write"]
    read, plain = rates["cached"], rates["uncached"]
    if read is None or plain is None or (written and write is None):
        return None
    extra = (written * ((write or ZERO) - read) + (lost - written) * (plain - read)) / MILLION
    return max(extra, ZERO) * row.value / listed


def _find_cleared(rows: Sequence[Request]) -> set[int]:
    """Requests from which on a model's context is less than half of what it was."""
    by_model: dict[tuple[str, str], list[Request]] = {}
    for row in rows:
        if row.counts.input_tokens:
            by_model.setdefault((row.provider, row.model), []).append(row)
    found = set()
    for own in by_model.values():
        for nth in range(1, len(own)):
            was = own[nth - 1].counts.input_tokens
            after = [row.counts.input_tokens for row in own[nth : nth + 4]]
            if was >= LARGE_CONTEXT and max(after) < was / 2:
                found.add(own[nth].nth)
    return found
