"""Every column that a caller or the nightly run writes has a bound: no row can harm another tenant."""

import psycopg
import pytest

from tests.database_fixtures import Connection, make_months

# Set by the database alone: now() and the ids that it makes.
SET_BY_THE_DATABASE = {"created_at", "updated_at", "joined_at", "id", "run_id", "actor_id", "row_id"}

OUTSIDE_ALL_MONTHS = {"timestamp = 'infinity'", "timestamp = '2019-12-31'"}

UNBOUNDED = """
select c.oid::regclass::text, a.attname
from pg_attribute as a
inner join pg_class as c on a.attrelid = c.oid
inner join pg_type as t on a.atttypid = t.oid
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and a.attnum > 0
    and not a.attisdropped and t.typname not in ('bool', 'uuid')
    and not exists (
        select from pg_constraint as k
        where k.conrelid = c.oid and k.contype = 'c' and a.attnum = any (k.conkey)
    )"""


def find_unbounded(database: Connection) -> list[tuple[str, str]]:
    """Columns of public tables that no CHECK names."""
    return [
        (table, column)
        for table, column in database.execute(UNBOUNDED).fetchall()
        if column not in SET_BY_THE_DATABASE
    ]


def test_every_column_has_a_bound(database: Connection) -> None:
    assert find_unbounded(database) == []


def test_column_without_a_bound_is_found(database: Connection) -> None:
    database.execute("alter table public.imports add column notes text")
    assert find_unbounded(database) == [("imports", "notes")]


WITHOUT_LAST_YEAR = """
select c.oid::regclass::text, a.attname
from pg_attribute as a
inner join pg_class as c on a.attrelid = c.oid
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and a.attnum > 0
    and a.atttypid in ('date'::regtype, 'timestamptz'::regtype)
    and not c.relispartition
    and (
        has_column_privilege('authenticated', c.oid, a.attnum, 'insert')
        or has_column_privilege('authenticated', c.oid, a.attnum, 'update')
    )
    and not exists (
        select from pg_constraint as k
        where k.conrelid = c.oid and k.contype = 'c' and a.attnum = any (k.conkey)
            and pg_get_constraintdef(k.oid) ~ (a.attname || ' <= .2100-01-01')
    )"""

# A record's months are partitions, which exist for a year ahead at most; its day is that of its timestamp.
BOUNDED_OTHERWISE = {("cost_records", "timestamp"), ("cost_records", "day")}


def test_every_written_date_has_a_last_year(database: Connection) -> None:
    assert set(database.execute(WITHOUT_LAST_YEAR).fetchall()) == BOUNDED_OTHERWISE


@pytest.mark.parametrize(
    "change",
    [
        "timestamp = 'infinity'",
        "timestamp = '2019-12-31'",
        "timestamp = now() + interval '2 years'",
        "input_tokens = 1000000000000001",
        "cost_usd = 'NaN'",
        "project_id = '00000000-0000-0000-0000-000000000000'",
        "day = '2026-05-02'",
        "metadata = jsonb_build_object('note', (select jsonb_agg(n) from generate_series(1, 5000) as n))",
    ],
)
def test_record_out_of_bounds_is_refused(database: Connection, user: object, change: str) -> None:
    make_months(database, "2026-05-01")
    database.execute(
        """select public.create_monthly_partition(
            extract(year from ahead)::integer, extract(month from ahead)::integer
        )
        from (select now() + interval '2 years' as ahead) as d"""
    )
    database.execute(
        """insert into public.cost_records
            (workspace_id, user_id, provider_id, timestamp, model_name, cost_usd)
        select %s, %s, id, '2026-05-01T12:00Z', 'm', 1 from public.providers where name = 'openai'""",
        [user, user],
    )
    refused = "no partition" if change in OUTSIDE_ALL_MONTHS else "violates check constraint"
    with pytest.raises(psycopg.errors.CheckViolation, match=refused):
        database.execute(f"update public.cost_records set {change}")


def test_sums_beyond_bigint_harm_nobody(database: Connection, user: object, stranger: object) -> None:
    make_months(database, "2026-05-01")
    database.execute(
        """insert into public.cost_records
            (workspace_id, user_id, provider_id, timestamp, model_name, cost_usd, tokens_used, source_key)
        select %s, %s, id, '2026-05-01T12:00Z', 'm', 1, 1000000000000000, gen_random_uuid()
        from public.providers, generate_series(1, 10000) where name = 'openai'""",
        [user, user],
    )
    database.execute(
        """insert into public.cost_records
            (workspace_id, user_id, provider_id, timestamp, model_name, cost_usd)
        select %s, %s, id, '2026-05-01T12:00Z', 'm', 1 from public.providers where name = 'openai'""",
        [stranger, stranger],
    )
    database.execute("select public.fold_stale_days()")
    database.execute("select public.refresh_cost_records_daily()")
    assert database.execute(
        "select max(total_tokens), count(*) from private.cost_records_daily"
    ).fetchone() == (2**63 - 1, 2)
