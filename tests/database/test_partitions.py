"""Monthly partitions: created ahead, created on demand, archived and restored."""

import json
from collections.abc import Callable
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.database.test_saving import new_import, record, save
from tests.database.truth import add_up, read_daily_costs
from tests.database_fixtures import Connection, Project, make_months

Act = Callable[[UUID], Connection]

pytestmark = pytest.mark.new_database

MONTHS = """
select c.relname from pg_inherits as i inner join pg_class as c on i.inhrelid = c.oid
where i.inhparent = 'public.cost_records'::regclass order by 1"""


def months(database: Connection) -> list[str]:
    """The attached partitions."""
    return [name for (name,) in database.execute(MONTHS)]


def test_months_reach_from_the_last_to_three_ahead(database: Connection) -> None:
    found = database.execute(
        """select to_char(this + n * interval '1 month', '"cost_records_"YYYY_MM')
        from generate_series(-1, 3) as n, date_trunc('month', now() at time zone 'UTC') as this"""
    ).fetchall()
    assert months(database) == [name for (name,) in found]


def test_months_ahead_are_made_once(database: Connection, service: Connection) -> None:
    before = len(months(database))
    assert service.execute("select public.ensure_partitions()").fetchone() == (0,)
    assert service.execute("select public.ensure_partitions(5)").fetchone() == (2,)
    assert service.execute("select public.ensure_partitions(5)").fetchone() == (0,)
    assert len(months(database)) == before + 2
    with pytest.raises(psycopg.Error, match="months_ahead must be 0 to 120"):
        service.execute("select public.ensure_partitions(121)")


def test_one_month_is_made_once_and_named(database: Connection, service: Connection) -> None:
    for _ in range(2):
        made = service.execute("select public.create_monthly_partition(2021, 2)").fetchone()
        assert made == ("private.cost_records_2021_02",)
    assert "cost_records_2021_02" in months(database)
    for year, month in ((2021, 13), (2021, 0), (2019, 12), (2100, 1), (None, 1)):
        with pytest.raises(psycopg.Error, match="No such month"):
            service.execute("select public.create_monthly_partition(%s, %s)", [year, month])


def test_every_partition_matches_the_table(database: Connection) -> None:
    indexes = database.execute(
        """select count(*) over (partition by i.inhparent) from pg_inherits as i
        where i.inhparent in (
            select indexrelid from pg_index where indrelid = 'public.cost_records'::regclass)"""
    ).fetchall()
    assert {amount for (amount,) in indexes} == {len(months(database))}


def test_a_save_makes_only_the_months_of_its_records(database: Connection, as_user: Act, user: UUID) -> None:
    before = len(months(database))
    save(
        as_user(user),
        [record(timestamp=f"{day}T12:00Z") for day in ("2021-03-01", "2021-03-31", "2022-07-01")],
    )
    assert months(database)[:2] == ["cost_records_2021_03", "cost_records_2022_07"]
    assert len(months(database)) == before + 2


def test_a_save_that_makes_a_month_waits_for_no_reader(project: Project, user: UUID) -> None:
    person = project.act_as("authenticated", user)
    with project.connect() as reader, reader.transaction():
        reader.execute("select count(*) from public.cost_records")
        person.execute("set lock_timeout = '1s'")
        assert save(person, [record(timestamp="2021-03-01T12:00Z")])["inserted"] == 1


def test_a_reader_waits_for_no_save_that_makes_a_month(project: Project, user: UUID) -> None:
    person = project.act_as("authenticated", user)
    with person.transaction():
        save(person, [record(timestamp="2021-03-01T12:00Z")])
        with project.connect() as reader:
            reader.execute("set lock_timeout = '1s'")
            assert reader.execute("select count(*) from public.cost_records").fetchone() == (0,)
            reader.execute("select public.fold_stale_days()")
            reader.execute("select public.refresh_cost_records_daily()")
        save(person, [record(timestamp="2021-04-01T12:00Z")])


def test_a_direct_insert_into_a_missing_month_is_refused(database: Connection, user: UUID) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match="no partition"):
        database.execute(
            """insert into public.cost_records
                (workspace_id, user_id, provider_id, timestamp, model_name, cost_usd)
            select %s, %s, id, '2021-01-01', 'm', 1 from public.providers where name = 'openai'""",
            [user, user],
        )


def test_an_archived_month_leaves_the_totals_and_can_come_back(
    database: Connection, service: Connection, as_user: Act, user: UUID
) -> None:
    person = as_user(user)
    save(person, [record(timestamp=f"2025-0{month}-10T12:00Z") for month in (1, 2, 3)])
    service.execute("select public.refresh_cost_records_daily()")
    whole = read_daily_costs(person)
    assert service.execute("select public.detach_partition(2025, 2)").fetchone() == (
        "private.cost_records_2025_02",
    )
    assert database.execute("select count(*) from private.cost_records_2025_02").fetchone() == (1,)
    assert {key[0] for key in read_daily_costs(person)} == {"2025-01-10", "2025-03-10"}
    service.execute("select public.refresh_cost_records_daily()")
    assert read_daily_costs(person) == add_up(person)

    assert service.execute("select public.attach_partition(2025, 2)").fetchone() == (
        "private.cost_records_2025_02",
    )
    assert read_daily_costs(person) == add_up(person) == whole
    service.execute("select public.fold_stale_days()")
    assert read_daily_costs(person) == add_up(person) == whole


def test_a_month_is_archived_once_and_not_made_again(service: Connection) -> None:
    make_months(service, "2025-02-01", "2025-03-01")
    service.execute("select public.detach_partition(2025, 2)")
    with pytest.raises(psycopg.Error, match="no attached partition for year 2025, month 2"):
        service.execute("select public.detach_partition(2025, 2)")
    with pytest.raises(psycopg.Error, match="no archived table for year 2025, month 3"):
        service.execute("select public.attach_partition(2025, 3)")
    with pytest.raises(psycopg.Error, match="has been archived"):
        service.execute("select public.create_monthly_partition(2025, 2)")
    assert service.execute("select public.ensure_months(array[date '2025-02-03'])").fetchone() == (0,)


def test_a_month_this_session_has_not_heard_of_is_tried_again(database: Connection, user: UUID) -> None:
    """Another save made it: it is visible a moment before the sessions' caches are told."""
    insert = """select private.insert_records(
        m.workspace_id, null, 'manual_entry', private.read_incoming(%s, 'UTC'), '{}')
        from public.members as m where m.user_id = %s"""
    given = [json.dumps([record(timestamp="2025-02-10T12:00Z")]), user]
    database.execute("select set_config('request.jwt.claims', %s, false)", [f'{{"sub": "{user}"}}'])
    assert database.execute(insert, given).fetchone() == (None,)
    make_months(database, "2025-02-01")
    assert database.execute(insert, given).fetchone() == (1,)


def test_archiving_does_not_keep_readers_waiting_behind_a_long_one(
    project: Project, service: Connection
) -> None:
    make_months(service, "2025-02-01")
    with project.connect() as reader, reader.transaction():
        reader.execute("select count(*) from public.cost_records")
        with pytest.raises(psycopg.errors.LockNotAvailable, match="Nothing was archived; try again later"):
            service.execute("select public.detach_partition(2025, 2)")
    service.execute("select public.detach_partition(2025, 2)")


def test_users_make_only_months_that_records_may_have(as_user: Act, database: Connection, user: UUID) -> None:
    asked = "array[date '2019-12-31', '2020-01-31', (now() + interval '30 months')::date]"
    assert as_user(user).execute(f"select public.ensure_months({asked})").fetchone() == (1,)
    assert "cost_records_2020_01" in months(database)


def test_what_happened_while_a_month_was_archived_happens_to_it_when_it_comes_back(
    service: Connection, as_user: Act, user: UUID
) -> None:
    person = as_user(user)
    deleted, disabled, kept = (new_import(person) for _ in range(3))
    request = {"request_id": "req-1", "source_key": str(uuid4())}
    dated = {"day": "2025-02-10", "timestamp": "2025-02-10T12:00Z"}
    save(person, [record(timestamp="2025-02-10T12:00Z", cost_usd="1")], deleted)
    save(person, [record(timestamp="2025-02-10T12:00Z", cost_usd="10")], disabled)
    save(person, [record(cost_usd="100", **dated)], kept)
    save(person, [record(timestamp="2025-02-28T23:59Z", cost_usd="1000", input_tokens=9, **request)], kept)
    service.execute("select public.detach_partition(2025, 2)")

    person.execute("delete from public.imports where id = %s", [deleted])
    person.execute("update public.imports set is_enabled = false where id = %s", [disabled])
    person.execute("update public.user_preferences set timezone = 'Pacific/Kiritimati'")
    save(person, [record(timestamp="2025-03-01T00:00Z", cost_usd="999", **request)])
    service.execute("select public.attach_partition(2025, 2)")

    assert sum(total[0] for total in read_daily_costs(person).values()) == 1100
    assert {key[0] for key in read_daily_costs(person)} == {"2025-02-10", "2025-03-01"}
    assert read_daily_costs(person) == add_up(person)
    person.execute("update public.imports set is_enabled = true where id = %s", [disabled])
    assert sum(total[0] for total in read_daily_costs(person).values()) == 1110
    assert read_daily_costs(person) == add_up(person)


def test_an_archived_bill_that_was_deleted_no_longer_supersedes_estimates(
    service: Connection, as_user: Act, user: UUID
) -> None:
    person = as_user(user)
    bill, log = new_import(person), new_import(person)
    at = {"timestamp": "2025-02-10T12:00Z", "billing_account": "openai"}
    save(person, [record(cost_usd="5", cost_basis="billed", dataset="costs", **at)], bill)
    save(person, [record(cost_usd="3", cost_basis="estimated", **at)], log)
    service.execute("select public.detach_partition(2025, 2)")
    person.execute("delete from public.imports where id = %s", [bill])
    service.execute("select public.attach_partition(2025, 2)")
    assert sum(total[0] for total in read_daily_costs(person).values()) == 3
    assert read_daily_costs(person) == add_up(person)


def test_statements_of_a_source_enabled_while_their_month_was_archived_count_when_it_comes_back(
    service: Connection, as_user: Act, user: UUID
) -> None:
    person = as_user(user)
    source = new_import(person)
    save(person, [record(timestamp="2025-02-10T12:00Z", cost_usd="1")], source)
    person.execute("update public.imports set is_enabled = false")
    service.execute("select public.detach_partition(2025, 2)")
    person.execute("update public.imports set is_enabled = true")
    service.execute("select public.attach_partition(2025, 2)")
    assert sum(total[0] for total in read_daily_costs(person).values()) == 1
    assert read_daily_costs(person) == add_up(person)
