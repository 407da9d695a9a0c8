"""What is noted in Postgres, who ships it, and what happens when a side does not go along."""

import inspect
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any
from uuid import UUID, uuid4

import pytest

from tally.analytics import building, comparing, due, inserting, outbox, shipping, state, tasks
from tally.analytics.client import (
    INSTALLATION,
    SCHEMA,
    EngineDown,
    EngineError,
    EngineOutdated,
    create_tables,
    open_engine,
    write_fact,
)
from tally.analytics.shipping import Shipper
from tally.analytics.tables import TABLES
from tests.database.teams import COLLEAGUES, Team, make_team
from tests.database.test_saving import record, save
from tests.database_fixtures import Connection, Project, add_user
from tests.tally.analytics.both_sides import find_differences

Act = Callable[[UUID], Connection]
MAY = "2026-05-01"


@pytest.fixture
def shipper(database: Connection, engine: Any) -> Iterator[Shipper]:
    """An engine that is up to date."""
    building.rebuild(database, engine, replaces=True)
    shipper = Shipper(database, engine)
    shipper.ship_all()
    yield shipper
    engine.command("alter table records drop constraint if exists refused")


def count(database: Connection, table: str) -> int:
    """The number of rows of one of the tables of shipping."""
    [(rows,)] = database.execute(f"select count(*) from private.analytics_{table}".encode()).fetchall()
    return int(rows)


def in_engine(engine: Any, column: str = "model_name", table: str = "records") -> list[Any]:
    """A column of all rows of the engine."""
    return sorted(row[0] for row in engine.query(f"select {column} from {table} final").result_rows)


def test_nothing_is_noted_without_an_engine(as_user: Act, database: Connection, user: UUID) -> None:
    save(as_user(user), [record()])
    database.execute("update public.cost_records set input_tokens = 1")
    database.execute("delete from auth.users where id = %s", [user])
    assert [count(database, table) for table in ("outbox", "tasks")] == [0, 0]


def test_views_have_the_columns_of_the_engine(database: Connection) -> None:
    for table in TABLES:
        found = database.execute(f"select * from private.engine_{table.name} limit 0".encode()).description
        assert [column.name for column in found or ()] == list(table.columns)[:-2], table.name


def test_a_deleted_workspace_is_one_row(shipper: Shipper, as_user: Act, user: UUID) -> None:
    other = add_user(shipper.connection)
    for person in (user, other):
        save(as_user(person), [record() for _ in range(30)])
    shipper.ship_all()
    save(as_user(user), [record()])
    shipper.connection.execute("delete from public.workspaces where id = %s", [user])
    assert [count(shipper.connection, table) for table in ("outbox", "tasks")] == [1, 1]
    shipper.ship_all()
    assert set(in_engine(shipper.client, "workspace_id")) == {other}
    assert shipper.client.query(
        "select count() from records where workspace_id != {w:UUID}", {"w": str(other)}
    )


def test_a_change_that_is_committed_late_is_shipped(shipper: Shipper, as_user: Act, user: UUID) -> None:
    late = as_user(user)
    with late.transaction():
        save(late, [record(model_name="late")])
        save(as_user(add_user(shipper.connection)), [record(model_name="early")])
        shipper.ship_all()
        assert in_engine(shipper.client) == ["early"]
    shipper.ship_all()
    assert in_engine(shipper.client) == ["early", "late"]


def test_a_transaction_from_before_the_engine_is_waited_for(
    database: Connection, engine: Any, project: Project, as_user: Act, user: UUID
) -> None:
    early = as_user(user)
    with ThreadPoolExecutor(1) as pool:
        with early.transaction():
            save(early, [record(model_name="noted by nobody")])
            building_it = pool.submit(building.rebuild, database, engine, True)
            with project.connect() as observer:
                while not count(observer, "engine"):
                    pass
            assert not building_it.done()
        building_it.result()
    Shipper(database, engine).ship_all()
    assert in_engine(engine) == ["noted by nobody"]


def test_a_row_that_is_refused_is_set_aside_alone(shipper: Shipper, as_user: Act, user: UUID) -> None:
    refuse(shipper.client)
    save(as_user(user), [record(model_name=f"model {n}") for n in range(20)] + [record(model_name="bad")])
    save(as_user(add_user(shipper.connection)), [record(model_name="other")])
    shipper.ship_all()
    assert in_engine(shipper.client) == sorted(["other", *(f"model {n}" for n in range(20))])
    assert (count(shipper.connection, "outbox"), count(shipper.connection, "parked")) == (0, 1)
    [(reason, rows, workspace)] = state.load_reasons(shipper.connection)
    assert ("refused" in reason, rows, workspace) == (True, 1, str(user))
    lag = "select parked from private.analytics_lag(%s)"
    assert outbox.read_value(shipper.connection, lag, [user]) == 1
    shipper.client.command("alter table records drop constraint refused")
    assert outbox.unpark(shipper.connection) == 1
    shipper.ship_all()
    assert (find_differences(shipper.connection, shipper.client), count(shipper.connection, "parked")) == (
        {},
        0,
    )


def test_a_change_of_a_row_that_was_set_aside_is_shipped(shipper: Shipper, as_user: Act, user: UUID) -> None:
    refuse(shipper.client)
    save(as_user(user), [record(model_name="bad")])
    shipper.ship_all()
    shipper.connection.execute("update public.cost_records set model_name = 'good'")
    shipper.ship_all()
    assert (in_engine(shipper.client), count(shipper.connection, "parked")) == (["good"], 0)


def test_a_row_that_is_refused_stops_no_rebuild(shipper: Shipper, as_user: Act, user: UUID) -> None:
    save(as_user(user), [record(model_name=f"model {n}") for n in range(9)] + [record(model_name="bad")])
    shipper.ship_all()
    building.rebuild(shipper.connection, shipper.client)
    refuse(shipper.client)
    shipper.ship_all()
    assert in_engine(shipper.client) == [f"model {n}" for n in range(9)]
    assert (count(shipper.connection, "tasks"), count(shipper.connection, "parked")) == (0, 1)


def refuse(engine: Any) -> None:
    """Let the engine refuse a model."""
    engine.command("alter table records add constraint refused check model_name != 'bad'")


def test_an_engine_that_takes_no_rows_sets_none_aside(shipper: Shipper, as_user: Act, user: UUID) -> None:
    save(as_user(user), [record() for _ in range(5)])
    shipper.client.command("drop table records sync")
    with pytest.raises(EngineError, match="records"):
        shipper.ship_all()
    assert (count(shipper.connection, "outbox"), count(shipper.connection, "parked")) == (5, 0)
    create_tables(shipper.client)
    shipper.ship_all()
    assert find_differences(shipper.connection, shipper.client) == {}


def test_an_engine_that_is_down_is_said_to_be() -> None:
    with pytest.raises(EngineDown, match="The analytics engine did not answer"):
        open_engine("http://127.0.0.1:1/tally")


def test_an_engine_of_another_version_is_refused(shipper: Shipper, as_user: Act, user: UUID) -> None:
    save(as_user(user), [record()])
    write_fact(shipper.client, SCHEMA, "0")
    with pytest.raises(EngineOutdated, match="Run `tally analytics rebuild`"):
        shipper.ship_all()
    assert (count(shipper.connection, "outbox"), in_engine(shipper.client)) == (1, [])
    building.rebuild(shipper.connection, shipper.client)
    shipper.ship_all()
    assert in_engine(shipper.client) == ["gpt-5"]


def test_an_engine_of_another_tally_is_refused(shipper: Shipper, as_user: Act, user: UUID) -> None:
    write_fact(shipper.client, INSTALLATION, str(uuid4()))
    save(as_user(user), [record()])
    for refused in (shipper.ship_all, lambda: building.prepare(shipper.connection, shipper.client)):
        with pytest.raises(EngineOutdated, match="another"):
            refused()
    with pytest.raises(EngineOutdated, match="rebuild --replace"):
        building.rebuild(shipper.connection, shipper.client)
    building.rebuild(shipper.connection, shipper.client, replaces=True)
    shipper.ship_all()
    assert in_engine(shipper.client) == ["gpt-5"]


def test_a_new_engine_is_put_to_use(database: Connection, engine: Any, as_user: Act, user: UUID) -> None:
    save(as_user(user), [record()])
    building.rebuild(database, engine, replaces=True)
    building.disable(database)
    write_fact(engine, INSTALLATION, "")
    for table in TABLES:
        engine.command(f"drop table {table.name} sync")
    engine.command("drop table facts sync")
    building.prepare(database, engine)
    Shipper(database, engine).ship_all()
    assert in_engine(engine) == ["gpt-5"]


def test_an_engine_that_is_given_up_is_told_nothing(shipper: Shipper, as_user: Act, user: UUID) -> None:
    save(as_user(user), [record()])
    building.disable(shipper.connection)
    save(as_user(user), [record()])
    assert [count(shipper.connection, table) for table in ("engine", "outbox", "tasks")] == [0, 0, 0]
    with pytest.raises(EngineOutdated, match="not in use"):
        shipper.ship()


def test_a_month_with_many_changes_becomes_a_stretch(shipper: Shipper, as_user: Act, user: UUID) -> None:
    save(as_user(user), [record() for _ in range(12)] + [record(timestamp="2026-06-01T12:00:00Z")])
    outbox.note_problem(shipper.connection, "away", many=10)
    assert [count(shipper.connection, table) for table in ("outbox", "tasks")] == [1, 1]
    found = state.load_state(shipper.connection)
    assert found is not None
    assert "1 row waiting: away" in state.describe(found)
    shipper.ship_all()
    assert find_differences(shipper.connection, shipper.client) == {}
    found = state.load_state(shipper.connection)
    assert found is not None
    assert (found.problem, state.describe(found)) == (None, "up to date")


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_many_rows_of_an_instant_are_shipped_together(
    database: Connection, engine: Any, as_user: Act, user: UUID, batch: int
) -> None:
    times = ["2026-05-31T23:59:59.999999Z", *["2026-05-01T00:00:00Z"] * 5, "2026-05-01T00:00:00.000001Z"]
    save(as_user(user), [record(timestamp=at) for at in times])
    building.rebuild(database, engine, replaces=True)
    Shipper(database, engine, batch).ship_all()
    assert find_differences(database, engine) == {}


def archive(database: Connection, workspace: UUID) -> None:
    """Take May out of Postgres, as an archive does."""
    with database.transaction():
        database.execute("set local tally.archiving = 'on'")
        database.execute("insert into private.archived_months (month) values (%s)", [MAY])
        database.execute("delete from public.cost_records where workspace_id = %s", [workspace])
        database.execute("delete from public.superseded_records where workspace_id = %s", [workspace])


@pytest.fixture
def archived(shipper: Shipper, project: Project) -> Team:
    """A team whose May went into an archive; the engine has it."""
    team = make_team(project, shipper.connection, *COLLEAGUES)
    team["ann"].save(team["ann"].add_source(), record(model_name="archived"))
    pending = "select private.analytics_is_pending(%s, %s::date, %s::date + 31)"
    assert outbox.read_value(shipper.connection, pending, [team.id, MAY, MAY])
    shipper.ship_all()
    assert not outbox.read_value(shipper.connection, pending, [team.id, MAY, MAY])
    archive(shipper.connection, team.id)
    return team


def test_what_went_into_an_archive_stays_in_the_engine(shipper: Shipper, archived: Team) -> None:
    database = shipper.connection
    assert count(database, "outbox") == 0
    database.execute(
        """insert into private.analytics_outbox (timestamp, workspace_id, key, kind)
        select '2026-05-01T12:00Z', %s, %s, 'records'""",
        [archived.id, in_engine(shipper.client, "source_key")[0]],
    )
    database.execute("select private.ship_again(%s, '2026-05-01Z', '2026-06-01Z')", [archived.id])
    building.rebuild_in_place(database, shipper.client)
    shipper.ship_all()
    assert in_engine(shipper.client) == ["archived"]
    assert comparing.compare(database, shipper.client).differences == []


def test_only_days_in_an_archive_stay(shipper: Shipper, as_user: Act, user: UUID) -> None:
    database, days = shipper.connection, ["2026-05-03", "2026-05-10", "2026-05-20"]
    save(as_user(user), [record(model_name=day, timestamp=f"{day}T12:00:00Z") for day in days])
    shipper.ship_all()
    database.execute(
        """insert into private.archives (
            workspace_id, first_day, end_day, state, reason, archived_at, manifest_sha256)
        values (%s, '2026-05-08', '2026-05-15', 'archived', 'command', now(), repeat('0', 64))""",
        [user],
    )
    with database.transaction():
        database.execute("set local tally.archiving = 'on'")
        database.execute("delete from public.cost_records where model_name <> '2026-05-03'")
    assert comparing.compare(database, shipper.client).differences == []
    building.rebuild_in_place(database, shipper.client)
    shipper.ship_all()
    assert in_engine(shipper.client) == ["2026-05-03", "2026-05-10"]
    with pytest.raises(EngineOutdated, match="1 archived month, which Postgres has not any more"):
        building.rebuild(database, shipper.client)
    assert in_engine(shipper.client) == ["2026-05-03", "2026-05-10"]


def test_a_month_that_comes_back_is_one_task(shipper: Shipper, archived: Team) -> None:
    database = shipper.connection
    database.execute("delete from private.archived_months")
    [(tasks_of_month,)] = database.execute(
        "select private.ship_again(%s, '2026-05-01Z', '2026-06-01Z')", [archived.id]
    ).fetchall()
    shipper.ship_all()
    assert (tasks_of_month, in_engine(shipper.client)) == (2, [])  # it came back empty


def test_a_deleted_source_leaves_the_archive_in_the_engine(shipper: Shipper, archived: Team) -> None:
    shipper.connection.execute("delete from public.imports where workspace_id = %s", [archived.id])
    shipper.ship_all()
    assert in_engine(shipper.client) == []


def test_archived_records_of_a_deleted_account_are_nobodys(shipper: Shipper, archived: Team) -> None:
    shipper.connection.execute("delete from auth.users where id = %s", [archived["ann"].id])
    shipper.ship_all()
    assert in_engine(shipper.client, "user_id") == [UUID(int=0)]


def test_sums_are_compared_to_the_last_digit(shipper: Shipper, as_user: Act, user: UUID) -> None:
    costs = ["0.0000000001", "99999999.9999999999", "0.3"]
    save(as_user(user), [record(cost_usd=cost) for cost in costs])
    shipper.ship_all()
    equal = comparing.compare(shipper.connection, shipper.client)
    assert (equal.differences, equal.records, str(equal.cost_usd)) == ([], 3, "100000000.3000000000")
    shipper.client.command(
        "insert into records select * replace (t.cost_usd + toDecimal64('0.0000000001', 10) as cost_usd)"
        " from records as t final where t.cost_usd = toDecimal64('0.3', 10)"
    )
    [found] = comparing.compare(shipper.connection, shipper.client).differences
    assert (found.workspace_id, found.table, found.month, found.is_pending) == (
        user,
        "records",
        202605,
        False,
    )
    assert (str(found.postgres[1]), str(found.engine[1])) == ("100000000.3000000000", "100000000.3000000001")
    building.rebuild_in_place(shipper.connection, shipper.client, user)
    shipper.ship_all()
    assert comparing.compare(shipper.connection, shipper.client).differences == []


def test_what_only_the_engine_has_is_found_and_goes(shipper: Shipper, as_user: Act, user: UUID) -> None:
    save(as_user(user), [record()])
    shipper.ship_all()
    stray = "insert into records select * replace ({w:UUID} as workspace_id) from records final"
    shipper.client.command(stray, {"w": str(uuid4())})
    shipper.client.command(
        "insert into records select * replace (addMonths(timestamp, 1) as timestamp) from records"
    )
    assert len(comparing.compare(shipper.connection, shipper.client).differences) == 3
    building.rebuild_in_place(shipper.connection, shipper.client)
    shipper.ship_all()
    assert find_differences(shipper.connection, shipper.client) == {}


def test_lag_is_of_the_clock_of_postgres_alone(shipper: Shipper, as_user: Act, user: UUID) -> None:
    """A clock that was put back makes no negative age, and no program's own clock is read."""
    save(as_user(user), [record()])
    seconds = "select seconds from private.analytics_lag(%s)"
    for moved, least in (("- interval '1 minute'", 60), ("+ interval '1 hour'", 0)):
        shipper.connection.execute(
            f"update private.analytics_outbox set noted_at = clock_timestamp() {moved}".encode()
        )
        assert least <= outbox.read_value(shipper.connection, seconds, [user]) < least + 60
    modules: list[ModuleType] = [building, comparing, due, inserting, outbox, shipping, state, tasks]
    for module in modules:
        source = inspect.getsource(module)
        assert not any(clock in source for clock in ("datetime.now", "import time", "from time", "now64"))


def test_shipping_is_due_again_after_a_pause(shipper: Shipper, as_user: Act, user: UUID) -> None:
    def is_due() -> bool:
        return shipper.connection.execute(due.SHIPPING_IS_DUE.encode()).rowcount == 1

    assert not is_due()
    save(as_user(user), [record()])
    assert is_due()
    outbox.note_problem(shipper.connection, "away")
    assert not is_due()
    shipper.connection.execute(
        "update private.analytics_engine set problem_at = problem_at - interval '16 seconds'"
    )
    assert is_due()
