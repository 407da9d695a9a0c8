"""Premiums: requests with long contexts, and the priority tier."""

from collections.abc import Iterator
from decimal import Decimal

from tally.advice.facts import Cell, Facts, Part
from tally.advice.findings import TO_MONTH, Advice, Saving
from tally.advice.prices import find_class_prices, find_factor, find_own_prices, price_tokens

# Input tokens above which requests of some models cost more.
LENGTHS = (32_000, 100_000, 128_000, 199_999, 200_000, 256_000, 272_000, 512_000)
LEAST_LONG_SHARE = 0.03  # of requests
AVOIDABLE = Decimal("0.5")  # at most: some work needs its context
DEARER_TIERS = ("priority", "fast")


def find_long(facts: Facts) -> Iterator[Advice]:
    """Cells that paid more for requests beyond the length from which a model costs more."""
    for cell in facts.cells:
        for over, part in sorted(cell.long.items()):
            if part.requests >= LEAST_LONG_SHARE * cell.requests and (
                advice := _describe_long(facts, cell, over, part)
            ):
                yield advice
                break


def _describe_long(facts: Facts, cell: Cell, over: int, part: Part) -> Advice | None:
    day = facts.window[1]
    short = find_own_prices(cell, day)
    at, above = (find_class_prices(cell.provider, cell.model, day, over=n) for n in (over, over + 1))
    if short is None or at is None or above is None or at.by_class == above.by_class:
        return None  # the price does not change at this length
    listed_short, listed_long = (price_tokens(prices, part.tokens, part.requests) for prices in (at, above))
    if not listed_short or not listed_long or listed_long <= listed_short:
        return None
    premium = part.cost_usd * (1 - listed_short / listed_long) * TO_MONTH
    return Advice(
        "long_context",
        {**cell.place, "provider": cell.provider, "model": cell.model, "over": str(over)},
        part.cost_usd * TO_MONTH,
        Saving.between(Decimal(0), AVOIDABLE * premium),
        "medium",
        "modelled",
        {
            "requests": part.requests,
            "tier": cell.tier,
            "all_requests": cell.requests,
            "premium_usd": f"{premium:.2f}",
        },
        (
            f"Up to half of the premium of requests with more than {over:,} input tokens can be avoided.",
            "Some work needs its whole context.",
        ),
        project_id=cell.project_id,
    )


def find_priority(facts: Facts) -> Iterator[Advice]:
    """Cells in a dearer service tier."""
    for cell in facts.cells:
        own = find_own_prices(cell, facts.window[1]) if cell.tier in DEARER_TIERS else None
        usual = find_class_prices(cell.provider, cell.model, facts.window[1])
        factor = own and find_factor(cell, own)
        listed = usual and price_tokens(usual, cell.tokens, cell.requests)
        if not factor or not listed:
            continue
        saved = cell.cost_usd - factor * listed
        if saved > 0:
            yield Advice(
                "priority",
                {**cell.place, "provider": cell.provider, "model": cell.model, "tier": cell.tier},
                cell.cost_usd * TO_MONTH,
                Saving.exactly(saved * TO_MONTH),
                "low",
                "measured",
                {"requests": cell.requests, "tier": cell.tier},
                (
                    "All of these requests can be answered at the standard tier.",
                    "How much slower answers are there is not known.",
                ),
                project_id=cell.project_id,
            )
