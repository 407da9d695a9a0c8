"""Texts of prompts: line ends and size."""

from tally.core.errors import TallyError

MAX_BYTES = 1_048_576


class PromptError(TallyError):
    """A prompt that cannot be kept or given; the text says why."""


def normalise(text: str) -> str:
    """The text with plain line ends, as it is stored."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def check_content(text: str) -> str:
    """The text as it is stored; raises PromptError for one that cannot be."""
    content = normalise(text)
    if not content.strip():
        raise PromptError("This prompt is empty. Push its text.")
    if "\x00" in content:
        raise PromptError("This prompt has a NUL character, which cannot be stored. Remove it.")
    try:
        size = len(content.encode())
    except UnicodeEncodeError as error:
        line, column = locate(content, error.start)
        raise PromptError(
            f"Line {line}, column {column} has half of a character. Save the text as UTF-8."
        ) from None
    if size > MAX_BYTES:
        raise PromptError(
            f"This prompt has {size:,} bytes, and {MAX_BYTES:,} (1 MB) is the most. "
            "Shorten it, or send parts as variables."
        )
    return content


def locate(text: str, position: int) -> tuple[int, int]:
    """The line and the column of a position, both counted from 1."""
    return text.count("\n", 0, position) + 1, position - text.rfind("\n", 0, position)
