"""Read positions: a log read while it grows gives the same requests as the whole log."""

import codecs
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tally.agents.collection_lock import lock_collection
from tally.agents.events import Event
from tally.agents.folder_rules import FolderRule, FolderRules
from tally.agents.jsonl import MAX_LINE_BYTES, read_parts, whole_lines
from tally.agents.log_files import stat_logs
from tally.agents.read_positions import ReadPositions, find_positions
from tally.agents.registry import find_agent, find_logs
from tally.agents.routes import Destination, Routes
from tally.agents.scan import read_logs
from tally.agents.sorting import sort_events
from tally.core.errors import TallyError
from tests.scratch import temporary_folder
from tests.tally.agents.homes import (
    claude_row,
    codex_rows,
    codex_usage,
    collected,
    json_lines,
    write,
    write_claude,
    write_codex,
)
from tests.tally.agents.test_other_agents import opencode_message, write_opencode

ROWS = st.builds(
    claude_row,
    message=st.sampled_from(["msg_1", "msg_2", None]),
    request=st.sampled_from(["req_1", "req_2", None]),
    usage=st.builds(lambda output: {"output_tokens": output}, st.integers(1, 5)),
    uuid=st.sampled_from(["u1", "u2"]),
    isSidechain=st.booleans(),
)
COUNTS = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9)), min_size=1, max_size=8)


def grow(path: Path, data: bytes, cuts: list[int]) -> Iterator[None]:
    """Write a file in steps, which may end in the middle of a line."""
    for end in sorted({min(cut, len(data)) for cut in cuts} | {len(data)}):
        write(path, data[:end])
        yield


def collect_growing(home: Path, agent_name: str, path: Path, data: bytes, cuts: list[int]) -> list[Event]:
    """Return the requests collected by a run after each step."""
    agent = find_agent(agent_name)
    sent: dict[str, Event] = {}
    with closing(ReadPositions(home / "positions.sqlite")) as positions:
        for _ in grow(path, data, cuts):
            reads = read_logs(agent, positions.load_files(agent_name, stat_logs(agent.find_files(home, {}))))
            events = [event for read in reads for event in read.events]
            winners = agent.select_winners(events, positions.load_known(agent_name, events))
            sent |= {event.name: event for event in winners}
            positions.advance(agent_name, reads, {"mine": winners})
    return sorted(sent.values(), key=lambda event: (event.timestamp, event.name))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=st.lists(ROWS, min_size=1, max_size=8), cuts=st.lists(st.integers(0, 3_000), max_size=6))
def test_growing_claude_code_log_loses_no_request(rows: list[object], cuts: list[int]) -> None:
    with temporary_folder() as home:
        path = home / ".claude" / "projects" / "garden" / "s1.jsonl"
        grown = collect_growing(home, "claude-code", path, json_lines(rows), cuts)

        whole = collected(home, "claude-code")
        assert sum(event.tokens for event in grown) >= sum(event.tokens for event in whole)
        assert {event.name for event in grown} >= {event.name for event in whole}


def test_request_keeps_its_id_when_a_later_line_names_none(tmp_path: Path) -> None:
    """The next run must still tell it from another request of the same message."""
    rows = [
        claude_row("msg_1", "req_1", usage={"output_tokens": 1}),
        claude_row("msg_1", None, usage={"output_tokens": 2}),
        claude_row("msg_1", "req_2", usage={"output_tokens": 1}),
    ]
    path = tmp_path / ".claude" / "projects" / "garden" / "s1.jsonl"
    first_run = len(json_lines(rows[:2]))
    grown = collect_growing(tmp_path, "claude-code", path, json_lines(rows), [first_run])
    assert [(event.name, event.output_tokens) for event in grown] == [("msg_1", 2), ("msg_1:req_2", 1)]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(counts=COUNTS, cuts=st.lists(st.integers(0, 3_000), max_size=6))
def test_growing_codex_log_gives_the_same_requests_as_the_whole(
    counts: list[tuple[int, int]], cuts: list[int]
) -> None:
    total, token_counts = 0, []
    for minute, (repeats, tokens) in enumerate(counts):
        total += tokens
        at = f"2026-09-01T12:{minute:02}:00Z"
        token_counts += [{"at": at, "total_token_usage": codex_usage(total, total)}] * (1 + repeats)
    with temporary_folder() as home:
        path = home / ".codex" / "sessions" / "rollout-1.jsonl"
        grown = collect_growing(home, "codex", path, json_lines(codex_rows(*token_counts)), cuts)

        assert grown == collected(home, "codex")
        assert sum(event.input_tokens for event in grown) == total


@given(
    lines=st.lists(st.binary(max_size=30).map(lambda line: line.replace(b"\n", b"")), max_size=20),
    rest=st.binary(max_size=10).map(lambda line: line.replace(b"\n", b"").replace(b"}", b"")),
    block=st.integers(1, 40),
)
def test_parts_are_whole_lines_for_any_block_size(lines: list[bytes], rest: bytes, block: int) -> None:
    whole = b"".join(line + b"\n" for line in lines)
    assume(not whole.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)))  # its lines end otherwise
    with temporary_folder() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr("tally.agents.jsonl.BLOCK_BYTES", block)
        path = write(folder / "log", whole + rest)
        parts = list(read_parts(path, 0, len(whole + rest)))

    assert b"".join(data for _, data in parts) == whole
    assert [end for end, _ in parts][-1:] == ([len(whole)] if whole else [])


@pytest.mark.parametrize(
    ("last", "is_whole"),
    [
        (b'{"a": {"b": 1}}', True),
        (b'{"a": {"b": 1}} \r', True),
        (b'{"a": {"b": 1}', False),
        (b'{"a": "}', False),
        (b"{}}", False),
        (b"}", False),
        (b"5", False),
    ],
)
def test_last_line_without_its_newline_is_read_if_it_is_an_object(
    tmp_path: Path, last: bytes, is_whole: bool
) -> None:
    path = write(tmp_path / "log", b"first\n" + last)
    (parts, lines) = zip(*read_parts(path, 0, path.stat().st_size), strict=True)

    assert b"".join(lines) == (b"first\n" + last if is_whole else b"first\n")
    assert parts[-1] == (path.stat().st_size if is_whole else len(b"first\n"))
    assert whole_lines(path.read_bytes()) == b"".join(lines)


@pytest.mark.parametrize("agent", ["claude-code", "codex"])
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_log_in_utf_16_is_rejected_once(tmp_path: Path, agent: str, encoding: str) -> None:
    text = (
        "\ufeff" + json_lines([claude_row(), *codex_rows({"last_token_usage": codex_usage(5, 5)})]).decode()
    )
    write_claude(tmp_path, text.encode(encoding))
    write_codex(tmp_path, [text.encode(encoding)])
    with closing(ReadPositions(tmp_path / "positions.sqlite")) as positions:
        (found,) = read_logs(find_agent(agent), positions.load_files(agent, find_logs(tmp_path, {})[agent]))
        assert (found.events, found.rejected, found.reasons) == ([], 1, ["the file is not in UTF-8"])
        positions.advance(agent, [found], {})
        assert positions.load_files(agent, find_logs(tmp_path, {})[agent]) == []


def test_locked_database_is_read_once_it_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tally.agents.sqlite_logs.PATIENCE", 0.05)
    path = write_opencode(tmp_path, opencode_message())
    agent = find_agent("opencode")
    with closing(ReadPositions(tmp_path / "positions.sqlite")) as positions:
        with closing(sqlite3.connect(path)) as other:
            other.execute("begin exclusive")
            (locked,) = read_logs(agent, positions.load_files(agent.name, stat_logs([path])))
        assert locked.reasons == ["the file cannot be read: database is locked"]
        positions.advance(agent.name, [locked], {})

        (unread,) = positions.load_files(agent.name, stat_logs([path]))
        (read,) = read_logs(agent, [unread])
    assert (len(read.events), read.rejected) == (1, 0)


def test_line_beyond_the_maximum_length_is_skipped(tmp_path: Path) -> None:
    assert MAX_LINE_BYTES > 100_000_000
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tally.agents.jsonl.BLOCK_BYTES", 10)
        patch.setattr("tally.agents.jsonl.MAX_LINE_BYTES", 40)
        path = write(tmp_path / "log", b"first\n" + b"x" * 500 + b"\nlast\nand")
        told: list[str] = []
        parts = list(read_parts(path, 0, path.stat().st_size, told.append))

    assert told == ["a line has more than 40 bytes"]
    assert b"".join(data for _, data in parts) == b"first\nlast\n"
    assert parts[-1][0] == path.stat().st_size - len(b"and")


def test_read_positions_are_readable_only_by_their_owner(tmp_path: Path) -> None:
    with closing(ReadPositions(tmp_path / "positions.sqlite")):
        assert (tmp_path / "positions.sqlite").stat().st_mode & 0o777 == 0o600


def test_read_positions_of_another_version_are_replaced(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "positions.sqlite")) as database:
        database.executescript("create table file (path text); pragma user_version = 99")

    write_claude(tmp_path, claude_row())
    with closing(ReadPositions(tmp_path / "positions.sqlite")) as positions:
        files = stat_logs(find_agent("claude-code").find_files(tmp_path, {}))
        assert positions.load_files("claude-code", files) == files


def test_read_positions_under_their_earlier_file_name_are_used(tmp_path: Path) -> None:
    path = write_claude(tmp_path, claude_row())
    agent = find_agent("claude-code")
    with closing(ReadPositions(tmp_path / "cursors-ada.sqlite")) as positions:
        positions.advance(agent.name, read_logs(agent, stat_logs([path])), {})

    with closing(ReadPositions(find_positions(tmp_path, "ada"))) as positions:
        assert positions.load_files(agent.name, stat_logs([path])) == []
    assert [file.name for file in tmp_path.glob("*.sqlite")] == ["read-positions-ada.sqlite"]


def test_unreadable_log_is_read_once_it_is_readable(tmp_path: Path) -> None:
    path = write_claude(tmp_path, claude_row())
    agent = find_agent("claude-code")

    def deny(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    with closing(ReadPositions(tmp_path / "positions.sqlite")) as positions:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Path, "open", deny)
            (denied,) = read_logs(agent, positions.load_files(agent.name, stat_logs([path])))
        assert (denied.rejected, denied.reasons) == (1, ["the file cannot be read: Permission denied"])
        positions.advance(agent.name, [denied], {})

        (unread,) = positions.load_files(agent.name, stat_logs([path]))
        (read,) = read_logs(agent, [unread])
    assert [event.name for event in read.events] == ["msg_1"]


def test_document_that_is_too_large_is_rejected_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tally.agents.scan.MAX_DOCUMENT_BYTES", 10)
    path = write(tmp_path / ".gemini/tmp/abc/chats/session-1.json", b'{"messages": []}')
    agent = find_agent("gemini-cli")
    with closing(ReadPositions(tmp_path / "positions.sqlite")) as positions:
        (rejected,) = read_logs(agent, positions.load_files(agent.name, stat_logs([path])))
        assert (rejected.rejected, rejected.reasons) == (1, ["the file is too large"])
        positions.advance(agent.name, [rejected], {})
        assert positions.load_files(agent.name, stat_logs([path])) == []


def test_only_one_run_holds_the_collection_lock(tmp_path: Path) -> None:
    with lock_collection(tmp_path), pytest.raises(TallyError), lock_collection(tmp_path):
        pass
    with lock_collection(tmp_path):
        assert (tmp_path / "collect.lock").stat().st_mode & 0o777 == 0o600


STEPS = st.one_of(
    st.tuples(st.just("log"), st.sampled_from("abc")),
    st.tuples(st.just("rule"), st.tuples(*[st.sampled_from(["", "mine", "team"])] * 3)),
    st.tuples(st.sampled_from(["from start", "delete mine", "delete team"]), st.just("")),
)


@settings(max_examples=100, deadline=None)
@given(steps=st.lists(STEPS, min_size=1, max_size=14))
def test_each_request_is_in_at_most_one_workspace_while_rules_change(
    steps: list[tuple[str, Any]],
) -> None:
    """Rules send each folder to a workspace, or nowhere; sources are deleted, and logs are read again."""
    agent = find_agent("claude-code")
    saved: dict[str, set[str]] = {"mine": set(), "team": set()}
    imports = dict.fromkeys(saved, 0)
    rules = dict.fromkeys("abc", "mine")
    rows: list[dict[str, Any]] = []
    with temporary_folder() as folder, closing(ReadPositions(folder / "p")) as positions:
        for step, detail in steps:
            if step == "log":
                rows.append(claude_row(f"msg_{len(rows)}", f"req_{len(rows)}", cwd=f"/{detail}"))
            elif step == "rule":
                rules = dict(zip("abc", detail, strict=True))
            elif step == "from start":
                positions.start_again(agent.name)
            else:
                workspace = step.removeprefix("delete ")
                saved[workspace] = set()
                imports[workspace] += 1
            path = write_claude(folder, *rows)
            for workspace, import_id in imports.items():
                positions.begin(agent.name, workspace, str(import_id), {})
            reads = read_logs(agent, positions.load_files(agent.name, stat_logs([path])))
            events = agent.select_winners(
                [event for read in reads for event in read.events],
                positions.load_known(agent.name, [event for read in reads for event in read.events]),
            )
            by_path = {f"/{name}": to and Destination(to) for name, to in rules.items()}
            routes = Routes(
                Destination("mine"),
                FolderRules([FolderRule(path, never=not to) for path, to in by_path.items()]),
                {path: to or None for path, to in by_path.items()},
            )
            sorted_events = sort_events(events, routes, positions.load_workspaces(agent.name, events))
            for workspace, filed in sorted_events.sent.items():
                for event, _ in filed:
                    assert rules[event.folder[1:]] == workspace
                    saved[workspace].add(event.name)
            positions.advance(agent.name, reads, sorted_events.by_workspace)
            assert saved["mine"].isdisjoint(saved["team"])
        positions.start_again(agent.name)
        reads = read_logs(agent, positions.load_files(agent.name, stat_logs([path])))
        sent = [event for read in reads for event in read.events if rules[event.folder[1:]]]
        last = sort_events(sent, routes, positions.load_workspaces(agent.name, sent))
        missing = {event.name for event in sent} - saved["mine"] - saved["team"]
        assert missing <= {event.name for filed in last.sent.values() for event, _ in filed}
