"""Searching the catalogue: words, slips, filters, and prices at a mix."""

from collections.abc import Mapping
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tally.catalog.entries import Entry, load_catalogue
from tally.catalog.search import Filters, Index, price_at_mix, split


@pytest.fixture(scope="module")
def index() -> Index:
    """The catalogue in the tree."""
    return Index(load_catalogue().entries)


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("gpt-5.2", ("openai", "gpt-5.2")),
        ("GPT 5.2", ("openai", "gpt-5.2")),
        ("gpt5.2", ("openai", "gpt-5.2")),
        ("claude-sonnet-4-5-20250929", ("anthropic", "claude-sonnet-4-5")),
        ("sonnet 4.5", ("anthropic", "claude-sonnet-4-5")),
        ("bedrock sonnet 4.5", ("aws-bedrock", "claude-sonnet-4-5")),
        ("amazon bedrock sonnet 4.5", ("aws-bedrock", "claude-sonnet-4-5")),
        # A wrong, a missing and a spare letter, two exchanged, a digit within a word.
        ("claude sonmet 4.5", ("anthropic", "claude-sonnet-4-5")),
        ("cluade sonet 4.5", ("anthropic", "claude-sonnet-4-5")),
        ("gemini 2.5 fllash", ("google", "gemini-2.5-flash")),
        ("mistrla large", ("mistral", "mistral-large")),
        ("ge0ini 2.5 flash", ("google", "gemini-2.5-flash")),
    ],
)
def test_words_find_their_model_first(index: Index, query: str, first: tuple[str, str]) -> None:
    found = index.search(query)
    assert found
    assert found[0].key == first


def test_a_number_is_whole(index: Index) -> None:
    names = {entry.model for entry in index.search("gpt-5 openai") if entry.provider == "openai"}
    assert "gpt-5" in names
    assert not {name for name in names if name.startswith("gpt-55") or name == "gpt-4o"}
    assert index.search("gpt-987654") == []


@pytest.mark.parametrize("query", ["", "   ", "--", "%", "…"])
def test_query_without_words_finds_all(index: Index, query: str) -> None:
    assert len(index.search(query)) == len(index.entries)


@pytest.mark.parametrize(
    "query", ["zzzzqqqq", "x" * 10_000, "gpt " * 1_000 + "zzzzqqqq", "'; drop table", "\0\n"]
)
def test_odd_queries_are_answered(index: Index, query: str) -> None:
    assert len(index.search(query)) <= len(index.entries)


@given(st.data())
@settings(max_examples=25, deadline=None)
def test_a_wrong_letter_still_finds(index: Index, data: st.DataObject) -> None:
    entry = data.draw(st.sampled_from([each for each in index.entries if has_word(each.model)]))
    places = [at for at, letter in enumerate(entry.model) if letter.isascii() and letter.isalpha()]
    within = [at for at in places if is_in_long_word(entry.model, at)]
    at = data.draw(st.sampled_from(within))
    letter = data.draw(st.sampled_from("abcdefghijklmnopqrstuvwxyz"))
    typed = entry.model[:at] + letter + entry.model[at + 1 :]
    found = index.search(typed)
    is_another = any(split(typed) in " ".join(map(split, (each.model, *each.names))) for each in found)
    assert entry in found or is_another, typed


def has_word(name: str) -> bool:
    """True for a name that has a word of four letters, and is short enough to be typed."""
    return len(name) < 30 and name.isascii() and any(is_in_long_word(name, at) for at in range(len(name)))


def is_in_long_word(name: str, at: int) -> bool:
    """True within a word of four letters or more."""
    if not name[at].isalpha():
        return False
    start = end = at
    while start > 0 and name[start - 1].isalpha():
        start -= 1
    while end < len(name) and name[end].isalpha():
        end += 1
    return end - start >= 4


def entry(model: str = "m", **facts: object) -> Entry:
    """An entry of the provider `openai`."""
    return Entry("openai", model, **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (Filters(), {"chat", "pictures", "unknown"}),
        (Filters(providers=frozenset({"google"})), set()),
        (Filters(can=frozenset({"tools"})), {"chat"}),
        (Filters(can=frozenset({"tools", "video"})), set()),
        (Filters(takes=frozenset({"image"})), {"chat"}),
        (Filters(gives=frozenset({"image"})), {"pictures"}),
        (Filters(modes=frozenset({"image_generation"})), {"pictures"}),
        (Filters(min_context=200_000), {"chat"}),
        (Filters(min_context=200_001), set()),
        (Filters(has_open_weights=True), {"pictures"}),
        (Filters(has_open_weights=False), {"chat"}),
        (Filters(keys=frozenset({("openai", "chat"), ("google", "pictures")})), {"chat"}),
    ],
)
def test_filters_admit_what_has_all_of_it(filters: Filters, found: set[str]) -> None:
    index = Index(
        [
            entry(
                "chat",
                can=frozenset({"tools", "images"}),
                takes=("image", "text"),
                gives=("text",),
                context=200_000,
                has_open_weights=False,
            ),
            entry("pictures", mode="image_generation", gives=("image",), has_open_weights=True),
            entry("unknown"),
        ]
    )
    assert {each.model for each in index.search("", filters)} == found
    assert {each.model for each in index.search("openai", filters)} == found


MIX = {"input": Decimal("0.6"), "cached": Decimal("0.3"), "output": Decimal("0.1")}


@pytest.mark.parametrize(
    ("prices", "usd"),
    [
        ({"input": "3", "cached": "0.3", "output": "15"}, "3.39"),
        ({"input": "3", "output": "15"}, "4.2"),  # reads of the cache cost what input costs
        ({"input": "0", "cached": "0", "output": "0"}, "0"),
        ({"input": "3"}, None),
        ({"output": "15"}, None),
        ({"image": "0.04"}, None),
        ({}, None),
    ],
)
def test_price_at_a_mix(prices: Mapping[str, str], usd: str | None) -> None:
    found = price_at_mix({name: Decimal(each) for name, each in prices.items()}, MIX)
    assert found == (None if usd is None else Decimal(usd))


def test_classes_that_are_not_in_the_mix_need_no_price() -> None:
    assert price_at_mix({"input": Decimal(2)}, {"input": Decimal(1), "output": Decimal(0)}) == 2
