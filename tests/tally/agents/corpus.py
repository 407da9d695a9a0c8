"""Reproducible home folder with logs of every agent, including all special cases, of any size."""

import json
import random
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

FIRST_DAY = datetime(2026, 8, 3, 6, 30, tzinfo=UTC)
DAYS = 90
PROJECTS = ("tally", "garden", "weather-station", "Lübeck notes")
CLAUDE_MODELS = ("claude-opus-4-5-20251101", "claude-sonnet-4-5-20250929", "claude-haiku-4-5-20251001")
CODEX_MODELS = ("gpt-5", "gpt-5.2-codex", "gpt-5.3-codex")
GEMINI_MODELS = ("gemini-2.5-pro", "gemini-2.5-flash")
WORDS = (
    *("return", "the", "value", "of", "each", "request", "that", "was", "counted", "once", "def", "load"),
    *('a "quoted" name,', "\\\\ and", "\ttabs", "across\nlines", "Größe", "数 🙂"),
    '{"usage":{"input_tokens":1}}',
)
# Sizes of texts in a session: tool results are long, responses are short.
TOOL_RESULT_BYTES = (200, 400, 900, 2_500, 7_000, 24_000)
ANSWER_BYTES = (80, 150, 300, 700, 2_500)
MEGABYTE = 1_000_000
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"


class Dice(random.Random):
    """Reproducible random numbers, texts, names and times."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        pool = random.Random(7)
        self._text = " ".join(pool.choice(WORDS) for _ in range(60_000))

    def text(self, sizes: tuple[int, ...]) -> str:
        length = self.choice(sizes)
        start = self.randrange(len(self._text) - length)
        return self._text[start : start + length]

    def name(self, prefix: str = "", length: int = 24) -> str:
        return prefix + "".join(self.choices(LETTERS, k=length))

    def uuid(self) -> str:
        return str(UUID(int=self.getrandbits(128), version=4))

    def moment(self) -> datetime:
        minutes = self.randrange(DAYS * 24 * 60)
        return FIRST_DAY + timedelta(minutes=minutes, milliseconds=self.randrange(60_000))


def format_instant(moment: datetime) -> str:
    """Format an instant as the agents do."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def line(record: object) -> bytes:
    """Encode a line of JSON as the agents do."""
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


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


class Codex:
    """Codex CLI sessions: running totals, repeated counts, model changes, archives and forks."""

    def __init__(self, folder: Path, dice: Dice) -> None:
        self._folder = folder
        self._dice = dice
        self._written: list[Path] = []

    def write_session(self, size: int) -> None:
        """Write a session, or every sixth time a branch with the whole history of another."""
        dice = self._dice
        now = dice.moment()
        if self._written and dice.random() < 0.17:
            self._copy_history(now)
            return
        rollout = Rollout(dice, now)
        lines = rollout.begin()
        length = sum(map(len, lines))
        while length < size:
            turn = rollout.turn()
            lines += turn
            length += sum(map(len, turn))
        self._save(rollout, lines)

    def _copy_history(self, now: datetime) -> None:
        """Write a branch: the same events at the same times in another session."""
        copied = self._dice.choice(self._written).read_bytes().splitlines(keepends=True)
        rollout = Rollout(self._dice, now)
        self._save(rollout, [*rollout.begin()[:1], *copied[1:]])

    def write_special_cases(self) -> None:
        """Write archived sessions, older formats and bad lines."""
        first = self._written[0]
        archived = self._folder / "archived_sessions" / first.relative_to(self._folder / "sessions")
        archived.parent.mkdir(parents=True, exist_ok=True)
        archived.write_bytes(first.read_bytes())
        rollout = Rollout(self._dice, self._dice.moment())
        lines = [*rollout.begin(), *rollout.turn(), *rollout.turn()]
        (archived.parent / rollout.filename).write_bytes(b"".join(lines))
        self._save(*self._without_a_model())
        self._save(*self._only_totals())
        self._save(*self._odd_lines())
        self._save(*self._subagent())

    def _without_a_model(self) -> tuple["Rollout", list[bytes]]:
        rollout = Rollout(self._dice, self._dice.moment())
        return rollout, [rollout.begin()[0], *rollout.turn()]

    def _only_totals(self) -> tuple["Rollout", list[bytes]]:
        rollout = Rollout(self._dice, self._dice.moment())
        lines = rollout.begin()
        for _ in range(4):
            lines += rollout.turn(with_last=False)
        return rollout, lines

    def _odd_lines(self) -> tuple["Rollout", list[bytes]]:
        rollout = Rollout(self._dice, self._dice.moment())
        lines = [*rollout.begin(), *rollout.turn()]
        lines += [
            b'{"timestamp":"2026-09-01T10:00:00.000Z","type":"event_msg","payload":{"type":"token_count","info":\n',
            b'\xff{"type":"event_msg","payload":{"type":"token_count","info":{}}}\n',
            rollout.event({"type": "token_count", "info": None, "rate_limits": {}}),
            *rollout.turn(),
            b'{"timestamp":"2026-09-01T10:00:00.000Z","type":"event_msg","payload":{"type":"token_count","inf',
        ]
        return rollout, lines

    def _subagent(self) -> tuple["Rollout", list[bytes]]:
        """Return a fork: its parent's history with the time of the fork, then its own requests."""
        rollout = Rollout(self._dice, self._dice.moment())
        lines = rollout.begin(parent=self._dice.uuid())
        for _ in range(3):
            lines += rollout.count(rollout.spend())
            rollout.now += timedelta(milliseconds=4)
        rollout.now += timedelta(seconds=12)
        return rollout, [*lines, *rollout.turn(), *rollout.turn()]

    def _save(self, rollout: "Rollout", lines: list[bytes]) -> None:
        path = self._folder / "sessions" / f"{rollout.started:%Y/%m/%d}" / rollout.filename
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(lines))
        self._written.append(path)


class Rollout:
    """A growing Codex CLI session."""

    def __init__(self, dice: Dice, now: datetime) -> None:
        self.id = dice.uuid()
        self.started = self.now = now
        self._dice = dice
        self._model = dice.choice(CODEX_MODELS)
        self._context = dice.randrange(5_000, 12_000)
        self._total: dict[str, int] = defaultdict(int)

    @property
    def filename(self) -> str:
        return f"rollout-{self.started:%Y-%m-%dT%H-%M-%S}-{self.id}.jsonl"

    def begin(self, parent: str | None = None) -> list[bytes]:
        """Return the first lines of a session."""
        where = {"cwd": "/home/ada/projects/tally"}
        meta: dict[str, Any] = {"id": self.id, "timestamp": format_instant(self.now), "cli_version": "0.98.0"}
        meta |= {"originator": "codex_cli_rs", "instructions": self._dice.text((2_500,))} | where
        if parent:
            meta["source"] = {"subagent": {"thread_spawn": {"parent_thread_id": parent, "depth": 1}}}
        return [self._row("session_meta", meta), self._row("turn_context", where | {"model": self._model})]

    def turn(self, with_last: bool = True) -> list[bytes]:
        """Return a tool result and a token count; sometimes a repeated count or a model change."""
        self.now += timedelta(milliseconds=self._dice.randrange(2_000, 60_000))
        item = {"type": "function_call_output", "output": self._dice.text(TOOL_RESULT_BYTES)}
        lines = [self._row("response_item", item)]
        case = self._dice.random()
        if case < 0.03:
            self._model = self._dice.choice(CODEX_MODELS)
            lines.append(self._row("turn_context", {"cwd": "/home/ada/projects/tally", "model": self._model}))
        counted = self.count(self.spend(), with_last)
        lines += counted
        if 0.1 < case < 0.2:
            self.now += timedelta(milliseconds=12)
            lines.append(line(json.loads(counted[0]) | {"timestamp": format_instant(self.now)}))
        if 0.2 < case < 0.25:
            lines.append(self.event({"type": "token_count", "info": None, "rate_limits": {}}))
        return lines

    def spend(self) -> dict[str, int]:
        """Return a request's usage."""
        self._context = 8_000 if self._context > 150_000 else self._context + self._dice.randrange(300, 5_000)
        output = self._dice.randrange(30, 2_000)
        return {
            "input_tokens": self._context,
            "cached_input_tokens": self._context * self._dice.randrange(0, 95) // 100,
            "output_tokens": output,
            "reasoning_output_tokens": self._dice.randrange(output),
            "total_tokens": self._context + output,
        }

    def count(self, spent: dict[str, int], with_last: bool = True) -> list[bytes]:
        """Return a token count with the request's usage and the total."""
        for key, tokens in spent.items():
            self._total[key] += tokens
        info: dict[str, Any] = {"total_token_usage": dict(self._total), "model_context_window": 258_400}
        if with_last:
            info["last_token_usage"] = spent
        return [self.event({"type": "token_count", "info": info, "rate_limits": {"primary": None}})]

    def event(self, payload: dict[str, Any]) -> bytes:
        return self._row("event_msg", payload)

    def _row(self, kind: str, payload: dict[str, Any]) -> bytes:
        return line({"timestamp": format_instant(self.now), "type": kind, "payload": payload})


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
