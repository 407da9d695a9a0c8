"""Requests that come in a few hours of the day, outside of conversations, as a batch."""

from collections.abc import Iterator
from decimal import Decimal

from tally.advice.facts import Cell, Facts
from tally.advice.findings import TO_MONTH, Advice, Saving
from tally.advice.prices import find_class_prices, find_own_prices, price_tokens
from tally.pricing.class_prices import is_standard_price

LEAST_REQUESTS = 200
BATCH_HOURS = 4
LEAST_IN_HOURS = 0.9
MOST_FOLLOWING = 0.1
MOST_CACHED = 0.2  # a batch may lose what a cache saves
ELIGIBLE = (Decimal("0.8"), Decimal(1))
CHEAPER = ({"processing": "batch"}, {"service_tier": "flex"})


def find(facts: Facts) -> Iterator[Advice]:
    """Cells of the standard tier whose answers nobody seems to wait for."""
    for cell in facts.cells:
        if (
            not cell.tier
            and cell.requests >= LEAST_REQUESTS
            and cell.following <= MOST_FOLLOWING * cell.requests
            and cell.tokens.cached_share <= MOST_CACHED
            and (hours := _find_hours(cell.hours)) is not None
            and (advice := _describe(facts, cell, hours))
        ):
            yield advice


def _find_hours(hours: tuple[int, ...]) -> tuple[int, int] | None:
    """The first and last of the fewest hours of the day in which nearly all requests came."""
    total = sum(hours)
    if total < LEAST_REQUESTS:
        return None
    for length in range(1, BATCH_HOURS + 1):
        for first in range(24):
            if sum(hours[(first + n) % 24] for n in range(length)) >= LEAST_IN_HOURS * total:
                return first, (first + length) % 24
    return None


def _describe(facts: Facts, cell: Cell, hours: tuple[int, int]) -> Advice | None:
    day = facts.window[1]
    standard = find_own_prices(cell, day)
    listed = standard and price_tokens(standard, cell.tokens, cell.requests)
    if not listed:
        return None
    for context in CHEAPER:
        prices = find_class_prices(cell.provider, cell.model, day, context)
        cheaper = prices if prices and not is_standard_price(prices.note) else None
        usd = cheaper and price_tokens(cheaper, cell.tokens, cell.requests)
        if usd and usd < listed:
            most = cell.cost_usd * (1 - usd / listed) * TO_MONTH
            return Advice(
                "batch",
                {**cell.place, "provider": cell.provider, "model": cell.model, **context},
                cell.cost_usd * TO_MONTH,
                Saving.between(ELIGIBLE[0] * most, ELIGIBLE[1] * most),
                "low",
                "modelled",
                {
                    "requests": cell.requests,
                    "tier": cell.tier,
                    "first_hour": hours[0],
                    "end_hour": hours[1],
                },
                (
                    "80 to 100% of the requests can wait for up to 24 hours. Whether they can is not known.",
                    "Requests in conversations are left out.",
                ),
                project_id=cell.project_id,
            )
    return None
