"""No account can add rows without end: each table that people fill has a bound that holds for every door."""

from collections.abc import Callable
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from tests.database.access import another_row
from tests.database.teams import make_team, race
from tests.database.test_saving import new_import, record, save
from tests.database_fixtures import Connection, Project

Act = Callable[[UUID], Connection]

# Rows of one workspace, and how a row differs from the others.
BOUNDED: dict[str, tuple[int, dict[str, str]]] = {
    "api_credentials": (50, {"credential_name": "'c' || n"}),
    "api_keys": (100, {"key_hash": "sha256(n::text::bytea)"}),
    "channels": (20, {"name": "'c' || n"}),
    "billing_accounts": (1_000, {"account": "'openai:' || n"}),
    "budgets": (2_500, {"name": "'b' || n"}),
    "custom_models": (1_000, {"model_name": "'m' || n"}),
    "experiments": (500, {"name": "'e' || n"}),
    "imports": (5_000, {"filename": "'f' || n"}),
    "invoices": (2_000, {"number": "'n' || n"}),
    "invitations": (1_000, {"email": "n || '@example.org'", "token_sha256": "sha256(n::text::bytea)"}),
    "members": (1_000, {"user_id": "md5(n::text)::uuid"}),
    "model_aliases": (2_000, {"name": "'m' || n"}),
    "model_prices": (2_000, {"model_name": "'m' || n"}),
    "price_multipliers": (500, {"billing_account": "'openai:' || n"}),
    "prompt_deployments": (10_000, {"share": "1 + n % 99"}),
    "prompt_versions": (10_000, {"number": "n"}),
    "prompts": (2_000, {"name": "'p' || n"}),
    "statement_lines": (5_000, {"identity": "encode(sha256(n::text::bytea), 'hex')"}),
    "provider_jobs": (20_000, {"told_id": "n::text"}),
    "sql_roles": (10, {"role_name": "'tally_bi_' || left(md5(n::text), 12)"}),
    "subscriptions": (200, {"plan_name": "'p' || n"}),
}
# The others, with the reason why they end by themselves.
END_OTHERWISE = {
    "advice": "50 open ones by the nightly run, 5,000 by bring_advice; old ones are forgotten",
    "alert_events": "written by jobs alone, one for each cause, and forgotten in the end",
    "anomalies": "written by the nightly run alone",
    "audit_logs": "written by the database alone, an entry for each change",
    "budget_channels": "channels of budgets, both of which are bounded",
    "budget_thresholds": "10 of each budget",
    "cost_records": "with superseded records up to private.max_statements(); a file has up to 500,000 rows",
    "deliveries": "one of each event and channel; 20 tests an hour, forgotten after 30 days",
    "delivery_attempts": "a few of each delivery",
    "experiment_runs": "40,000 of each experiment, by private.check_run_count",
    "experiment_variants": "6 of each experiment, by private.check_variants",
    "forecast_results": "written by the nightly run alone",
    "forecast_totals": "written by the nightly run alone",
    "invoice_lines": "200 of each invoice",
    "job_runs": "written by the nightly run alone",
    "person_aliases": "2,000 by set_aliases",
    "project_members": "members of projects, both of which are bounded",
    "project_rules": "200 by set_rules",
    "projects": "10,000 by private.check_project_limits",
    "scores": "50 of each run, by private.keep_scores",
    "spans": "private.max_spans() by save_spans, 10,000 of each trace",
    "superseded_records": "with cost_records",
    "traces": "each has a span",
    "user_preferences": "one row of each user",
    "workspaces": "100 of each owner by create_workspace",
}

FEWER = """
create or replace function private.max_statements()
returns bigint language sql immutable as 'select 10::bigint'"""

OF_PEOPLE = """
select c.relname
from pg_class as c
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
    and (
        has_any_column_privilege('authenticated', c.oid, 'insert')
        or c.relname = 'workspaces'
        or exists (
            select from pg_attribute as a
            where a.attrelid = c.oid and a.attname = 'workspace_id' and not a.attisdropped
        )
    )"""


def test_every_table_of_people_has_a_bound_or_a_reason_for_none(database: Connection) -> None:
    tables = {table for (table,) in database.execute(OF_PEOPLE).fetchall()}
    assert tables == set(BOUNDED) | set(END_OTHERWISE)
    assert not set(BOUNDED) & set(END_OTHERWISE)


def fill(database: Connection, table: str, workspace: UUID, user: UUID, numbers: range) -> None:
    """Add a row for each number, in one statement."""
    row = another_row(database, table, user, workspace)
    first, last = numbers[0], numbers[-1]
    if table == "members":
        database.execute(
            """insert into auth.users (id, email)
            select md5(n::text)::uuid, n || '@example.com' from generate_series(%s::integer, %s) as n""",
            [first, last],
        )
    varied = BOUNDED[table][1]
    values = [sql.SQL(varied[name]) if name in varied else sql.Literal(value) for name, value in row.items()]
    database.execute(
        sql.SQL("insert into public.{} ({}) select {} from generate_series({}, {}) as n").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join(values),
            first,
            last,
        )
    )


# As a change of a row by `on conflict do update` begins: with a row that turns out to be there.
AGAIN = sql.SQL(
    """insert into public.{table} select * from public.{table} where workspace_id = %s limit 1
    on conflict do nothing"""
)


@pytest.mark.parametrize("table", BOUNDED)
def test_row_beyond_the_bound_is_refused_in_a_sentence(
    project: Project, database: Connection, table: str
) -> None:
    team = make_team(project, database, "owner")
    bound = BOUNDED[table][0]
    last = bound - 1 if table == "members" else bound  # the owner is there
    fill(database, table, team.id, team["owner"].id, range(1, last))
    with pytest.raises(psycopg.Error) as refused, database.transaction():
        fill(database, table, team.id, team["owner"].id, range(last, last + 2))
    assert str(refused.value.diag.message_primary).startswith(f"A workspace can have {bound:,} ")
    assert str(refused.value.diag.message_primary).endswith(".")
    assert refused.value.diag.sqlstate == "22023"
    fill(database, table, team.id, team["owner"].id, range(last, last + 1))
    database.execute(AGAIN.format(table=sql.Identifier(table)), [team.id])
    other = make_team(project, database, "admin")
    fill_one(database, table, other.id, other["admin"].id)


def fill_one(database: Connection, table: str, workspace: UUID, user: UUID) -> None:
    """Add a row to a workspace beside one that is full."""
    row = another_row(database, table, user, workspace)
    if table == "members":
        [[row["user_id"]]] = database.execute(
            "insert into auth.users (id, email) values (gen_random_uuid(), 'x@example.net') returning id"
        ).fetchall()
    names, values = map(sql.Identifier, row), map(sql.Literal, row.values())
    database.execute(
        sql.SQL("insert into public.{} ({}) values ({})").format(
            sql.Identifier(table), sql.SQL(", ").join(names), sql.SQL(", ").join(values)
        )
    )


def test_two_at_once_do_not_pass_the_bound(project: Project, database: Connection) -> None:
    team = make_team(project, database, "owner", "admin")
    fill(database, "subscriptions", team.id, team["owner"].id, range(1, 200))
    add = """insert into public.subscriptions
            (workspace_id, provider_id, plan_name, amount_usd, started_on, ended_on, renewal_day)
        select %s, id, 'One more', 1, '2026-05-01', '2026-05-02', 9
        from public.providers where name = 'chatgpt'"""
    outcomes = race(
        *(lambda person=person: person.connection.execute(add, [team.id]) for person in team.people.values())
    )
    assert sum(isinstance(outcome, psycopg.Error) for outcome in outcomes) == 1
    assert database.execute("select count(*) from public.subscriptions").fetchone() == (200,)


def count_statements(database: Connection) -> dict[UUID, int]:
    query = "select workspace_id, sum(statements)::integer from private.record_counts group by 1"
    return dict(database.execute(query).fetchall())


def test_statements_are_counted_through_every_change(
    database: Connection, as_user: Act, user: UUID, stranger: UUID
) -> None:
    for person in (as_user(user), as_user(stranger)):
        source = new_import(person)
        save(person, [record(request_id=f"r{n}") for n in range(7)], source)
        save(person, [record(request_id="r1"), record(request_id="other")])
        assert_counted(database)
        person.execute("select public.set_source_enabled(%s, false)", [source])
        assert_counted(database)
    person.execute("select public.delete_source(%s)", [source])
    assert_counted(database)
    database.execute("delete from auth.users where id = %s", [user])
    assert_counted(database)
    assert set(count_statements(database)) == {stranger}


def assert_counted(database: Connection) -> None:
    """The kept counts are those of the tables."""
    found = database.execute(
        """select workspace_id, count(*)
        from (
            select workspace_id from public.cost_records
            union all select workspace_id from public.superseded_records
        ) as s group by 1"""
    ).fetchall()
    assert {key: count for key, count in count_statements(database).items() if count} == dict(found)


def test_records_beyond_the_bound_are_refused_until_some_are_deleted(
    database: Connection, as_user: Act, user: UUID, stranger: UUID
) -> None:
    person, other = as_user(user), as_user(stranger)
    database.execute(FEWER.encode())
    save(person, [record(request_id=f"r{n}") for n in range(10)])
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="can hold 10 records at most"):
        save(person, [record(request_id="one more")])
    save(other, [record()])
    person.execute("delete from public.cost_records where request_id = 'r1'")
    assert save(person, [record(request_id="one more")])["inserted"] == 1


def test_all_that_adds_nothing_works_in_a_full_workspace(
    database: Connection, as_user: Act, user: UUID
) -> None:
    person = as_user(user)
    first, second = new_import(person), new_import(person)
    events = [record(request_id=f"r{n}", source_key=str(uuid4())) for n in range(5)]
    for source in (first, second):
        save(person, events, source)
    database.execute(FEWER.encode())
    for source in (first, second):
        person.execute("select public.set_source_enabled(%s, false)", [source])
        person.execute("select public.set_source_enabled(%s, true)", [source])
        newer = [event | {"output_tokens": 500} for event in events]
        assert save(person, newer, source)["inserted"] == 0
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="can hold 10 records at most"):
        save(person, events, new_import(person))  # nothing that counts, but more statements
    assert_counted(database)
    person.execute("select public.delete_source(%s)", [second])
    assert count_statements(database) == {user: 5}
    assert_counted(database)


def test_months_that_left_without_a_deletion_make_room(
    database: Connection, as_user: Act, user: UUID
) -> None:
    person = as_user(user)
    database.execute(FEWER.encode())
    save(person, [record(request_id=f"r{n}") for n in range(9)])
    database.execute("update private.record_counts set statements = 100")
    assert len(count_statements(database)) == 1
    assert save(person, [record(request_id="one more")])["inserted"] == 1
    assert count_statements(database) == {user: 10}


def test_many_counts_become_one(database: Connection, as_user: Act, user: UUID) -> None:
    person = as_user(user)
    save(person, [record()])
    database.execute(
        "insert into private.record_counts select %s, (-1) ^ n from generate_series(1, 500) as n", [user]
    )
    save(person, [record()])
    assert database.execute("select count(*) from private.record_counts").fetchone() == (1,)
    assert count_statements(database) == {user: 2}


def test_a_month_that_comes_back_is_counted(database: Connection, as_user: Act, user: UUID) -> None:
    person = as_user(user)
    save(person, [record(request_id=f"r{n}") for n in range(9)])
    database.execute("select public.detach_partition(2026, 5)")
    database.execute("select private.recount_statements(%s)", [user])
    assert not count_statements(database)[user]
    database.execute("select public.attach_partition(2026, 5)")
    assert_counted(database)
