"""Answers of the usage and cost APIs of OpenAI and Anthropic as rows with the columns of their exports.

An answer is a page whose `data` are buckets of time with `results`. Buckets without results have no rows.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

BUCKETS, RESULTS = "data", "results"
# Columns of an export, and the paths of their values in a result.
OPENAI_COST = {"amount_value": "amount.value", "amount_currency": "amount.currency"}
ANTHROPIC_SHARED = {
    "usage_date_utc": "starting_at",
    "workspace": "workspace_id",
    "api_key": "api_key_id",
    "usage_type": "service_tier",
}
ANTHROPIC_USAGE = ANTHROPIC_SHARED | {
    "model_version": "model",
    "usage_input_tokens_no_cache": "uncached_input_tokens",
    "usage_input_tokens_cache_write_5m": "cache_creation.ephemeral_5m_input_tokens",
    "usage_input_tokens_cache_write_1h": "cache_creation.ephemeral_1h_input_tokens",
    "usage_input_tokens_cache_read": "cache_read_input_tokens",
    "usage_output_tokens": "output_tokens",
    "web_search_count": "server_tool_use.web_search_requests",
}
CENTS = 100


def split_page(row: object) -> Iterator[object]:
    """One row for each result of a page or a bucket; any other row as it is."""
    if not isinstance(row, dict):
        yield row
    elif _is_list(row.get(BUCKETS)) and all(_is_list(part.get(RESULTS)) for part in row[BUCKETS]):
        for bucket in row[BUCKETS]:
            yield from split_page(bucket)
    elif _is_list(row.get(RESULTS)) and ("start_time" in row or "starting_at" in row):
        shared = {key: value for key, value in row.items() if key not in (RESULTS, "object")}
        for result in row[RESULTS]:
            yield _rename(shared | result)
    else:
        yield row


def _is_list(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(part, dict) for part in value)


def _rename(result: dict[str, Any]) -> dict[str, Any]:
    """The result with the columns of the provider's export; of an unknown kind, as it is."""
    if "uncached_input_tokens" in result:
        return _pick(result, ANTHROPIC_USAGE)
    if "starting_at" in result and str(result.get("currency")).casefold() == "usd":
        return _pick(result, ANTHROPIC_SHARED) | {"cost_usd": _from_cents(result.get("amount"))}
    return _pick(result, OPENAI_COST) if isinstance(result.get("amount"), dict) else result


def _pick(result: dict[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
    taken = {path.partition(".")[0] for path in columns.values()}
    others = {key: value for key, value in result.items() if key not in taken}
    return {column: _find(result, path) for column, path in columns.items()} | others


def _find(result: Mapping[str, Any], path: str) -> Any:
    outer, _, inner = path.partition(".")
    value = result.get(outer)
    return value.get(inner) if inner and isinstance(value, dict) else None if inner else value


def _from_cents(amount: object) -> str:
    """US dollars of an amount in cents; as written where it is no number."""
    try:
        return str(Decimal(str(amount)) / CENTS)
    except InvalidOperation:
        return str(amount)
