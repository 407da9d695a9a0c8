"""Advice of the workspace, and what people decide about it."""

from app.auth.identity import User, supabase_client
from app.data.reading import cached, data_version, fetch_rows, forget_version, select
from tally.advice.kept import COLUMNS, STATUSES, KeptAdvice, Status, parse_kept
from tally.storage.postgrest import ask

MOST_READ = 300


def load_advice(user: User) -> list[KeptAdvice]:
    """Load what is open, largest saving first, then what was decided, newest first."""
    return _advice(user, data_version(user))


@cached
def _advice(user: User, version: str) -> list[KeptAdvice]:  # noqa: ARG001
    query = select(user, "advice", COLUMNS).in_("status", STATUSES)
    rows = fetch_rows(
        query.order("decided_at", desc=True, nullsfirst=True)
        .order("saving_mid", desc=True)
        .order("id")
        .limit(MOST_READ)
    )
    return list(map(parse_kept, rows))


def decide_advice(user: User, advice_id: str, status: Status) -> None:
    """Apply or dismiss advice, or open it again. Raises DatabaseError."""
    ask(supabase_client(user).rpc("decide_advice", {"advice": advice_id, "status": status}).execute)
    forget_version(user)
