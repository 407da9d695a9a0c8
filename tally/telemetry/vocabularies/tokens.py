"""Tokens of a call by class, whichever way an instrument counts them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tally.telemetry.vocabularies import keys
from tally.telemetry.vocabularies.told import Told, read_count


@dataclass(frozen=True, slots=True)
class Tokens:
    """Input includes cached tokens, output includes reasoning."""

    input: int = 0
    output: int = 0
    read: int = 0
    write: int = 0
    write_1h: int = 0
    reasoning: int = 0
    has_cache: bool = False  # the cache is told about, be it that nothing was cached
    has_lifetimes: bool = False  # how much of the writes is kept for an hour is told

    @property
    def has_classes(self) -> bool:
        """Check whether each token is in the class that its price depends on."""
        return self.has_cache and (self.has_lifetimes or not self.write)

    @property
    def is_told(self) -> bool:
        """Check whether there is any usage."""
        return self.input + self.output > 0


def read_tokens(told: Told) -> Tokens:
    """Tokens as conventions name them."""
    return count_tokens(
        {
            "input": told.count("input tokens"),
            "output": told.count("output tokens"),
            "read": told.count("cache reads"),
            "write": told.count("cache writes"),
            "write_1h": told.count("one-hour cache writes"),
            "write_5m": told.count("five-minute cache writes"),
            "reasoning": told.count("reasoning tokens"),
        }
    )


def count_tokens(counts: Mapping[str, int | None]) -> Tokens:
    """Tokens of these counts; an input that is less than its cached part is taken to be beside it."""
    told = {name: count or 0 for name, count in counts.items()}
    written = [counts.get("write_1h"), counts.get("write_5m")]
    read, write_1h = told.get("read", 0), told.get("write_1h", 0)
    write = max(told.get("write", 0), write_1h + told.get("write_5m", 0))
    entered, output = told.get("input", 0), told.get("output", 0)
    return Tokens(
        entered if entered >= read + write else entered + read + write,
        output,
        read,
        write,
        write_1h,
        min(told.get("reasoning", 0), output),
        has_cache=counts.get("read") is not None or counts.get("write") is not None,
        has_lifetimes=any(count is not None for count in written),
    )


def complete_tokens(tokens: Tokens, usage: Mapping[str, Any]) -> Tokens:
    """The tokens with what an object of usage tells besides; `usage` has the paths of its values."""

    def find(paths: keys.Keys) -> int | None:
        found = next((usage[path] for path in paths if path in usage), None)
        return None if isinstance(found, dict | list) or found is None else read_count(paths[0], found)

    def prefer(count: int, is_known: bool, paths: keys.Keys) -> int | None:
        return count or find(paths) or (0 if is_known else find(paths))

    return count_tokens(
        {
            "input": tokens.input,
            "output": tokens.output,
            "read": prefer(tokens.read, tokens.has_cache, keys.USAGE_READ),
            "write": prefer(tokens.write, tokens.has_cache, keys.USAGE_WRITE),
            "write_1h": prefer(tokens.write_1h, tokens.has_lifetimes, keys.USAGE_1H),
            "write_5m": find(keys.USAGE_5M),
            "reasoning": prefer(tokens.reasoning, False, keys.USAGE_REASONING),
        }
    )
