"""Upload of logs: each request is saved once, and read positions never run ahead of the database."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tally.agents.collection_lock import lock_collection
from tally.agents.machine import Machine
from tally.agents.payment import Payment
from tally.agents.registry import AGENTS, find_agent
from tally.agents.source import BATCH_RECORDS, SourceResult
from tally.agents.upload import Selection, collect_into
from tally.core.errors import TallyError
from tally.importers.save import undo_import
from tally.local.stack import Stack
from tally.storage.database import Database, DatabaseError, Query, select_all
from tests.tally.agents.corpus import write_corpus
from tests.tally.agents.homes import (
    claude_row,
    codex_rows,
    codex_usage,
    json_lines,
    write_claude,
    write_codex,
)
from tests.tally.agents.test_other_agents import opencode_message, write_opencode
from tests.tally.agents.test_shapes import search
from tests.tally.people import CountingDatabase, Person, money_is_exact, over_http, sign_up

API_PAYS = {agent.name: Payment("api") for agent in AGENTS}


@pytest.fixture
def user(stack: Stack) -> Person:
    return sign_up(stack)


@pytest.fixture
def database(stack: Stack, user: Person) -> Database:
    return over_http(stack, user)


def machine_at(
    tmp_path: Path, name: str = "laptop", payments: Mapping[str, Payment] | None = None
) -> Machine:
    """Return a machine with its own home and state folders."""
    folder = tmp_path / f"state-{name}"
    folder.mkdir(exist_ok=True)
    return Machine(tmp_path / name, {}, name, folder, API_PAYS | dict(payments or {}))


def counts(results: Sequence[SourceResult]) -> list[tuple[str, int, int, int]]:
    """Return added, duplicate and rejected requests of each source, which add up to those read."""
    assert all(one.read == one.added + one.duplicates + one.rejected for one in results)
    return [(one.source, one.added, one.duplicates, one.rejected) for one in results]


def stored(database: Database) -> list[dict[str, Any]]:
    columns = (
        "id,timestamp,source_key,model_name,cost_usd::text,cost_basis,collection_method,import_id,metadata,"
        "billing_account,request_id,dataset,input_tokens,output_tokens,cached_input_tokens,cache_write_tokens"
    )
    return list(select_all(database, Query("cost_records", columns, ["timestamp", "id"])))


def sources(database: Database) -> list[dict[str, Any]]:
    return list(select_all(database, Query("imports", "*", ["id"])))


def test_record_has_price_and_provenance(database: Database, tmp_path: Path) -> None:
    machine = machine_at(tmp_path)
    write_claude(machine.home, claude_row(usage={"cache_creation": {"ephemeral_1h_input_tokens": 1_000}}))

    assert counts(collect_into(database, machine)) == [("claude-code", 1, 0, 0)]

    (record,) = stored(database)
    worth = (10 * Decimal(3) + 1_000 * Decimal(6) + 100 * Decimal(15)) / 1_000_000
    assert Decimal(record["cost_usd"]) == worth
    assert (record["model_name"], record["cost_basis"]) == ("claude-sonnet-4-5", "estimated")
    assert (record["collection_method"], record["cache_write_tokens"]) == ("local_log", 1_000)
    metadata = record["metadata"]
    assert (record["billing_account"], record["request_id"]) == ("anthropic", "msg_1")
    assert {key: metadata[key] for key in ("session", "project", "model")} == {
        "session": "s1",
        "project": "garden",
        "model": "claude-sonnet-4-5-20250929",
    }
    assert metadata["cache_write_1h_tokens"] == 1_000
    assert {"price_source", "price_version", "price_model"} <= set(metadata)
    assert record["dataset"] == "requests"
    (source,) = sources(database)
    named = (source["kind"], source["format"], source["filename"], source["status"])
    assert named == ("machine", "claude-code", "laptop", "done")


def test_copy_in_a_fork_is_left_in_later_runs(database: Database, tmp_path: Path) -> None:
    machine = machine_at(tmp_path)
    time = {"created": 1_788_264_000_000, "completed": 1_788_264_002_000}
    path = write_opencode(machine.home, opencode_message(id="m1", time=time))
    assert counts(collect_into(database, machine)) == [("opencode", 1, 0, 0)]

    path.unlink()
    write_opencode(machine.home, opencode_message(id="f1", sessionID="fork", time=time))
    assert counts(collect_into(database, machine)) == [("opencode", 0, 0, 0)]
    again = Selection(from_start=True)
    assert counts(collect_into(database, machine, again)) == [("opencode", 0, 0, 0)]
    assert len(stored(database)) == 1


def test_lines_of_an_unknown_shape_are_noted_in_their_source(database: Database, tmp_path: Path) -> None:
    machine = machine_at(tmp_path)
    write_claude(machine.home, {"type": "turn", "usage": {"input_tokens": 5, "output_tokens": 6}})

    (result,) = collect_into(database, machine)

    assert (result.read, result.unknown_lines) == (0, 1)
    (source,) = sources(database)
    assert source["errors"][0]["reason"] == "1 line of a shape that Tally does not know"


def test_web_search_is_a_record_without_a_request(database: Database, tmp_path: Path) -> None:
    machine = machine_at(tmp_path)
    write_claude(machine.home, claude_row(), search(searchCount=2))

    assert counts(collect_into(database, machine)) == [("claude-code", 2, 0, 0)]

    columns = "cost_usd::text,request_count,tokens_used,metadata"
    rows = list(select_all(database, Query("cost_records", columns, ["request_count", "id"])))
    assert (Decimal(rows[0]["cost_usd"]), rows[0]["request_count"]) == (Decimal("0.02"), 0)
    assert rows[0]["metadata"]["web_searches"] == 2
    assert [row["tokens_used"] for row in rows] == [0, 110]


def test_second_run_reads_only_new_lines(database: Database, tmp_path: Path) -> None:
    machine = machine_at(tmp_path)
    path = write_claude(machine.home, claude_row())
    collect_into(database, machine)

    assert counts(collect_into(database, machine)) == [("claude-code", 0, 0, 0)]

    path.write_bytes(path.read_bytes() + json_lines([claude_row("msg_2", "req_2"), b'{"message":{"usage":{']))
    assert counts(collect_into(database, machine)) == [("claude-code", 1, 0, 0)]
    (source,) = sources(database)
    assert (source["rows_read"], source["rows_imported"], source["rows_duplicate"]) == (2, 2, 0)


def test_response_that_grows_after_collection_stays_one_request(
    database: Database, stack: Stack, user: Person, tmp_path: Path
) -> None:
    machine = machine_at(tmp_path)
    path = write_claude(machine.home, claude_row(usage={"output_tokens": 1}))
    collect_into(database, machine)
    later = claude_row(at="2026-09-01T12:00:04Z", usage={"output_tokens": 640})
    path.write_bytes(path.read_bytes() + json_lines([later, claude_row(usage={"output_tokens": 2})]))

    collect_into(database, machine)

    assert [record["output_tokens"] for record in stored(database)] == [640]
    assert money_is_exact(stack, user)


def test_second_request_of_a_known_message_is_found_by_a_later_run(
    database: Database, tmp_path: Path
) -> None:
    machine = machine_at(tmp_path)
    path = write_claude(machine.home, claude_row())
    collect_into(database, machine)
    replay = claude_row(request="req_9", isSidechain=True)
    path.write_bytes(path.read_bytes() + json_lines([replay, claude_row(request="req_2")]))

    assert counts(collect_into(database, machine)) == [("claude-code", 1, 0, 0)]
    assert {record["request_id"] for record in stored(database)} == {"msg_1", "msg_1:req_2"}


@pytest.mark.parametrize("how", ["truncated", "overwritten", "replaced", "overwritten and longer"])
def test_replaced_or_truncated_log_is_read_from_its_start(
    database: Database, tmp_path: Path, how: str
) -> None:
    machine = machine_at(tmp_path)
    path = write_claude(machine.home, claude_row("msg_1"), claude_row("msg_2"))
    collect_into(database, machine)
    rows = {
        "truncated": [claude_row("msg_1")],
        "overwritten": [claude_row("msg_3"), claude_row("msg_4")],
        "replaced": [claude_row("msg_1"), claude_row("msg_2"), claude_row("msg_3")],
        "overwritten and longer": [
            claude_row("msg_5", request="req_5", session="another"),
            claude_row("msg_6"),
        ],
    }[how]
    if how == "replaced":
        path.rename(path.with_suffix(".old"))
    path.write_bytes(json_lines(rows))

    collect_into(database, machine)

    expected = {"msg_1", "msg_2"} | {row["message"]["id"] for row in rows}
    assert {record["request_id"] for record in stored(database)} == expected


def test_same_log_on_two_machines_counts_once_and_other_logs_add_up(
    database: Database, stack: Stack, user: Person, tmp_path: Path
) -> None:
    laptop, desktop = machine_at(tmp_path, "laptop"), machine_at(tmp_path, "desktop")
    write_corpus(laptop.home, megabytes=1, files=12)
    shutil.copytree(laptop.home, desktop.home)
    write_claude(desktop.home, claude_row("msg_only_here"), file="garden/more.jsonl")

    first = collect_into(database, laptop)
    second = collect_into(database, desktop)

    added = {result.source: result.added for result in first}
    assert set(added) == {"claude-code", "codex", "gemini-cli", "opencode", "copilot-cli"}
    assert {result.source: result.duplicates for result in second} == added
    assert [result.added for result in second] == [1, 0, 0, 0, 0]
    assert len(stored(database)) == sum(added.values()) + 1
    assert len(sources(database)) == 10
    assert money_is_exact(stack, user)


def test_records_stay_when_their_log_is_deleted(database: Database, tmp_path: Path) -> None:
    machine = machine_at(tmp_path)
    path = write_claude(machine.home, claude_row())
    write_claude(machine.home, claude_row("msg_2"), file="garden/s2.jsonl")
    collect_into(database, machine)
    path.unlink()

    collect_into(database, machine)

    assert len(stored(database)) == 2


class FailingDatabase:
    """Database that fails after a number of saves."""

    def __init__(self, database: Database, saves: int) -> None:
        self._api = database
        self._saves = saves
        self.workers = 1

    def __getattr__(self, name: str) -> Any:
        return getattr(self._api, name)

    def call(self, function: str, **params: Any) -> Any:
        if function == "save_cost_records":
            self._saves -= 1
            if self._saves < 0:
                raise DatabaseError("The database cannot be reached right now.")
        return self._api.call(function, **params)


def test_collecting_reads_only_the_row_of_its_source(database: Database, tmp_path: Path) -> None:
    machine = machine_at(tmp_path)
    write_claude(machine.home, claude_row())
    collect_into(database, machine)
    for number in range(5):
        database.insert("imports", {"kind": "machine", "format": "codex", "filename": f"machine-{number}"})
    counting = CountingDatabase(database)
    assert counts(collect_into(counting, machine)) == [("claude-code", 0, 0, 0)]
    assert counting.rows_read["imports"] == 1


def test_read_positions_advance_only_after_everything_is_saved(
    database: Database, stack: Stack, user: Person, tmp_path: Path
) -> None:
    machine = machine_at(tmp_path)
    rows = [
        claude_row(f"msg_{n}", f"req_{n}", at=f"2026-09-{1 + n % 28:02}T{n // 120:02}:{n % 60:02}:00Z")
        for n in range(BATCH_RECORDS + 500)
    ]
    write_claude(machine.home, *rows)

    with pytest.raises(DatabaseError):
        collect_into(FailingDatabase(database, saves=1), machine)
    assert len(stored(database)) == BATCH_RECORDS

    (result,) = collect_into(database, machine)
    assert (result.read, result.added, result.duplicates) == (len(rows), 500, BATCH_RECORDS)
    assert len(stored(database)) == len(rows)
    assert money_is_exact(stack, user)


def test_usage_covered_by_a_plan_is_included(database: Database, tmp_path: Path) -> None:
    machine = machine_at(tmp_path, payments={"claude-code": Payment("plan")})
    write_claude(machine.home, claude_row())
    write_codex(machine.home, codex_rows({"last_token_usage": codex_usage(1_000, 10)}))

    collect_into(database, machine)

    basis = {row["billing_account"]: (row["cost_basis"], row["cost_usd"] is None) for row in stored(database)}
    assert basis == {"claude-desktop": ("included", False), "openai": ("estimated", False)}


def test_changed_payment_updates_collected_records(database: Database, tmp_path: Path) -> None:
    write_claude(machine_at(tmp_path).home, claude_row())
    collect_into(database, machine_at(tmp_path))

    collect_into(database, machine_at(tmp_path, payments={"claude-code": Payment("plan")}))

    (record,) = stored(database)
    assert (record["cost_basis"], record["billing_account"]) == ("included", "claude-desktop")


def test_payment_chosen_in_tally_is_used_by_later_runs(database: Database, tmp_path: Path) -> None:
    machine = replace(machine_at(tmp_path), payments={})
    write_claude(machine.home, claude_row())
    collect_into(database, machine)
    (source,) = database.select(Query("imports", "id,kind", ["id"]))
    assert database.call("set_paid_by_plan", import_id=source["id"], is_plan=True) == 1

    write_claude(machine.home, claude_row(), claude_row("msg_2", "req_2"))
    collect_into(database, machine)

    assert [record["cost_basis"] for record in stored(database)] == ["included"] * 2


def test_model_without_price_is_saved_unpriced(database: Database, tmp_path: Path) -> None:
    machine = machine_at(tmp_path)
    write_claude(machine.home, claude_row(model="claude-nova-9"))

    collect_into(database, machine)

    assert [record["cost_usd"] for record in stored(database)] == [None]


def test_deleted_source_is_collected_again(database: Database, tmp_path: Path) -> None:
    machine = machine_at(tmp_path)
    write_claude(machine.home, claude_row())
    collect_into(database, machine)
    undo_import(database, sources(database)[0]["id"])
    assert stored(database) == []

    assert counts(collect_into(database, machine)) == [("claude-code", 1, 0, 0)]


def test_requests_before_a_day_can_be_skipped_and_collected_later(database: Database, tmp_path: Path) -> None:
    machine = machine_at(tmp_path)
    late = claude_row("msg_2", at="2026-09-01T22:30:00Z")
    write_claude(machine.home, claude_row(at="2026-09-01T12:00:00Z"), late)
    collect_into(database, machine, Selection(since=date(2026, 9, 2), timezone="Europe/Berlin"))
    assert [record["request_id"] for record in stored(database)] == ["msg_2"]

    collect_into(database, machine)
    assert len(stored(database)) == 2


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/Los_Angeles"])
@pytest.mark.parametrize(("since", "count"), [(date.min, 1), (date.max, 0)])
def test_first_day_may_be_any_day(
    database: Database, tmp_path: Path, zone: str, since: date, count: int
) -> None:
    write_claude(tmp_path / "laptop", claude_row())
    collect_into(database, machine_at(tmp_path), Selection(since=since, timezone=zone))
    assert len(stored(database)) == count


def test_log_whose_name_is_not_unicode_is_collected(database: Database, tmp_path: Path) -> None:
    log = write_claude(tmp_path / "laptop", claude_row(), claude_row("msg_2", usage={"output_tokens": -1}))
    log.rename(log.with_name("hostile\x1b[2J\udcff.jsonl"))
    results = collect_into(database, machine_at(tmp_path))
    assert counts(results) == [("claude-code", 1, 0, 1)]
    assert results[0].reasons == ["hostile�[2J�.jsonl: output_tokens is not a count of tokens"]
    assert collect_into(database, machine_at(tmp_path))[0].read == 0


def test_bad_lines_are_counted_with_reasons(database: Database, tmp_path: Path) -> None:
    machine = machine_at(tmp_path)
    write_claude(machine.home, claude_row(), claude_row("msg_2", usage={"output_tokens": -1}))

    assert counts(collect_into(database, machine)) == [("claude-code", 1, 0, 1)]

    (source,) = sources(database)
    assert source["rows_rejected"] == 1
    assert "output_tokens is not a count of tokens" in source["errors"][0]["reason"]


def test_damaged_read_positions_are_replaced_and_nothing_is_added_twice(
    database: Database, tmp_path: Path
) -> None:
    machine = machine_at(tmp_path)
    write_claude(machine.home, claude_row())
    collect_into(database, machine)
    (state,) = machine.folder.glob("read-positions-*.sqlite")
    assert state.stat().st_mode & 0o777 == 0o600
    state.write_bytes(b"not a database at all" * 100)

    assert counts(collect_into(database, machine)) == [("claude-code", 0, 1, 0)]


def test_second_collection_is_refused_while_one_runs(database: Database, tmp_path: Path) -> None:
    machine = machine_at(tmp_path)
    write_claude(machine.home, claude_row())
    with lock_collection(machine.folder), pytest.raises(TallyError, match="Another collection"):
        collect_into(database, machine)


def test_progress_reaches_the_total(database: Database, tmp_path: Path) -> None:
    machine = machine_at(tmp_path)
    path = write_claude(machine.home, claude_row())
    steps: list[tuple[int, int, str]] = []

    collect_into(database, machine, Selection([find_agent("claude-code")]), lambda *step: steps.append(step))

    size = path.stat().st_size
    assert steps[-1] == (size, size, "Claude Code")
