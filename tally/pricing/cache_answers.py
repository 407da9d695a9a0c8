"""Answers that a gateway gave from its own cache: they used no tokens, and saved what they cost."""

from datetime import datetime
from decimal import Decimal

from tally.core.amounts import round_amount
from tally.core.encoding import canonical_decimal
from tally.core.records import JSON, MAX_COST_USD
from tally.pricing.list_prices import price_model
from tally.pricing.usage import STANDARD, ModelRef, Usage

CACHE_HIT, SAVED_USD = "cache_hit", "cache_saved_usd"  # keys of metadata; private.saved_by_cache reads them


def describe_answer(
    model: ModelRef, usage: Usage, at: datetime, told_usd: Decimal | None = None
) -> dict[str, JSON]:
    """The metadata of such an answer, with the list price of the tokens that were not used.

    Without a list price it is what the gateway tells; without either, what was saved stays unknown.
    """
    saved_usd = None
    if usage.input_tokens or usage.output_tokens:
        saved_usd = price_model(model, usage, at, STANDARD).cost_usd
    saved_usd = saved_usd if saved_usd is not None else told_usd or None
    if saved_usd is None or not 0 <= saved_usd <= MAX_COST_USD:
        return {CACHE_HIT: True}
    return {CACHE_HIT: True, SAVED_USD: canonical_decimal(round_amount(saved_usd))}
