"""People of a workspace, their use of this month, and open invitations."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from app.auth.identity import User
from app.data.projects import load_split
from app.data.reading import API_ROWS, cached, call, data_version, fetch_rows, select
from app.figures.members import Person, Use, sum_by_person


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation that was not accepted yet, possibly expired."""

    invitation_id: str
    email: str
    role: str
    invited_by: str | None
    expires_at: datetime


def load_people(user: User) -> dict[str, Person]:
    """The people of the workspace by their id, members by rank and then those who left."""
    return _people(user, data_version(user))


@cached
def _people(user: User, version: str) -> dict[str, Person]:  # noqa: ARG001
    return {row["user_id"]: _parse_person(row) for row in call(user, "list_people")}


def load_use_of_month(user: User, today: date) -> dict[str, Use]:
    """The use of this month so far, by person; of others only if the user may see it."""
    return sum_by_person(load_split(user, "person", today.replace(day=1), today))


def load_invitations(user: User) -> list[Invitation]:
    """The open and expired invitations of the workspace, by address; for admins."""
    return _invitations(user, data_version(user))


@cached
def _invitations(user: User, version: str) -> list[Invitation]:  # noqa: ARG001
    query = select(user, "invitations", "id,email,role,invited_by,expires_at").order("email").limit(API_ROWS)
    return [
        Invitation(
            row["id"], row["email"], row["role"], row["invited_by"], datetime.fromisoformat(row["expires_at"])
        )
        for row in fetch_rows(query)
    ]


def _parse_person(row: dict[str, Any]) -> Person:
    return Person(
        user_id=row["user_id"],
        email=row["email"] or "",
        role=row["role"],
        last_active=date.fromisoformat(row["last_active"]) if row["last_active"] else None,
        monthly_usd=Decimal(row["monthly_usd"]) if row["monthly_usd"] else None,
        monthly_tokens=row["monthly_tokens"],
    )
