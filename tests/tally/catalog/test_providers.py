"""Providers are found by any of their names, and the database knows the same ones."""

import re
from pathlib import Path

import pytest

from tally.catalog.providers import PROVIDERS, find_provider

MIGRATIONS = Path(__file__).parents[3] / "database" / "migrations"


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("OPENAI", "openai"),
        ("Open AI", "openai"),
        ("ChatGPT Plus", "chatgpt"),
        ("Anthropic", "anthropic"),
        ("Claude", "claude-desktop"),
        ("claude.ai", "claude-desktop"),
        ("Claude API", "anthropic"),
        ("Google", "google"),
        ("Gemini API", "google"),
        ("Gemini", "gemini-app"),
        ("X.AI", "xai"),
        ("Grok", "xai"),
        ("Groq", "groq"),
        ("GitHub Copilot", "github-copilot"),
        ("AWS Bedrock", "aws-bedrock"),
        ("Azure OpenAI", "azure"),
        ("Hugging Face", "huggingface"),
        ("HuggingFace", "huggingface"),
        ("eleven_labs", "elevenlabs"),
        ("Acme", None),
        ("", None),
    ],
)
def test_provider_is_found_by_its_names(name: str, slug: str | None) -> None:
    assert find_provider(name) == slug


def test_every_slug_and_display_name_means_its_provider() -> None:
    for slug, display_name in PROVIDERS.items():
        assert find_provider(slug) == slug
        assert find_provider(display_name) == slug


def test_database_is_seeded_with_exactly_these_providers() -> None:
    sql = "".join(path.read_text(encoding="utf-8") for path in sorted(MIGRATIONS.glob("*.sql")))
    seeds = "".join(re.findall(r"insert into public\.providers.*?on conflict", sql, re.DOTALL))
    assert dict(re.findall(r"\('[-0-9a-f]{36}', '([^']+)', '([^']+)', ", seeds)) == PROVIDERS
