"""Prices of a million tokens at a mix."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.figures.price_mix import (
    TOKENS,
    Mix,
    Model,
    find_mix,
    find_prices,
    follow_price,
    list_months,
    price_million,
)
from tally.pricing.workspace_prices import LIST_PRICES

DAY = date(2026, 5, 20)
OPUS = Model("anthropic", "claude-opus-4-5")
COUNTS: st.SearchStrategy[Decimal] = st.integers(0, 10**12).map(Decimal)


@given(st.lists(COUNTS, min_size=5, max_size=5).filter(lambda counts: any(counts)))
def test_a_mix_adds_up_to_one_and_reasoning_is_output(numbers: list[Decimal]) -> None:
    names = ("input", "cache_read", "cache_write", "output", "reasoning")
    mix = find_mix(dict(zip(names, numbers, strict=True)) | {"other": Decimal(5)})
    assert mix is not None
    assert abs(sum(mix, Decimal(0)) - 1) < Decimal("1e-20")
    assert abs(mix.output * sum(numbers, Decimal(0)) - numbers[3] - numbers[4]) < 1


def test_tokens_that_are_not_split_have_no_mix() -> None:
    assert find_mix({"other": Decimal(5)}) is None


@given(st.integers(0, TOKENS), st.integers(0, TOKENS))
def test_the_price_at_a_mix_is_the_sum_of_its_parts(one: int, other: int) -> None:
    cached, output = sorted((one, other))[0], TOKENS - max(one, other)
    mix = Mix(*(Decimal(each) / TOKENS for each in (TOKENS - cached - output, cached, 0, output)))
    found = find_prices(OPUS, mix, LIST_PRICES, DAY)
    assert None not in found
    parts = (
        (found.input or 0) * mix.input + (found.cached or 0) * mix.cached + (found.output or 0) * mix.output
    )
    assert found.at_mix == pytest.approx(parts)
    assert (found.input, found.cached, found.output) == (Decimal(5), Decimal("0.5"), Decimal(25))


def test_an_unknown_model_has_no_price() -> None:
    mix = Mix(Decimal(1), Decimal(0), Decimal(0), Decimal(0))
    assert price_million(Model("openai", "house-model"), mix, LIST_PRICES, DAY) is None
    assert follow_price(Model("openai", "house-model"), mix, LIST_PRICES, [DAY]) == [None]


def test_months_end_today_and_name_no_day_twice() -> None:
    assert list_months(DAY, 3) == [date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1), DAY]
    assert list_months(date(2026, 1, 1), 2) == [date(2025, 12, 1), date(2026, 1, 1)]
