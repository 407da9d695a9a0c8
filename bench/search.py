"""The search of a workspace with 1M records, alone and among 10M, and what it costs to save names.

Searches are those of people who type: beginnings, words, slips, ids, and what is nowhere. The baseline is the
plain look-up of one record by its key, which is an index and nothing else; the bar is on the milliseconds
that a palette has, and on how they grow. Names that are kept once are compared with what they replace: a
trigram index of the records themselves.
"""

import json
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from statistics import median, quantiles

import psycopg

from bench.daily_costs import MODELS, USERS
from bench.measurement import Measurement, Options, in_milliseconds, interleaved, seconds
from bench.schemas import Connection, Schema, fetch_value, make_schema
from tests.database.cluster import Cluster
from tests.database_fixtures import make_months

RECORDS, OTHERS, DAYS = 1_000_000, 9, 365
REPEATS, WARM_UP = 15, 3
SAVED, SAVES = 5_000, 15
P95_SECONDS, GROWTH_BAR, SAVING_BAR = 0.150, 1.5, 1.1
HEAVY = uuid.UUID(int=1)
SEARCHES = {
    "nothing yet": "",
    "two letters": "gi",
    "the beginning of a session": "session-4f",
    "a word of many": "github",
    "words of few": "acme 7 codex",
    "a model with a slip": "antropic",
    "a session with a slip": "checkuot-agent",
    "a note": "invoice 3000",
    "an id of a request": "msg_1_4242",
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
begin
    perform private.add_name_changes(
        'cost_records', 'select r.workspace_id, r.user_id, r.project_id, r.timestamp, r.metadata, 1 as n '
        'from public.cost_records as r where not exists '
        '(select from private.search_names as s where s.workspace_id = r.workspace_id)'
    );
    perform private.add_name_changes(
        'traces', 'select t.workspace_id, t.user_id, t.project_ids, t.last_at, t.name, t.service, t.session, '
        't.agent, 1 as n from public.traces as t where not exists '
        '(select from private.search_names as s where s.workspace_id = t.workspace_id)'
    );
    perform private.join_names(c.workspace_id)
    from (select distinct n.workspace_id from private.name_changes as n) as c;
end
$$"""
SIZES = """
select
    pg_total_relation_size('private.search_names'),
    (select sum(pg_relation_size(i.inhrelid)) from pg_inherits as i where i.inhparent = 'bench_sessions'::regclass)"""
LOOK_UP = """
select id from public.cost_records
where workspace_id = %s and source_key = private.request_identity(%s) and request_id is not null"""
TRIGRAMS = """
create index bench_sessions on public.cost_records
using gin (workspace_id, (metadata ->> 'session') extensions.gin_trgm_ops) where metadata ? 'session'"""
TRIGRAM_SEARCH = """
select distinct metadata ->> 'session' from public.cost_records
where workspace_id = %s and metadata ? 'session' and metadata ->> 'session' like %s limit 8"""


def measure(options: Options) -> Iterator[Measurement]:
    """Measure searches before and after others' records, the index that names replace, and saves."""
    with Cluster.embedded() as cluster, ExitStack() as opened:
        schema = make_schema(cluster)
        records = options.scaled(RECORDS)
        admin = opened.enter_context(schema.connect("supabase_admin"))
        admin.execute(USERS)
        admin.execute(MODELS)
        today = datetime.now(UTC).date()
        make_months(admin, today - timedelta(days=DAYS + 1), today + timedelta(days=1))
        fill(admin, 1, 1, records)
        alone = _measure_searches(schema)
        yield from _compare_with_trigrams(admin, schema, records)
        fill(admin, 2, 1 + OTHERS, records)
        among = _measure_searches(schema)
        total = records * (1 + OTHERS)
        for name, taken in among.items():
            yield Measurement(
                f"search among {total:,} records: {name}",
                median(taken) * 1000,
                "ms",
                median(alone[name]) * 1000,
            )
        everything = [each for name in SEARCHES for each in among[name]]
        before = [each for name in SEARCHES for each in alone[name]]
        name = f"p95 of searches, {records:,} of {total:,} records"
        yield in_milliseconds(f"{name}, against alone", _p95(everything), _p95(before), GROWTH_BAR)
        yield in_milliseconds(f"{name}, against the palette's time", _p95(everything), P95_SECONDS, 1.0)
        yield _measure_saves(admin, schema)


def fill(admin: Connection, first: int, last: int, records: int) -> None:
    """Add the records and traces of some people, with sums and names as after a while."""
    admin.execute("set session_replication_role = replica")  # no marks of days: all is refreshed
    values = {"first": first, "last": last, "records": records, "traces": max(records // 10, 1)}
    cursor = psycopg.ClientCursor(admin)
    cursor.execute(ADD_RECORDS, values)
    cursor.execute(ADD_TRACES, values)
    admin.execute("set session_replication_role = origin")
    admin.execute(GATHER)
    for view in ("cost_records_daily", "divided_days"):
        admin.execute(f"refresh materialized view private.{view}".encode())
        admin.execute(f"vacuum (analyze) private.{view}".encode())
    admin.execute("vacuum (analyze) public.cost_records, public.traces, private.search_names")


def search(person: Connection, asked: str) -> int:
    """The number of results, as the palette asks for them."""
    found = fetch_value(person, "select public.search(%s, %s)", HEAVY, asked)
    return len(found)


def _measure_searches(schema: Schema) -> dict[str, list[float]]:
    with schema.act_as(HEAVY) as person:
        for name, asked in SEARCHES.items():
            assert (search(person, asked) > 0) == (name != "what is nowhere"), name
        actions = {name: partial(search, person, asked) for name, asked in SEARCHES.items()}
        taken: dict[str, list[float]] = {name: [] for name in actions}
        for turn in range(WARM_UP + REPEATS):
            for name, action in actions.items():
                spent = seconds(action)
                if turn >= WARM_UP:
                    taken[name].append(spent)
        with schema.connect() as owner:
            look_up = partial(fetch_value, owner, LOOK_UP, HEAVY, "msg_1_4242")
            taken["the look-up of a record by its key (baseline)"] = [
                seconds(look_up) for _ in range(REPEATS)
            ]
    return taken


def _compare_with_trigrams(admin: Connection, schema: Schema, records: int) -> Iterator[Measurement]:
    built = seconds(lambda: admin.execute(TRIGRAMS))
    [sizes] = admin.execute(SIZES).fetchall()
    names, trigrams = map(float, sizes)
    title = f"names of {records:,} records"
    yield Measurement(
        f"{title}: size, against a trigram index", names / 1e6, "MB", trigrams / 1e6, names / trigrams, 1.0
    )
    with schema.act_as(HEAVY) as person, schema.connect() as owner:
        actions = {
            "names": partial(search, person, "session-4f"),
            "trigrams": lambda: owner.execute(TRIGRAM_SEARCH, [HEAVY, "%session-4f%"]).fetchall(),
        }
        taken = interleaved(actions, 5, 1)
    yield in_milliseconds(
        f"{title}: a search, against a trigram index", taken["names"], taken["trigrams"], 1.0
    )
    yield Measurement(f"{title}: building a trigram index instead", built, "s")
    admin.execute("drop index public.bench_sessions")


def _measure_saves(admin: Connection, schema: Schema) -> Measurement:
    """Saves of new records with and without names; sessions of 50 requests, of which each save begins 100."""
    taken: dict[str, list[float]] = {"with": [], "without": []}
    with schema.act_as(HEAVY) as person:
        for turn in range(2 * SAVES):
            kind = "with" if turn % 2 else "without"
            change = f"{'enable' if turn % 2 else 'disable'} trigger cost_records_names_inserted"
            admin.execute(f"alter table public.cost_records {change}".encode())
            sent = json.dumps(_make_batch(turn))
            save = partial(fetch_value, person, "select public.save_cost_records(%s::json)", sent)
            taken[kind].append(seconds(save))
    value, baseline = median(taken["with"]), median(taken["without"])
    return in_milliseconds(f"saving {SAVED:,} records, against no names", value, baseline, SAVING_BAR)


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
