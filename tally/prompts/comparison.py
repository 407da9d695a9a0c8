"""Two texts side by side: their lines, and the words of a line that differ."""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

MAX_LINES = 4_000  # of both together: beyond, comparing takes seconds
MAX_WORDS = 400  # of a line
WORDS = re.compile(r"\w+|\s+|[^\w\s]")


class Span(NamedTuple):
    """A piece of a line, and if it is only on this side."""

    text: str
    is_changed: bool


class Side(NamedTuple):
    """A line of one of the texts, by its number from 1."""

    number: int
    spans: tuple[Span, ...]


class Row(NamedTuple):
    """Lines beside each other; None where the other text has one more."""

    before: Side | None
    after: Side | None

    @property
    def is_changed(self) -> bool:
        """True if the lines differ."""
        sides = (self.before, self.after)
        return None in sides or any(span.is_changed for side in sides if side for span in side.spans)


def compare(before: str, after: str) -> list[Row] | None:
    """The lines of two texts beside each other; None for texts that are too long."""
    old, new = before.split("\n"), after.split("\n")
    if len(old) + len(new) > MAX_LINES:
        return None
    return [
        row
        for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new).get_opcodes()
        for row in _compare_lines(tag == "equal", old[i1:i2], new[j1:j2], (i1 + 1, j1 + 1))
    ]


def _compare_lines(
    is_equal: bool, old: Sequence[str], new: Sequence[str], begin: tuple[int, int]
) -> Iterator[Row]:
    for nth in range(max(len(old), len(new))):
        left = old[nth] if nth < len(old) else None
        right = new[nth] if nth < len(new) else None
        if is_equal:
            spans = (_whole(left), _whole(right))
        elif left is None or right is None:
            spans = (_whole(left, True), _whole(right, True))
        else:
            spans = compare_words(left, right)
        yield Row(
            None if left is None else Side(begin[0] + nth, spans[0]),
            None if right is None else Side(begin[1] + nth, spans[1]),
        )


def compare_words(before: str, after: str) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """Two lines in pieces, those that only one of them has marked."""
    old, new = WORDS.findall(before), WORDS.findall(after)
    if max(len(old), len(new)) > MAX_WORDS:
        return _whole(before, before != after), _whole(after, before != after)
    left, right = [], []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        left.append(Span("".join(old[i1:i2]), tag != "equal"))
        right.append(Span("".join(new[j1:j2]), tag != "equal"))
    return _merge(left), _merge(right)


def _merge(spans: list[Span]) -> tuple[Span, ...]:
    """Without empty pieces; a space between two changed ones is changed with them."""
    merged: list[Span] = []
    for span in spans:
        if not span.text:
            continue
        if merged and merged[-1].is_changed == span.is_changed:
            merged[-1] = Span(merged[-1].text + span.text, span.is_changed)
        elif span.is_changed and len(merged) > 1 and merged[-1].text.isspace() and merged[-2].is_changed:
            between = merged.pop()
            merged[-1] = Span(merged[-1].text + between.text + span.text, True)
        else:
            merged.append(span)
    return tuple(merged)


def _whole(line: str | None, is_changed: bool = False) -> tuple[Span, ...]:
    return (Span(line, is_changed),) if line else ()
