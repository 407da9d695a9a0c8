"""One model has one name, however it is written; what changes its price becomes a condition."""

from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tally.catalog.model_patterns import MOVING_ALIASES
from tally.catalog.models import canonical_model, read_model_name

CANONICAL = {
    "claude-sonnet-4-5": (
        "Claude Sonnet 4.5",
        "claude-sonnet-4-5-20250929",
        "claude-sonnet-4.5",
        "claude-4.5-sonnet",
        "claude-4.5-sonnet-thinking",
        "claude-sonnet-4-5@20250929",
        "claude-sonnet-4-5@default",
        "claude-sonnet-4-5-20250929[1m]",
        "CLAUDE-SONNET-4-5",
        "Anthropic: Claude Sonnet 4.5",
        "anthropic/claude-sonnet-4.5",
        "anthropic:claude-sonnet-4-5",
        "openrouter/anthropic/claude-sonnet-4.5:beta",
        "vertex_ai/claude-sonnet-4-5@20250929",
        "publishers/anthropic/models/claude-sonnet-4-5",
        "bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "jp.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "us-gov.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "anthropic.claude-sonnet-4-5-20250929-v1:0",
        "arn:aws:bedrock:us-east-1:123456789012:inference-profile/"
        "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "databricks-claude-sonnet-4-5",
        "sonnet-4.5-thinking",
        "Sonnet 4.5",
    ),
    "claude-opus-4-7": (
        "Claude Opus 4.7",
        "claude-opus-4-7[1m]",
        "Claude Opus 4.7 (1M context)",
        "Claude Opus 4.7 (Preview)",
        "claude-4.7-opus-high-thinking",
        "claude-opus-4-7-thinking-high",
        "claude-opus-4.7-1m-internal",
        "claude-opus-4-7-xhigh",
    ),
    "claude-sonnet-4": (
        "claude-sonnet-4-20250514",
        "claude-sonnet-4-0",
        "Claude 4 Sonnet",
        "claude-4-sonnet",
    ),
    "claude-3-5-haiku": ("Claude Haiku 3.5", "claude-3-5-haiku-20241022", "claude-3.5-haiku"),
    "claude-3-5-sonnet": (
        "claude-3-5-sonnet-v2@20241022",
        "Claude 3.5 Sonnet v2",
        "claude-3-5-sonnet-latest",
    ),
    "claude-3-haiku": ("Claude Haiku 3", "claude-3-haiku-20240307"),
    "claude-opus-5": ("Claude Opus 5", "claude-opus-5-latest", "claude-5-opus-max"),
    "gpt-5.5": (
        "GPT-5.5",
        "gpt-5.5-2026-04-23",
        "openai/gpt-5.5",
        "gpt-5-5",
        "GPT 5.5",
        "gpt-5.5-xhigh",
        "gpt-5.5-none",
        "OpenAI: GPT-5.5",
        "openai.gpt-5.5",
    ),
    "gpt-5.1-codex-max": ("GPT-5.1-Codex-Max", "gpt-5.1-codex-max-high", "gpt-5.1-codex-max-xhigh"),
    "gpt-5.6-sol": ("gpt-5.6", "gpt-5.6-sol-2026-08-21"),
    "gpt-4o": ("gpt-4o-2024-08-06", "gpt-4o-2024-11-20", "GPT-4o"),
    "gpt-5-mini": ("GPT-5 mini", "gpt-5-mini-2025-08-07"),
    "gpt-3.5-turbo": ("gpt-35-turbo", "azure/gpt-35-turbo"),
    "o3-mini": ("o3-mini-high", "o3-mini-2025-01-31", "o3 mini"),
    "gemini-2.5-pro": (
        "Gemini 2.5 Pro",
        "models/gemini-2.5-pro",
        "publishers/google/models/gemini-2.5-pro",
        "projects/p/locations/us-central1/publishers/google/models/gemini-2.5-pro",
        "gemini-2.5-pro-preview-05-06",
        "google-gla:gemini-2.5-pro",
        "gemini-2.5-pro-thinking",
    ),
    "gemini-2.5-flash": ("gemini-2.5-flash-preview-09-2025", "gemini-2.5-flash-latest"),
    "gemini-3-pro": ("gemini-3-pro-preview", "Gemini 3 Pro"),
    "grok-4": ("Grok-4", "grok-4-latest", "grok-4-0709", "xai/grok-4"),
    "glm-5.1": ("GLM-5.1", "zai-org/GLM-5.1", "z-ai/glm-5.1", "accounts/fireworks/models/glm-5p1"),
    "kimi-k2.6": ("Kimi K2.6", "moonshotai/Kimi-K2.6", "accounts/fireworks/models/kimi-k2p6"),
    "minimax-m2.5": ("MiniMax-M2.5", "MiniMaxAI/MiniMax-M2.5"),
    "minimax-m2.1": ("minimax.minimax-m2.1", "bedrock/eu-west-2/minimax.minimax-m2.1", "MiniMax-M2.1"),
    "deepseek-v3.2": ("us.deepseek.v3.2", "deepseek/deepseek-v3.2", "DeepSeek V3.2"),
    "mistral-7b-instruct": ("mistral.mistral-7b-instruct-v0:2", "mistralai/mistral-7b-instruct"),
    "llama-3.3-70b-instruct": (
        "us.meta.llama3-3-70b-instruct-v1:0",
        "Meta-Llama-3.3-70B-Instruct",
        "meta-llama/llama-3.3-70b-instruct",
        "vertex_ai/meta/llama-3.3-70b-instruct-maas",
        "databricks-meta-llama-3-3-70b-instruct",
    ),
    "llama-3.1-8b-instruct": (
        "accounts/fireworks/models/llama-v3p1-8b-instruct",
        "meta.llama3-1-8b-instruct-v1:0",
    ),
    "llama-4-scout-17b-instruct": ("us.meta.llama4-scout-17b-instruct-v1:0",),
    "deepseek-v3.1": ("vertex_ai/deepseek-ai/deepseek-v3.1-maas", "DeepSeek-V3.1"),
    "nova-pro": ("amazon.nova-pro-v1:0", "us.amazon.nova-pro-v1:0"),
    "claude-v2:1": ("anthropic.claude-v2:1",),
    "gpt-oss-120b": ("openai.gpt-oss-120b-1:0", "openai/gpt-oss-120b", "@cf/openai/gpt-oss-120b"),
}
MODELS_OF_THEIR_OWN = (
    "gpt-4o-2024-05-13",
    "gpt-5.1-codex-max",
    "gpt-5.4-mini",
    "grok-4-fast",
    "grok-code-fast-1",
    "kimi-k2-thinking",
    "gemini-2.5-flash-preview",
    "gemini-2.5-flash-lite",
    "claude-opus-latest",
    "chatgpt-4o-latest",
    "qwen-plus-2025-07-28",
    "composer-2.5-fast",
    "gpt-oss:20b",
    "deepseek-r1:free",
    "ft:gpt-4o-mini-2024-07-18:org::id",
)
AS_WRITTEN = (
    "Some Future Model",
    "Claude Max 20x",
    "Claude Pro",
    "ChatGPT Plus",
    "Gemini Advanced",
    "(unspecified)",
    "unheard/of",
    "acme-large-2026-01-01",
    "",
)
PREFIXES = (
    "anthropic/",
    "openrouter/anthropic/",
    "models/",
    "us.anthropic.",
    "Anthropic: ",
    "publishers/x/models/",
)
SUFFIXES = (
    "",
    "[1m]",
    "-thinking",
    ":thinking",
    "-latest",
    "-20260901",
    "@20260901",
    "-high",
    "-xhigh",
    "-v1:0",
)


def test_every_spelling_is_the_same_model() -> None:
    for canonical, names in CANONICAL.items():
        assert {name: canonical_model(name) for name in names} == dict.fromkeys(names, canonical)


def test_name_of_a_model_stays() -> None:
    names = [*CANONICAL, *MODELS_OF_THEIR_OWN, *AS_WRITTEN]
    assert [read_model_name(name) for name in names] == [(name, ()) for name in names]


@pytest.mark.parametrize(
    ("written", "name", "conditions"),
    [
        ("claude-opus-4-6-fast", "claude-opus-4-6", {"speed": "fast"}),
        ("claude-4.6-opus-high-thinking-fast", "claude-opus-4-6", {"speed": "fast"}),
        ("Claude Opus 4.6 (fast mode) (preview)", "claude-opus-4-6", {"speed": "fast"}),
        ("gpt-5.4-high-fast", "gpt-5.4", {"service_tier": "fast"}),
        ("gpt-5.5-flex", "gpt-5.5", {"service_tier": "flex"}),
        ("openai/gpt-5.5:batch", "gpt-5.5", {"processing": "batch"}),
    ],
)
def test_suffix_that_changes_the_price_is_a_condition(
    written: str, name: str, conditions: dict[str, str]
) -> None:
    assert read_model_name(written) == (name, tuple(conditions.items()))


@pytest.mark.parametrize(
    ("written", "rest"), [("azure/my-deployment", "my-deployment"), ("openrouter/acme/Zeta", "acme/Zeta")]
)
def test_unknown_model_loses_its_provider_only(written: str, rest: str) -> None:
    assert canonical_model(written) == rest


@pytest.mark.parametrize(
    ("alias", "day", "model"),
    [
        ("gemini-flash-latest", "2025-09-24", "gemini-flash-latest"),
        ("models/gemini-flash-latest", "2025-09-25", "gemini-2.5-flash"),
        ("gemini-flash-latest", "2026-01-20", "gemini-2.5-flash"),
        ("gemini-flash-latest", "2026-01-21", "gemini-3-flash"),
        ("gemini-flash-latest", "2026-07-01", "gemini-flash-latest"),
        ("gemini-flash-latest", "2026-11-01", "gemini-3.8-flash"),
        ("gemini-pro-latest", "2026-03-05", "gemini-3-pro"),
        ("gemini-pro-latest", "2026-03-06", "gemini-3.1-pro"),
        ("gpt-5.5", "2026-03-06", "gpt-5.5"),
    ],
)
def test_moving_alias_is_the_model_of_its_day(alias: str, day: str, model: str) -> None:
    assert canonical_model(alias, date.fromisoformat(day)) == model
    assert canonical_model(canonical_model(alias)) == canonical_model(alias)


def test_moves_of_an_alias_are_in_order_and_to_canonical_names() -> None:
    for moves in MOVING_ALIASES.values():
        assert [since for since, _ in moves] == sorted(since for since, _ in moves)
        assert all(canonical_model(model) == model for _, model in moves)


@given(st.text(max_size=60))
def test_any_text_has_a_stable_name(text: str) -> None:
    assert read_model_name(canonical_model(text)) == (canonical_model(text), ())


@given(
    prefix=st.sampled_from(PREFIXES),
    family=st.sampled_from(["opus", "sonnet", "haiku"]),
    major=st.integers(4, 9),
    minor=st.integers(1, 12),
    suffixes=st.lists(st.sampled_from(SUFFIXES), max_size=3),
    upper=st.booleans(),
)
@example(prefix="", family="opus", major=4, minor=1, suffixes=["[1m]", "@20260901"], upper=False)
def test_made_up_spellings_of_claude_are_one_model(
    *, prefix: str, family: str, major: int, minor: int, suffixes: list[str], upper: bool
) -> None:
    canonical = f"claude-{family}-{major}-{minor}"
    spellings = (canonical, f"claude-{family}-{major}.{minor}", f"claude-{major}.{minor}-{family}")
    for spelling in spellings:
        written = prefix + spelling + "".join(suffixes)
        assert canonical_model(written.upper() if upper else written) == canonical


@given(
    prefix=st.sampled_from(["", "openai/", "openrouter/openai/", "azure/", "OpenAI: "]),
    version=st.sampled_from(["5", "5.4", "5.5", "7.2"]),
    kind=st.sampled_from(["", "-mini", "-codex", "-pro", "-codex-max"]),
    suffixes=st.lists(st.sampled_from(["-2026-04-23", "-low", "-xhigh", "-fast", "-thinking"]), max_size=3),
)
def test_made_up_spellings_of_gpt_are_one_model(
    prefix: str, version: str, kind: str, suffixes: list[str]
) -> None:
    assert canonical_model(prefix + f"gpt-{version}{kind}" + "".join(suffixes)) == f"gpt-{version}{kind}"
