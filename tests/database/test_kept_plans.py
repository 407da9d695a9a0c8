"""What saves and changes of sources read, on connections whose plans are from when there was little."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from tally.core.records import identity
from tests.database.cluster import TEMPLATE, Cluster
from tests.database.test_saving import new_import, record, save
from tests.database_fixtures import Connection, Project, add_user, make_months

STATES = ("never analyzed", "analyzed while empty", "analyzed with few", "analyzed with another's")
BATCH = 40


def batches(first: int, number: int) -> list[list[dict[str, Any]]]:
    """Records of May: single lines, lines of a day, and requests in turn."""
    start = datetime(2026, 5, 1, tzinfo=UTC)
    kinds: tuple[dict[str, Any], ...] = (
        {},
        {"day": True},
        {"request_id": True},
        {"billing_account": "openai"},
    )

    def each(n: int) -> dict[str, Any]:
        at = start + timedelta(minutes=7 * n)
        values = dict(kinds[n % 4])
        values |= {"day": f"{at:%Y-%m-%d}"} if "day" in values else {}
        values |= {"request_id": f"req_{n}"} if "request_id" in values else {}
        return record(
            timestamp=at.isoformat(), source_key=str(UUID(int=n + 1)), cost_basis="estimated", **values
        )

    places = range(first, first + BATCH * number)
    return [[each(n) for n in places[at : at + BATCH]] for at in range(0, len(places), BATCH)]


def blocks_read(connection: Connection) -> int:
    """How many blocks of May's records, of superseded ones, of calls and of their indexes were ever read."""
    connection.execute("select pg_stat_force_next_flush()")
    found = connection.execute(
        """select sum(heap_blks_hit + heap_blks_read + idx_blks_hit + idx_blks_read)
        from pg_statio_all_tables
        where relname in ('cost_records_2026_05', 'superseded_records', 'telemetry_calls',
            'telemetry_links', 'traces')
        """
    ).fetchone()
    assert found is not None
    return int(found[0])


@pytest.fixture(scope="module", params=STATES)
def project(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[Project]:
    name = f"kept_plans_{STATES.index(request.param)}"
    cluster.clone(TEMPLATE, name)
    yield Project(cluster, name)
    cluster.drop(name)


@pytest.fixture(scope="module")
def experienced(project: Project) -> Iterator[Connection]:
    """A user whose connection has planned everything by statistics that no longer say anything."""
    state = STATES[int(project.name[-1])]
    with project.connect() as owner:
        users = [add_user(owner) for _ in range(2)]
        make_months(owner, "2026-05-01")
        analyze = (
            "vacuum (analyze) public.cost_records, public.superseded_records, public.imports,"
            " private.telemetry_calls, private.telemetry_links, public.traces, public.spans"
        )
        if state == "analyzed while empty":
            owner.execute(analyze)
        if state == "analyzed with another's":
            with project.act_as("authenticated", users[1]) as other:
                for source in (new_import(other), new_import(other)):
                    for each in batches(0, 10):
                        save(other, each, source)
            owner.execute(analyze)
        owner.execute("update public.workspaces set content_days = 30 where id = %s", [users[0]])
        with project.act_as("authenticated", users[0]) as person:
            for turn in range(8):
                if turn == 6 and state == "analyzed with few":
                    owner.execute(analyze)
                [few] = batches(6000 + 4 * turn, 1)
                sources = [new_import(person) for _ in range(2)]
                for source in sources:
                    save(person, few[:4], source)
                save(person, few[:4], sources[0])
                save_spans(person, f"{turn}", 4)
                change_source(person, sources[0])
            yield person


def change_source(person: Connection, source: UUID) -> tuple[int, ...]:
    """Exclude a source, include it, and delete it; how many blocks each took."""
    read = [blocks_read(person)]
    for change in (
        "public.set_source_enabled(%s, false)",
        "public.set_source_enabled(%s, true)",
        "public.delete_source(%s)",
    ):
        person.execute(f"select {change}".encode(), [source])
        read.append(blocks_read(person))
    return tuple(after - before for before, after in pairwise(read))


def save_spans(person: Connection, name: str, number: int) -> int:
    """Save as many traces of two spans each with what was said, and again; how many blocks that took."""
    before = blocks_read(person)
    ids = [identity(name, n).hex for n in range(number)]
    at = datetime.now(UTC).isoformat()
    spans = [
        {"trace_id": each, "span_id": span_id, "started_at": at, "name": "step"}
        for each in ids
        for span_id in ("a" * 16, "b" * 16)
    ]
    said = [
        {"trace_id": each["trace_id"], "span_id": each["span_id"], "content": {"prompt": "p"}}
        for each in spans
    ]
    for _ in range(2):
        person.execute("select public.save_spans(%s)", [json.dumps(spans)])
        person.execute("select public.save_contents(%s)", [json.dumps(said)])
    return blocks_read(person) - before


FILL_TRACES = """
insert into public.traces (workspace_id, trace_id, week, user_id, first_at, last_at)
select auth.uid(), md5(n::text), date_trunc('week', now() at time zone 'UTC'), auth.uid(), now(), now()
from generate_series(1, 20000) as n"""
FILL = """
insert into {table}
    (workspace_id, user_id, import_id, provider_id, timestamp, model_name, cost_usd, source_key)
select i.workspace_id, i.user_id, i.id, p.id, timestamptz '2026-05-20' + n * interval '45 seconds', 'm', 1,
    gen_random_uuid()
from generate_series(1, 20000) as n
inner join public.imports as i on i.id = '{source}'
inner join public.providers as p on p.name = (array['openai', 'google', 'anthropic'])[1 + n % 3]"""


FILL_CALLS = """
with calls as (
    insert into private.telemetry_calls (workspace_id, id, import_id, trace, names, call)
    select i.workspace_id, gen_random_uuid(), i.id, gen_random_uuid(), array[gen_random_uuid()], '{{}}'
    from generate_series(1, 20000) as n
    inner join public.imports as i on i.id = '{source}'
    returning workspace_id, id, trace
)

insert into private.telemetry_links (workspace_id, trace, id, spans, parents, labels)
select c.workspace_id, c.trace, c.id, array['a'], array['b'], '{{}}' from calls as c"""


class Services:
    """What a service sent, as the process that answers programs reads and writes it."""

    def __init__(self, connection: Connection, user: UUID) -> None:
        self.connection, self.user = connection, user
        claims = json.dumps({"role": "authenticated", "sub": str(user)})
        connection.execute("select set_config('request.jwt.claims', %s, false)", [claims])
        query = """insert into public.imports (workspace_id, user_id, kind, filename, format)
            values (%s, %s, 'key', 'service', 'telemetry') returning id"""
        [[self.source]] = connection.execute(query, [user, user]).fetchall()

    def send(self, sent: list[dict[str, Any]]) -> None:
        """Load what is known of calls, store them, label them, and take some of them back."""
        keys = [UUID(each["source_key"]) for each in sent]
        moments = [each["timestamp"] for each in sent]
        self.call("load_known_calls(%s, %s, %s)", keys, keys)
        calls = [
            {
                "id": str(key),
                "import_id": str(self.source),
                "trace": str(key),
                "names": [str(key)],
                "call": {},
                "counted_key": str(key),
                "counted_at": at,
                "labels": ["", "", ""],
            }
            for key, at in zip(keys, moments, strict=True)
        ]
        links = [
            {"trace": str(key), "id": str(key), "spans": ["a"], "parents": ["b"], "labels": {}}
            for key in keys
        ]
        self.call("store_known_calls(%s, %s, %s)", json.dumps(calls), json.dumps(links))
        self.call("label_calls(%s, %s, %s, %s)", keys, moments, json.dumps([{"agent": "a"} for _ in keys]))
        self.call(
            "take_back_calls(%s, %s, %s, %s, %s)", [self.source] * 3, keys[:3], moments[:3], [UUID(int=1)]
        )

    def call(self, function: str, *values: object) -> None:
        self.connection.execute(f"select private.{function}".encode(), [self.user, *values])


def test_what_a_save_reads_does_not_grow_with_the_workspace(
    project: Project, experienced: Connection
) -> None:
    """Of new records, of those that their source sends again, that another source knows, and of telemetry."""
    sources = [new_import(experienced) for _ in range(2)]
    [[user]] = experienced.execute("select auth.uid()").fetchall()
    with project.connect("supabase_admin") as admin, project.connect("supabase_admin") as api:
        services = Services(api, user)

        def read(sent: list[dict[str, Any]]) -> list[int]:
            taken = [blocks_read(experienced)]
            for source in (sources[0], sources[0], sources[1]):
                save(experienced, sent, source)
                taken.append(blocks_read(experienced))
            save(experienced, sent, services.source)
            taken.append(blocks_read(experienced))
            services.send(sent)
            taken.append(blocks_read(api))
            return [after - before for before, after in pairwise(taken)]

        for first in (2000, 3000):
            before = read(batches(first, 1)[0])
        admin.execute("set session_replication_role = replica")
        source = new_import(experienced)
        for table in ("public.cost_records", "public.superseded_records"):
            admin.execute(FILL.format(table=table, source=source).encode())
        admin.execute(FILL_CALLS.format(source=source).encode())
        blocks_read(admin)  # its own are counted before those of the next save
        after = read(batches(4000, 1)[0])
    # Indexes have become deeper.
    assert [large <= 2.5 * small + 100 for small, large in zip(before, after, strict=True)] == [True] * 5, (
        before,
        after,
    )


def test_what_a_save_of_spans_reads_does_not_grow_with_the_workspace(
    project: Project, experienced: Connection
) -> None:
    """Neither of new ones nor of those that are there already."""
    for name in ("first", "second"):
        before = save_spans(experienced, name, BATCH)
    [[claims]] = experienced.execute("select current_setting('request.jwt.claims')").fetchall()
    with project.connect("supabase_admin") as admin:
        admin.execute("select set_config('request.jwt.claims', %s, false)", [claims])
        admin.execute("set session_replication_role = replica")
        admin.execute(FILL_TRACES)
        blocks_read(admin)  # its own are counted before those of the next save
    after = save_spans(experienced, "third", BATCH)
    assert after <= 2.5 * before + 100, (before, after)


def test_what_a_change_of_a_source_reads_grows_with_its_records_alone(experienced: Connection) -> None:
    """Each record of it is read some times, however many there are."""
    taken = []
    for first, number in ((0, 3), (1000, 12)):
        files = [new_import(experienced) for _ in range(2)]
        for source in files:
            for each in batches(first, number):
                save(experienced, each, source)
        taken.append([read / number for read in change_source(experienced, files[1])])
    assert [large <= 1.6 * small for small, large in zip(*taken, strict=True)] == [True] * 3, taken
