"""The search of a workspace with 1M records, alone and among 10M, and what it costs to save names.

Searches are those of people who type: beginnings, words, slips, ids, and what is nowhere. The baseline is the
plain look-up of one record by its key, which is an index and nothing else; the bar is on the milliseconds
that a palette has, and on how they grow. Names that are kept once are compared with what they replace: a
trigram index of the records themselves.
"""

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from statistics import median, quantiles

import psycopg

from bench.daily_costs import MODELS, USERS
from bench.measurement import Measurement, Options, in_milliseconds, seconds
from bench.schemas import Connection, Schema, fetch_value, make_schema
from tests.database.cluster import Cluster
from tests.database_fixtures import make_months

RECORDS, OTHERS, DAYS = 1_000_000, 9, 365
REPEATS, WARM_UP = 15, 3
SAVED, SAVES = 5_000, 15
P95_SECONDS, GROWTH_BAR, SAVING_BAR = 0.150, 1.5, 1.1
HEAVY, REQUEST = uuid.UUID(int=1), "msg_1_4242"
SEARCHES = {
    "nothing yet": "",
    "two letters": "gi",
    "the beginning of a session": "session-4f",
    "a word of many": "github",
    "words of few": "acme 7 codex",
    "a model with a slip": "antropic",
    "a session with a slip": "checkuot-agent",
    "a note": "invoice 3000",
    "an id of a request": REQUEST,
    "what is nowhere": "zebra-quixotic",
}

# Sessions of 50 requests with one model each, in time order; every 500th record has a note.
ADD_RECORDS = """
insert into public.cost_records (
    workspace_id, user_id, provider_id, timestamp, model_name, cost_usd, cost_basis, tokens_used,
    input_tokens, output_tokens, request_count, source_key, request_id, collection_method, metadata
)
select
    o.id, o.id, m.provider_id,
    date_trunc('day', now()) - n * interval '365 days' / %(records)s,
    m.model_name, n %% 9973 / 1e5, 'estimated', n %% 5700, n %% 5000, n %% 700, 1,
    private.request_identity('msg_' || o.nth || '_' || n), 'msg_' || o.nth || '_' || n, 'local_log',
    jsonb_build_object(
        'session', 'session-' || left(md5(o.nth || ' ' || n / 50), 12),
        'repository', 'github.com/acme/' || n / 50 %% 13, 'branch', 'feature-' || n / 500 %% 40,
        'agent', case n / 50 %% 3 when 0 then 'codex' else 'claude-code' end
    ) || case when n %% 500 = 0 then jsonb_build_object('note', 'invoice ' || n) else '{}' end
from (
    select nth, lpad(to_hex(nth), 32, '0')::uuid as id from generate_series(%(first)s, %(last)s) as nth
) as o
cross join generate_series(1, %(records)s) as n
inner join models as m on n / 50 %% 30 = m.nth
order by n desc"""

ADD_TRACES = """
insert into public.traces (workspace_id, trace_id, week, user_id, first_at, last_at, name, service, session)
select
    lpad(to_hex(o), 32, '0')::uuid, md5(o || ' ' || n), date '2026-01-05', lpad(to_hex(o), 32, '0')::uuid,
    date_trunc('day', now()) - n * interval '60 days' / %(traces)s,
    date_trunc('day', now()) - n * interval '60 days' / %(traces)s,
    (array['checkout-agent', 'answer', 'summarize', 'classify-ticket'])[1 + n %% 4] || n %% 10,
    'service-' || n %% 7, 'chat-' || n / 20
from generate_series(%(first)s, %(last)s) as o
cross join generate_series(1, %(traces)s) as n"""

# As the migration does with what is there already.
GATHER = """
do $$
declare
    ignored uuid[];
begin
    execute private.adding_names(
        'cost_records', 'select r.workspace_id, r.user_id, r.project_id, r.timestamp, r.metadata, 1 as n '
        'from public.cost_records as r where not exists '
        '(select from private.search_names as s where s.workspace_id = r.workspace_id)'
    ) into ignored;
    execute private.adding_names(
        'traces', 'select t.workspace_id, t.user_id, t.project_ids, t.last_at, t.name, t.service, t.session, '
        't.agent, 1 as n from public.traces as t where not exists '
        '(select from private.search_names as s where s.workspace_id = t.workspace_id)'
    ) into ignored;
    perform private.join_names(c.workspace_id)
    from (select distinct n.workspace_id from private.name_changes as n) as c;
end
$$"""
SIZES = """
select
    pg_total_relation_size('private.search_names'),
    (
        select sum(pg_relation_size(i.inhrelid))
        from pg_inherits as i
        where i.inhparent = 'bench_sessions'::regclass
    )"""
LOOK_UP = """
select id from public.cost_records
where workspace_id = %s and source_key = private.request_identity(%s) and request_id is not null"""
SAVE = "select public.save_cost_records(import_id => null, records => %s::json)"
TRIGRAMS = """
create index bench_sessions on public.cost_records
using gin (workspace_id, (metadata ->> 'session') extensions.gin_trgm_ops) where metadata ? 'session'"""


def measure(options: Options) -> Iterator[Measurement]:
    """Measure searches with and without others' records, the index that names replace, and saves."""
    with Cluster.embedded() as cluster, ExitStack() as opened:
        schemas = {name: make_schema(cluster, name=name) for name in ("alone", "among")}
        records = options.scaled(RECORDS)
        for name, schema in schemas.items():
            fill(schema, records, 1 if name == "alone" else 1 + OTHERS)
        people = {name: opened.enter_context(schema.act_as(HEAVY)) for name, schema in schemas.items()}
        owner = opened.enter_context(schemas["among"].connect())
        taken = _measure_searches(people, owner)
        look_ups = median(taken["look-up"])
        total = f"{records * (1 + OTHERS):,} records"
        for name in SEARCHES:
            value = median(taken[f"among {name}"])
            title = f"search among {total}, {name}, against a look-up by key"
            yield Measurement(title, value * 1000, "ms", look_ups * 1000, value / look_ups)
        among, alone = (
            _p95([each for name in SEARCHES for each in taken[f"{place} {name}"]])
            for place in ("among", "alone")
        )
        name = f"p95 of searches, {records:,} of {total}"
        yield in_milliseconds(f"{name}, against alone", among, alone, GROWTH_BAR)
        yield in_milliseconds(f"{name}, against the palette's time", among, P95_SECONDS, 1.0)
        admin = opened.enter_context(schemas["alone"].connect("supabase_admin"))
        yield _compare_sizes(admin, records)
        yield from _measure_saves(admin, people["alone"])


def fill(schema: Schema, records: int, people: int) -> None:
    """Add so many records of each person, and traces, with sums and names as after a while."""
    with schema.connect("supabase_admin") as admin:
        admin.execute(USERS)
        admin.execute(MODELS)
        today = datetime.now(UTC).date()
        make_months(admin, today - timedelta(days=DAYS + 1), today + timedelta(days=1))
        for person in range(1, 1 + people):
            _add_person(admin, person, records)
        for view in ("cost_records_daily", "divided_days"):
            admin.execute(f"refresh materialized view private.{view}".encode())
            admin.execute(f"vacuum (analyze) private.{view}".encode())
        admin.execute("vacuum (analyze) public.cost_records, public.traces, private.search_names")


def _add_person(admin: Connection, person: int, records: int) -> None:
    admin.execute("set session_replication_role = replica")  # no marks of days: all is refreshed
    values = {"first": person, "last": person, "records": records, "traces": max(records // 10, 1)}
    cursor = psycopg.ClientCursor(admin)
    cursor.execute(ADD_RECORDS, values)
    cursor.execute(ADD_TRACES, values)
    admin.execute("set session_replication_role = origin")
    admin.execute(GATHER)


def search(person: Connection, asked: str) -> int:
    """The number of results, as the palette asks for them."""
    found = fetch_value(person, "select public.search(%s, %s)", HEAVY, asked)
    return len(found)


def _measure_searches(people: dict[str, Connection], owner: Connection) -> dict[str, list[float]]:
    """Seconds of each search in both places, and of the look-up, which take turns."""
    actions: dict[str, Callable[[], object]] = {
        "look-up": partial(fetch_value, owner, LOOK_UP, HEAVY, REQUEST)
    }
    for name, asked in SEARCHES.items():
        for place, person in people.items():
            assert (search(person, asked) > 0) == (name != "what is nowhere"), name
            actions[f"{place} {name}"] = partial(search, person, asked)
    taken: dict[str, list[float]] = {name: [] for name in actions}
    for turn in range(WARM_UP + REPEATS):
        for name, action in actions.items():
            spent = seconds(action)
            if turn >= WARM_UP:
                taken[name].append(spent)
    return taken


def _compare_sizes(admin: Connection, records: int) -> Measurement:
    admin.execute(TRIGRAMS)
    [sizes] = admin.execute(SIZES).fetchall()
    admin.execute("drop index public.bench_sessions")
    names, trigrams = (float(size) / 1e6 for size in sizes)
    title = f"names of {records:,} records, against a trigram index of sessions alone"
    return Measurement(title, names, "MB", trigrams, names / trigrams)


def _measure_saves(admin: Connection, person: Connection) -> Iterator[Measurement]:
    """Saves of new records without names, with them, and with the index in their place.

    Sessions have 50 requests: each save begins 100.
    """
    taken: dict[str, list[float]] = {"nothing": [], "names": [], "a trigram index": []}
    for turn in range(3 * SAVES):
        kind = list(taken)[turn % 3]
        change = f"{'enable' if kind == 'names' else 'disable'} trigger cost_records_names_inserted"
        admin.execute(f"alter table public.cost_records {change}".encode())
        if kind == "a trigram index":
            admin.execute(TRIGRAMS)
        save = partial(fetch_value, person, SAVE, json.dumps(_make_batch(turn)))
        taken[kind].append(seconds(save))
        admin.execute("drop index if exists public.bench_sessions")
    without, names, trigrams = map(median, taken.values())
    yield in_milliseconds(f"saving {SAVED:,} records with names, against without", names, without, SAVING_BAR)
    name = f"saving {SAVED:,} records with a trigram index instead"
    yield Measurement(name, trigrams * 1000, "ms", without * 1000, trigrams / without)


def _make_batch(turn: int) -> dict[str, list[object]]:
    start = datetime.now(UTC) - timedelta(hours=5)
    return {
        "provider": ["openai"] * SAVED,
        "timestamp": [(start + timedelta(seconds=n)).isoformat() for n in range(SAVED)],
        "model_name": ["gpt-5.2"] * SAVED,
        "cost_usd": ["0.01"] * SAVED,
        "source_key": [str(uuid.uuid4()) for _ in range(SAVED)],
        "metadata": [{"session": f"new-{turn}-{n // 50}", "agent": "codex"} for n in range(SAVED)],
    }


def _p95(taken: list[float]) -> float:
    return quantiles(taken, n=20)[-1]
