"""Data points of the metrics that count, whichever way they are encoded."""

from collections.abc import Callable, Iterable
from math import isfinite
from typing import Any

from tally.telemetry.decoding.notes import Place
from tally.telemetry.decoding.values import Refused, quote, read_time, refuse_time
from tally.telemetry.signals import Attributes, DataPoint, Decoded

DELTA = 1  # each point is a sum since the one before it
DELTAS = (DELTA, "AGGREGATION_TEMPORALITY_DELTA")


def make_point(
    name: str, nanoseconds: tuple[int, int], value: float, place: Place, attributes: Attributes
) -> DataPoint:
    """The data point of a period; raises Refused."""
    start, end = map(read_time, nanoseconds)
    if start is None or end is None:
        raise refuse_time("The metric", name, nanoseconds[end is None])
    if not isfinite(value) or value < 0:
        raise Refused(f"The metric {quote(name)} has a sum that is no count: {value}.")
    return DataPoint(name, start, end, value, place.scope, attributes, place.resource)


def add_points(decoded: Decoded, points: Iterable[Any], read: Callable[[Any], DataPoint]) -> None:
    """Add points, and a sentence for each that is refused."""
    for point in points:
        try:
            decoded.points.append(read(point))
        except Refused as refusal:
            decoded.rejected.append(str(refusal))
