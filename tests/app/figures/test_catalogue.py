"""Words, order and comparison of the catalogue."""

from datetime import date
from decimal import Decimal

import pytest

from app.figures.catalogue import (
    BEST,
    CHEAPEST,
    LONGEST,
    MOST_USED,
    Fact,
    arrange,
    compare,
    describe_retirement,
    describe_units,
    find,
    find_by_label,
    follow,
    label_entry,
    list_price_days,
    make_filters,
    name_kind,
    name_tier,
    price_successor,
)
from tally.catalog.entries import Entry, PriceSince, load_catalogue
from tally.pricing.catalogue_prices import PricedEntry

TODAY = date(2026, 11, 30)


def priced(model: str, usd: str | None = None, provider: str = "openai", **facts: object) -> PricedEntry:
    """A model with a price of input."""
    prices = {} if usd is None else {"input": Decimal(usd)}
    entry = Entry(provider, model, **facts)  # type: ignore[arg-type]
    return PricedEntry(entry, prices, None if usd is None else Decimal(usd))


def test_orders_put_the_wanted_first() -> None:
    models = [
        priced("gpt-5", "3", context=400),
        priced("gpt-5", "1", "azure", context=300),
        priced("gpt-4o", None, context=900),
        priced("claude-x", "2", "anthropic"),
    ]
    used = {("anthropic", "claude-x"): Decimal(0)}

    def arranged(order: str, is_found: bool = False) -> list[tuple[str, str]]:
        return [each.entry.key for each in arrange(models, order, used, is_found)]

    keys = [each.entry.key for each in models]
    assert arranged(CHEAPEST) == [keys[1], keys[3], keys[0], keys[2]]
    assert arranged(LONGEST)[:2] == [keys[2], keys[0]]
    assert arranged(MOST_USED) == arranged(BEST) == [keys[3], keys[0], keys[2], keys[1]]
    assert arranged(BEST, is_found=True) == keys


def test_two_models_differ_in_words() -> None:
    one = priced("a", "3", context=200_000, can=frozenset({"tools"}), takes=("text",))
    two = priced("b", "1.75", context=400_000, takes=("text",))
    facts = {fact.label: fact for fact in compare([one, two], {("openai", "a"): "$4.00"})}
    assert facts["Input"] == Fact("Input", ("$3.00", "$1.75"), "42% less")
    assert facts["Context"] == Fact("Context", ("200K", "400K"), "2.0 times as much")
    assert facts["Takes"].difference == "same"
    assert facts["Tools"].values == ("yes", "\N{EN DASH}")
    assert "Images" not in facts, "none of them is known to take images"
    assert facts["Spent, 90 days"].values == ("$4.00", "\N{EN DASH}")
    assert "Output" not in facts, "none of them has a price of output"
    assert len(compare([one] * 4, {})[0].values) == 4


@pytest.mark.parametrize(
    ("first", "second", "difference"),
    [
        ("1", "1.00", "same"),
        ("0", "1", "not free"),
        ("1", "0", "100% less"),
        (None, "1", ""),
        ("2", "3", "50% more"),
    ],
)
def test_difference_of_prices(first: str | None, second: str | None, difference: str) -> None:
    assert compare([priced("a", first), priced("b", second)], {})[0].difference == difference


@pytest.mark.parametrize(
    ("retires", "successor", "told"),
    [
        (date(2026, 12, 2), "gpt-6", "a of OpenAI retires in 2 days, on 2 Dec 2026. Its successor is gpt-6."),
        (date(2026, 12, 1), None, "a of OpenAI retires in 1 day, on 1 Dec 2026."),
        (TODAY, None, "a of OpenAI has been retired since 30 Nov 2026."),
        (None, "gpt-6", ""),
    ],
)
def test_retirement_in_words(retires: date | None, successor: str | None, told: str) -> None:
    assert describe_retirement(Entry("openai", "a", retires=retires, successor=successor), TODAY) == told


def test_course_begins_with_the_first_price_that_is_known() -> None:
    entry = Entry(
        "openai",
        "a",
        history=(
            PriceSince(date(2026, 3, 1), {"input": Decimal(3)}),
            PriceSince(date(2026, 6, 1), {"input": Decimal(2)}),
            PriceSince(date(2027, 1, 1), {"input": Decimal(1)}),
        ),
    )
    days = list_price_days([entry], date(2026, 1, 1), TODAY)
    assert days == [date(2026, 1, 1), date(2026, 3, 1), date(2026, 6, 1), TODAY]
    assert follow(entry, {"input": Decimal(1)}, days) == [None, 3.0, 2.0, 2.0]


def test_own_models_go_before_those_of_their_name_in_the_lists() -> None:
    own = Entry("openai", "gpt-5.2", is_own=True)
    found = find([own], "gpt-5.2", make_filters(None, None, [], {}))
    assert found[0] is own
    assert [entry.is_own for entry in found if entry.key == own.key] == [True]
    assert find_by_label(label_entry(own), [own]) is own
    listed = find_by_label(label_entry(own), [])
    assert listed is not None
    assert not listed.is_own


def test_labels_tell_entries_apart() -> None:
    labels = [label_entry(entry) for entry in load_catalogue().entries]
    assert len(set(labels)) == len(labels)


def test_other_units_and_tiers_are_named() -> None:
    assert describe_units({"image": Decimal("0.04"), "input": Decimal(1)}) == "$0.04 an image"
    assert [name_tier(each) for each in ("standard", "above_200000", "batch")] == [
        "Standard",
        "Above 200K tokens",
        "Batch",
    ]
    assert name_kind("image_generation") == "Image generation"
    assert name_kind("brand_new") == "Brand new"


def test_spend_at_the_successors_prices_is_by_the_mix() -> None:
    two, four, unpriced = priced("a", "2"), priced("b", "4"), priced("c", None)
    assert price_successor(two, four, Decimal(30)) == 60
    assert price_successor(two, unpriced, Decimal(30)) is price_successor(unpriced, two, Decimal(30)) is None
    assert price_successor(two, None, Decimal(30)) is None
