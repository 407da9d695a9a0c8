"""OTLP over HTTP: traces, logs and metrics, in protobuf or JSON."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from starlette.responses import JSONResponse, Response

from api.answers import JSON, NO_STORE, PROTOBUF
from api.contents import ContentRules
from api.intake import Brought, Intake
from api.service import Call
from tally.core.protobuf import encode_field, encode_number, encode_text
from tally.telemetry.contents import find_contents
from tally.telemetry.decoding import decode_logs, decode_metrics, decode_traces, refuse_future
from tally.telemetry.signals import Decoded
from tally.telemetry.vocabularies import read_calls

Decode = Callable[[bytes, bool], Decoded]

MEDIA_TYPES = (PROTOBUF, JSON)
SHOWN = 5  # sentences of an answer
REJECTED: dict[Decode, str] = {
    decode_traces: "rejectedSpans",
    decode_logs: "rejectedLogRecords",
    decode_metrics: "rejectedDataPoints",
}


class Otlp:
    """The endpoints of OTLP's signals."""

    def __init__(self, intake: Intake, contents: ContentRules) -> None:
        self._intake, self._contents = intake, contents

    async def traces(self, call: Call) -> Response:
        """Spans."""
        return await self._take(call, decode_traces)

    async def logs(self, call: Call) -> Response:
        """Log records."""
        return await self._take(call, decode_logs)

    async def metrics(self, call: Call) -> Response:
        """Data points; most of them repeat what spans and logs tell, and are not kept."""
        return await self._take(call, decode_metrics)

    async def _take(self, call: Call, decode: Decode) -> Response:
        is_json = call.media_type == JSON
        brought = await self._intake.take(call.grant, lambda: self._read(decode, call, is_json))
        message = summarise([*brought.rejected, *brought.remarks])
        return answer(len(brought.rejected), message, is_json, REJECTED[decode])

    def _read(self, decode: Decode, call: Call, is_json: bool) -> Brought:
        brought = read(decode, call.body, is_json)
        if brought.spans and (rules := self._contents.of(call.grant)) is not None:
            return replace(brought, contents=find_contents(call.body, is_json, rules))
        return brought


def read(decode: Decode, body: bytes, is_json: bool) -> Brought:
    """The calls and spans of a request."""
    decoded = refuse_future(decode(body, is_json), datetime.now(UTC))
    found = read_calls(decoded)
    rejected = [*decoded.rejected, *found.rejected]
    return Brought(found.calls, decoded.spans, rejected=rejected, remarks=decoded.remarks)


def answer(rejected: int, message: str, is_json: bool, count_name: str) -> Response:
    """Success; with a message it is partial, or has a remark."""
    if is_json:
        partial = {count_name: str(rejected), "errorMessage": message}
        return JSONResponse({"partialSuccess": partial} if message else {}, headers=NO_STORE)
    body = encode_field(1, encode_number(1, rejected) + encode_text(2, message)) if message else b""
    return Response(body, headers=NO_STORE, media_type=PROTOBUF)


def summarise(sentences: Sequence[str]) -> str:
    """The different ones of these sentences, as one text; the first few of many."""
    different = list(dict.fromkeys(sentences))
    hidden = len(different) - SHOWN
    return " ".join([*different[:SHOWN], *([f"And {hidden:,} more."] if hidden > 0 else [])])
