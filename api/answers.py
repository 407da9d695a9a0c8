"""Answers and refusals, each in the encoding of its request."""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from starlette.responses import JSONResponse, Response

from tally.core.protobuf import encode_number, encode_text

PROTOBUF, JSON, NDJSON = "application/x-protobuf", "application/json", "application/x-ndjson"
# Codes of google.rpc.Status, which OTLP puts into refusals.
CODES = {400: 3, 401: 16, 403: 7, 404: 5, 405: 12, 413: 11, 415: 3, 429: 8, 500: 13, 503: 14}
ENDS_CONNECTION = {"connection": "close"}  # the rest of a refused body is not read
NO_STORE = {"cache-control": "no-store"}


@dataclass(slots=True)
class Refusal(Exception):
    """A request that is not taken; the message is a sentence for whoever runs the program.

    `retry_after` is in seconds, for requests that are to be sent again.
    """

    status: int
    message: str
    retry_after: int | None = None
    details: list[dict[str, Any]] = field(default_factory=list)  # of a JSON body: where the faults are

    def headers(self) -> dict[str, str]:
        """The headers that clients go by."""
        headers = dict(NO_STORE)
        if self.retry_after is not None:
            headers["retry-after"] = str(self.retry_after)
        if self.status == HTTPStatus.UNAUTHORIZED:
            headers["www-authenticate"] = 'Bearer realm="Tally"'
        return headers


def refuse(refusal: Refusal, media_type: str, body_was_read: bool) -> Response:
    """The answer to a refused request; a protobuf one gets google.rpc.Status."""
    headers = refusal.headers() | ({} if body_was_read else ENDS_CONNECTION)
    code = CODES.get(refusal.status, 2)
    if media_type == PROTOBUF:
        return Response(encode_status(code, refusal.message), refusal.status, headers, PROTOBUF)
    content: dict[str, Any] = {"code": code, "message": refusal.message}
    if refusal.details:
        content["details"] = refusal.details
    return JSONResponse(content, refusal.status, headers)


def encode_status(code: int, message: str) -> bytes:
    """google.rpc.Status as protobuf."""
    return encode_number(1, code) + encode_text(2, message)
