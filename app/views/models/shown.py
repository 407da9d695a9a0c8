"""The models of a period, as all parts of the page show them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from app.figures.currencies import Currency
from app.figures.model_performance import describe_cost, list_moments
from tally.traces.performance import Figures, Performance, PerformanceQuestion


@dataclass(frozen=True, slots=True)
class Shown:
    """The question and its answer, the models by their names, and the zone and currency of the page."""

    found: Performance
    names: Mapping[str, Figures]
    question: PerformanceQuestion
    zone: ZoneInfo
    currency: Currency

    @property
    def moments(self) -> list[datetime]:
        """The beginnings of the hours or days of the period."""
        return list_moments(self.question, self.zone)

    @property
    def is_hourly(self) -> bool:
        """True where the period is shown by hour."""
        return self.question.granularity == "hour"

    def points_of(self, figures: Figures) -> list[Figures]:
        """The course of a model."""
        return [point for point in self.found.points if point.key == figures.key]

    def convert(self, usd: Decimal) -> Decimal:
        """Dollars in the display currency, at today's rate."""
        return self.currency.convert(usd, datetime.now(UTC).date())

    def describe_cost(self, figures: Figures) -> str:
        """The cost of 1,000 requests of a model."""
        return describe_cost(figures, self.convert, self.currency.code)
