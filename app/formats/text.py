"""Text from outside, made safe for Markdown."""

import re

DASH = "\N{EN DASH}"
MARKDOWN_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|~$<>:&@])")


def escape_markdown(text: str) -> str:
    """Markdown that shows the text as it is: no link, image, colour or formula."""
    return MARKDOWN_SPECIAL.sub(r"\\\1", " ".join(text.split()))
