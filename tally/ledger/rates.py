"""List prices by class of token, which estimates are split by."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from tally.pricing.usage import MILLION, Conditions, Usage


class Rates(NamedTuple):
    """US dollars per million tokens of each class."""

    uncached: Decimal
    cached: Decimal
    cache_write: Decimal
    output: Decimal


@lru_cache(10_000)
def find_rates(provider: str, model: str, day: date) -> Rates | None:
    """List prices of a model on a day; None where one of them is unknown."""
    # Imported here: a run that forecasts splits no estimates, and starts a fifth faster without.
    from tally.pricing.list_prices import price

    usages = (
        Usage(input_tokens=MILLION, requests=0),
        Usage(input_tokens=MILLION, cached_input_tokens=MILLION, requests=0),
        Usage(input_tokens=MILLION, cache_write_tokens=MILLION, requests=0),
        Usage(output_tokens=MILLION, requests=0),
    )
    noon = datetime.combine(day, time(12), UTC)
    prices = [price(provider, model, usage, noon, Conditions("short")).cost_usd for usage in usages]
    known = [cost_usd for cost_usd in prices if cost_usd is not None]
    return Rates(*known) if model and len(known) == len(prices) else None
