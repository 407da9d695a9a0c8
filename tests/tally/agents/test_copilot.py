"""Copilot CLI's logs: its store, the sums at the end of a session, and exports; each request once."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tally.agents.events import Event, KnownRequest, KnownRequests
from tally.agents.prices import price_event
from tally.agents.registry import find_agent
from tests.tally.agents.homes import collected, instant, json_lines, read, write

TABLES = """
    create table sessions (id text primary key, cwd text, repository text, branch text);
    create table assistant_usage_events (
        id integer primary key autoincrement, session_id text not null, model text not null,
        input_tokens integer, output_tokens integer, cache_read_tokens integer, cache_write_tokens integer,
        reasoning_tokens integer, created_at text
    );
    insert into sessions values ('k1', '/home/ada/garden', 'https://github.com/ada/garden', 'main');
"""
AT = "2026-09-14T09:00:05.000Z"


def copilot(home: Path) -> list[Event]:
    return collected(home, "copilot-cli")


def write_store(home: Path, *rows: Sequence[object], tables: str = TABLES) -> Path:
    """Write requests of session k1: model, input, output, cache reads and writes, reasoning, time."""
    path = home / ".copilot" / "session-store.db"
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as database, database:
        database.executescript(tables)
        database.executemany(
            "insert into assistant_usage_events (session_id, model, input_tokens, output_tokens,"
            " cache_read_tokens, cache_write_tokens, reasoning_tokens, created_at)"
            " values ('k1', ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
    return path


def end(at: str = "2026-09-14T09:10:00.000Z", **models: Sequence[int]) -> dict[str, Any]:
    """Return the end of a session: requests, input, output, cache reads and writes by model."""
    metrics = {
        model.replace("_", "-"): {
            "requests": {"count": requests, "cost": 1},
            "usage": {
                "inputTokens": tokens,
                "outputTokens": output,
                "cacheReadTokens": cached,
                "cacheWriteTokens": written,
                "reasoningTokens": 0,
            },
        }
        for model, (requests, tokens, output, cached, written) in models.items()
    }
    return {"type": "session.shutdown", "timestamp": at, "data": {"modelMetrics": metrics}}


def answer(output: int) -> dict[str, Any]:
    return {"type": "assistant.message", "timestamp": AT, "data": {"outputTokens": output}}


START = {
    "type": "session.start",
    "timestamp": "2026-09-14T09:00:00.000Z",
    "data": {
        "sessionId": "k1",
        "context": {"cwd": "/home/ada/garden", "branch": "main", "repository": "ada/garden"},
    },
}


def write_session(home: Path, *rows: object, file: str = "k1/events.jsonl") -> Path:
    return write(home / ".copilot" / "session-state" / file, json_lines(rows))


def span(
    attributes: Mapping[str, Any] | None = None, *, number: int = 1, at: int = 1_789_376_405
) -> dict[str, Any]:
    """Return an exported request of session k1, at 09:00:05 on 14 September 2026."""
    usage = {
        "gen_ai.operation.name": "chat",
        "gen_ai.response.model": "claude-sonnet-4.5",
        "gen_ai.conversation.id": "k1",
        "gen_ai.usage.input_tokens": 5_000,
        "gen_ai.usage.output_tokens": 80,
    }
    known = {key: value for key, value in (usage | dict(attributes or {})).items() if value is not None}
    ids = {"type": "span", "traceId": f"{number:032x}", "spanId": f"{number:016x}", "name": "chat"}
    return ids | {"startTime": [at, 0], "endTime": [at, 0], "attributes": known}


def write_spans(home: Path, *rows: object, file: str = "a.jsonl") -> Path:
    return write(home / ".copilot" / "otel" / file, json_lines(rows))


def counts(event: Event) -> tuple[int, ...]:
    return (event.input_tokens, event.cached_input_tokens, event.cache_write_tokens, event.output_tokens)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (("claude-sonnet-4.5", 5_000, 80, 4_200, 300, 0, AT), (5_000, 4_200, 300, 80)),
        (("gpt-5", 900, 20, None, None, None, "2026-09-14 09:00:05"), (900, 0, 0, 20)),
        (("gpt-5", "900", "20", "100", 0, 0, "2026-09-14T11:00:05+02:00"), (900, 100, 0, 20)),
        (("claude-opus-4.5", 10, 20, 4_000, 500, 0, AT), (4_510, 4_000, 500, 20)),
        (("claude-haiku-4.5-1m-internal", 300_000, 1, 0, 0, 0, AT), (300_000, 0, 0, 1)),
    ],
)
def test_rows_of_the_store_are_requests(
    tmp_path: Path, row: Sequence[object], expected: tuple[int, ...]
) -> None:
    write_store(tmp_path, row)

    (event,) = copilot(tmp_path)

    assert counts(event) == expected
    assert event.model == str(row[0]).removesuffix("-1m-internal")
    assert event.timestamp == instant(AT)
    place = (event.session, event.folder, event.repository, event.branch)
    assert place == ("k1", "/home/ada/garden", "ada/garden", "main")


def test_equal_requests_in_the_store_are_two(tmp_path: Path) -> None:
    write_store(tmp_path, *[("gpt-5", 900, 20, 0, 0, 0, AT)] * 2)

    assert len(copilot(tmp_path)) == 2


def test_store_of_an_older_version_has_no_requests(tmp_path: Path) -> None:
    path = write_store(tmp_path)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("drop table assistant_usage_events")

    assert copilot(tmp_path) == []
    assert sum(file.rejected for file in read(tmp_path, "copilot-cli")) == 0


def test_store_without_places_of_sessions_is_read(tmp_path: Path) -> None:
    tables = TABLES.partition("insert")[0].replace(
        "id text primary key, cwd text, repository text, ", "id text, "
    )
    write_store(tmp_path, ("gpt-5", 900, 20, 0, 0, 0, AT), tables=tables)

    assert [event.folder for event in copilot(tmp_path)] == [""]


def test_row_that_cannot_be_read_is_rejected(tmp_path: Path) -> None:
    write_store(tmp_path, ("gpt-5", -1, 20, 0, 0, 0, AT), ("gpt-5", 900, 20, 0, 0, 0, AT))

    assert [file.reasons for file in read(tmp_path, "copilot-cli")] == [
        ["input_tokens is not a count of tokens"]
    ]
    assert len(copilot(tmp_path)) == 1


def test_end_of_a_session_has_its_sums_by_model(tmp_path: Path) -> None:
    write_session(
        tmp_path, START, answer(90), end(gpt_5=(2, 4_000, 90, 3_000, 200), gpt_5_mini=(1, 7, 1, 0, 0))
    )

    first, second = copilot(tmp_path)

    assert {first.model: first.requests, second.model: second.requests} == {"gpt-5": 2, "gpt-5-mini": 1}
    assert sorted(map(counts, (first, second))) == [(7, 0, 0, 1), (4_000, 3_000, 200, 90)]
    assert (first.session, first.folder, first.branch) == ("k1", "/home/ada/garden", "main")


@pytest.mark.parametrize("file", ["k1/events.jsonl", "k1.jsonl"])
def test_session_is_named_by_its_file_without_a_start(tmp_path: Path, file: str) -> None:
    write_session(tmp_path, end(gpt_5=(1, 10, 5, 0, 0)), file=file)

    assert [(event.session, event.output_tokens) for event in copilot(tmp_path)] == [("k1", 5)]


RESUMED = {"type": "session.resume", "timestamp": "2026-09-14T10:00:00.000Z", "data": {}}
LATER = "2026-09-14T10:10:00.000Z"


@pytest.mark.parametrize(
    ("rows", "output"),
    [
        # Sums of the whole session, as versions that count in the store write them.
        ([end(gpt_5=(2, 400, 90, 0, 0)), RESUMED, end(LATER, gpt_5=(3, 900, 100, 0, 0))], [90, 10]),
        ([end(gpt_5=(2, 400, 90, 0, 0)), RESUMED, end(LATER, gpt_5=(2, 400, 90, 0, 0))], [90]),
        # Sums since the session was resumed.
        ([end(gpt_5=(2, 400, 90, 0, 0)), RESUMED, end(LATER, gpt_5=(1, 300, 20, 0, 0))], [90, 20]),
        ([end(gpt_5=(2, 400, 90, 0, 0)), RESUMED, end(LATER, gpt_5_mini=(5, 900, 100, 0, 0))], [90, 100]),
        (
            [
                answer(90),
                end(gpt_5=(2, 400, 90, 0, 0)),
                RESUMED,
                answer(95),
                end(LATER, gpt_5=(3, 900, 95, 0, 0)),
            ],
            [90, 95],
        ),
    ],
    ids=["whole session", "nothing new", "smaller", "another model", "by its answers"],
)
def test_ends_of_a_resumed_session_add_up(tmp_path: Path, rows: list[object], output: list[int]) -> None:
    write_session(tmp_path, START, *rows)

    assert [event.output_tokens for event in copilot(tmp_path)] == output


def test_sum_of_requests_is_priced_without_a_tier(tmp_path: Path) -> None:
    """Two requests of 150,000 tokens are no request of a long context."""
    write_session(tmp_path, START, end(gemini_2_5_pro=(2, 300_000, 0, 0, 0)))
    (event,) = copilot(tmp_path)
    one = event._replace(is_sum=False)

    event, one = (found._replace(model="gemini-2.5-pro") for found in (event, one))
    assert price_event(event).cost_usd == Decimal("0.375")
    assert price_event(one).cost_usd == Decimal("0.75")


def test_end_without_figures_by_model_is_of_an_unknown_shape(tmp_path: Path) -> None:
    row = end()
    row["data"]["tokenDetails"] = {"input": {"tokenCount": 5}}
    write_session(tmp_path, START, row)

    assert [file.unknown for file in read(tmp_path, "copilot-cli")] == [1]


@pytest.mark.parametrize(
    ("exported", "stored", "ended", "outputs"),
    [
        (True, True, True, [20, 80]),
        (True, True, False, [20, 80]),
        (False, True, True, [20, 80]),
        (True, False, True, [80]),
        (False, False, True, [100]),
    ],
)
def test_request_counts_once_in_all_logs(
    tmp_path: Path, exported: bool, stored: bool, ended: bool, outputs: list[int]
) -> None:
    if exported:
        write_spans(tmp_path, span())
    if stored:
        row = ("claude-sonnet-4.5", 5_000, 80, 4_200, 300, 0, AT)
        write_store(tmp_path, row, ("gpt-5", 900, 20, 0, 0, 0, "2026-09-14T09:01:00Z"))
    if ended:
        write_session(tmp_path, START, end(gpt_5=(2, 5_900, 100, 4_200, 300)))

    assert sorted(event.output_tokens for event in copilot(tmp_path)) == outputs


def test_end_before_the_first_row_counts_beside_it(tmp_path: Path) -> None:
    """A session that was resumed with a newer version has a store only from then on."""
    write_session(tmp_path, START, end(gpt_5=(1, 50, 5, 0, 0)), RESUMED, end(LATER, gpt_5=(1, 70, 6, 0, 0)))
    write_store(tmp_path, ("gpt-5", 20, 1, 0, 0, 0, "2026-09-14T10:05:00Z"))

    assert sorted(event.output_tokens for event in copilot(tmp_path)) == [1, 5]


def test_export_of_a_request_that_was_collected_from_the_store_is_left(tmp_path: Path) -> None:
    write_store(tmp_path, ("claude-sonnet-4.5", 5_000, 80, 0, 0, 0, AT))
    (stored,) = copilot(tmp_path)
    known = KnownRequest(stored.name, "", stored.rank)
    write_spans(tmp_path, span(), span({"gen_ai.usage.output_tokens": 7}, number=2))
    (export,) = [file for file in read(tmp_path, "copilot-cli") if file.file.path.suffix == ".jsonl"]

    names = {name: [known] for name in (stored.name, *stored.aliases)}
    winners = find_agent("copilot-cli").select_winners(export.events, KnownRequests(names))

    assert [event.output_tokens for event in winners] == [7]


def test_sum_of_a_trace_is_left_where_the_store_has_its_session(tmp_path: Path) -> None:
    write_spans(tmp_path, span({"gen_ai.operation.name": "invoke_agent"}))
    assert len(copilot(tmp_path)) == 1

    write_store(tmp_path, ("gpt-5", 900, 20, 0, 0, 0, AT))
    assert [event.output_tokens for event in copilot(tmp_path)] == [20]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"gen_ai.usage.cache_read_input_tokens": 4_200}, (5_000, 4_200, 0, 80)),
        (
            {
                "gen_ai.usage.cache_read_input_tokens": 4_200,
                "gen_ai.usage.cache_read.input_tokens": 4_200,
                "gen_ai.usage.cache_creation_input_tokens": 300,
            },
            (5_000, 4_200, 300, 80),
        ),
        (
            {"gen_ai.usage.input_tokens.cached": 10, "gen_ai.usage.input_tokens.cache_write": 20},
            (5_000, 10, 20, 80),
        ),
        ({"gen_ai.usage.details.cache_read_tokens": "4200"}, (5_000, 4_200, 0, 80)),
        (
            {
                "gen_ai.usage.input_tokens": None,
                "gen_ai.usage.output_tokens": None,
                "gen_ai.usage.prompt_tokens": 600,
                "gen_ai.usage.completion_tokens": 9,
            },
            (600, 0, 0, 9),
        ),
        (
            {
                "gen_ai.usage.input_tokens": 0,
                "gen_ai.usage.output_tokens": 0,
                "gen_ai.usage.cache_read.input_tokens": 700,
            },
            (700, 700, 0, 0),
        ),
        (
            {"gen_ai.usage.input_tokens": 100, "gen_ai.usage.cache_read_input_tokens": 4_200},
            (4_300, 4_200, 0, 80),
        ),
    ],
    ids=["old", "both", "dotted", "details", "prompt", "cache only", "input without the cache"],
)
def test_counts_are_read_under_any_of_their_names(
    tmp_path: Path, written: dict[str, Any], expected: tuple[int, ...]
) -> None:
    write_spans(tmp_path, span(written))

    assert list(map(counts, copilot(tmp_path))) == [expected]


TEXT = {"gen_ai.usage.input_tokens": "700", "gen_ai.usage.output_tokens": "44"}


def in_otlp(**more: Any) -> dict[str, Any]:
    """Return a span as OTLP's JSON has it: typed values, times and counts as text."""
    plain = span(TEXT)
    values = {
        key: {"intValue" if key in TEXT else "stringValue": value}
        for key, value in plain["attributes"].items()
    }
    return {
        "traceId": plain["traceId"],
        "spanId": plain["spanId"],
        "name": "chat gpt-5",
        "startTimeUnixNano": "1789376401000000000",
        "endTimeUnixNano": "1789376405000000000",
        "attributes": [{"key": key, "value": value} for key, value in values.items()],
    } | more


def in_scopes(*spans: object) -> dict[str, Any]:
    return {"resourceSpans": [{"resource": {"attributes": []}, "scopeSpans": [{"spans": list(spans)}]}]}


LOG = {
    "timeUnixNano": "1789376405000000000",
    "attributes": [
        {"key": "event.name", "value": {"stringValue": "copilot_chat.agent.turn"}},
        *[{"key": key, "value": {"intValue": value}} for key, value in TEXT.items()],
    ],
}


@pytest.mark.parametrize(
    ("row", "requests"),
    [
        (span(TEXT), 1),
        (span({"gen_ai.usage.input_tokens": 700.0, "gen_ai.usage.output_tokens": 44.0}), 1),
        (in_otlp(), 1),
        (in_scopes(in_otlp()), 1),
        (in_scopes(in_otlp(), in_otlp(spanId="2", endTimeUnixNano="1789376409000000000")), 2),
        ({"resourceLogs": [{"scopeLogs": [{"logRecords": [LOG]}]}]}, 1),
        (span(TEXT) | {"endTime": "2026-09-14T09:00:05Z", "startTime": None}, 1),
    ],
    ids=["text", "decimal point", "OTLP span", "OTLP line", "two spans", "OTLP log", "ISO time"],
)
def test_counts_as_text_and_lines_of_otlp_are_read(
    tmp_path: Path, row: dict[str, Any], requests: int
) -> None:
    write_spans(tmp_path, row)

    events = copilot(tmp_path)

    assert [(event.input_tokens, event.output_tokens) for event in events] == [(700, 44)] * requests
    assert events[0].timestamp == instant("2026-09-14T09:00:05+00:00")
    assert [(file.rejected, file.unknown) for file in read(tmp_path, "copilot-cli")] == [(0, 0)]


def turn(number: int = 1, more: Mapping[str, str] | None = None) -> dict[str, Any]:
    attributes = {"event.name": "copilot_chat.agent.turn", "turn.index": number} | dict(more or {})
    usage = {"gen_ai.usage.input_tokens": 60 * number, "gen_ai.usage.output_tokens": 7}
    at = [1_789_376_405 + number, 0]
    context = {"traceId": "ab" * 16, "spanId": f"{number:016x}"}
    return {"hrTime": at, "spanContext": context, "attributes": attributes | usage}


def told(model: str, trace: str = "ab" * 16, **more: Any) -> dict[str, Any]:
    attributes = {"event.name": "copilot_chat.session.start", "gen_ai.request.model": model} | more
    context = {"traceId": trace, "spanId": "0" * 16}
    return {"hrTime": [1_789_376_400, 0], "spanContext": context, "attributes": attributes}


BY_SESSION = {"copilot_chat.session_id": "v1"}


@pytest.mark.parametrize(
    ("rows", "models"),
    [
        ([told("gpt-5"), turn()], ["gpt-5"]),
        ([turn(), told("gpt-5")], ["gpt-5"]),
        ([told("gpt-5"), turn(), told("gpt-5-mini"), turn(2)], ["gpt-5", "gpt-5-mini"]),
        ([told("gpt-5", "cd" * 16, **BY_SESSION), turn(more=BY_SESSION)], ["gpt-5"]),
        ([told("gpt-5", "cd" * 16), turn()], ["unknown"]),
        ([told("claude-sonnet-4.5-1m"), turn()], ["claude-sonnet-4.5"]),
        ([told("gpt-5"), turn(more={"gen_ai.request.model": "gpt-5-mini"})], ["gpt-5-mini"]),
    ],
    ids=["before", "after", "changed", "by session", "another trace", "variant", "its own"],
)
def test_model_is_told_elsewhere_in_the_trace_or_session(
    tmp_path: Path, rows: list[object], models: list[str]
) -> None:
    write_spans(tmp_path, *rows)

    assert [event.model for event in copilot(tmp_path)] == models


def test_span_of_an_unknown_operation_is_counted_as_unknown(tmp_path: Path) -> None:
    write_spans(
        tmp_path,
        span({"gen_ai.operation.name": "rerank"}),
        span({"gen_ai.operation.name": "execute_tool"}, number=2),
        span(number=3),
    )

    assert [file.unknown for file in read(tmp_path, "copilot-cli")] == [1]
    assert len(copilot(tmp_path)) == 1


@pytest.mark.parametrize("last", ["\n", ""])
def test_lines_that_were_written_again_with_blanks_are_read(tmp_path: Path, last: str) -> None:
    rows = (START, answer(90), end(gpt_5=(2, 4_000, 90, 3_000, 200)))
    spaced = ("\n".join(map(json.dumps, rows)) + last).encode()
    write(tmp_path / ".copilot/session-state/k1/events.jsonl", spaced)

    assert [event.output_tokens for event in copilot(tmp_path)] == [90]
