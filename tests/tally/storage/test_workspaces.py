"""A database works in one workspace: what Tally reads or writes there stays out of the user's others."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pytest

from tally.agents.upload import collect_into
from tally.core.records import CostRecord, identity
from tally.importers import Options, find_importer, parse_tables, read_tables
from tally.importers.grouping import OverlapRefused
from tally.importers.save import ImportFile, ImportResult, save_import
from tally.ledger.save import save_records
from tally.local.stack import Stack
from tally.pricing.custom_prices import CustomPrice
from tally.pricing.reprice import apply_prices, calculate_differences
from tally.pricing.workspace_prices import load_workspace_prices
from tally.spend import sample_data
from tally.spend.manual_entries import ManualEntry, add_entry
from tally.spend.subscriptions import Subscription, add_subscription, delete_subscription, list_subscriptions
from tally.storage.database import NOT_ABOUT_WORKSPACE, WITHOUT_WORKSPACE, Database, Query, select_all
from tally.storage.export import load_records
from tally.storage.workspaces import load_timezone
from tests.shared_connections import operator_connection
from tests.tally.agents.homes import claude_row, write_claude
from tests.tally.agents.test_upload import machine_at
from tests.tally.people import TRANSPORTS, Person, acting, add_team, sign_up

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
TODAY = date(2026, 11, 20)
COSTS = b"start_time,end_time,amount_value,amount_currency,line_item\n1793577600,1793664000,1,usd,a\n"
COSTS_BY_PROJECT = (
    b"start_time,end_time,amount_value,amount_currency,line_item,project_id\n1793577600,1793664000,1,usd,,p\n"
)


@dataclass(frozen=True)
class Member:
    """Somebody with a personal workspace and a team's, and access to both."""

    person: Person
    personal: Database
    team: Database

    def count(self, table: str, key: str = "id") -> tuple[int, int]:
        """The rows of a table in the personal workspace and in the team's."""
        query = Query(table, key, [key])
        personal, team = (len(list(select_all(database, query))) for database in (self.personal, self.team))
        return personal, team


@pytest.fixture(params=TRANSPORTS)
def member(request: pytest.FixtureRequest, stack: Stack) -> Iterator[Member]:
    person = sign_up(stack)
    with acting(stack, person, request.param) as personal:
        yield Member(person, personal, personal.in_workspace(add_team(stack, person)))


def import_costs(database: Database, content: bytes = COSTS) -> ImportResult:
    importer = find_importer("openai_cost")
    parsed = parse_tables(importer, read_tables(content, "costs.csv"), Options())
    return save_import(database, parsed, ImportFile("costs.csv", importer.name, content))


def estimate_of(model: str) -> CostRecord:
    return CostRecord(
        "openai", NOON, model, None, identity(model), cost_basis="estimated", input_tokens=1_000_000
    )


def add_price(database: Database, model: str, usd: str) -> None:
    [provider] = database.select(Query("providers", "id", ["id"], {"name": "openai"}))
    price = CustomPrice("openai", model, date(2026, 1, 1), Decimal(usd), Decimal(usd))
    database.insert("model_prices", price.to_json(provider["id"]))


def test_file_belongs_to_the_workspace(member: Member) -> None:
    assert import_costs(member.team).added == 1
    assert member.count("imports") == member.count("cost_records") == (0, 1)
    assert import_costs(member.personal).added == 1
    assert member.count("imports") == member.count("cost_records") == (1, 1)
    assert import_costs(member.team).added == 0


def test_other_grouping_is_refused_in_the_same_workspace_only(member: Member) -> None:
    import_costs(member.team)
    assert import_costs(member.personal, COSTS_BY_PROJECT).added == 1
    with pytest.raises(OverlapRefused):
        import_costs(member.team, COSTS_BY_PROJECT)


def test_prices_are_those_of_the_workspace(member: Member) -> None:
    add_price(member.team, "house-model", "3")
    assert not load_workspace_prices(member.personal)
    assert len(list(load_workspace_prices(member.team).custom)) == 1
    for database in (member.personal, member.team):
        save_records(database, [estimate_of("house-model")])
    assert load_records(member.personal)["cost_usd"].isna().all()
    assert [Decimal(cost) for cost in load_records(member.team)["cost_usd"]] == [3]


def test_repricing_stays_in_the_workspace(member: Member) -> None:
    for database in (member.personal, member.team):
        save_records(database, [estimate_of("house-model")])
    add_price(member.team, "house-model", "2")
    assert calculate_differences(member.personal, date(2026, 1, 1)) == []
    [difference] = calculate_differences(member.team, date(2026, 1, 1))
    assert difference.after_usd == 2
    assert apply_prices(member.team, date(2026, 1, 1)).applied == 1
    assert load_records(member.personal)["cost_usd"].isna().all()
    assert [Decimal(cost) for cost in load_records(member.team)["cost_usd"]] == [2]


def test_manual_entries_and_exports_stay_in_the_workspace(member: Member) -> None:
    entry = ManualEntry(
        entry_id=uuid4(),
        provider="midjourney",
        day=TODAY,
        timezone="UTC",
        model_name="Fast hours",
        cost_usd=Decimal(12),
    )
    add_entry(member.team, entry)
    assert len(load_records(member.personal)) == 0
    assert list(load_records(member.team)["model_name"]) == ["Fast hours"]


def test_subscriptions_and_their_renewals_stay_in_the_workspace(member: Member) -> None:
    [provider] = member.team.select(Query("providers", "id", ["id"], {"name": "chatgpt"}))
    plan = Subscription(provider["id"], "Team", Decimal(60), date(2026, 9, 1), 1)
    subscription_id = add_subscription(member.team, plan)
    renewals = len(load_records(member.team))
    assert renewals >= 3
    assert member.count("subscriptions") == (0, 1)
    assert len(load_records(member.personal)) == 0
    assert (member.personal.call("post_due_renewals"), member.team.call("post_due_renewals")) == (0, 0)
    delete_subscription(member.personal, subscription_id)
    assert len(list_subscriptions(member.team)) == 1
    delete_subscription(member.team, subscription_id)
    assert list_subscriptions(member.team) == []


def test_sample_data_is_loaded_and_removed_per_workspace(member: Member) -> None:
    for database in (member.personal, member.team):
        assert sample_data.load(database, TODAY).added > 900
    assert member.count("subscriptions") == (2, 2)
    assert sample_data.remove(member.team) == 1
    personal, team = member.count("cost_records")
    assert personal > 900
    assert team == 0
    assert member.count("subscriptions") == (2, 0)


def test_agents_logs_have_a_source_in_the_workspace(member: Member, tmp_path: Path) -> None:
    machine = machine_at(tmp_path)
    write_claude(machine.home, claude_row())
    [result] = collect_into(member.team, machine)
    assert result.added == 1
    assert member.count("imports") == member.count("cost_records") == (0, 1)


def test_machine_of_the_same_name_of_another_member_has_its_own_source(
    stack: Stack, member: Member, tmp_path: Path
) -> None:
    other = sign_up(stack)
    add_to_team(stack, member, other)
    machine = machine_at(tmp_path)
    write_claude(machine.home, claude_row())
    with acting(stack, other, "supabase") as database:
        others = database.in_workspace(member.team.scope.workspace_id)
        for database in (others, member.team):
            [result] = collect_into(database, machine)
            assert result.read == 1
    owners = {row["user_id"] for row in member.team.select(Query("imports", "id,user_id", ["id"]))}
    assert owners == {member.person.user_id, other.user_id}


def test_sample_of_another_member_stays(stack: Stack, member: Member) -> None:
    other = sign_up(stack)
    add_to_team(stack, member, other)
    with acting(stack, other, "supabase") as database:
        others = database.in_workspace(member.team.scope.workspace_id)
        sample_data.load(others, TODAY)
        assert sample_data.remove(member.team) == 0
        assert len(list_subscriptions(others)) == 2
        assert sample_data.remove(others) == 1


def add_to_team(stack: Stack, member: Member, other: Person) -> None:
    with operator_connection(stack) as connection:
        connection.execute(
            "insert into public.members (workspace_id, user_id, role) values (%s, %s, 'member')",
            [member.team.scope.workspace_id, other.user_id],
        )


def test_days_are_those_of_the_workspace(stack: Stack, member: Member) -> None:
    with operator_connection(stack) as connection:
        connection.execute(
            "update public.workspaces set timezone = 'Asia/Tokyo' where id = %s",
            [member.team.scope.workspace_id],
        )
    assert (load_timezone(member.personal), load_timezone(member.team)) == ("UTC", "Asia/Tokyo")


def test_rows_are_changed_and_deleted_in_their_workspace_only(member: Member) -> None:
    file = {"filename": "a.csv", "format": "generic", "file_sha256": "0" * 64}
    row_id = member.team.insert("imports", file)["id"]
    query = Query("imports", "id,filename", ["id"])
    member.personal.update("imports", row_id, {"filename": "b.csv"})
    member.personal.delete("imports", row_id)
    assert [row["filename"] for row in member.team.select(query)] == ["a.csv"]
    member.team.update("imports", row_id, {"filename": "b.csv"})
    assert [row["filename"] for row in member.team.select(query)] == ["b.csv"]
    member.team.delete("imports", row_id)
    assert member.team.select(query) == []


def test_pages_of_rows_stay_in_the_workspace(member: Member) -> None:
    for database, count in ((member.personal, 30), (member.team, 50)):
        records = [
            CostRecord("openai", NOON + timedelta(minutes=n), "m", Decimal(1), identity(n))
            for n in range(count)
        ]
        save_records(database, records)
    query = Query("cost_records", "id,timestamp,workspace_id", ["timestamp", "id"], limit=7)
    for database, count in ((member.personal, 30), (member.team, 50)):
        rows = list(select_all(database, query))
        assert (len(rows), {row["workspace_id"] for row in rows}) == (count, {database.scope.workspace_id})


@contextmanager
def catalog(stack: Stack) -> Iterator[Callable[[str], set[str]]]:
    """A function that returns the names a query of the catalog finds."""
    with operator_connection(stack) as connection:
        yield lambda query: {name for (name,) in connection.execute(query).fetchall()}


def test_every_table_of_workspaces_is_read_by_workspace(stack: Stack) -> None:
    """A table that is in neither set would be read across workspaces, or not at all."""
    with catalog(stack) as names:
        tables = names(
            """select relname from pg_class
            where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v')"""
        )
        of_workspaces = names(
            """select c.relname from pg_class as c
            inner join pg_attribute as a on a.attrelid = c.oid and a.attname = 'workspace_id'
            where c.relnamespace = 'public'::regnamespace"""
        )
    assert tables - of_workspaces == WITHOUT_WORKSPACE


def test_every_function_that_takes_a_workspace_gets_it(stack: Stack) -> None:
    with catalog(stack) as names:
        query = """select p.proname from pg_proc as p
            where
                p.pronamespace = 'public'::regnamespace
                and has_function_privilege('authenticated', p.oid, 'execute')
                and {} ('workspace' = any (coalesce(p.proargnames, '{{}}')))"""
        with_workspace, without = names(query.format("")), names(query.format("not"))
    assert with_workspace
    assert without <= NOT_ABOUT_WORKSPACE
    assert with_workspace.isdisjoint(NOT_ABOUT_WORKSPACE)
