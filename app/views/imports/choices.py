"""Everything that decides how uploaded files are read and previewed."""

from dataclasses import dataclass, field

from app.figures.currencies import Currency
from tally.core.records import CostBasis
from tally.currency.rates import Rates
from tally.pricing.workspace_prices import LIST_PRICES, WorkspacePrices


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers to questions about ambiguous dates and numbers, and about what amounts are."""

    day_first: bool | None = None
    decimal_comma: bool | None = None
    cost_basis: CostBasis | None = None  # None: estimates


@dataclass(slots=True)
class Choices:
    """Preferences, and choices for files with the same header, keyed by `header_key`."""

    timezone: str = "UTC"
    currency: Currency = field(default_factory=Currency)  # shown in previews
    rates: Rates | None = None  # convert the file's currencies; None: the rates installed with Tally
    prices: WorkspacePrices = LIST_PRICES
    answers: dict[str, Answers] = field(default_factory=dict)
    mappings: dict[str, dict[str, str]] = field(default_factory=dict)

    def basis(self, key: str) -> tuple[object, ...]:
        """The choices that affect files with this header; a change makes their previews stale."""
        return (
            self.timezone,
            self.currency.key,
            self.prices.key,
            self.answers.get(key, Answers()),
            tuple(self.mappings.get(key, {}).items()),
        )
