"""Tokens of a call by class, whichever way an instrument counts them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from tally.telemetry.vocabularies import keys
from tally.telemetry.vocabularies.told import Told, read_count


class Tokens(NamedTuple):
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


class Counts(NamedTuple):
    """Counts as an instrument tells them; None for one that it does not tell."""

    input: int | None = None
    output: int | None = None
    read: int | None = None
    write: int | None = None
    write_1h: int | None = None
    write_5m: int | None = None
    reasoning: int | None = None


NO_TOKENS = Tokens()


def read_tokens(told: Told) -> Tokens:
    """Tokens as conventions name them."""
    fields = told.fields
    if "input tokens" not in fields and "output tokens" not in fields and "cache reads" not in fields:
        return NO_TOKENS
    return count_tokens(
        Counts(
            told.count("input tokens"),
            told.count("output tokens"),
            told.count("cache reads"),
            told.count("cache writes"),
            told.count("one-hour cache writes"),
            told.count("five-minute cache writes"),
            told.count("reasoning tokens"),
        )
    )


def count_tokens(counts: Counts) -> Tokens:
    """Tokens of these counts; an input that is less than its cached part is taken to be beside it."""
    entered, output, read = counts.input or 0, counts.output or 0, counts.read or 0
    write_1h = counts.write_1h or 0
    write = max(counts.write or 0, write_1h + (counts.write_5m or 0))
    return Tokens(
        entered if entered >= read + write else entered + read + write,
        output,
        read,
        write,
        write_1h,
        min(counts.reasoning or 0, output),
        has_cache=counts.read is not None or counts.write is not None,
        has_lifetimes=counts.write_1h is not None or counts.write_5m is not None,
    )


def complete_tokens(tokens: Tokens, usage: Mapping[str, Any]) -> Tokens:
    """The tokens with what an object of usage tells besides; `usage` has the paths of its values."""

    def find(paths: keys.Keys) -> int | None:
        found = next((usage[path] for path in paths if path in usage), None)
        return None if isinstance(found, dict | list) or found is None else read_count(paths[0], found)

    def prefer(count: int, is_known: bool, paths: keys.Keys) -> int | None:
        found = count or find(paths)
        return (found or 0) if is_known else found

    return count_tokens(
        Counts(
            tokens.input,
            tokens.output,
            prefer(tokens.read, tokens.has_cache, keys.USAGE_READ),
            prefer(tokens.write, tokens.has_cache, keys.USAGE_WRITE),
            prefer(tokens.write_1h, tokens.has_lifetimes, keys.USAGE_1H),
            find(keys.USAGE_5M),
            prefer(tokens.reasoning, False, keys.USAGE_REASONING),
        )
    )
