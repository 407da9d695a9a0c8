"""Codex CLI's logs: usage since the previous token count, without the history of a parent session."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tally.agents.events import Event
from tally.agents.prices import price_event
from tests.tally.agents.homes import (
    codex_rows,
    codex_usage,
    collected,
    json_lines,
    read,
    write,
    write_codex,
)


def codex(home: Path) -> list[Event]:
    return collected(home, "codex")


def at(second: float) -> str:
    return f"2026-09-01T12:00:{second:06.3f}Z"


def token_count(second: float, last: tuple[int, int] | None, total: tuple[int, int] | None) -> dict[str, Any]:
    """A token count with what the last request took, and the sum so far."""
    info: dict[str, Any] = {"at": at(second)}
    info |= {"last_token_usage": codex_usage(*last)} if last else {}
    return info | ({"total_token_usage": codex_usage(*total)} if total else {})


def amounts(events: list[Event]) -> list[tuple[int, int]]:
    return [(event.input_tokens, event.output_tokens) for event in events]


def test_request_has_the_usage_of_its_last_token_count(tmp_path: Path) -> None:
    counts = [token_count(1, (1_000, 10), (1_000, 10)), token_count(9, (2_500, 300), (3_500, 310))]
    write_codex(tmp_path, codex_rows(*counts))

    first, second = codex(tmp_path)

    assert amounts([first, second]) == [(1_000, 10), (2_500, 300)]
    assert (second.model, second.session, second.folder, second.vendor) == (
        "gpt-5",
        "c1",
        "/home/ada/projects/tally",
        "openai",
    )


def test_without_last_usage_a_request_is_the_growth_of_the_total(tmp_path: Path) -> None:
    write_codex(tmp_path, codex_rows(token_count(1, None, (1_000, 10)), token_count(9, None, (3_500, 310))))

    assert amounts(codex(tmp_path)) == [(1_000, 10), (2_500, 300)]


def test_repeated_total_adds_nothing(tmp_path: Path) -> None:
    count = token_count(1, (1_000, 10), (1_000, 10))
    again = count | {"at": at(1.012)}
    write_codex(tmp_path, codex_rows(count, again, {}, token_count(9, (500, 5), (1_500, 15)), {}))

    assert amounts(codex(tmp_path)) == [(1_000, 10), (500, 5)]


def test_input_includes_cached_tokens_and_output_includes_reasoning(tmp_path: Path) -> None:
    usage = codex_usage(10_000, 2_000, cached=8_000, reasoning=1_500)
    write_codex(tmp_path, codex_rows({"last_token_usage": usage}))

    (event,) = codex(tmp_path)

    assert event.reasoning_tokens == 1_500
    worth = (2_000 * Decimal("1.25") + 8_000 * Decimal("0.125") + 2_000 * Decimal(10)) / 1_000_000
    assert price_event(event).cost_usd == worth


def test_cached_and_reasoning_tokens_are_capped_at_input_and_output(tmp_path: Path) -> None:
    write_codex(tmp_path, codex_rows({"last_token_usage": codex_usage(100, 5, cached=900, reasoning=50)}))

    (event,) = codex(tmp_path)

    assert (event.cached_input_tokens, event.reasoning_tokens) == (100, 5)


def test_model_is_the_last_one_set(tmp_path: Path) -> None:
    rows = codex_rows(token_count(1, (1_000, 10), (1_000, 10)))
    switched = {"timestamp": at(2), "type": "turn_context", "payload": {"model": "gpt-5.2-codex"}}
    write_codex(tmp_path, [*rows, switched, *codex_rows(token_count(9, (5, 5), (1_005, 15)), model=None)])
    write_codex(tmp_path, codex_rows(token_count(3, (7, 7), (7, 7)), model=None), file="old.jsonl")

    assert [event.model for event in codex(tmp_path)] == ["gpt-5", "gpt-5", "gpt-5.2-codex"]


def test_branched_session_adds_only_its_own_requests(tmp_path: Path) -> None:
    history = [token_count(1, (1_000, 10), (1_000, 10)), token_count(9, (2_500, 300), (3_500, 310))]
    write_codex(tmp_path, codex_rows(*history))
    own = token_count(30, (4_000, 40), (7_500, 350))
    write_codex(tmp_path, codex_rows(*history, own, id="c2"), file="2026/09/01/rollout-2.jsonl")

    assert amounts(codex(tmp_path)) == [(1_000, 10), (2_500, 300), (4_000, 40)]


@pytest.mark.parametrize("begin", [1.0, 1.995])
@pytest.mark.parametrize(
    "meta",
    [{"source": {"subagent": {"thread_spawn": {"parent_thread_id": "c1"}}}}, {"forked_from_id": "c1"}],
)
def test_fork_does_not_count_the_history_of_its_parent(
    tmp_path: Path, begin: float, meta: dict[str, Any]
) -> None:
    replayed = [token_count(begin + 0.004 * n, (1_000, 10), (1_000 * n, 10 * n)) for n in (1, 2, 3)]
    own = token_count(begin + 15, (4_000, 40), (7_000, 70))
    write_codex(tmp_path, codex_rows(*replayed, own, **meta))

    assert amounts(codex(tmp_path)) == [(4_000, 40)]


def test_quick_requests_count_unless_the_session_is_a_fork(tmp_path: Path) -> None:
    quick = [token_count(1 + 0.004 * n, (1_000, n), (1_000 * n, n * n)) for n in (1, 2, 3)]
    write_codex(tmp_path, codex_rows(*quick))

    assert len(codex(tmp_path)) == 3


def test_session_that_is_both_active_and_archived_is_read_once(tmp_path: Path) -> None:
    rows = json_lines(codex_rows(token_count(1, (1_000, 10), (1_000, 10))))
    for folder, file in (("sessions", "a"), ("archived_sessions", "a"), ("archived_sessions", "b")):
        write(tmp_path / ".codex" / folder / f"{file}.jsonl", rows.replace(b"12:00:01", b"12:00:01"))

    assert len(read(tmp_path, "codex")) == 2
    assert len(codex(tmp_path)) == 1


def test_priority_tier_is_a_price_condition(tmp_path: Path) -> None:
    rows = codex_rows(model="gpt-5.1")
    settings = {"type": "thread_settings_applied", "thread_settings": {"service_tier": "priority"}}
    rows.append({"timestamp": at(1), "type": "event_msg", "payload": settings})
    write_codex(tmp_path, [*rows, *codex_rows(token_count(2, (1_000, 10), (1_000, 10)), model=None)[1:]])

    (event,) = codex(tmp_path)

    assert event.context == ("service_tier", "priority")


@pytest.mark.parametrize(
    "wrong",
    [
        b'{"type":"event_msg","payload":{"type":"token_count","info":\n',
        b'\xff{"type":"event_msg","payload":{"type":"token_count"}}\n',
        *codex_rows(token_count(2, (-5, 5), None))[2:],
        *codex_rows({"at": "yesterday", "last_token_usage": codex_usage(5, 5)})[2:],
    ],
)
def test_bad_line_is_rejected_with_a_reason(tmp_path: Path, wrong: object) -> None:
    rows = codex_rows(token_count(1, (1_000, 10), (1_000, 10)))
    write_codex(tmp_path, [*rows, wrong, *codex_rows(token_count(9, (5, 5), (1_005, 15)), model=None)[1:]])

    (file,) = read(tmp_path, "codex")

    assert (file.rejected, len(file.events)) == (1, 2)


def test_logs_are_found_in_the_configured_folders(tmp_path: Path) -> None:
    rows = json_lines(codex_rows(token_count(1, (1_000, 10), (1_000, 10))))
    write(tmp_path / "elsewhere" / "sessions" / "a.jsonl", rows)

    assert collected(tmp_path, "codex") == []
    assert len(collected(tmp_path, "codex", {"CODEX_HOME": f"{tmp_path}/elsewhere"})) == 1
