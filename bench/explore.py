"""Questions of Explore about 90 days, of 1M records, and of a team with as many days as 10M records make.

Records are read for dimensions that sums of days do not know. The baseline of these questions is the plain
sum of the same records without a group, by their owner, with literals: reading them takes at least as much.
That of the others is `daily_costs` of the same days by project. Beside them are the milliseconds that the
page has, which are for a machine with nothing else to do. The dashboard keeps an answer until the data
version changes: a cached one takes a read of that, and of the process's memory.

Of a team of 20 with 10M records in two years, a row of the daily view sums up some fifteen records: 700,000
records make as many rows.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import psycopg

from bench.daily_costs import MODELS
from bench.measurement import Measurement, Options, interleaved
from bench.schemas import Connection, Schema, make_schema
from bench.teams import OWNER, PEOPLE, SOLO, TEAM
from tests.database.cluster import Cluster
from tests.database_fixtures import make_months

DAYS, REPEATS, WARM_UP = 90, 5, 1
RECORDS, TEAM_RECORDS = 1_000_000, 700_000
COLD_SECONDS, CACHED_SECONDS, DAILY_SECONDS = 0.7, 0.25, 0.4
RECORDS_BAR, DAILY_BAR = 3.0, 4.0
GROUPINGS = (
    ("branch",),
    ("branch", "model"),
    ("session", "agent"),
    ("repository", "branch"),
    ("tag", "source"),
)
DAILY_GROUPINGS = (("provider", "model"), ("project", "model"), ("person", "project"))

# Sessions of 50 requests with one model each, in time order: what coding agents' logs tell of a request.
ADD_RECORDS = """
insert into public.cost_records (
    workspace_id, user_id, provider_id, timestamp, model_name, cost_usd, cost_basis, tokens_used,
    input_tokens, output_tokens, cached_input_tokens, request_count, source_key, request_id,
    collection_method, metadata
)
select
    %(owner)s, %(owner)s, m.provider_id,
    date_trunc('day', now()) + interval '1 day' - n * interval '90 days' / %(records)s,
    m.model_name, n %% 9973 / 1e5, case when n %% 3 = 0 then 'included' else 'estimated' end, n %% 5700,
    n %% 5000, n %% 700, n %% 5000 / 2, 1, gen_random_uuid(), 'msg_' || n, 'local_log',
    jsonb_build_object(
        'session', md5((n / 50)::text), 'project', '/code/' || n / 50 %% 13,
        'repository', 'github.com/acme/' || n / 50 %% 13, 'branch', 'feature-' || n / 500 %% 40,
        'agent', case n / 50 %% 3 when 0 then 'codex' else 'claude-code' end,
        'tags', jsonb_build_array('team-' || n %% 5), 'price_source', 'genai-prices',
        'price_version', '0.0.47', 'price_model', 'anthropic/claude-opus-4-5'
    )
from generate_series(1, %(records)s) as n
inner join models as m on n / 50 %% 30 = m.nth
order by n desc"""

ADD_TEAM_RECORDS = """
insert into public.cost_records (
    workspace_id, user_id, project_id, provider_id, timestamp, model_name, cost_usd, cost_basis, tokens_used,
    request_count, source_key
)
select
    %(team)s, lpad(to_hex(1 + n %% 20), 32, '0')::uuid,
    lpad(to_hex(4096 + (n %% 20 * 5 + n / 20 %% 3) %% 12), 32, '0')::uuid, m.provider_id,
    date_trunc('day', now()) + interval '1 day' - n * interval '2 years' / %(records)s,
    m.model_name, n %% 9973 / 1e5, 'estimated', n %% 5700, 1, gen_random_uuid()
from generate_series(1, %(records)s) as n
inner join models as m on (n %% 20 * 7 + n / 60 %% 12) %% 30 = m.nth
order by n desc"""

BASELINE = """
select count(*), sum(cost_usd), sum(request_count)
from public.cost_records
where workspace_id = '{workspace}' and timestamp >= '{first}' and timestamp < '{last}'::date + 1"""


def measure(options: Options) -> Iterator[Measurement]:
    """Measure questions about records, about days, and the read that a cached answer needs."""
    with Cluster.embedded() as cluster, ExitStack() as opened:
        schema = make_schema(cluster)
        fill(schema, options)
        owner = opened.enter_context(schema.connect())
        solo, lead = (opened.enter_context(schema.act_as(user)) for user in (SOLO, OWNER))
        last = datetime.now(UTC).date()
        days = (last - timedelta(days=DAYS - 1), last)
        plain = partial(_fetch, owner, BASELINE.format(workspace=SOLO, first=days[0], last=days[1]))
        for by in GROUPINGS:
            asked = partial(explore, solo, SOLO, by, days)
            yield from _compare(f"explore 1M records by {' and '.join(by)}", asked, plain, COLD_SECONDS)
        read = partial(
            _fetch,
            lead,
            "select public.daily_costs(%s, %s, workspace => %s, split => 'project')",
            *days,
            TEAM,
        )
        for by in DAILY_GROUPINGS:
            asked = partial(explore, lead, TEAM, by, days)
            name = f"explore days of 10M records by {' and '.join(by)}"
            yield from _compare(name, asked, read, DAILY_SECONDS)
        version = partial(_fetch, solo, "select public.data_version(%s)", SOLO)
        yield _limit("explore 1M records, cached", interleaved({"": version}, REPEATS)[""], CACHED_SECONDS)


def fill(schema: Schema, options: Options) -> None:
    """Add both workspaces, with sums as after a refresh."""
    with schema.connect("supabase_admin") as admin:
        admin.execute(PEOPLE.format(team=TEAM))
        today = datetime.now(UTC).date()
        make_months(admin, today - timedelta(days=732), today + timedelta(days=1))
        admin.execute("set session_replication_role = replica")  # no marks of days: all is refreshed
        admin.execute(MODELS)
        cursor = psycopg.ClientCursor(admin)
        cursor.execute(ADD_RECORDS, {"owner": SOLO, "records": options.scaled(RECORDS)})
        cursor.execute(ADD_TEAM_RECORDS, {"team": TEAM, "records": options.scaled(TEAM_RECORDS)})
        for view in ("cost_records_daily", "divided_days"):
            admin.execute(f"refresh materialized view private.{view}")
            admin.execute(f"vacuum (analyze) private.{view}")
        admin.execute("update private.divided_workspaces set is_summed = true")
        admin.execute("vacuum (analyze) public.cost_records, private.divided_workspaces")


def explore(person: Connection, workspace: UUID, by: tuple[str, ...], days: tuple[date, date]) -> Any:
    """The answer to a question by day, as the page asks it."""
    query = "select public.explore_costs(%s, 'spend', %s::text[], '{}', %s, %s, 'day', 6)"
    [[answer]] = _fetch(person, query, workspace, list(by), *days)
    assert len(answer["parts"]) > 1
    return answer


def _fetch(connection: Connection, query: str, *values: object) -> list[Any]:
    return connection.execute(query.encode(), values or None).fetchall()


def _compare(
    name: str, asked: Callable[[], Any], baseline: Callable[[], Any], most_seconds: float
) -> Iterator[Measurement]:
    """A question against its baseline, and against the time that the page has for it."""
    taken = interleaved({"asked": asked, "baseline": baseline}, REPEATS, WARM_UP)
    value, against = taken["asked"], taken["baseline"]
    bar = RECORDS_BAR if most_seconds == COLD_SECONDS else DAILY_BAR
    yield Measurement(f"{name}, against plain", value * 1000, "ms", against * 1000, value / against, bar)
    yield _limit(name, value, most_seconds)


def _limit(name: str, value: float, most_seconds: float) -> Measurement:
    return Measurement(name, value * 1000, "ms", most_seconds * 1000, value / most_seconds, 1.0)
