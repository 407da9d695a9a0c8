"""The services that take messages, on this machine: each checks a request and answers in its words.

Answers have the shapes of the services' documentation, and of public code that tests against them.
"""

import json
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer."""

    status: int
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Received:
    """A request that arrived."""

    host: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """Its object."""
        found: dict[str, Any] = json.loads(self.body)
        return found


def _json(status: int, content: Any, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(status, json.dumps(content), headers or {})


ERRORS: dict[str, dict[str, Reply]] = {
    "hooks.slack.com": {
        "workspace deleted": Reply(404, "no_service"),
        "app removed": Reply(403, "invalid_token"),
        "archived": Reply(410, "channel_is_archived"),
        "unreadable": Reply(400, "invalid_payload"),
        "busy": Reply(429, "", {"Retry-After": "30"}),
        "down": Reply(503, "<html>upstream connect error</html>"),
        "odd": Reply(200, "<html>Sign in to your network</html>"),
    },
    "discord.com": {
        "webhook deleted": _json(404, {"message": "Unknown Webhook", "code": 10015}),
        "token changed": _json(401, {"message": "Invalid Webhook Token", "code": 50027}),
        "busy": _json(429, {"message": "You are being rate limited.", "retry_after": 42.5, "global": False}),
        "down": Reply(502, "error code: 502"),
    },
    "prod-12.westeurope.logic.azure.com": {
        "signature changed": _json(401, {"error": {"code": "DirectApiAuthorizationRequired"}}),
        "workflow deleted": _json(404, {"error": {"code": "WorkflowNotFound", "message": "gone"}}),
        "switched off": _json(400, {"error": {"code": "WorkflowTriggerIsNotEnabled", "message": "off"}}),
        "busy": _json(429, {"error": {"code": "WorkflowRunActionRepetitionLimit"}}, {"Retry-After": "17"}),
        "down": Reply(504),
    },
    "events.pagerduty.com": {
        "key unknown": _json(
            400, {"status": "invalid event", "errors": ["Invalid routing key"]}
        ),
        "busy": _json(429, {"status": "throttle exceeded", "message": "Requests arrive too quickly"}),
        "down": Reply(500),
    },
    "api.telegram.org": {
        "chat unknown": _json(400, {"ok": False, "error_code": 400, "description": "chat not found"}),
        "token wrong": _json(401, {"ok": False, "error_code": 401, "description": "Unauthorized"}),
        "bot blocked": _json(
            403, {"ok": False, "error_code": 403, "description": "Forbidden: bot was blocked by the user"}
        ),
        "busy": _json(
            429,
            {"ok": False, "error_code": 429, "description": "Too Many", "parameters": {"retry_after": 35}},
        ),
        "odd": _json(200, {"ok": False}),
        "down": Reply(502),
    },
    "ntfy.example.org": {
        "forbidden": _json(403, {"code": 40301, "http": 403, "error": "forbidden"}),
        "token wrong": _json(401, {"code": 40101, "http": 401, "error": "unauthorized"}),
        "busy": _json(429, {"code": 42901, "http": 429, "error": "limit reached: too many requests"}),
        "down": Reply(507, "full"),
    },
    "webhook.example.org": {
        "gone": Reply(410),
        "unknown": Reply(404),
        "moved": Reply(301, "", {"Location": "https://elsewhere.example.org/"}),
        "busy": Reply(429, "", {"Retry-After": "3"}),
        "down": Reply(503),
    },
}  # fmt: skip


def _slack(request: Received) -> Reply:
    content = request.json
    blocks = content.get("blocks", [])
    header = blocks[0]["text"]
    texts = [block["text"]["text"] for block in blocks if block["type"] == "section"]
    is_valid = content.get("text") and len(blocks) <= 50 and header["type"] == "plain_text"
    is_short = len(header["text"]) <= 150 and all(0 < len(text) <= 3_000 for text in texts)
    return Reply(200, "ok") if is_valid and is_short else ERRORS["hooks.slack.com"]["unreadable"]


def _discord(request: Received) -> Reply:
    content = request.json
    embed = content["embeds"][0]
    is_short = len(embed["title"]) <= 256 and len(embed["description"]) <= 4_096
    if not request.path.endswith("?wait=true"):
        return Reply(204)
    if not is_short or content["allowed_mentions"] != {"parse": []}:
        return _json(400, {"message": "Invalid Form Body", "code": 50035})
    headers = {"X-RateLimit-Remaining": "4", "X-RateLimit-Reset-After": "1"}
    return _json(200, {"id": "1", "type": 0, "content": ""}, headers)


def _teams(request: Received) -> Reply:
    [attachment] = request.json["attachments"]
    is_card = attachment["content"]["type"] == "AdaptiveCard" and len(request.body) < 28_000
    errors = ERRORS["prod-12.westeurope.logic.azure.com"]
    return Reply(202) if is_card and "sig=" in request.path else errors["signature changed"]


def _pagerduty(request: Received) -> Reply:
    event = request.json
    is_valid = len(event["routing_key"]) == 32 and event["event_action"] in ("trigger", "resolve")
    is_valid &= len(event["dedup_key"]) <= 255 and len(event["payload"]["summary"]) <= 1_024
    is_valid &= event["payload"]["severity"] in ("critical", "error", "warning", "info")
    if not is_valid:
        return ERRORS["events.pagerduty.com"]["key unknown"]
    return _json(202, {"status": "success", "message": "Event processed", "dedup_key": event["dedup_key"]})


def _telegram(request: Received) -> Reply:
    content = request.json
    if not 0 < len(content["text"]) <= 4_096 or "parse_mode" in content:
        return ERRORS["api.telegram.org"]["chat unknown"]
    return _json(200, {"ok": True, "result": {"message_id": 7, "chat": {"id": content["chat_id"]}}})


def _ntfy(request: Received) -> Reply:
    content = request.json
    if not 1 <= content["priority"] <= 5 or len(content["message"].encode()) > 4_096:
        return _json(400, {"code": 40001, "http": 400, "error": "invalid request"})
    return _json(200, {"id": "hwQ2YpKdmg", "event": "message", "topic": content["topic"]})


def _webhook(_request: Received) -> Reply:
    return Reply(204)


SUCCESS: dict[str, Callable[[Received], Reply]] = {
    "hooks.slack.com": _slack,
    "discord.com": _discord,
    "prod-12.westeurope.logic.azure.com": _teams,
    "events.pagerduty.com": _pagerduty,
    "events.eu.pagerduty.com": _pagerduty,
    "api.telegram.org": _telegram,
    "ntfy.example.org": _ntfy,
    "webhook.example.org": _webhook,
}


@dataclass
class FakeServices:
    """All services at one address; the first part of a path is the host."""

    port: int = 0
    received: list[Received] = field(default_factory=list)
    scripted: defaultdict[str, list[Reply]] = field(default_factory=lambda: defaultdict(list))
    always: dict[str, Reply] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """The setting that leads all services here."""
        return f"http://127.0.0.1:{self.port}"

    def answer(self, request: Received) -> Reply:
        """Answer as a test says, else as the service does."""
        self.received.append(request)
        if self.scripted[request.host]:
            return self.scripted[request.host].pop(0)
        return self.always.get(request.host) or SUCCESS[request.host](request)


@contextmanager
def fake_services() -> Iterator[FakeServices]:
    """The running services."""
    services = FakeServices()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            host, _, path = self.path[1:].partition("/")
            length = int(self.headers["content-length"])
            body = self.rfile.read(length)
            if len(body) < length:
                return  # its sender died meanwhile: a service that reads half a request does nothing
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = services.answer(Received(host, f"/{path}", headers, body))
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body.encode())))
            self.end_headers()
            self.wfile.write(reply.body.encode())

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    services.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield services
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
