"""Keys of programs in words, and the order of their list."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from app.formats.dates import format_short_day
from tally.api_keys.keys import SCOPE_NAMES, ApiKey
from tally.core.text import plural

BY_RULES = "By rules"
ENDED = {"revoked": "Revoked", "expired": "Expired"}


def sort_keys(keys: Sequence[ApiKey], now: datetime) -> tuple[list[ApiKey], list[ApiKey]]:
    """The keys that work, newest first, and those that ended, last ended first."""
    working = [key for key in keys if key.works(now)]
    ended = [key for key in keys if not key.works(now)]
    return sorted(working, key=lambda key: key.created_at, reverse=True), sorted(
        ended, key=_find_end, reverse=True
    )


def _find_end(key: ApiKey) -> datetime:
    return min(moment for moment in (key.revoked_at, key.expires_at) if moment is not None)


def explain_block(key: ApiKey, is_archived: bool | None, owner_role: str | None) -> str:
    """The reason why a key is refused although it has not ended, in two words; empty if it is not.

    `is_archived` is about its project; None where the user sees none.
    """
    if key.project_id and is_archived is not False:
        return "Project archived" if is_archived else "Project hidden"
    return "Owner only reads" if owner_role == "viewer" and set(key.scopes) == {"ingest"} else ""


def describe_state(key: ApiKey, now: datetime, zone: ZoneInfo) -> str:
    """Its state: Active, Waiting, Unused 41 days, Ends 30 Nov, Expired, Revoked."""
    state = key.state(now)
    if state in ENDED:
        return ENDED[state]
    if state == "rotated" and key.expires_at is not None:
        local = key.expires_at.astimezone(zone)
        today = now.astimezone(zone).date()
        return (
            f"Ends {local:%H:%M}"
            if local.date() == today
            else f"Ends {format_short_day(local.date(), today)}"
        )
    if unused := key.idle_since(now):
        return f"Unused {plural((now - unused).days, 'day')}"
    return "Active" if key.last_used_at else "Waiting"


def describe_scopes(key: ApiKey) -> str:
    """The rights of a key."""
    return ", ".join(SCOPE_NAMES[scope].capitalize() for scope in key.scopes)


def summarize_keys(working: Sequence[ApiKey], now: datetime) -> str:
    """The number of keys that work, and of those among them that are idle."""
    idle = sum(key.idle_since(now) is not None for key in working)
    return plural(len(working), "key") + (f", {idle} unused" if idle else "")
