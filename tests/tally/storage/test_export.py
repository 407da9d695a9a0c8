"""Records as files: everything comes out, money exactly as stored, and a spreadsheet runs none of it."""

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pandas as pd
import pytest

from tally.core.records import CostRecord, identity
from tally.ledger.save import save_records
from tally.local.stack import Stack
from tally.spend.manual_entries import ManualEntry, add_entry
from tally.storage.database import Database
from tally.storage.export import COLUMNS, escape_formula, load_records, write_records
from tests.every_case import every_case
from tests.tally.people import TRANSPORTS, acting, add_member, add_team, over_http, sign_up

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
HOSTILE = ('=HYPERLINK("http://x","y")', "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1")
PEACEFUL = ("gpt-5.5", "a=b", "1-2", "", "ä, \"b\"; 'c'", "line\nbreak", "<b>x</b>")


@pytest.fixture
def database(stack: Stack) -> Database:
    return over_http(stack, sign_up(stack))


def record(n: int, model_name: str = "m", cost: str | None = "0.1", note: str = "") -> CostRecord:
    return CostRecord(
        "openai",
        NOON + timedelta(minutes=n // 7),
        model_name,
        None if cost is None else Decimal(cost),
        identity("export", n),
        cost_basis="billed" if cost else "estimated",
        metadata={"note": note} if note else {},
    )


def read_csv(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode(), newline="")))


@every_case([(cell,) for cell in HOSTILE])
def test_formulas_become_texts(cell: str) -> None:
    assert escape_formula(cell) == "'" + cell


@every_case([(cell,) for cell in [*PEACEFUL, None, 3, Decimal("-1")]])
def test_other_cells_stay_as_they_are(cell: object) -> None:
    assert escape_formula(cell) is cell


def test_hostile_cells_are_harmless_in_csv_and_raw_in_parquet(database: Database) -> None:
    names = [*HOSTILE, "plain"]
    # The database takes any text; importers keep control characters out.
    save_records(database, [record(n * 7, model_name=name, note=name) for n, name in enumerate(names)])
    frame = load_records(database)
    rows = read_csv(write_records(frame, "csv"))
    expected = ["'" + name for name in HOSTILE] + ["plain"]
    assert [row["model_name"] for row in rows] == expected
    assert [row["note"] for row in rows] == expected
    parquet = pd.read_parquet(io.BytesIO(write_records(frame, "parquet")))
    assert list(parquet["model_name"]) == list(parquet["note"]) == names


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_more_than_two_pages_come_out_complete_in_both_formats(stack: Stack, transport: str) -> None:
    seen: list[int] = []
    with acting(stack, sign_up(stack), transport) as database:
        save_records(database, [record(n, cost=f"{n}.0000000001") for n in range(2_500)])
        frame = load_records(database, lambda done, _total, _label: seen.append(done))
    assert seen == [1_000, 2_000, 2_500]
    assert tuple(frame.columns) == COLUMNS
    as_csv = read_csv(write_records(frame, "csv"))
    as_parquet = pd.read_parquet(io.BytesIO(write_records(frame, "parquet")))
    assert len({row["id"] for row in as_csv}) == len(as_csv) == 2_500
    assert list(as_parquet["id"]) == [row["id"] for row in as_csv]
    expected = sorted(Decimal(f"{n}.0000000001") for n in range(2_500))
    assert sorted(Decimal(row["cost_usd"]) for row in as_csv) == expected
    assert sorted(Decimal(cost) for cost in as_parquet["cost_usd"]) == expected


def test_money_is_written_to_the_last_digit(database: Database) -> None:
    save_records(
        database,
        [record(0, cost="12345678.0123456789"), record(7, cost="0.0000000001"), record(14, cost=None)],
    )
    rows = read_csv(write_records(load_records(database), "csv"))
    assert [row["cost_usd"] for row in rows] == ["12345678.0123456789", "0.0000000001", ""]


def test_day_and_note_of_an_entry_are_columns(database: Database) -> None:
    add_entry(
        database,
        ManualEntry(
            entry_id=uuid4(),
            provider="midjourney",
            day=NOON.date(),
            timezone="UTC",
            model_name="plan",
            cost_usd=Decimal(10),
            charge_type="subscription",
            note="yearly",
        ),
    )
    (row,) = read_csv(write_records(load_records(database), "csv"))
    assert (row["day"], row["note"], row["provider"]) == ("2026-11-02", "yearly", "midjourney")
    assert (row["collection_method"], row["charge_type"]) == ("manual_entry", "subscription")


def test_replaced_figures_are_0_and_their_flags_false(database: Database) -> None:
    usage = replace(
        record(0, "gpt-5.5", cost="3"), cost_basis="estimated", billing_account="openai", input_tokens=9
    )
    bill = replace(record(1, "gpt-5.5", cost="5"), billing_account="openai", dataset="openai_cost")
    save_records(database, [usage, bill])
    rows = {row["cost_basis"]: row for row in read_csv(write_records(load_records(database), "csv"))}
    estimate, billed = rows["estimated"], rows["billed"]
    assert (Decimal(estimate["cost_usd"]), Decimal(billed["cost_usd"])) == (Decimal(0), Decimal(5))
    assert (estimate["tokens_used"], billed["tokens_used"]) == ("9", "0")
    assert (estimate["money_is_effective"], billed["money_is_effective"]) == ("False", "True")
    assert (estimate["tokens_are_effective"], billed["tokens_are_effective"]) == ("True", "False")


def test_account_without_records_gives_a_header_alone(database: Database) -> None:
    frame = load_records(database)
    assert write_records(frame, "csv").decode().strip() == ",".join(COLUMNS)
    assert list(pd.read_parquet(io.BytesIO(write_records(frame, "parquet"))).columns) == list(COLUMNS)


def test_projects_and_persons_are_named_to_those_who_may_know(stack: Stack) -> None:
    owner, ann = sign_up(stack), sign_up(stack)
    team = add_team(stack, owner)
    add_member(stack, team, ann)
    boss, colleague = (over_http(stack, person).in_workspace(team) for person in (owner, ann))
    web, secret = (boss.call("create_project", name=f"={name}", is_private=name == "B") for name in "AB")
    save_records(boss, [replace(record(0), project_id=web), record(7)])
    save_records(colleague, [replace(record(14), project_id=web), record(21)])
    rule = {"field": "model", "match": "exact", "value": "m", "project_id": secret}
    boss.call("set_rules", rules=[rule])

    def read(database: Database) -> list[tuple[str, str]]:
        rows = read_csv(write_records(load_records(database), "csv"))
        return [(row["project"], row["person"]) for row in rows]

    assert read(boss) == [
        ("'=A", owner.email), ("'=B", owner.email), ("'=A", ann.email), ("'=B", ann.email)
    ]  # fmt: skip
    assert read(colleague) == [("'=A", ann.email), ("Other projects", ann.email)]
    save_records(over_http(stack, owner), [record(0)])
    assert read(over_http(stack, owner)) == [("", "")]
