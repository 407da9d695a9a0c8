"""Text from outside, made safe for Markdown, or short."""

import re

DASH = "\N{EN DASH}"
WORD_JOINER = "\N{WORD JOINER}"
# Backslashes do not keep Markdown from making links of addresses: something invisible within them does.
LINK_MARKS = re.compile(r"(?<=\\:)(?=//)|(?<=@)|(?<=[wW]{3})(?=\\\.)")  # in escaped text
MARKDOWN_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|~$<>:&@])")


def escape_markdown(text: str) -> str:
    """Markdown that shows the text as it is: no link, address, image, colour or formula."""
    escaped = MARKDOWN_SPECIAL.sub(r"\\\1", " ".join(text.split()))
    return LINK_MARKS.sub(WORD_JOINER, escaped)


def shorten(text: str, most: int) -> str:
    """The text in at most so many characters; the last one tells that there were more."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
