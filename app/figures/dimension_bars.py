"""Bars of costs by a dimension. Pure: costs in US dollars in, amounts in the display currency out."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import pandas as pd

from app.formats.money import format_money
from app.formats.text import shorten
from tally.storage.dimension_costs import DimensionCosts, DimensionPart

MAX_LABEL = 40  # characters, so that the amount fits beside it on a phone


@dataclass(frozen=True, slots=True)
class DimensionBars:
    """Amounts by key, their labels, and the keys of parts with a value of their own."""

    amounts: pd.Series
    labels: dict[str, str]
    named: tuple[str, ...]


def make_bars(costs: DimensionCosts, factor: Decimal, currency: str) -> DimensionBars:
    """The parts of a period as bars; `factor` is the display currency's average rate in it."""
    keys = [f"part-{place}" for place in range(len(costs.parts))]
    amounts = [float(part.cost_usd * factor) for part in costs.parts]

    def show(usd: Decimal) -> str:
        return format_money(float(usd * factor), currency)

    return DimensionBars(
        pd.Series(amounts, index=keys, dtype=float),
        {key: _label(part, show) for key, part in zip(keys, costs.parts, strict=True)},
        tuple(key for key, part in zip(keys, costs.parts, strict=True) if part.kind == "value"),
    )


def find_factor(money: pd.DataFrame) -> Decimal:
    """The average rate of the display currency in a frame of daily costs; 1 where nothing was spent."""
    usd = sum((value for value in money["cost_usd"] if value is not None), Decimal(0))
    amount = sum((value for value in money["amount"] if value is not None), Decimal(0))
    return Decimal(amount) / Decimal(usd) if usd else Decimal(1)


def _label(part: DimensionPart, show: Callable[[Decimal], str]) -> str:
    """The name, with the worth of what plans covered beside it: it was used, but not spent."""
    name = shorten(part.name, MAX_LABEL)
    return f"{name} (+{show(part.included_usd)} in plans)" if part.included_usd else name
