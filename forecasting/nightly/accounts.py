"""Accounts, each with its local date."""

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from forecasting.nightly.database import Connection

ACCOUNTS = """
select
    u.id,
    coalesce(%(as_of)s, (now() at time zone coalesce(p.timezone, 'UTC'))::date),
    coalesce(p.forecast_enabled, true)
from auth.users as u
left join public.user_preferences as p on u.id = p.user_id
order by u.id"""


@dataclass(frozen=True, slots=True)
class Account:
    """An account to forecast; `today`, in its own timezone, is the first day to predict."""

    user_id: UUID
    today: date
    forecast_enabled: bool

    @property
    def last_day(self) -> date:
        """The last complete day, where training data and spend so far end."""
        return self.today - timedelta(days=1)


def load_accounts(connection: Connection, as_of: date | None) -> list[Account]:
    """All accounts; `as_of` replaces their local today."""
    return [Account(*row) for row in connection.execute(ACCOUNTS, {"as_of": as_of})]


def account_exists(connection: Connection, user_id: UUID) -> bool:
    """Return whether the account has not been deleted."""
    found = connection.execute("select from auth.users where id = %s", [user_id]).fetchone()
    return found is not None
