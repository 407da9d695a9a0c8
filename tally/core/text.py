"""Counts in text."""


def plural(count: int, noun: str) -> str:
    """A count with its noun: `1 record`, `1,204 records`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
