"""What a record, a span, a visit and a forecast take, in bytes and in seconds of a processor.

docs/cost_model.py counts with these. Seconds are those of all processes that take part, Postgres included.
Baselines are of the same run: the records in a bare heap, and saving without an API.
"""

import asyncio
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid4

import chdb
import psutil
import psycopg
import pyarrow as arrow
from psycopg.rows import dict_row
from pyarrow import parquet

from bench.ingest import BATCH, Workload, make_body
from bench.measurement import Measurement, Options
from bench.nightly import add_accounts, run_nightly
from bench.pages import fill_account
from bench.sample_account import EMAIL, PASSWORD
from bench.visits import sign_in, visit
from tally.core.records import CostRecord
from tally.local.stack import Stack
from tests.api.process import ApiProcess
from tests.app.app_server import CHECKOUT, AppServer
from tests.embedded import temporary_stack
from tests.scratch import temporary_folder
from tests.supabase.parts import pid_of_node, pid_of_postgres

RECORDS, SPANS, VISITS, FEW_SERIES, MANY_SERIES = 100_000, 40_000, 40, 40, 240
SAVED_AT_ONCE, DAYS = 5_000, 30
SAMPLE_SECONDS = 0.1
MODELS = ("gpt-5", "gpt-5-mini", "claude-sonnet-4-5", "claude-haiku-4-5", "gemini-2.5-pro")
# The months of a table count as the table.
SIZES = """
select coalesce(r.relname, c.relname), sum(pg_table_size(c.oid)), sum(pg_indexes_size(c.oid))
from pg_class as c
inner join pg_namespace as n on n.oid = c.relnamespace
left join pg_class as r on r.oid = pg_partition_root(c.oid)
where n.nspname in ('public', 'private') and c.relkind in ('r', 'm')
group by 1"""
ENGINE_TABLE = """
create table tally.records engine = MergeTree partition by toYYYYMM(timestamp)
order by (workspace_id, timestamp, source_key) settings allow_nullable_key = 1
as select * from file('{file}', Parquet)"""
TRANSACTIONS = """
select pg_stat_force_next_flush(), xact_commit from pg_stat_database where datname = current_database()"""
SPAN_TABLES = ("spans", "traces", "span_contents")
Sizes = dict[str, tuple[int, int]]


def measure(options: Options) -> Iterator[Measurement]:
    """Measure on stacks of their own; takes some minutes."""
    with (
        temporary_stack(on_disk=True) as stack,
        temporary_folder() as folder,
        ApiProcess(folder, API_DATABASE_URL=stack.settings()["API_DATABASE_URL"]) as api,
    ):
        workload = Workload(stack, api.url, 0)
        yield from _measure_records(workload, options.scaled(RECORDS))
        yield from _measure_spans(stack, workload, max(BATCH, options.scaled(SPANS) // BATCH * BATCH))
    yield from _measure_visits(options.scaled(VISITS))
    with temporary_stack(on_disk=True) as stack:
        yield _measure_forecasts(stack, *map(options.scaled, (FEW_SERIES, MANY_SERIES)))


def _measure_records(workload: Workload, number: int) -> Iterator[Measurement]:
    """Bytes of records of a month, with all of their columns, in Postgres, in Parquet and in ClickHouse."""
    before = _sizes(workload.connection)
    records = list(_make_records(number))
    for first in range(0, number, SAVED_AT_ONCE):
        workload.save(records[first : first + SAVED_AT_ONCE])
    heap, indexes = _grown(before, _sizes(workload.connection), lambda _: True)
    bare = _bare_heap(workload.connection, workload.user)
    for name, size in ("tables", heap), ("indexes", indexes), ("tables and indexes", heap + indexes):
        yield _share(
            f"bytes of a record in Postgres, {name}, against a bare heap", size / number, bare / number
        )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "records.parquet"
        _write_parquet(workload, file)
        for name, size in ("Parquet", file.stat().st_size), ("ClickHouse", _engine_bytes(file)):
            yield _share(f"bytes of a record in {name}, against a bare heap", size / number, bare / number)


def _measure_spans(stack: Stack, workload: Workload, number: int) -> Iterator[Measurement]:
    """Bytes and seconds of spans through the API, half of which are calls and become records."""
    bodies = [make_body(BATCH, workload.at) for _ in range(number // BATCH)]
    database = _Watch([pid_of_postgres(stack)])
    bare = database.during(lambda: workload.save_bare(number)) / (number / 2)
    workload.send(bodies[:1])
    before = _sizes(workload.connection)
    everything = _Watch([pid_of_postgres(stack), _child("-m api")])
    of_api = _Watch([_child("-m api")])
    taken, api_seconds = everything.during(lambda: workload.send(bodies[1:])), of_api.lasting()
    sent = number - BATCH
    heap, indexes = _grown(before, _sizes(workload.connection), lambda name: name in SPAN_TABLES)
    yield Measurement("bytes of a span in Postgres, tables and indexes", (heap + indexes) / sent, "B")
    yield _time("seconds of a record through the API, against bare saving", taken / (sent / 2), bare)
    yield Measurement("of them in the API's process", api_seconds / (sent / 2) * 1000, "ms")
    yield Measurement("memory of an API process", _memory(_child("-m api")) / 1e6, "MB")


def _measure_visits(number: int) -> Iterator[Measurement]:
    """Seconds of a visit of the Overview of half a year of sample data, browsers left out."""
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        stack = opened.enter_context(temporary_stack(on_disk=True))
        settings = stack.settings()
        app = opened.enter_context(AppServer(folder, settings | {"TALLY_RENDER_WAIT_SECONDS": "0"}))
        fill_account(settings, CHECKOUT)
        cookies = sign_in(app.url, EMAIL, PASSWORD)
        visits = [_after_a_change(settings["DATABASE_URL"], app.url, cookies) for _ in range(number + 3)]
        for each in visits[:3]:
            each()
        web = _Watch([_child("app.server.main")])
        rest = _Watch([pid_of_postgres(stack), pid_of_node(stack)])
        with psycopg.connect(settings["DATABASE_URL"], autocommit=True) as database:
            first = _transactions(database)
            for each in visits[3:]:
                each()
            transactions = (_transactions(database) - first) / number
        yield Measurement("seconds of a visit in the web process", web.lasting() / number * 1000, "ms")
        yield Measurement("seconds of a visit in Postgres and its APIs", rest.lasting() / number * 1000, "ms")
        yield Measurement("transactions of a visit", transactions, "")
        yield Measurement("memory of a web process", _memory(_child("app.server.main")) / 1e6, "MB")


def _after_a_change(database_url: str, url: str, cookies: str) -> Callable[[], None]:
    """A visit that finds the data changed: nothing is taken from the cache of an earlier one."""

    def run() -> None:
        with psycopg.connect(database_url, autocommit=True) as database:
            database.execute("update public.user_preferences set theme = theme")
        asyncio.run(visit(url, cookies))

    return run


def _measure_forecasts(stack: Stack, few: int, many: int) -> Measurement:
    """Seconds of another series in the nightly run, Postgres left out; the start cancels out."""
    database_url = stack.settings()["DATABASE_URL"]
    with psycopg.connect(database_url, autocommit=True) as connection:
        taken = []
        for number in (few, many - few):
            add_accounts(connection, number)
            taken.append(_new_processes_seconds(lambda: run_nightly(connection, database_url)))
    further = (taken[1] - taken[0]) / (many - few)
    return Measurement("seconds of a series in the nightly run", further * 1000, "ms")


def _new_processes_seconds(action: Callable[[], object]) -> float:
    """Seconds of all processes that begin below this one meanwhile, also of those that nobody waits for."""
    own = psutil.Process()
    known, seconds = {child.pid for child in own.children(recursive=True)}, dict[int, float]()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(action)
        while not running.done():
            for child in own.children(recursive=True):
                with suppress(psutil.Error):
                    if child.pid not in known:
                        seconds[child.pid] = sum(child.cpu_times()[:2])
            time.sleep(SAMPLE_SECONDS)
        running.result()
    return sum(seconds.values())


def _make_records(number: int) -> Iterator[CostRecord]:
    """Calls of agents over a month: five models, with what instruments usually tell of them."""
    dice, now = Random(1), datetime.now(UTC)
    for nth in range(number):
        tokens = dice.randrange(200, 20_000)
        yield CostRecord(
            "openai",
            now - timedelta(seconds=dice.randrange(DAYS * 86_400)),
            dice.choice(MODELS),
            Decimal(tokens) * Decimal("0.0000031"),
            uuid4(),
            cost_basis="estimated",
            billing_account="openai",
            collection_method="otlp",
            input_tokens=tokens,
            output_tokens=dice.randrange(10, 900),
            cached_input_tokens=tokens // 2,
            request_count=1,
            metadata={
                "session": f"session-{nth // 40}",
                "agent": dice.choice(("support", "buyer", "writer")),
                "trace_id": f"{dice.getrandbits(128):032x}",
                "environment": "production",
                "duration_ms": dice.randrange(200, 30_000),
            },
        )


def _bare_heap(connection: psycopg.Connection[Any], workspace: object) -> int:
    """Bytes of the same rows in a table without an index."""
    connection.execute(
        "create table private.bare as select * from public.cost_records where workspace_id = %s", [workspace]
    )
    size = connection.execute("select pg_table_size('private.bare')").fetchone()
    connection.execute("drop table private.bare")
    assert size is not None
    return int(size[0])


def _write_parquet(workload: Workload, file: Path) -> None:
    """Whole rows, identifiers as bytes and metadata as text, in the order in which they are read."""
    query = "select * from public.cost_records where workspace_id = %s order by timestamp"
    with workload.connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(query, [workload.user]).fetchall()
    plain = [{name: _plain(value) for name, value in row.items()} for row in rows]
    parquet.write_table(arrow.Table.from_pylist(plain), file, compression="zstd")


def _plain(value: object) -> object:
    if isinstance(value, UUID):
        return value.bytes
    return json.dumps(value) if isinstance(value, dict) else value


def _engine_bytes(file: Path) -> int:
    """Bytes of the same rows in a table of ClickHouse, merged."""
    session = chdb.session.Session(str(file.with_name("engine")))
    session.query("create database tally")
    session.query(ENGINE_TABLE.replace("{file}", str(file)))
    session.query("optimize table tally.records final")
    size = session.query("select sum(bytes_on_disk) from system.parts where active and table = 'records'")
    session.close()
    return int(str(size))


def _sizes(connection: psycopg.Connection[Any]) -> Sizes:
    connection.execute("vacuum (analyze)")
    return {name: (int(heap), int(indexes)) for name, heap, indexes in connection.execute(SIZES)}


def _grown(before: Sizes, after: Sizes, counts: Callable[[str], bool]) -> tuple[int, int]:
    """Bytes by which tables and indexes have grown."""
    names = [name for name in after if counts(name)]
    nothing = (0, 0)
    heap, indexes = (
        sum(after[name][nth] - before.get(name, nothing)[nth] for name in names) for nth in (0, 1)
    )
    return heap, indexes


class _Watch:
    """Seconds of the processor that trees of processes take from here on."""

    def __init__(self, roots: Sequence[int]) -> None:
        self.roots = roots
        self.before = self._now()

    def lasting(self) -> float:
        """Seconds since the watch began."""
        return self._now() - self.before

    def during(self, action: Callable[[], object]) -> float:
        """Seconds of an action."""
        self.before = self._now()
        action()
        return self.lasting()

    def _now(self) -> float:
        return sum(map(_tree_seconds, self.roots))


def _tree_seconds(root: int) -> float:
    process = psutil.Process(root)
    found = process.cpu_times()
    total = found.user + found.system + found.children_user + found.children_system
    return float(total + sum(map(_tree_seconds, (child.pid for child in process.children()))))


def _child(command: str) -> int:
    """The process of this one with this in its command line."""
    [found] = [child.pid for child in psutil.Process().children() if command in " ".join(child.cmdline())]
    return int(found)


def _memory(pid: int) -> int:
    return int(psutil.Process(pid).memory_info().rss)


def _transactions(database: psycopg.Connection[Any]) -> int:
    row = database.execute(TRANSACTIONS).fetchone()
    assert row is not None
    return int(row[1])


def _share(name: str, value: float, baseline: float) -> Measurement:
    return Measurement(name, value, "B", baseline, value / baseline)


def _time(name: str, value: float, baseline: float) -> Measurement:
    return Measurement(name, value * 1000, "ms", baseline * 1000, value / baseline)
