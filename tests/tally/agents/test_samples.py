"""A sample of each agent's logs, made up in the agent's format, and the requests in it."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tally.agents.events import Event
from tally.agents.listing import list_agents
from tally.agents.registry import AGENTS
from tests.tally.agents.homes import collected, read

SAMPLES = Path(__file__).resolve().parents[2] / "fixtures" / "agents"
# Their tests have logs of their own.
TESTED_ELSEWHERE = {"claude-code", "codex", "gemini-cli", "opencode", "copilot-cli"}
NAMES = sorted(sample.name for sample in SAMPLES.iterdir())


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def home(name: str, tmp_path: Path) -> Path:
    """A copy of the sample's home folder, with databases from their statements."""
    copy = tmp_path / "home"
    shutil.copytree(SAMPLES / name / "home", copy)
    for statements in list(copy.rglob("*.db.sql")):
        with closing(sqlite3.connect(statements.with_suffix(""))) as database, database:
            database.executescript(statements.read_text())
        statements.unlink()
    return copy


def describe(event: Event) -> dict[str, object]:
    return {
        "time": event.timestamp.isoformat(),
        "provider": event.vendor,
        "model": event.model,
        "input": event.input_tokens,
        "cached": event.cached_input_tokens,
        "cache_write": event.cache_write_tokens,
        "output": event.output_tokens,
        "reasoning": event.reasoning_tokens,
        "session": event.session,
        "folder": event.folder,
        "logged_usd": event.logged_usd,
    }


def test_every_agent_has_a_sample() -> None:
    assert {agent.name for agent in AGENTS} - TESTED_ELSEWHERE == set(NAMES)


def test_sample_is_read_as_expected(name: str, home: Path) -> None:
    expected = json.loads((SAMPLES / name / "expected.json").read_text())

    assert [describe(event) for event in collected(home, name)] == expected
    assert [(file.rejected, file.unknown) for file in read(home, name) if file.rejected or file.unknown] == []


def test_agent_is_listed_with_its_folders(name: str, home: Path) -> None:
    found = [agent for agent in list_agents(home, {}) if agent.is_found]

    assert [(agent.name, agent.files) for agent in found] == [(name, len(read(home, name)))]
    assert all(folder.exists() and home in folder.parents for folder in found[0].folders)


def test_nonsense_in_a_sample_yields_no_request_and_no_crash(name: str, home: Path) -> None:
    for number, file in enumerate(read(home, name)):
        nonsense = [
            b"",
            b"\n" * 9,
            bytes(range(256)),
            b"[" * 100_000,
            b'{"usage":[],"message":{"usage":7}}\n',
        ]
        file.file.path.write_bytes(nonsense[number % len(nonsense)])

        assert all(event.tokens for event in collected(home, name))


def test_logs_without_usage_are_no_unknown_shapes(name: str, home: Path) -> None:
    for file in read(home, name):
        if file.file.path.suffix == ".jsonl":
            file.file.path.write_bytes(b'{"type":"user","message":{"role":"user","content":"usage"}}\n')

    jsonl = [file for file in read(home, name) if file.file.path.suffix == ".jsonl"]
    assert [(file.events, file.rejected, file.unknown) for file in jsonl] == [([], 0, 0)] * len(jsonl)
