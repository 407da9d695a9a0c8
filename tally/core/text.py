"""How figures are put into words."""


def plural(count: int, noun: str) -> str:
    """A count with its noun, as in 1 record or 1,204 records."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
