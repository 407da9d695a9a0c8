"""The description of the API (OpenAPI 3.1), for people and for programs that generate clients."""

from functools import cache
from typing import Any

from starlette.responses import JSONResponse, Response

from api import addresses
from api.answers import JSON, NO_STORE, PROTOBUF
from api.catalogue import LIMIT, MOST, list_abilities, list_modes
from api.figures import GROUPS
from api.prompts import MAX_KEY, PushedPrompt
from api.records import SentRecords
from api.service import Call
from tally.advice.kept import STATUSES
from tally.experiments.sent import SentRun, SentRuns, SentRunScore, SentScore, SentScores

VERSION = "1.0.0"  # of the API: its first number changes when programs would have to
OTLP = "https://opentelemetry.io/docs/specs/otlp/#otlphttp"
REFUSALS = {
    "400": "What was sent cannot be read; the message says why.",
    "401": "The key is missing, mistyped, expired or revoked.",
    "403": "The key has no right to this.",
    "413": "The body is bigger than 16 MB after decompression.",
    "415": "The Content-Type or Content-Encoding is not supported.",
    "429": "Too much in a minute. Retry-After says when to come again.",
    "503": "Not possible right now. Retry-After says when to send the same again.",
}
READ_REFUSALS = ("400", "401", "403", "429", "503")


async def send_description(call: Call) -> Response:  # noqa: ARG001 - as other endpoints
    """The endpoint of the description."""
    return JSONResponse(describe(), headers=NO_STORE)


@cache
def describe() -> dict[str, Any]:
    """The document."""
    schemas = SentRecords.model_json_schema(ref_template="#/components/schemas/{model}")
    record = schemas.pop("$defs")["SentRecord"]
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tally", "version": VERSION, "description": "Send what AI costs, and read it."},
        "security": [{"bearer": []}, {"basic": []}, {"header": []}],
        "paths": {
            **_describe_otlp(),
            addresses.LANGFUSE_BATCH: {
                "post": _sends("Events of Langfuse's SDKs before OpenTelemetry", {"type": "object"}, "207")
            },
            addresses.LITELLM: {
                "post": _sends("Payloads of LiteLLM's callback generic_api", {"type": ["array", "object"]})
            },
            addresses.RECORDS: {
                "post": _sends("Calls as Tally's own JSON", {"$ref": "#/components/schemas/SentRecords"})
            },
            addresses.COSTS: {"get": _reads("Costs of a period", [*_period(), _group()])},
            addresses.BUDGET: {"get": _reads("Budgets, with what is spent and the likely end", [])},
            addresses.MODELS: {
                "get": _reads("Models used, or those of the catalogue", [*_period(), *_catalogue()])
            },
            addresses.ADVICE: {"get": _reads("Advice, each with the range of its saving", [_status()])},
            addresses.PROMPTS: {
                "get": _reads("Prompts, with the versions that run", []),
                "post": _sends("A new version of a prompt", {"$ref": "#/components/schemas/PushedPrompt"}),
            },
            addresses.PROMPT: {"get": _gives("The version of a prompt that a program is given")},
            addresses.EXPERIMENT_RUNS: {
                "post": _sends_to("Runs of an experiment", {"$ref": "#/components/schemas/SentRuns"})
            },
            addresses.EXPERIMENT_SCORES: {
                "post": _sends_to(
                    "Scores of an experiment's runs", {"$ref": "#/components/schemas/SentScores"}
                )
            },
            addresses.OPENAPI: {"get": _reads("This description", [])},
            addresses.PROMETHEUS: {"get": _measures()},
            addresses.MCP: {"post": _sends("The Model Context Protocol", {"type": "object"})},
        },
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "basic": {"type": "http", "scheme": "basic", "description": "The password is the key."},
                "header": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            },
            "schemas": {
                "SentRecord": record,
                "SentRecords": schemas,
                "PushedPrompt": PushedPrompt.model_json_schema(),
                **_describe_experiments(),
                "Problem": {
                    "type": "object",
                    "required": ["code", "message"],
                    "properties": {
                        "code": {"type": "integer", "description": "A code of google.rpc.Status."},
                        "message": {"type": "string"},
                        "details": {"type": "array", "items": {"type": "object"}},
                    },
                },
            },
        },
    }


def _describe_otlp() -> dict[str, Any]:
    signals = {
        addresses.TRACES: "Spans",
        addresses.LOGS: "Log records",
        addresses.METRICS: "Metrics, which are accepted and not kept",
        addresses.LANGFUSE_TRACES: "Spans of clients that are set up for Langfuse",
    }
    bodies: dict[str, Any] = {media_type: {"schema": {}} for media_type in (PROTOBUF, JSON)}
    return {
        path: {
            "post": {
                "summary": f"{title}, by OTLP over HTTP",
                "externalDocs": {"url": OTLP},
                "requestBody": {"content": bodies},
                "responses": {"200": {"description": "Taken, perhaps partly."}, **_refusals(tuple(REFUSALS))},
            }
        }
        for path, title in signals.items()
    }


def _describe_experiments() -> dict[str, Any]:
    """The schemas of runs and scores, side by side, as they refer to each other."""
    models = (SentRun, SentRunScore, SentRuns, SentScore, SentScores)
    schemas = {
        model.__name__: model.model_json_schema(ref_template="#/components/schemas/{model}")
        for model in models
    }
    for schema in schemas.values():
        schema.pop("$defs", None)
    return schemas


def _sends_to(title: str, schema: dict[str, Any]) -> dict[str, Any]:
    name = {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}
    return _sends(title, schema) | {"parameters": [name]}


def _sends(title: str, schema: dict[str, Any], status: str = "200") -> dict[str, Any]:
    return {
        "summary": title,
        "requestBody": {"required": True, "content": {JSON: {"schema": schema}}},
        "responses": {status: {"description": "Taken."}, **_refusals(tuple(REFUSALS))},
    }


def _reads(title: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    answer = {"description": "Found.", "content": {JSON: {"schema": {"type": "object"}}}}
    return {
        "summary": title,
        "parameters": parameters,
        "responses": {"200": answer, **_refusals(READ_REFUSALS)},
    }


def _measures() -> dict[str, Any]:
    described = _reads("Spend, budgets and state, for Prometheus", [])
    described["responses"]["200"]["content"] = {"text/plain": {"schema": {"type": "string"}}}
    return described


def _gives(title: str) -> dict[str, Any]:
    """A prompt; its ETag is sent back in If-None-Match."""
    key = "Such as a user's id: the same key always gets the same version. Without one, each request draws"
    parameters: list[dict[str, Any]] = [
        {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}},
        {
            "name": "label",
            "in": "query",
            "description": "An environment, a label, or `latest`",
            "schema": {"type": "string", "default": "production"},
        },
        {
            "name": "key",
            "in": "query",
            "description": key,
            "schema": {"type": "string", "maxLength": MAX_KEY},
        },
        {
            "name": "version",
            "in": "query",
            "description": "Its number, in place of both",
            "schema": {"type": "integer", "minimum": 1},
        },
    ]
    described = _reads(title, parameters)
    described["responses"]["304"] = {"description": "It is what If-None-Match says."}
    described["responses"]["404"] = described["responses"]["400"] | {"description": "There is none."}
    return described


def _refusals(statuses: tuple[str, ...]) -> dict[str, Any]:
    content = {JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": REFUSALS[status], "content": content} for status in statuses}


def _period() -> list[dict[str, Any]]:
    said = {"from": "First day; by default the first of the month", "to": "Last day; by default today"}
    return [
        {"name": name, "in": "query", "description": text, "schema": {"type": "string", "format": "date"}}
        for name, text in said.items()
    ]


def _catalogue() -> list[dict[str, Any]]:
    """The parameters that search the catalogue."""
    flag: dict[str, Any] = {"type": "boolean"}
    said: dict[str, tuple[str, dict[str, Any]]] = {
        "list": (
            "`used` for the models of a period, `catalogue` for all, which the other parameters are about",
            {"enum": ["used", "catalogue"], "default": "used"},
        ),
        "q": ("Words; a wrong letter still finds", {"type": "string"}),
        "provider": ("One of them", {"type": "string"}),
        "can": (f"With commas between: {', '.join(list_abilities())}", {"type": "string"}),
        "mode": (f"With commas between: {', '.join(list_modes())}", {"type": "string"}),
        "min_context": ("Tokens", {"type": "integer", "minimum": 0}),
        "open_weights": ("Where it is known", flag),
        "used": ("In the last 90 days", flag),
        "limit": (
            "Models of an answer",
            {"type": "integer", "minimum": 1, "maximum": MOST, "default": LIMIT},
        ),
        "offset": ("`next_offset` of the answer before", {"type": "integer", "minimum": 0, "default": 0}),
    }
    return [
        {"name": name, "in": "query", "description": text, "schema": schema}
        for name, (text, schema) in said.items()
    ]


def _status() -> dict[str, Any]:
    return {"name": "status", "in": "query", "schema": {"enum": list(STATUSES), "default": "open"}}


def _group() -> dict[str, Any]:
    return {"name": "group_by", "in": "query", "schema": {"enum": list(GROUPS), "default": "day"}}
