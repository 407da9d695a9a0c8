"""LiteLLM's callback `generic_api`: its log of each call, as an array, an object, or objects in lines."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from tally.catalog.payees import OTHER, find_payee
from tally.telemetry.calls import Call, CallRefused, CallStatus
from tally.telemetry.decoding.json_bodies import parse_storable_json
from tally.telemetry.decoding.values import quote
from tally.telemetry.signals import MAX_TIME, MIN_TIME, Undecodable
from tally.telemetry.vocabularies import ReadCalls
from tally.telemetry.vocabularies.reading import count_ms, describe_tokens, name_error, read_ids
from tally.telemetry.vocabularies.tokens import Counts, Tokens, complete_tokens, count_tokens
from tally.telemetry.vocabularies.told import (
    MAX_TAG,
    flatten,
    read_count,
    read_name,
    read_number,
    read_tags,
    read_usd,
)

NAME = "litellm"
PROVIDER_REQUEST_ID = "llm_provider-request-id"
Payload = Mapping[str, Any]


def read_payloads(body: bytes) -> ReadCalls:
    """The calls in a body; raises Undecodable."""
    found = ReadCalls([], [])
    for payload in _parse(body, found.rejected):
        name = read_name(payload.get("id")) if isinstance(payload, dict) else ""
        try:
            if not isinstance(payload, dict):
                raise CallRefused("it is not an object")
            call = _read(payload)
            found.calls.append(_answer(call, payload) if payload.get("cache_hit") is True else call)
        except CallRefused as reason:
            found.rejected.append(f"The call {quote(name)} was refused: {reason}.")
    return found


def _parse(body: bytes, rejected: list[str]) -> list[Any]:
    """The payloads of a body; a line that is not JSON is rejected alone."""
    lines = [line for line in body.splitlines() if line.strip()]
    if len(lines) < 2 or not lines[0].rstrip().endswith(b"}"):
        found = parse_storable_json(body) if lines else []
        if isinstance(found, dict | list):
            return found if isinstance(found, list) else [found]
        raise Undecodable("The body has no calls. Set the callback's log_format to json_array or ndjson.")
    payloads = []
    for line in lines:
        try:
            payloads.append(parse_storable_json(line))
        except Undecodable:
            rejected.append("A line was refused: it is not JSON.")
    return payloads


def _read(payload: Payload) -> Call:
    metadata, headers = _object(payload, "metadata"), _object(payload, "hidden_params", "additional_headers")
    tokens = _read_tokens(payload, flatten(_object(metadata, "usage_object")))
    model = read_name(payload.get("model"))
    ids = read_ids(read_name(payload.get("id")), read_name(headers.get(PROVIDER_REQUEST_ID)))
    status, error_code = _read_status(payload)
    started, ended = _read_time(payload, "startTime"), _read_time(payload, "endTime")
    first = _read_time(payload, "completionStartTime")
    if ended is None:
        raise CallRefused(f"its endTime must be Unix seconds from {MIN_TIME.year} on")
    kind = read_name(payload.get("call_type"))
    return Call(
        ended,
        find_payee(model, read_name(payload.get("custom_llm_provider")), ids) or OTHER,
        model,
        ids,
        duration_ms=count_ms(started, ended),
        first_token_ms=count_ms(started, first) if first != ended else None,
        **describe_tokens(tokens),
        reported_usd=read_usd(payload.get("response_cost")),
        detail=len(payload),
        status=status,
        error_code=error_code,
        trace_id=read_name(payload.get("trace_id")),
        span_id=read_name(payload.get("litellm_call_id")),
        task=read_name(_object(metadata, "requester_metadata").get("trace_name")),
        tool=read_name(_object(metadata, "mcp_tool_call_metadata").get("name")),
        session=read_name(payload.get("session_id")),
        service=NAME,
        person=read_name(metadata.get("user_api_key_user_id")),
        project=read_name(metadata.get("user_api_key_project_alias")),
        end_user=read_name(payload.get("end_user")) or read_name(metadata.get("user_api_key_end_user_id")),
        operation="embeddings" if "embedding" in kind else "chat",
        service_tier=read_name(_object(metadata, "usage_object").get("service_tier")),
        key_name=read_name(metadata.get("user_api_key_alias")),
        tags=_read_tags(payload, metadata),
    )


def _answer(call: Call, payload: Payload) -> Call:
    """The call as LiteLLM's cache answered it: its ids are those of the first answer, and it used nothing."""
    saved_usd = read_usd(payload.get("saved_cache_cost"))
    return replace(
        call, request_ids=(), reported_usd=None, has_usage=False, is_cache_hit=True, saved_usd=saved_usd
    )


def _object(values: Payload, *path: str) -> Payload:
    """The object at a path; empty where there is none."""
    for key in path:
        inner = values.get(key)
        values = inner if isinstance(inner, dict) else {}
    return values


def _read_tokens(payload: Payload, usage: Mapping[str, Any]) -> Tokens:
    counts = {
        ours: None if (value := payload.get(theirs)) is None else read_count(theirs, value)
        for ours, theirs in (("input", "prompt_tokens"), ("output", "completion_tokens"))
    }
    return complete_tokens(count_tokens(Counts(**counts)), usage)


def _read_status(payload: Payload) -> tuple[CallStatus, str]:
    if payload.get("status") != "failure":
        return "ok", ""
    error = _object(payload, "error_information")
    return name_error(read_name(error.get("error_class")), read_name(error.get("error_code")), "")


def _read_time(payload: Payload, key: str) -> datetime | None:
    seconds = read_number(payload.get(key), limit=MAX_TIME.timestamp())
    return datetime.fromtimestamp(seconds, UTC) if seconds and seconds >= MIN_TIME.timestamp() else None


def _read_tags(payload: Payload, metadata: Payload) -> dict[str, str]:
    found = read_tags(payload.get("request_tags"))
    team = read_name(metadata.get("user_api_key_team_alias")) or read_name(metadata.get("team_alias"))
    return found | ({"team": team[:MAX_TAG]} if team else {})
