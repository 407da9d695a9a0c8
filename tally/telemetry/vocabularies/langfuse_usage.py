"""Langfuse's object of usage: tokens by class, under the names of its integrations."""

from collections.abc import Mapping, Sequence

from tally.core.amounts import AmountUnreadable, parse_count
from tally.core.text import printable
from tally.pricing.usage import Usage

MAX_QUOTED = 60
# Names for tokens read from and written to the provider's cache in Langfuse's integrations.
READ, WRITE, LIFETIMES = ("cache_read", "cached"), ("cache_creation", "cache_write"), ("5m", "1h")
OTHER_TOTALS = {
    f"{theirs}{separator}tokens": ours
    for theirs, ours in {"prompt": "input", "completion": "output", "total": "total"}.items()
    for separator in ("", "_")
}
TOTALS = frozenset(OTHER_TOTALS.values())


class UsageUnreadable(ValueError):
    """Usage that cannot be; the text is the reason."""


def read_usage(details: Mapping[str, str]) -> tuple[Usage, int]:
    """The tokens of a generation, and how many of them were reasoning tokens.

    Details count in addition to `input` and `output`, unless these two already add up to the total.
    """
    counts = _read_counts(details)
    parts = _without_sums({key: count for key, count in counts.items() if key not in TOTALS})
    of_input, of_output = _select(parts, ("input", "cache")), _select(parts, ("output", "reasoning"))
    input_tokens, output_tokens = counts.get("input", 0), counts.get("output", 0)
    if counts.get("total", 0) != input_tokens + output_tokens:
        input_tokens += sum(of_input.values())
        output_tokens += sum(count for key, count in of_output.items() if key not in of_input)
    if not input_tokens and not output_tokens:
        input_tokens = counts.get("total", 0)  # as in any table that tells a total alone
    writes = _select(of_input, WRITE)
    read, write = sum(_select(of_input, READ).values()), sum(writes.values())
    write_1h = sum(_select(writes, ("1h",)).values())
    if read + write > input_tokens:
        raise UsageUnreadable("there are more cached tokens than input tokens in its usage")
    reasoning_tokens = sum(_select(of_output, ("reasoning",)).values())
    audio_in, audio_out = (sum(_select(part, ("audio",)).values()) for part in (of_input, of_output))
    usage = Usage(
        input_tokens,
        output_tokens,
        read,
        write,
        write_1h,
        input_audio_tokens=audio_in,
        cached_audio_tokens=sum(_select(_select(of_input, READ), ("audio",)).values()),
        output_audio_tokens=audio_out,
    )
    return usage, reasoning_tokens


def _read_counts(details: Mapping[str, str]) -> dict[str, int]:
    """Token counts by name, with other names of totals under Langfuse's own."""
    counts = {key.lower(): _count(key, cell) for key, cell in details.items() if cell and key != "unit"}
    return {OTHER_TOTALS.get(key, key): count for key, count in counts.items()}


def _without_sums(parts: dict[str, int]) -> dict[str, int]:
    """The parts without a sum of cache writes beside the writes of each lifetime."""
    writes = _select(parts, WRITE)
    by_lifetime = _select(writes, LIFETIMES)
    sums = writes.keys() - by_lifetime.keys() if by_lifetime else set()
    repeated = {key for key in sums if parts[key] == sum(by_lifetime.values())}
    return {key: count for key, count in parts.items() if key not in repeated}


def _select(counts: Mapping[str, int], names: Sequence[str]) -> dict[str, int]:
    """The counts whose keys contain one of the names."""
    return {key: count for key, count in counts.items() if any(name in key for name in names)}


def _count(key: str, cell: str) -> int:
    try:
        return parse_count(cell)
    except AmountUnreadable as error:
        raise UsageUnreadable(f'the {key} tokens "{printable(cell[:MAX_QUOTED])}" {error}') from None
