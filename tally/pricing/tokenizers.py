"""Tokens of one text for two models, and lengths of their answers: ranges of factors between them."""

import re
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

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


def find_tokenizer(model: str) -> str:
    """A name that models with one tokenizer share."""
    family = next((name for name, pattern in FAMILIES if pattern.match(model)), model)
    return "claude 4.7" if family == "claude" and NEW_CLAUDE.match(model) else family


@lru_cache(1_000)
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
