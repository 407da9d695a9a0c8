"""Every query for records uses an index, according to its plan."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.database.cluster import TEMPLATE, Cluster
from tests.database.test_saving import record, save
from tests.database_fixtures import Connection, Project, add_user, make_months

# In the order in which records come in: by time, everybody's mixed.
RECORDS = """
insert into public.cost_records
    (workspace_id, user_id, provider_id, timestamp, model_name, cost_usd, source_key, import_id, project_id)
select u.id, u.id, p.id, timestamptz '2026-06-01' + n * interval '20 seconds', 'm', 1, gen_random_uuid(),
    case when n % 40 = 0 then %(import_id)s::uuid end,
    case when n % 4000 = 0 then '00000000-0000-0000-0000-000000000001'::uuid end
from generate_series(1, 240000) as n
inner join (select id, row_number() over (order by id) - 1 as nth from auth.users) as u on u.nth = n % 40
inner join public.providers as p
    on p.name = case
        when n / 40 % 10 > 0 then 'openai' when n / 40 % 200 = 0 then 'mistral' else 'anthropic'
    end
order by n"""


@pytest.fixture(scope="module")
def filled(cluster: Cluster) -> Iterator[Connection]:
    """Two months of forty users."""
    cluster.clone(TEMPLATE, "filled")
    with cluster.connect("filled", "supabase_admin") as connection:
        people = [add_user(connection) for _ in range(40)]
        make_months(connection, "2026-06-01", "2026-07-31")
        connection.execute("set session_replication_role = replica")
        row = connection.execute(
            """insert into public.imports (workspace_id, user_id, filename, format, file_sha256)
            values (%s, %s, 'f', 'f', repeat('0', 64)) returning id""",
            [min(people, key=str)] * 2,
        ).fetchone()
        assert row is not None
        connection.cursor().execute(RECORDS.replace("%(import_id)s", f"'{row[0]}'"))
        connection.execute("vacuum (analyze) public.cost_records")
        yield connection
    cluster.drop("filled")


def explain(connection: Connection, query: str, *values: object) -> list[dict[str, Any]]:
    """The plan's nodes, the root first."""
    found = connection.execute(f"explain (analyze, format json, timing off) {query}", values).fetchone()
    assert found is not None
    nodes, left = [], [found[0][0]["Plan"]]
    while left:
        node = left.pop(0)
        nodes.append(node)
        left += node.get("Plans", [])
    return nodes


def indexes_used(nodes: list[dict[str, Any]]) -> set[str]:
    """The columns of the indexes on the months that have rows."""
    used = {node["Index Name"] for node in nodes if "Index Name" in node and node["Actual Rows"]}
    return {name.removeprefix("cost_records_2026_06_").removeprefix("cost_records_2026_07_") for name in used}


def full_scans(nodes: list[dict[str, Any]]) -> list[str]:
    """Months that a plan reads in full."""
    scans = [node for node in nodes if node["Node Type"] == "Seq Scan" and node["Actual Loops"]]
    return [
        node["Relation Name"] for node in scans if node["Actual Rows"] or node.get("Rows Removed by Filter")
    ]


def somebody(connection: Connection) -> UUID:
    found = connection.execute("select min(workspace_id::text)::uuid from public.cost_records").fetchone()
    assert found is not None
    user_id: UUID = found[0]
    return user_id


def provider(connection: Connection, name: str) -> UUID:
    found = connection.execute("select id from public.providers where name = %s", [name]).fetchone()
    assert found is not None
    provider_id: UUID = found[0]
    return provider_id


def test_a_users_time_range_newest_first(filled: Connection) -> None:
    nodes = explain(
        filled,
        """select * from public.cost_records
        where workspace_id = %s and timestamp >= '2026-06-10' and timestamp < '2026-07-10'
        order by timestamp desc limit 50""",
        somebody(filled),
    )
    assert indexes_used(nodes) == {"workspace_id_timestamp_source_key_key"}
    assert not any(node["Node Type"] == "Sort" for node in nodes)
    assert full_scans(nodes) == []


@pytest.mark.parametrize("name", ["openai", "mistral"])
def test_a_users_newest_rows_at_a_provider(filled: Connection, name: str) -> None:
    nodes = explain(
        filled,
        """select * from public.cost_records where workspace_id = %s and provider_id = %s
        order by timestamp desc limit 20""",
        somebody(filled),
        provider(filled, name),
    )
    read = [
        node["Actual Rows"] + node.get("Rows Removed by Filter", 0) for node in nodes if "Index Name" in node
    ]
    assert sum(read) <= 100
    assert full_scans(nodes) == []


def test_a_projects_newest_rows(filled: Connection) -> None:
    nodes = explain(
        filled,
        """select * from public.cost_records where workspace_id = %s and project_id = %s
        order by timestamp desc limit 20""",
        somebody(filled),
        UUID(int=1),
    )
    assert indexes_used(nodes) == {"project_id_timestamp_idx"}
    assert full_scans(nodes) == []


def test_a_providers_time_range(filled: Connection) -> None:
    nodes = explain(
        filled,
        """select * from public.cost_records
        where provider_id = %s and timestamp >= '2026-06-10' and timestamp < '2026-06-11'""",
        provider(filled, "anthropic"),
    )
    assert indexes_used(nodes) & {"provider_id_workspace_id_timestamp_idx", "timestamp_idx"}
    assert full_scans(nodes) == []


def test_a_time_range_over_everyone(filled: Connection) -> None:
    nodes = explain(
        filled,
        """select * from public.cost_records
        where timestamp >= '2026-06-10 00:00Z' and timestamp < '2026-06-10 02:00Z'""",
    )
    assert indexes_used(nodes) == {"timestamp_idx"}
    assert full_scans(nodes) == []


def test_undoing_an_import(filled: Connection) -> None:
    nodes = explain(
        filled,
        """select id from public.cost_records
        where workspace_id = %s and import_id = (select id from public.imports)""",
        somebody(filled),
    )
    assert "import_id_idx" in indexes_used(nodes)
    assert full_scans(nodes) == ["imports"]


def test_unused_provider_is_found_by_an_index(filled: Connection) -> None:
    nodes = explain(
        filled,
        "select from public.cost_records where provider_id = %s for key share",
        provider(filled, "cohere"),
    )
    assert full_scans(nodes) == []
    assert sum(node.get("Rows Removed by Filter", 0) for node in nodes) == 0


def test_the_view_answers_from_its_index_alone(filled: Connection) -> None:
    filled.execute("refresh materialized view private.cost_records_daily")
    filled.execute("vacuum (analyze) private.cost_records_daily")
    nodes = explain(
        filled,
        """select date, provider, model_name, cost_basis, charge_type, total_cost_usd, total_tokens,
            total_input_tokens, total_output_tokens, total_cached_input_tokens, total_cache_write_tokens,
            total_requests, record_count, unpriced_count
        from private.cost_records_daily
        where workspace_id = %s and date >= '2026-06-10' and date <= '2026-06-20' order by date""",
        somebody(filled),
    )
    assert [node["Node Type"] for node in nodes] == ["Index Only Scan"]
    assert nodes[0]["Heap Fetches"] == 0


def test_data_is_large_enough_for_a_scan_to_show_in_plans(filled: Connection) -> None:
    found = filled.execute(
        "select count(*) from public.cost_records where timestamp < '2026-07-01'"
    ).fetchone()
    assert found is not None
    assert found[0] > 100_000
    assert full_scans(explain(filled, "select * from public.cost_records where cost_usd = 2")) != []


def tuples_read(connection: Connection, month: str) -> tuple[int, int]:
    """How many entries were read of a month's table, and of its indexes, since its start."""
    connection.execute("select pg_stat_force_next_flush()")
    found = connection.execute(
        """select t.seq_tup_read, sum(i.idx_tup_read)
        from pg_stat_all_tables as t
        inner join pg_stat_all_indexes as i using (relid)
        where t.relname = %s
        group by t.seq_tup_read""",
        [month],
    ).fetchone()
    assert found is not None
    table, indexes = found
    return table, int(indexes)


@pytest.fixture
def vacuumed(project: Project) -> Iterator[Connection]:
    """A user of a database whose May was empty when it was vacuumed: any plan would do for it."""
    with project.connect() as owner:
        user = add_user(owner)
        make_months(owner, "2026-05-01")
        owner.execute("vacuum (analyze) public.cost_records")
    with project.act_as("authenticated", user) as person:
        yield person


@pytest.mark.new_database
def test_saves_into_a_month_that_was_empty_read_none_of_its_other_records(vacuumed: Connection) -> None:
    start = datetime(2026, 5, 1, tzinfo=UTC)
    for hour in range(20):
        save(
            vacuumed,
            [record(timestamp=(start + timedelta(hours=hour, minutes=n)).isoformat()) for n in range(50)],
        )
    assert tuples_read(vacuumed, "cost_records_2026_05") == (0, 0)


@pytest.mark.new_database
def test_performance_of_models_reads_none_of_the_records_that_were_imported(vacuumed: Connection) -> None:
    """Also on a connection that has asked when there were none."""
    start = datetime(2026, 5, 1, tzinfo=UTC)
    told = {
        "collection_method": "otlp",
        "cost_basis": "estimated",
        "metadata": {"inference": {"status": "ok"}},
    }
    ask = "select public.model_performance(null, %s, %s, 'day') ->> 'requests'"
    period = [start, start + timedelta(days=2)]
    for _ in range(10):
        vacuumed.execute(ask, period)
    moments = [(start + timedelta(minutes=n)).isoformat() for n in range(2000)]
    save(vacuumed, [record(timestamp=at) for at in moments])
    save(vacuumed, [record(timestamp=at) | told for at in moments[:20]])
    before = tuples_read(vacuumed, "cost_records_2026_05")
    assert vacuumed.execute(ask, period).fetchone() == ("20",)
    after = tuples_read(vacuumed, "cost_records_2026_05")
    assert after[0] == before[0]
    assert after[1] - before[1] <= 100


@pytest.mark.new_database
def test_session_reads_the_records_of_its_days(vacuumed: Connection) -> None:
    """Also on a connection that has asked when there were none."""
    start = datetime(2026, 5, 1, tzinfo=UTC)
    ask = "select public.agent_session(null, 'mine') ->> 'requests'"
    for _ in range(10):
        vacuumed.execute(ask)
    made = [
        record(
            timestamp=(start + timedelta(minutes=nth)).isoformat(),
            metadata={"session": f"other {nth % 7}"},
            request_count=1,
        )
        for nth in range(2000)
    ]
    at = (start + timedelta(days=20)).isoformat()
    mine = [record(timestamp=at, metadata={"session": "mine"}, request_count=1) for _ in range(20)]
    save(vacuumed, [*made, *mine])
    before = tuples_read(vacuumed, "cost_records_2026_05")
    assert vacuumed.execute(ask).fetchone() == ("20",)
    after = tuples_read(vacuumed, "cost_records_2026_05")
    assert after[0] == before[0]
    assert after[1] - before[1] <= 200


@pytest.mark.new_database
def test_saves_of_known_records_into_such_a_month_read_each_once(vacuumed: Connection) -> None:
    start = datetime(2026, 5, 1, tzinfo=UTC)
    known = [record(timestamp=(start + timedelta(minutes=n)).isoformat()) for n in range(1000)]
    save(vacuumed, known)
    before = tuples_read(vacuumed, "cost_records_2026_05")
    assert save(vacuumed, known)["duplicate"] == 1000
    after = tuples_read(vacuumed, "cost_records_2026_05")
    assert after[0] == before[0]
    assert 1000 <= after[1] - before[1] <= 5000


def test_names_of_calls_are_written_into_their_records_alone(filled: Connection) -> None:
    owner = somebody(filled)
    some = (
        "(select * from public.cost_records where workspace_id = %(owner)s order by timestamp limit 100) as r"
    )
    label = f"""select private.label_calls(
        %(owner)s, array_agg(r.source_key), array_agg(r.timestamp), json_agg(%(names)s::json)) from {some}"""
    count = (
        "select sum(seq_tup_read + idx_tup_fetch) from pg_stat_xact_user_tables where relname ~ '_records'"
    )
    with filled.transaction(force_rollback=True):
        filled.execute("update public.imports set kind = 'key' where workspace_id = %s", [owner])
        filled.execute("select set_config('request.jwt.claims', %s, true)", [f'{{"sub": "{owner}"}}'])
        for names in ({"agent": "a"}, {"tool": "t"}):
            [[before]] = filled.execute(count).fetchall()
            filled.execute(label.encode(), {"owner": owner, "names": json.dumps(names)})
            [[after]] = filled.execute(count).fetchall()
            assert after - before < 1_000
            found = f"select r.metadata, count(*) from {some} group by 1"
            assert filled.execute(found.encode(), {"owner": owner}).fetchall() == [(names, 100)]


EXPLORED = """
insert into public.cost_records
    (workspace_id, user_id, provider_id, timestamp, model_name, cost_usd, source_key, metadata)
select %(user)s, %(user)s, p.id, timestamptz '2026-06-01' + n * interval '1 minute', 'm', 1,
    gen_random_uuid(),
    jsonb_build_object('session', md5((n / 50)::text), 'agent', 'codex', 'request', n)
from generate_series(1, 20000) as n
inner join public.providers as p on p.name = 'openai'"""
EXPLAIN_EXPLORING = """
create function pg_temp.explain_exploring(asked uuid) returns setof text language plpgsql as $$
declare
    question constant private.exploration := private.ask_exploration(row(
        asked, 'spend', '{session,agent}', '{}', '2026-06-01', '2026-06-20', 'day', 6,
        null, null, null, null, null, null, null
    )::private.exploration);
begin
    return query execute 'explain (costs off) ' || private.explored_query(question, false, array[]::text[])
    using question, null::private.stale_days[], null::date[], array[question.first_at];
end
$$"""


@pytest.mark.new_database
def test_explored_records_are_added_up_by_several_processes(project: Project) -> None:
    """Though each has metadata of its own, the planner does not expect as many groups as records."""
    with project.connect("supabase_admin") as connection:
        user = add_user(connection)
        make_months(connection, "2026-06-01", "2026-06-30")
        connection.execute("set session_replication_role = replica")
        connection.execute(EXPLORED, {"user": user})
        connection.execute("analyze public.cost_records")
        # As where there are many more records, starting processes costs little of the whole.
        connection.execute("set parallel_setup_cost = 0; set min_parallel_table_scan_size = 0")
        connection.execute("set parallel_tuple_cost = 0.02")  # as of the function
        connection.execute(EXPLAIN_EXPLORING)
        plan = connection.execute("select pg_temp.explain_exploring(%s)", [user]).fetchall()
    lines = "\n".join(line for (line,) in plan)
    assert "Finalize HashAggregate" in lines, lines
    assert "Parallel Seq Scan on cost_records_2026_06" in lines, lines
