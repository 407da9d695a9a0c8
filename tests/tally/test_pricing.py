"""List prices: dated, by token class, never zero for what is unknown; expected values worked out by hand."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tally.pricing import Tier, Usage, price

NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)
SONNET_4 = "claude-sonnet-4-20250514"


@pytest.mark.parametrize(
    ("provider", "model", "usage", "cost_usd"),
    [
        ("openai", "gpt-4o", Usage(1000, 100), "0.0035"),
        ("openai", "gpt-4o", Usage(10_000, 500, cached_input_tokens=8000), "0.020"),
        ("anthropic", SONNET_4, Usage(10_000, 500, 6000, 3000), "0.02355"),
        ("anthropic", SONNET_4, Usage(10_000, 500, 6000, 3000, cache_write_1h_tokens=1000), "0.0258"),
        ("anthropic", "claude-sonnet-4-5", Usage(web_searches=10), "0.10"),
        ("google", "gemini-2.5-pro", Usage(150_000, 1000), "0.1975"),
        ("google", "gemini-2.5-pro", Usage(250_000, 1000), "0.640"),
        ("google", "gemini-2.5-pro", Usage(250_000, 1000, 100_000), "0.415"),
    ],
)
def test_each_class_of_tokens_has_its_price(provider: str, model: str, usage: Usage, cost_usd: str) -> None:
    assert price(provider, model, usage, NOVEMBER).cost_usd == Decimal(cost_usd)


def test_price_is_that_of_the_day() -> None:
    usage = Usage(1_000_000)
    assert price("openai", "o3", usage, datetime(2025, 5, 1, tzinfo=UTC)).cost_usd == 10
    assert price("openai", "o3", usage, NOVEMBER).cost_usd == 2


@pytest.mark.parametrize(("tier", "cost_usd"), [("request", 10), ("short", 5), ("long", 10), ("unknown", 5)])
def test_sum_of_requests_is_not_priced_as_one_long_request(tier: Tier, cost_usd: int) -> None:
    priced = price("openai", "gpt-5.5", Usage(1_000_000), NOVEMBER, tier=tier)
    assert priced.cost_usd == cost_usd
    assert (priced.note is not None) == (tier == "unknown")


def test_batch_has_its_own_price_where_one_is_known() -> None:
    batch = {"processing": "batch"}
    known = price("openai", "o3", Usage(1_000_000), NOVEMBER, context=batch)
    unknown = price("openai", "o3", Usage(1_000_000), datetime(2025, 5, 1, tzinfo=UTC), context=batch)
    assert (known.cost_usd, known.note) == (Decimal(1), None)
    assert (unknown.cost_usd, unknown.note) == (Decimal(10), "standard price: none is known for batch")


@pytest.mark.parametrize(
    ("provider", "model", "usage"),
    [
        ("openai", "model-nobody-knows", Usage(1000)),
        ("cursor", "composer-1", Usage(1000)),
        ("other", "", Usage(1000)),
        ("openai", "whisper-1", Usage(1000)),
        ("openai", "gpt-4o", Usage(1000, input_audio_tokens=10)),
    ],
)
def test_what_has_no_price_is_unpriced_and_never_free(provider: str, model: str, usage: Usage) -> None:
    assert price(provider, model, usage, NOVEMBER).cost_usd is None


def test_contradicting_counts_are_unpriced_with_a_note() -> None:
    priced = price("openai", "gpt-4o", Usage(10, cached_input_tokens=20), NOVEMBER)
    assert priced.cost_usd is None
    assert priced.note == "the price could not be calculated: more cached tokens than input tokens"
