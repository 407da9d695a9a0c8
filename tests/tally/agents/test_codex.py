"""Codex CLI's logs: usage since the previous token count, and the history of a parent session once."""

from decimal import Decimal
from itertools import accumulate
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


SPAWNED: dict[str, Any] = {"source": {"subagent": {"thread_spawn": {"parent_thread_id": "c1"}}}}
FORKED: dict[str, Any] = {"forked_from_id": "c1"}
PARENT = [(1_000, 10), (2_500, 300), (400, 40)]  # what each request of the parent took


def growing(
    start: float, pace: float, lasts: list[tuple[int, int]], with_last: bool = True
) -> list[dict[str, Any]]:
    """Token counts of a session from nothing, with a fixed time between them."""
    inputs, outputs = (list(accumulate(amount)) for amount in zip(*lasts, strict=True))
    return [
        token_count(start + pace * n, last if with_last else None, (inputs[n], outputs[n]))
        for n, last in enumerate(lasts)
    ]


@pytest.mark.parametrize("meta", [SPAWNED, FORKED, SPAWNED | FORKED])
@pytest.mark.parametrize("pace", [0.004, 0.6, 1.6, 9])
@pytest.mark.parametrize("replayed", [1, 2, 3])
@pytest.mark.parametrize("folder", ["sessions", "archived_sessions"])
def test_history_of_the_parent_is_not_counted_again_at_any_pace(
    tmp_path: Path, meta: dict[str, Any], pace: float, replayed: int, folder: str
) -> None:
    parent = json_lines(codex_rows(*growing(1, 3, PARENT)))
    write(tmp_path / ".codex" / folder / "2026/09/01/rollout-1.jsonl", parent)
    own = [*PARENT[:replayed], (4_000, 41), (70, 7)]
    write_codex(
        tmp_path, codex_rows(*growing(20, pace, own), id="c2", **meta), file="2026/09/01/rollout-2.jsonl"
    )

    events = codex(tmp_path)

    assert sorted(amounts(events)) == sorted([*PARENT, (4_000, 41), (70, 7)])
    assert {event.session for event in events if event.output_tokens in (41, 7)} == {"c2"}


@pytest.mark.parametrize("with_last", [True, False])
def test_history_of_a_parent_that_is_gone_counts_once_among_siblings(tmp_path: Path, with_last: bool) -> None:
    for number, own in ((2, [(4_000, 41)]), (3, [(70, 7), (80, 8)])):
        counts = growing(10 * number, 1.5, [*PARENT, *own], with_last)
        rows = codex_rows(*counts, id=f"c{number}", **FORKED)
        write_codex(tmp_path, rows, file=f"2026/09/01/rollout-{number}.jsonl")

    assert sorted(amounts(codex(tmp_path))) == sorted([*PARENT, (4_000, 41), (70, 7), (80, 8)])


@pytest.mark.parametrize("replayed", [0, 2, 3])
def test_totals_of_a_fork_go_on_from_those_of_its_parent(tmp_path: Path, replayed: int) -> None:
    write_codex(tmp_path, codex_rows(*growing(1, 3, PARENT, with_last=False)))
    counts = growing(20, 3, [*PARENT, (4_000, 41), (70, 7)], with_last=False)
    rows = codex_rows(*counts[:replayed], *counts[3:], id="c2", **FORKED)
    write_codex(tmp_path, rows, file="2026/09/01/rollout-2.jsonl")

    assert sum(event.input_tokens for event in codex(tmp_path)) == 1_000 + 2_500 + 400 + 4_000 + 70


def test_fork_of_a_fork_counts_only_its_own(tmp_path: Path) -> None:
    first, second = "11111111-2222-4333-8444-555555555555", "66666666-2222-4333-8444-555555555555"
    write_codex(tmp_path, codex_rows(*growing(1, 3, PARENT)))
    child = codex_rows(*growing(20, 0.5, [*PARENT, (5, 1)]), id=first, **FORKED)
    write_codex(tmp_path, child, file=f"2026/09/01/rollout-2026-09-01T12-00-20-{first}.jsonl")
    rows = codex_rows(*growing(40, 2, [*PARENT, (5, 1), (6, 2)]), id=second, forked_from_id=first)
    write_codex(tmp_path, rows, file=f"2026/09/01/rollout-2026-09-01T12-00-40-{second}.jsonl")

    assert sorted(amounts(codex(tmp_path))) == sorted([*PARENT, (5, 1), (6, 2)])


@pytest.mark.parametrize("is_first_there", [True, False])
@pytest.mark.parametrize("with_last", [True, False])
def test_forks_of_a_fork_that_is_gone_count_its_history_once(
    tmp_path: Path, is_first_there: bool, with_last: bool
) -> None:
    gone = [*PARENT, (5, 1)]
    if is_first_there:
        write_codex(tmp_path, codex_rows(*growing(1, 3, PARENT, with_last)))
    for number, own in ((3, [(4_000, 41)]), (4, [(70, 7)])):
        meta = codex_rows(
            *growing(10 * number, 0.5, [*gone, *own], with_last), id=f"c{number}", forked_from_id="c2"
        )
        parents = [codex_rows(id="c2", **FORKED)[0], codex_rows(id="c1")[0]]
        write_codex(tmp_path, [meta[0], *parents, *meta[1:]], file=f"2026/09/01/rollout-{number}.jsonl")

    assert sorted(amounts(codex(tmp_path))) == sorted([*gone, (4_000, 41), (70, 7)])


@pytest.mark.parametrize("with_parent", [True, False])
def test_quick_requests_of_a_sub_agent_count(tmp_path: Path, with_parent: bool) -> None:
    if with_parent:
        write_codex(tmp_path, codex_rows(*growing(1, 3, PARENT)))
    own = [(800, 20), (900, 25), (300, 15)]
    rows = codex_rows(*growing(20, 0.3, own), id="c2", **SPAWNED, **FORKED)
    write_codex(tmp_path, rows, file="2026/09/01/rollout-2.jsonl")

    assert sorted(amounts(codex(tmp_path))) == sorted([*(PARENT if with_parent else []), *own])


@pytest.mark.parametrize(
    "file", ["rollout-0.jsonl", "rollout-2.jsonl"]
)  # read before the parent's, and after it
def test_sums_of_a_sub_agent_that_fall_after_the_replay_begin_from_nothing(tmp_path: Path, file: str) -> None:
    write_codex(tmp_path, codex_rows(*growing(1, 3, PARENT, with_last=False)))
    own = [(1_500, 20), (400, 40)]
    counts = growing(20, 1, PARENT, with_last=False) + growing(40, 5, own, with_last=False)
    write_codex(tmp_path, codex_rows(*counts, id="c2", **SPAWNED, **FORKED), file=f"2026/09/01/{file}")

    assert sorted(amounts(codex(tmp_path))) == sorted([*PARENT, *own])


def test_compaction_of_a_fork_is_no_request(tmp_path: Path) -> None:
    write_codex(tmp_path, codex_rows(*growing(1, 3, PARENT)))
    before = growing(20, 1, [*PARENT, (4_000, 41)])
    # The context is estimated anew: the sum stays, and the last usage has a total alone.
    compacted = before[-1] | {"at": at(40), "last_token_usage": codex_usage(0, 0) | {"total_tokens": 900}}
    after = token_count(50, (70, 7), (7_970, 398))
    rows = codex_rows(*before, compacted, after, id="c2", **FORKED)
    write_codex(tmp_path, rows, file="2026/09/01/rollout-2.jsonl")

    assert sorted(amounts(codex(tmp_path))) == sorted([*PARENT, (4_000, 41), (70, 7)])


def test_session_is_named_by_its_first_meta(tmp_path: Path) -> None:
    own = codex_rows(token_count(30, (5, 5), (5, 5)), id="c2", model_provider="openai", **FORKED)
    parents = codex_rows(id="c1", model_provider="azure")[0]
    write_codex(tmp_path, [own[0], parents, *own[1:]])

    (event,) = codex(tmp_path)

    assert (event.session, event.vendor) == ("c2", "openai")


@pytest.mark.parametrize(
    ("totals", "expected"),
    [
        ([(70_000, 900), (2_000, 40), (71_000, 950), (2_600, 55), (72_500, 990)], (75_100, 1_045)),
        ([(500, 5), (500, 5), (900, 9)], (900, 9)),
        ([(900, 9), (100, 1), (300, 3)], (1_200, 12)),  # it began anew
        ([(900, 9), (100, 1), (900, 9), (950, 10)], (1_050, 11)),
        ([(10, 1), (20, 2), (30, 3), (15, 1), (40, 4)], (55, 5)),
    ],
)
def test_sums_of_several_agents_are_apart(
    tmp_path: Path, totals: list[tuple[int, int]], expected: tuple[int, int]
) -> None:
    write_codex(tmp_path, codex_rows(*[token_count(n, None, total) for n, total in enumerate(totals, 1)]))

    events = codex(tmp_path)

    found = (sum(event.input_tokens for event in events), sum(event.output_tokens for event in events))
    assert found == expected


def test_count_without_a_total_is_part_of_the_next_one(tmp_path: Path) -> None:
    counts = [token_count(1, (400, 12), None), token_count(2, (50, 3), None), token_count(5, None, (650, 20))]
    write_codex(tmp_path, codex_rows(*counts))

    assert amounts(codex(tmp_path)) == [(400, 12), (50, 3), (200, 5)]


@pytest.mark.parametrize(
    "told",
    [
        {"type": "turn_context", "payload": {"model": "gpt-5.5"}},
        {"type": "turn_context", "payload": {"model_slug": "gpt-5.5"}},
        {
            "type": "event_msg",
            "payload": {"type": "thread_settings_applied", "thread_settings": {"model": "gpt-5.5"}},
        },
        codex_rows({"at": at(3), "model": "gpt-5.5"}, model=None)[1],
        codex_rows({"at": at(3), "last_token_usage": codex_usage(3, 3), "model_name": "gpt-5.5"}, model=None)[
            1
        ],
    ],
)
def test_requests_before_the_model_is_told_are_of_the_one_told_next(
    tmp_path: Path, told: dict[str, Any]
) -> None:
    early = codex_rows(token_count(1, (100, 10), (100, 10)), token_count(2, (20, 2), (120, 12)), model=None)
    late = {"timestamp": at(9), "type": "turn_context", "payload": {"model": "gpt-6-astra"}}
    last = codex_rows(token_count(10, (7, 1), (200, 20)), model=None)[1]
    write_codex(tmp_path, [*early, {"timestamp": at(3)} | told, late, last])

    events = codex(tmp_path)

    assert {event.model for event in events[:-1]} == {"gpt-5.5"}
    assert events[-1].model == "gpt-6-astra"


@pytest.mark.parametrize("tier", ["flex", "priority", "fast"])
def test_tier_is_a_price_condition(tmp_path: Path, tier: str) -> None:
    settings = {"type": "thread_settings_applied", "thread_settings": {"service_tier": tier}}
    applied = {"timestamp": at(1), "type": "event_msg", "payload": settings}
    later = codex_rows(token_count(2, (1_000, 10), (1_000, 10)), model=None)[1:]
    write_codex(tmp_path, [*codex_rows(model="gpt-5.1"), applied, *later])

    (event,) = codex(tmp_path)

    assert event.context == ("service_tier", tier)


def test_session_that_is_both_active_and_archived_is_read_once(tmp_path: Path) -> None:
    rows = json_lines(codex_rows(token_count(1, (1_000, 10), (1_000, 10))))
    for folder, file in (("sessions", "a"), ("archived_sessions", "a"), ("archived_sessions", "b")):
        write(tmp_path / ".codex" / folder / f"{file}.jsonl", rows.replace(b"12:00:01", b"12:00:01"))

    assert len(read(tmp_path, "codex")) == 2
    assert len(codex(tmp_path)) == 1


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
