"""The cost of a model's requests on another model, by the prices of both."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from tally.core.records import CostRecord, InvalidRecord, identity
from tally.pricing.estimate import EXTRA_COUNTS, price_record
from tally.pricing.listed_models import MAKERS, list_models
from tally.pricing.workspace_prices import WorkspacePrices

COUNTS = ("input_tokens", "output_tokens", "cached_input_tokens", "cache_write_tokens", "request_count")
PRICED_BY = (*EXTRA_COUNTS, "price_tier", "price_context")  # metadata on which a price depends


class Switch(NamedTuple):
    """The same requests on two models: the other's cost as a share of the one's, and how many were priced."""

    ratio: Decimal
    requests: int


def read_requests(rows: Iterable[Mapping[str, Any]], providers: Mapping[str, str]) -> list[CostRecord]:
    """Recent usage of a model as records; `providers` maps id to slug."""
    records = []
    for row in rows:
        metadata = {name: row["metadata"][name] for name in PRICED_BY if name in row["metadata"]}
        counts: dict[str, Any] = {name: row[name] or 0 for name in COUNTS}
        try:
            record = CostRecord(
                provider=providers[row["provider_id"]],
                timestamp=datetime.fromisoformat(row["timestamp"]).astimezone(UTC),
                model_name=row["model_name"],
                cost_usd=None,
                source_key=identity(row["id"]),
                cost_basis="estimated",
                billing_account=row["billing_account"],
                metadata=metadata,
                **counts,
            )
        except (InvalidRecord, KeyError):
            continue
        records.append(record)
    return records


def compare_models(
    records: Sequence[CostRecord], provider: str, model: str, prices: WorkspacePrices, at: datetime
) -> Switch | None:
    """Price requests as they are and on another model, at the prices of `at`; None where either has none."""
    was, will_be, requests = Decimal(0), Decimal(0), 0
    for record in records:
        today = replace(record, timestamp=at)
        one = price_record(today, prices).cost_usd
        moved = replace(today, provider=provider, model_name=model, billing_account=None)
        other = price_record(moved, prices).cost_usd
        if one is not None and other is not None:
            was, will_be = was + one, will_be + other
            requests += record.request_count or 1
    return Switch(will_be / was, requests) if was > 0 else None


def list_targets(used: Mapping[str, str], prices: WorkspacePrices, model: str) -> dict[str, str]:
    """Models to switch to, with their providers: those in use, then those with custom or list prices."""
    custom = {price.model_name: price.provider for price in prices.custom}
    listed = {name: maker for maker in reversed(MAKERS) for name in list_models(maker)}
    known = [*used.items(), *sorted(custom.items()), *sorted(listed.items())]
    targets: dict[str, str] = {}
    for name, provider in known:
        if name != model:
            targets.setdefault(name, provider)
    return targets
