"""Visits of every page in an installation of 10M records, against one of 1M, by the same workspace of 1M.

Nothing of the person's own is larger: the other 9M records are those of 999 others, on one Postgres. Before
each visit the data's version changes, so that no page has anything in its cache. Both installations run at
once and are visited in turns.
"""

import asyncio
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from app.ui.pages import PAGES
from bench.daily_costs import MODELS
from bench.explore import ADD_RECORDS
from bench.measurement import Measurement, Options
from bench.sample_account import EMAIL, PASSWORD
from bench.visits import p95, sign_in, visit
from tally.accounts.auth_client import AuthClient
from tally.local.stack import Stack
from tests.app.app_server import AppServer
from tests.database_fixtures import make_months
from tests.embedded import temporary_stack

OWN, OTHERS, OTHER_PEOPLE = 1_000_000, 9_000_000, 999
VISITS, WARM_UP = 12, 1
BAR = 1.5
NO_WAIT = {"TALLY_RENDER_WAIT_SECONDS": "0"}

ADD_PEOPLE = """
insert into auth.users (id, email)
select lpad(to_hex(n), 32, '0')::uuid, n || '@example.org' from generate_series(1, %s) as n"""
# In time order, as they arrive; a person has four models and two years.
ADD_OTHERS = """
insert into public.cost_records (
    workspace_id, user_id, provider_id, timestamp, model_name, cost_usd, cost_basis, tokens_used,
    input_tokens, output_tokens, request_count, source_key, metadata
)
select
    o.id, o.id, m.provider_id,
    date_trunc('day', now()) + interval '1 day' - n * interval '2 years' / %(records)s,
    m.model_name, n %% 9973 / 1e5, 'estimated', n %% 5700, n %% 5000, n %% 700, 1, gen_random_uuid(),
    jsonb_build_object('session', n / 50, 'agent', 'codex', 'price_source', 'genai-prices')
from generate_series(1, %(records)s) as n
cross join lateral (select lpad(to_hex(1 + n %% %(people)s), 32, '0')::uuid as id) as o
inner join models as m on n / %(people)s %% 4 = m.nth
order by n desc"""


@dataclass(frozen=True, slots=True)
class Installation:
    """A running Tally, the cookies of its person, and its database."""

    url: str
    cookies: str
    database: psycopg.Connection[Any]

    async def visit(self, address: str) -> float:
        """Change the data's version, then open a page."""
        self.database.execute("update public.user_preferences set theme = theme")
        return await visit(self.url, self.cookies, address)


def measure(options: Options) -> Iterator[Measurement]:
    """Measure the p95 of each page."""
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        small = _start(opened, folder / "small", options.scaled(OWN), 0)
        large = _start(opened, folder / "large", options.scaled(OWN), options.scaled(OTHERS))
        taken = asyncio.run(_visit_all({"small": small, "large": large}))
    for page in PAGES:
        before, now = (p95(taken[side, page.address]) for side in ("small", "large"))
        name = f"{page.title} at 10M records, p95 against 1M"
        yield Measurement(name, now * 1000, "ms", before * 1000, now / before, BAR)


async def _visit_all(sides: dict[str, Installation]) -> dict[tuple[str, str], list[float]]:
    taken: dict[tuple[str, str], list[float]] = defaultdict(list)
    for page in PAGES:
        for turn in range(VISITS + WARM_UP):
            for side, installation in sides.items():
                seconds = await installation.visit(page.address)
                if turn >= WARM_UP:
                    taken[side, page.address].append(seconds)
    return taken


def _start(opened: ExitStack, folder: Path, own: int, others: int) -> Installation:
    """Start an installation with as many records of its person, and of others."""
    stack = opened.enter_context(temporary_stack(on_disk=True))
    settings = stack.settings()
    accounts = AuthClient(settings["SUPABASE_URL"], settings["SUPABASE_PUBLISHABLE_KEY"])
    accounts.sign_up(EMAIL, PASSWORD)
    _fill(stack, own, others)
    folder.mkdir()
    app = opened.enter_context(AppServer(folder, settings | NO_WAIT))
    connection = opened.enter_context(psycopg.connect(settings["DATABASE_URL"], autocommit=True))
    return Installation(app.url, sign_in(app.url, EMAIL, PASSWORD), connection)


def _fill(stack: Stack, own: int, others: int) -> None:
    """Add records as after a refresh; only a superuser may leave the triggers out."""
    url, password = stack.settings()["DATABASE_URL"], stack.keys.passwords["supabase_admin"]
    with psycopg.connect(url, user="supabase_admin", password=password, autocommit=True) as admin:
        today = datetime.now(UTC).date()
        make_months(admin, today - timedelta(days=732), today + timedelta(days=1))
        [[owner]] = admin.execute("select id from auth.users where email = %s", [EMAIL]).fetchall()
        admin.execute(ADD_PEOPLE, [OTHER_PEOPLE])
        admin.execute("set session_replication_role = replica")  # no marks of days: all is refreshed
        admin.execute(MODELS)
        cursor = psycopg.ClientCursor(admin)
        cursor.execute(ADD_RECORDS, {"owner": owner, "records": own})
        if others:
            cursor.execute(ADD_OTHERS, {"records": others, "people": OTHER_PEOPLE})
        for view in ("cost_records_daily", "divided_days"):
            admin.execute(f"refresh materialized view private.{view}")
            admin.execute(f"vacuum (analyze) private.{view}")
        admin.execute("vacuum (analyze) public.cost_records")
