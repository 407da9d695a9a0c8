"""Bar (d): a whole night for 200 series against bare Prophet fits of the same series on the same cores."""

import os
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import numpy as np
import psycopg

from bench.measurement import Measurement, interleaved
from forecasting import store
from forecasting.series import calculate_series
from forecasting.workers import count_cores
from tests.embedded import temporary_stack

CHECKOUT = Path(__file__).resolve().parent.parent
AS_OF = date(2024, 11, 1)
PEOPLE = 10
MODELS = 15  # with 4 providers and the total: 20 series a person
PROVIDERS = ("anthropic", "openai", "google", "mistral")
BAR = 1.25

ADD_SPEND = """
insert into public.cost_records (user_id, provider_id, timestamp, model_name, cost_usd)
select %s, p.id, %s::timestamptz + interval '1 day' * (a.nth - 1), %s, a.amount
from public.providers as p, unnest(%s::numeric[]) with ordinality as a (amount, nth)
where p.name = %s and a.amount > 0"""


def measure() -> list[Measurement]:
    """Both sides take turns, each a fresh process."""
    with temporary_stack() as stack:
        return [measure_on(stack.settings()["DATABASE_URL"])]


def measure_on(database_url: str) -> Measurement:
    """The same on a database that is migrated and may be filled."""
    with psycopg.connect(database_url, autocommit=True) as connection, TemporaryDirectory() as folder:
        _add_people(connection)
        _work_night(database_url)  # the first night also refreshes the view and fills caches
        histories = Path(folder) / "histories.npz"
        count = _write_histories(connection, histories)
        taken = interleaved({"fits": lambda: _fit(histories), "night": lambda: _work_night(database_url)})
    return Measurement(
        f"nightly job, {count} series on {count_cores()} cores, against bare Prophet fits",
        taken["night"],
        "s",
        taken["fits"],
        taken["night"] / taken["fits"],
        BAR,
    )


def _add_people(connection: psycopg.Connection[Any]) -> None:
    random = np.random.default_rng(7)
    for _ in range(PEOPLE):
        user_id = uuid4()
        connection.execute(
            "insert into auth.users (id, email) values (%s, %s)", [user_id, f"{user_id}@example.org"]
        )
        for model in range(MODELS):
            days = int(random.integers(30, 366))
            spend = random.gamma(1, 3, days) * (random.random(days) > random.uniform(0, 0.7))
            spend[0] = 1  # the history begins on its first day
            start = f"{AS_OF - timedelta(days=days)} 12:00Z"
            provider = PROVIDERS[model % len(PROVIDERS)]
            connection.execute(ADD_SPEND, [user_id, start, f"model-{model}", spend.tolist(), provider])


def _write_histories(connection: psycopg.Connection[Any], path: Path) -> int:
    histories = [
        series.y
        for person in store.load_people(connection, AS_OF)
        for series in calculate_series(
            person.user_id,
            store.load_daily_spend(connection, person, store.load_models(connection, person)),
            person.last_day,
        )
    ]
    np.savez(path, *histories)
    return len(histories)


def _fit(histories: Path) -> None:
    _run(["bench.bare_fits", str(histories), str(count_cores())], "")


def _work_night(database_url: str) -> None:
    _run(["forecasting", "--date", AS_OF.isoformat()], database_url)


def _run(arguments: list[str], database_url: str) -> None:
    settings = {"DATABASE_URL": database_url, "SUPABASE_URL": "unused", "SUPABASE_PUBLISHABLE_KEY": "unused"}
    subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=CHECKOUT,
        env=os.environ | settings,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
