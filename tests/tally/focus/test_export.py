"""Costs as FOCUS: every figure of the ledger, to the last digit, in files that conform."""

import csv
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from tally.core.errors import TallyError
from tally.core.records import CostRecord, identity
from tally.focus.export import choose_period, write_file
from tally.focus.files import write_cell
from tally.focus.sums import FIRST_DAY, list_months, load_between
from tally.focus.token_classes import divide
from tally.focus.versions import VERSIONS, find_version
from tally.ledger.save import save_batch
from tally.pricing.custom_prices import CustomPrice
from tally.spend.sample_data import load as load_sample
from tally.storage.database import Database, TooMuch
from tally.storage.postgres import PostgresDatabase
from tests.database.teams import Team, make_team
from tests.database_fixtures import Connection, Project, add_user
from tests.days import current_day
from tests.every_case import every_case
from tests.tally.focus.histories import FIRST, LAST, make_history, save_history
from tests.tally.focus.rules import find_violations

V1_2 = VERSIONS["1.2"]
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
ALL = (FIRST_DAY, LAST + timedelta(days=400))
Rows = list[dict[str, str]]


@pytest.fixture
def workspace(database: Connection) -> PostgresDatabase:
    return PostgresDatabase(database, add_user(database, "America/Los_Angeles"))


def export(database: Database, folder: Path, period: tuple[date, date] = ALL) -> Rows:
    """The rows of a file, which conform."""
    file = folder / "costs.csv"
    written = write_file(database, file, period, V1_2)
    with file.open(newline="", encoding="utf-8") as text:
        rows = list(csv.DictReader(text))
    assert written.rows == len(rows)
    assert not find_violations(rows)
    return rows


def add_up(rows: Rows, column: str, **where: str) -> Decimal:
    """The sum of a column."""
    return sum(
        (Decimal(row[column]) for row in rows if row[column] and all(row[k] == v for k, v in where.items())),
        Decimal(0),
    )


def spend(database: Database, first: date, last: date) -> Decimal:
    """The ledger's own total of these UTC days."""
    told = database.call(
        "get_user_total_spend",
        user_id=database.scope.workspace_id,
        start=f"{first}T00:00:00Z",
        end=f"{last + timedelta(days=1)}T00:00:00Z",
    )
    return Decimal(str(told))


def ledger(connection: Connection, workspace: str, tokens: bool = False) -> Decimal:
    """A plain sum of what counts: money, or tokens."""
    column = "tokens_used" if tokens else "cost_usd"
    condition = "true" if tokens else "cost_basis <> 'included'"
    query = f"""select coalesce(sum({column}), 0) from public.effective_records
        where workspace_id = %s and {condition}"""
    [[total]] = connection.execute(query.encode(), [workspace]).fetchall()
    return Decimal(total)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_any_history_adds_up_to_the_ledger_while_bills_come_and_go(
    database: Connection, workspace: PostgresDatabase, tmp_path: Path, seed: int
) -> None:
    records = make_history(seed, 240)
    sources = save_history(workspace, records, seed)
    counted = set()
    for is_enabled in (True, False, True):
        workspace.call("set_source_enabled", import_id=sources[0], is_enabled=is_enabled)
        rows = export(workspace, tmp_path)
        total = ledger(database, workspace.scope.workspace_id)
        assert add_up(rows, "BilledCost") == total
        assert add_up(rows, "x_Tokens") == ledger(database, workspace.scope.workspace_id, tokens=True)
        counted.add(total)
    assert len(counted) == 2
    assert {row["ChargeCategory"] for row in rows} == {"Usage", "Purchase", "Tax", "Credit", "Adjustment"}
    assert {"unpriced", "priced", ""} <= {row["x_PriceStatus"] for row in rows}


def test_a_part_of_the_days_adds_up_to_the_spend_of_those_utc_days(
    workspace: PostgresDatabase, tmp_path: Path
) -> None:
    save_history(workspace, make_history(4, 200), 4)
    middle = FIRST.date() + timedelta(days=23)
    for first, last in ((middle, middle), (middle, LAST), (FIRST.date(), middle)):
        rows = export(workspace, tmp_path, (first, last))
        assert add_up(rows, "BilledCost") == spend(workspace, first, last)
        assert rows
        assert all(f"{first}T" <= row["ChargePeriodStart"][:11] <= f"{last}T" for row in rows)


def test_days_are_utc_days_where_the_pages_have_the_workspaces_own(
    workspace: PostgresDatabase, tmp_path: Path
) -> None:
    late = datetime(2026, 5, 4, 3, tzinfo=UTC)  # the evening of May 3 in California
    save_batch(workspace, [CostRecord("openai", late, "gpt-5", Decimal("1.5"), identity("late"))], None)
    [row] = export(workspace, tmp_path)
    assert row["ChargePeriodStart"] == "2026-05-04T00:00:00Z"
    assert workspace.call("daily_costs", from_date=None, to_date=None)["date"] == ["2026-05-03"]


def usage(number: int, **changes: Any) -> CostRecord:
    record = CostRecord(
        "anthropic",
        NOON + timedelta(seconds=number),
        "claude-sonnet-4-5",
        Decimal("0.010886"),
        identity("usage", number),
        "estimated",
        input_tokens=15_612,
        cached_input_tokens=15_000,
        cache_write_tokens=600,
        output_tokens=340,
        request_count=2,
        billing_account="anthropic:acme",
        metadata={"agent": "claude-code", "tags": ["red"]},
    )
    return replace(record, **changes)


def test_usage_is_a_row_for_each_class_of_tokens_at_its_list_price(
    workspace: PostgresDatabase, tmp_path: Path
) -> None:
    exact = Decimal("0.011886")  # 12 x 3, 15,000 x 0.3, 600 x 3.75 and 340 x 15 USD a million
    save_batch(workspace, [usage(1, cost_usd=exact)], None)
    workspace.call("name_billing_account", account="anthropic:acme", name="Acme")
    rows = export(workspace, tmp_path)
    assert [
        (row["x_TokenType"], row["x_Tokens"], row["ListUnitPrice"], row["BilledCost"]) for row in rows
    ] == [
        ("Input", "12.0", "0.000003", "0.000036"),
        ("Cached Input", "15000.0", "0.0000003", "0.0045"),
        ("Cache Write", "600.0", "0.00000375", "0.00225"),
        ("Output", "340.0", "0.000015", "0.0051"),
    ]
    assert [row["x_RequestCount"] for row in rows] == ["2.0", "0.0", "0.0", "0.0"]
    first = rows[0]
    assert first["ListCost"] == first["ContractedCost"] == first["BilledCost"]
    assert (first["SkuId"], first["SkuMeter"]) == ("claude-sonnet-4-5", "Input tokens")
    assert first["SkuPriceId"] == "claude-sonnet-4-5/Input/standard"
    assert first["Tags"] == '{"agent": "claude-code", "red": true}'
    assert (first["BillingAccountId"], first["BillingAccountName"]) == ("anthropic:acme", "Acme")
    assert (first["ProviderName"], first["ServiceName"]) == ("Anthropic", "Anthropic API")
    assert (first["BillingPeriodStart"], first["BillingPeriodEnd"]) == (
        "2026-05-01T00:00:00Z",
        "2026-06-01T00:00:00Z",
    )


def test_discounts_plans_and_missing_prices_are_told_apart(
    workspace: PostgresDatabase, tmp_path: Path
) -> None:
    changes: list[dict[str, Any]] = [
        {"cost_basis": "included"},
        {"metadata": {"price_multiplier": "0.85", "price_list_usd": "1"}},
        {"model_name": "nobody's", "cost_usd": None},
        {"model_name": "nobody's", "cost_basis": "billed", "dataset": "costs", "billing_account": None},
    ]
    save_batch(workspace, [usage(place, **change) for place, change in enumerate(changes)], None)
    rows = export(workspace, tmp_path)
    included = [row for row in rows if row["x_CostBasis"] == "included"]
    assert add_up(included, "x_ListWorth") == Decimal("0.010886")
    assert {row["BilledCost"] for row in included} == {row["ContractedCost"] for row in included} == {"0.0"}
    discounted = [row for row in rows if row["x_CostBasis"] == "estimated" and row["ListUnitPrice"]]
    assert {Decimal(row["ContractedUnitPrice"]) / Decimal(row["ListUnitPrice"]) for row in discounted} == {
        Decimal("0.85")
    }
    unlisted = [row for row in rows if row["x_Model"] == "nobody's"]
    assert {(row["x_PriceStatus"], row["x_CostBasis"]) for row in unlisted} == {
        ("unpriced", "estimated"),
        ("priced", "billed"),
    }
    assert not any(row["ListUnitPrice"] or row["ConsumedQuantity"] for row in unlisted)
    assert add_up(unlisted, "x_Tokens") == 2 * (15_612 + 340)
    assert add_up(unlisted, "BilledCost") == Decimal("0.010886")


def test_own_prices_are_what_was_agreed(workspace: PostgresDatabase, tmp_path: Path) -> None:
    [[provider]] = workspace._connection.execute("select id from public.providers where name = 'openai'")
    own = CustomPrice("openai", "house-model", date(2026, 1, 1), Decimal(2), Decimal(8))
    workspace.insert("model_prices", own.to_json(str(provider)))
    own_usage = usage(
        1, provider="openai", model_name="house-model", cost_usd=Decimal(1), metadata={"price_source": "own"}
    )
    save_batch(workspace, [own_usage], None)
    rows = export(workspace, tmp_path)
    assert {row["x_TokenType"]: row["ContractedUnitPrice"] for row in rows} == {
        "Input": "0.000002",
        "Cached Input": "0.000002",
        "Cache Write": "0.000002",
        "Output": "0.000008",
    }
    assert add_up(rows, "BilledCost") == 1


def test_money_that_another_source_tells_is_told_once(workspace: PostgresDatabase, tmp_path: Path) -> None:
    bill = replace(
        usage(9, cost_usd=Decimal(5), cost_basis="billed", dataset="costs", metadata={}),
        input_tokens=0,
        cached_input_tokens=0,
        cache_write_tokens=0,
        output_tokens=0,
    )
    save_batch(workspace, [usage(1)], None)
    save_batch(workspace, [bill], None)
    rows = export(workspace, tmp_path)
    assert {
        row["x_PriceStatus"]: add_up(rows, "BilledCost", x_PriceStatus=row["x_PriceStatus"]) for row in rows
    } == {
        "billed elsewhere": Decimal(0),
        "priced": Decimal(5),
    }
    assert add_up(rows, "x_Tokens") == 15_952


@pytest.fixture
def team(project: Project, database: Connection) -> Team:
    """A team with a private project, and costs of two people in it and beside it."""
    made = make_team(project, database, "owner", "ann", "viewer")
    secret = made["owner"].add_project("Secret", is_private=True)
    for place, name in enumerate(("owner", "ann")):
        source = made[name].add_source()
        for number in range(2):
            made[name].save(
                source,
                {
                    "provider": "openai",
                    "timestamp": (NOON + timedelta(seconds=place)).isoformat(),
                    "model_name": "gpt-5",
                    "cost_usd": f"{10**number}.0000000001",
                    "source_key": str(identity("team", name, number)),
                    "cost_basis": "billed",
                    "billing_account": "openai:acme",
                    "metadata": {"agent": f"agent of {name}"},
                },
            )
    assert made["owner"].choose(secret, "cost_usd > 5") == 2
    return made


@pytest.mark.parametrize(
    ("person", "split", "total", "projects", "agents"),
    [
        ("owner", "everyone", "22.0000000004", {"", "Secret"}, {"owner", "ann"}),
        ("viewer", "everyone", "22.0000000004", {"", "Other projects"}, {"owner", "ann"}),
        ("viewer", "admins", "22.0000000004", {"", "Other projects"}, set()),
        ("ann", "admins", "22.0000000004", {"", "Other projects"}, {"ann"}),
        ("ann", "own", "11.0000000002", {"", "Other projects"}, {"ann"}),
        ("viewer", "own", "0", set(), set()),
    ],
)
def test_rows_tell_what_their_reader_may_know(
    team: Team,
    database: Connection,
    tmp_path: Path,
    person: str,
    split: str,
    total: str,
    projects: Any,
    agents: Any,
) -> None:
    database.execute("update public.workspaces set person_split = %s where id = %s", [split, team.id])
    reader = PostgresDatabase(database, team[person].id, team.id)
    rows = export(reader, tmp_path)
    assert add_up(rows, "BilledCost") == Decimal(total)
    assert {row["SubAccountName"] for row in rows} == projects
    told = "".join(row["Tags"] for row in rows)
    assert {name for name in ("owner", "ann") if f"agent of {name}" in told} == agents
    hidden = [row for row in rows if row["SubAccountName"] == "Other projects" and "ann" not in agents]
    assert all((row["Tags"], row["BillingAccountId"]) == ("", str(team.id)) for row in hidden)


def test_stranger_gets_nothing(team: Team, database: Connection, tmp_path: Path) -> None:
    stranger = PostgresDatabase(database, add_user(database), team.id)
    with pytest.raises(TallyError, match="not a member"):
        write_file(stranger, tmp_path / "costs.csv", ALL, V1_2)
    assert list(tmp_path.iterdir()) == []


def test_parquet_has_the_same_figures_exactly(workspace: PostgresDatabase, tmp_path: Path) -> None:
    save_history(workspace, make_history(5, 150), 5)
    rows = export(workspace, tmp_path)
    write_file(workspace, tmp_path / "costs.parquet", ALL, V1_2)
    table = parquet.read_table(tmp_path / "costs.parquet").to_pylist()
    escaped = {"x_Model", "SkuId", "SkuPriceId", "ChargeDescription"}  # against spreadsheets, in CSV alone
    assert [
        {name: write_cell(value) for name, value in row.items() if name not in escaped} for row in table
    ] == [{name: cell for name, cell in row.items() if name not in escaped} for row in rows]
    assert any(row["x_Model"] == '=HYPERLINK("http://x","y")' for row in table)
    assert not any(cell.startswith(("=", "@", "+")) for row in rows for cell in row.values())


def test_too_much_at_once_is_asked_for_in_parts(workspace: PostgresDatabase) -> None:
    save_history(workspace, make_history(6, 90), 6)
    asked: list[timedelta] = []

    class Busy:
        """Refuses more than three days, as the database does with too many sums."""

        def call(self, function: str, since: str, until: str) -> Any:
            length = datetime.fromisoformat(until) - datetime.fromisoformat(since)
            asked.append(length)
            if length > timedelta(days=3):
                raise TooMuch("too much")
            return workspace.call(function, since=since, until=until)

    until = FIRST + timedelta(days=70)
    database: Any = Busy()
    parts = list(load_between(database, FIRST, until))
    whole = list(load_between(workspace, FIRST, until))
    assert max(asked) > timedelta(days=3)
    assert sum(part.cost_usd for part in parts) == sum(one.cost_usd for one in whole)
    assert sum(part.records for part in parts) == sum(one.records for one in whole) > 80


def test_sample_data_conforms(workspace: PostgresDatabase, database: Connection, tmp_path: Path) -> None:
    load_sample(workspace, current_day())
    rows = export(workspace, tmp_path, choose_period(None, None))
    assert add_up(rows, "BilledCost") == ledger(database, workspace.scope.workspace_id)
    assert {"billed", "included"} <= {row["x_CostBasis"] for row in rows}


def test_files_are_whole_or_not_there(workspace: PostgresDatabase, tmp_path: Path) -> None:
    file = tmp_path / "costs.csv"
    file.write_text("before")
    save_batch(workspace, [usage(1)], None)
    with pytest.raises(TallyError, match="There is no folder"):
        write_file(workspace, tmp_path / "no" / "costs.csv", ALL, V1_2)
    broken: Any = BrokenDatabase(workspace)
    with pytest.raises(TooMuch):
        write_file(broken, file, ALL, V1_2)
    assert [one.read_text() for one in tmp_path.iterdir()] == ["before"]


class BrokenDatabase:
    """Fails in the middle of what it is asked for."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    def call(self, function: str, **params: Any) -> Any:
        """The answer, unless it is about costs of May 2026 on."""
        if function == "focus_rows" and params["since"] >= "2026-05":
            raise TooMuch("broken")
        return self._database.call(function, **params)


@every_case([("1.3",), ("1.4",), ("2",), ("",), ("=1+1",)])
def test_other_versions_are_not_offered(asked: str) -> None:
    with pytest.raises(TallyError, match=r"is not offered. Ask for 1\.2\."):
        find_version(asked)


def test_a_period_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(TallyError, match="is after"):
        choose_period(date(2026, 5, 2), date(2026, 5, 1))


@given(st.dates(date(2020, 1, 1), date(2027, 1, 1)), st.integers(0, 500))
def test_months_cover_every_day_once(first: date, days: int) -> None:
    last = first + timedelta(days=days)
    months = list(list_months(first, last))
    assert months[0][0] == first
    assert months[-1][1] == last + timedelta(days=1)
    assert all(end == start for (_, end), (start, _) in pairwise(months))
    assert all((end - timedelta(days=1)).replace(day=1) == start.replace(day=1) for start, end in months)


amounts = st.decimals(Decimal("-1e8"), Decimal("1e8"), places=10)


@given(amounts, st.lists(st.decimals(0, Decimal("1e15"), places=6), min_size=1, max_size=5))
def test_parts_of_an_amount_add_up_to_it(amount: Decimal, weights: list[Decimal]) -> None:
    parts = divide(amount, weights)
    assert sum(parts) == amount
    assert all(part == round(part, 10) for part in parts)
