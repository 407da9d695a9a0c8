"""Sessions of one machine's file, brought into the table of several processes: nobody is signed out."""

import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path

from app.auth.postgres_sessions import PostgresSessions
from app.auth.session_store import StoredSession

MOVED = ".moved"  # at the end of the name of a file that was brought


def bring_sessions(file: Path, store: PostgresSessions) -> int:
    """Bring the live sessions and last workspaces of a file, rename it, and return the number of sessions.

    Those of the table win. What fails is tried again at the next start.
    """
    if not file.is_file():
        return 0
    with closing(sqlite3.connect(file)) as connection:
        rows = connection.execute("select id, user_id, sealed, opened_at, seen_at from sessions").fetchall()
        workspaces = connection.execute("select user_id, workspace_id from last_workspaces").fetchall()
    now = time.time()
    for session_id, user_id, sealed, opened_at, seen_at in rows:
        store.bring(session_id, StoredSession(user_id, sealed), now - opened_at, now - seen_at)
    for user_id, workspace_id in workspaces:
        if store.last_workspace(user_id) is None:
            store.save_last_workspace(user_id, workspace_id)
    with suppress(FileNotFoundError):  # another process brought them at the same time
        file.replace(file.with_name(file.name + MOVED))
    return len(rows)
