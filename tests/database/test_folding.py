"""Folded days: exact while saves, folds and reads race, and cheaper than a refresh."""

import json
import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Event
from time import monotonic
from typing import Any
from uuid import UUID, uuid4

import psycopg

from tests.database.truth import add_up, read_daily_costs
from tests.database_fixtures import Connection, Project, add_user, make_months

Act = Callable[[UUID], Connection]
FIRST = datetime(2026, 5, 1, tzinfo=UTC)
# With and without a price and each flag: each alone, and all in one group.
EVERY_KIND = """
insert into public.cost_records (
    workspace_id, user_id, provider_id, timestamp, model_name, cost_basis, cost_usd, money_is_effective,
    tokens_are_effective, tokens_used, input_tokens, output_tokens, cached_input_tokens, cache_write_tokens,
    reasoning_tokens, request_count
)
select
    %(user)s, %(user)s, p.id, %(day)s, g.model, 'estimated', case when priced then r.n end, money, tokens,
    r.n, 10 * r.n, 100 * r.n, 1000 * r.n, 10000 * r.n, 100000 * r.n, 1000000 * r.n
from public.providers as p, (values (true), (false)) as a (priced), (values (true), (false)) as b (money),
    (values (true), (false)) as c (tokens), generate_series(1, 2) as r (n),
    lateral (values ('all'), (concat(priced, money, tokens))) as g (model)
where p.name in ('openai', 'anthropic')"""
SECONDS, LONGEST_SECONDS = 2.0, 60.0
DAYS = 12


def record(chance: random.Random) -> dict[str, Any]:
    """A record of one of the days; half of them may overlap."""
    at = FIRST + timedelta(days=chance.randrange(DAYS), minutes=chance.randrange(1440))
    return {
        "provider": "openai",
        "timestamp": at.isoformat(),
        "model_name": chance.choice(["small", "large"]),
        "cost_usd": str(chance.randint(1, 999)),
        "cost_basis": chance.choice(["billed", "estimated"]),
        "input_tokens": chance.randint(0, 99),
        "billing_account": chance.choice([None, "openai"]),
        "dataset": chance.choice(["requests", "costs"]),
        "source_key": str(uuid4()),
    }


def save(connection: Connection, records: list[dict[str, Any]]) -> None:
    connection.execute("select public.save_cost_records(null, %s)", [json.dumps(records)])


def fold_all(connection: Connection) -> int:
    """Fold until nothing is stale; returns the number of days."""
    folded = 0
    while True:
        row = connection.execute("select public.fold_stale_days()").fetchone()
        assert row is not None
        if not row[0]:
            return folded
        folded += row[0]


def count(connection: Connection, table: str) -> int:
    row = connection.execute(f"select count(*) from private.{table}").fetchone()
    assert row is not None
    return int(row[0])


@dataclass
class Race:
    """What the racers have done so far, and the sign to end."""

    ended: Event = field(default_factory=Event)
    done: Counter[str] = field(default_factory=Counter)

    def has_seen_much(self) -> bool:
        """True if each racer has done its part often."""
        return self.done["moved"] > 2 and min(self.done[what] for what in ("saved", "folded", "read")) > 10


def write(project: Project, user: UUID, seed: int, race: Race) -> None:
    """Save in transactions until the time is over; one in five is rolled back."""
    chance = random.Random(seed)
    with project.act_as("authenticated", user) as writer:
        writer.autocommit = False
        while not race.ended.is_set():
            try:
                for _ in range(chance.randint(1, 2)):
                    save(writer, [record(chance) for _ in range(chance.randint(1, 5))])
                writer.rollback() if chance.random() < 0.2 else writer.commit()
            except psycopg.errors.DeadlockDetected:
                writer.rollback()
            race.done["saved"] += 1


def fold(project: Project, race: Race) -> None:
    """Fold, and sometimes refresh, until the time is over."""
    with project.connect() as job:
        turn = 0
        while not race.ended.is_set():
            turn += 1
            if turn % 50 == 0:
                job.execute("select public.refresh_cost_records_daily()")
            row = job.execute("select public.fold_stale_days()").fetchone()
            assert row is not None
            race.done["folded"] += row[0]


def travel(project: Project, user: UUID, race: Race) -> None:
    """Change the time zone until the time is over."""
    with project.act_as("authenticated", user) as traveller:
        while not race.ended.wait(0.1):
            zone = ("America/New_York", "Asia/Kathmandu", "Pacific/Auckland")[race.done["moved"] % 3]
            traveller.execute("update public.user_preferences set timezone = %s", [zone])
            race.done["moved"] += 1


def read(project: Project, user: UUID, race: Race) -> None:
    """Compare reads with all records of the same snapshot until the time is over."""
    with project.act_as("authenticated", user) as reader:
        reader.autocommit = False
        reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        while not race.ended.is_set():
            assert read_daily_costs(reader) == add_up(reader)
            reader.rollback()
            race.done["read"] += 1


def test_racing_saves_folds_and_reads_are_exact_and_lose_no_mark(project: Project) -> None:
    with project.connect() as job:
        user = add_user(job, "America/New_York")
        race, start = Race(), monotonic()
        with ThreadPoolExecutor(6) as pool:
            racers = [pool.submit(write, project, user, seed, race) for seed in range(3)]
            racers.append(pool.submit(fold, project, race))
            racers += [pool.submit(racer, project, user, race) for racer in (read, travel)]
            while not any(racer.done() for racer in racers):
                race.ended.wait(0.05)
                if monotonic() - start > (SECONDS if race.has_seen_much() else LONGEST_SECONDS):
                    break
            race.ended.set()
            for racer in racers:
                racer.result()
        assert race.has_seen_much()
        fold_all(job)
        assert count(job, "stale_days") == 0
        with project.act_as("authenticated", user) as person:
            assert read_daily_costs(person) == add_up(person)
        both = """
            select count(*) from (
                (select * from private.current_days except select * from private.folded_days
                    except select * from private.cost_records_daily)
            ) as d"""
        assert job.execute(both).fetchone() == (0,)


def test_a_fold_takes_marks_and_leaves_reads_exact(database: Connection, as_user: Act, user: UUID) -> None:
    person, chance = as_user(user), random.Random(1)
    save(person, [record(chance) for _ in range(60)])
    database.execute("select public.refresh_cost_records_daily()")
    save(person, [record(chance) for _ in range(5)])
    stale = count(database, "stale_days")
    assert stale > 0
    assert fold_all(database) == stale
    assert (count(database, "stale_days"), count(database, "overridden_days")) == (0, stale)
    assert read_daily_costs(person) == add_up(person)
    person.execute("delete from public.cost_records where timestamp < %s", [FIRST + timedelta(days=3)])
    fold_all(database)
    assert read_daily_costs(person) == add_up(person)


def test_a_day_of_every_kind_of_record_reads_alike_when_stale_folded_and_refreshed(
    database: Connection, as_user: Act, user: UUID
) -> None:
    make_months(database, FIRST)
    database.execute(EVERY_KIND, {"user": user, "day": FIRST})
    stale = read_daily_costs(as_user(user))
    assert len(stale) == 2 * 9
    assert fold_all(database) == 1
    assert read_daily_costs(as_user(user)) == stale
    database.execute("select public.refresh_cost_records_daily()")
    assert count(database, "folded_days") == 0
    assert read_daily_costs(as_user(user)) == stale


def test_a_fold_changes_no_data_version(database: Connection, as_user: Act, user: UUID) -> None:
    person = as_user(user)
    versions = []
    for seed in range(2):
        save(person, [record(random.Random(seed))])
        saved = person.execute("select public.data_version()").fetchone()
        assert fold_all(database) == 1
        assert person.execute("select public.data_version()").fetchone() == saved
        versions.append(saved)
    save(person, [record(random.Random(0))])
    versions.append(person.execute("select public.data_version()").fetchone())
    assert len(set(versions)) == 3


def test_marks_of_open_transactions_are_not_folded(project: Project, user: UUID) -> None:
    with project.connect() as job, project.act_as("authenticated", user) as writer:
        writer.autocommit = False
        save(writer, [record(random.Random(2))])
        assert fold_all(job) == 0
        writer.commit()
        assert fold_all(job) == 1


def test_view_is_refreshed_only_when_a_reader_has_many_folded_days(
    database: Connection, as_user: Act, user: UUID
) -> None:
    person, chance = as_user(user), random.Random(3)
    save(person, [record(chance) for _ in range(200)])
    refresh = "select public.refresh_cost_records_daily(true)"
    database.execute("select public.refresh_cost_records_daily()")
    save(person, [record(chance) | {"timestamp": FIRST.isoformat()}])
    fold_all(database)
    assert database.execute(refresh).fetchone() == (0,)
    database.execute("update private.refreshes set refreshed_at = now() - interval '8 days'")
    assert database.execute(refresh).fetchone() == (1,)
    for day in range(8):
        save(person, [record(chance) | {"timestamp": (FIRST + timedelta(days=day)).isoformat()}])
    fold_all(database)
    assert database.execute(refresh).fetchone() == (8,)
    assert (count(database, "overridden_days"), count(database, "folded_days")) == (0, 0)
    assert read_daily_costs(person) == add_up(person)


def test_totals_of_a_deleted_account_leave_the_view_with_the_next_upkeep(
    database: Connection, as_user: Act, user: UUID
) -> None:
    person = as_user(user)
    save(person, [record(random.Random(4))])
    refresh = "select public.refresh_cost_records_daily(true)"
    database.execute("select public.refresh_cost_records_daily()")
    assert database.execute(refresh).fetchone() == (0,)
    person.execute("select public.delete_own_account(%s)", [f"{user}@example.org"])
    fold_all(database)
    database.execute(refresh)
    assert count(database, "cost_records_daily") == 0


def test_refresh_rewrites_no_unchanged_row(database: Connection, as_user: Act, user: UUID) -> None:
    person, chance = as_user(user), random.Random(4)
    save(person, [record(chance) for _ in range(100)])
    places = "select ctid, xmin, total_cost_usd from private.cost_records_daily order by ctid"
    database.execute("select public.refresh_cost_records_daily()")
    before = database.execute(places).fetchall()
    database.execute("update public.cost_records set metadata = '{}'")
    assert database.execute("select public.refresh_cost_records_daily()").fetchone() != (0,)
    assert len(before) > DAYS
    assert database.execute(places).fetchall() == before
