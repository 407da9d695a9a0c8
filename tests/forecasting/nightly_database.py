"""A test database with accounts and spend, and the nightly job to run on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, TypedDict, Unpack
from uuid import UUID, uuid4

import psycopg

from forecasting.nightly import run
from tests.database_fixtures import make_months

AS_OF = date(2024, 5, 11)


class RecordFields(TypedDict, total=False):
    """Fields of cost records; `at` is the time of day; by default in the personal workspace."""

    model: str
    provider: str
    charge_type: str
    cost_basis: str
    at: str
    workspace: UUID


class PlanFields(TypedDict, total=False):
    """Fields of a subscription."""

    started_on: date
    ended_on: date | None
    interval: str
    provider: str


DEFAULT_RECORD: RecordFields = {
    "model": "gpt-5",
    "provider": "openai",
    "charge_type": "usage",
    "cost_basis": "billed",
    "at": "12:00Z",
}
# It ends in the year of AS_OF: its renewals up to today would be in three years of months, made in each test.
DEFAULT_PLAN = {
    "started_on": date(2024, 1, 1),
    "ended_on": date(2024, 12, 31),
    "interval": "month",
    "provider": "chatgpt",
}


@dataclass(frozen=True, slots=True)
class NightlyDatabase:
    """A database reached with the nightly job's rights."""

    connection: psycopg.Connection[Any]
    url: str

    def add_account(self, timezone: str = "UTC", forecast_enabled: bool = True) -> UUID:
        """Add an account; returns the id of its user, which is also that of its personal workspace."""
        user_id = uuid4()
        self.connection.execute(
            "insert into auth.users (id, email) values (%s, %s)", [user_id, f"{user_id}@example.org"]
        )
        self.connection.execute(
            "update public.user_preferences set timezone = %s, forecast_enabled = %s where user_id = %s",
            [timezone, forecast_enabled, user_id],
        )
        return user_id

    def add_spend(
        self,
        user_id: UUID,
        amounts: Sequence[float | None],
        last_day: date = AS_OF - timedelta(days=1),
        **fields: Unpack[RecordFields],
    ) -> None:
        """Add one record a day, the last on `last_day`."""
        first_day = last_day - timedelta(days=len(amounts) - 1)
        make_months(self.connection, first_day, last_day)
        self.connection.execute(
            """
            insert into public.cost_records
                (workspace_id, user_id, provider_id, timestamp, model_name, cost_usd, charge_type, cost_basis)
            select %(workspace)s, %(user_id)s, p.id,
                ((%(first_day)s::date + (a.nth - 1)::integer)::text || ' ' || %(at)s)::timestamptz,
                %(model)s, a.amount, %(charge_type)s, %(cost_basis)s
            from public.providers as p,
                unnest(%(amounts)s::numeric[]) with ordinality as a (amount, nth)
            where p.name = %(provider)s""",
            {
                **DEFAULT_RECORD,
                "workspace": user_id,
                **fields,
                "user_id": user_id,
                "first_day": first_day,
                "amounts": list(amounts),
            },
        )

    def add_subscription(
        self, user_id: UUID, amount_usd: str, renewal_day: int, **fields: Unpack[PlanFields]
    ) -> None:
        """Add a plan that renews, by default in 2024 only."""
        self.connection.execute(
            """
            insert into public.subscriptions
                (workspace_id, user_id, provider_id, plan_name, amount_usd, started_on, ended_on, renewal_day,
                interval)
            select %(user_id)s, %(user_id)s, id, 'Plus', %(amount_usd)s, %(started_on)s, %(ended_on)s,
                %(renewal_day)s, %(interval)s
            from public.providers where name = %(provider)s""",
            {
                **DEFAULT_PLAN,
                **fields,
                "user_id": user_id,
                "amount_usd": amount_usd,
                "renewal_day": renewal_day,
            },
        )

    def run_nightly(self, as_of: date | None = AS_OF, workers: int = 0) -> int:
        """Run the job, by default without other processes, which is faster for a few series."""
        return run.run(self.url, run.Options(as_of=as_of, workers=workers))

    def rows(self, query: str, *values: object) -> list[Any]:
        """The rows of a query."""
        return self.connection.execute(query, values).fetchall()

    def count(self, table: str) -> int:
        """The number of rows in a table."""
        return int(self.rows(f"select count(*) from {table}")[0][0])
