"""Names of service tiers, and the prices that they lead to."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tally.pricing.list_prices import price
from tally.pricing.service_tiers import find_condition
from tally.pricing.usage import Conditions, Usage
from tests.every_case import every_case

AT = datetime(2026, 9, 16, 12, tzinfo=UTC)
USAGE = Usage(input_tokens=100_000, output_tokens=1_000)


@every_case(
    [
        ("flex", ("service_tier", "flex")),
        ("flex-tier", ("service_tier", "flex")),
        ("Flex Tier", ("service_tier", "flex")),
        ("FLEX_TIER", ("service_tier", "flex")),
        ("priority-tier", ("service_tier", "priority")),
        (" Priority ", ("service_tier", "priority")),
        ("fast", ("service_tier", "fast")),
        ("batch", ("processing", "batch")),
        ("Batch API", ("processing", "batch")),
        ("", None),
        ("default", None),
        ("default-tier", None),
        ("Standard", None),
        ("on_demand", None),
        ("auto", None),
        ("incentivized-tier", ("service_tier", "incentivized")),
        ("scale", ("service_tier", "scale")),
    ]
)
def test_every_spelling_of_a_tier_is_one_condition(tier: str, condition: tuple[str, str] | None) -> None:
    assert find_condition(tier) == condition


@pytest.mark.parametrize("tier", ["flex-tier", "batch", "default-tier"])
def test_known_tiers_have_their_own_price(tier: str) -> None:
    condition = find_condition(tier)
    priced = price("openai", "gpt-5.5", USAGE, AT, Conditions(context=dict([condition] if condition else [])))
    standard = price("openai", "gpt-5.5", USAGE, AT)
    assert standard.cost_usd
    assert priced.cost_usd == standard.cost_usd / (1 if condition is None else 2)
    assert "standard price" not in (priced.note or "")


def test_unknown_tier_has_the_standard_price_with_a_note() -> None:
    priced = price("openai", "gpt-5.5", USAGE, AT, Conditions(context={"service_tier": "incentivized"}))
    assert priced.cost_usd == price("openai", "gpt-5.5", USAGE, AT).cost_usd == Decimal("0.53")
    assert priced.note == "standard price: none is known for incentivized"
