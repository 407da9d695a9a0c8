"""A model is no advice where it is known to lack what the other one's calls may need."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tally.advice import capabilities
from tally.advice.facts import Cell, Facts, Tokens
from tally.advice.rules import caching, model_switch
from tally.catalog.entries import Entry, find_entry
from tests.tally.advice.test_find import WINDOW

OPUS = Cell(
    "anthropic",
    "claude-opus-4-6",
    requests=1_000,
    cost_usd=Decimal(80),
    tokens=Tokens(uncached=12_000_000, output=800_000),
    active_days=28,
    max_input=20_000,
)
HAIKU = replace(OPUS, model="claude-haiku-4-5", cost_usd=Decimal(16))
FACTS = Facts(WINDOW, Decimal(96), WINDOW[0], 28, [OPUS, HAIKU])


def with_haiku(monkeypatch: pytest.MonkeyPatch, **other: object) -> None:
    """Let the catalogue know something else about the cheaper model."""

    def find(provider: str, model: str) -> Entry | None:
        entry = find_entry(provider, model)
        return replace(entry, **other) if entry and model == HAIKU.model else entry  # type: ignore[arg-type]

    monkeypatch.setattr(capabilities, "find_entry", find)


def test_a_model_that_can_the_same_is_advice() -> None:
    [advice] = model_switch.find(FACTS)
    assert (advice.subject["model"], advice.subject["to_model"]) == (OPUS.model, HAIKU.model)
    assert not any("takes none" in told for told in advice.assumptions)


@pytest.mark.parametrize("other", [{"can": frozenset({"structured_output"})}, {"context": 10_000}])
def test_a_model_without_tools_or_context_is_none(
    monkeypatch: pytest.MonkeyPatch, other: dict[str, object]
) -> None:
    with_haiku(monkeypatch, **other)
    assert list(model_switch.find(FACTS)) == []


def test_what_a_model_does_not_take_is_an_assumption(monkeypatch: pytest.MonkeyPatch) -> None:
    with_haiku(monkeypatch, takes=("text",))
    [advice] = model_switch.find(FACTS)
    assert "These calls have no images or PDFs: claude-haiku-4-5 takes none." in advice.assumptions


@pytest.mark.parametrize(("tokens", "is_told"), [(5_000, True), (3_000, False)])
def test_prompts_that_are_too_short_for_a_models_cache_are_none(tokens: int, is_told: bool) -> None:
    """Opus 4.6 keeps prompts of 4,096 tokens and more."""
    uncached = tokens * OPUS.requests
    cell = replace(
        OPUS, tokens=Tokens(uncached=uncached, output=1), cost_usd=Decimal(uncached * 5) / 10**6,
        following=900, conversations=100, reusable=uncached * 9 // 10, fresh=uncached // 10,
    )  # fmt: skip
    assert bool(list(caching.find(replace(FACTS, cells=[cell])))) is is_told
