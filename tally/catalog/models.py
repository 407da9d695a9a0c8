"""Canonical model names: `Claude Sonnet 4.5` and `claude-sonnet-4-5-20250929` are one model."""

import re
from functools import lru_cache

_FAMILY = r"(?P<family>opus|sonnet|haiku|fable|mythos)"
_VERSION = r"(?P<major>[0-9])(?:[.-](?P<minor>[0-9]))?"
_DATED = r"(?:-(?:20[0-9]{6}|latest))?"
# The third generation is named claude-3-5-sonnet, later ones claude-sonnet-4-5.
_CLAUDE = (
    re.compile(rf"claude {_FAMILY} {_VERSION}"),
    re.compile(rf"claude {_VERSION} {_FAMILY}"),
    re.compile(rf"claude-{_FAMILY}-{_VERSION}{_DATED}"),
    re.compile(rf"claude-{_VERSION}-{_FAMILY}{_DATED}"),
)


@lru_cache(10_000)
def canonical_claude(name: str) -> str:
    """Anthropic's undated name of a Claude model; other names are returned unchanged."""
    for pattern in _CLAUDE:
        match = pattern.fullmatch(name.lower())
        if match:
            minor = "" if match["minor"] in (None, "0") else f"-{match['minor']}"
            if match["major"] == "3":
                return f"claude-3{minor}-{match['family']}"
            return f"claude-{match['family']}-{match['major']}{minor}"
    return name
