"""Prices of the catalogue at a workspace's own mix, and its own models in it."""

from datetime import date
from decimal import Decimal

import pytest

from tally.catalog.entries import Entry, find_entry
from tally.pricing.catalogue_prices import find_mix, price_entries, price_entry
from tally.pricing.custom_models import CustomModel, make_entries
from tally.pricing.custom_prices import NO_CUSTOM_PRICES, CustomPrice, CustomPrices

DAY = date(2026, 11, 30)
MIX = {"input": Decimal("0.5"), "cached": Decimal("0.4"), "output": Decimal("0.1")}


def priced(model: str, usd: str | None) -> Entry:
    """A model whose input and output cost the same."""
    prices = {} if usd is None else {"input": Decimal(usd), "output": Decimal(usd)}
    return Entry("openai", model, prices={"litellm": {"standard": prices}})


def own(model: str, usd: int, replaces_list: bool = False) -> CustomPrice:
    """A price of the workspace, whose cached input costs nothing."""
    return CustomPrice(
        "openai", model, date(2026, 1, 1), Decimal(usd), Decimal(usd), Decimal(0), replaces_list=replaces_list
    )


def test_cheapest_come_first_and_those_without_a_price_last() -> None:
    entries = [priced("a", None), priced("b", "3"), priced("c", "0"), priced("d", "1")]
    found = price_entries(entries, MIX, NO_CUSTOM_PRICES, DAY)
    assert [(each.entry.model, each.at_mix) for each in found] == [("c", 0), ("d", 1), ("b", 3), ("a", None)]


@pytest.mark.parametrize(
    ("listed", "replaces_list", "at_mix", "is_own"),
    [("3", False, "3", False), ("3", True, "6", True), (None, False, "6", True)],
)
def test_own_prices_win_where_they_replace_the_list_or_none_is_there(
    listed: str | None, replaces_list: bool, at_mix: str, is_own: bool
) -> None:
    custom = CustomPrices([own("gpt-x", 10, replaces_list)])
    found = price_entry(priced("gpt-x", listed), MIX, custom, DAY)
    assert (found.at_mix, found.is_own) == (Decimal(at_mix), is_own)
    assert not price_entry(priced("gpt-y", "1"), MIX, custom, DAY).is_own


def test_mix_is_the_shares_of_all_tokens() -> None:
    assert find_mix(900, 400, 100, 100) == {
        "input": Decimal("0.4"),
        "cached": Decimal("0.4"),
        "cache_write": Decimal("0.1"),
        "output": Decimal("0.1"),
    }
    assert find_mix(0, 0, 0, 0) is None
    mix = find_mix(10, 40, 0, 10)  # as some sources tell cached input beside other input
    assert mix is not None
    assert sum(mix.values()) == 1


def test_own_models_can_do_what_their_base_can_and_have_no_list_price() -> None:
    [tuned, alone] = make_entries(
        [
            CustomModel("openai", "ft:gpt-4o:acme::1", "gpt-4o-2024-08-06", "Answers of support"),
            CustomModel("local", "house", "nothing-known"),
        ]
    )
    base = find_entry("openai", "gpt-4o")
    assert base is not None
    assert (tuned.can, tuned.context, tuned.base, tuned.is_own) == (
        base.can,
        base.context,
        "gpt-4o-2024-08-06",
        True,
    )
    assert tuned.find_prices(DAY) == {}
    assert (alone.base, alone.can, alone.context) == ("nothing-known", frozenset(), None)
