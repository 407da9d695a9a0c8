"""List prices by day and token class, against values worked out by hand; unknown is never zero."""

from datetime import UTC, datetime
from decimal import Decimal
from importlib.metadata import version

import pytest

from tally.catalog.models import canonical_model
from tally.pricing.corrections import CORRECTIONS
from tally.pricing.list_prices import price, price_model
from tally.pricing.listed_models import is_listed
from tally.pricing.peak_hours import PeakHours
from tally.pricing.usage import SUM_OF_REQUESTS, Conditions, ModelRef, Tier, Usage
from tests.every_case import every_case

NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)
SONNET_4 = "claude-sonnet-4-20250514"


@every_case(
    [
        ("openai", "gpt-4o", Usage(1000, 100), "0.0035"),
        ("openai", "gpt-4o", Usage(10_000, 500, cached_input_tokens=8000), "0.020"),
        ("anthropic", SONNET_4, Usage(10_000, 500, 6000, 3000), "0.02355"),
        ("anthropic", SONNET_4, Usage(10_000, 500, 6000, 3000, cache_write_1h_tokens=1000), "0.0258"),
        ("anthropic", "claude-sonnet-4-5", Usage(web_searches=10), "0.10"),
        ("google", "gemini-2.5-pro", Usage(150_000, 1000), "0.1975"),
        ("google", "gemini-2.5-pro", Usage(250_000, 1000), "0.640"),
        ("google", "gemini-2.5-pro", Usage(250_000, 1000, 100_000), "0.415"),
    ]
)
def test_each_class_of_tokens_has_its_price(provider: str, model: str, usage: Usage, cost_usd: str) -> None:
    assert price(provider, model, usage, NOVEMBER).cost_usd == Decimal(cost_usd)


def test_price_depends_on_the_day() -> None:
    usage = Usage(1_000_000)
    assert price("openai", "o3", usage, datetime(2025, 5, 1, tzinfo=UTC)).cost_usd == 10
    assert price("openai", "o3", usage, NOVEMBER).cost_usd == 2


@every_case([("request", 10), ("short", 5), ("long", 10), ("unknown", 5)])
def test_sum_of_requests_is_not_priced_as_one_long_request(tier: Tier, cost_usd: int) -> None:
    priced = price("openai", "gpt-5.5", Usage(1_000_000), NOVEMBER, Conditions(tier))
    assert priced.cost_usd == cost_usd
    assert (priced.note is not None) == (tier == "unknown")


BATCH = Conditions(context={"processing": "batch"})


def test_batch_has_its_own_price_where_one_is_known() -> None:
    known = price("openai", "o3", Usage(1_000_000), NOVEMBER, BATCH)
    unknown = price("openai", "o1-preview", Usage(1_000_000), NOVEMBER, BATCH)
    assert (known.cost_usd, known.note) == (Decimal(1), None)
    assert unknown.cost_usd == price("openai", "o1-preview", Usage(1_000_000), NOVEMBER).cost_usd
    assert "standard price: none is known for batch" in str(unknown.note)


def test_batch_price_before_a_change_is_in_proportion_to_the_standard_price() -> None:
    priced = price("openai", "o3", Usage(1_000_000), datetime(2025, 5, 1, tzinfo=UTC), BATCH)
    assert priced.cost_usd == 5
    assert "batch price in proportion to that as of 2026-10-14" in str(priced.note)


def test_a_later_batch_price_applies_back_to_the_last_change_of_the_standard_price() -> None:
    priced = price("openai", "o3", Usage(1_000_000), datetime(2025, 6, 10, tzinfo=UTC), BATCH)
    assert (priced.cost_usd, priced.note) == (Decimal(1), "batch price as of 2026-10-14")


@every_case(
    [
        ("openai", "model-nobody-knows", Usage(1000)),
        ("cursor", "composer-1", Usage(1000)),
        ("other", "", Usage(1000)),
        ("openai", "whisper-1", Usage(1000)),
        ("openai", "gpt-4o", Usage(1000, input_audio_tokens=10)),
    ]
)
def test_usage_without_a_price_is_unpriced_and_never_free(provider: str, model: str, usage: Usage) -> None:
    assert price(provider, model, usage, NOVEMBER).cost_usd is None


def test_contradicting_counts_are_unpriced_with_a_note() -> None:
    priced = price("openai", "gpt-4o", Usage(10, cached_input_tokens=20), NOVEMBER)
    assert priced.cost_usd is None
    assert priced.note == "the price could not be calculated: more cached tokens than input tokens"


# Errors by a factor that other tools are known for.


@pytest.mark.parametrize(
    ("provider", "model"), [("anthropic", SONNET_4), ("openai", "gpt-5"), ("google", "gemini-2.5-flash")]
)
def test_cached_tokens_are_billed_once(provider: str, model: str) -> None:
    whole = price(provider, model, Usage(100_000), NOVEMBER).cost_usd
    cached = price(provider, model, Usage(100_000, 0, 100_000), NOVEMBER).cost_usd
    half = price(provider, model, Usage(100_000, 0, 50_000), NOVEMBER).cost_usd
    assert whole is not None
    assert cached is not None
    assert half == whole / 2 + cached / 2
    assert cached < whole


def test_cache_reads_of_a_long_session_are_not_priced_as_new_input() -> None:
    """A hundred turns with 99% of their input from the cache cost a tenth of new input."""
    turn = Usage(100_000, 0, cached_input_tokens=99_000)
    cost_usd = price("anthropic", SONNET_4, turn, NOVEMBER).cost_usd
    assert cost_usd == (1_000 * Decimal(3) + 99_000 * Decimal("0.30")) / 1_000_000


@every_case(
    [
        ("anthropic", SONNET_4, "0.1"),
        ("openai", "gpt-4o", "0.5"),
        ("openai", "gpt-4.1", "0.25"),
        ("openai", "gpt-5", "0.1"),
        ("google", "gemini-2.5-pro", "0.1"),
        ("xai", "grok-3", "0.25"),
        ("openrouter", "anthropic/claude-sonnet-4.5", "0.1"),
    ]
)
def test_the_cache_discount_depends_on_the_model(provider: str, model: str, share: str) -> None:
    whole = price(provider, model, Usage(1_000), NOVEMBER).cost_usd
    assert whole is not None
    assert price(provider, model, Usage(1_000, 0, 1_000), NOVEMBER).cost_usd == whole * Decimal(share)


@pytest.mark.parametrize(("input_tokens", "rate"), [(200_000, "6"), (200_001, "12")])
def test_one_hour_cache_writes_have_a_price_in_each_tier(input_tokens: int, rate: str) -> None:
    usage = Usage(input_tokens, 0, 0, input_tokens, input_tokens)
    priced = price("anthropic", "claude-sonnet-4-5", usage, NOVEMBER)
    assert priced.cost_usd == input_tokens * Decimal(rate) / 1_000_000


def test_the_tier_is_chosen_per_request_and_not_for_a_sum() -> None:
    requests = [price("google", "gemini-2.5-pro", Usage(100_000), NOVEMBER).cost_usd for _ in range(5)]
    sum_of_day = price("google", "gemini-2.5-pro", Usage(500_000, requests=5), NOVEMBER, SUM_OF_REQUESTS)
    assert sum_of_day.cost_usd == sum(cost_usd or 0 for cost_usd in requests) == Decimal("0.625")
    assert "may have had longer contexts" in str(sum_of_day.note)
    assert price("google", "gemini-2.5-pro", Usage(500_000), NOVEMBER).cost_usd == Decimal("1.25")


def test_old_usage_keeps_the_price_of_its_day() -> None:
    before, after = datetime(2025, 6, 9, tzinfo=UTC), datetime(2025, 6, 10, tzinfo=UTC)
    usage = Usage(1_000_000, 100_000)
    assert price("openai", "o3", usage, before).cost_usd == 10 + 4
    assert price("openai", "o3", usage, after).cost_usd == 2 + Decimal("0.8")


@every_case(
    [
        ("anthropic", "claude-opus-4-99"),
        ("anthropic", "claude-sonnet-99"),
        ("openai", "gpt-99"),
        ("openai", "gpt-5.99"),
        ("google", "gemini-99-pro"),
        ("xai", "grok-99"),
    ]
)
def test_a_model_newer_than_the_list_is_unpriced(provider: str, model: str) -> None:
    assert price(provider, model, Usage(1_000, 1_000), NOVEMBER).cost_usd is None


def test_a_price_has_the_version_of_the_list() -> None:
    priced = price("openai", "gpt-4o", Usage(1_000), NOVEMBER)
    assert (priced.price_source, priced.matched_model) == ("genai-prices", "openai/gpt-4o")
    assert priced.price_version == version("genai-prices")


@every_case([(provider,) for provider in ["cursor", "github-copilot", "windsurf", "other"]])
def test_resellers_have_the_vendors_prices(provider: str) -> None:
    priced = price(provider, "claude-opus-4-5", Usage(1_000_000), NOVEMBER)
    assert (priced.cost_usd, priced.matched_model) == (Decimal(5), "anthropic/claude-opus-4-5")


def test_a_correction_is_noted_and_ends_where_the_list_is_right() -> None:
    before = price("openai", "o3", Usage(1_000, 0, 1_000), datetime(2025, 6, 9, tzinfo=UTC))
    after = price("openai", "o3", Usage(1_000, 0, 1_000), datetime(2025, 6, 10, tzinfo=UTC))
    assert (before.cost_usd, before.note) == (
        Decimal("0.0025"),
        "as the provider published it, where the price list differs",
    )
    assert (after.cost_usd, after.note) == (Decimal("0.0005"), None)


def test_corrections_are_in_order_and_of_listed_models() -> None:
    for name, corrections in CORRECTIONS.items():
        provider, _, model = name.partition("/")
        assert is_listed(provider, model), name
        starts = [correction.constraint for correction in corrections]
        days = [start.first_day if isinstance(start, PeakHours) else start.start_date for start in starts]  # type: ignore[union-attr]
        assert days == sorted(days)


@every_case(
    [
        ("openrouter", "openrouter/anthropic/claude-sonnet-4.5", "openrouter/anthropic/claude-sonnet-4.5"),
        ("openrouter", "openrouter/z-ai/glm-4.6:exacto", "openrouter/z-ai/glm-4.6"),
        ("openrouter", "openai/gpt-5-mini-2025-08-07", "openrouter/openai/gpt-5-mini"),
        ("openrouter", "openai/gpt-oss-120b:nitro", "openrouter/openai/gpt-oss-120b"),
        ("groq", "groq/openai/gpt-oss-120b", "groq/openai/gpt-oss-120b"),
        ("cerebras", "cerebras/gpt-oss-120b", "cerebras/gpt-oss-120b"),
        ("openrouter", "openrouter/anthropic/claude-nova-9", None),
    ]
)
def test_route_before_a_name_hides_no_price(provider: str, written: str, listed: str | None) -> None:
    priced = price_model(ModelRef(provider, written, canonical_model(written)), Usage(1_000, 100), NOVEMBER)
    assert priced.matched_model == listed
    assert (priced.cost_usd is None) == (listed is None)
