"""The model providers on this machine, where real clients cannot reach the paid ones.

Answers have the shapes that the providers document, plain or streamed as the client asks, with the usage
whose cost `tests/fixtures/telemetry/README.md` works out.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

CREATED = 1_795_000_000
TEXT = "Hello"
CHAT_USAGE = {
    "prompt_tokens": 1200,
    "completion_tokens": 50,
    "total_tokens": 1250,
    "prompt_tokens_details": {"cached_tokens": 1000, "audio_tokens": 0},
    "completion_tokens_details": {
        "reasoning_tokens": 20,
        "audio_tokens": 0,
        "accepted_prediction_tokens": 0,
        "rejected_prediction_tokens": 0,
    },
}
RESPONSES_USAGE = {
    "input_tokens": 1200,
    "input_tokens_details": {"cached_tokens": 1000},
    "output_tokens": 50,
    "output_tokens_details": {"reasoning_tokens": 20},
    "total_tokens": 1250,
}
MESSAGES_USAGE = {
    "input_tokens": 12,
    "cache_creation_input_tokens": 900,
    "cache_read_input_tokens": 15000,
    "output_tokens": 340,
    "service_tier": "standard",
    "cache_creation": {"ephemeral_5m_input_tokens": 600, "ephemeral_1h_input_tokens": 300},
}
GEMINI_USAGE = {
    "promptTokenCount": 1500,
    "cachedContentTokenCount": 500,
    "candidatesTokenCount": 80,
    "thoughtsTokenCount": 40,
    "totalTokenCount": 1620,
}
MESSAGE_ITEM = {
    "type": "message",
    "id": "msg_1",
    "status": "completed",
    "role": "assistant",
    "content": [{"type": "output_text", "text": TEXT, "annotations": []}],
}
RESPONSE = {
    "object": "response",
    "created_at": CREATED,
    "error": None,
    "incomplete_details": None,
    "instructions": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "temperature": 1.0,
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
    "service_tier": "default",
    "text": {"format": {"type": "text"}},
    "truncation": "disabled",
    "reasoning": {"effort": None, "summary": None},
}
Event = tuple[str, Any]


@dataclass
class FakeProvider:
    """OpenAI, Anthropic and Google behind one address, and the calls that were served."""

    served: list[str] = field(default_factory=list)

    def app(self) -> Starlette:
        """The server."""
        posts = {
            "/v1/chat/completions": self._chat,
            "/chat/completions": self._chat,
            "/v1/responses": self._responses,
            "/responses": self._responses,
            "/v1/messages": self._messages,
            "/v1beta/models/{call:path}": self._gemini,
        }
        routes = [Route(path, answer, methods=["POST"]) for path, answer in posts.items()]
        others = Route("/{path:path}", _answer_others, methods=["GET", "HEAD", "POST", "PUT"])
        return Starlette(routes=[*routes, others])

    def _serve(self, kind: str, model: str) -> str:
        """Note a call, and return an id that no other call has."""
        self.served.append(f"{kind} {model}")
        return f"{id(self):x}{len(self.served):04d}"

    async def _chat(self, request: Request) -> Response:
        asked = await request.json()
        model = asked["model"]
        base = {
            "id": f"chatcmpl-{self._serve('chat', model)}",
            "created": CREATED,
            "model": model,
            "service_tier": "default",
            "system_fingerprint": "fp_1",
        }
        if not asked.get("stream"):
            message = {"role": "assistant", "content": TEXT, "refusal": None}
            choice = {"index": 0, "finish_reason": "stop", "logprobs": None, "message": message}
            whole = {"object": "chat.completion", "usage": CHAT_USAGE, "choices": [choice]}
            return JSONResponse(base | whole)
        deltas: list[tuple[dict[str, str], str | None]] = [
            ({"role": "assistant", "content": ""}, None),
            ({"content": TEXT}, None),
            ({}, "stop"),
        ]
        chunks: list[dict[str, Any]] = [
            {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}], "usage": None}
            for delta, reason in deltas
        ]
        if (asked.get("stream_options") or {}).get("include_usage"):
            chunks.append({"choices": [], "usage": CHAT_USAGE})
        events = [("", base | {"object": "chat.completion.chunk"} | chunk) for chunk in chunks]
        return _stream([*events, ("", "[DONE]")])

    async def _responses(self, request: Request) -> Response:
        asked = await request.json()
        whole = RESPONSE | {
            "id": f"resp_{self._serve('responses', asked['model'])}",
            "model": asked["model"],
            "status": "completed",
            "output": [MESSAGE_ITEM],
            "usage": RESPONSES_USAGE,
        }
        if not asked.get("stream"):
            return JSONResponse(whole)
        begun = whole | {"status": "in_progress", "output": [], "usage": None}
        item = MESSAGE_ITEM | {"status": "in_progress", "content": []}
        delta = {"item_id": "msg_1", "output_index": 0, "content_index": 0, "delta": TEXT}
        parts: list[Event] = [
            ("response.created", {"response": begun}),
            ("response.output_item.added", {"output_index": 0, "item": item}),
            ("response.output_text.delta", delta),
            ("response.output_item.done", {"output_index": 0, "item": MESSAGE_ITEM}),
            ("response.completed", {"response": whole}),
        ]
        return _stream(
            (kind, {"type": kind, "sequence_number": number} | part)
            for number, (kind, part) in enumerate(parts)
        )

    async def _messages(self, request: Request) -> Response:
        asked = await request.json()
        number = self._serve("messages", asked["model"])
        headers = {"request-id": f"req_{number}"}
        base = {
            "id": f"msg_{number}",
            "type": "message",
            "role": "assistant",
            "model": asked["model"],
            "stop_sequence": None,
        }
        if not asked.get("stream"):
            content = [{"type": "text", "text": TEXT}]
            whole = {"content": content, "stop_reason": "end_turn", "usage": MESSAGES_USAGE}
            return JSONResponse(base | whole, headers=headers)
        begun = base | {"content": [], "stop_reason": None, "usage": MESSAGES_USAGE | {"output_tokens": 1}}
        parts: list[Event] = [
            ("message_start", {"message": begun}),
            ("content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}}),
            ("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": TEXT}}),
            ("content_block_stop", {"index": 0}),
            (
                "message_delta",
                {
                    "delta": {"stop_reason": "end_turn", "stop_sequence": None},
                    "usage": {"output_tokens": MESSAGES_USAGE["output_tokens"]},
                },
            ),
            ("message_stop", {}),
        ]
        return _stream(((kind, {"type": kind} | part) for kind, part in parts), headers)

    async def _gemini(self, request: Request) -> Response:
        model, _, verb = request.path_params["call"].rpartition(":")
        if verb == "countTokens":
            return JSONResponse({"totalTokens": GEMINI_USAGE["promptTokenCount"]})
        content = {"role": "model", "parts": [{"text": TEXT}]}
        whole = {
            "candidates": [{"content": content, "finishReason": "STOP", "index": 0}],
            "modelVersion": model,
            "responseId": f"gem-{self._serve('gemini', model)}",
            "usageMetadata": GEMINI_USAGE,
        }
        return _stream([("", whole)]) if verb.startswith("stream") else JSONResponse(whole)


async def _answer_others(_: Request) -> Response:
    """What clients ask besides calls of models: lists of models, settings, news."""
    return JSONResponse({"data": [], "models": []})


def _stream(events: Iterable[Event], headers: Mapping[str, str] | None = None) -> Response:
    """Server-sent events; those of OpenAI's chat and of Google have no name."""
    texts = [
        (f"event: {name}\n" if name else "")
        + f"data: {data if isinstance(data, str) else json.dumps(data)}\n\n"
        for name, data in events
    ]
    return StreamingResponse(iter(texts), media_type="text/event-stream", headers=headers)
