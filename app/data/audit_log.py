"""The audit log of a workspace, for its admins."""

from datetime import datetime
from typing import Any

from app.auth.identity import User
from app.data.reading import call

PAGE_ENTRIES = 1000


def count_audit_log(user: User, search: str) -> int:
    """The number of entries that contain a text."""
    return int(call(user, "count_audit_log", search=search))


def load_audit_log(user: User, search: str, most: int) -> list[dict[str, Any]]:
    """The newest entries that contain a text; a few more than `most` where several are of one time."""
    entries: list[dict[str, Any]] = []
    while len(entries) < most:
        asked = min(PAGE_ENTRIES, most - len(entries))
        before = entries[-1]["created_at"] if entries else None
        page = call(user, "search_audit_log", search=search, before=before, at_most=asked)
        entries += page
        if len(page) < asked:
            break
    return [entry | {"created_at": datetime.fromisoformat(entry["created_at"])} for entry in entries]
