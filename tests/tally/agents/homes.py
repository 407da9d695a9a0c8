"""Home folders with a few logs, and the requests found in them."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from tally.agents.events import Event, KnownRequests
from tally.agents.log_files import stat_logs
from tally.agents.registry import find_agent
from tally.agents.scan import FileRead, read_logs

NOON = "2026-09-01T12:00:00.000Z"


def claude_row(
    message: str | None = "msg_1",
    request: str | None = "req_1",
    *,
    at: str = NOON,
    model: str = "claude-sonnet-4-5-20250929",
    session: str = "s1",
    uuid: str = "u1",
    usage: Mapping[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Return a line of Claude Code, with 10 input and 100 output tokens unless `usage` changes them."""
    row: dict[str, Any] = {
        "type": "assistant",
        "timestamp": at,
        "sessionId": session,
        "version": "2.1.0",
        "uuid": uuid,
    }
    tokens = {"input_tokens": 10, "output_tokens": 100} | dict(usage or {})
    row |= {"requestId": request} if request else {}
    row |= {"isSidechain": False, "cwd": "/home/ada/projects/garden"}
    return row | {"message": ({"id": message} if message else {}) | {"model": model, "usage": tokens}} | more


def codex_rows(*counts: Mapping[str, Any], model: str | None = "gpt-5", **meta: Any) -> list[dict[str, Any]]:
    """Return a Codex session with these token counts, each at its `at`."""
    payload = {"id": "c1", "cwd": "/home/ada/projects/tally"} | meta
    rows = [{"timestamp": NOON, "type": "session_meta", "payload": payload}]
    if model:
        rows.append({"timestamp": NOON, "type": "turn_context", "payload": {"model": model}})
    for count in counts:
        info = {key: value for key, value in count.items() if key != "at"} or None
        payload = {"type": "token_count", "info": info, "rate_limits": {}}
        rows.append({"timestamp": count.get("at", NOON), "type": "event_msg", "payload": payload})
    return rows


def codex_usage(tokens: int, output: int, cached: int = 0, reasoning: int = 0) -> dict[str, int]:
    """Return usage as the Codex CLI logs it."""
    return {
        "input_tokens": tokens,
        "cached_input_tokens": cached,
        "output_tokens": output,
        "reasoning_output_tokens": reasoning,
        "total_tokens": tokens + output,
    }


def json_lines(rows: Sequence[object]) -> bytes:
    """Encode rows as JSON lines; bytes are left unchanged."""
    return b"".join(
        row if isinstance(row, bytes) else json.dumps(row, separators=(",", ":")).encode() + b"\n"
        for row in rows
    )


def write_claude(home: Path, *rows: object, file: str = "garden/s1.jsonl", root: str = ".claude") -> Path:
    """Write a session of Claude Code."""
    return write(home / root / "projects" / file, json_lines(rows))


def write_codex(home: Path, rows: Sequence[object], file: str = "2026/09/01/rollout-1.jsonl") -> Path:
    """Write a session of the Codex CLI."""
    return write(home / ".codex" / "sessions" / file, json_lines(rows))


def write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def read(home: Path, agent_name: str, environment: Mapping[str, str] | None = None) -> list[FileRead]:
    """Read all logs of one agent."""
    agent = find_agent(agent_name)
    return read_logs(agent, stat_logs(agent.find_files(home, environment or {})))


def collected(home: Path, agent_name: str, environment: Mapping[str, str] | None = None) -> list[Event]:
    """Return the requests in all logs of one agent, each once, by time."""
    reads = read(home, agent_name, environment)
    events = [event for read in reads for event in read.events]
    winners = find_agent(agent_name).select_winners(events, KnownRequests({}))
    return sorted(winners, key=lambda event: (event.timestamp, event.name))


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
