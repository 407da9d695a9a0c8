"""Currencies that a budget can be in."""

from functools import cache

from app.figures.currencies import COVERED_SINCE
from tally.currency.rates import bundled_rates


@cache
def list_budget_currencies() -> list[str]:
    """US dollars, then the currencies with current rates."""
    return ["USD", *(code for code in bundled_rates().list_current(COVERED_SINCE) if code != "USD")]
