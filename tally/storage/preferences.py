"""An account's own preferences, as the domain reads them."""

from tally.storage.database import Database


def load_timezone(database: Database) -> str:
    """The person's own timezone."""
    rows = database.select("user_preferences", "user_id,timezone", ["user_id"])
    return str(rows[0]["timezone"]) if rows else "UTC"
