"""Decoded spans as they are stored, with the calls in them at list prices."""

from tally.telemetry.calls import Call, CallRefused
from tally.telemetry.signals import Decoded
from tally.telemetry.vocabularies import read_span
from tally.traces.spans import describe_priced
from tally.traces.stored_span import StoredSpan

MOST_SPANS = 20_000


def describe_all(decoded: Decoded) -> list[StoredSpan]:
    """The spans of a request or a file; those whose call cannot be counted are shown without it."""
    found = []
    for span in decoded.spans[:MOST_SPANS]:
        call: Call | None = None
        try:
            call = read_span(span)
        except CallRefused:
            call = None
        found.append(describe_priced(span, call))
    return found
