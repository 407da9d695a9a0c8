"""A whole nightly run compared with bare Prophet fits, and growth of time and memory with the series."""

import os
import sys
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import numpy as np
import psycopg

from bench.measurement import Measurement, Options
from bench.watched import Run, run_watched
from forecasting.model.series import calculate_series
from forecasting.nightly.inputs import load_daily_spend, load_models
from forecasting.nightly.workspaces import load_workspaces
from forecasting.workers.pool import count_cores
from tests.database_fixtures import make_months
from tests.embedded import temporary_stack

CHECKOUT = Path(__file__).resolve().parent.parent
AS_OF = date(2024, 11, 1)
DAYS = 365
MODELS = 15  # with 4 providers and the total: 20 series per account
PROVIDERS = ("anthropic", "openai", "google", "mistral")
SERIES_PER_ACCOUNT = MODELS + len(PROVIDERS) + 1
FEW, MANY, MOST = 100, 1_000, 5_000
TURNS = 3
BAR_RATIO, BAR_SECONDS, BAR_GROWTH = 1.2, 40.0, 1.1

ADD_SPEND = """
insert into public.cost_records (workspace_id, user_id, provider_id, timestamp, model_name, cost_usd)
select w.id, w.id, p.id, %s::timestamptz + interval '1 day' * (a.nth - 1), %s, a.amount
from public.workspaces as w, public.providers as p, unnest(%s::numeric[]) with ordinality as a (amount, nth)
where w.id = %s and p.name = %s and a.amount > 0
order by a.nth"""

ADD_YESTERDAY = """
insert into public.cost_records (workspace_id, user_id, provider_id, timestamp, model_name, cost_usd)
select w.id, w.id, p.id, %s, 'model-0', 1
from public.workspaces as w inner join public.providers as p on p.name = 'anthropic'"""


def measure(options: Options) -> list[Measurement]:
    """Measure on a stack of its own; takes a quarter of an hour on an idle machine."""
    with temporary_stack(on_disk=True) as stack:
        return measure_on(stack.settings()["DATABASE_URL"], *map(options.scaled, (FEW, MANY, MOST)))


def measure_on(database_url: str, few: int = FEW, many: int = MANY, most: int = MOST) -> list[Measurement]:
    """Measure on a migrated database without accounts; sizes are numbers of series."""
    with psycopg.connect(database_url, autocommit=True) as connection, TemporaryDirectory() as folder:
        histories = Path(folder) / "histories.npz"
        add_accounts(connection, few)
        first = _median([run_nightly(connection, database_url) for _ in range(TURNS)])
        add_accounts(connection, many - few)
        _write_histories(connection, histories)
        turns = [(_fit(histories), run_nightly(connection, database_url)) for _ in range(TURNS)]
        second = _median([nightly for _, nightly in turns])
        add_accounts(connection, most - many)
        third = _median([run_nightly(connection, database_url) for _ in range(TURNS)])
    fits = median(fit.seconds for fit, _ in turns)
    later = (third.seconds - second.seconds) / (most - many)
    earlier = (second.seconds - first.seconds) / (many - few)
    return [
        *_compare_with_fits(fits, second.seconds, many),
        _pace(f"a further series from {many} to {most}, against {few} to {many}", later, earlier),
        _memory(f"the nightly process, {most} series against {few}", third.parent_mb, first.parent_mb),
        _memory(f"its largest worker, {most} series against {few}", third.child_mb, first.child_mb),
    ]


def _compare_with_fits(fits: float, seconds: float, series: int) -> list[Measurement]:
    name = f"nightly run of {series} series of {DAYS} days on {count_cores()} cores"
    return [
        Measurement(f"{name}, against bare fits", seconds, "s", fits, seconds / fits, BAR_RATIO),
        Measurement(f"{name}, against the bar", seconds, "s", BAR_SECONDS, seconds / BAR_SECONDS, 1.0),
    ]


def _pace(name: str, later: float, earlier: float) -> Measurement:
    """Milliseconds per additional series; differences cancel the constant start-up time."""
    return Measurement(name, 1000 * later, "ms", 1000 * earlier, later / earlier, BAR_GROWTH)


def _memory(process: str, value: float, baseline: float) -> Measurement:
    return Measurement(f"peak memory of {process}", value, "MB", baseline, value / baseline, BAR_GROWTH)


def _median(runs: Sequence[Run]) -> Run:
    return sorted(runs, key=lambda run: run.seconds)[len(runs) // 2]


def add_accounts(connection: psycopg.Connection[Any], series: int) -> None:
    random = np.random.default_rng(series)
    start = f"{AS_OF - timedelta(days=DAYS)} 12:00Z"
    make_months(connection, AS_OF - timedelta(days=DAYS), AS_OF)
    for _ in range(series // SERIES_PER_ACCOUNT):
        user_id = uuid4()
        connection.execute(
            "insert into auth.users (id, email) values (%s, %s)", [user_id, f"{user_id}@example.org"]
        )
        for model in range(MODELS):
            spend = random.gamma(1, 3, DAYS) * (random.random(DAYS) > random.uniform(0, 0.7))
            spend[0] = 1  # the history begins on its first day
            provider = PROVIDERS[model % len(PROVIDERS)]
            connection.execute(ADD_SPEND, [start, f"model-{model}", spend.tolist(), user_id, provider])
    connection.execute("select public.refresh_cost_records_daily()")
    for grown in ("private.cost_records_daily", "public.cost_records"):  # as autovacuum does between runs
        connection.execute(f"vacuum (analyze) {grown}")


def _write_histories(connection: psycopg.Connection[Any], path: Path) -> None:
    histories = []
    for workspace in load_workspaces(connection, AS_OF):
        models, _ = load_models(connection, workspace, MODELS)
        daily = load_daily_spend(connection, workspace, models)
        histories += [series.y for series in calculate_series(workspace.id, daily, workspace.last_day)]
    np.savez(path, *histories)


def _fit(histories: Path) -> Run:
    return _run(["bench.bare_fits", str(histories), str(count_cores())], "")


def run_nightly(connection: psycopg.Connection[Any], database_url: str) -> Run:
    """A usual run: every account has records of yesterday that the view does not contain yet."""
    connection.execute(ADD_YESTERDAY, [f"{AS_OF - timedelta(days=1)} 13:00Z"])
    return _run(["forecasting", "--date", AS_OF.isoformat()], database_url)


def _run(arguments: list[str], database_url: str) -> Run:
    settings = {"DATABASE_URL": database_url, "SUPABASE_URL": "unused", "SUPABASE_PUBLISHABLE_KEY": "unused"}
    return run_watched([sys.executable, "-m", *arguments], CHECKOUT, os.environ | settings)
