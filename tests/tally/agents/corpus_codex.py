"""Codex CLI sessions of a corpus."""

import json
from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.tally.agents.corpus_dice import TOOL_RESULT_BYTES, Dice, format_instant, line

CODEX_MODELS = ("gpt-5", "gpt-5.2-codex", "gpt-5.3-codex")
GEMINI_MODELS = ("gemini-2.5-pro", "gemini-2.5-flash")
WORDS = (
    *("return", "the", "value", "of", "each", "request", "that", "was", "counted", "once", "def", "load"),
    *('a "quoted" name,', "\\\\ and", "\ttabs", "across\nlines", "Größe", "数 🙂"),
    '{"usage":{"input_tokens":1}}',
)


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
        parent = Rollout(self._dice, self._dice.moment())
        spent = [parent.spend() for _ in range(3)]
        lines = parent.begin()
        for usage in spent:
            parent.now += timedelta(seconds=7)
            lines += parent.count(usage)
        self._save(parent, lines)
        rollout = Rollout(self._dice, parent.now + timedelta(seconds=20))
        lines = rollout.begin(parent=parent.id)
        for usage in spent:
            lines += rollout.count(usage)
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
