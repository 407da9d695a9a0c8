"""Totals of one model on one day, in the one form of the reports of `tally collect` and `tally import`."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # a stored report is printed without these
    from zoneinfo import ZoneInfo

    from tally.core.records import CostRecord

FORMAT = 1  # version of the reports' format


@dataclass(slots=True)
class DayTotals:
    """Sums of requests, tokens and money; input is split by class, output includes reasoning."""

    requests: int = 0
    uncached_input_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    unpriced_records: int = 0
    cost_usd: Decimal | None = None  # of the priced ones

    def count_input(self, input_tokens: int, cached: int, written: int, written_1h: int) -> None:
        """Add input tokens, which include those read from a cache and written to it."""
        self.uncached_input_tokens += input_tokens - cached - written
        self.cached_input_tokens += cached
        self.cache_write_5m_tokens += written - written_1h
        self.cache_write_1h_tokens += written_1h

    def count_output(self, output_tokens: int, reasoning: int) -> None:
        """Add output tokens, which include those of reasoning."""
        self.output_tokens += output_tokens
        self.reasoning_tokens += reasoning

    def count_cost(self, cost_usd: Decimal | None, records: int = 1) -> None:
        """Add the cost of records; None is one without a price."""
        if cost_usd is None:
            self.unpriced_records += records
        else:
            self.cost_usd = (self.cost_usd or Decimal(0)) + cost_usd

    @property
    def input_by_class(self) -> tuple[int, int, int, int]:
        """Return all input, and what of it was read from a cache, written to one, and written for an hour."""
        written = self.cache_write_5m_tokens + self.cache_write_1h_tokens
        all_input = self.uncached_input_tokens + self.cached_input_tokens + written
        return all_input, self.cached_input_tokens, written, self.cache_write_1h_tokens

    def add(self, record: "CostRecord") -> None:
        """Add a record."""
        written_1h = record.metadata.get("cache_write_1h_tokens", 0)
        self.requests += record.request_count
        self.count_input(
            record.input_tokens,
            record.cached_input_tokens,
            record.cache_write_tokens,
            written_1h if isinstance(written_1h, int) else 0,
        )
        self.count_output(record.output_tokens, record.reasoning_tokens)
        self.count_cost(record.cost_usd)

    def add_totals(self, other: "DayTotals") -> None:
        """Add other totals."""
        for name in self.__dataclass_fields__:
            if name != "cost_usd":
                setattr(self, name, getattr(self, name) + getattr(other, name))
        if other.cost_usd is not None:
            self.count_cost(other.cost_usd)

    def to_json(self) -> dict[str, Any]:
        """Return counts, and the cost as decimal text; None when nothing has a price."""
        counts = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return counts | {"cost_usd": None if self.cost_usd is None else format(self.cost_usd, "f")}


def day_of(record: "CostRecord", zone: "ZoneInfo") -> date:
    """Return the record's own day, else the zone's day at its time."""
    return record.day or local_day(record.timestamp, zone)


def local_day(instant: datetime, zone: "ZoneInfo") -> date:
    """Return the zone's day at an instant."""
    return instant.astimezone(zone).date()
