"""Money that cached tokens save: prices of input less those of cached input, by the day they change."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tally.pricing import cache_prices
from tally.pricing.cache_prices import find_saving, list_cache_prices
from tally.pricing.custom_prices import CustomPrice, CustomPrices
from tally.pricing.workspace_prices import LIST_PRICES, WorkspacePrices
from tests.every_case import every_case

START = date(2026, 1, 1)


def custom(model: str, valid_from: date, cached: str | None, replaces: bool = False) -> CustomPrice:
    return CustomPrice(
        "openai",
        model,
        valid_from,
        Decimal(10),
        Decimal(20),
        None if cached is None else Decimal(cached),
        replaces_list=replaces,
    )


def test_saving_is_the_listed_difference() -> None:
    """gpt-5: 1.25 dollars a million of input, 0.125 cached."""
    assert find_saving("openai", "gpt-5", START) == Decimal("1.125")


def test_unlisted_model_has_no_price() -> None:
    [price] = list_cache_prices([("openai", "nobody-knows-this")], START, START + timedelta(days=90))
    assert price.describe() == {
        "provider": "openai",
        "model": "nobody-knows-this",
        "from": "2026-01-01",
        "usd_per_mtok": None,
    }


@every_case(
    [
        (custom("gpt-5", START, "4"), Decimal("1.125")),
        (custom("gpt-5", START, "4", replaces=True), Decimal(6)),
        (custom("gpt-5", START, None, replaces=True), Decimal(0)),
        (custom("house", START, "4"), Decimal(6)),
        (custom("house", START + timedelta(days=1), "4"), None),
    ]
)
def test_custom_price_applies_as_in_estimates(price: CustomPrice, saving: Decimal | None) -> None:
    prices = WorkspacePrices(CustomPrices([price]))
    assert find_saving("openai", price.model_name, START, prices) == saving


@given(changes=st.dictionaries(st.integers(0, 80), st.integers(0, 9), max_size=4), first=st.integers(0, 40))
def test_listed_changes_are_those_of_every_day(changes: dict[int, int], first: int) -> None:
    prices = WorkspacePrices(
        CustomPrices(
            custom("house", START + timedelta(days=day), str(cached)) for day, cached in changes.items()
        )
    )
    begin, end = START + timedelta(days=first), START + timedelta(days=first + 45)
    found = list_cache_prices([("openai", "house")], begin, end, prices)
    for day in (begin + timedelta(days=n) for n in range(46)):
        valid = [price for price in found if price.valid_from <= day]
        assert valid[-1].usd_per_mtok == find_saving("openai", "house", day, prices)


def test_a_change_within_a_month_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a model whose list price falls on the 17th."""
    change = date(2026, 2, 17)
    monkeypatch.setattr(
        cache_prices, "_find_listed", lambda _provider, _model, day: Decimal(3 if day < change else 2)
    )
    found = list_cache_prices([("openai", "gpt-5")], START, date(2026, 4, 10), LIST_PRICES)
    assert [(price.valid_from, price.usd_per_mtok) for price in found] == [
        (START, Decimal(3)),
        (change, Decimal(2)),
    ]


def test_prices_of_one_question_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_prices, "MAX_PRICES", 3)
    models = [("openai", f"model-{n}") for n in range(9)]
    assert len(list_cache_prices(models, START, START)) == 3
