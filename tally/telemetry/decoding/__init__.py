"""Requests of OTLP/HTTP, in protobuf or JSON, as spans and log records.

An item that cannot be read is refused with a sentence, and the rest is kept; only a body that is no such
request at all raises `Undecodable`. Bodies are inflated already.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from tally.core.garbage import collector_paused
from tally.telemetry.decoding import json_bodies, protobuf
from tally.telemetry.decoding.values import quote
from tally.telemetry.signals import Decoded

MAX_DAYS_AHEAD = 365  # of what can be saved


def decode_traces(body: bytes, is_json: bool) -> Decoded:
    """The spans of a request to /v1/traces."""
    return _decode(json_bodies.decode_traces if is_json else protobuf.decode_traces, body)


def decode_logs(body: bytes, is_json: bool) -> Decoded:
    """The log records of a request to /v1/logs."""
    return _decode(json_bodies.decode_logs if is_json else protobuf.decode_logs, body)


def decode_metrics(body: bytes, is_json: bool) -> Decoded:
    """The sums of the few metrics that count, each since the one before it.

    Others repeat what spans and logs tell, and those since the start of a program double when it restarts.
    """
    return _decode(json_bodies.decode_metrics if is_json else protobuf.decode_metrics, body)


def _decode(decode: Callable[[bytes], Decoded], body: bytes) -> Decoded:
    if not body:
        return Decoded()
    with collector_paused():
        return decode(body)


def refuse_future(decoded: Decoded, now: datetime) -> Decoded:
    """The items without those of more than a year ahead, each with a sentence."""
    latest = now + timedelta(days=MAX_DAYS_AHEAD)
    late = [(item.name, item.start) for item in decoded.spans if item.start > latest]
    late += [(item.name, item.timestamp) for item in decoded.logs if item.timestamp > latest]
    late += [(item.name, item.end) for item in decoded.points if item.end > latest]
    if not late:
        return decoded
    sentences = [
        f"{quote(name)} is of {at:%Y-%m-%d}, more than a year ahead. Check the sender's clock."
        for name, at in late
    ]
    return Decoded(
        [item for item in decoded.spans if item.start <= latest],
        [item for item in decoded.logs if item.timestamp <= latest],
        [*decoded.rejected, *sentences],
        decoded.remarks,
        [item for item in decoded.points if item.end <= latest],
    )
