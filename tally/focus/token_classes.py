"""Tokens of a sum by class, each with its list price and its part of the money."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import ROUND_FLOOR, Decimal, localcontext

from tally.core.amounts import SMALLEST_AMOUNT
from tally.core.records import NO_MODEL
from tally.focus.sums import CostSum
from tally.pricing.class_prices import ClassPrices
from tally.pricing.custom_prices import CUSTOM_SOURCE, CustomPrices
from tally.pricing.list_prices import add_named, find_prices
from tally.pricing.usage import MILLION, Conditions, ModelRef

NOON = time(12, tzinfo=UTC)
UNIT_PRICE = Decimal("1e-18")  # the last decimal of a price of one token
DIGITS = 60  # of calculations: products of counts and prices stay exact
# What FOCUS calls Tally's classes, in this order.
NAMES = {
    "uncached": "Input",
    "cached": "Cached Input",
    "cache_write": "Cache Write",
    "cache_write_1h": "Cache Write 1h",
    "output": "Output",
}


@dataclass(frozen=True, slots=True)
class UnitPrice:
    """US dollars for one token: as listed, and as this workspace pays."""

    list_usd: Decimal
    contracted_usd: Decimal


@dataclass(frozen=True, slots=True)
class TokenClass:
    """A class of a sum's tokens. Without a name, it is all of a sum that has no tokens."""

    name: str | None
    tokens: int
    cost_usd: Decimal
    price: UnitPrice | None


def split_sum(of: CostSum, custom: CustomPrices) -> list[TokenClass]:
    """The classes of a sum; their money adds up to the sum's, to the last decimal."""
    counts = _count(of)
    if not counts:
        return [TokenClass(None, 0, of.cost_usd, None)]
    prices = _find_prices(of, custom)
    with localcontext(prec=DIGITS):
        known = [prices.get(name) for name in counts]
        weights = [
            Decimal(count) * price.list_usd
            for count, price in zip(counts.values(), known, strict=True)
            if price is not None
        ]
        is_priced = len(weights) == len(counts) and sum(weights) > 0
        parts = divide(of.cost_usd, weights if is_priced else [Decimal(count) for count in counts.values()])
    return [
        TokenClass(NAMES[name], count, part, price)
        for (name, count), part, price in zip(counts.items(), parts, known, strict=True)
    ]


def divide(amount: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """The amount in proportion to the weights, in smallest amounts; the greatest weight has the rest."""
    with localcontext(prec=DIGITS):
        total = sum(weights)
        parts = [
            (amount * weight / total).quantize(SMALLEST_AMOUNT, ROUND_FLOOR) if total else Decimal(0)
            for weight in weights
        ]
        greatest = max(range(len(weights)), key=weights.__getitem__)
        parts[greatest] += amount - sum(parts)
    return parts


def _count(of: CostSum) -> dict[str, int]:
    uncached = of.input_tokens - of.cached_input_tokens - of.cache_write_tokens
    counts = {
        "uncached": uncached,
        "cached": of.cached_input_tokens,
        "cache_write": of.cache_write_tokens - of.cache_write_1h_tokens,
        "cache_write_1h": of.cache_write_1h_tokens,
        "output": of.output_tokens,
    }
    if uncached < 0:  # a source that does not count cached tokens as input
        counts = {"uncached": of.input_tokens, "output": of.output_tokens}
    return {name: count for name, count in counts.items() if count}


def _find_prices(of: CostSum, custom: CustomPrices) -> dict[str, UnitPrice]:
    """The prices of a token by class; none where the money is unknown or told by another source."""
    if of.charge_type != "usage" or not of.money_is_effective or of.is_unpriced or of.model == NO_MODEL:
        return {}
    own, listed = custom.find_on(of.provider, of.model, of.day), find_listed(of)
    is_own = of.details.get("source") == CUSTOM_SOURCE
    found: dict[str, UnitPrice] = {}
    for name in NAMES:
        listed_usd = None if listed is None else listed.by_class[name]
        own_usd = own.by_class[name] if own and (is_own or listed_usd is None) else None
        usd = own_usd if listed_usd is None else listed_usd
        if usd is not None:
            found[name] = _price_token(usd, own_usd, of)
    return found


def _price_token(usd_per_million: Decimal, own_per_million: Decimal | None, of: CostSum) -> UnitPrice:
    listed = (usd_per_million / MILLION).quantize(UNIT_PRICE)
    if of.cost_basis == "included":
        return UnitPrice(listed, Decimal(0))
    if own_per_million is not None:
        return UnitPrice(listed, (own_per_million / MILLION).quantize(UNIT_PRICE))
    multiplier = _read_multiplier(of.details.get("multiplier"))
    return UnitPrice(listed, listed if multiplier is None else (listed * multiplier).quantize(UNIT_PRICE))


def _read_multiplier(written: object) -> Decimal | None:
    """The multiplier in a record's metadata, which may be anybody's."""
    text = written if isinstance(written, str) else ""
    return Decimal(text) if text.replace(".", "", 1).isdecimal() and text.isascii() else None


def find_listed(of: CostSum) -> ClassPrices | None:
    """List prices of short requests under the conditions of the sum, by the first name that has some."""
    model = ModelRef(of.provider, str(of.details.get("model") or of.model), of.model)
    conditions = add_named(Conditions("short", read_context(of.details.get("context"))), model.name)
    for name in model.names:
        try:
            found = find_prices(of.provider, name, 0, datetime.combine(of.day, NOON), conditions)
        except Exception:
            return None  # no failure of the price list may stop an export
        if found is not None:
            return found
    return None


def read_context(written: object) -> dict[str, str]:
    """The conditions of a price in a record's metadata, which may be anybody's."""
    try:
        context = json.loads(written) if isinstance(written, str) else {}
    except ValueError:
        return {}
    return {str(key): str(value) for key, value in context.items()} if isinstance(context, dict) else {}
