"""Repricing of records without a bill: a preview of the changes, and applying them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from tally.core.amounts import round_amount
from tally.core.progress import Progress, ignore_progress
from tally.core.records import CostRecord
from tally.pricing.estimate import MULTIPLIER, describe_price, price_record
from tally.pricing.list_prices import Priced
from tally.pricing.workspace_prices import WorkspacePrices, load_workspace_prices
from tally.storage.database import Database, Row
from tally.storage.workspaces import load_timezone

PAGE = 5_000
Concerns = Callable[[CostRecord], bool]  # which records a change of prices is about


def concern_all(_record: CostRecord) -> bool:
    """Every record."""
    return True


@dataclass(frozen=True, slots=True)
class Change:
    """One record whose cost differs at today's prices."""

    record_id: str
    record: CostRecord
    priced: Priced
    is_effective: bool  # false: a bill or another source is effective in its place, so totals do not change

    @property
    def cost_usd(self) -> Decimal | None:
        """The new cost, rounded as the database stores it."""
        return _round(self.priced.cost_usd)


@dataclass(slots=True)
class Difference:
    """Changes for one model in one month; amounts are those of effective, priced records."""

    month: str
    provider: str
    model_name: str
    records: int = 0
    ineffective: int = 0
    newly_priced: int = 0
    newly_unpriced: int = 0
    before_usd: Decimal = Decimal(0)
    after_usd: Decimal = Decimal(0)

    @property
    def difference_usd(self) -> Decimal:
        """The change of the amount, negative where it falls."""
        return self.after_usd - self.before_usd

    def add(self, change: Change) -> None:
        """Add one record's change."""
        before, after = change.record.cost_usd, change.cost_usd
        self.records += 1
        self.newly_priced += before is None
        self.newly_unpriced += after is None
        self.ineffective += not change.is_effective
        if change.is_effective:
            self.before_usd += before or 0
            self.after_usd += after or 0


@dataclass(frozen=True, slots=True)
class Applied:
    """Counts of applied changes, and of those skipped because their records had changed meanwhile."""

    run_id: UUID
    applied: int
    skipped: int


def calculate_differences(
    database: Database,
    since: date,
    concerns: Concerns = concern_all,
    prices: WorkspacePrices | None = None,
) -> list[Difference]:
    """Preview repricing from a day in the workspace's time zone on, by month and model; writes nothing.

    With `prices`, as if they were the workspace's.
    """
    zone = ZoneInfo(load_timezone(database))
    prices = load_workspace_prices(database) if prices is None else prices
    differences: dict[tuple[str, str, str], Difference] = {}
    for changes in _load_changes(database, _begin(since, zone), concerns, prices):
        for change in changes:
            record = change.record
            day = record.day or record.timestamp.astimezone(zone)
            key = (f"{day:%Y-%m}", record.provider, record.model_name)
            differences.setdefault(key, Difference(*key)).add(change)
    return [differences[key] for key in sorted(differences)]


def apply_prices(
    database: Database,
    since: date,
    on_progress: Progress = ignore_progress,
    concerns: Concerns = concern_all,
) -> Applied:
    """Reprice from a day in the workspace's time zone on; safe to repeat after an interruption."""
    run_id, applied, skipped = uuid4(), 0, 0
    begin, prices = _begin(since, ZoneInfo(load_timezone(database))), load_workspace_prices(database)
    for changes in _load_changes(database, begin, concerns, prices):
        if changes:
            answer = database.call("apply_prices", run_id=str(run_id), changes=[_to_json(c) for c in changes])
            applied += int(answer["applied"])
            skipped += int(answer["skipped"])
        on_progress(applied, 0, "")
    return Applied(run_id, applied, skipped)


def _begin(since: date, zone: ZoneInfo) -> str:
    return datetime.combine(since, time(), zone).astimezone(UTC).isoformat()


def _load_changes(
    database: Database, begin: str, concerns: Concerns, prices: WorkspacePrices
) -> Iterator[list[Change]]:
    """Pages of the records whose cost differs at today's prices."""
    after_id = None
    while rows := database.call("list_estimates", since=begin, after_id=after_id, page_size=PAGE):
        yield [change for row in rows if (change := _compare(row, concerns, prices))]
        if len(rows) < PAGE:
            return
        begin, after_id = rows[-1]["timestamp"], rows[-1]["id"]


def _compare(row: Row, concerns: Concerns, prices: WorkspacePrices) -> Change | None:
    record = parse_estimate(row)
    if not concerns(record):
        return None
    priced = price_record(record, prices)
    if _round(priced.cost_usd) == record.cost_usd and _has_multiplier_of(record, priced):
        return None
    return Change(str(row["id"]), record, priced, bool(row["is_effective"]))


def _has_multiplier_of(record: CostRecord, priced: Priced) -> bool:
    """Check whether the record says which multiplier its price has."""
    return record.metadata.get(MULTIPLIER) == describe_price(priced).get(MULTIPLIER)


def parse_estimate(row: Row) -> CostRecord:
    """The record in a row that `list_estimates` returns."""
    cost = row["cost_usd"]
    counts: dict[str, Any] = {
        name: int(row[name])
        for name in (
            "input_tokens",
            "output_tokens",
            "cached_input_tokens",
            "cache_write_tokens",
            "request_count",
        )
    }
    return CostRecord(
        provider=row["provider"],
        timestamp=datetime.fromisoformat(row["timestamp"]).astimezone(UTC),
        model_name=row["model_name"],
        cost_usd=None if cost is None else _round(Decimal(cost)),
        source_key=UUID(row["id"]),
        cost_basis=row["cost_basis"],
        billing_account=row["billing_account"],
        day=date.fromisoformat(row["day"]) if row["day"] else None,
        metadata=row["metadata"],
        **counts,
    )


def _to_json(change: Change) -> Row:
    return {
        "id": change.record_id,
        "timestamp": change.record.timestamp.isoformat(),
        "was_usd": _text(change.record.cost_usd),
        "cost_usd": _text(change.cost_usd),
        "price": describe_price(change.priced),
    }


def _round(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else round_amount(amount)


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else format(amount, "f")
