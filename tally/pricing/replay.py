"""Past requests at other prices: on another model, tier, cache setting or plan, one by one.

Each is priced at the prices of its own time; what a bill or a tool told changes as the list price does.
Tokens and answers of another model are assumptions with a range. What plans cover, and what has no price, is
counted and left out.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from tally.catalog.entries import load_catalogue
from tally.core.months import MONTH_DAYS
from tally.core.progress import Progress, ignore_progress
from tally.core.records import JSON, CostRecord
from tally.pricing.class_prices import is_standard_price
from tally.pricing.estimate import PRICE_KEYS, is_repriceable, price_record, read_usage
from tally.pricing.listed_models import find_context_window
from tally.pricing.replay_groups import HOUR_WRITES, Group, Sums, find_of, key_of, read_plain, stretch
from tally.pricing.reprice import PAGE, parse_estimate
from tally.pricing.scenarios import CacheSetting, Scenario, Target
from tally.pricing.tokenizers import SAME
from tally.pricing.usage import LEAST_CACHED_TOKENS
from tally.pricing.workspace_prices import WorkspacePrices, load_workspace_prices
from tally.storage.database import Database, Row
from tally.storage.unnamed import UNASSIGNED
from tally.storage.workspaces import load_timezone

MINUTES, HOUR = timedelta(minutes=5), timedelta(hours=1)


@dataclass(slots=True)
class Part:
    """Requests of one model: what they cost, and what they would have cost."""

    provider: str
    model: str
    to_model: str
    requests: int = 0
    before_usd: Decimal = Decimal(0)
    low_usd: Decimal = Decimal(0)
    high_usd: Decimal = Decimal(0)
    unpriced: int = 0  # requests without a price, before or after
    too_long: int = 0  # more input than the other model takes
    without_tier: int = 0  # at the standard price: none is known in the other tier

    def widen(self, other: "Part") -> None:
        """Let the bounds take in those of the same requests under another assumption."""
        self.low_usd, self.high_usd = min(self.low_usd, other.low_usd), max(self.high_usd, other.high_usd)


@dataclass(slots=True)
class Replayed:
    """The outcome: what the requests cost, what they would have cost, and what was left out."""

    first: date
    last: date
    parts: dict[tuple[str, str], Part] = field(default_factory=dict)
    included: int = 0  # requests that a plan covers
    included_usd: Decimal = Decimal(0)
    others: int = 0  # requests that the scenario is not about
    plan_usd: Decimal | None = None  # of all days

    @property
    def before_usd(self) -> Decimal:
        """The cost of the priced requests."""
        return sum((part.before_usd for part in self.parts.values()), Decimal(0))

    @property
    def after_usd(self) -> tuple[Decimal, Decimal]:
        """The least and the most that they would have cost."""
        if self.plan_usd is not None:
            return self.plan_usd, self.plan_usd
        parts = self.parts.values()
        return (
            sum((part.low_usd for part in parts), Decimal(0)),
            sum((part.high_usd for part in parts), Decimal(0)),
        )

    @property
    def requests(self) -> int:
        """The number of priced requests."""
        return sum(part.requests for part in self.parts.values())

    @property
    def unpriced(self) -> int:
        """The number of requests without a price."""
        return sum(part.unpriced for part in self.parts.values())


def replay(
    database: Database,
    scenario: Scenario,
    since: date,
    until: date,
    on_progress: Progress = ignore_progress,
) -> Replayed:
    """Price a workspace's requests of these days as they would have been."""
    zone = ZoneInfo(load_timezone(database))
    begin, end = (
        datetime.combine(day, time(), zone).astimezone(UTC) for day in (since, until + timedelta(days=1))
    )
    records = _load(database, (begin, end), scenario.project_id, on_progress)
    return replay_records(records, scenario, (since, until), load_workspace_prices(database))


def replay_records(
    records: Iterable[CostRecord], scenario: Scenario, days: tuple[date, date], prices: WorkspacePrices
) -> Replayed:
    """Price these requests, in the order of their times, as they would have been."""
    found, least = Replayed(*days), Replayed(*days)
    caches = Caches(scenario.cache) if scenario.cache else None
    adder, least_served = Adder(found, scenario, prices), Adder(least, scenario, prices)
    for record in records:
        count = record.request_count or 1
        if not scenario.concerns(record):
            found.others += count
        elif record.cost_basis == "included":
            found.included += count
            found.included_usd += record.cost_usd or 0
        elif caches is None:
            adder.add(record, record)
        else:
            adder.add(record, caches.change(record))
            least_served.add(record, caches.keep(record))
    adder.finish()
    least_served.finish()
    for key, part in least.parts.items():
        found.parts[key].widen(part)
    if scenario.plan_usd is not None:
        found.plan_usd = scenario.plan_usd * ((days[1] - days[0]).days + 1) / MONTH_DAYS
    return found


def explain_unpriced(found: Replayed) -> str:
    """A sentence where not one request could be priced; empty where any was."""
    moved = [part for part in found.parts.values() if part.unpriced and part.to_model != part.model]
    if found.requests or not moved:
        return ""
    one = moved[0]
    near = get_close_matches(one.to_model, {entry.model for entry in load_catalogue().entries}, 3)
    meant = f" There are {', '.join(near)}." if near and one.to_model not in near else ""
    return (
        f"{one.model} or {one.to_model} has no price, so that nothing can be compared.{meant} Name the"
        f" provider with the model (openai/{one.to_model}), or set a price on the page Prices."
    )


class Bounds(NamedTuple):
    """The least and the most that a request would have cost, and whether the tier has a price."""

    low: Decimal
    high: Decimal
    is_exact: bool


class Caches:
    """Requests as another cache would have served them, told in the order of their times.

    At best, what a conversation's request shares with the one before is the same text.
    """

    def __init__(self, setting: CacheSetting) -> None:
        self._setting = setting
        self._before: dict[tuple[str, str, str], tuple[datetime, int]] = {}

    def change(self, record: CostRecord) -> CostRecord:
        """The request with other reads and writes; those without a conversation are written for nothing."""
        if self._setting == "off":
            return _with_cache(record, 0, 0, 0)
        session = record.metadata.get("session") or record.metadata.get("session_id")
        if not isinstance(session, str) or record.request_count > 1:
            return record
        key = session, record.provider, record.model_name
        before = self._before.get(key)
        self._before[key] = record.timestamp, record.input_tokens
        lifetime = HOUR if self._setting == "1h" else MINUTES
        is_warm = before is not None and record.timestamp - before[0] <= lifetime
        shared = min(before[1], record.input_tokens) if before is not None and is_warm else 0
        cached = shared if shared >= LEAST_CACHED_TOKENS else 0
        is_long = record.input_tokens >= LEAST_CACHED_TOKENS
        written = record.input_tokens - cached if is_long else 0
        return _with_cache(record, cached, written, written if self._setting == "1h" else 0)

    def keep(self, record: CostRecord) -> CostRecord:
        """The request with the reads and writes that it had, the writes for as long as the setting says."""
        if self._setting == "off":
            return self.change(record)
        written = record.cache_write_tokens
        hour = written if self._setting == "1h" else 0
        return _with_cache(record, record.cached_input_tokens, written, hour)


def _with_cache(record: CostRecord, cached: int, written: int, hour: int) -> CostRecord:
    metadata = {key: value for key, value in record.metadata.items() if key != HOUR_WRITES}
    if hour:
        metadata[HOUR_WRITES] = hour
    return replace(record, cached_input_tokens=cached, cache_write_tokens=written, metadata=metadata)


class Sides(NamedTuple):
    """The list price of requests as they were, and the least and the most as they would have been."""

    own: Sums
    low: Sums
    high: Sums


class Adder:
    """Adds requests to the parts of an outcome; what lists price alike is priced once, in the end.

    The amount of a bill changes as its list price does.
    """

    def __init__(self, found: Replayed, scenario: Scenario, prices: WorkspacePrices) -> None:
        self._found, self._scenario, self._prices = found, scenario, prices
        self._groups: dict[tuple[Any, ...], Group | None] = {}
        self._listed: dict[tuple[str, str], Sides] = defaultdict(lambda: Sides(Sums(), Sums(), Sums()))
        self._billed: dict[tuple[str, str], Sides] = defaultdict(lambda: Sides(Sums(), Sums(), Sums()))
        self._billed_usd: dict[tuple[str, str], Decimal] = defaultdict(Decimal)

    def add(self, record: CostRecord, changed: CostRecord) -> None:
        """Add a request, and what has changed about it."""
        key = record.provider, record.model_name
        target = self._scenario.models.get(record.model_name) or Target(record.model_name)
        part = self._found.parts.get(key)
        if part is None:
            part = self._found.parts[key] = Part(*key, target.model)
        count = record.request_count or 1
        if record.cost_usd is None:
            part.unpriced += count
            return
        if self._scenario.plan_usd is not None:  # it covers what no list prices, too
            part.requests += count
            part.before_usd += record.cost_usd
            return
        is_billed = not is_repriceable(record)
        sides = (self._billed if is_billed else self._listed)[key]
        if is_billed and not self._add_own(sides, record):
            part.unpriced += count
            return
        group = self._find_group(record, target, self._scenario.context)
        is_exact = self._add_bounds(sides, changed, target, group)
        if is_exact is None:
            part.unpriced += count
            return
        if is_billed:
            self._billed_usd[key] += record.cost_usd
        part.requests += count
        part.before_usd += record.cost_usd
        part.without_tier += 0 if is_exact else count
        window = group.window if group else _find_window(record, target)
        part.too_long += bool(count == 1 and window and record.input_tokens > window)

    def finish(self) -> None:
        """Price what was added up."""
        for key, sides in self._listed.items():
            self._found.parts[key].low_usd += sides.low.price()
            self._found.parts[key].high_usd += sides.high.price()
        for key, usd in self._billed_usd.items():
            sides = self._billed[key]
            own_usd = sides.own.price()
            self._found.parts[key].low_usd += sides.low.price() * usd / own_usd
            self._found.parts[key].high_usd += sides.high.price() * usd / own_usd

    def _find_group(self, record: CostRecord, target: Target, context: Mapping[str, str]) -> Group | None:
        key = *key_of(record), target.model, tuple(context)
        if key not in self._groups:
            find = find_of(_move(record, target, context))
            ranges = target.find_ranges(record.model_name)
            window = _find_window(record, target)
            self._groups[key] = find and Group(find, *ranges, window, bool(context))
        return self._groups[key]

    def _add_own(self, sides: Sides, record: CostRecord) -> bool:
        """Add the list price of a bill's request as it was; False without one."""
        group = self._find_group(record, Target(record.model_name), {})
        usage = read_plain(record, self._prices)
        bounds = usage and group and group.find_bounds(usage, record.timestamp)
        if bounds:
            sides.own.add(*bounds[0])
            return bool(usage)
        usd = price_record(record, self._prices).cost_usd
        sides.own.add_usd(usd or Decimal(0))
        return bool(usd)

    def _add_bounds(
        self, sides: Sides, record: CostRecord, target: Target, group: Group | None
    ) -> bool | None:
        """Add a request as it would have been; returns whether its tier has a price, None without any."""
        usage = read_plain(record, self._prices)
        found = usage and group and group.find_bounds(usage, record.timestamp)
        if found and group:
            sides.low.add(*found[0])
            sides.high.add(*found[1])
            return group.is_exact(found[0][0])
        bounds = _price(record, target, self._scenario, self._prices)
        if bounds is None:
            return None
        sides.low.add_usd(bounds.low)
        sides.high.add_usd(bounds.high)
        return bounds.is_exact


def _find_window(record: CostRecord, target: Target) -> int | None:
    return find_context_window(target.find_provider(record.provider), target.model)


def _price(record: CostRecord, target: Target, scenario: Scenario, prices: WorkspacePrices) -> Bounds | None:
    """The least and the most that a request would have cost; None without a price."""
    moved = _move(record, target, scenario.context)
    tokens, answers = target.find_ranges(record.model_name)
    low = price_record(_stretch(moved, tokens.low, answers.low), prices)
    high = low
    if (tokens, answers) != (SAME, SAME):
        high = price_record(_stretch(moved, tokens.high, answers.high), prices)
    if low.cost_usd is None or high.cost_usd is None:
        return None
    is_exact = not (scenario.context and is_standard_price(low.note))
    return Bounds(low.cost_usd, high.cost_usd, is_exact)


def _move(record: CostRecord, target: Target, context: Mapping[str, str]) -> CostRecord:
    """The record of the other model, in the other tier."""
    is_other = target.model != record.model_name
    dropped = (*PRICE_KEYS, "model", "model_alias") if is_other else PRICE_KEYS
    metadata: dict[str, JSON] = {key: value for key, value in record.metadata.items() if key not in dropped}
    if context:
        metadata["price_context"] = dict(context)
    elif is_other:
        metadata.pop("price_context", None)  # conditions of one model's price are not another's
    provider = target.find_provider(record.provider)
    account = record.billing_account if provider == record.provider else None
    return replace(
        record, provider=provider, model_name=target.model, billing_account=account, metadata=metadata
    )


def _stretch(record: CostRecord, tokens: Decimal, answers: Decimal) -> CostRecord:
    """The record with more or fewer tokens."""
    if tokens == answers == 1:
        return record
    usage = stretch(read_usage(record), tokens, answers)
    metadata = record.metadata
    if isinstance(metadata.get(HOUR_WRITES), int):
        metadata = metadata | {HOUR_WRITES: usage.cache_write_1h_tokens}
    return replace(record, **usage.token_counts, metadata=metadata)


def _load(
    database: Database, period: tuple[datetime, datetime], project_id: str | None, on_progress: Progress
) -> Iterator[CostRecord]:
    """Calls whose tokens count, in the order of their times."""
    since, until = (moment.isoformat() for moment in period)
    after_id, done = None, 0
    while rows := database.call("list_calls", since=since, until=until, after_id=after_id, page_size=PAGE):
        for row in rows:
            if project_id in (None, row["project_id"] or UNASSIGNED):
                yield _parse_call(row)
        done += len(rows)
        on_progress(done, 0, "Pricing")
        if len(rows) < PAGE:
            return
        since, after_id = rows[-1]["timestamp"], rows[-1]["id"]


def _parse_call(row: Row) -> CostRecord:
    """The record; of a bill's sum of requests, which of them were long is not known."""
    record = parse_estimate(row)
    is_single = record.request_count <= 1 and record.day is None
    if is_single or "price_tier" in record.metadata or is_repriceable(record):
        return record
    return replace(record, metadata=record.metadata | {"price_tier": "unknown"})
