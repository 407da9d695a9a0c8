"""An account's own preferences, as the domain reads them."""

from tally.storage.database import Database, Query


def load_timezone(database: Database) -> str:
    """The person's own timezone."""
    rows = database.select(Query("user_preferences", "user_id,timezone", ["user_id"]))
    return str(rows[0]["timezone"]) if rows else "UTC"
