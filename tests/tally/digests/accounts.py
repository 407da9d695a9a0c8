"""Accounts with spend, in a real database, whose mails tests send."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from pydantic import SecretStr

from tally.core.settings import Settings
from tests.database_fixtures import Connection, make_months

MONDAY = date(2026, 11, 30)
ORIGIN = "https://tally.example.org"
MORNING = datetime(2026, 11, 30, 8, 5, tzinfo=UTC)
JOINED = datetime(2026, 11, 24, tzinfo=UTC)  # after the mail of the week before


@dataclass(frozen=True, slots=True)
class Spent:
    """A record: days before MONDAY, model, US dollars, tokens."""

    days_ago: int
    model: str
    usd: str
    tokens: int = 1000
    charge_type: str = "usage"
    project: UUID | None = None


WEEK = [Spent(ago, "gpt-5", "10") for ago in range(1, 8)] + [Spent(ago, "gpt-5", "8") for ago in range(8, 15)]


def settings_of(port: int | None, origin: str | None = ORIGIN) -> Settings:
    """Settings with the mail server on a port of this machine, or with none."""
    url = SecretStr(f"smtp://127.0.0.1:{port}?from=tally@example.org") if port else None
    return Settings(
        supabase_url="http://127.0.0.1", supabase_publishable_key="none", smtp_url=url, app_origin=origin
    )


def add_account(
    connection: Connection, email: str = "", timezone: str = "UTC", joined: datetime = JOINED
) -> UUID:
    """Sign somebody up; returns the id of the user and of the personal workspace."""
    user_id = uuid4()
    connection.execute(
        "insert into auth.users (id, email) values (%s, %s)", [user_id, email or f"{user_id}@example.org"]
    )
    connection.execute("update public.members set joined_at = %s where user_id = %s", [joined, user_id])
    connection.execute(
        "update public.user_preferences set timezone = %s, monthly_digest = false where user_id = %s",
        [timezone, user_id],
    )
    return user_id


def spend(connection: Connection, user: UUID, spent: list[Spent], workspace: UUID | None = None) -> None:
    """Add records, at noon UTC."""
    first = MONDAY - timedelta(days=max(each.days_ago for each in spent))
    make_months(connection, first, MONDAY)
    for each in spent:
        day = MONDAY - timedelta(days=each.days_ago)
        connection.execute(
            """insert into public.cost_records
                (workspace_id, user_id, provider_id, timestamp, model_name, cost_usd, input_tokens,
                tokens_used, charge_type, cost_basis, project_id)
            select %(workspace)s, %(user)s, p.id, %(at)s, %(model)s, %(usd)s, %(tokens)s, %(tokens)s,
                %(charge_type)s, 'billed', %(project)s
            from public.providers as p where p.name = 'openai'""",
            {
                "workspace": workspace or user,
                "user": user,
                "at": f"{day} 12:00Z",
                "model": each.model,
                "usd": each.usd,
                "tokens": each.tokens,
                "charge_type": each.charge_type,
                "project": each.project,
            },
        )


def states(connection: Connection) -> list[tuple[Any, ...]]:
    """What became of each mail: state and attempts."""
    return connection.execute("select state, attempts from private.digests order by created_at").fetchall()
