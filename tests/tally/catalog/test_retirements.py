"""Days on which models retire, as the catalogue has them."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tally.catalog.entries import load_catalogue
from tally.catalog.models import canonical_model
from tally.catalog.retirements import Retirement, find_retirement, list_retirements
from tests.tally.catalog.test_catalogue_file import chat, take


def test_retirement_names_the_day_and_the_successor() -> None:
    assert find_retirement("anthropic", "claude-sonnet-4-5") == Retirement(
        date(2026, 11, 30), "claude-sonnet-5-5"
    )


@pytest.mark.parametrize(
    ("provider", "model"), [("openai", "claude-sonnet-4-5"), ("nobody", "gpt-5"), ("", "")]
)
def test_model_without_a_day_is_unknown(provider: str, model: str) -> None:
    assert find_retirement(provider, model) is None


def test_days_are_those_of_the_catalogue() -> None:
    told = {
        entry.key: (entry.retires, entry.successor) for entry in load_catalogue().entries if entry.retires
    }
    assert len(told) > 400
    assert list_retirements(date.min, date.max) == told


def test_days_of_a_period_are_listed() -> None:
    day = date(2026, 11, 30)
    found = list_retirements(day, day)
    assert ("anthropic", "claude-sonnet-4-5") in found
    assert {one.day for one in found.values()} == {day}
    assert list_retirements(date(2019, 1, 1), date(2019, 12, 31)) == {}


@pytest.mark.parametrize(
    ("days", "taken"),
    [
        ({"gpt-5": "2027-01-01"}, "2027-01-01"),
        # A model's own day counts; without one, that of its last version, if each has one.
        ({"gpt-5": "2027-01-01", "gpt-5-2025-08-07": "2026-12-11"}, "2027-01-01"),
        ({"gpt-5": "2026-12-11", "gpt-5-2025-08-07": "2027-01-01"}, "2026-12-11"),
        ({"gpt-5-2025-03-01": "2026-11-01", "gpt-5-2025-08-07": "2026-12-11"}, "2026-12-11"),
        ({"gpt-5-2025-03-01": "2026-11-01", "gpt-5-2025-08-07": None}, None),
        ({"gpt-5": None, "gpt-5-2025-08-07": "2026-12-11"}, None),
        # No day, and what is no model of its own.
        ({"gpt-5": "soon"}, None),
        ({"gpt-5": None, "low/1024-x-1024/gpt-5": "2027-01-01", "ft:gpt-5": "2027-01-01"}, None),
    ],
)
def test_day_of_a_model_is_taken_from_its_versions(
    tmp_path: Path, days: dict[str, str | None], taken: str | None
) -> None:
    models: dict[str, Any] = {name: chat(deprecation_date=day) for name, day in days.items()}
    entry = take(tmp_path, models)["openai", "gpt-5"]
    assert entry.retires == (taken and date.fromisoformat(taken))


@pytest.mark.parametrize(
    ("name", "provider"),
    [
        ("gemini", "google"),
        ("vertex_ai-anthropic_models", "google"),
        ("bedrock_converse", "aws-bedrock"),
        ("github_copilot", "github-copilot"),
        ("fireworks_ai", "fireworks"),
    ],
)
def test_providers_have_tallys_names(tmp_path: Path, name: str, provider: str) -> None:
    [(found, _)] = take(tmp_path, {"m": chat(litellm_provider=name, deprecation_date="2027-01-01")})
    assert found == provider


def test_models_that_retire_have_the_names_of_records() -> None:
    names = [model for _, model in list_retirements(date.min, date.max)]
    assert [name for name in names if canonical_model(name) != name] == []
