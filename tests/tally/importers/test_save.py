"""Saved imports: every row accounted for and every event stored once, however often it is imported."""

import csv
import io
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tally.cli.imports import describe_result
from tally.core.records import CostRecord, identity
from tally.importers import Options, Parsed, identify_all, parse_tables, read_tables
from tally.importers.grouping import OverlapRefused
from tally.importers.save import ImportFile, ImportResult, describe_excluded, save_import, undo_import
from tally.ledger.save import BATCH, Saved, save_batch
from tally.local.stack import Stack
from tally.storage.database import Database, Query, select_all
from tests.tally.importers.golden import FIXTURES, load_sample
from tests.tally.people import TRANSPORTS, Person, acting, money_is_exact, over_http, over_postgres, sign_up

HEADER = "date,provider,model,cost,tokens,requests,note"
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


@pytest.fixture
def person(stack: Stack) -> Person:
    return sign_up(stack)


@pytest.fixture
def database(stack: Stack, person: Person) -> Database:
    return over_http(stack, person)


def bring(database: Database, data: bytes, filename: str = "usage.csv", **options: Any) -> ImportResult:
    """Import a file as the CLI does."""
    tables = read_tables(data, filename)
    importer = identify_all(tables)
    assert importer is not None
    parsed = parse_tables(importer, tables, Options(**options))
    return save_import(database, parsed, ImportFile(filename, importer.name, data))


def sample(name: str) -> bytes:
    return (FIXTURES / name / "sample.csv").read_bytes()


def table_of(rows: Sequence[str]) -> bytes:
    return "\n".join([HEADER, *rows]).encode()


def stored(database: Database) -> list[dict[str, Any]]:
    """The records at their effective figures."""
    columns = (
        "id,timestamp,source_key,model_name,cost_usd::text,cost_basis,import_id,metadata,money_is_effective"
    )
    return list(select_all(database, Query("effective_records", columns, ["timestamp", "id"])))


def spent(database: Database) -> Decimal:
    return sum(
        (Decimal(row["cost_usd"]) for row in stored(database) if row["cost_usd"] is not None), Decimal(0)
    )


def import_row(database: Database, import_id: str) -> dict[str, Any]:
    rows = list(select_all(database, Query("imports", "*", ["created_at", "id"])))
    return next(row for row in rows if row["id"] == import_id)


def counts(result: ImportResult) -> tuple[int, int, int, int, int]:
    return result.read, result.added, result.already_there, result.restated, len(result.rejected)


def adds_up(result: ImportResult) -> bool:
    return result.read == result.added + result.already_there + len(result.rejected)


ROWS = st.lists(
    st.sampled_from(
        [
            "2026-11-02,OpenAI,gpt-5.5,1.25,100,1,",
            "2026-11-02,OpenAI,gpt-5.5,1.25,100,1,",
            "2026-11-03 14:30,Anthropic,claude-sonnet-5,0.84,,,note",
            "2026-11-04,Nobody Knows,m,2,,,",
            "2019-12-31,OpenAI,too-old,1,,,",
            "2099-01-01,OpenAI,too-new,1,,,",
            "not a date,OpenAI,m,1,,,",
            "2026-11-02,OpenAI,m,NaN,,,",
            "2026-11-02,OpenAI,m,1,,",
        ]
    ),
    min_size=1,
    max_size=12,
)
# An export whose rows of one identity are summed; the importer rejects the euros, the database the year 2030.
EXPORT_ROWS = st.lists(
    st.sampled_from(
        [
            "1793577600,1793664000,0.5,usd,item a,proj_a",
            "1793577600,1793664000,0.25,usd,item a,proj_a",
            "1793577600,1793664000,0.25,usd,item b,proj_a",
            "1793664000,1793750400,1,usd,item a,proj_a",
            "1793664000,1793750400,1,eur,item a,proj_a",
            "1893456000,1893542400,1,usd,item a,proj_a",
        ]
    ),
    min_size=1,
    max_size=12,
)
EXPORT_HEADER = "start_time,end_time,amount_value,amount_currency,line_item,project_id"


@pytest.fixture(scope="module")
def resident(stack: Stack) -> Iterator[Database]:
    """An account that fills up over many examples, through the faster transport."""
    with over_postgres(stack, sign_up(stack)) as acting_as:
        yield acting_as


@given(data=st.one_of(ROWS.map(table_of), EXPORT_ROWS.map(lambda r: "\n".join([EXPORT_HEADER, *r]).encode())))
@settings(max_examples=25, deadline=None)
def test_every_row_is_added_duplicate_or_rejected(resident: Database, data: bytes) -> None:
    before = len(stored(resident))
    rows = len(list(csv.reader(io.StringIO(data.decode())))) - 1
    result = bring(resident, data)
    assert result.read == rows
    assert adds_up(result)
    assert [row.line for row in result.rejected] == sorted(row.line for row in result.rejected)
    assert all(2 <= row.line <= rows + 1 and row.reason for row in result.rejected)
    if result.added:  # else the file may have added no source
        row = import_row(resident, result.import_id)
        assert (row["status"], row["rows_read"], row["rows_imported"]) == ("done", result.read, result.added)
        assert (row["rows_duplicate"], row["rows_rejected"]) == (result.already_there, len(result.rejected))
    assert (len(stored(resident)) > before) == (result.added > 0)
    again = bring(resident, data)
    assert (again.added, again.restated, again.rejected) == (0, 0, result.rejected)
    assert adds_up(again)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_rows_that_the_database_rejects_are_listed_with_their_lines(
    stack: Stack, person: Person, transport: str
) -> None:
    data = table_of(
        [
            "2026-11-02,OpenAI,m,1,,,",
            "2098-05-06,OpenAI,m,1,,,",
            "x,OpenAI,m,1,,,",
            "2099-01-02,OpenAI,m,1,,,",
        ]
    )
    with acting(stack, person, transport) as database:
        result = bring(database, data)
        row = import_row(database, result.import_id)
    assert counts(result) == (4, 1, 0, 0, 3)
    assert [row.line for row in result.rejected] == [3, 4, 5]
    assert result.rejected[0].reason == "The date 2098-05-06 is outside 2020 to one year from now."
    assert [entry["line"] for entry in row["errors"]] == [3, 4, 5]


def test_rejection_of_a_summed_record_names_each_of_its_lines(database: Database) -> None:
    def of(provider: str) -> CostRecord:
        return CostRecord(provider, NOON, "m", Decimal(3), identity(provider))

    parsed = Parsed([of("openai"), of("unheard-of")], [(2, 5), (3, 4, 6)])
    result = save_import(database, parsed, ImportFile("f.csv", "test", b""))
    assert counts(result) == (5, 2, 0, 0, 3)
    assert result.new_records == 1
    assert describe_result(result) == "read 5 = 2 added + 0 duplicates + 3 rejected (added as 1 record)"
    assert {(row.line, row.reason) for row in result.rejected} == {
        (line, 'Unknown provider "unheard-of".') for line in (3, 4, 6)
    }


def test_same_file_twice_adds_nothing(database: Database) -> None:
    for name in ("generic", "openai_cost_2026_09", "anthropic_usage_2026"):
        first = bring(database, sample(name))
        before = stored(database)
        again = bring(database, sample(name))
        assert first.added > 0
        assert counts(again) == (first.read, 0, first.added, 0, len(first.rejected))
        assert again.import_id == first.import_id
        assert stored(database) == before
    assert len(database.select(Query("imports", "id", ["id"]))) == 3, "no source without records"


def test_same_file_says_that_it_is_excluded(database: Database) -> None:
    first = bring(database, sample("openai_cost_2026_09"))
    assert not bring(database, sample("openai_cost_2026_09")).is_excluded
    database.call("set_source_enabled", import_id=first.import_id, is_enabled=False)
    assert bring(database, sample("openai_cost_2026_09")).is_excluded
    assert describe_excluded("cost.csv").startswith(
        "cost.csv was imported before, and its source is excluded"
    )


def test_file_without_a_valid_row_leaves_no_source(database: Database) -> None:
    result = bring(database, table_of(["x,OpenAI,m,1,,,"]))
    assert (counts(result), result.import_id) == ((1, 0, 0, 0, 1), "")
    assert database.select(Query("imports", "id", ["id"])) == []


def test_same_file_restores_deleted_and_changed_records(database: Database) -> None:
    rows = [f"2026-11-{day:02},OpenAI,m,{day},,," for day in range(1, 11)]
    bring(database, table_of(rows))
    deleted, changed = stored(database)[:2]
    database.delete("cost_records", deleted["id"])
    assert counts(bring(database, table_of(rows))) == (10, 1, 9, 0, 0)
    database.update("cost_records", changed["id"], {"cost_usd": "77"})
    assert counts(bring(database, table_of(rows))) == (10, 0, 10, 1, 0)
    assert spent(database) == sum(range(1, 11))


def test_same_file_with_other_options_is_saved_again(database: Database) -> None:
    data = table_of(["03/04/2026,OpenAI,m,1,,,", "05/06/2026,OpenAI,m,2,,,"])
    assert [bring(database, data, day_first=day_first).added for day_first in (True, False)] == [2, 2]


def test_overlapping_files_save_each_event_once(database: Database) -> None:
    rows = [f"2026-11-{day:02},OpenAI,m,{day},,," for day in range(1, 21)]
    assert counts(bring(database, table_of(rows[:12]))) == (12, 12, 0, 0, 0)
    assert counts(bring(database, table_of(rows[6:]))) == (14, 8, 6, 0, 0)
    assert spent(database) == sum(range(1, 21))


def test_day_exported_before_its_end_is_restated(database: Database, stack: Stack, person: Person) -> None:
    def export(amount: str) -> bytes:
        return f"{EXPORT_HEADER}\n1793577600,1793664000,{amount},usd,item a,proj_a".encode()

    first = bring(database, export("0.5"))
    second = bring(database, export("0.75"))
    assert counts(second) == (1, 0, 1, 1, 0)
    assert (spent(database), len(stored(database))) == (Decimal("0.75"), 1)
    assert stored(database)[0]["import_id"] == second.import_id
    undo_import(database, first.import_id)
    assert spent(database) == Decimal("0.75"), "the newer import owns it"
    undo_import(database, second.import_id)
    assert stored(database) == []
    assert money_is_exact(stack, person)


def test_undo_removes_the_records_of_one_import_only(database: Database) -> None:
    bring(database, sample("generic"))
    before = stored(database)
    result = bring(database, sample("anthropic_cost_2026"))
    assert len(stored(database)) > len(before)
    undo_import(database, result.import_id)
    assert stored(database) == before
    assert bring(database, sample("anthropic_cost_2026")).added == result.added


def many(count: int, name: str = "n") -> Parsed:
    records = [
        CostRecord("openai", NOON.replace(hour=n % 24), "m", Decimal("0.01"), identity(name, n))
        for n in range(count)
    ]
    return Parsed(records, [(n + 2,) for n in range(count)])


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_progress_grows_to_the_total(stack: Stack, transport: str) -> None:
    seen: list[tuple[int, int, str]] = []
    parsed = many(BATCH + 1_200)
    parsed.lines[0] = (2, 900_000, 900_001)  # three rows in one record
    with acting(stack, sign_up(stack), transport) as database:
        result = save_import(
            database, parsed, ImportFile("f.csv", "test", b""), lambda *now: seen.append(now)
        )
    assert counts(result) == (BATCH + 1_202, BATCH + 1_202, 0, 0, 0)
    assert seen == sorted(seen)
    assert seen[-1] == (BATCH + 1_202, BATCH + 1_202, "")


class ParallelDatabase:
    """A database that notes how many saves are in progress whenever one begins."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._saving = 0
        self.workers = database.workers
        self.saving: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    def call(self, function: str, **parameters: Any) -> Any:
        """The function's answer, after 50 ms where it saves."""
        if function != "save_cost_records":
            return self._database.call(function, **parameters)
        with self._lock:
            self._saving += 1
            self.saving.append(self._saving)
        try:
            time.sleep(0.05)
            return self._database.call(function, **parameters)
        finally:
            with self._lock:
                self._saving -= 1


def test_known_records_are_sent_one_batch_at_a_time(
    stack: Stack, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are saved one batch after another, and the wait counts towards the API's time limit."""
    monkeypatch.setattr("tally.importers.save.BATCH", 1)
    rows = [f"2026-11-{day:02},openai,gpt-5,1.25,,," for day in range(1, 11)]
    first, second = (ParallelDatabase(over_http(stack, person)) for _ in range(2))
    bring(first, table_of(rows))
    again = bring(second, table_of([*rows, "2026-11-11,openai,gpt-5,1.25,,,"]))
    assert (again.added, again.already_there) == (1, 10)
    assert max(first.saving) == first.workers == 3
    assert second.saving[-4:] == [1] * 4


def test_concurrent_imports_of_one_file_save_each_row_once(stack: Stack, person: Person) -> None:
    parsed = many(6_000)
    results: list[ImportResult] = []
    start = threading.Barrier(3)

    def run(database: Database, order: int) -> None:
        start.wait()
        turned = Parsed(parsed.records[::order], parsed.lines[::order])
        results.append(save_import(database, turned, ImportFile("f.csv", "test", b"")))

    with ExitStack() as opened:
        apis = [
            opened.enter_context(acting(stack, person, way)) for way in ("supabase", "supabase", "postgres")
        ]
        threads = [
            threading.Thread(target=run, args=(database, order))
            for database, order in zip(apis, (1, -1, 1), strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(results) == 3
        assert all(adds_up(result) for result in results)
        assert sum(result.added for result in results) == 6_000
        rows = stored(apis[0])
    assert len({row["source_key"] for row in rows}) == len(rows) == 6_000
    assert money_is_exact(stack, person)


def test_concurrent_restating_imports_end_as_one_of_them(stack: Stack, person: Person) -> None:
    def restated(cost: str) -> Parsed:
        parsed = many(300)
        records = [
            CostRecord("openai", r.timestamp, "m", Decimal(cost), r.source_key) for r in parsed.records
        ]
        return Parsed(records, parsed.lines)

    save_import(over_http(stack, person), many(300), ImportFile("f.csv", "test", b""))
    results: list[ImportResult] = []
    threads = [
        threading.Thread(
            target=lambda cost=cost: results.append(
                save_import(over_http(stack, person), restated(cost), ImportFile("f.csv", "test", b""))
            )
        )
        for cost in ("1", "2")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [counts(result)[:3] for result in results] == [(300, 0, 300)] * 2
    assert len(stored(over_http(stack, person))) == 300
    assert money_is_exact(stack, person)


@pytest.mark.parametrize("bill_first", [True, False])
def test_usage_and_bill_of_a_day_count_once_in_either_order(
    stack: Stack, person: Person, database: Database, bill_first: bool
) -> None:
    names = ["openai_usage_2025_10", "openai_cost_2025_10"]
    for name in names[:: -1 if bill_first else 1]:
        bring(database, sample(name))
    rows = stored(database)
    billed = rows_with_basis(rows, "billed")
    assert spent(database) == sum(Decimal(row["cost_usd"]) for row in billed) == Decimal("0.046722")
    models = {True: set[str](), False: set[str]()}
    for row in rows_with_basis(rows, "estimated"):
        models[row["money_is_effective"]].add(row["model_name"])
    # The bill does not cover the other model, so its estimate stays effective.
    assert models == {False: {"gpt-4o"}, True: {"model-nobody-knows"}}
    assert money_is_exact(stack, person)


def rows_with_basis(rows: Sequence[dict[str, Any]], basis: str) -> list[dict[str, Any]]:
    return [row for row in rows if row["cost_basis"] == basis]


def test_usage_gets_its_estimate_back_when_the_bill_is_undone(database: Database) -> None:
    bring(database, sample("openai_usage_2025_10"))
    before = [(row["source_key"], row["cost_usd"], row["metadata"]) for row in stored(database)]
    bill = bring(database, sample("openai_cost_2025_10"))
    assert bring(database, sample("openai_usage_2025_10")).restated == 0
    undo_import(database, bill.import_id)
    assert [(row["source_key"], row["cost_usd"], row["metadata"]) for row in stored(database)] == before


def cost_export(grouping: str, days: Sequence[int], amount: str = "1") -> bytes:
    """An OpenAI cost export of days of November 2026, grouped by project, line item or nothing."""
    cells = {"project": (",proj_a", ",proj_b"), "line item": ("item a,", "item b,"), "nothing": (",",)}[
        grouping
    ]
    first = 1793491200 - 86_400
    rows = [
        f"{first + day * 86_400},{first + (day + 1) * 86_400},{amount},usd,{cell}"
        for day in days
        for cell in cells
    ]
    return "\n".join([EXPORT_HEADER, *rows]).encode()


def test_bills_are_saved_by_months(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    saved: list[set[str]] = []

    def save_and_note(database: Database, records: Sequence[CostRecord], import_id: str | None) -> Saved:
        saved.append({f"{record.timestamp:%Y-%m}" for record in records})
        return save_batch(database, records, import_id)

    monkeypatch.setattr("tally.importers.save.save_batch", save_and_note)
    assert counts(bring(database, cost_export("project", range(-40, 20))))[1] == 120
    assert sorted(saved, key=str) == [{"2026-09"}, {"2026-10"}, {"2026-11"}]
    assert len(stored(database)) == 120


@pytest.mark.parametrize("other", ["line item", "nothing"])
def test_days_imported_with_another_grouping_are_refused(database: Database, other: str) -> None:
    first = bring(database, cost_export("project", range(1, 11)), "by-project.csv")
    before = stored(database)
    with pytest.raises(OverlapRefused) as refused:
        bring(database, cost_export(other, range(8, 20)), "other.csv")
    today = datetime.now(UTC).date()
    assert str(refused.value) == (
        f"other.csv has 2026-11-08 grouped by {other}. by-project.csv, imported on {today}, has that day "
        "grouped by project, so its usage would count twice. Undo that import first, or export "
        "this file again with the same grouping."
    )
    assert stored(database) == before
    assert [row["filename"] for row in database.select(Query("imports", "id,filename", ["id"]))] == [
        "by-project.csv"
    ]
    undo_import(database, first.import_id)
    assert adds_up(bring(database, cost_export(other, range(8, 20)), "other.csv"))


def test_other_days_may_have_another_grouping(database: Database) -> None:
    bring(database, cost_export("project", [1, 2, 3, 7]))
    assert bring(database, cost_export("line item", [4, 5, 6])).added == 6


def test_same_grouping_may_overlap_and_be_restated(database: Database) -> None:
    bring(database, cost_export("project", range(1, 6)))
    assert counts(bring(database, cost_export("project", range(3, 9), "2"))) == (12, 6, 6, 6, 0)


def test_hours_and_days_of_the_same_usage_count_once(database: Database) -> None:
    header = "start_time,end_time,num_model_requests,model,input_tokens,output_tokens"
    day = f"{header}\n1793577600,1793664000,1,gpt-5.5,10,1".encode()
    hours = f"{header}\n1793577600,1793581200,1,gpt-5.5,10,1".encode()
    bring(database, day, "days.csv")
    with pytest.raises(OverlapRefused, match="grouped by 3600 seconds, model"):
        bring(database, hours, "hours.csv")


def test_other_providers_and_formats_may_overlap(database: Database) -> None:
    bring(database, cost_export("project", [1]))
    table = table_of(["2026-11-01,OpenAI,m,1,,,"])
    assert bring(database, table).added == bring(database, table + b"\n2026-11-01,OpenAI,n,1,,,").added == 1
    for name in ("anthropic_cost_2025_12", "anthropic_cost_2026", "anthropic_usage_2026"):
        assert bring(database, sample(name)).added > 0


def test_accounts_at_one_provider_stay_separate(database: Database) -> None:
    bring(database, cost_export("project", [1]), account="one")
    assert bring(database, cost_export("nothing", [1]), account="two").added == 1


@pytest.mark.parametrize("name", sorted(folder.name for folder in FIXTURES.iterdir() if folder.is_dir()))
def test_every_sample_is_saved_and_found_again(stack: Stack, name: str) -> None:
    with over_postgres(stack, sign_up(stack)) as database:
        filename, data = load_sample(name)
        first, again = bring(database, data, filename), bring(database, data, filename)
    assert adds_up(first)
    assert (again.added, again.restated, again.already_there) == (0, 0, first.added)
