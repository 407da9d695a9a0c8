"""Shared parts of gateways and tracers, which report requests to many providers."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from tally.catalog.models import canonical_model
from tally.catalog.payees import find_payee
from tally.core.records import JSON, NO_MODEL, REQUESTS, CostRecord, identity, request_identity
from tally.importers.exports import Bucket, Dimensions, billing_account
from tally.importers.protocol import Options
from tally.importers.readers.table import Table
from tally.pricing.cache_answers import describe_answer
from tally.pricing.estimate import estimate
from tally.pricing.usage import STANDARD, Conditions, ModelRef, Usage

# Prefixes of request ids from providers; gateways generate others.
PROVIDER_ID_PREFIXES = ("msg_", "chatcmpl-", "resp_", "gen-")


class EventName(NamedTuple):
    """Identity of an event, and the provider's own id of it where that is known."""

    source_key: UUID
    request_id: str | None = None


def name_request(importer_name: str, options: Options, request_id: str) -> EventName:
    """The name of a request, by the provider's id or by the gateway's."""
    if request_id.startswith(PROVIDER_ID_PREFIXES):
        return EventName(request_identity(request_id), request_id)
    return EventName(identity(importer_name, options.account, request_id))


@dataclass(frozen=True, slots=True)
class Reported:
    """One row of usage as a gateway reported it; no cost is unknown, 0 too unless the request failed."""

    when: Bucket
    model: str
    name: EventName
    cost_usd: Decimal | None
    usage: Usage
    reasoning_tokens: int = 0
    dataset: str = REQUESTS
    is_failed: bool = False
    hint: str = ""  # the provider as the source names it
    conditions: Conditions = STANDARD
    saved: Usage | None = None  # by a cache of the gateway, which answered

    @property
    def is_unpriced(self) -> bool:
        """Check whether used tokens have no cost, because the gateway knows no price of the model."""
        if self.cost_usd is None:
            return True
        return not (self.cost_usd or self.is_failed) and bool(
            self.usage.input_tokens + self.usage.output_tokens
        )


def make_record(reported: Reported, gateway: str, metadata: dict[str, JSON], options: Options) -> CostRecord:
    """The record of a request, at the gateway's cost, or at list price where it knew none."""
    when, model, usage = reported.when, reported.model, reported.usage
    payee = find_payee(model, reported.hint, ids=[reported.name.request_id or ""])
    model_name = canonical_model(model, when.timestamp.date()) or NO_MODEL
    provider = payee or gateway
    if model and model != model_name:
        metadata["model"] = model
    named = ModelRef(provider, model or model_name, model_name)
    return CostRecord(
        provider=provider,
        timestamp=when.timestamp,
        model_name=model_name,
        cost_usd=price_reported(reported, named, metadata, reported.conditions),
        source_key=reported.name.source_key,
        cost_basis="estimated",
        **usage.token_counts,
        reasoning_tokens=reported.reasoning_tokens,
        request_count=1,
        day=when.day,
        request_id=reported.name.request_id,
        billing_account=billing_account(payee, options) if payee else None,
        dataset=reported.dataset,
        metadata=metadata,
    )


def price_reported(
    reported: Reported, model: ModelRef, metadata: dict[str, JSON], conditions: Conditions = STANDARD
) -> Decimal | None:
    """The cost as reported, else the list price; adds what has no column of its own to the metadata."""
    if written_1h := reported.usage.cache_write_1h_tokens:
        metadata["cache_write_1h_tokens"] = written_1h
    if reported.saved is not None:
        metadata |= describe_answer(model, reported.saved, reported.when.timestamp)
    if not reported.is_unpriced:
        return reported.cost_usd
    return estimate(metadata, model, reported.usage, reported.when.timestamp, conditions)


def normalise_columns(header: Sequence[str]) -> dict[str, str]:
    """Headings by one name for `startTime`, `start_time` and `Start Time`."""
    return {re.sub(r"[^a-z0-9.]", "", heading.casefold()): heading.casefold() for heading in reversed(header)}


def find_reader(table: Table, columns: Mapping[str, str], *names: str) -> Callable[[Sequence[str]], str]:
    """A reader of the first of these columns that exists."""
    return table.reader(next((columns[name] for name in names if name in columns), ""))


class Named:
    """Columns with any spelling of their headings, read under Tally's names; invalid names reject the row."""

    def __init__(self, table: Table, columns: Mapping[str, str], names: Mapping[str, str]) -> None:
        self._headings = {ours: columns[theirs] for theirs, ours in names.items() if theirs in columns}
        self._dimensions = Dimensions(table, [*self._headings.values()])

    def read(self, cells: Sequence[str]) -> dict[str, JSON]:
        """The filled cells of a row."""
        found = self._dimensions.read(cells)
        return {ours: found[heading] for ours, heading in self._headings.items() if found[heading]}
