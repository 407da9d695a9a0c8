"""Days on which models retire, as taken from LiteLLM's list."""

from datetime import date

import pytest

from tally.catalog.models import canonical_model
from tally.catalog.providers import PROVIDERS
from tally.catalog.retirements import Retirement, find_retirement
from tests.tally.catalog.take_retirements import take


def entry(day: str | None = None, provider: str = "openai", successor: str | None = None) -> dict[str, str]:
    """A model of the list."""
    values = {"litellm_provider": provider, "deprecation_date": day, "successor_model": successor}
    return {name: value for name, value in values.items() if value is not None}


def test_retirement_names_the_day_and_the_successor() -> None:
    assert find_retirement("anthropic", "claude-sonnet-4-5") == Retirement(
        date(2026, 11, 30), "claude-sonnet-5-5"
    )


@pytest.mark.parametrize(
    ("provider", "model"), [("openai", "claude-sonnet-4-5"), ("nobody", "gpt-5"), ("", "")]
)
def test_model_without_a_day_is_unknown(provider: str, model: str) -> None:
    assert find_retirement(provider, model) is None


@pytest.mark.parametrize(
    ("models", "taken"),
    [
        ({"gpt-5": entry("2027-01-01")}, {"gpt-5": ["2027-01-01"]}),
        ({"gpt-5": entry("2027-01-01", successor="openai/gpt-6")}, {"gpt-5": ["2027-01-01", "gpt-6"]}),
        # A model's own day counts; without one, that of its last version, if each has one.
        ({"gpt-5": entry("2027-01-01"), "gpt-5-2025-08-07": entry("2026-12-11")}, {"gpt-5": ["2027-01-01"]}),
        (
            {"gpt-5-2025-03-01": entry("2026-11-01"), "gpt-5-2025-08-07": entry("2026-12-11")},
            {"gpt-5": ["2026-12-11"]},
        ),
        ({"gpt-5-2025-03-01": entry("2026-11-01"), "gpt-5-2025-08-07": entry()}, {}),
        ({"gpt-5": entry(), "gpt-5-2025-08-07": entry("2026-12-11")}, {}),
        # Long ago, no day, and what is no model of its own.
        ({"gpt-5": entry("2025-12-31")}, {}),
        ({"gpt-5": entry("soon")}, {}),
        ({"low/1024-x-1024/gpt-5": entry("2027-01-01"), "ft:gpt-5": entry("2027-01-01")}, {}),
    ],
)
def test_day_of_a_model_is_taken_from_its_versions(
    models: dict[str, dict[str, str]], taken: dict[str, list[str]]
) -> None:
    assert take(models).get("openai", {}) == taken


def test_providers_have_tallys_names() -> None:
    listed = {
        "gemini/g": entry("2027-01-01", "gemini"),
        "vertex_ai/c": entry("2027-01-01", "vertex_ai-anthropic_models"),
        "us.b": entry("2027-01-01", "bedrock_converse"),
        "x": entry("2027-01-01", "somebody"),
    }
    assert sorted(take(listed)) == ["aws-bedrock", "google"]


def test_file_is_of_known_providers_and_models_as_records_name_them() -> None:
    from tally.catalog.retirements import _load

    assert set(_load()) <= set(PROVIDERS)
    names = [model for models in _load().values() for model in models]
    assert [name for name in names if canonical_model(name) != name] == []
