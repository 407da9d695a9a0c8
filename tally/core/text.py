"""Counts in text, and text that is safe to print or to store."""

import re
from unicodedata import category

# PostgreSQL takes neither NUL nor halves of surrogate pairs; backslashes and whole pairs are passed over.
_ESCAPES = re.compile(
    rb"\\\\|\\u(?:d[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}|(?P<bad>0000|d[89a-f][0-9a-f]{2}))", re.IGNORECASE
)


def plural(count: int, noun: str) -> str:
    """A count with its noun: `1 record`, `1,204 records`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def printable(text: str) -> str:
    """The text with every character replaced that could control a terminal."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def visible(text: str) -> str:
    """A name without what nobody sees in it, such as marks that turn the direction of what follows."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " if category(c) == "Zs" else "" for c in text).strip()


def printable_lines(text: str) -> str:
    """The same for text of several lines, which it keeps."""
    return "\n".join(map(printable, text.split("\n")))


def replace_unstorable(json_text: bytes) -> bytes:
    """JSON whose texts have the replacement character for what PostgreSQL does not take."""
    return _ESCAPES.sub(lambda match: rb"\ufffd" if match["bad"] else match[0], json_text)
