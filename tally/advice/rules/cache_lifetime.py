"""A cache of an hour instead of five minutes, or of five minutes instead of an hour.

Of tokens written to a cache, those of an hour cost more. Worth it where so many pauses are longer than five
minutes and shorter than an hour that writing again costs more than that.
"""

from collections.abc import Iterator
from decimal import Decimal

from tally.advice.facts import Cell, Facts
from tally.advice.findings import TO_MONTH, Advice, Kind, Saving
from tally.advice.prices import find_factor, find_own_prices, price_class

LEAST_PAUSES = 20
# Of the tokens that would have been read again: a prompt may have changed in the pause.
UNCHANGED_LOW = Decimal("0.8")


def find(facts: Facts) -> Iterator[Advice]:
    """Cells whose caches last too short or too long for their pauses."""
    for cell in facts.cells:
        advice = None
        if cell.tokens.write_1h > cell.tokens.write_5m:
            advice = _shorter(facts, cell)
        elif cell.tokens.write_5m and cell.pauses >= LEAST_PAUSES:
            advice = _longer(facts, cell)
        if advice:
            yield advice


def _longer(facts: Facts, cell: Cell) -> Advice | None:
    prices = _find_prices(facts, cell)
    if prices is None:
        return None
    read, short, long = prices
    again = Decimal(min(cell.rewritten, cell.tokens.write_5m))

    def save(part: Decimal) -> Decimal:
        kept = again * part
        return (kept * (short - read) - (cell.tokens.write_5m - kept) * (long - short)) * TO_MONTH

    saving = Saving.between(save(UNCHANGED_LOW), save(Decimal(1)))
    return _make("cache_hour", cell, saving) if saving.low > 0 else None


def _shorter(facts: Facts, cell: Cell) -> Advice | None:
    prices = _find_prices(facts, cell)
    if prices is None:
        return None
    read, short, long = prices
    usd = (cell.tokens.write_1h * (long - short) - cell.reread * (short - read)) * TO_MONTH
    return _make("cache_minutes", cell, Saving.exactly(usd)) if usd > 0 else None


def _find_prices(facts: Facts, cell: Cell) -> tuple[Decimal, Decimal, Decimal] | None:
    """Prices of a token that is read from a cache, or written for five minutes or an hour."""
    prices = find_own_prices(cell, facts.window[1])
    factor = find_factor(cell, prices) if prices else None
    if prices is None or factor is None:
        return None
    read, short, long = (price_class(prices, name) for name in ("cached", "cache_write", "cache_write_1h"))
    if read is None or short is None or long is None or not read < short < long:
        return None
    return factor * read, factor * short, factor * long


def _make(kind: Kind, cell: Cell, saving: Saving) -> Advice:
    return Advice(
        kind,
        {**cell.place, "provider": cell.provider, "model": cell.model},
        cell.cost_usd * TO_MONTH,
        saving,
        "high",
        "modelled",
        {
            "requests": cell.requests,
            "tier": cell.tier,
            "conversations": cell.conversations,
            "pauses": cell.pauses,
            "long_pauses": cell.long_pauses,
            # 1.15 n1 > 0.75 (1 + n2), for all conversations together.
            "worth_above": round(0.75 / 1.15 * (cell.conversations + cell.long_pauses)),
        },
        (
            "Pauses are those between the requests of a conversation, by their own times.",
            "A prompt begins after a pause as it did before.",
        ),
        project_id=cell.project_id,
    )
