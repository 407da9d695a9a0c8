"""Claude Code sessions of a corpus."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.tally.agents.corpus_dice import TOOL_RESULT_BYTES, Dice, format_instant, line

PROJECTS = ("tally", "garden", "weather-station", "Lübeck notes")
CLAUDE_MODELS = ("claude-opus-4-5-20251101", "claude-sonnet-4-5-20250929", "claude-haiku-4-5-20251001")
CODEX_MODELS = ("gpt-5", "gpt-5.2-codex", "gpt-5.3-codex")
GEMINI_MODELS = ("gemini-2.5-pro", "gemini-2.5-flash")
WORDS = (
    *("return", "the", "value", "of", "each", "request", "that", "was", "counted", "once", "def", "load"),
    *('a "quoted" name,', "\\\\ and", "\ttabs", "across\nlines", "Größe", "数 🙂"),
    '{"usage":{"input_tokens":1}}',
)
CLAUDE_MODELS = ("claude-opus-4-5-20251101", "claude-sonnet-4-5-20250929", "claude-haiku-4-5-20251001")
CODEX_MODELS = ("gpt-5", "gpt-5.2-codex", "gpt-5.3-codex")
GEMINI_MODELS = ("gemini-2.5-pro", "gemini-2.5-flash")
WORDS = (
    *("return", "the", "value", "of", "each", "request", "that", "was", "counted", "once", "def", "load"),
    *('a "quoted" name,', "\\\\ and", "\ttabs", "across\nlines", "Größe", "数 🙂"),
    '{"usage":{"input_tokens":1}}',
)
ANSWER_BYTES = (80, 150, 300, 700, 2_500)


class ClaudeCode:
    """Claude Code sessions: streamed responses, resumed sessions, sidechains, subagents, and bad lines."""

    def __init__(self, projects: Path, dice: Dice) -> None:
        self._projects = projects
        self._dice = dice
        self._written: list[Path] = []

    def write_session(self, size: int) -> None:
        """Write a session; every fifth resumes an earlier one and starts with part of its history."""
        dice = self._dice
        session = Session(dice, dice.choice(PROJECTS))
        lines = self._resume(session) if self._written and dice.random() < 0.2 else []
        length = sum(map(len, lines))
        while length < size:
            turn = list(session.turn())
            lines += turn
            length += sum(map(len, turn))
        self._save(session, lines)

    def _resume(self, session: "Session") -> list[bytes]:
        earlier = self._dice.choice(self._written).read_bytes().splitlines(keepends=True)
        copied = earlier[: len(earlier) // 3]
        if self._dice.random() < 0.5:  # some versions write the new session's id into them
            copied = [line(json.loads(row) | {"sessionId": session.id}) for row in copied]
        last = json.loads(copied[-1]) if copied else {}
        session.now = datetime.fromisoformat(
            last.get("timestamp") or format_instant(session.now)
        ) + timedelta(hours=1)
        return copied

    def write_copies(self, other_root: Path) -> None:
        """Copy sessions to the second default folder."""
        for path in self._written[:3]:
            copy = other_root / path.relative_to(self._projects)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())

    def write_oddities(self) -> None:
        """Write lines without usage, unreadable lines and rejected lines."""
        session = Session(self._dice, "oddities")
        good = session.answer(blocks=1)
        record = json.loads(good[0])
        lines = [
            *good,
            b'{"type":"assistant","message":{"usage":{"input_tokens":5,\n',
            b'\xff\xfe{"message":{"usage":{"input_tokens":5}}}\n',
            bytes(range(32, 256)) + b'"usage":{' + bytes(1_000) + b"\n",
            line(record | {"requestId": ""}),
            line(record | {"version": "unknown"}),
            line(record | {"sessionId": ""}),
            line(record | {"message": record["message"] | {"id": ""}}),
            line(record | {"message": record["message"] | {"model": ""}}),
            line(record | {"timestamp": "yesterday"}),
            line(record | {"message": record["message"] | {"usage": {"input_tokens": -5}}}),
            line({"type": "user", "message": {"content": 'she said {"usage":{"input_tokens":3}} once'}}),
            line({"type": "file-history-snapshot", "snapshot": self._dice.text((24_000,)) * 40}),
            *session.answer(blocks=2),
            b'{"type":"assistant","timestamp":"2026-09-01T10:00:00.000Z","message":{"id":"msg_cut","usage":{"inp',
        ]
        self._save(session, lines)

    def _save(self, session: "Session", lines: list[bytes]) -> None:
        folder = self._projects / f"-home-ada-projects-{session.project.replace(' ', '-')}"
        path = folder / f"{session.id}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(lines))
        self._written.append(path)


def classes(write_5m: int, write_1h: int) -> dict[str, int]:
    """Cache writes as newer versions log them."""
    return {"ephemeral_5m_input_tokens": write_5m, "ephemeral_1h_input_tokens": write_1h}


class Session:
    """A growing Claude Code session."""

    def __init__(self, dice: Dice, project: str) -> None:
        self.id = dice.uuid()
        self.project = project
        self.now = dice.moment()
        self.model = dice.choice(CLAUDE_MODELS)
        self.version = dice.choice(("1.0.88", "2.0.14", "2.1.0-beta.3"))
        self._dice = dice
        self._context = dice.randrange(9_000, 20_000)

    def turn(self) -> Iterator[bytes]:
        """Yield a tool result, a response, and sometimes a special case."""
        self.now += timedelta(milliseconds=self._dice.randrange(3_000, 90_000))
        yield self._row("user", {"role": "user", "content": [self._tool_result()]})
        case = self._dice.random()
        answer = self.answer(blocks=self._dice.choice((1, 1, 2, 2, 3)))
        yield from answer
        if case < 0.02:
            yield from self._replayed_on_a_sidechain(answer[-1])
        elif case < 0.04:
            yield from self.answer(blocks=1, is_sidechain=True)
        elif case < 0.05:
            yield self._sent_again(answer[-1])
        elif case < 0.06:
            yield self._without_message_id()
        elif case < 0.07:
            yield from self.answer(blocks=1, request_id=None)
        elif case < 0.08:
            yield self._synthetic()
        elif case < 0.09:
            yield self._progress()
        elif case < 0.10:
            yield self._subagent_done()
        if self._context > 170_000:
            self._context = self._dice.randrange(9_000, 20_000)  # compacted

    def answer(self, blocks: int, is_sidechain: bool = False, request_id: str | None = "") -> list[bytes]:
        """Return a request: one line per block of the response, with the final usage only in the last."""
        usage = self.usage()
        message_id = self._dice.name("msg_01")
        request_id = self._dice.name("req_011") if request_id == "" else request_id
        rows = []
        for block in range(1, blocks + 1):
            self.now += timedelta(milliseconds=self._dice.randrange(200, 4_000))
            seen = usage | {"output_tokens": usage["output_tokens"] if block == blocks else block}
            message = {
                "id": message_id,
                "type": "message",
                "role": "assistant",
                "model": self.model,
                "content": [{"type": "text", "text": self._dice.text(ANSWER_BYTES)}],
                "stop_reason": "tool_use" if block == blocks else None,
                "usage": seen,
            }
            extra = {"requestId": request_id} if request_id else {}
            rows.append(self._row("assistant", message, isSidechain=is_sidechain, **extra))
        return rows

    def usage(self) -> dict[str, Any]:
        """Return a request's usage: the context is read from the cache, new input is written to it."""
        new = self._dice.randrange(200, 6_000)
        usage = {
            "input_tokens": self._dice.randrange(2, 40),
            "cache_creation_input_tokens": new,
            "cache_read_input_tokens": self._context,
            "output_tokens": self._dice.randrange(20, 2_500),
            "service_tier": "standard",
        }
        self._context += new
        kind = self._dice.random()
        if kind < 0.5:
            hour = self._dice.randrange(new) if kind < 0.1 else 0
            usage["cache_creation"] = classes(new - hour, hour)
        elif kind < 0.52:  # both, and they differ: the classes are used
            usage["cache_creation"] = classes(new // 2, 7)
        if kind > 0.9:
            usage["speed"] = "standard"
        return usage

    def _replayed_on_a_sidechain(self, row: bytes) -> Iterator[bytes]:
        record = json.loads(row)
        again = {"isSidechain": True, "requestId": self._dice.name("req_011"), "uuid": self._dice.uuid()}
        yield line(record | again)

    def _sent_again(self, row: bytes) -> bytes:
        """Repeat a message under another request id of the main chain: a second request."""
        record = json.loads(row)
        return line(record | {"requestId": self._dice.name("req_011"), "uuid": self._dice.uuid()})

    def _without_message_id(self) -> bytes:
        record = json.loads(self.answer(blocks=1)[0])
        del record["message"]["id"]
        return line(record)

    def _synthetic(self) -> bytes:
        usage = {"input_tokens": 0, "output_tokens": 0, "cache_creation_input_tokens": 0}
        message = {"id": self._dice.uuid(), "model": "<synthetic>", "role": "assistant", "usage": usage}
        return self._row("assistant", message, isApiErrorMessage=True)

    def _progress(self) -> bytes:
        """Return a subagent's request as logged in its parent's session."""
        record = json.loads(self.answer(blocks=1)[0])
        nested = {key: record[key] for key in ("timestamp", "message", "requestId", "uuid")} | {
            "type": "assistant"
        }
        return self._row("progress", None, data={"type": "agent_progress", "message": nested})

    def _subagent_done(self) -> bytes:
        """Return a subagent's sum in its parent's session; its requests are logged elsewhere."""
        result = {"status": "completed", "totalTokens": 90_000, "usage": self.usage()}
        return self._row("user", {"role": "user", "content": [self._tool_result()]}, toolUseResult=result)

    def _tool_result(self) -> dict[str, Any]:
        return {
            "tool_use_id": self._dice.name("toolu_01"),
            "type": "tool_result",
            "content": self._dice.text(TOOL_RESULT_BYTES),
        }

    def _row(self, kind: str, message: object, **more: object) -> bytes:
        row = {
            "parentUuid": self._dice.uuid(),
            "isSidechain": False,
            "userType": "external",
            "cwd": f"/home/ada/projects/{self.project}",
            "sessionId": self.id,
            "version": self.version,
            "gitBranch": "main",
            "type": kind,
            **({"message": message} if message else {}),
            "uuid": self._dice.uuid(),
            "timestamp": format_instant(self.now),
        }
        return line(row | more)
