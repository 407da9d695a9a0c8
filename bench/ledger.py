"""Saves onto busy days, and bills over many estimates, in the database alone.

With `--before`, large saves and bills are measured in an older schema too, in turns.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import count
from uuid import UUID, uuid4

from bench.measurement import REPEATS, Measurement, Options, in_milliseconds, interleaved
from bench.saving import ROWS, make_records
from bench.schemas import Connection, Schema, fetch_value, make_schemas
from tally.core.records import CostRecord
from tally.ledger.save import BATCH
from tests.database.cluster import Cluster
from tests.database_fixtures import add_user

BUSY_DAY, BILLED_DAY = datetime(2026, 6, 10, tzinfo=UTC), datetime(2026, 6, 20, tzinfo=UTC)
FIRST_FRESH_DAY = datetime(2026, 5, 28, tzinfo=UTC)
DAY_SECONDS = 86_400
REQUESTS, ESTIMATES = 100_000, 20_000
SMALL_SAVES, WARM_UP = 31, 6  # psycopg prepares a statement at its fifth execution
MODELS = tuple(f"gpt-5.{n}" for n in range(4))

SAVE = "select public.save_cost_records(%s, %s)"
ADD_SOURCE = """
insert into public.imports (filename, format, file_sha256) values ('bench', 'generic', repeat('0', 64))
returning id"""

Actions = dict[str, Callable[[], object]]


def measure(options: Options) -> Iterator[Measurement]:
    """Measure in one Postgres, the schemas in turns."""
    with Cluster.embedded() as cluster, ExitStack() as opened:
        schemas = make_schemas(cluster, options.before)
        callers = {name: opened.enter_context(Caller(schema)) for name, schema in schemas.items()}
        yield _measure_large_save(callers, options.scaled(ROWS))
        yield from _measure_bills(callers, options.scaled(ESTIMATES))
        yield from _measure_small_saves(callers["now"], options.scaled(REQUESTS))


class Caller:
    """A user of one schema, with connections of the user and of the database's owner."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.owner: Connection = schema.connect()
        self.user: Connection = schema.act_as(add_user(self.owner))
        self.user.execute("set statement_timeout = 0")  # the older schema takes longer than the API allows
        self.sources: list[UUID] = []

    def __enter__(self) -> "Caller":
        return self

    def __exit__(self, *_: object) -> None:
        self.user.close()
        self.owner.close()

    def add_source(self) -> None:
        """Add the source of the following saves."""
        self.sources.append(fetch_value(self.user, ADD_SOURCE))

    def prepare(self, records: Sequence[CostRecord]) -> list[str]:
        """The records as they are sent, in batches."""
        return [self.schema.to_json(records[at : at + BATCH]) for at in range(0, len(records), BATCH)]

    def save(self, batches: Iterable[str]) -> None:
        """Save batches as records of the newest source."""
        for batch in batches:
            saved = fetch_value(self.user, SAVE, self.sources[-1], batch)
            assert saved["inserted"]
            assert not saved["rejected"]

    def delete_source(self) -> None:
        """Delete the newest source with its records, without the API's time limit."""
        self.owner.execute("delete from public.imports where id = %s", [self.sources.pop()])

    def vacuum(self) -> None:
        """Remove dead rows, as autovacuum does."""
        self.owner.execute("vacuum (analyze) public.cost_records")
        self.owner.execute("vacuum (analyze) private.stale_days")

    def daily_costs(self) -> list[tuple[object, ...]]:
        """All days of the user."""
        columns = fetch_value(self.user, "select public.daily_costs()")
        return sorted(zip(*columns.values(), strict=True), key=str)


def _measure_large_save(callers: Mapping[str, Caller], rows: int) -> Measurement:
    records = make_records(rows)
    actions: Actions = {}
    for name, caller in callers.items():
        actions |= {
            f"{name} source": caller.add_source,
            name: partial(caller.save, caller.prepare(records)),
            f"{name} clear": caller.delete_source,
            f"{name} vacuum": caller.vacuum,
        }
    taken = interleaved(actions, REPEATS, warm_up=1)
    return _compare_with_before(f"save {rows:,} records in the database", taken, 1.05)


def _measure_bills(callers: Mapping[str, Caller], estimates: int) -> list[Measurement]:
    """A bill over many estimates that arrives, and is taken away with its source."""
    actions: Actions = {}
    for name, caller in callers.items():
        caller.add_source()
        caller.save(caller.prepare(_make_estimates(BUSY_DAY, estimates)))
        actions |= {
            f"{name} vacuum": caller.vacuum,
            f"{name} source": caller.add_source,
            f"{name} arrives": partial(caller.save, caller.prepare(_make_bills(BUSY_DAY))),
        }
    actions["same totals"] = lambda: _assert_same(callers)
    for name, caller in callers.items():
        actions[f"{name} is deleted"] = caller.delete_source
    taken = interleaved(actions, REPEATS, WARM_UP)
    _assert_same(callers)
    measurements = []
    for step, bar in (("arrives", 0.25), ("is deleted", 0.3)):
        of_step = {name: taken[f"{name} {step}"] for name in callers}
        measurements.append(_compare_with_before(f"a bill over {estimates:,} estimates {step}", of_step, bar))
    return measurements


def _measure_small_saves(caller: Caller, requests: int) -> list[Measurement]:
    """One record onto a day of many, without and with a bill, against a day without records."""
    caller.add_source()
    for day in (BUSY_DAY, BILLED_DAY):
        caller.save(caller.prepare(_make_estimates(day, requests)))
    caller.save(caller.prepare(_make_bills(BILLED_DAY)))
    caller.vacuum()
    fresh_days = count()

    def save_one(day: datetime) -> None:
        caller.save(caller.prepare(_make_estimates(day, 1)))

    taken = interleaved(
        {
            "fresh": lambda: save_one(FIRST_FRESH_DAY - timedelta(days=next(fresh_days))),
            "busy": lambda: save_one(BUSY_DAY),
            "billed": lambda: save_one(BILLED_DAY),
        },
        SMALL_SAVES,
        WARM_UP,
    )
    name = f"save 1 record onto a day of {requests:,}"
    return [
        in_milliseconds(f"{name}, against a fresh day", taken["busy"], taken["fresh"], 1.5),
        in_milliseconds(f"{name} beside a bill", taken["billed"], taken["fresh"], 2.0),
    ]


def _make_estimates(day: datetime, number: int) -> list[CostRecord]:
    rng = random.Random(number)
    return [
        CostRecord(
            "openai",
            day + timedelta(seconds=nth * DAY_SECONDS / number),
            MODELS[nth % len(MODELS)],
            Decimal(rng.randint(1, 10**6)) / 10**8,
            uuid4(),
            cost_basis="estimated",
            collection_method="local_log",
            input_tokens=rng.randint(100, 9_000),
            output_tokens=rng.randint(10, 900),
            request_count=1,
            billing_account="openai",
        )
        for nth in range(number)
    ]


def _make_bills(day: datetime) -> list[CostRecord]:
    """A bill of each model for that day."""
    return [
        CostRecord(
            "openai",
            day + timedelta(hours=12),
            model,
            Decimal(90),
            uuid4(),
            collection_method="api_automated",
            billing_account="openai",
            dataset="costs",
        )
        for model in MODELS
    ]


def _assert_same(callers: Mapping[str, Caller]) -> None:
    now, *others = (caller.daily_costs() for caller in callers.values())
    assert all(other == now for other in others)


def _compare_with_before(name: str, taken: Mapping[str, float], bar: float) -> Measurement:
    """This checkout's schema against the older one; without one, no bar."""
    if "before" not in taken:
        return Measurement(name, taken["now"] * 1000, "ms")
    return in_milliseconds(f"{name}, against before", taken["now"], taken["before"], bar)
