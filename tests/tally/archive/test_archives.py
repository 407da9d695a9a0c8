"""A month leaves Postgres and comes back: totals stay the same to the last digit."""

from datetime import date, timedelta
from uuid import UUID

import pytest

from tally.archive.connection import archive_lock
from tally.archive.leaving import Leaving
from tally.archive.problems import ArchiveBusy, ArchiveProblem
from tally.archive.stretch import Stretch, load_archives
from tally.archive.upkeep import archive_due, archive_one, delete_of_deleted, find_due, restore_month
from tally.storage.objects import Store
from tests.database.test_saving import record, save
from tests.database_fixtures import Connection, Project, add_user
from tests.tally.archive.ledgers import JANUARY, fill, read_rows, read_totals


@pytest.mark.parametrize("upkeep", ["nothing", "fold", "refresh"])
def test_totals_stay_the_same_without_the_records_and_with_them_again(
    upkeep: str, database: Connection, person: Connection, user: UUID, storage: Store
) -> None:
    def look_after() -> None:
        if upkeep == "fold":
            assert database.execute("select public.fold_stale_days()").rowcount
        if upkeep == "refresh":
            database.execute("select public.refresh_cost_records_daily()")

    look_after()
    before, rows = read_totals(person), read_rows(database, user)

    manifest = archive_one(Leaving(database, storage, user, JANUARY))

    assert read_totals(person) == before
    look_after()
    assert read_totals(person) == before
    left = read_rows(database, user)
    assert {row["timestamp"][:7] for row in left["cost_records"]} == {"2026-02"}
    assert left["superseded_records"] == []
    assert manifest.tables["cost_records"].rows == len(rows["cost_records"]) - len(left["cost_records"])
    assert manifest.tables["superseded_records"].rows == len(rows["superseded_records"]) > 0

    restore_month(database, storage, user, JANUARY)

    assert read_totals(person) == before
    look_after()
    assert read_totals(person) == before
    assert read_rows(database, user) == rows
    assert [one.state for one in load_archives(database, user)] == ["restored"]


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/Los_Angeles"])
def test_days_that_two_months_share_keep_both_parts(
    zone: str, database: Connection, person: Connection, user: UUID, storage: Store
) -> None:
    database.execute("update public.user_preferences set timezone = %s where user_id = %s", [zone, user])
    save(person, [record(timestamp=f"2026-0{n}T00:00:00Z") for n in ("1-31", "2-01", "2-02")])
    save(person, [record(timestamp=f"2026-01-31T{hour}:15:00Z") for hour in (17, 20, 23)])
    before, rows = read_totals(person), read_rows(database, user)
    archive_one(Leaving(database, storage, user, JANUARY))
    assert read_totals(person) == before
    database.execute("select public.fold_stale_days()")
    assert read_totals(person) == before
    database.execute("select public.refresh_cost_records_daily()")
    save(person, [record(timestamp="2026-02-01T00:10:00Z", cost_usd="1")])  # the shared day is stale again
    assert read_totals(person)["spend"] != before["spend"]
    database.execute("delete from public.cost_records where timestamp = '2026-02-01T00:10:00Z'")
    assert read_totals(person) == before
    restore_month(database, storage, user, JANUARY)
    assert read_totals(person) == before
    assert read_rows(database, user) == rows


def test_what_was_archived_by_days_comes_back_by_the_month(
    database: Connection, person: Connection, user: UUID, storage: Store
) -> None:
    before, rows = read_totals(person), read_rows(database, user)
    for first, end in ((1, 2), (2, 16), (16, 29)):
        days = Stretch(date(2026, 1, first), date(2026, 1, end))
        archive_one(Leaving(database, storage, user, days))
        assert read_totals(person) == before, f"{days}"
    assert len(restore_month(database, storage, user, JANUARY)) == 3
    assert read_totals(person) == before
    assert read_rows(database, user) == rows


def test_another_workspace_keeps_its_month(
    project: Project, database: Connection, user: UUID, storage: Store
) -> None:
    fill(project.act_as("authenticated", user))
    other = add_user(database)
    neighbour = project.act_as("authenticated", other)
    fill(neighbour)
    totals, rows = read_totals(neighbour), read_rows(database, other)
    archive_one(Leaving(database, storage, user, JANUARY))
    save(neighbour, [record(timestamp="2026-01-05T12:00:00Z", cost_usd="2")])
    restore_month(database, storage, user, JANUARY)
    database.execute(
        "delete from public.cost_records where workspace_id = %s and timestamp = '2026-01-05T12:00Z'", [other]
    )
    assert read_rows(database, other) == rows
    assert read_totals(neighbour) == totals
    with pytest.raises(ArchiveProblem, match="Nothing of 2026-01 is archived"):
        restore_month(database, storage, other, JANUARY)


def test_a_second_archive_or_restore_is_told_to_wait(
    project: Project, database: Connection, person: Connection, user: UUID, storage: Store
) -> None:
    before = read_totals(person)
    with archive_lock(project.connect(), user):
        with pytest.raises(ArchiveBusy):
            archive_one(Leaving(database, storage, user, JANUARY))
        with pytest.raises(ArchiveBusy):
            restore_month(database, storage, user, JANUARY)
    archive_one(Leaving(database, storage, user, JANUARY))
    with pytest.raises(ArchiveProblem, match="2026-01 is archived already"):
        archive_one(Leaving(database, storage, user, JANUARY))
    assert read_totals(person) == before
    assert [one.state for one in load_archives(database, user)] == ["archived"]


def test_days_that_have_not_ended_stay(database: Connection, user: UUID, storage: Store) -> None:
    today = database.execute("select (now() at time zone 'UTC')::date").fetchone()
    assert today is not None
    for days_ago in (0, 1):
        day = today[0] - timedelta(days=days_ago)
        with pytest.raises(ArchiveProblem, match="ended two days ago"):
            archive_one(Leaving(database, storage, user, Stretch(day, day + timedelta(days=1))))


def test_the_setting_sends_whole_months_or_single_days(
    database: Connection, person: Connection, user: UUID, storage: Store
) -> None:
    assert find_due(database, user) == []
    person.execute("select public.set_archive_days(%s, 40)", [user])
    assert [str(stretch) for stretch in find_due(database, user)] == ["2026-01", "2026-02"]
    recent = database.execute(
        "select (now() at time zone 'UTC')::date - n from generate_series(5, 9) as n order by 1"
    ).fetchall()
    save(person, [record(timestamp=f"{day}T12:00:00Z") for (day,) in recent])
    person.execute("select public.set_archive_days(%s, 7)", [user])
    before = read_totals(person)
    assert archive_due(database, storage, user) > 0
    assert find_due(database, user) == []
    assert read_totals(person) == before
    left = database.execute(
        "select timestamp::date from public.effective_records where workspace_id = %s order by 1",
        [user],
    ).fetchall()
    assert left == recent[2:]  # 7, 6 and 5 days ago
    restore_month(database, storage, user, JANUARY)
    assert find_due(database, user) == [], "What was brought back stays for a while."


def test_a_budget_that_counts_records_keeps_them_here(
    database: Connection, person: Connection, user: UUID, storage: Store
) -> None:
    days = database.execute(
        "select (now() at time zone 'UTC')::date - n from generate_series(3, 80, 7) as n order by 1"
    ).fetchall()
    save(person, [record(timestamp=f"{day}T12:00:00Z", metadata={"tag": "x"}) for (day,) in days])
    database.execute(
        """insert into public.budgets (workspace_id, created_by, name, amount, measure, period, tag)
        values (%s, %s, 'Tagged', 100, 'cost', 'month', 'x')""",
        [user, user],
    )
    person.execute("select public.set_archive_days(%s, 7)", [user])
    archive_due(database, storage, user)
    kept = database.execute(
        "select min((timestamp at time zone 'UTC')::date) from public.cost_records where workspace_id = %s",
        [user],
    ).fetchone()
    first = database.execute("select (date_trunc('month', now()) - interval '1 month')::date").fetchone()
    assert kept is not None
    assert first is not None
    assert kept[0] <= next(day for (day,) in days if day >= first[0])


def test_a_deleted_workspace_takes_its_files_along(
    project: Project, database: Connection, user: UUID, storage: Store
) -> None:
    fill(project.act_as("authenticated", user))
    archive_one(Leaving(database, storage, user, JANUARY))
    assert storage.list_files(str(user))
    database.execute("select public.refresh_cost_records_daily()")
    database.execute("delete from auth.users where id = %s", [user])
    assert [one.state for one in load_archives(database, user)] == ["deleting"]
    database.execute("select public.fold_stale_days()")
    database.execute("select public.refresh_cost_records_daily()")
    left = "select count(*) from private.current_days where workspace_id = %s"
    assert database.execute(left, [user]).fetchone() == (0,)
    assert delete_of_deleted(database, storage) == []
    assert storage.list_files("") == {}
    assert load_archives(database, user) == []
    assert delete_of_deleted(database, storage) == []
