"""Places for the labels along a bar, so that none covers another. Pure: shares of a width in, shares out."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

Anchor = Literal["start", "middle", "end"]

LETTER_WIDTH = 6.7  # pixels, at 12 px
GAP = 6  # pixels between a mark and the label beside it


class Label(NamedTuple):
    """A text at a share of the bar's width, with the sides of its mark that it may be on, best first."""

    kind: str
    text: str
    at: float
    anchors: tuple[Anchor, ...]


class Placed(NamedTuple):
    """A label with its side."""

    label: Label
    anchor: Anchor


def place_labels(labels: Iterable[Label], width: int) -> list[Placed]:
    """Those labels that fit a bar of that many pixels, the first ones first."""
    taken: list[tuple[float, float]] = []
    placed = []
    for label in labels:
        for anchor in label.anchors:
            first, last = _find_edges(label, anchor, width)
            is_inside = first >= 0 and last <= width
            if is_inside and all(last + GAP < start or first - GAP > end for start, end in taken):
                taken.append((first, last))
                placed.append(Placed(label, anchor))
                break
    return placed


def _find_edges(label: Label, anchor: Anchor, width: int) -> tuple[float, float]:
    at, length = label.at * width, LETTER_WIDTH * len(label.text)
    first = {"start": at + GAP, "middle": at - length / 2, "end": at - GAP - length}[anchor]
    return first, first + length
