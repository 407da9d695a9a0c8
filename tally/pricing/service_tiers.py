"""Service tiers as sources write them, and the conditions of the price that they stand for."""

import re
from functools import lru_cache

STANDARD_TIERS = frozenset({"", "default", "standard", "auto", "on-demand", "none", "null", "not-available"})
# A tier's name without spaces and `-tier`: the condition in the words of `genai-prices`.
CONDITIONS = {
    "batch": ("processing", "batch"),
    "flex": ("service_tier", "flex"),
    "priority": ("service_tier", "priority"),
    "fast": ("service_tier", "fast"),
}

_SEPARATORS = re.compile(r"[\s_-]+")


@lru_cache(10_000)
def find_condition(tier: str) -> tuple[str, str] | None:
    """The condition of a price at this tier, None at the standard tier.

    An unknown tier is a condition, too: without a price of its own, the standard price gets a note.
    """
    name = _SEPARATORS.sub("-", tier.strip().casefold()).strip("-")
    name = name.removesuffix("-api").removesuffix("-tier")
    if name in STANDARD_TIERS or name == "tier":
        return None
    return CONDITIONS.get(name, ("service_tier", name))
