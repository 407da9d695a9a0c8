"""Rows from Postgres to the analytics engine: rows a second, the lag beside saves, and what noting costs.

The engine is ClickHouse in this process, so it has the same two cores as Postgres and the load beside it.
What noting costs is processor time of the saving connection, which neighbours change little.
"""

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any
from uuid import uuid4

import psutil

from bench.measurement import REPEATS, Measurement, Options, interleaved
from forecasting.jobs.debounce import Pace
from tally.analytics import building
from tally.analytics.client import open_engine
from tally.analytics.inserting import FORMAT, SETTINGS
from tally.analytics.outbox import copy_out
from tally.analytics.shipping import Shipper
from tally.analytics.tables import RECORDS
from tests.database.cluster import TEMPLATE, Cluster
from tests.database_fixtures import Connection, Project, add_user
from tests.forecasting.jobs.running import running_worker
from tests.scratch import temporary_folder

ROWS, SAVED_AT_ONCE, A_SECOND, LOAD_SECONDS = 100_000, 5_000, 1_000, 60
LEAST_ROWS_A_SECOND, MOST_SECONDS_BEHIND = 5_000, 5.0
MOST_OF_NOTING, MOST_WITHOUT_ENGINE = 1.3, 1.05
START = datetime(2026, 9, 1, tzinfo=UTC)
ALL_ROWS = "select r.*, 1, 0 from private.engine_records as r"


class Saver:
    """An account that saves records of calls, with the metadata of telemetry."""

    def __init__(self, project: Project) -> None:
        self.operator = project.connect()
        self.user = add_user(self.operator)
        self.connection = project.act_as("authenticated", self.user)
        self.saved = 0

    def save(self, rows: int = SAVED_AT_ONCE) -> None:
        """Save new records, some seconds apart."""
        records = [self._make(self.saved + n) for n in range(rows)]
        self.connection.execute("select public.save_cost_records(null, %s)", [json.dumps(records)])
        self.saved += rows

    def _make(self, number: int) -> dict[str, Any]:
        return {
            "provider": "openai",
            "timestamp": (START + timedelta(seconds=number * 7 % 6_000_000)).isoformat(),
            "model_name": f"gpt-5-{number % 9}",
            "cost_usd": "0.0123",
            "cost_basis": "estimated",
            "input_tokens": 900,
            "output_tokens": 90,
            "request_count": 1,
            "source_key": str(uuid4()),
            "metadata": {
                "agent": f"agent {number % 20}",
                "session": f"session {number // 40}",
                "repository": "acme/shop",
                "branch": "main",
                "tags": ["eu", f"team {number % 5}"],
            },
        }


def measure(options: Options) -> list[Measurement]:
    """Save, ship, and save beside a worker that ships."""
    with Cluster.embedded() as cluster, temporary_folder() as folder:
        cluster.clone(TEMPLATE, "bench")
        project = Project(cluster, "bench")
        engine = open_engine(f"chdb://{folder}/engine")
        saver = Saver(project)
        measured = [
            *_measure_saves(saver),
            *_measure_shipping(options, saver, project, engine),
            *_measure_lag(options, saver, project, f"chdb://{folder}/engine"),
        ]
        engine.close()
        return measured


def _measure_saves(saver: Saver) -> list[Measurement]:
    """Noting on against off, and off against a table without triggers; 5,000 records and one at a time."""

    def with_engine(rows: int) -> None:
        saver.operator.execute("insert into private.analytics_engine default values on conflict do nothing")
        saver.save(rows)

    def without_engine(rows: int) -> None:
        saver.operator.execute("delete from private.analytics_engine")
        saver.save(rows)

    def without_triggers(rows: int) -> None:
        saver.connection.execute("set tally.archiving = on")
        without_engine(rows)
        saver.connection.execute("set tally.archiving = off")

    backend = psutil.Process(saver.connection.info.backend_pid)
    actions = {"bare": without_triggers, "without": without_engine, "with": with_engine}
    measured = []
    for rows, name, repeats in ((SAVED_AT_ONCE, "5,000 records", 2 * REPEATS), (1, "one record", 200)):
        taken = dict.fromkeys(actions, 0.0)
        for repeat in range(repeats + 1):
            for kind, action in actions.items():
                before = _processor_seconds(backend)
                action(rows)
                if repeat:
                    taken[kind] += _processor_seconds(backend) - before
        on, off, bare = (taken[kind] * 1000 / repeats for kind in ("with", "without", "bare"))
        measured += [
            Measurement(f"save {name}, engine on against off", on, "ms", off, on / off, MOST_OF_NOTING),
            Measurement(
                f"save {name}, off against no triggers", off, "ms", bare, off / bare, MOST_WITHOUT_ENGINE
            ),
        ]
    return measured


def _processor_seconds(*processes: psutil.Process) -> float:
    times = [process.cpu_times() for process in processes]
    return sum(each.user + each.system for each in times)


def _measure_shipping(options: Options, saver: Saver, project: Project, engine: Any) -> Iterator[Measurement]:
    """Keys that wait, shipped while others are saved; against the bare way: all rows copied and inserted."""
    building.rebuild(saver.operator, engine, replaces=True)
    shipper = Shipper(project.connect(), engine)
    shipper.ship_all()
    rows = options.scaled(ROWS)
    while saver.saved < rows:
        saver.save()

    def bare() -> None:
        from psycopg import sql

        text = copy_out(saver.operator, sql.SQL(ALL_ROWS))
        engine.raw_insert("records", list(RECORDS.columns), text, settings=SETTINGS, fmt=FORMAT)

    def note_all() -> None:
        saver.operator.execute(
            "insert into private.analytics_outbox (timestamp, workspace_id, key, kind)"
            " select r.timestamp, r.workspace_id, r.source_key, 'records' from public.cost_records as r"
        )

    taken: list[float] = []
    processes = (psutil.Process(), psutil.Process(shipper.connection.info.backend_pid))
    busy: list[float] = []

    def ship() -> None:
        note_all()
        started, before = time.perf_counter(), _processor_seconds(*processes)
        shipper.ship_all()
        taken.append(time.perf_counter() - started)
        busy.append(_processor_seconds(*processes) - before)

    bare_seconds = interleaved({"bare": bare, "ship": ship}, 3)["bare"]
    alone = saver.saved / median(taken)
    with _saving(saver, A_SECOND):
        note_all()
        started, before = time.perf_counter(), saver.saved
        shipped = 0
        while shipped < before:
            shipped += shipper.ship()
        beside = shipped / (time.perf_counter() - started)
    yield Measurement("rows into the engine in a second of processor time", saver.saved / median(busy), "/s")
    yield Measurement(
        "rows a second into the engine, alone, against copy and insert",
        alone,
        "/s",
        saver.saved / bare_seconds,
        saver.saved / bare_seconds / alone,
        4.0,
    )
    yield Measurement(
        "rows a second into the engine, beside 1,000 saved a second",
        beside,
        "/s",
        LEAST_ROWS_A_SECOND,
        beside / LEAST_ROWS_A_SECOND,
        1.0,
        at_least=True,
    )


def _measure_lag(options: Options, saver: Saver, project: Project, address: str) -> Iterator[Measurement]:
    """The age of the oldest change that the engine does not have, while a worker runs and others save."""
    os.environ |= {
        "DATABASE_URL": project.cluster.url(project.name),
        "SUPABASE_URL": "http://127.0.0.1:1",
        "SUPABASE_PUBLISHABLE_KEY": "unused",
        "TALLY_CLICKHOUSE_URL": address,
    }
    lags: list[float] = []
    Shipper(saver.operator, open_engine(address)).ship_all()
    with running_worker(project, Pace()), _saving(saver, A_SECOND) as rate:
        ends_at = time.monotonic() + max(10, LOAD_SECONDS * options.scale)
        while time.monotonic() < ends_at:
            lags.append(_lag(saver.operator, saver))
            time.sleep(0.1)
    worst = sorted(lags)[int(len(lags) * 0.99)]
    yield Measurement("saved a second meanwhile", rate(), "/s")
    yield Measurement(
        "seconds behind 1,000 saved a second, 99th percentile",
        worst,
        "s",
        MOST_SECONDS_BEHIND,
        worst / MOST_SECONDS_BEHIND,
        1.0,
    )


def _lag(connection: Connection, saver: Saver) -> float:
    query = "select seconds from private.analytics_lag(%s)"
    [(seconds,)] = connection.execute(query, [saver.user]).fetchall()
    return float(seconds)


@contextmanager
def _saving(saver: Saver, a_second: int) -> Iterator[Any]:
    """Save so many records a second, a fifth of them at once; yields what gives the rate reached."""
    stop = threading.Event()
    first, started = saver.saved, time.monotonic()

    def save() -> None:
        nth = 0
        while not stop.is_set():
            saver.save(a_second // 5)
            nth += 1
            stop.wait(max(0.0, started + nth / 5 - time.monotonic()))

    thread = threading.Thread(target=save)
    thread.start()
    try:
        yield lambda: (saver.saved - first) / (time.monotonic() - started)
    finally:
        stop.set()
        thread.join()
