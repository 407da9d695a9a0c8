"""Logs of Gemini CLI, opencode and Copilot CLI: tokens by Tally's classes, each request once."""

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tally.agents.events import Event
from tally.agents.payment import Payment
from tally.agents.prices import price_event
from tally.agents.records import make_record
from tests.tally.agents.homes import NOON, collected, instant, json_lines, read, write

MILLION = Decimal(1_000_000)
TOKENS = {"input": 9_000, "output": 300, "cached": 6_000, "thoughts": 200, "tool": 50}


def gemini_message(name: str = "m1", **tokens: int) -> dict[str, Any]:
    counts = TOKENS | {"total": sum(TOKENS.values()) - TOKENS["cached"]} | tokens
    return {"id": name, "timestamp": NOON, "type": "gemini", "model": "gemini-2.5-pro", "tokens": counts}


def write_gemini(home: Path, *messages: object, file: str = "session-1.json") -> Path:
    head = {"sessionId": "g1", "startTime": NOON}
    document = [head | {"messages": messages}] if file.endswith(".json") else [head, *messages]
    return write(home / ".gemini" / "tmp" / "abc" / "chats" / file, json_lines(document))


@pytest.mark.parametrize("file", ["session-1.json", "session-1.jsonl"])
def test_gemini_output_includes_thoughts_and_input_includes_cached_tokens(tmp_path: Path, file: str) -> None:
    write_gemini(tmp_path, {"type": "user", "timestamp": NOON}, gemini_message(), file=file)

    (event,) = collected(tmp_path, "gemini-cli")

    counts = (event.input_tokens, event.cached_input_tokens, event.output_tokens, event.reasoning_tokens)
    assert counts == (9_050, 6_000, 500, 200)
    worth = (3_050 * Decimal("1.25") + 6_000 * Decimal("0.125") + 500 * Decimal(10)) / MILLION
    assert price_event(event).cost_usd == worth


def test_gemini_cached_tokens_outside_the_input_are_added(tmp_path: Path) -> None:
    write_gemini(tmp_path, gemini_message(total=sum(TOKENS.values())))

    (event,) = collected(tmp_path, "gemini-cli")

    assert (event.input_tokens, event.cached_input_tokens) == (15_050, 6_000)


def test_gemini_folder_is_the_one_beside_its_chats(tmp_path: Path) -> None:
    chat = write_gemini(tmp_path, gemini_message())
    for content, folder in ((None, ""), (b"/home/ada/garden\n", "/home/ada/garden"), (b"\xff", "")):
        if content is not None:
            write(chat.parents[1] / ".project_root", content)
        assert [event.folder for event in collected(tmp_path, "gemini-cli")] == [folder]


def test_gemini_last_statement_about_a_message_is_effective(tmp_path: Path) -> None:
    again = gemini_message(output=10, total=0)
    write_gemini(tmp_path, gemini_message(), again, gemini_message("m2"), file="session-1.jsonl")

    assert sorted(event.output_tokens for event in collected(tmp_path, "gemini-cli")) == [210, 500]


def test_gemini_broken_document_is_rejected_and_affects_no_other(tmp_path: Path) -> None:
    write_gemini(tmp_path, gemini_message())
    write(tmp_path / ".gemini/tmp/abc/chats/cut.json", b'{"messages":[{"type":"gemini","tok')

    assert sum(file.rejected for file in read(tmp_path, "gemini-cli")) == 1
    assert len(collected(tmp_path, "gemini-cli")) == 1


def opencode_message(**more: Any) -> dict[str, Any]:
    return {
        "role": "assistant",
        "providerID": "anthropic",
        "modelID": "claude-sonnet-4-5",
        "time": {"created": 1_788_264_000_000},
        "tokens": {"input": 100, "output": 50, "reasoning": 0, "cache": {"read": 4_000, "write": 900}},
        "cost": 0,
    } | more


def write_opencode(home: Path, *messages: object) -> Path:
    path = home / ".local" / "share" / "opencode" / "opencode.db"
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("create table message (id text primary key, session_id text, data text)")
        for number, message in enumerate(messages):
            data = message if isinstance(message, str) else json.dumps(message)
            database.execute("insert or replace into message values (?, 'o1', ?)", [f"m{number}", data])
    return path


def test_opencode_messages_are_read_from_the_database(tmp_path: Path) -> None:
    write_opencode(tmp_path, {"role": "user"}, opencode_message(), '{"tokens":', opencode_message(tokens={}))

    (event,) = collected(tmp_path, "opencode")

    assert (event.input_tokens, event.cached_input_tokens, event.cache_write_tokens) == (5_000, 4_000, 900)
    assert (event.timestamp, event.vendor, event.session) == (
        instant("2026-09-01T12:00:00Z"),
        "anthropic",
        "o1",
    )
    worth = 100 * Decimal(3) + 4_000 * Decimal("0.3") + 900 * Decimal("3.75") + 50 * Decimal(15)
    assert price_event(event).cost_usd == worth / MILLION
    assert sum(file.rejected for file in read(tmp_path, "opencode")) == 1


def test_opencode_database_is_read_in_a_folder_that_is_not_unicode(tmp_path: Path) -> None:
    home = tmp_path / "home?%41 \udcff"
    write_opencode(tmp_path, opencode_message())
    home.mkdir()
    (tmp_path / ".local").rename(home / ".local")
    assert len(collected(home, "opencode")) == 1


def test_opencode_logged_cost_is_used(tmp_path: Path) -> None:
    write_opencode(tmp_path, opencode_message(providerID="somebody", modelID="nova", cost=0.125))

    (event,) = collected(tmp_path, "opencode")

    record = make_record("opencode", event, Payment("api"))
    assert (record.provider, record.cost_usd) == ("other", Decimal("0.125"))
    assert record.metadata["price_source"] == "opencode"


def test_opencode_rows_in_the_write_ahead_log_are_read(tmp_path: Path) -> None:
    path = write_opencode(tmp_path, opencode_message())
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("pragma journal_mode = wal")
        writer.execute("insert into message values ('new', 'o1', ?)", [json.dumps(opencode_message())])
        writer.commit()

        assert len(collected(tmp_path, "opencode")) == 2


def test_opencode_message_files_of_older_versions_are_read(tmp_path: Path) -> None:
    message = opencode_message(id="m1", sessionID="o1")
    folder = tmp_path / ".local/share/opencode/storage/message/o1"
    write(folder / "m1.json", json.dumps(message).encode())
    write(folder / "m2.json", b"no JSON")

    assert len(collected(tmp_path, "opencode")) == 1


def test_opencode_unreadable_database_is_rejected(tmp_path: Path) -> None:
    write(tmp_path / ".local/share/opencode/opencode.db", b"nothing of the kind" * 100)

    (file,) = read(tmp_path, "opencode")

    assert file.reasons == ["the database cannot be read"]


def copilot_span(
    operation: str = "chat", trace: str = "t1", attributes: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    usage = {
        "gen_ai.operation.name": operation,
        "gen_ai.request.model": "claude-sonnet-4.5",
        "gen_ai.conversation.id": "k1",
        "gen_ai.response.id": "r1",
        "gen_ai.usage.input_tokens": 5_000,
        "gen_ai.usage.output_tokens": 100,
        "gen_ai.usage.cache_read.input_tokens": 4_000,
    }
    end = [1_788_264_000, 0]
    return {
        "type": "span",
        "traceId": trace,
        "spanId": "s1",
        "endTime": end,
        "attributes": usage | dict(attributes or {}),
    }


def write_copilot(home: Path, *rows: object) -> Path:
    return write(home / ".copilot" / "otel" / "spans.jsonl", json_lines(rows))


def copilot(home: Path) -> list[Event]:
    return collected(home, "copilot-cli")


def test_copilot_requests_count_but_not_their_sum(tmp_path: Path) -> None:
    write_copilot(
        tmp_path, copilot_span("invoke_agent"), copilot_span(), {"type": "metric", "attributes": {}}
    )

    (event,) = copilot(tmp_path)

    assert (event.input_tokens, event.cached_input_tokens, event.output_tokens) == (5_000, 4_000, 100)
    assert (event.timestamp, event.session) == (instant("2026-09-01T12:00:00Z"), "k1")


def test_copilot_sum_counts_without_requests(tmp_path: Path) -> None:
    write_copilot(tmp_path, copilot_span("invoke_agent"))

    assert len(copilot(tmp_path)) == 1


def test_copilot_span_exported_twice_is_one_request(tmp_path: Path) -> None:
    again = copilot_span(trace="t2") | {"spanId": "s2"}
    other = copilot_span(attributes={"gen_ai.usage.output_tokens": 7}) | {"spanId": "s3"}
    write_copilot(tmp_path, copilot_span(), again, other)

    assert sorted(event.output_tokens for event in copilot(tmp_path)) == [7, 100]


def test_copilot_usage_is_included_and_valued_at_list_price(tmp_path: Path) -> None:
    write_copilot(tmp_path, copilot_span())

    (event,) = copilot(tmp_path)

    record = make_record("copilot-cli", event, Payment("plan"))
    worth = (1_000 * Decimal(3) + 4_000 * Decimal("0.3") + 100 * Decimal(15)) / MILLION
    assert (record.provider, record.cost_basis, record.cost_usd) == ("github-copilot", "included", worth)


@pytest.mark.parametrize(
    "time",
    [
        {"hrTime": [1_788_264_000, 0]},
        {"timestamp": 1_788_264_000},
        {"timestamp": 1_788_264_000_000},
        {"timeUnixNano": "1788264000000000000"},
    ],
)
def test_copilot_times_in_any_unit_are_read(tmp_path: Path, time: dict[str, Any]) -> None:
    span = copilot_span()
    del span["endTime"]
    write_copilot(tmp_path, span | time)

    assert [event.timestamp for event in copilot(tmp_path)] == [instant("2026-09-01T12:00:00Z")]


@pytest.mark.parametrize(
    "event_name", ["gen_ai.client.inference.operation.details", "copilot_chat.agent.turn"]
)
def test_copilot_log_events_count_only_without_spans(tmp_path: Path, event_name: str) -> None:
    usage = copilot_span()["attributes"] | {"event.name": event_name}
    log = {"spanContext": {"traceId": "t1"}, "time": [1_788_264_000, 0], "attributes": usage}

    write_copilot(tmp_path, log)
    assert [event.input_tokens for event in copilot(tmp_path)] == [5_000]

    finer = copilot_span(attributes={"gen_ai.usage.input_tokens": 7_000})
    write_copilot(tmp_path, log, finer)
    assert [event.input_tokens for event in copilot(tmp_path)] == [7_000]


def test_copilot_configured_export_file_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "else.jsonl", json_lines([copilot_span()]))

    assert len(collected(tmp_path, "copilot-cli", {"COPILOT_OTEL_FILE_EXPORTER_PATH": str(path)})) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        b'{"attributes":{"gen_ai.usage.input_tokens":5\n',
        copilot_span(attributes={"gen_ai.usage.output_tokens": -1}),
        copilot_span() | {"endTime": "now"},
        copilot_span() | {"endTime": [10**30, 0]},
    ],
)
def test_copilot_bad_line_is_rejected(tmp_path: Path, wrong: object) -> None:
    write_copilot(tmp_path, wrong, copilot_span(trace="t9", attributes={"gen_ai.response.id": "r9"}))

    assert sum(file.rejected for file in read(tmp_path, "copilot-cli")) == 1
    assert len(copilot(tmp_path)) == 1


LOG_SHAPES = [
    ("claude-code", ".claude/projects/p/s.jsonl"),
    ("codex", ".codex/sessions/s.jsonl"),
    ("gemini-cli", ".gemini/tmp/p/chats/s.json"),
    ("gemini-cli", ".gemini/tmp/p/chats/s.jsonl"),
    ("opencode", ".local/share/opencode/opencode.db"),
    ("opencode", ".local/share/opencode/storage/message/o/m.json"),
    ("copilot-cli", ".copilot/otel/s.jsonl"),
]
NONSENSE = {
    "empty": b"",
    "newlines": b"\n" * 1_000,
    "binary": bytes(range(256)) * 1_000,
    "brackets": b"[" * 500_000 + b"\n",
    "markers": b'"usage":{"gen_ai.usage."type":"token_count""gemini""tokens"\n' * 50,
    "null": b"null\n",
    "numbers": b'{"type":"gemini","tokens":{"input":1e999},"message":{"usage":{"input_tokens":1e999}}}\n',
    "lists": b'{"type":["gemini"],"tokens":[],"payload":[],"message":{"usage":{}},"attributes":[]}\n',
    "utf-16": '{"message":{"usage":{"input_tokens":1}}}\n'.encode("utf-16"),
}


@pytest.mark.parametrize("nonsense", NONSENSE.values(), ids=NONSENSE.keys())
@pytest.mark.parametrize(("agent", "path"), LOG_SHAPES)
def test_nonsense_in_a_log_yields_no_events_and_no_crash(
    tmp_path: Path, agent: str, path: str, nonsense: bytes
) -> None:
    write(tmp_path / path, nonsense)

    assert collected(tmp_path, agent) == []
