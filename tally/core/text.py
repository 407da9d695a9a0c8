"""Counts in text, and text that is safe to print."""


def plural(count: int, noun: str) -> str:
    """A count with its noun: `1 record`, `1,204 records`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def printable(text: str) -> str:
    """The text with every character replaced that could control a terminal."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def printable_lines(text: str) -> str:
    """The same for text of several lines, which it keeps."""
    return "\n".join(map(printable, text.split("\n")))
