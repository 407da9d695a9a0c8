"""Claude Code's logs: each request counts once, in however many lines and files it appears."""

import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tally.agents.events import Event
from tally.agents.payment import Payment
from tally.agents.prices import price_event
from tally.agents.records import make_record
from tally.agents.registry import find_logs
from tests.tally.agents.homes import claude_row, collected, instant, read, write, write_claude

MILLION = Decimal(1_000_000)


def claude(home: Path) -> list[Event]:
    return collected(home, "claude-code")


def test_lines_of_a_streamed_response_are_one_request_with_the_final_usage(tmp_path: Path) -> None:
    blocks = [
        claude_row(at=f"2026-09-01T12:00:0{second}.000Z", usage={"output_tokens": output})
        for second, output in enumerate((1, 2, 640))
    ]
    write_claude(tmp_path, *blocks)

    (event,) = claude(tmp_path)

    assert (event.name, event.request_id, event.output_tokens) == ("msg_1", "msg_1", 640)
    assert event.timestamp == instant("2026-09-01T12:00:02+00:00")


def test_one_message_id_with_two_main_chain_request_ids_is_two_requests(tmp_path: Path) -> None:
    write_claude(tmp_path, claude_row(), claude_row(request="req_2", usage={"output_tokens": 7}))

    assert [(event.name, event.output_tokens) for event in claude(tmp_path)] == [
        ("msg_1", 100),
        ("msg_1:req_2", 7),
    ]


@pytest.mark.parametrize("session", ["s1", "s2"])
@pytest.mark.parametrize("sidechain_first", [False, True])
def test_sidechain_replay_is_not_a_second_request(
    tmp_path: Path, session: str, sidechain_first: bool
) -> None:
    replay = claude_row(request="req_2", session=session, isSidechain=True, usage={"output_tokens": 500})
    write_claude(tmp_path, *([replay, claude_row()] if sidechain_first else [claude_row(), replay]))

    (event,) = claude(tmp_path)

    assert (event.name, event.output_tokens, event.is_sidechain) == ("msg_1", 100, False)


def test_record_names_the_request_id_that_telemetry_knows(tmp_path: Path) -> None:
    advisor = [{"type": "advisor_message", "model": "claude-opus-4-5", "input_tokens": 5, "output_tokens": 6}]
    write_claude(
        tmp_path,
        claude_row(request="req_9", isSidechain=True),
        claude_row(usage={"iterations": advisor}),
        claude_row(request="req_2", usage={"output_tokens": 7}),
        claude_row("msg_2", "req_3", isSidechain=True),  # of a subagent
        claude_row("msg_3", None),
        claude_row(None, "req_4", uuid="u4"),
    )

    records = [make_record("claude-code", event, Payment("api")) for event in claude(tmp_path)]

    assert {one.request_id: one.metadata.get("request_aliases") for one in records} == {
        "msg_1": ["req_1"],
        "msg_1:advisor:0": None,
        "msg_1:req_2": ["req_2"],
        "msg_2": ["req_3"],
        "msg_3": None,
        None: None,
    }


def test_request_id_of_a_replay_does_not_add_a_request(tmp_path: Path) -> None:
    replay = claude_row(request="req_2", isSidechain=True)
    write_claude(tmp_path, replay, claude_row(request=None), claude_row(usage={"output_tokens": 101}))

    assert [(event.name, event.output_tokens) for event in claude(tmp_path)] == [("msg_1", 101)]


def test_message_found_only_on_a_sidechain_counts(tmp_path: Path) -> None:
    write_claude(tmp_path, claude_row(), claude_row("msg_2", "req_2", isSidechain=True))

    assert [event.name for event in claude(tmp_path)] == ["msg_1", "msg_2"]


def test_resumed_session_does_not_add_its_history_again(tmp_path: Path) -> None:
    history = [claude_row(), claude_row(None, None, uuid="u2")]
    copied = [row | {"sessionId": "s2"} for row in history]
    write_claude(tmp_path, *history)
    write_claude(tmp_path, *copied, claude_row("msg_2", "req_2", session="s2"), file="garden/s2.jsonl")
    write_claude(tmp_path, *history, root=".config/claude")

    assert len(claude(tmp_path)) == 3


def test_lines_without_message_id_are_distinguished_by_uuid(tmp_path: Path) -> None:
    write_claude(tmp_path, claude_row(None), claude_row(None, uuid="u2"), claude_row(None, uuid="u2"))

    assert len(claude(tmp_path)) == 2
    assert {event.request_id for event in claude(tmp_path)} == {""}


def test_cached_tokens_are_charged_once(tmp_path: Path) -> None:
    usage = {"input_tokens": 1_000, "cache_read_input_tokens": 6_000, "cache_creation_input_tokens": 3_000}
    write_claude(tmp_path, claude_row(usage=usage | {"output_tokens": 500}))

    (event,) = claude(tmp_path)

    assert (event.input_tokens, event.cached_input_tokens, event.cache_write_tokens) == (10_000, 6_000, 3_000)
    worth = (
        1_000 * Decimal(3) + 6_000 * Decimal("0.30") + 3_000 * Decimal("3.75") + 500 * Decimal(15)
    ) / MILLION
    assert price_event(event).cost_usd == worth


def test_one_hour_cache_writes_cost_twice_the_input_price(tmp_path: Path) -> None:
    classes = {"ephemeral_5m_input_tokens": 2_000, "ephemeral_1h_input_tokens": 1_000}
    write_claude(tmp_path, claude_row(usage={"cache_creation": classes, "cache_creation_input_tokens": 99}))

    (event,) = claude(tmp_path)

    assert (event.input_tokens, event.cache_write_tokens, event.cache_write_1h_tokens) == (
        3_010,
        3_000,
        1_000,
    )
    worth = (10 * Decimal(3) + 2_000 * Decimal("3.75") + 1_000 * Decimal(6) + 100 * Decimal(15)) / MILLION
    assert price_event(event).cost_usd == worth


@pytest.mark.parametrize(("cached", "rate"), [(199_990, "0.30"), (199_991, "0.60")])
def test_long_context_tier_depends_on_the_single_request(tmp_path: Path, cached: int, rate: str) -> None:
    write_claude(tmp_path, claude_row(usage={"cache_read_input_tokens": cached, "output_tokens": 0}))

    (event,) = claude(tmp_path)

    fresh = Decimal(3) if rate == "0.30" else Decimal(6)
    assert price_event(event).cost_usd == (10 * fresh + cached * Decimal(rate)) / MILLION


def test_request_is_priced_at_its_own_time(tmp_path: Path) -> None:
    long = {"cache_read_input_tokens": 250_000, "output_tokens": 0}
    rows = [
        claude_row(f"msg_{month}", at=f"2026-{month}-10T12:00:00Z", model="claude-opus-4-6", usage=long)
        for month in ("02", "09")
    ]
    write_claude(tmp_path, *rows)

    in_february, in_september = (price_event(event).cost_usd for event in claude(tmp_path))

    assert in_february == (10 * Decimal(10) + 250_000 * Decimal(1)) / MILLION
    assert in_september == (10 * Decimal(5) + 250_000 * Decimal("0.50")) / MILLION


def test_fast_mode_has_its_own_price(tmp_path: Path) -> None:
    write_claude(tmp_path, claude_row(model="claude-opus-4-8", usage={"speed": "fast"}))

    (event,) = claude(tmp_path)

    assert price_event(event).cost_usd == (10 * Decimal(10) + 100 * Decimal(50)) / MILLION


@pytest.mark.parametrize(
    ("tier", "share", "note"),
    [
        ("standard", "1", None),
        ("batch", "0.5", "batch price as of 2026-10-14"),
        ("priority", "1", "standard price: none is known for priority"),
        ("turbo_9", "1", "standard price: none is known for turbo-9"),
    ],
)
def test_service_tier_has_its_price_or_a_note(
    tmp_path: Path, tier: str, share: str, note: str | None
) -> None:
    write_claude(tmp_path, claude_row(usage={"service_tier": tier}))

    (event,) = claude(tmp_path)

    priced = price_event(event)
    assert priced.cost_usd == Decimal(share) * (10 * Decimal(3) + 100 * Decimal(15)) / MILLION
    assert priced.note == note


def test_web_searches_are_charged_in_addition_to_tokens(tmp_path: Path) -> None:
    write_claude(tmp_path, claude_row(usage={"server_tool_use": {"web_search_requests": 3}}))

    (event,) = claude(tmp_path)

    assert price_event(event).cost_usd == (10 * Decimal(3) + 100 * Decimal(15)) / MILLION + Decimal("0.03")


def test_subagent_requests_count_but_not_their_sum(tmp_path: Path) -> None:
    nested = claude_row("msg_2", "req_2")
    progress = {"type": "progress", "sessionId": "s1", "data": {"type": "agent_progress", "message": nested}}
    done = {"type": "user", "sessionId": "s1", "timestamp": "2026-09-01T12:00:09Z"}
    done["toolUseResult"] = {"totalTokens": 110, "usage": {"input_tokens": 10, "output_tokens": 100}}  # type: ignore[assignment]
    write_claude(tmp_path, claude_row(), progress, done)

    assert [event.name for event in claude(tmp_path)] == ["msg_1", "msg_2"]
    assert sum(file.rejected for file in read(tmp_path, "claude-code")) == 0


def test_advisor_call_is_a_separate_request(tmp_path: Path) -> None:
    steps: list[dict[str, Any]] = [
        {"type": "message", "model": None, "input_tokens": 10, "output_tokens": 100},
        {"type": "advisor_message", "model": "claude-opus-4-5", "input_tokens": 50, "output_tokens": 60},
    ]
    write_claude(tmp_path, claude_row(usage={"iterations": steps}))

    assert [(event.name, event.model, event.tokens) for event in claude(tmp_path)] == [
        ("msg_1", "claude-sonnet-4-5-20250929", 110),
        ("msg_1:advisor:0", "claude-opus-4-5", 110),
    ]


def test_synthetic_message_is_not_a_request(tmp_path: Path) -> None:
    write_claude(tmp_path, claude_row(model="<synthetic>"))

    assert claude(tmp_path) == []


WRONG: dict[str, object] = {
    "half JSON": b'{"message":{"usage":{"input_tokens":5,\n',
    "no UTF-8": b'{"message":{"id":"\xff\xfe","usage":{"input_tokens":5}}}\n',
    "NULs": b'\x00\x00{"message":{"usage":{}}}\n',
    "no object": b'["usage":{}]\n',
    "a thousand brackets": b'{"usage":{"a":' + b"[" * 100_000 + b"\n",
    "infinity": b'{"message":{"usage":{"input_tokens":Infinity}}}\n',
    "an empty request id": claude_row(request="") | {"requestId": ""},
    "an empty session": claude_row(session=""),
    "an empty model": claude_row(model=""),
    "a version that is none": claude_row(version="dev"),
    "no time": claude_row(at=""),
    "a time without a zone": claude_row(at="2026-09-01T12:00:00"),
    "a time before the tool": claude_row(at="1999-09-01T12:00:00Z"),
    "a negative count": claude_row(usage={"output_tokens": -1}),
    "a fraction": claude_row(usage={"output_tokens": 1.5}),
    "a truth": claude_row(usage={"output_tokens": True}),
    "a text": claude_row(usage={"output_tokens": "twelve"}),
    "a very long number": claude_row(usage={"output_tokens": "9" * 5_000}),
    "more tokens than there are": claude_row(usage={"output_tokens": 10**16}),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_bad_line_is_rejected_with_a_reason_and_affects_no_other(tmp_path: Path, wrong: object) -> None:
    write_claude(tmp_path, claude_row(), wrong, claude_row("msg_2", "req_2"))

    (file,) = read(tmp_path, "claude-code")

    assert file.rejected == len(file.reasons) == 1
    assert [event.name for event in claude(tmp_path)] == ["msg_1", "msg_2"]


def test_incomplete_line_is_read_once_it_is_complete(tmp_path: Path) -> None:
    whole = json.dumps(claude_row("msg_2", "req_2"), separators=(",", ":")).encode()
    path = write_claude(tmp_path, claude_row(), whole[:200])

    assert [event.name for event in claude(tmp_path)] == ["msg_1"]
    (file,) = read(tmp_path, "claude-code")
    assert file.file.offset == path.read_bytes().index(b"\n") + 1
    assert file.rejected == 0

    path.write_bytes(path.read_bytes() + whole[200:] + b"\n")
    assert [event.name for event in claude(tmp_path)] == ["msg_1", "msg_2"]


def test_line_of_40_megabytes_is_read(tmp_path: Path) -> None:
    write_claude(
        tmp_path, claude_row(), claude_row("msg_2", "req_2", content="x" * 40_000_000), claude_row("msg_3")
    )

    assert [event.name for event in claude(tmp_path)] == ["msg_1", "msg_2", "msg_3"]


def test_names_from_logs_become_short_and_printable(tmp_path: Path) -> None:
    write_claude(tmp_path, claude_row("msg\x00_1", cwd="C:\\Users\\ada\\" + "y" * 5_000, session="s\n1"))

    (event,) = claude(tmp_path)

    assert (event.name, event.session, len(event.folder)) == ("msg_1", "s1", 200)


def test_pipe_and_broken_link_are_no_logs(tmp_path: Path) -> None:
    log = write_claude(tmp_path, claude_row())
    os.mkfifo(log.with_name("pipe.jsonl"))
    log.with_name("link.jsonl").symlink_to("nowhere")
    log.with_name("folder.jsonl").mkdir()

    assert [file.path for file in find_logs(tmp_path, {})["claude-code"]] == [log]


@pytest.mark.parametrize(
    ("variable", "value", "found"),
    [
        ("", "", {"a", "b"}),
        ("CLAUDE_CONFIG_DIR", "{home}/else", {"c"}),
        ("CLAUDE_CONFIG_DIR", "{home}/else/projects, {home}/.claude", {"a", "c"}),
        ("XDG_CONFIG_HOME", "{home}/xdg", {"a", "d"}),
    ],
)
def test_logs_are_found_in_the_configured_folders(
    tmp_path: Path, variable: str, value: str, found: set[str]
) -> None:
    for name, root in {"a": ".claude", "b": ".config/claude", "c": "else", "d": "xdg/claude"}.items():
        write_claude(tmp_path, claude_row(name), root=root)
    write(tmp_path / ".claude" / "projects" / "notes.txt", b"no log")

    environment = {variable: value.format(home=tmp_path)}

    assert {event.name for event in collected(tmp_path, "claude-code", environment)} == found
