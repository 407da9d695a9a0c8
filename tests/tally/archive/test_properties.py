"""Any history of saves, bills, archives and restores: totals are those of a twin that archives nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID, uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tally.archive.leaving import Leaving
from tally.archive.storage import Storage, open_storage
from tally.archive.stretch import Stretch, load_archives
from tally.archive.upkeep import archive_one, restore_month
from tests.database.test_saving import record, save
from tests.database.truth import read_daily_costs
from tests.database_fixtures import Connection, Project, add_user

FIRST, DAYS = date(2026, 1, 24), 16  # of two months
ZONES = ("UTC", "Asia/Kolkata", "America/Los_Angeles")


@dataclass
class Twins:
    """Two accounts that save the same; the first archives."""

    database: Connection
    storage: Storage
    chance: Random
    users: tuple[UUID, UUID]
    people: tuple[Connection, Connection]

    def save(self, records: list[dict[str, Any]]) -> None:
        """Save records in both; what the first rejects, the second is not given."""
        answer = save(self.people[0], records)
        assert answer["inserted"] + answer["duplicate"] + len(answer["rejected"]) == len(records)
        rejected = {one["index"] for one in answer["rejected"]}
        assert rejected == {n for n, one in enumerate(records) if self.is_archived(one["timestamp"])}
        other = save(self.people[1], [one for n, one in enumerate(records) if n not in rejected])
        assert (other["inserted"], other["duplicate"]) == (answer["inserted"], answer["duplicate"])

    def is_archived(self, timestamp: str) -> bool:
        """True for an instant of an archived day."""
        day = date.fromisoformat(timestamp[:10])
        found = load_archives(self.database, self.users[0], "archived")
        return any(one.stretch.first_day <= day < one.stretch.end_day for one in found)


def save_requests(twins: Twins) -> None:
    """Estimates of an account, at any time of some days."""
    chance = twins.chance
    twins.save(
        [
            record(
                timestamp=f"{_any_day(chance)}T{chance.randrange(24):02}:{chance.randrange(60):02}:00Z",
                source_key=str(UUID(int=chance.randrange(400))),
                cost_usd=str(Decimal(chance.randrange(10**10)).scaleb(-10)),
                cost_basis="estimated",
                billing_account="openai",
                model_name=chance.choice(["gpt-5", "gpt-5-mini"]),
                tokens_used=chance.randrange(10_000),
            )
            for _ in range(chance.randrange(1, 12))
        ]
    )


def save_bill(twins: Twins) -> None:
    """A bill of a day, which stands in for its estimates."""
    day = _any_day(twins.chance)
    twins.save(
        [
            record(
                timestamp=f"{day}T00:00:00Z",
                day=str(day),
                source_key=str(uuid4()),
                cost_usd="7.0000000003",
                billing_account="openai",
                dataset="costs",
                collection_method="api_automated",
            )
        ]
    )


def archive(twins: Twins) -> None:
    """Archive a day, some days, or what is left of a month."""
    first = _any_day(twins.chance)
    end = min(first + timedelta(days=twins.chance.choice([1, 3, 8])), _next_month(first))
    while first < end and twins.is_archived(str(first)):
        first += timedelta(days=1)
    days = [first + timedelta(days=n) for n in range((end - first).days)]
    if days and not any(twins.is_archived(str(day)) for day in days):
        archive_one(Leaving(twins.database, twins.storage, twins.users[0], Stretch(first, end)))


def restore(twins: Twins) -> None:
    """Bring a month back, if anything of it is archived."""
    for one in load_archives(twins.database, twins.users[0], "archived")[:1]:
        month = Stretch.of_month(f"{one.stretch.first_day:%Y-%m}")
        restore_month(twins.database, twins.storage, twins.users[0], month)


def fold(twins: Twins) -> None:
    """Fold changed days."""
    twins.database.execute("select public.fold_stale_days()")


def refresh(twins: Twins) -> None:
    """Refresh the daily view."""
    twins.database.execute("select public.refresh_cost_records_daily()")


ACTIONS: list[Callable[[Twins], None]] = [
    save_requests,
    save_requests,
    save_bill,
    archive,
    archive,
    restore,
    fold,
    refresh,
]


@given(seed=st.integers(0, 10**6), steps=st.integers(6, 24), zone=st.sampled_from(ZONES))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_totals_never_depend_on_what_is_archived(project: Project, seed: int, steps: int, zone: str) -> None:
    with project.connect() as database, TemporaryDirectory() as folder:
        users = (add_user(database, zone), add_user(database, zone))
        one, other = (project.act_as("authenticated", user) for user in users)
        with one, other:
            storage = open_storage({"tally_archive_url": f"file://{folder}"})
            twins = Twins(database, storage, Random(seed), users, (one, other))
            save_requests(twins)
            for step in range(steps):
                action = twins.chance.choice(ACTIONS)
                action(twins)
                assert read_daily_costs(one) == read_daily_costs(other), f"step {step}: {action.__name__}"
            while load_archives(database, users[0], "archived"):
                restore(twins)
            assert read_daily_costs(one) == read_daily_costs(other)
            assert _read(database, users[0]) == _read(database, users[1])


def _read(database: Connection, user: UUID) -> list[tuple[Any, ...]]:
    """The records with their flags, without ids and whose they are."""
    query = """select timestamp, source_key, cost_usd, cost_basis, tokens_used, money_is_effective,
            tokens_are_effective
        from public.cost_records where workspace_id = %s and dataset = 'requests' order by 1, 2"""
    return database.execute(query, [user]).fetchall()


def _any_day(chance: Random) -> date:
    return FIRST + timedelta(days=chance.randrange(DAYS))


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1)
