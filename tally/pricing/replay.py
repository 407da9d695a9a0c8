"""Past requests at other prices: on another model, tier, cache setting or plan, one by one.

Each is priced at the prices of its own time. Tokens and answers of another model are assumptions with a
range. What plans cover, and what has no price, is counted and left out.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from tally.core.errors import TallyError
from tally.core.months import MONTH_DAYS
from tally.core.progress import Progress, ignore_progress
from tally.core.records import JSON, CostRecord
from tally.pricing.class_prices import is_standard_price
from tally.pricing.estimate import PRICE_KEYS, price_record
from tally.pricing.listed_models import find_context_window
from tally.pricing.reprice import PAGE, parse_estimate
from tally.pricing.tokenizers import SAME, UNSEEN_ANSWERS, Range, compare_tokenizers
from tally.pricing.usage import LEAST_CACHED_TOKENS
from tally.pricing.workspace_prices import WorkspacePrices, load_workspace_prices
from tally.storage.database import Database, Row
from tally.storage.workspaces import load_timezone

CacheSetting = Literal["off", "5m", "1h"]
HOUR_WRITES = "cache_write_1h_tokens"
MINUTES, HOUR = timedelta(minutes=5), timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Target:
    """A model in place of another one; the ranges are None for the usual ones between the two."""

    model: str
    provider: str | None = None  # None: the same
    tokens: Range | None = None  # for the same text
    answers: Range | None = None  # lengths

    def find_ranges(self, model: str) -> tuple[Range, Range]:
        """The factors of tokens and of answers, in place of a model."""
        if self.model == model:
            return self.tokens or SAME, self.answers or SAME
        return self.tokens or compare_tokenizers(model, self.model), self.answers or UNSEEN_ANSWERS


@dataclass(frozen=True, slots=True)
class Scenario:
    """The difference to what was. Without `models`, all requests are concerned."""

    models: Mapping[str, Target] = field(default_factory=dict)
    context: Mapping[str, str] = field(default_factory=dict)  # processing or tier, as the price list names it
    cache: CacheSetting | None = None
    plan_usd: Decimal | None = None  # a month of a plan that covers all of them

    def concerns(self, record: CostRecord) -> bool:
        """Check whether a request would have been otherwise."""
        return not self.models or record.model_name in self.models


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
    records = _load(database, begin, end, on_progress)
    return replay_records(records, scenario, (since, until), load_workspace_prices(database))


def replay_records(
    records: Iterable[CostRecord], scenario: Scenario, days: tuple[date, date], prices: WorkspacePrices
) -> Replayed:
    """Price these requests, in the order of their times, as they would have been."""
    found = Replayed(*days)
    caches = Caches(scenario.cache) if scenario.cache else None
    for record in records:
        count = record.request_count or 1
        if not scenario.concerns(record):
            found.others += count
        elif record.cost_basis == "included":
            found.included += count
            found.included_usd += record.cost_usd or 0
        else:
            _add(found, record, caches.change(record) if caches else record, scenario, prices)
    if scenario.plan_usd is not None:
        found.plan_usd = scenario.plan_usd * ((days[1] - days[0]).days + 1) / MONTH_DAYS
    return found


class Bounds(NamedTuple):
    """The least and the most that a request would have cost, and whether the tier has a price."""

    low: Decimal
    high: Decimal
    is_exact: bool


class Caches:
    """Requests as another cache would have served them, told in the order of their times.

    What a conversation's request shares with the one before is taken for the same text.
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


def _with_cache(record: CostRecord, cached: int, written: int, hour: int) -> CostRecord:
    metadata = {key: value for key, value in record.metadata.items() if key != HOUR_WRITES}
    if hour:
        metadata[HOUR_WRITES] = hour
    return replace(record, cached_input_tokens=cached, cache_write_tokens=written, metadata=metadata)


def _add(
    found: Replayed, record: CostRecord, changed: CostRecord, scenario: Scenario, prices: WorkspacePrices
) -> None:
    target = scenario.models.get(record.model_name) or Target(record.model_name)
    key = record.provider, record.model_name
    part = found.parts.get(key)
    if part is None:
        part = found.parts[key] = Part(*key, target.model)
    count = record.request_count or 1
    bounds = _price(changed, target, scenario, prices)
    if record.cost_usd is None or bounds is None:
        part.unpriced += count
        return
    part.requests += count
    part.before_usd += record.cost_usd
    part.low_usd += bounds.low
    part.high_usd += bounds.high
    part.without_tier += 0 if bounds.is_exact else count
    window = find_context_window(target.provider or record.provider, target.model)
    part.too_long += bool(count == 1 and window and record.input_tokens > window)


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
    provider = target.provider or record.provider
    account = record.billing_account if provider == record.provider else None
    return replace(
        record, provider=provider, model_name=target.model, billing_account=account, metadata=metadata
    )


def _stretch(record: CostRecord, tokens: Decimal, answers: Decimal) -> CostRecord:
    """The record with more or fewer tokens."""
    if tokens == answers == 1:
        return record
    cached, written = (
        int(count * tokens) for count in (record.cached_input_tokens, record.cache_write_tokens)
    )
    metadata = record.metadata
    hour = metadata.get(HOUR_WRITES)
    if isinstance(hour, int):
        metadata = metadata | {HOUR_WRITES: min(int(hour * tokens), written)}
    return replace(
        record,
        input_tokens=max(round(record.input_tokens * tokens), cached + written),
        output_tokens=round(record.output_tokens * answers),
        cached_input_tokens=cached,
        cache_write_tokens=written,
        metadata=metadata,
    )


def _load(database: Database, begin: datetime, end: datetime, on_progress: Progress) -> Iterator[CostRecord]:
    """Estimated requests whose tokens count, in the order of their times."""
    since, after_id, done = begin.isoformat(), None, 0
    while rows := database.call("list_estimates", since=since, after_id=after_id, page_size=PAGE):
        yield from (parse_estimate(row) for row in rows if row["counts_tokens"] and _is_before(row, end))
        done += len(rows)
        on_progress(done, 0, "Pricing")
        if len(rows) < PAGE or not _is_before(rows[-1], end):
            return
        since, after_id = rows[-1]["timestamp"], rows[-1]["id"]


def _is_before(row: Row, end: datetime) -> bool:
    return datetime.fromisoformat(row["timestamp"]) < end


def parse_target(text: str, tokens: Range | None = None, answers: Range | None = None) -> tuple[str, Target]:
    """The model and what replaces it in a text such as `gpt-5=gpt-5-mini` or `gpt-5=google/gemini-3-pro`.

    Raises TallyError.
    """
    model, equals, other = (part.strip() for part in text.partition("="))
    if not equals or not model or not other:
        raise TallyError("Name the model and the one in its place: --model gpt-5=gpt-5-mini")
    provider, slash, name = other.partition("/")
    target = (
        Target(name, provider, tokens, answers) if slash and name else Target(other, None, tokens, answers)
    )
    return model, target


def parse_range(text: str, option: str) -> Range:
    """A factor or two, such as `1.1` or `0.9-1.4`. Raises TallyError."""
    parts = [part.strip() for part in text.split("-")]
    try:
        numbers = [Decimal(part) for part in parts]
    except ArithmeticError:
        numbers = []
    is_valid = len(numbers) in (1, 2) and all(number.is_finite() and 0 < number <= 100 for number in numbers)
    if not is_valid or numbers[0] > numbers[-1]:
        raise TallyError(f"{option} is a factor or two, from 0 to 100, the smaller first: {option} 0.9-1.4")
    return Range(numbers[0], numbers[-1])
