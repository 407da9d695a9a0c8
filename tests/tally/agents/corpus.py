"""Reproducible home folder with logs of every agent, including all special cases, of any size."""

import json
import sqlite3
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.tally.agents.corpus_claude_code import ClaudeCode
from tests.tally.agents.corpus_codex import Codex
from tests.tally.agents.corpus_dice import Dice, format_instant, line

GEMINI_MODELS = ("gemini-2.5-pro", "gemini-2.5-flash")
WORDS = (
    *("return", "the", "value", "of", "each", "request", "that", "was", "counted", "once", "def", "load"),
    *('a "quoted" name,', "\\\\ and", "\ttabs", "across\nlines", "Größe", "数 🙂"),
    '{"usage":{"input_tokens":1}}',
)
MEGABYTE = 1_000_000


def write_corpus(home: Path, megabytes: float = 3, files: int = 60, seed: int = 20) -> None:
    """Fill a home folder: nine tenths Claude Code, the rest the four other agents."""
    dice = Dice(seed)
    bytes_each = int(megabytes * MEGABYTE * 0.88 / (files * 0.85))
    claude = ClaudeCode(home / ".claude" / "projects", dice)
    for _ in range(int(files * 0.85)):
        claude.write_session(bytes_each)
    claude.write_copies(home / ".config" / "claude" / "projects")
    claude.write_oddities()
    codex = Codex(home / ".codex", dice)
    for _ in range(int(files * 0.12)):
        codex.write_session(bytes_each)
    codex.write_special_cases()
    write_gemini(home / ".gemini" / "tmp", dice, max(3, files // 50))
    write_opencode(home / ".local" / "share" / "opencode", dice, max(20, files))
    write_copilot(home / ".copilot" / "otel", dice, max(20, files))


def write_gemini(tmp: Path, dice: Dice, sessions: int) -> None:
    """Write Gemini CLI chats: older ones as a document, newer ones as a line per message."""
    for number in range(sessions):
        now = dice.moment()
        chats = tmp / dice.name(length=40) / "chats"
        chats.mkdir(parents=True)
        session = dice.uuid()
        messages = []
        for _ in range(12):
            now += timedelta(seconds=dice.randrange(5, 90))
            messages.append(
                {"id": dice.uuid(), "timestamp": format_instant(now), "type": "user", "content": "Go on."}
            )
            messages.append(_gemini_answer(dice, now))
        messages.append(
            {"id": dice.uuid(), "timestamp": format_instant(now), "type": "gemini", "content": "no tokens"}
        )
        head = {"sessionId": session, "startTime": format_instant(now), "lastUpdated": format_instant(now)}
        if number % 2:
            repeated = messages[1] | {
                "tokens": _gemini_tokens(dice)
            }  # the same id: the last one is effective
            rows = [head, *messages, repeated, {"$set": {"lastUpdated": format_instant(now)}}]
            body = b"".join(map(line, rows)) + b'{"type":"gemini","tok'
            (chats / f"session-{number}.jsonl").write_bytes(body)
        else:
            (chats / f"session-{number}.json").write_bytes(line(head | {"messages": messages}))
    broken = tmp / "broken" / "chats" / "session-cut.json"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(b'{"sessionId":"cut","messages":[{"type":"gemini","tok')


def _gemini_answer(dice: Dice, now: datetime) -> dict[str, Any]:
    answer = {"id": dice.uuid(), "timestamp": format_instant(now), "type": "gemini", "content": "Done."}
    return answer | {"model": dice.choice(GEMINI_MODELS), "tokens": _gemini_tokens(dice)}


def _gemini_tokens(dice: Dice) -> dict[str, int]:
    fresh, cached, thoughts = dice.randrange(100, 20_000), dice.randrange(0, 30_000), dice.randrange(0, 900)
    output = dice.randrange(10, 900)
    tokens = {"input": fresh + cached, "output": output, "cached": cached, "thoughts": thoughts, "tool": 0}
    return tokens | {"total": sum(tokens.values()) - cached}


def write_opencode(folder: Path, dice: Dice, messages: int) -> None:
    """Write opencode's database, with columns that Tally reads and others."""
    folder.mkdir(parents=True)
    with sqlite3.connect(folder / "opencode.db") as database:
        database.execute(
            "create table message ("
            "id text primary key, session_id text, time_created integer, time_updated integer, data text)"
        )
        for number in range(messages):
            now = dice.moment()
            data = _opencode_message(dice, now, number)
            row = (dice.name("msg_"), dice.name("ses_"), int(now.timestamp() * 1000), 0, json.dumps(data))
            database.execute("insert into message values (?, ?, ?, ?, ?)", row)
        database.execute("insert into message values ('msg_bad', 'ses_bad', 0, 0, '{\"tokens\":')")
    database.close()


def _opencode_message(dice: Dice, now: datetime, number: int) -> dict[str, Any]:
    created = int(now.timestamp() * 1000)
    if number % 3 == 0:
        return {"role": "user", "time": {"created": created}}
    provider, model = dice.choice((("anthropic", "claude-sonnet-4-5"), ("openai", "gpt-5.2")))
    write = dice.randrange(0, 900) if provider == "anthropic" else 0
    return {
        "role": "assistant",
        "providerID": provider,
        "modelID": model,
        "time": {"created": created, "completed": created + 900},
        "tokens": {
            "input": dice.randrange(5, 9_000),
            "output": dice.randrange(5, 900),
            "reasoning": 0,
            "cache": {"read": dice.randrange(0, 9_000), "write": write},
        },
        "cost": 0,
    }


def write_copilot(folder: Path, dice: Dice, requests: int) -> None:
    """Write Copilot CLI exports: a span per request, the agent's sum, and other telemetry."""
    folder.mkdir(parents=True)
    rows = [b'{"type":"span","attributes":{"gen_ai.usage.input\n', line({"type": "metric", "attributes": {}})]
    for _ in range(requests):
        now = dice.moment()
        trace, session = dice.name(length=32), dice.uuid()
        cached = dice.randrange(0, 9_000)
        usage = {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "claude-sonnet-4.5",
            "gen_ai.response.id": dice.name("msg_"),
            "gen_ai.conversation.id": session,
            "gen_ai.usage.input_tokens": cached + dice.randrange(5, 5_000),
            "gen_ai.usage.output_tokens": dice.randrange(5, 900),
            "gen_ai.usage.cache_read.input_tokens": cached,
        }
        end = [int(now.timestamp()), now.microsecond * 1000]
        span = {"type": "span", "traceId": trace, "name": "chat claude-sonnet-4.5", "endTime": end}
        rows.append(line(span | {"spanId": dice.name(length=16), "attributes": usage}))
        agent = usage | {"gen_ai.operation.name": "invoke_agent"}
        rows.append(
            line(span | {"spanId": dice.name(length=16), "name": "invoke_agent", "attributes": agent})
        )
    (folder / "copilot-otel.jsonl").write_bytes(b"".join(rows))
