"""Tally's own export, imported again: into the account that it is from, and into another."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tally.core.records import CostRecord, day_instant, identity, request_identity
from tally.importers import Options, parse_tables, read_tables, tally_export
from tally.importers.own_exports import describe_unknown_projects
from tally.importers.save import ImportFile, ImportResult, save_import
from tally.ledger.save import save_records
from tally.local.stack import Stack
from tally.spend.manual_entries import ManualEntry, add_entry
from tally.storage.database import Database, Query, Row
from tally.storage.export import load_records, write_records
from tests.tally.people import over_http, over_postgres, sign_up

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
FIRST_DAY = date(2026, 11, 2)


def usage(number: int) -> CostRecord:
    """A request in a tool's log, whose provider also bills it."""
    return CostRecord(
        "openai",
        NOON + timedelta(minutes=number),
        "gpt-5.5",
        Decimal(number + 1),
        request_identity(f"request-{number}"),
        cost_basis="estimated",
        collection_method="local_log",
        input_tokens=10,
        request_id=f"request-{number}",
        billing_account="openai",
    )


def bill(number: int) -> CostRecord:
    """The same request in a file with bills, some minutes later."""
    later = NOON + timedelta(minutes=number + 7)
    return replace(
        usage(number),
        timestamp=later,
        cost_usd=Decimal(50 + number),
        cost_basis="billed",
        collection_method="csv_import",
    )


def daily(number: int) -> CostRecord:
    """A line of an export that sums up a day."""
    day = FIRST_DAY + timedelta(days=number)
    return CostRecord(
        "openai",
        day_instant(day, "UTC"),
        "gpt-5.5",
        Decimal(7),
        identity("daily", number),
        day=day,
        billing_account="openai",
        dataset="openai_cost",
    )


def line(number: int) -> CostRecord:
    """A line that overlaps with nothing."""
    return CostRecord("midjourney", NOON + timedelta(hours=number), "m", Decimal(3), identity("line", number))


KINDS: dict[str, Callable[[int], CostRecord]] = {"usage": usage, "bill": bill, "daily": daily, "line": line}


class Account:
    """An account with a source of each kind that it was given."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.sources: dict[str, str] = {}

    def add(self, kind: str, records: int = 4) -> None:
        """Save records of a kind as a source."""
        source = self.database.insert(
            "imports", {"kind": "machine", "filename": kind, "format": kind, "status": "done"}
        )
        self.sources[kind] = source["id"]
        save_records(self.database, [KINDS[kind](number) for number in range(records)], source["id"])

    def add_entry(self) -> None:
        """Save a manual entry."""
        add_entry(
            self.database,
            ManualEntry(
                entry_id=uuid4(),
                provider="midjourney",
                day=FIRST_DAY,
                timezone="UTC",
                model_name="plan",
                cost_usd=Decimal(10),
                charge_type="subscription",
            ),
        )

    def exclude(self, kind: str) -> None:
        self.database.update("imports", self.sources[kind], {"is_enabled": False})

    def delete(self, kind: str) -> None:
        self.database.delete("imports", self.sources.pop(kind))

    def export(self) -> bytes:
        return write_records(load_records(self.database), "csv")

    def bring(self, export: bytes) -> ImportResult:
        """Import an export as the command does."""
        parsed = parse_tables(tally_export, read_tables(export, "tally.csv"), Options())
        result = save_import(self.database, parsed, ImportFile("tally.csv", "tally", export))
        assert result.read == result.added + result.already_there + len(result.rejected)
        return result

    def totals(self) -> list[tuple[Any, ...]]:
        """Spend and tokens of each day, model and basis; parts that are 0 throughout are left out."""
        columns = self.database.call("daily_costs", from_date=None, to_date=None)
        names = ("date", "provider", "model", "cost_basis", "cost_usd", "tokens")
        rows = sorted(zip(*(columns[name] for name in names), strict=True), key=repr)
        return [row for row in rows if row[4:] not in (("0.0000000000", 0), (None, 0))]


@pytest.fixture
def account(stack: Stack) -> Account:
    return Account(over_http(stack, sign_up(stack)))


@pytest.fixture
def other(stack: Stack) -> Account:
    return Account(over_http(stack, sign_up(stack)))


def sources_of(account: Account) -> list[Row]:
    return account.database.select(Query("imports", "id", ["id"]))


def rows_of(export: bytes) -> int:
    return len(export.decode().splitlines()) - 1


def without_column(export: bytes, name: str) -> bytes:
    """The export as an older Tally wrote it; none of its cells contains a comma."""
    header, *lines = [row.split(",") for row in export.decode().splitlines()]
    place = header.index(name)
    return "\n".join(",".join(cells[:place] + cells[place + 1 :]) for cells in [header, *lines]).encode()


@pytest.mark.parametrize("is_old", [False, True])
def test_own_export_adds_nothing(account: Account, is_old: bool) -> None:
    for kind in KINDS:
        account.add(kind)
    account.add_entry()
    before, export = account.totals(), account.export()
    assert b",False," in export
    result = account.bring(without_column(export, "source_key") if is_old else export)
    assert (result.added, result.already_there) == (0, rows_of(export)) == (0, 13)
    assert result.import_id == ""
    assert {row["id"] for row in sources_of(account)} == set(account.sources.values())
    assert account.totals() == before


def test_export_in_another_account_has_the_same_totals_once(account: Account, other: Account) -> None:
    for kind in KINDS:
        account.add(kind)
    account.add_entry()
    export = account.export()
    assert other.bring(export).added == rows_of(export)
    assert other.totals() == account.totals()
    assert other.bring(export + b"\r\n").added == 0
    assert other.totals() == account.totals()


def test_records_that_are_superseded_by_now_are_there(account: Account) -> None:
    account.add("usage")
    account.add("line")
    export = account.export()
    account.add("bill")  # takes the place of the usage
    account.exclude("line")
    before = account.totals()
    assert account.bring(export).added == 0
    assert account.totals() == before


def test_events_whose_records_have_other_ids_by_now_are_there(account: Account) -> None:
    account.add("usage")
    account.add("bill")
    export = account.export()
    account.delete("bill")
    before = account.totals()
    assert account.bring(export).added == 0
    assert account.totals() == before


def test_rows_of_a_deleted_source_are_added_again(account: Account) -> None:
    account.add("line")
    account.add("usage")
    before, export = account.totals(), account.export()
    account.delete("line")
    result = account.bring(export)
    assert (result.added, result.already_there) == (4, 4)
    assert account.totals() == before


def test_edited_entry_is_there(account: Account) -> None:
    account.add_entry()
    export = account.export()
    (row,) = load_records(account.database).to_dict("records")
    moved = {"timestamp": "2026-08-01T12:00:00Z", "day": "2026-08-01"}
    account.database.call("ensure_months", months=("2026-08-01",))
    account.database.update("cost_records", row["id"], moved)
    assert account.bring(export).added == 0


def test_projects_are_found_by_name(account: Account, other: Account) -> None:
    ids = {name: account.database.call("create_project", name=name) for name in ("=Web", "App", "Old")}
    records = [replace(line(n), project_id=id) for n, id in enumerate([*ids.values(), None])]
    save_records(account.database, records)
    for name in ("=Web", "App", "App", "Old"):
        found = other.database.call("create_project", name=name)
    other.database.call("archive_project", project=found)
    result = other.bring(account.export())
    assert (result.added, result.unknown_projects) == (4, ("App", "Old"))
    assert load_records(other.database)["project"].fillna("").tolist() == ["=Web", "", "", ""]
    sentence = "This workspace has no project “App”, “Old”. Records of it were filed by your rules."
    assert describe_unknown_projects(result.unknown_projects) == sentence


ACTIONS = st.lists(
    st.tuples(st.sampled_from(["exclude", "delete"]), st.sampled_from(list(KINDS))), max_size=3
)


@given(kinds=st.lists(st.sampled_from(list(KINDS)), unique=True, min_size=1), later=ACTIONS)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_only_events_that_are_gone_are_added(
    stack: Stack, kinds: list[str], later: list[tuple[str, str]]
) -> None:
    with over_postgres(stack, sign_up(stack)) as database:
        account = Account(database)
        for kind in kinds:
            account.add(kind, records=2)
        export, exported = account.export(), account.totals()
        for action, kind in later:
            if kind in account.sources:
                account.exclude(kind) if action == "exclude" else account.delete(kind)
        events = {"requests" if kind in ("usage", "bill") else kind for kind in account.sources}
        gone = {"requests" if kind in ("usage", "bill") else kind for kind in kinds} - events
        before = account.totals()
        result = account.bring(export)
        assert result.added == 2 * len(gone)
        if not gone:
            assert account.totals() == before
        if len(gone) == len({"requests" if kind in ("usage", "bill") else kind for kind in kinds}):
            assert account.totals() == exported
        assert account.bring(export).added == 0
