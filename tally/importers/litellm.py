"""LiteLLM's spend: its request log (`LiteLLM_SpendLogs`) and daily sums (`LiteLLM_DailyUserSpend`).

Both are CSV or JSON exports of these tables. What its `generic_api` callback sends is read, too, as JSON.

- Spend is calculated by LiteLLM, so it is an estimate; a provider's bill is effective where there is one.
  Zero or none for used tokens means that LiteLLM knew no price: they get the list price, or stay unpriced.
  Self-hosted models cost nothing; requests on a plan (ChatGPT, GitHub Copilot) are included.
- A failed request costs its spend, also zero: providers do not charge for errors.
- An answer from LiteLLM's own cache (`cache_hit`) used no tokens and cost nothing; what it saved is kept.
- Prompt tokens contain the cached ones, unless there are more cached ones than prompt tokens.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from tally.catalog.hosts import LOCAL, find_host
from tally.catalog.models import canonical_model
from tally.catalog.payees import OTHER, find_maker, find_payee
from tally.core.records import JSON, NO_MODEL, CostRecord, identity
from tally.importers.exports import Dimensions, Numbers, billing_account, utc_day, utc_time
from tally.importers.gateways import EventName, Reported, name_request, price_reported
from tally.importers.protocol import Options, Parsed, choose, read_rows
from tally.importers.readers.decoding import ImportRefused
from tally.importers.readers.json_rows import flatten_json
from tally.importers.readers.table import Table
from tally.pricing.usage import STANDARD, SUM_OF_REQUESTS, Conditions, ModelRef, Usage

name = "litellm"
title = "LiteLLM spend"

HEADER = frozenset({"request_id", "starttime", "model", "spend", "prompt_tokens", "completion_tokens"})
HEADER_OF_DAYS = frozenset({"date", "model", "spend", "api_requests", "prompt_tokens", "completion_tokens"})
HEADER_OF_PAYLOADS = frozenset({"id", "call_type", "starttime", "model", "response_cost", "prompt_tokens"})
OF_PAYLOADS = {"id": "request_id", "response_cost": "spend"}  # their keys, and the log's columns
DAILY = "litellm_daily"
NAMED = ("model", "custom_llm_provider", "request_id")
NAMED_DAYS = ("model", "custom_llm_provider", "user_id", "api_key")
DETAILS = ("call_type", "model_group", "user", "end_user", "team_id", "session_id", "status")
COUNTS = ("prompt_tokens", "completion_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
# Paths in a request's metadata to counts that have no column; they differ between providers.
CACHE_READ = (
    "usage_object.cache_read_input_tokens",
    "usage_object.prompt_tokens_details.cached_tokens",
    "additional_usage_values.cache_read_input_tokens",
    "additional_usage_values.prompt_tokens_details.cached_tokens",
)
CACHE_WRITE = (
    "usage_object.cache_creation_input_tokens",
    "additional_usage_values.cache_creation_input_tokens",
)
CACHE_WRITE_1H = (
    "usage_object.cache_creation.ephemeral_1h_input_tokens",
    "usage_object.prompt_tokens_details.cache_creation_token_details.ephemeral_1h_input_tokens",
    "additional_usage_values.cache_creation.ephemeral_1h_input_tokens",
)
REASONING = (
    "usage_object.completion_tokens_details.reasoning_tokens",
    "additional_usage_values.completion_tokens_details.reasoning_tokens",
)
STATUS = "status"  # where older versions have no column for it
# Providers whose requests a plan covers.
PLANS = frozenset({"chatgpt", "github-copilot"})

_COUNT = re.compile(r"[1-9][0-9]{0,14}")


def identify(header: Sequence[str]) -> bool:
    """Check whether the header is one of the request log, of daily sums or of a callback."""
    cells = {cell.casefold() for cell in header}
    return any(cells >= known for known in (HEADER, HEADER_OF_DAYS, HEADER_OF_PAYLOADS))


def parse(table: Table, options: Options) -> Parsed:
    """One estimated record per request, or per day, user, key and model."""
    if table.column("response_cost") is not None:
        table = replace(table, header=[OF_PAYLOADS.get(name.casefold(), name) for name in table.header])
    if table.column("request_id") is not None:
        return read_rows(table, _requests(table, options), combine=choose)
    if table.column("user_id") is None:
        raise ImportRefused(
            f"{table.filename} is LiteLLM's spend by team, tag or organization, which would count the same "
            "requests again. Export LiteLLM_DailyUserSpend or LiteLLM_SpendLogs instead."
        )
    return read_rows(table, _days(table, options))


def read_provider(cell: str, model: str) -> tuple[str, str]:
    """The provider's slug, and LiteLLM's name of one that has none; a blank cell is read from the model."""
    named = (cell or model.partition("/")[0] * ("/" in model)).lower()
    slug = find_payee(model, named) or OTHER
    is_named = find_host(named) == slug and slug not in (OTHER, LOCAL)
    return slug, "" if is_named or find_maker(model) == slug else named


def _requests(table: Table, options: Options) -> Callable[[Sequence[str]], CostRecord]:
    named, details = (
        Dimensions(table, NAMED),
        Dimensions(table, DETAILS, defaults={"status": ("success",)}),
    )
    numbers, time_of = Numbers(table, options, "spend", *COUNTS), utc_time(table, options, "starttime")
    cache_hit, status, inside = table.reader("cache_hit"), table.reader("status"), _inside(table)

    def read_row(cells: Sequence[str]) -> CostRecord:
        found, is_hit = named.read(cells), cache_hit(cells).lower() == "true"
        extras = _extras(inside, cells)
        told = read_usage(numbers, cells, extras)
        usage = Usage() if is_hit else told
        metadata: dict[str, JSON] = dict(details.shown(details.read(cells)))
        request_id = found["request_id"]
        request = (
            EventName(identity(name, options.account, request_id))
            if is_hit
            else name_request(name, options, request_id)
        )
        spend_usd = numbers.amount_if_any("spend", cells)
        if is_hit and spend_usd is None:
            spend_usd = Decimal(0)
        is_failed = (status(cells) or inside(cells, STATUS)).lower() == "failure"
        reported = Reported(
            time_of(cells),
            found["model"],
            request,
            spend_usd,
            usage,
            0 if is_hit else extras.reasoning,
            is_failed=is_failed,
            saved=told if is_hit else None,
        )
        return _make_record(reported, found["custom_llm_provider"], metadata, STANDARD, options)

    return read_row


def _days(table: Table, options: Options) -> Callable[[Sequence[str]], CostRecord]:
    named = Dimensions(table, NAMED_DAYS)
    numbers = Numbers(table, options, "spend", "api_requests", *COUNTS)
    day_of = utc_day(table, options, "date")

    def read_row(cells: Sequence[str]) -> CostRecord:
        found, when = named.read(cells), day_of(cells)
        usage = read_usage(numbers, cells, requests=numbers.count("api_requests", cells))
        metadata: dict[str, JSON] = {"user": found["user_id"]} if found["user_id"] else {}
        row = EventName(identity(DAILY, options.account, when.key, *found.values()))
        spend_usd = numbers.amount_if_any("spend", cells)
        reported = Reported(when, found["model"], row, spend_usd, usage, dataset=DAILY)
        return _make_record(reported, found["custom_llm_provider"], metadata, SUM_OF_REQUESTS, options)

    return read_row


class Extras(NamedTuple):
    """Counts of tokens in the metadata of a row."""

    read: int = 0
    write: int = 0
    write_1h: int = 0
    reasoning: int = 0


NO_EXTRAS = Extras()


def read_usage(
    numbers: Numbers, cells: Sequence[str], extras: Extras = NO_EXTRAS, requests: int = 1
) -> Usage:
    """The tokens of a row; cache counts from its metadata take precedence over its columns."""
    prompt, output, column_read, column_write = (numbers.count(column, cells) for column in COUNTS)
    read, write = extras.read or column_read, extras.write or column_write
    return Usage(
        input_tokens=prompt if prompt >= read + write else prompt + read + write,
        output_tokens=output,
        cached_input_tokens=read,
        cache_write_tokens=write,
        cache_write_1h_tokens=min(extras.write_1h, write),
        requests=requests,
    )


def _make_record(
    reported: Reported,
    provider_cell: str,
    metadata: dict[str, JSON],
    conditions: Conditions,
    options: Options,
) -> CostRecord:
    when, model, usage = reported.when, reported.model, reported.usage
    provider, provider_name = read_provider(provider_cell, model)
    model_name = canonical_model(model, when.timestamp.date()) or NO_MODEL
    if provider_name:
        metadata["provider_name"] = provider_name
    if model and model != model_name:
        metadata["model"] = model
    named = ModelRef(provider, model or model_name, model_name)
    return CostRecord(
        provider=provider,
        timestamp=when.timestamp,
        model_name=model_name,
        cost_usd=price_reported(reported, named, metadata, conditions),
        source_key=reported.name.source_key,
        cost_basis="included" if provider in PLANS else "estimated",
        **usage.token_counts,
        reasoning_tokens=reported.reasoning_tokens,
        request_count=usage.requests,
        day=when.day,
        request_id=reported.name.request_id,
        billing_account=None if provider in (OTHER, LOCAL) else billing_account(provider, options),
        dataset=reported.dataset,
        metadata=metadata,
    )


def _inside(table: Table) -> Callable[[Sequence[str], str], str]:
    """A reader of a path in a row's metadata, which is JSON in one cell or in columns of its own."""
    cell_of = table.reader("metadata")
    readers = {
        path: table.reader(f"metadata.{path}")
        for path in (*CACHE_READ, *CACHE_WRITE, *CACHE_WRITE_1H, *REASONING, STATUS)
    }

    @lru_cache(1_000)
    def read_cell(cell: str) -> Mapping[str, str]:
        return flatten_json(cell)

    return lambda cells, path: readers[path](cells) or read_cell(cell_of(cells)).get(path, "")


def _extras(inside: Callable[[Sequence[str], str], str], cells: Sequence[str]) -> Extras:
    def first(paths: Sequence[str]) -> int:
        texts = (inside(cells, path) for path in paths)
        return next((int(text) for text in texts if _COUNT.fullmatch(text)), 0)

    return Extras(*map(first, (CACHE_READ, CACHE_WRITE, CACHE_WRITE_1H, REASONING)))
