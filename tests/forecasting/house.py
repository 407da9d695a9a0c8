"""People with spend, and the night at work on their database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg

from forecasting.nightly import run

AS_OF = date(2024, 5, 11)


@dataclass(frozen=True, slots=True)
class House:
    """A database with people in it, reached as the job reaches it."""

    connection: psycopg.Connection[Any]
    url: str

    def add_person(self, timezone: str = "UTC", forecast_enabled: bool = True) -> UUID:
        """Sign somebody up."""
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
        model: str = "gpt-5",
        provider: str = "openai",
        charge_type: str = "usage",
        cost_basis: str = "billed",
        at: str = "12:00Z",
    ) -> None:
        """One record a day, the last on `last_day`."""
        first_day = last_day - timedelta(days=len(amounts) - 1)
        self.connection.execute(
            """
            insert into public.cost_records
                (user_id, provider_id, timestamp, model_name, cost_usd, charge_type, cost_basis)
            select %s, p.id, ((%s::date + (a.nth - 1)::integer)::text || ' ' || %s)::timestamptz,
                %s, a.amount, %s, %s
            from public.providers as p, unnest(%s::numeric[]) with ordinality as a (amount, nth)
            where p.name = %s""",
            [user_id, first_day, at, model, charge_type, cost_basis, list(amounts), provider],
        )

    def add_subscription(
        self,
        user_id: UUID,
        amount_usd: str,
        renewal_day: int,
        started_on: date = date(2024, 1, 1),
        ended_on: date | None = None,
        interval: str = "month",
        provider: str = "chatgpt",
    ) -> None:
        """A plan that renews."""
        self.connection.execute(
            """
            insert into public.subscriptions
                (user_id, provider_id, plan_name, amount_usd, started_on, ended_on, renewal_day, interval)
            select %s, id, 'Plus', %s, %s, %s, %s, %s from public.providers where name = %s""",
            [user_id, amount_usd, started_on, ended_on, renewal_day, interval, provider],
        )

    def work(self, as_of: date = AS_OF, workers: int = 0) -> int:
        """A night of the real job, by default without other processes, which is quicker for a few series."""
        return run.run(self.url, as_of=as_of, workers=workers)

    def rows(self, query: str, *values: object) -> list[Any]:
        """What the database says."""
        return self.connection.execute(query, values).fetchall()

    def count(self, table: str) -> int:
        """How many rows a table has."""
        return int(self.rows(f"select count(*) from {table}")[0][0])
