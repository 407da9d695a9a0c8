"""Reads of a team of 20 with 588k records, of light users beside it, and saves into a workspace with rules.

Everybody has records of two years. A person of the team works in three of twelve projects with five models;
the solo user has the team's 30 models, so that both have the same days by model. Times of reads are per
returned row: a team's answer by project has more rows than the solo user's.
"""

import json
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import psycopg

from bench.daily_costs import MODELS
from bench.measurement import Measurement, Options, in_milliseconds, interleaved, seconds
from bench.schemas import Connection, Schema, fetch_value, make_schema
from tests.database.cluster import Cluster
from tests.database_fixtures import make_months

DAYS = 90
TEAM_RECORDS, SOLO_RECORDS, LIGHT_RECORDS = 588_000, 98_000, 1_000
REPEATS, WARM_UP = 31, 6
PER_ROW = {None: 1.5, "project": 1.5, "person": 2.0}  # split: bar
LIGHT_BAR, RULES_BAR = 1.2, 1.1
BATCH, RULES = 5_000, 200
TEAM = uuid.UUID(int=0xF000)
OWNER, SOLO, LIGHT, WITH_RULES = (uuid.UUID(int=number) for number in (1, 50, 60, 61))
FIELDS = ("folder", "repository", "branch", "api_key", "provider_project", "person", "tag", "model", "source")

PEOPLE = """
insert into auth.users (id, email)
select lpad(to_hex(n), 32, '0')::uuid, n || '@example.org' from generate_series(1, 100) as n;
insert into public.workspaces (id, name) values ('{team}', 'Team');
insert into public.members (workspace_id, user_id, role)
select '{team}', lpad(to_hex(n), 32, '0')::uuid, case when n = 1 then 'owner' else 'member' end
from generate_series(1, 20) as n;
insert into public.projects (id, workspace_id, name, slug)
select lpad(to_hex(4096 + n), 32, '0')::uuid, '{team}', 'Project ' || n, 'project-' || n
from generate_series(0, 11) as n;
insert into private.divided_workspaces (workspace_id) values ('{team}')"""

# In time order, as they arrive in use.
RECORDS = """
insert into public.cost_records (
    workspace_id, user_id, project_id, provider_id, timestamp, model_name, cost_usd, cost_basis, tokens_used,
    input_tokens, output_tokens, request_count, source_key, metadata
)
select
    r.workspace_id, r.user_id, r.project_id, m.provider_id, r.timestamp, m.model_name, r.n %% 9973 / 1e5,
    'estimated', r.n %% 5700, r.n %% 5000, r.n %% 700, 1, gen_random_uuid(),
    jsonb_build_object('session', r.n / 50, 'project', '/code/' || r.n %% 13, 'price_source', 'genai-prices')
from (
    select
        %(team)s::uuid as workspace_id,
        lpad(to_hex(1 + n %% 20), 32, '0')::uuid as user_id,
        lpad(to_hex(4096 + nullif((n %% 20 * 5 + n / 20 %% 3) %% 13, 12)), 32, '0')::uuid as project_id,
        date_trunc('day', now()) - n * interval '2 years' / %(team_records)s as timestamp,
        (n %% 20 * 7 + n / 60 %% 5) %% 30 as model,
        n
    from generate_series(1, %(team_records)s) as n
    union all
    select
        g.id, g.id, null, date_trunc('day', now()) - n * interval '2 years' / g.records, n %% 30, n
    from (values (%(solo)s::uuid, %(solo_records)s), (%(light)s::uuid, %(light_records)s)) as g (id, records)
    cross join lateral generate_series(1, g.records) as n
) as r
inner join models as m on r.model = m.nth
order by r.timestamp"""


def measure(options: Options) -> Iterator[Measurement]:
    """Measure reads of the team, of a light user, and saves with rules."""
    with Cluster.embedded() as cluster, ExitStack() as opened:
        full, empty = (make_schema(cluster, name=name) for name in ("now", "empty"))
        team = options.scaled(TEAM_RECORDS)
        fill(full, team, options.scaled(SOLO_RECORDS))
        fill(empty, 0, 0)
        owner, solo = (opened.enter_context(full.act_as(user)) for user in (OWNER, SOLO))
        for split, bar in PER_ROW.items():
            yield _measure_split(owner, solo, split, bar)
        light, alone = (opened.enter_context(schema.act_as(LIGHT)) for schema in (full, empty))
        taken = interleaved(
            {"beside": lambda: _read(light), "alone": lambda: _read(alone)}, 2 * REPEATS, WARM_UP
        )
        name = f"light read beside a team of {team:,} records, against alone"
        yield in_milliseconds(name, taken["beside"], taken["alone"], LIGHT_BAR)
        yield _measure_rules(*(opened.enter_context(full.act_as(user)) for user in (LIGHT, WITH_RULES)))
        yield _measure_preview(owner, team)


def fill(schema: Schema, team: int, solo: int) -> None:
    """Add a team, a solo user and a light one, with sums as after a refresh."""
    with schema.connect("supabase_admin") as admin:
        admin.execute(PEOPLE.format(team=TEAM))
        today = datetime.now(UTC).date()
        make_months(admin, today - timedelta(days=732), today)
        admin.execute("set session_replication_role = replica")  # no marks of days: all is refreshed
        admin.execute(MODELS)
        sizes = {"team_records": team, "solo_records": solo, "light_records": LIGHT_RECORDS}
        people = {"team": TEAM, "solo": SOLO, "light": LIGHT}
        psycopg.ClientCursor(admin).execute(RECORDS, sizes | people)
        for view in ("cost_records_daily", "divided_days"):
            admin.execute(f"refresh materialized view private.{view}")
            admin.execute(f"vacuum (analyze) private.{view}")
        admin.execute("update private.divided_workspaces set is_summed = true")
        admin.execute("vacuum (analyze) public.cost_records, private.divided_workspaces")


def _measure_split(owner: Connection, solo: Connection, split: str | None, bar: float) -> Measurement:
    """Time for each returned row of the team's days, against the solo user's."""
    rows = {"team": len(_read(owner, TEAM, split)["date"]), "solo": len(_read(solo)["date"])}
    taken = interleaved(
        {"team": lambda: _read(owner, TEAM, split), "solo": lambda: _read(solo)}, REPEATS, WARM_UP
    )
    team, alone = (taken[name] / rows[name] * 1e6 for name in ("team", "solo"))
    shape = f"by {split}" if split else "by model"
    name = f"{DAYS} days of a team {shape}, {rows['team']:,} rows, each against solo"
    return Measurement(name, team, "µs", alone, team / alone, bar)


def _measure_rules(plain: Connection, ruled: Connection) -> Measurement:
    """Saves of a batch into a workspace with 200 rules and an alias, against one without."""
    project = fetch_value(ruled, "select public.create_project(null, 'Web')")
    rules = [
        {
            "field": FIELDS[n % len(FIELDS)],
            "match": "prefix" if n % 2 else "exact",
            "value": f"/work/{n}",
            "project_id": str(project),
        }
        for n in range(RULES)
    ]
    fetch_value(ruled, "select public.set_rules(null, %s)", json.dumps(rules))
    aliases = [{"value": "ann", "user_id": str(WITH_RULES)}]
    fetch_value(ruled, "select public.set_aliases(null, %s)", json.dumps(aliases))
    query = """insert into public.imports (filename, format, file_sha256)
        values ('f', 'f', repeat('0', 64)) returning id"""
    sources = {person: fetch_value(person, query) for person in (plain, ruled)}
    chance = Random(1)

    def save(person: Connection) -> None:
        batch = json.dumps(_make_batch(chance))
        fetch_value(person, "select public.save_cost_records(%s, %s)", sources[person], batch)

    taken = interleaved({"plain": lambda: save(plain), "ruled": lambda: save(ruled)}, REPEATS, WARM_UP)
    name = f"save {BATCH:,} records by {RULES} rules, against none"
    return in_milliseconds(name, taken["ruled"], taken["plain"], RULES_BAR)


def _make_batch(chance: Random) -> list[dict[str, Any]]:
    """New records of fifty sessions in ten folders on seven branches."""
    start = datetime.now(UTC) - timedelta(days=chance.randint(5, 600))
    return [
        {
            "provider": "anthropic",
            "timestamp": (start + timedelta(seconds=17 * n)).isoformat(),
            "model_name": ("claude-opus-4-5", "claude-sonnet-4-5")[n % 2],
            "cost_usd": str(chance.randint(1, 10**6) / 10**6),
            "cost_basis": "estimated",
            "collection_method": "local_log",
            "input_tokens": chance.randint(1, 9_999),
            "request_count": 1,
            "billing_account": "anthropic",
            "source_key": str(uuid.UUID(int=chance.getrandbits(128))),
            "metadata": {
                "session": f"session {n // 100}",
                "project": f"/home/{n // 500}",
                "branch": f"branch-{n // 700}",
                "price_source": "genai-prices",
            },
        }
        for n in range(BATCH)
    ]


def _measure_preview(owner: Connection, records: int) -> Measurement:
    """The preview of a rule over all of the team's records."""
    project = fetch_value(owner, "select min(id::text) from public.projects")
    rule = {"field": "folder", "match": "exact", "value": "/work/1", "project_id": project}
    owner.execute("set statement_timeout = '120s'")
    query = "select public.preview_rules(%s, %s)"
    taken = seconds(lambda: fetch_value(owner, query, TEAM, json.dumps([rule])))
    return Measurement(f"preview of a rule over {records:,} records", taken, "s")


def _read(person: Connection, workspace: uuid.UUID | None = None, split: str | None = None) -> dict[str, Any]:
    """The last 90 days, of the personal workspace by default."""
    query = "select public.daily_costs(%s, %s, %s, null, %s)"
    last = datetime.now(UTC).date()
    answer: dict[str, Any] = fetch_value(person, query, last - timedelta(days=DAYS), last, workspace, split)
    return answer
