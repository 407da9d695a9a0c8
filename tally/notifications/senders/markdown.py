"""Text in services that read Markdown, where it must stay text."""

import re


def escape(text: str) -> str:
    """The text with a backslash before each mark."""
    return re.sub(r"([\\`*_\[\]<>#|~])", r"\\\1", text)
