"""Requests of a model on another one, by the prices of both."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

from app.figures.model_switch import compare_models, list_targets, read_requests
from tally.pricing.custom_prices import AMOUNTS, CustomPrices, parse_price
from tally.pricing.workspace_prices import LIST_PRICES, WorkspacePrices

NOW = datetime(2026, 11, 29, tzinfo=UTC)
OPENAI = {"id": "openai"}


def row(**values: Any) -> dict[str, Any]:
    counts = {
        "input_tokens": 1_000_000,
        "output_tokens": 0,
        "cached_input_tokens": 0,
        "cache_write_tokens": 0,
    }
    fixed = {"id": str(uuid4()), "provider_id": "id", "timestamp": "2026-11-20T10:00:00+00:00"}
    named = {
        "model_name": "gpt-5",
        "billing_account": None,
        "request_count": 3,
        "metadata": {"price_tier": "standard"},
    }
    return fixed | named | counts | values


def own_price(model: str, usd: str) -> WorkspacePrices:
    amounts = dict.fromkeys(AMOUNTS) | {
        "input_usd_per_mtok": usd,
        "output_usd_per_mtok": usd,
        "request_usd": "0",
    }
    stored = {
        "id": "1",
        "user_id": "1",
        "model_name": model,
        "valid_from": "2020-01-01",
        "replaces_list": True,
    }
    return WorkspacePrices(custom=CustomPrices([parse_price(stored | amounts, "openai")]))


def test_the_same_tokens_are_priced_on_both_models() -> None:
    switch = compare_models(read_requests([row()], OPENAI), "openai", "gpt-5-mini", LIST_PRICES, NOW)
    assert switch is not None
    assert (switch.ratio, switch.requests) == (Decimal("0.2"), 3)  # $0.25 instead of $1.25 a million


def test_own_prices_go_before_those_of_the_list() -> None:
    switch = compare_models(
        read_requests([row()], OPENAI), "openai", "gpt-5-mini", own_price("gpt-5-mini", "2.5"), NOW
    )
    assert switch is not None
    assert switch.ratio == 2


def test_a_model_without_a_price_is_not_compared() -> None:
    requests = read_requests([row()], OPENAI)
    assert compare_models(requests, "openai", "nobody-sells-this", LIST_PRICES, NOW) is None
    assert compare_models([], "openai", "gpt-5-mini", LIST_PRICES, NOW) is None


def test_rows_that_no_price_can_be_found_for_are_left_out() -> None:
    assert read_requests([row(provider_id="unknown"), row(input_tokens=-1)], OPENAI) == []


def test_models_in_use_come_first_and_the_model_itself_is_not_offered() -> None:
    targets = list_targets({"gpt-5": "openai", "house-model": "other"}, LIST_PRICES, "gpt-5")
    assert next(iter(targets.items())) == ("house-model", "other")
    assert "gpt-5" not in targets
    assert targets["claude-haiku-4-5"] == "anthropic"
