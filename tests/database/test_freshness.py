"""daily_costs is exact at every moment, also while two sessions of one account change records."""

import json
import random
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.database.truth import add_up, read_daily_costs
from tests.database_fixtures import Connection, Project, add_user, make_months

Act = Callable[[UUID], Connection]

# Quarter hours, both sides of the date line, and clocks that change over midnight.
ZONES = [
    "UTC", "Asia/Kathmandu", "America/St_Johns", "Pacific/Auckland", "Pacific/Kiritimati",
    "Pacific/Pago_Pago", "Pacific/Chatham", "America/New_York", "Europe/Berlin", "Atlantic/Azores",
    "America/Havana", "Asia/Beirut",
]  # fmt: skip
CLOCK_CHANGES = [
    datetime(2026, month, day, tzinfo=UTC)
    for month, day in ((3, 8), (3, 29), (4, 5), (9, 27), (10, 25), (11, 1))
]
PROVIDERS = ["openai", "anthropic", "google"]
STEPS = 70
PATIENCE = 0.03  # seconds until a statement counts as waiting for the other transaction

# A record of each combination of words that the columns' checks allow.
ADD_EACH_KIND = """
with words as (
    select c.conname, match[1] as word
    from pg_constraint as c, regexp_matches(pg_get_constraintdef(c.oid), '''(\\w+)''', 'g') as match
    where c.conrelid = 'public.cost_records'::regclass
)
insert into public.cost_records
    (workspace_id, user_id, provider_id, timestamp, model_name, cost_usd, cost_basis, charge_type, source_key)
select %s, %s, p.id, '2026-05-01', 'm', 1, b.word, c.word, gen_random_uuid()
from public.providers as p, words as b, words as c
where
    p.name = 'openai'
    and b.conname = 'cost_records_cost_basis'
    and c.conname = 'cost_records_charge_type'"""


@pytest.fixture(autouse=True)
def months(project: Project) -> None:
    """All months of the records that are inserted directly."""
    with project.connect() as job:
        make_months(job, "2026-01-01", "2026-12-31")


class Writer:
    """One connection with an open transaction, whose statements may wait for the other writer's."""

    def __init__(self, connection: Connection, chance: random.Random) -> None:
        self.connection = connection
        self.chance = chance
        self.thread = ThreadPoolExecutor(1)
        self.pending: Future[None] | None = None
        self.connection.autocommit = False

    @property
    def is_waiting(self) -> bool:
        """Is its last statement still running? Raises what it failed with."""
        if self.pending is None:
            return False
        if self.pending.done():
            self.pending.result()
            return False
        return True

    def do(self, action: Callable[["Writer"], None]) -> None:
        """Start a statement and give it a moment."""
        self.pending = self.thread.submit(self._attempt, action)
        wait([self.pending], PATIENCE)

    def end(self) -> None:
        """Commit, or sometimes roll back."""
        self.connection.rollback() if self.chance.random() < 0.2 else self.connection.commit()

    def _attempt(self, action: Callable[["Writer"], None]) -> None:
        # Two transactions of many statements may deadlock, or one may wait for a record that the other
        # moves to another month: clients retry both. One ends, and nothing may be wrong afterwards.
        try:
            action(self)
        except (
            psycopg.errors.DeadlockDetected,
            psycopg.errors.SerializationFailure,
            psycopg.errors.UniqueViolation,
            psycopg.errors.ForeignKeyViolation,
        ):
            self.connection.rollback()

    def run(self, query: str, *values: Any) -> Any:
        """Execute and return the first row, if any."""
        cursor = self.connection.execute(query, values)
        return cursor.fetchone() if cursor.description else None

    def moment(self) -> datetime:
        """A time near a clock change, often at midnight in one of the zones."""
        hours = self.chance.choice([self.chance.uniform(-40, 40), self.chance.randint(-160, 160) / 4])
        return self.chance.choice(CLOCK_CHANGES) + timedelta(hours=hours)

    def record(self) -> dict[str, Any]:
        """A record that a caller may save."""
        unpriced = self.chance.random() < 0.1
        at = self.moment()
        return {
            "provider": self.chance.choice(PROVIDERS),
            "timestamp": at.isoformat(),
            "model_name": self.chance.choice(["small", "large"]),
            "cost_usd": None if unpriced else str(self.chance.randint(0, 10**6) / 10**4),
            "cost_basis": "estimated"
            if unpriced
            else self.chance.choice(["billed", "estimated", "included"]),
            "input_tokens": self.chance.randint(0, 999),
            "output_tokens": self.chance.randint(0, 99),
            "request_count": 1,
            "source_key": str(UUID(int=self.chance.randint(1, 60))),
            "day": at.date().isoformat() if self.chance.random() < 0.4 else None,
            "billing_account": "openai" if self.chance.random() < 0.5 else None,
            "dataset": self.chance.choice(["requests", "usage"]),
        }


def save(writer: Writer) -> None:
    records = json.dumps([writer.record() for _ in range(writer.chance.randint(1, 6))])
    writer.run("select public.save_cost_records(null, %s)", records)


def save_import(writer: Writer) -> None:
    query = "insert into public.imports (filename, format, file_sha256) values ('f', 'f', %s) returning id"
    import_id = writer.run(query, "0" * 64)[0]
    writer.run(
        "select public.save_cost_records(%s, %s)", import_id, json.dumps([writer.record() for _ in range(5)])
    )


def undo_import(writer: Writer) -> None:
    writer.run(
        "delete from public.imports where id = (select id from public.imports order by md5(id::text) limit 1)"
    )


SOME = "(select id from public.cost_records order by md5(id::text || %s) limit 3)"


def change_amount(writer: Writer) -> None:
    writer.run(
        f"""update public.cost_records set cost_usd = cost_usd + 1, input_tokens = input_tokens + 5
        where id in {SOME}""",
        str(writer.chance.random()),
    )


def move(writer: Writer) -> None:
    writer.run(
        f"""update public.cost_records set timestamp = timestamp + %s, day = null
        where id in {SOME}""",
        timedelta(hours=writer.chance.uniform(-40, 40)), str(writer.chance.random()),
    )  # fmt: skip


def change_provider(writer: Writer) -> None:
    writer.run(
        f"""update public.cost_records set provider_id = (select id from public.providers where name = %s)
        where id in {SOME}""",
        writer.chance.choice(PROVIDERS), str(writer.chance.random()),
    )  # fmt: skip


def delete(writer: Writer) -> None:
    writer.run(f"delete from public.cost_records where id in {SOME}", str(writer.chance.random()))


def change_timezone(writer: Writer) -> None:
    writer.run("update public.user_preferences set timezone = %s", writer.chance.choice(ZONES))


def subscribe(writer: Writer) -> None:
    writer.run(
        """insert into public.subscriptions
            (provider_id, plan_name, amount_usd, started_on, ended_on, renewal_day)
        select id, 'Plus', 20, '2026-03-01', '2026-05-31', %s from public.providers where name = 'chatgpt'""",
        writer.chance.choice([1, 8, 29, 31]),
    )


def unsubscribe(writer: Writer) -> None:
    writer.run("delete from public.subscriptions where id = (select id from public.subscriptions limit 1)")


ACTIONS = [
    save, save, save_import, undo_import, change_amount, move, change_provider, delete, change_timezone,
    subscribe, unsubscribe,
]  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
def test_daily_costs_equal_a_plain_aggregate_after_every_step(project: Project, seed: int) -> None:
    chance = random.Random(seed)
    with project.connect() as job:
        user = add_user(job, ZONES[seed])
        job.execute("set lock_timeout = '5s'")  # a refresh waits for nobody
        reader = project.act_as("authenticated", user)
        writers = [Writer(project.act_as("authenticated", user), chance) for _ in range(2)]
        seen: tuple[Any, Any] = ({}, None)
        compared = 0
        for _ in range(STEPS):
            ready = [writer for writer in writers if not writer.is_waiting]
            chosen = chance.choice([*ready, None])
            if chosen is None:
                upkeep = chance.choice(["fold_stale_days", "fold_stale_days", "refresh_cost_records_daily"])
                job.execute(f"select public.{upkeep}()")
            elif chance.random() < 0.4 or len(ready) == 1:
                chosen.end()
                wait([writer.pending for writer in writers if writer.pending], PATIENCE)
            else:
                chosen.do(chance.choice(ACTIONS))
            for person in [reader, *(writer.connection for writer in writers if not writer.is_waiting)]:
                truth = add_up(person)
                assert read_daily_costs(person) == truth
                compared += len(truth)
            seen = _check_version(reader, seen)
        assert compared > STEPS
        for writer in writers:
            _close(writer, writers)
        job.execute("select public.refresh_cost_records_daily()")
        assert job.execute("select count(*) from private.stale_days").fetchone() == (0,)
        assert read_daily_costs(reader) == add_up(reader)


def _check_version(reader: Connection, seen: tuple[Any, Any]) -> tuple[Any, Any]:
    costs = read_daily_costs(reader)
    found = reader.execute("select public.data_version()").fetchone()
    assert costs == seen[0] or found != seen[1]
    return costs, found


def _close(writer: Writer, writers: list[Writer]) -> None:
    for other in writers:
        if not other.is_waiting:
            other.connection.commit()
    if writer.pending:
        writer.pending.result(60)
    writer.connection.commit()
    writer.thread.shutdown()


@pytest.mark.parametrize("zone", ZONES)
def test_every_quarter_hour_around_a_clock_change_falls_on_its_day(
    database: Connection, as_user: Act, zone: str
) -> None:
    user = add_user(database, zone)
    person = as_user(user)
    for change in CLOCK_CHANGES:
        database.execute(
            """insert into public.cost_records
                (workspace_id, user_id, provider_id, timestamp, model_name, cost_usd, source_key)
            select %s, %s, p.id, t, 'm', 1, gen_random_uuid()
            from public.providers as p, generate_series(%s::timestamptz, %s, interval '15 minutes') as t
            where p.name = 'openai'""",
            [user, user, change - timedelta(hours=30), change + timedelta(hours=54)],
        )
    truth = add_up(person)
    assert read_daily_costs(person) == truth
    database.execute("select public.refresh_cost_records_daily()")
    assert read_daily_costs(person) == truth
    database.execute("update public.cost_records set metadata = '{}'")
    assert read_daily_costs(person) == truth


def test_import_into_a_stale_day_during_a_refresh_is_not_lost(project: Project) -> None:
    with project.connect() as job, project.connect() as importer:
        user = add_user(job)
        _add(job, user, "2026-05-01T12:00Z")
        reader = project.act_as("authenticated", user)
        importer.autocommit = False
        _add(importer, user, "2026-05-01T13:00Z")
        job.execute("select public.refresh_cost_records_daily()")
        importer.commit()
        assert read_daily_costs(reader) == add_up(reader)
        assert job.execute("select count(*) from private.stale_days").fetchone() == (1,)
        job.execute("select public.refresh_cost_records_daily()")
        assert job.execute("select count(*) from private.stale_days").fetchone() == (0,)
        assert read_daily_costs(reader) == add_up(reader)


def test_refresh_does_not_wait_and_keeps_marks_of_open_transactions(project: Project) -> None:
    with project.connect() as job, project.connect() as slow:
        user, other = add_user(job), add_user(job)
        _add(job, user, "2026-05-01T12:00Z")
        slow.autocommit = False
        _add(slow, other, "2026-05-01T12:00Z")
        _add(job, user, "2026-05-02T12:00Z")
        job.execute("set lock_timeout = '2s'")
        job.execute("select public.refresh_cost_records_daily()")
        reader = project.act_as("authenticated", user)
        assert read_daily_costs(reader) == add_up(reader)
        slow.rollback()
        job.execute("select public.refresh_cost_records_daily()")
        assert job.execute("select count(*) from private.stale_days").fetchone() == (0,)
        assert read_daily_costs(reader) == add_up(reader)


def test_open_insert_and_timezone_change_do_not_pass_each_other(project: Project) -> None:
    with project.connect() as job:
        user = add_user(job)
        first, second = (project.act_as("authenticated", user) for _ in range(2))
        first.autocommit = False
        _add(first, user, "2026-05-01T23:30Z")
        with ThreadPoolExecutor(1) as other:
            moved = other.submit(
                second.execute, "update public.user_preferences set timezone = 'Pacific/Auckland'"
            )
            with suppress(TimeoutError):
                moved.result(0.2)
            assert not moved.done()
            first.commit()
            moved.result(60)
        assert {key[0] for key in read_daily_costs(second)} == {"2026-05-02"}
        assert read_daily_costs(second) == add_up(second)


def test_editing_a_dated_record_while_the_timezone_changes_does_not_deadlock(project: Project) -> None:
    with project.connect() as job, project.connect() as admin, ThreadPoolExecutor(2) as others:
        user = add_user(job)
        editor, traveller = (project.act_as("authenticated", user) for _ in range(2))
        record = {"provider": "openai", "timestamp": "2026-05-01T12:00Z", "model_name": "m", "cost_usd": 1}
        dated = json.dumps([record | {"day": "2026-05-01"}])
        editor.execute("select public.save_cost_records(null, %s)", [dated])
        # Holds the editor between locking the record and marking its day.
        admin.autocommit = False
        admin.execute("select from public.providers where name = 'google' for update")
        edited = others.submit(
            editor.execute,
            """update public.cost_records set cost_usd = 2,
                provider_id = (select id from public.providers where name = 'google')""",
        )
        wait([edited], 0.2)
        moved = others.submit(
            traveller.execute, "update public.user_preferences set timezone = 'Pacific/Auckland'"
        )
        wait([moved], 0.2)
        admin.commit()
        edited.result(60)
        moved.result(60)
        assert {key[0]: totals[0] for key, totals in add_up(traveller).items()} == {"2026-05-01": 2}
        assert add_up(traveller) == read_daily_costs(traveller)


def test_bounds_cut_both_sides_and_count_themselves(database: Connection, as_user: Act, user: UUID) -> None:
    person = as_user(user)
    for day in (1, 2, 3, 4):
        _add(database, user, f"2026-05-0{day}T12:00Z")
        if day == 2:
            database.execute("select public.refresh_cost_records_daily()")
    for first, last in (
        ("2026-05-02", "2026-05-03"),
        ("2026-05-04", None),
        (None, "2026-05-01"),
        ("2026-06-01", None),
    ):
        expected = {
            key: totals
            for key, totals in add_up(person).items()
            if (first or "") <= key[0] <= (last or "9999")
        }
        assert read_daily_costs(person, first, last) == expected


def test_every_basis_and_charge_type_is_read_by_its_name(
    database: Connection, as_user: Act, user: UUID
) -> None:
    database.execute(ADD_EACH_KIND, [user, user])
    assert {key[3:] for key in add_up(as_user(user))} >= {("estimated", "usage"), ("billed", "tax")}
    assert add_up(as_user(user)) == read_daily_costs(as_user(user))


def test_truncating_leaves_nothing_behind(database: Connection, as_user: Act, user: UUID) -> None:
    _add(database, user, "2026-05-01T12:00Z")
    database.execute("select public.refresh_cost_records_daily()")
    database.execute("truncate public.cost_records")
    assert read_daily_costs(as_user(user)) == {}


def test_a_deleted_account_leaves_nothing_behind(project: Project, database: Connection, user: UUID) -> None:
    _add(database, user, "2026-05-01T12:00Z")
    database.execute("select public.refresh_cost_records_daily()")
    person = project.act_as("authenticated", user)
    person.execute("select public.delete_own_account(%s)", [f"{user}@example.org"])
    assert database.execute("select count(*) from public.cost_records").fetchone() == (0,)
    database.execute("select public.refresh_cost_records_daily()")
    for table in ("cost_records_daily", "folded_days", "stale_days", "workspace_changes", "day_parts"):
        assert database.execute(
            f"select count(*) from private.{table} where workspace_id = %s", [user]
        ).fetchone() == (0,)


def _add(connection: Connection, user_id: UUID, at: str) -> None:
    connection.execute(
        """insert into public.cost_records
            (workspace_id, user_id, provider_id, timestamp, model_name, cost_usd, source_key)
        select %s, %s, id, %s, 'm', 1, %s from public.providers where name = 'openai'""",
        [user_id, user_id, at, uuid4()],
    )
