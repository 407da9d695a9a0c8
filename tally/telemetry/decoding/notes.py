"""Remarks about items that were taken, though not as they were sent."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeVar

from tally.telemetry.content import MAX_KEY, RESPONSE
from tally.telemetry.decoding.values import MAX_TEXT, clean, quote
from tally.telemetry.signals import Attributes, Span
from tally.telemetry.vocabularies.keys import KNOWN

MAX_ATTRIBUTES = 256  # of an item, content not counted
MAX_READ = 2_048  # attributes of an item that are looked at, besides those that Tally counts by
MAX_REMARKS = 100
KEPT = f"Of each item, {MAX_ATTRIBUTES} attributes are kept, and those that Tally counts by."
READ = KNOWN | {RESPONSE}

Pair = TypeVar("Pair")


class Notes:
    """The remarks of one request."""

    def __init__(self, remarks: list[str]) -> None:
        self._remarks = remarks

    def add(self, remark: str) -> None:
        """Add a remark, once and up to a limit."""
        if len(self._remarks) < MAX_REMARKS and remark not in self._remarks:
            self._remarks.append(remark)

    def cut(self, key: str, text: str) -> str:
        """As much of a text as is kept."""
        if len(text) > MAX_TEXT:
            self.add(f"Of values of {quote(key)}, the first {MAX_TEXT:,} characters are kept.")
        return clean(text, MAX_TEXT)

    def skip_key(self, key: str) -> str:
        """Leave an attribute out for the length of its name."""
        self.add(f"Attributes with names of more than {MAX_KEY} characters are left out: {quote(key)}…")
        return ""

    def look_at(self, pairs: Sequence[Pair], read_key: Callable[[Pair], object]) -> Sequence[Pair]:
        """The pairs to read: of countless ones, the first and those that Tally counts by."""
        if len(pairs) <= MAX_READ:
            return pairs
        self.add(KEPT)
        return [*pairs[:MAX_READ], *(pair for pair in pairs[MAX_READ:] if read_key(pair) in READ)]

    def keep_most(self, found: Attributes) -> Attributes:
        """The attributes that Tally knows, and as many others as are kept."""
        self.add(KEPT)
        kept = dict(list(found.items())[:MAX_ATTRIBUTES])
        return kept | {key: value for key, value in found.items() if key in KNOWN}

    def remark_on_cycles(self, spans: Iterable[Span]) -> None:
        """Say which spans are their own ancestors: they count each on its own."""
        parents = {span.span_id: span.parent_span_id for span in spans if span.parent_span_id}
        done: set[str] = set()
        for first in parents:
            seen: set[str] = set()
            span_id = first
            while span_id in parents and span_id not in done:
                if span_id in seen:
                    self.add(
                        f"The span {span_id} is its own ancestor: it counts as a root. Check the sender."
                    )
                    break
                seen.add(span_id)
                span_id = parents[span_id]
            done |= seen


class Place(NamedTuple):
    """Surroundings of an item: its instrument, its program, and the remarks of its request."""

    scope: str
    resource: Attributes
    notes: Notes
