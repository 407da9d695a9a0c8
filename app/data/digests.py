"""The mails that a user gets, and a look at the next one."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from app.auth.identity import User, database_of, supabase_client
from app.data.reading import fetch_rows
from tally.digests.content import Digest
from tally.digests.make import make_digest
from tally.digests.periods import Kind


@dataclass(frozen=True, slots=True)
class MailChoices:
    """The mails that a user wants, of all workspaces."""

    weekly: bool = True
    monthly: bool = True


def load_mail_choices(user: User) -> MailChoices:
    """The user's choice; never cached, as a link in a mail may change it."""
    table = supabase_client(user).table("user_preferences")
    rows = fetch_rows(table.select("email_notifications,weekly_digest,monthly_digest"))
    if not rows:
        return MailChoices()
    [row] = rows
    return MailChoices(
        *(row["email_notifications"] and row[name] for name in ("weekly_digest", "monthly_digest"))
    )


def load_digest(user: User, kind: Kind, today: date) -> Digest | None:
    """The mail about the last complete week or month of the workspace that is open, as this user gets it."""
    return make_digest(database_of(user), kind, today, datetime.now(UTC))
