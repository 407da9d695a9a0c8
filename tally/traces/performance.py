"""Requests, failures, latency, speed and cost of models, in all and over time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from tally.analytics.answers import Source
from tally.storage.database import Row

Granularity = Literal["hour", "day"]
FRACTIONS = (5, 25, 50, 75, 90, 95, 99)  # the percentiles of latencies
# With fewer requests a percentile is the slowest of them, or one of the few slowest: chance.
LEAST_TIMED = {50: 1, 95: 20, 99: 100}


@dataclass(frozen=True, slots=True)
class PerformanceQuestion:
    """A period, by hour or by day; `chosen` are models whose course is wanted, besides the busiest ones."""

    first_at: datetime
    last_at: datetime
    granularity: Granularity
    project: str | None = None  # its id, the nil id for none
    chosen: tuple[str, ...] = ()

    def arguments(self) -> dict[str, Any]:
        """The arguments of the function that answers it."""
        return {
            "first_at": self.first_at.isoformat(),
            "last_at": self.last_at.isoformat(),
            "granularity": self.granularity,
            "project": self.project,
            "chosen": list(self.chosen),
        }


class Figures(NamedTuple):
    """One model in a period, or in the hour or day `at`."""

    provider: str
    model_name: str
    requests: int
    errors: int
    timeouts: int
    rate_limited: int
    retries: int
    timed: int  # requests that went well and tell their duration
    percentiles: Sequence[int] | None  # of these durations in ms, at FRACTIONS
    first_tokens: int  # of these, those that tell when their first token came
    first_token_ms: int | None  # the median
    tokens_per_second: float | None
    tokens: int
    cost_usd: Decimal | None  # None: no price
    priced: int  # requests with a price, or that failed without tokens
    unpriced: int
    provider_title: str = ""
    at: datetime | None = None

    @property
    def key(self) -> tuple[str, str]:
        """The model."""
        return self.provider, self.model_name

    @property
    def failed(self) -> int:
        """Requests that failed in any way."""
        return self.errors + self.timeouts + self.rate_limited

    @property
    def error_rate(self) -> float:
        """The share of requests that failed."""
        return self.failed / self.requests

    @property
    def usd_per_1000(self) -> Decimal | None:
        """The cost of 1,000 requests, of those whose cost is known."""
        return None if self.cost_usd is None or not self.priced else self.cost_usd * 1000 / self.priced

    def latency_ms(self, percent: int) -> int | None:
        """A percentile of the latency, or None with too few requests for it."""
        if self.percentiles is None or self.timed < LEAST_TIMED.get(percent, 1):
            return None
        return self.percentiles[FRACTIONS.index(percent)]


class Performance(NamedTuple):
    """The models of a period, those with most requests first, and their course over time."""

    requests: int
    names: int  # the number of models, also of those that are not listed
    models: Sequence[Figures]
    points: Sequence[Figures]
    source: Source | None = None  # the engine that answered, where there is a choice


def read_performance(answer: Row) -> Performance:
    """The answer of the function `model_performance`."""
    return Performance(
        answer["requests"],
        answer["names"],
        [_read(row) for row in answer["models"]],
        [_read(row) for row in answer["points"]],
    )


def _read(row: Row) -> Figures:
    cost, at = row["cost_usd"], row.get("at")
    changes = {
        "cost_usd": None if cost is None else Decimal(cost),
        "at": None if at is None else datetime.fromisoformat(at),
    }
    return Figures(**row | changes)
