"""The one place that gives a record its price, and keeps with it what is needed to price it again.

A record's columns and metadata say it all: pricing a stored record anew is the same call.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import cast, get_args

from tally.core.records import JSON, NO_MODEL, CostRecord
from tally.pricing.custom_prices import NO_CUSTOM_PRICES, SOURCE, CustomPrices, load_custom_prices
from tally.pricing.list_prices import PRICE_SOURCE, Priced, Tier, Usage, has_tiers, price
from tally.storage.database import Database

LIST_SOURCES = (PRICE_SOURCE, SOURCE)
BY_ROW = f"{PRICE_SOURCE} by row"  # of a sum whose rows had prices of different tiers: not one price
PRICE_KEYS = ("price_source", "price_version", "price_model", "price_note")
# What a record's columns have no place for.
EXTRA_COUNTS = (
    "cache_write_1h_tokens",
    "input_audio_tokens",
    "cached_audio_tokens",
    "output_audio_tokens",
    "web_searches",
)


def estimate(
    metadata: dict[str, JSON],
    provider: str,
    model: str,
    usage: Usage,
    at: datetime,
    tier: Tier = "request",
    context: Mapping[str, str] | None = None,
    model_name: str | None = None,
) -> Decimal | None:
    """The list price of a record in the making, None where none is known.

    Adds to its metadata where the price comes from, and what of the usage its columns will not hold;
    `model_name` is what the record will be called, if that is not `model`.
    """
    if model_name not in (None, model):
        metadata["model"] = model
    for name in EXTRA_COUNTS:
        if count := getattr(usage, name):
            metadata[name] = count
    if tier != "request":
        metadata["price_tier"] = tier
    if context:
        metadata["price_context"] = dict(context)
    priced = price(provider, model, usage, at, tier=tier, context=context)
    if priced.cost_usd is None and model_name not in (None, model):
        priced = price(provider, str(model_name), usage, at, tier=tier, context=context)
    metadata |= describe_price(priced)
    return priced.cost_usd


def estimate_record(record: CostRecord, custom_prices: CustomPrices = NO_CUSTOM_PRICES) -> CostRecord:
    """The record at the price that is known of it today, for the time it was made."""
    priced = price_record(record, custom_prices)
    kept = {key: value for key, value in record.metadata.items() if key not in PRICE_KEYS}
    return replace(record, cost_usd=priced.cost_usd, metadata=kept | describe_price(priced))


def price_record(record: CostRecord, custom_prices: CustomPrices = NO_CUSTOM_PRICES) -> Priced:
    """A person's own price where it goes before the list or the list has none, else the list price."""
    usage = read_usage(record)
    own = custom_prices.find(record)
    if own is not None and own.replaces_list:
        return own.calculate(usage)
    listed = _price_listed(record, usage) if _is_counted(record, usage) else Priced(None)
    if listed.cost_usd is None and own is not None:
        return own.calculate(usage)
    return listed


def read_usage(record: CostRecord) -> Usage:
    """What is to be priced of a record."""
    return Usage(
        input_tokens=record.input_tokens,
        output_tokens=record.output_tokens,
        cached_input_tokens=record.cached_input_tokens,
        cache_write_tokens=record.cache_write_tokens,
        requests=record.request_count or 1,
        **{name: _read_count(record.metadata.get(name)) for name in EXTRA_COUNTS},
    )


def is_repriceable(record: CostRecord) -> bool:
    """Whether a price list made its cost, or nothing did: what a person or a bill says is left alone."""
    return (
        record.cost_basis in ("estimated", "included")
        and record.charge_type == "usage"
        and (record.cost_usd is None or record.metadata.get("price_source") in LIST_SOURCES)
    )


def merge_inputs(first: CostRecord, second: CostRecord) -> dict[str, JSON]:
    """What is kept for pricing the sum of two records; of unlike tiers, its price stays that of its rows."""
    if first.cost_basis == "billed":
        return {}
    tiers = {str(record.metadata.get("price_tier", "request")) for record in (first, second)}
    is_of_one_tier = len(tiers) == 1 and tiers != {"request"}
    merged: dict[str, JSON] = {"price_tier": tiers.pop() if is_of_one_tier else "unknown"}
    if not is_of_one_tier and "price_source" in first.metadata | second.metadata:
        model = first.metadata.get("model", first.model_name)
        if has_tiers(first.provider, str(model)):
            merged["price_source"] = BY_ROW
    for name in EXTRA_COUNTS:
        if count := sum(_read_count(record.metadata.get(name)) for record in (first, second)):
            merged[name] = count
    return merged


def describe_price(priced: Priced) -> dict[str, JSON]:
    """Where a price comes from, as metadata keeps it."""
    found: dict[str, JSON] = {}
    if priced.cost_usd is not None:
        found["price_source"] = priced.price_source
        found["price_version"] = priced.price_version
        found["price_model"] = priced.matched_model
    if priced.note:
        found["price_note"] = priced.note
    return found


def _is_counted(record: CostRecord, usage: Usage) -> bool:
    """Images, seconds and bytes are in no column: what has only those is not free for having no tokens."""
    return record.cost_usd is not None or usage.input_tokens + usage.output_tokens + usage.web_searches > 0


def _price_listed(record: CostRecord, usage: Usage) -> Priced:
    """By the model as the source wrote it, else by our name of it."""
    tier, context = record.metadata.get("price_tier"), record.metadata.get("price_context")
    names = [record.metadata.get("model"), "" if record.model_name == NO_MODEL else record.model_name]
    priced = Priced(None)
    for model in dict.fromkeys(name for name in names if isinstance(name, str)):
        priced = price(
            record.provider,
            model,
            usage,
            record.timestamp,
            tier=cast(Tier, tier) if tier in get_args(Tier) else "request",
            context={key: str(value) for key, value in context.items()}
            if isinstance(context, dict)
            else None,
        )
        if priced.cost_usd is not None:
            break
    return priced


def _read_count(value: JSON) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def price_with(records: Sequence[CostRecord], custom_prices: CustomPrices) -> Sequence[CostRecord]:
    """The same records, with custom prices in place of list prices where one applies."""
    if not custom_prices:
        return records
    return [
        estimate_record(record, custom_prices)
        if is_repriceable(record) and custom_prices.find(record)
        else record
        for record in records
    ]


def apply_custom_prices(database: Database, records: Sequence[CostRecord]) -> Sequence[CostRecord]:
    """The same records at the account's prices: parsers know list prices only. Raises DatabaseError."""
    if not any(map(is_repriceable, records)):
        return records
    return price_with(records, load_custom_prices(database))
