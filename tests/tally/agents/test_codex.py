"""Codex CLI's logs: what was spent since the count before, and no parent's history again."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tally.agents.events import Event
from tally.agents.records import price_event
from tests.tally.agents.homes import (
    codex_rows,
    codex_usage,
    collected,
    read,
    spell_lines,
    write,
    write_codex,
)


def codex(home: Path) -> list[Event]:
    return collected(home, "codex")


def at(second: float) -> str:
    return f"2026-09-01T12:00:{second:06.3f}Z"


def told(second: float, last: tuple[int, int] | None, total: tuple[int, int] | None) -> dict[str, Any]:
    """A token count with what the last request took, and the sum so far."""
    info: dict[str, Any] = {"at": at(second)}
    info |= {"last_token_usage": codex_usage(*last)} if last else {}
    return info | ({"total_token_usage": codex_usage(*total)} if total else {})


def amounts(events: list[Event]) -> list[tuple[int, int]]:
    return [(event.input_tokens, event.output_tokens) for event in events]


def test_a_request_is_what_the_last_count_says(tmp_path: Path) -> None:
    counts = [told(1, (1_000, 10), (1_000, 10)), told(9, (2_500, 300), (3_500, 310))]
    write_codex(tmp_path, codex_rows(*counts))

    first, second = codex(tmp_path)

    assert amounts([first, second]) == [(1_000, 10), (2_500, 300)]
    assert (second.model, second.session, second.project, second.vendor) == ("gpt-5", "c1", "tally", "openai")


def test_without_it_a_request_is_what_the_sum_has_grown_by(tmp_path: Path) -> None:
    write_codex(tmp_path, codex_rows(told(1, None, (1_000, 10)), told(9, None, (3_500, 310))))

    assert amounts(codex(tmp_path)) == [(1_000, 10), (2_500, 300)]


def test_a_sum_that_is_told_again_is_not_spent_again(tmp_path: Path) -> None:
    count = told(1, (1_000, 10), (1_000, 10))
    again = count | {"at": at(1.012)}
    write_codex(tmp_path, codex_rows(count, again, {}, told(9, (500, 5), (1_500, 15)), {}))

    assert amounts(codex(tmp_path)) == [(1_000, 10), (500, 5)]


def test_cached_tokens_are_part_of_the_input_and_thoughts_of_the_output(tmp_path: Path) -> None:
    usage = codex_usage(10_000, 2_000, cached=8_000, reasoning=1_500)
    write_codex(tmp_path, codex_rows({"last_token_usage": usage}))

    (event,) = codex(tmp_path)

    assert event.reasoning_tokens == 1_500
    worth = (2_000 * Decimal("1.25") + 8_000 * Decimal("0.125") + 2_000 * Decimal(10)) / 1_000_000
    assert price_event(event).cost_usd == worth


def test_more_cached_than_there_was_is_cut(tmp_path: Path) -> None:
    write_codex(tmp_path, codex_rows({"last_token_usage": codex_usage(100, 5, cached=900, reasoning=50)}))

    (event,) = codex(tmp_path)

    assert (event.cached_input_tokens, event.reasoning_tokens) == (100, 5)


def test_the_model_is_the_one_that_was_set_last(tmp_path: Path) -> None:
    rows = codex_rows(told(1, (1_000, 10), (1_000, 10)))
    switched = {"timestamp": at(2), "type": "turn_context", "payload": {"model": "gpt-5.2-codex"}}
    write_codex(tmp_path, [*rows, switched, *codex_rows(told(9, (5, 5), (1_005, 15)), model=None)])
    write_codex(tmp_path, codex_rows(told(3, (7, 7), (7, 7)), model=None), file="old.jsonl")

    assert [event.model for event in codex(tmp_path)] == ["gpt-5", "gpt-5", "gpt-5.2-codex"]


def test_a_branch_that_repeats_its_history_adds_only_its_own(tmp_path: Path) -> None:
    history = [told(1, (1_000, 10), (1_000, 10)), told(9, (2_500, 300), (3_500, 310))]
    write_codex(tmp_path, codex_rows(*history))
    own = told(30, (4_000, 40), (7_500, 350))
    write_codex(tmp_path, codex_rows(*history, own, id="c2"), file="2026/09/01/rollout-2.jsonl")

    assert amounts(codex(tmp_path)) == [(1_000, 10), (2_500, 300), (4_000, 40)]


@pytest.mark.parametrize("begin", [1.0, 1.995])
@pytest.mark.parametrize(
    "meta",
    [{"source": {"subagent": {"thread_spawn": {"parent_thread_id": "c1"}}}}, {"forked_from_id": "c1"}],
)
def test_a_spawned_thread_does_not_pay_for_the_history_it_wrote_down(
    tmp_path: Path, begin: float, meta: dict[str, Any]
) -> None:
    replayed = [told(begin + 0.004 * n, (1_000, 10), (1_000 * n, 10 * n)) for n in (1, 2, 3)]
    own = told(begin + 15, (4_000, 40), (7_000, 70))
    write_codex(tmp_path, codex_rows(*replayed, own, **meta))

    assert amounts(codex(tmp_path)) == [(4_000, 40)]


def test_quick_requests_of_a_session_that_is_no_fork_all_count(tmp_path: Path) -> None:
    quick = [told(1 + 0.004 * n, (1_000, n), (1_000 * n, n * n)) for n in (1, 2, 3)]
    write_codex(tmp_path, codex_rows(*quick))

    assert len(codex(tmp_path)) == 3


def test_an_archived_session_that_is_active_too_is_read_once(tmp_path: Path) -> None:
    rows = spell_lines(codex_rows(told(1, (1_000, 10), (1_000, 10))))
    for folder, file in (("sessions", "a"), ("archived_sessions", "a"), ("archived_sessions", "b")):
        write(tmp_path / ".codex" / folder / f"{file}.jsonl", rows.replace(b"12:00:01", b"12:00:01"))

    assert len(read(tmp_path, "codex")) == 2
    assert len(codex(tmp_path)) == 1


def test_priority_processing_is_priced_as_such(tmp_path: Path) -> None:
    rows = codex_rows(model="gpt-5.1")
    settings = {"type": "thread_settings_applied", "thread_settings": {"service_tier": "priority"}}
    rows.append({"timestamp": at(1), "type": "event_msg", "payload": settings})
    write_codex(tmp_path, [*rows, *codex_rows(told(2, (1_000, 10), (1_000, 10)), model=None)[1:]])

    (event,) = codex(tmp_path)

    assert event.context == ("service_tier", "priority")


@pytest.mark.parametrize(
    "wrong",
    [
        b'{"type":"event_msg","payload":{"type":"token_count","info":\n',
        b'\xff{"type":"event_msg","payload":{"type":"token_count"}}\n',
        *codex_rows(told(2, (-5, 5), None))[2:],
        *codex_rows({"at": "yesterday", "last_token_usage": codex_usage(5, 5)})[2:],
    ],
)
def test_a_bad_line_is_counted_with_its_reason(tmp_path: Path, wrong: object) -> None:
    rows = codex_rows(told(1, (1_000, 10), (1_000, 10)))
    write_codex(tmp_path, [*rows, wrong, *codex_rows(told(9, (5, 5), (1_005, 15)), model=None)[1:]])

    (file,) = read(tmp_path, "codex")

    assert (file.rejected, len(file.events)) == (1, 2)


def test_logs_are_found_where_the_tool_was_told_to_put_them(tmp_path: Path) -> None:
    rows = spell_lines(codex_rows(told(1, (1_000, 10), (1_000, 10))))
    write(tmp_path / "elsewhere" / "sessions" / "a.jsonl", rows)

    assert collected(tmp_path, "codex") == []
    assert len(collected(tmp_path, "codex", {"CODEX_HOME": f"{tmp_path}/elsewhere"})) == 1
