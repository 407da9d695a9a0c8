"""A machine with a coding agent's logs, and the account whose machine it is."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from app.auth.identity import User


def make_home(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    """A home with one Claude Code session of one request, and a broken line."""
    session = folder / ".claude" / "projects" / "house" / "session.jsonl"
    session.parent.mkdir(parents=True)
    message = {
        "id": "msg_1",
        "model": "claude-sonnet-4-5-20250929",
        "usage": {"input_tokens": 100_000, "output_tokens": 0},
    }
    line = {
        "type": "assistant",
        "timestamp": datetime.now(UTC).isoformat(),
        "requestId": "req_1",
        "sessionId": "s",
        "message": message,
    }
    session.write_text(json.dumps(line, separators=(",", ":")) + "\n")
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("TALLY_HOME", str(folder / "tally"))
    for name in ("CLAUDE_CONFIG_DIR", "CODEX_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    return folder


def own_installation(job: psycopg.Connection[Any], user: User) -> None:
    """Make the installation this account's."""
    job.execute("delete from private.installation")
    job.execute("insert into private.installation (owner_id) values (%s)", [user.user_id])
