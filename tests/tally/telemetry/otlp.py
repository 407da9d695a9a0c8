"""Requests of OTLP for tests, as plain data in both encodings."""

import base64
import json
from copy import deepcopy
from typing import Any

from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

START = 1_795_832_410_000_000_000  # 2026-11-28
TRACE = "5b8efff798038103d269b633813fc60c"

Object = dict[str, Any]


def value(of: object) -> Object:
    """A value of an attribute."""
    if isinstance(of, bool):
        return {"boolValue": of}
    if isinstance(of, int):
        return {"intValue": str(of)}
    if isinstance(of, float):
        return {"doubleValue": of}
    if isinstance(of, list):
        return {"arrayValue": {"values": [value(item) for item in of]}}
    if isinstance(of, dict):
        return {"kvlistValue": {"values": attributes(of)}}
    return {"stringValue": of}


def attributes(of: Object) -> list[Object]:
    """Attributes of a span, a log record or a resource."""
    return [{"key": key, "value": value(each)} for key, each in of.items()]


def span(span_id: str = "eee19b7ec3c1b174", **fields: Any) -> Object:
    """A span that took two seconds; `attributes` are given as a dictionary."""
    usual = {
        "traceId": TRACE,
        "spanId": span_id,
        "parentSpanId": "",
        "name": "chat gpt-4o",
        "kind": 3,
        "startTimeUnixNano": str(START),
        "endTimeUnixNano": str(START + 2_000_000_000),
        "status": {},
    }
    given = {"attributes": attributes(fields.pop("attributes", {}))}
    return usual | given | fields


def traces(*spans: Object, scope: str = "test", **resource: object) -> Object:
    """A request of spans."""
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": attributes({"service.name": "shop"} | resource)},
                "scopeSpans": [{"scope": {"name": scope}, "spans": list(spans)}],
            }
        ]
    }


def log(of: Object, **fields: Any) -> Object:
    """A log record with these attributes."""
    return {"timeUnixNano": str(START), "attributes": attributes(of)} | fields


def logs(*records: Object, scope: str = "test", **resource: object) -> Object:
    """A request of log records."""
    return {
        "resourceLogs": [
            {
                "resource": {"attributes": attributes({"service.name": "shop"} | resource)},
                "scopeLogs": [{"scope": {"name": scope}, "logRecords": list(records)}],
            }
        ]
    }


def as_json(request: Object) -> bytes:
    """The request in JSON."""
    return json.dumps(request).encode()


def as_protobuf(request: Object) -> bytes:
    """The request in protobuf."""
    of = ExportLogsServiceRequest if "resourceLogs" in request else ExportTraceServiceRequest
    copied = deepcopy(request)
    _encode_ids(copied)
    message = of()
    json_format.ParseDict(copied, message, ignore_unknown_fields=True)
    return bytes(message.SerializeToString())


def _encode_ids(found: object) -> None:
    """Ids are base64 in protobuf's own JSON, and hex in OTLP's."""
    if isinstance(found, dict):
        for key, inner in found.items():
            if key in ("traceId", "spanId", "parentSpanId"):
                found[key] = base64.b64encode(bytes.fromhex(inner)).decode()
            else:
                _encode_ids(inner)
    elif isinstance(found, list):
        for inner in found:
            _encode_ids(inner)


def from_protobuf(body: bytes, signal: str) -> bytes:
    """A request in protobuf as OTLP's JSON."""
    message = (ExportTraceServiceRequest if signal == "traces" else ExportLogsServiceRequest)()
    message.ParseFromString(body)
    found = json_format.MessageToDict(message)
    _decode_ids(found)
    return as_json(found)


def _decode_ids(found: object) -> None:
    if isinstance(found, dict):
        for key, inner in found.items():
            if key in ("traceId", "spanId", "parentSpanId"):
                found[key] = base64.b64decode(inner).hex()
            else:
                _decode_ids(inner)
    elif isinstance(found, list):
        for inner in found:
            _decode_ids(inner)
