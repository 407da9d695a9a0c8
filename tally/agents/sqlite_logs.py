"""Logs in SQLite databases."""

import os
import sqlite3
from pathlib import Path
from urllib.parse import quote

PATIENCE = 10  # seconds for an agent to finish writing


def open_log(path: Path) -> sqlite3.Connection:
    """Open an agent's database for reading only, which is safe while the agent writes."""
    return sqlite3.connect(f"file:{quote(os.fsencode(path))}?mode=ro", uri=True, timeout=PATIENCE)


def list_columns(database: sqlite3.Connection, table: str) -> set[str]:
    """List the columns of a table; none where it does not exist."""
    return {row[1] for row in database.execute(f"pragma table_info({table})")}
