"""Caching of prompts that begin like the one before, where the caller has to ask for it."""

from collections.abc import Iterator
from decimal import Decimal

from tally.advice.capabilities import find_least_cached
from tally.advice.facts import Cell, Facts
from tally.advice.findings import TO_MONTH, Advice, Saving
from tally.advice.prices import find_factor, find_own_prices, price_class

MARKED = "claude-"  # their callers mark what is cached; others cache by themselves
MOST_CACHED = 0.7
LEAST_REUSABLE = 0.2  # of the input that no cache served
# Of what a cache could serve: counts of tokens cannot tell whether prompts begin alike.
STABLE_LOW, STABLE_MID = Decimal("0.3"), Decimal("0.65")


def find(facts: Facts) -> Iterator[Advice]:
    """Cells whose conversations send the same tokens again within five minutes."""
    for cell in facts.cells:
        reused = cell.reusable / cell.tokens.uncached if cell.tokens.uncached else 0
        if (
            cell.model.startswith(MARKED)
            and cell.following
            and reused >= LEAST_REUSABLE
            and cell.tokens.cached_share <= MOST_CACHED
            and cell.tokens.input >= find_least_cached(cell.provider, cell.model) * cell.requests
            and (advice := _describe(facts, cell))
        ):
            yield advice


def _describe(facts: Facts, cell: Cell) -> Advice | None:
    prices = find_own_prices(cell, facts.window[1])
    factor = find_factor(cell, prices) if prices else None
    if prices is None or factor is None:
        return None
    plain, read, write = (price_class(prices, name) for name in ("uncached", "cached", "cache_write"))
    if plain is None or read is None or write is None:
        return None
    least = find_least_cached(cell.provider, cell.model)
    most = factor * (cell.reusable * (plain - read) - cell.fresh * (write - plain)) * TO_MONTH
    if most <= 0:
        return None
    return Advice(
        "caching",
        {**cell.place, "provider": cell.provider, "model": cell.model},
        cell.cost_usd * TO_MONTH,
        Saving.between(STABLE_LOW * most, most, STABLE_MID * most),
        "medium",
        "modelled",
        {
            "requests": cell.requests,
            "tier": cell.tier,
            "following": cell.following,
            "conversations": cell.conversations,
            "reusable_share": round(100 * cell.reusable / cell.tokens.uncached),
            "cached_share": round(100 * cell.tokens.cached_share),
        },
        (
            "30 to 100% of the tokens that could be read from a cache are: what prompts say is not known.",
            f"Prompts of {least:,} tokens and more can be cached, for five minutes.",
            "What is written to the cache costs more than usual input, and is subtracted.",
        ),
        project_id=cell.project_id,
    )
