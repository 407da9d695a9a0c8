"""Limits of a model in place of another one, by the catalogue."""

from tally.catalog.entries import Entry, find_entry
from tally.pricing.listed_models import find_context_window
from tally.pricing.usage import LEAST_CACHED_TOKENS

# What calls that a model answers may need, and their records do not tell.
NEEDED = frozenset({"tools", "structured_output"})
# What a model takes besides text.
TAKEN = {"image": "images", "audio": "audio", "video": "videos", "pdf": "PDFs"}


def lacks_needed(provider: str, model: str, other_provider: str, other: str) -> bool:
    """Check whether the other model is known to lack what calls of the first may need."""
    one, two = find_entry(provider, model), find_entry(other_provider, other)
    return one is not None and two is not None and bool((one.can & NEEDED) - two.can)


def list_untaken(provider: str, model: str, other_provider: str, other: str) -> list[str]:
    """Name what the first model takes and the other one does not."""
    one, two = find_entry(provider, model), find_entry(other_provider, other)
    if one is None or two is None:
        return []
    return [name for kind, name in TAKEN.items() if kind in one.takes and kind not in two.takes]


def find_window(provider: str, model: str) -> int | None:
    """The most tokens of one request, as far as the catalogue or the price list knows."""
    entry = find_entry(provider, model)
    return _read_context(entry) or find_context_window(provider, model)


def find_least_cached(provider: str, model: str) -> int:
    """The tokens of the shortest prompt that a cache keeps."""
    entry = find_entry(provider, model)
    return max((entry and entry.min_cache_tokens) or 0, LEAST_CACHED_TOKENS)


def _read_context(entry: Entry | None) -> int | None:
    return entry.context if entry else None
