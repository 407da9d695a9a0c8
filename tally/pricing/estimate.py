"""Estimated costs of records, with everything that is needed to reprice them later.

All inputs of a price are in a record's columns and metadata, so repricing a stored record is the same call.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import cast, get_args

from tally.core.amounts import round_amount
from tally.core.encoding import canonical_decimal
from tally.core.records import JSON, MAX_COST_USD, NO_MODEL, CostRecord
from tally.pricing.class_prices import ClassPrices
from tally.pricing.custom_prices import CUSTOM_SOURCE
from tally.pricing.list_prices import (
    PRICE_SOURCE,
    Priced,
    add_named,
    calculate_costs,
    find_list,
    price_model,
)
from tally.pricing.listed_models import has_tiers
from tally.pricing.model_aliases import MODEL_ALIAS
from tally.pricing.multipliers import Multiplier
from tally.pricing.usage import STANDARD, Conditions, ModelRef, Tier, Usage
from tally.pricing.workspace_prices import LIST_PRICES, WorkspacePrices, load_workspace_prices
from tally.storage.database import Database

BY_ROW = f"{PRICE_SOURCE} by row"  # rows priced at different tiers; their sum keeps its list price
REPRICEABLE_SOURCES = (PRICE_SOURCE, CUSTOM_SOURCE, BY_ROW)
MULTIPLIER, LIST_USD = "price_multiplier", "price_list_usd"
PRICE_KEYS = ("price_source", "price_version", "price_model", "price_note", MULTIPLIER, LIST_USD)
# Counts that a price depends on and that have no column of their own.
EXTRA_COUNTS = (
    "cache_write_1h_tokens",
    "input_audio_tokens",
    "cached_audio_tokens",
    "output_audio_tokens",
    "web_searches",
)


def estimate(
    metadata: dict[str, JSON], model: ModelRef, usage: Usage, at: datetime, conditions: Conditions = STANDARD
) -> Decimal | None:
    """The list price of a record that is being made, None where it is unknown.

    Adds the source of the price to the record's metadata, and all inputs that have no column.
    """
    if len(model.names) > 1:
        metadata["model"] = model.name
    if usage.has_extra_counts:
        metadata |= {name: count for name in EXTRA_COUNTS if (count := getattr(usage, name))}
    if conditions.tier != "request":
        metadata["price_tier"] = conditions.tier
    if conditions.context:
        metadata["price_context"] = dict(conditions.context)
    priced = price_model(model, usage, at, conditions)
    metadata |= describe_price(priced)
    return priced.cost_usd


class Estimator:
    """Estimates of rows that share their model, the conditions of its price and their other metadata."""

    def __init__(self, metadata: Mapping[str, JSON], model: ModelRef, conditions: Conditions) -> None:
        self._metadata, self._model, self._conditions = metadata, model, conditions
        context = tuple(add_named(conditions, model.name).context.items())
        self._find_prices = find_list(model.provider, model.name, conditions.tier, context)
        self._described: dict[ClassPrices | None, dict[str, JSON]] = {}

    def estimate(self, usage: Usage, at: datetime) -> tuple[Decimal | None, dict[str, JSON]]:
        """The cost and the metadata that `estimate` makes; rows with equal metadata share one object."""
        prices, costs = self._calculate(usage, at)
        if costs is not None and (described := self._described.get(prices)) is not None:
            return sum(costs.values(), Decimal(0)), described
        metadata = dict(self._metadata)
        cost_usd = estimate(metadata, self._model, usage, at, self._conditions)
        if costs is not None:
            self._described[prices] = metadata
        return cost_usd, metadata

    def _calculate(self, usage: Usage, at: datetime) -> tuple[ClassPrices | None, dict[str, Decimal] | None]:
        """The prices by the model's first name, and the costs where all else is shared."""
        try:
            prices = self._find_prices(usage.input_tokens, at)
            return prices, calculate_costs(prices, usage) if prices and not usage.has_extra_counts else None
        except Exception:
            return None, None  # `estimate` notes why


def price_with(records: Sequence[CostRecord], prices: WorkspacePrices) -> Sequence[CostRecord]:
    """The same records under the workspace's names of models, with its own prices where they apply."""
    if not prices:
        return records
    return [_price_one(record, prices) for record in records]


def _price_one(record: CostRecord, prices: WorkspacePrices) -> CostRecord:
    named = prices.aliases.apply(record)
    if is_repriceable(named) and prices.concern(record, named):
        return estimate_record(named, prices)
    return named


def apply_workspace_prices(database: Database, records: Sequence[CostRecord]) -> Sequence[CostRecord]:
    """The same records at the workspace's prices: parsers know list prices only. Raises DatabaseError."""
    return price_with(records, load_workspace_prices(database)) if records else records


def estimate_record(record: CostRecord, prices: WorkspacePrices = LIST_PRICES) -> CostRecord:
    """The record at the price known today for the time of its usage."""
    priced = price_record(record, prices)
    other_metadata = {key: value for key, value in record.metadata.items() if key not in PRICE_KEYS}
    return replace(record, cost_usd=priced.cost_usd, metadata=other_metadata | describe_price(priced))


def price_record(record: CostRecord, prices: WorkspacePrices = LIST_PRICES) -> Priced:
    """The custom price where it replaces the list price or the list has none, else the list price.

    A multiplier of the record's billing account applies to list prices only.
    """
    priced = _find_price(record, prices)
    is_stored = priced.cost_usd is None or priced.cost_usd <= MAX_COST_USD
    return priced if is_stored else Priced(None, note=f"beyond {MAX_COST_USD:,} dollars")


def _find_price(record: CostRecord, prices: WorkspacePrices) -> Priced:
    multiplier = prices.multipliers.find(record)
    if record.cost_usd is not None and record.metadata.get("price_source") == BY_ROW:
        return _multiply(_read_sum(record), multiplier)
    usage = read_usage(record)
    custom = prices.custom.find(record)
    if custom is not None and custom.replaces_list:
        return custom.calculate(usage)
    listed = _price_listed(record, usage) if _has_counts(record, usage) else Priced(None)
    if listed.cost_usd is None and custom is not None:
        return custom.calculate(usage)
    return _multiply(listed, multiplier)


def _read_sum(record: CostRecord) -> Priced:
    """The list price of rows at different tiers, which cannot be calculated from their sum."""
    version, model, note, list_usd = (
        record.metadata.get(key) for key in ("price_version", "price_model", "price_note", LIST_USD)
    )
    return Priced(
        Decimal(list_usd) if isinstance(list_usd, str) else record.cost_usd,
        BY_ROW,
        version if isinstance(version, str) else None,
        model if isinstance(model, str) else None,
        note if isinstance(note, str) else None,
    )


def _multiply(listed: Priced, multiplier: Multiplier | None) -> Priced:
    """The list price times the multiplier; what is free or unpriced stays so."""
    if not listed.cost_usd or multiplier is None or multiplier.multiplier == 1:
        return listed
    return listed._replace(
        cost_usd=multiplier.calculate(listed.cost_usd),
        multiplier=multiplier.multiplier,
        list_usd=round_amount(listed.cost_usd),
    )


def read_usage(record: CostRecord) -> Usage:
    """The usage of a record, from its columns and metadata."""
    return Usage(
        input_tokens=record.input_tokens,
        output_tokens=record.output_tokens,
        cached_input_tokens=record.cached_input_tokens,
        cache_write_tokens=record.cache_write_tokens,
        requests=record.request_count or 1,
        **{name: _read_count(record.metadata.get(name)) for name in EXTRA_COUNTS},
    )


def is_repriceable(record: CostRecord) -> bool:
    """Check whether a cost comes from a price list or is unknown; costs entered or billed never change."""
    return (
        record.cost_basis in ("estimated", "included")
        and record.charge_type == "usage"
        and (record.cost_usd is None or record.metadata.get("price_source") in REPRICEABLE_SOURCES)
    )


def merge_inputs(first: CostRecord, second: CostRecord) -> dict[str, JSON]:
    """Price inputs of the sum of two records; where their tiers differ, the sum of their prices is final."""
    if first.cost_basis == "billed":
        return {}
    tier = _find_shared_tier(first, second)
    merged: dict[str, JSON] = {"price_tier": tier or "unknown"}
    if not tier and _is_priced_by_row(first, second):
        merged["price_source"] = BY_ROW
    for name in EXTRA_COUNTS:
        if count := _read_count(first.metadata.get(name)) + _read_count(second.metadata.get(name)):
            merged[name] = count
    return merged


def _find_shared_tier(first: CostRecord, second: CostRecord) -> str | None:
    """The tier that both records share; None for two single requests, as their sum is not a request."""
    tiers = {str(record.metadata.get("price_tier", "request")) for record in (first, second)}
    return tiers.pop() if len(tiers) == 1 and tiers != {"request"} else None


def _is_priced_by_row(first: CostRecord, second: CostRecord) -> bool:
    if "price_source" not in first.metadata and "price_source" not in second.metadata:
        return False
    return has_tiers(first.provider, str(first.metadata.get("model", first.model_name)))


def describe_price(priced: Priced) -> dict[str, JSON]:
    """The metadata of a price: its source, version, matched model and note, and the multiplied list price."""
    found: dict[str, JSON] = {}
    if priced.cost_usd is not None:
        found["price_source"] = priced.price_source
        of_list = {"price_version": priced.price_version, "price_model": priced.matched_model}
        found |= {key: value for key, value in of_list.items() if value is not None}
    if priced.multiplier is not None and priced.list_usd is not None:
        found[MULTIPLIER] = canonical_decimal(priced.multiplier)
        found[LIST_USD] = canonical_decimal(priced.list_usd)
    if priced.note:
        found["price_note"] = priced.note
    return found


def _has_counts(record: CostRecord, usage: Usage) -> bool:
    """False for usage in images, seconds or bytes alone: having no tokens does not make it free."""
    is_listed = record.cost_usd is not None and record.metadata.get("price_source") == PRICE_SOURCE
    return is_listed or usage.input_tokens + usage.output_tokens + usage.web_searches > 0


def _price_listed(record: CostRecord, usage: Usage) -> Priced:
    """The list price by the source's name of the model, else by ours."""
    return price_model(read_model(record), usage, record.timestamp, read_conditions(record))


def read_model(record: CostRecord) -> ModelRef:
    """The names under which lists may have the model of a record."""
    ours, written = "" if record.model_name == NO_MODEL else record.model_name, record.metadata.get("model")
    if MODEL_ALIAS in record.metadata:  # what the workspace says goes before what the name resembles
        written = ours
    return ModelRef(record.provider, str(written) if isinstance(written, str) else ours, ours)


def read_conditions(record: CostRecord) -> Conditions:
    """The conditions of a record's price, from its metadata."""
    tier, context = record.metadata.get("price_tier"), record.metadata.get("price_context")
    return Conditions(
        cast(Tier, tier) if tier in get_args(Tier) else "request",
        {key: str(value) for key, value in context.items()} if isinstance(context, dict) else {},
    )


def _read_count(value: JSON) -> int:
    return value if isinstance(value, int) and value > 0 else 0
