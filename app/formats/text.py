"""Text from outside, made safe for Markdown, or short."""

import re
from collections.abc import Sequence

DASH = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"  # of every figure on a page; files have the ASCII one
WORD_JOINER = "\N{WORD JOINER}"
# Backslashes do not keep Markdown from making links of addresses: something invisible within them does.
LINK_MARKS = re.compile(r"(?<=\\:)(?=//)|(?<=@)|(?<=[wW]{3})(?=\\\.)")  # in escaped text
MARKDOWN_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|~$<>:&@])")


def escape_markdown(text: str) -> str:
    """Markdown that shows the text as it is: no link, address, image, colour or formula."""
    escaped = MARKDOWN_SPECIAL.sub(r"\\\1", " ".join(text.split()))
    return LINK_MARKS.sub(WORD_JOINER, escaped)


def list_names(names: Sequence[str], most: int, letters: int) -> str:
    """The first of some names, shortened, as Markdown that shows them as they are, and how many more."""
    told = [escape_markdown(shorten(name, letters)) for name in names[:most]]
    more = len(names) - len(told)
    return ", ".join(told) + (f" and {more} more" if more else "")


def shorten(text: str, most: int) -> str:
    """The text in at most so many characters; the last one tells that there were more."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
