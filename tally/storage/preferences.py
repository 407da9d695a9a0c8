"""Preferences of an account."""

from tally.storage.database import Database, Query


def load_timezone(database: Database) -> str:
    """Timezone of the account."""
    rows = database.select(Query("user_preferences", "user_id,timezone", ["user_id"]))
    return str(rows[0]["timezone"]) if rows else "UTC"
