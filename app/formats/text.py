"""Text from outside, made safe for Markdown."""

import re

DASH = "\N{EN DASH}"
WORD_JOINER = "\N{WORD JOINER}"
LINK_MARKS = re.compile(r"(?<=\\:)(?=//)|(?<=@)|(?<=[wW]{3})(?=\\\.)")  # in escaped text
MARKDOWN_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|~$<>:&@])")


def escape_markdown(text: str) -> str:
    """Markdown that shows the text as it is: no link, image, colour or formula."""
    return MARKDOWN_SPECIAL.sub(r"\\\1", " ".join(text.split()))


def escape_name(text: str) -> str:
    """The same for a name: Markdown would still make links of addresses in it."""
    return LINK_MARKS.sub(WORD_JOINER, escape_markdown(text))
