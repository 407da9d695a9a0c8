"""Facts about models that prices do not tell: context windows and caches."""

import re

from tally.pricing.listed_models import find_listed

CLAUDE_CACHE = re.compile(r"claude-")
# The fewest tokens of a prompt that a cache keeps.
LEAST_CACHED_TOKENS = 1_024


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
