"""Facts about models that prices do not tell: context windows, caches, tokenizers."""

import re
from decimal import Decimal
from typing import NamedTuple

from tally.pricing.listed_models import find_listed

CLAUDE_CACHE = re.compile(r"claude-")
# The fewest tokens of a prompt that a cache keeps.
LEAST_CACHED_TOKENS = 1_024
# Claude models from 4.7 on count more tokens for the same text.
NEW_CLAUDE = re.compile(r"claude-(?:[a-z]+-)?(?:4-[7-9]|[5-9])(?:-|$)")
FAMILIES = (
    ("claude", re.compile("claude-")),
    ("openai", re.compile("gpt-|o[1-9]|codex")),
    ("gemini", re.compile("gemini-")),
    ("deepseek", re.compile("deepseek")),
    ("mistral", re.compile("mistral|codestral|ministral|devstral")),
    ("llama", re.compile("llama")),
    ("qwen", re.compile("qwen")),
)


class Range(NamedTuple):
    """Bounds of a factor."""

    low: Decimal
    high: Decimal


SAME = Range(Decimal(1), Decimal(1))
OTHER_FAMILY = Range(Decimal("0.8"), Decimal("1.4"))
NEWER_CLAUDE = Range(Decimal(1), Decimal("1.47"))
OLDER_CLAUDE = Range(Decimal("0.68"), Decimal(1))
# Length of answers where no model has been seen at the work of the other.
UNSEEN_ANSWERS = Range(Decimal("0.7"), Decimal("1.5"))


def find_context_window(provider: str, model: str) -> int | None:
    """The most tokens of one request, as far as the price list knows."""
    try:
        found = find_listed(provider, model)[1]
    except Exception:
        return None  # no failure of the price library may end the search
    return found.model.context_window if found else None


def needs_cache_marks(model: str) -> bool:
    """Check whether prompts are cached only where the caller asks for it; others cache by themselves."""
    return bool(CLAUDE_CACHE.match(model))


def find_tokenizer(model: str) -> str:
    """A name that models with one tokenizer share."""
    family = next((name for name, pattern in FAMILIES if pattern.match(model)), model)
    return "claude 4.7" if family == "claude" and NEW_CLAUDE.match(model) else family


def compare_tokenizers(model: str, other: str) -> Range:
    """Tokens of the other model for one token of the first, for the same text."""
    one, two = find_tokenizer(model), find_tokenizer(other)
    if one == two:
        return SAME
    if (one, two) == ("claude", "claude 4.7"):
        return NEWER_CLAUDE
    if (one, two) == ("claude 4.7", "claude"):
        return OLDER_CLAUDE
    return OTHER_FAMILY
