"""List prices of sums of tokens, and what they mean for amounts that were really paid."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

from tally.advice.facts import Cell, Tokens
from tally.pricing.class_prices import NOON, ClassPrices
from tally.pricing.list_prices import calculate_costs, find_prices
from tally.pricing.service_tiers import find_condition
from tally.pricing.usage import Conditions, Usage

# Paid amounts that differ more from the list price are of another price list.
LEAST_FACTOR, MOST_FACTOR = Decimal("0.3"), Decimal(3)


def find_class_prices(
    provider: str, model: str, day: date, context: Mapping[str, str] | None = None, over: int = 0
) -> ClassPrices | None:
    """The list prices of requests with so many input tokens; None where the list has none."""
    conditions = Conditions("request", context or {})
    try:
        return find_prices(provider, model, over, datetime.combine(day, NOON), conditions)
    except Exception:
        return None  # no failure of the price library may end the search


def price_tokens(prices: ClassPrices, tokens: Tokens, requests: int) -> Decimal | None:
    """US dollars of tokens at list prices; None where a class has no price."""
    usage = Usage(
        input_tokens=tokens.input,
        output_tokens=tokens.output,
        cached_input_tokens=tokens.cached,
        cache_write_tokens=tokens.write_5m + tokens.write_1h,
        cache_write_1h_tokens=tokens.write_1h,
        requests=requests,
    )
    costs = calculate_costs(prices, usage)
    return None if costs is None else sum(costs.values(), Decimal(0))


def find_own_prices(cell: Cell, day: date) -> ClassPrices | None:
    """The list prices of a cell's requests with short contexts, in their service tier."""
    condition = find_condition(cell.tier)
    return find_class_prices(cell.provider, cell.model, day, dict([condition]) if condition else {})


def find_factor(cell: Cell, prices: ClassPrices) -> Decimal | None:
    """Paid amount divided by the list price of the same tokens; None where they have little in common."""
    listed = price_tokens(prices, cell.tokens, cell.requests)
    if not listed or cell.cost_usd <= 0:
        return None
    factor = cell.cost_usd / listed
    return factor if LEAST_FACTOR <= factor <= MOST_FACTOR else None


def price_class(prices: ClassPrices, name: str) -> Decimal | None:
    """US dollars of one token of a class."""
    usd = prices.by_class.get(name)
    return None if usd is None else usd / 1_000_000
