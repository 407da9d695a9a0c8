"""Lines in other shapes than usual: they are read, or counted as lines that Tally does not know."""

import json
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tally.agents import claude_code
from tally.agents.events import Event
from tests.tally.agents.homes import (
    NOON,
    claude_row,
    codex_rows,
    codex_usage,
    collected,
    json_lines,
    read,
    write,
    write_claude,
    write_codex,
)
from tests.tally.agents.test_other_agents import (
    gemini_message,
    opencode_message,
    write_gemini,
    write_opencode,
)

USAGE = {
    "input_tokens": 10,
    "cache_creation_input_tokens": 20,
    "cache_read_input_tokens": 30,
    "output_tokens": 5,
}


def indented(row: object) -> str:
    return json.dumps(row, separators=(" , ", " : "))


def tabbed(row: object) -> str:
    return json.dumps(row, separators=(",\t", "\t:\t"))


SPELLINGS: dict[str, Callable[[object], str]] = {
    "Python": json.dumps,
    "sorted": lambda row: json.dumps(row, sort_keys=True),
    "before the colon": indented,
    "tabs": tabbed,
    "Windows lines": lambda row: json.dumps(row) + "\r",
    "marked as UTF-8": lambda row: "\ufeff" + json.dumps(row),
    "numbers as text": lambda row: json.dumps(row, separators=(",", ":")).replace(":5}", ':"5"}'),
    "decimal points": lambda row: json.dumps(row, separators=(",", ":")).replace(":5}", ":5.0}"),
}


def rewritten(spelling: str, *rows: object) -> bytes:
    return "".join(f"{SPELLINGS[spelling](row)}\n" for row in rows).encode()


def counts(event: Event) -> tuple[int, ...]:
    return (event.input_tokens, event.cached_input_tokens, event.cache_write_tokens, event.output_tokens)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_claude_code_session_that_was_written_again_is_read(tmp_path: Path, spelling: str) -> None:
    write_claude(tmp_path, rewritten(spelling, claude_row(usage=USAGE)))

    assert list(map(counts, collected(tmp_path, "claude-code"))) == [(60, 30, 20, 5)]
    assert [file.rejected for file in read(tmp_path, "claude-code")] == [0]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_codex_session_that_was_written_again_is_read(tmp_path: Path, spelling: str) -> None:
    usage = codex_usage(40, 5) | {"total_tokens": 45}
    data = rewritten(spelling, *codex_rows({"total_token_usage": usage, "last_token_usage": usage}))
    write_codex(tmp_path, [data])

    assert list(map(counts, collected(tmp_path, "codex"))) == [(40, 0, 0, 5)]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_gemini_chat_that_was_written_again_is_read(tmp_path: Path, spelling: str) -> None:
    message = gemini_message()
    tokens = {"input": 40, "cached": 0, "thoughts": 0, "tool": 0, "total": 45, "output": 5}
    data = rewritten(spelling, {"sessionId": "g1"}, message | {"tokens": tokens})
    write(tmp_path / ".gemini/tmp/abc/chats/s.jsonl", data)

    assert list(map(counts, collected(tmp_path, "gemini-cli"))) == [(40, 0, 0, 5)]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_opencode_message_that_was_written_again_is_read(tmp_path: Path, spelling: str) -> None:
    tokens = {"input": 40, "reasoning": 0, "cache": {"read": 0, "write": 0}, "output": 5}
    data = rewritten(spelling, opencode_message(id="m1", sessionID="o1", tokens=tokens))
    write(tmp_path / ".local/share/opencode/storage/message/o1/m1.json", data)

    assert list(map(counts, collected(tmp_path, "opencode"))) == [(40, 0, 0, 5)]


def search(tool: str = "toolu_1", at: str = "2026-09-01T12:00:04.000Z", **result: Any) -> dict[str, Any]:
    """Return the result of Claude Code's web search."""
    content = [{"type": "tool_result", "tool_use_id": tool, "content": "found"}]
    return {
        "type": "user",
        "sessionId": "s1",
        "uuid": f"result of {tool}",
        "timestamp": at,
        "cwd": "/home/ada/projects/garden",
        "message": {"role": "user", "content": content},
        "toolUseResult": {"query": "gardens", "results": [], "durationSeconds": 3} | result,
    }


OPUS = claude_row("msg_2", "req_2", model="claude-opus-4-5", at="2026-09-01T12:00:05Z")
COUNTED = {"server_tool_use": {"web_search_requests": 2}}


@pytest.mark.parametrize(
    ("rows", "searches"),
    [
        ([claude_row(), search(searchCount=2)], {"claude-sonnet-4-5-20250929": 2}),
        (
            [claude_row(), search(searchCount=1), OPUS, search("toolu_2", searchCount=4)],
            {"claude-sonnet-4-5-20250929": 1, "claude-opus-4-5": 4},
        ),
        (
            [claude_row(), search(searchCount=1), search("toolu_2", searchCount=2)],
            {"claude-sonnet-4-5-20250929": 3},
        ),
        ([claude_row(), search(searchCount=2), search(searchCount=2)], {"claude-sonnet-4-5-20250929": 2}),
        ([claude_row(), search(searchCount=0)], {}),
        ([claude_row(), search(searchCount="3")], {"claude-sonnet-4-5-20250929": 3}),
        ([claude_row(usage=COUNTED), search(searchCount=2)], {"claude-sonnet-4-5-20250929": 2}),
        ([search(searchCount=2), claude_row()], {"claude-sonnet-4-5-20250929": 2}),
        ([search(searchCount=2)], {"unknown": 2}),
    ],
    ids=[
        "one",
        "two models",
        "parallel",
        "repeated",
        "none",
        "text",
        "counted in the answer",
        "before",
        "alone",
    ],
)
def test_web_searches_beside_the_answer_count(
    tmp_path: Path, rows: list[object], searches: dict[str, int]
) -> None:
    write_claude(tmp_path, *rows)

    found: dict[str, int] = {}
    for event in collected(tmp_path, "claude-code"):
        if event.web_searches:
            found[event.model] = found.get(event.model, 0) + event.web_searches

    assert found == searches


def test_web_search_is_no_request_of_its_own(tmp_path: Path) -> None:
    write_claude(tmp_path, claude_row(), search(searchCount=2))

    assert [event.requests for event in collected(tmp_path, "claude-code")] == [1, 0]


def test_web_search_of_a_later_part_has_the_model_of_the_part_before(tmp_path: Path) -> None:
    first = claude_code.parse(json_lines([claude_row()]), tmp_path, {})
    (event,) = claude_code.parse(json_lines([search(searchCount=2)]), tmp_path, first.state).events

    assert (event.model, event.vendor) == ("claude-sonnet-4-5-20250929", "anthropic")


def test_resumed_session_does_not_search_again(tmp_path: Path) -> None:
    rows = [claude_row(), search(searchCount=2)]
    write_claude(tmp_path, *rows)
    write_claude(tmp_path, *[row | {"sessionId": "s2"} for row in rows], file="garden/s2.jsonl")

    assert [event.web_searches for event in collected(tmp_path, "claude-code")] == [0, 2]


def codex_line(payload: Mapping[str, Any], kind: str = "event_msg") -> dict[str, Any]:
    return {"timestamp": NOON, "type": kind, "payload": payload}


@pytest.mark.parametrize(
    ("row", "unknown"),
    [
        ({"type": "assistant", "answer": {"usage": {"input_tokens": 5, "output_tokens": 6}}}, 1),
        ({"type": "turn", "usage": {"inputTokens": 5, "outputTokens": 6}}, 1),
        ({"type": "turn", "usage": {"input": 5, "output": 6}}, 1),
        ({"type": "turn", "usage": {"input_tokens": 0, "output_tokens": 0}}, 0),
        ({"type": "turn", "usage": {"limit": 5}}, 0),
        (claude_row("msg_2") | {"message": {"id": "msg_2", "model": "m", "usage": {"prompt_tokens": 5}}}, 1),
        (claude_row("msg_2") | {"message": {"id": "msg_2", "model": "m", "usage": {"inputTokens": 5}}}, 1),
        (claude_row("msg_2") | {"message": {"id": "msg_2", "model": "m", "usage": {}}}, 0),
        (claude_row("msg_2", usage={"input_tokens": 0, "output_tokens": 0}), 0),
        ({"type": "user", "message": {"content": [{"usage": {"input_tokens": 5}}]}}, 0),
        ({"type": "user", "toolUseResult": {"usage": {"input_tokens": 5}}}, 0),
    ],
)
def test_claude_code_lines_of_unknown_shapes_are_counted(
    tmp_path: Path, row: dict[str, Any], unknown: int
) -> None:
    write_claude(tmp_path, claude_row(), row)

    (file,) = read(tmp_path, "claude-code")

    assert (len(file.events), file.rejected, file.unknown) == (1, 0, unknown)


@pytest.mark.parametrize(
    ("classes", "written"),
    [
        ({}, (900, 0)),
        ({"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0}, (900, 0)),
        ({"ephemeral_5m_input_tokens": None}, (900, 0)),
        (None, (900, 0)),
        ({"ephemeral_5m_input_tokens": 600, "ephemeral_1h_input_tokens": 200}, (800, 200)),
        ({"ephemeral_1h_input_tokens": 300}, (300, 300)),
    ],
)
def test_cache_writes_without_their_lifetimes_are_of_five_minutes(
    tmp_path: Path, classes: dict[str, int] | None, written: tuple[int, int]
) -> None:
    write_claude(tmp_path, claude_row(usage={"cache_creation_input_tokens": 900, "cache_creation": classes}))

    (event,) = collected(tmp_path, "claude-code")

    assert (event.cache_write_tokens, event.cache_write_1h_tokens) == written
    assert event.input_tokens == 10 + written[0]


@pytest.mark.parametrize(
    ("row", "unknown"),
    [
        (codex_line({"type": "usage", "usage": {"input_tokens": 5, "output_tokens": 6}}), 1),
        (codex_line({"type": "token_count", "info": {"usage": {"input_tokens": 5}}}), 1),
        (codex_line({"type": "token_count", "info": None, "rate_limits": {"used_percent": 5}}), 0),
        ({"timestamp": NOON, "type": "turn.completed", "usage": {"prompt_tokens": 5}}, 1),
        (codex_line({"type": "message", "content": [{"input_tokens": 5}]}, "response_item"), 0),
        (codex_line({"type": "settings", "max_output_tokens": 5}), 0),
    ],
)
def test_codex_lines_of_unknown_shapes_are_counted(tmp_path: Path, row: dict[str, Any], unknown: int) -> None:
    usage = codex_usage(40, 5)
    write_codex(tmp_path, [*codex_rows({"total_token_usage": usage, "last_token_usage": usage}), row])

    (file,) = read(tmp_path, "codex")

    assert (len(file.events), file.rejected, file.unknown) == (1, 0, unknown)


@pytest.mark.parametrize(
    ("message", "unknown"),
    [
        (gemini_message("m2") | {"type": "model"}, 1),
        ({"type": "gemini", "timestamp": NOON, "model": "g", "tokens": {"prompt": 5, "completion": 6}}, 1),
        ({"type": "gemini", "timestamp": NOON, "tokens": {"input": 5, "output": 6}}, 1),
        ({"type": "gemini", "timestamp": NOON, "model": "g", "tokens": {"input": 0}}, 0),
        ({"type": "user", "timestamp": NOON, "content": "tokens"}, 0),
    ],
)
def test_gemini_messages_of_unknown_shapes_are_counted(
    tmp_path: Path, message: dict[str, Any], unknown: int
) -> None:
    write_gemini(tmp_path, gemini_message(), message)

    (file,) = read(tmp_path, "gemini-cli")

    assert (len(file.events), file.rejected, file.unknown) == (1, 0, unknown)


@pytest.mark.parametrize(
    ("message", "unknown"),
    [
        (opencode_message(tokens={"prompt": 5, "completion": 6}), 1),
        (opencode_message(tokens={"inputTokens": 5}), 1),
        (opencode_message(modelID=None), 1),
        (opencode_message(tokens={"input": 0, "output": 0}), 0),
        ({"role": "user", "tokens": {}}, 0),
    ],
)
def test_opencode_messages_of_unknown_shapes_are_counted(
    tmp_path: Path, message: dict[str, Any], unknown: int
) -> None:
    write_opencode(tmp_path, opencode_message(), message)

    (file,) = read(tmp_path, "opencode")

    assert (len(file.events), file.rejected, file.unknown) == (1, 0, unknown)


DONE = {"created": 1_789_376_400_000, "completed": 1_789_376_402_500}
LATER = {"created": 1_789_376_700_000, "completed": 1_789_376_702_500}


def write_opencode_json(home: Path, session: str, name: str, **more: Any) -> None:
    message = opencode_message(id=name, sessionID=session, **more)
    path = home / ".local/share/opencode/storage/message" / session / f"{name}.json"
    write(path, json.dumps(message).encode())


@pytest.mark.parametrize(
    ("copy", "requests"),
    [
        ({"time": DONE}, 1),
        ({"time": DONE, "path": {"cwd": "/home/ada/fork"}, "parentID": "m0"}, 1),
        ({"time": LATER}, 2),
        ({"time": DONE, "modelID": "claude-opus-4-5"}, 2),
        ({"time": DONE, "cost": 0.5}, 2),
        ({"time": {"created": DONE["created"]}}, 2),
        ({"time": DONE, "tokens": {"input": 1, "output": 1}}, 2),
    ],
    ids=["copy", "other folder", "later", "other model", "other cost", "not completed", "other tokens"],
)
@pytest.mark.parametrize("is_older", [False, True])
def test_opencode_message_in_a_fork_is_no_second_request(
    tmp_path: Path, copy: dict[str, Any], requests: int, is_older: bool
) -> None:
    original = opencode_message(id="m1", sessionID="a", time=DONE)
    if is_older:
        write_opencode_json(tmp_path, "a", "m1", time=DONE)
        write_opencode(tmp_path, opencode_message(id="f1", sessionID="b", **copy))
    else:
        write_opencode(tmp_path, original, opencode_message(id="f1", sessionID="b", **copy))

    assert len(collected(tmp_path, "opencode")) == requests


@pytest.mark.parametrize(
    "created", [1_788_264_000_000, "1788264000000", 1_788_264_000, "2026-09-01T12:00:00Z"]
)
@pytest.mark.parametrize(
    ("cost", "usd"), [("0.5", "0.5"), (0.5, "0.5"), ("5e-05", "5e-05"), ("free", ""), ("-1", "")]
)
def test_opencode_numbers_as_text_are_read(tmp_path: Path, created: object, cost: object, usd: str) -> None:
    write_opencode(tmp_path, opencode_message(time={"created": created}, cost=cost))

    (event,) = collected(tmp_path, "opencode")

    assert (event.timestamp.isoformat(), event.logged_usd) == ("2026-09-01T12:00:00+00:00", usd)


@pytest.mark.parametrize("sessions", ["session", "session_v2"])
def test_opencode_messages_of_version_2_are_read(tmp_path: Path, sessions: str) -> None:
    message = opencode_message(time=DONE, model={"id": "gpt-5", "providerID": "openai"})
    text = json.dumps({key: value for key, value in message.items() if not key.endswith("ID")})
    path = write_opencode(tmp_path, opencode_message(id="m0"))
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("create table session_message (id text, session_id text, type text, data text)")
        database.execute("insert into session_message values ('v2', 's2', 'assistant', ?)", [text])
        database.execute("insert into session_message values ('u', 's2', 'user', '{\"text\":\"\"}')")
        database.execute(f"create table {sessions} (id text, directory text)")
        database.execute(f"insert into {sessions} values ('s2', '/home/ada/garden')")

    (event,) = [event for event in collected(tmp_path, "opencode") if event.session == "s2"]

    assert (event.model, event.vendor, event.folder) == ("gpt-5", "openai", "/home/ada/garden")
    assert len(collected(tmp_path, "opencode")) == 2


def test_opencode_message_in_both_versions_is_one_request(tmp_path: Path) -> None:
    message = opencode_message(time=DONE)
    path = write_opencode(tmp_path, message)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("create table session_message as select id, session_id, data from message")

    assert len(collected(tmp_path, "opencode")) == 1


def test_opencode_message_that_was_moved_to_the_database_is_one_request(tmp_path: Path) -> None:
    write_opencode_json(tmp_path, "o1", "m0")
    write_opencode_json(tmp_path, "o1", "left", time=LATER)
    write_opencode(tmp_path, opencode_message())

    assert len(collected(tmp_path, "opencode")) == 2


@pytest.mark.parametrize(
    ("request_of_cline", "unknown"),
    [
        ({"request": "…", "usage": {"inputTokens": 5, "outputTokens": 6}}, 1),
        ({"prompt_tokens": 5, "completion_tokens": 6}, 1),
        ({"request": "…"}, 0),
        ({"tokensIn": 0, "tokensOut": 0}, 0),
    ],
)
def test_cline_requests_of_unknown_shapes_are_counted(
    tmp_path: Path, request_of_cline: dict[str, Any], unknown: int
) -> None:
    message = {"ts": 1_788_264_000_000, "type": "say", "say": "api_req_started"}
    text = json.dumps(request_of_cline)
    task = ".config/Code/User/globalStorage/saoudrizwan.claude-dev/tasks/1/ui_messages.json"
    write(tmp_path / task, json.dumps([message | {"text": text}]).encode())

    (file,) = read(tmp_path, "cline")

    assert (file.events, file.rejected, file.unknown) == ([], 0, unknown)
