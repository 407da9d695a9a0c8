"""Keys of a workspace: making, listing, changing, rotating and revoking them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from tally.api_keys.key_text import hash_key, make_key_text, show_key, split_shown
from tally.core.errors import TallyError
from tally.storage.database import Database, Query, Row, select_all

Scope = Literal["ingest", "read", "prompts"]  # prompts: to fetch and push them, and nothing else
State = Literal["active", "rotated", "revoked", "expired"]  # a rotated one works until it expires

SCOPE_NAMES: Mapping[Scope, str] = {
    "ingest": "send",
    "read": "read",
    "prompts": "prompts",
}  # as people read them
IDLE_AFTER = timedelta(days=30)
COLUMNS = (
    "id,user_id,project_id,name,prefix,last_four,scopes,requests_per_minute,tokens_per_minute,created_at,"
    "expires_at,last_used_at,revoked_at,successor_id"
)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is stored: all but the key itself."""

    id: str
    user_id: str
    name: str
    shown: str
    project_id: str | None
    scopes: tuple[Scope, ...]
    requests_per_minute: int | None
    tokens_per_minute: int | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    successor_id: str | None

    def state(self, now: datetime) -> State:
        """Its state at an instant."""
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at is not None and self.expires_at <= now:
            return "expired"
        return "rotated" if self.successor_id else "active"

    def works(self, now: datetime) -> bool:
        """True while programs can use it."""
        return self.state(now) in ("active", "rotated")

    def idle_since(self, now: datetime) -> datetime | None:
        """The last use, or else the making, of an active key that was not used for 30 days."""
        used = self.last_used_at or self.created_at
        return used if self.state(now) == "active" and now - used >= IDLE_AFTER else None


@dataclass(frozen=True, slots=True)
class NewKey:
    """The choices for a key to be made. Without a project, rules file what it sends."""

    name: str
    scopes: tuple[Scope, ...] = ("ingest",)
    project_id: str | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MadeKey:
    """A key that was just made: the only time that its text is known."""

    id: str
    text: str = field(repr=False)

    @property
    def shown(self) -> str:
        """The key as lists show it."""
        return show_key(*split_shown(self.text))


def create_key(database: Database, new: NewKey) -> MadeKey:
    """Make a key of the account; raises DatabaseError."""
    text = make_key_text()
    details = _describe_text(text) | {
        "name": new.name,
        "scopes": list(new.scopes),
        "project_id": new.project_id,
        "requests_per_minute": new.requests_per_minute,
        "tokens_per_minute": new.tokens_per_minute,
        "expires_at": _to_json(new.expires_at),
    }
    return MadeKey(database.call("create_api_key", details=details), text)


def list_keys(database: Database) -> list[ApiKey]:
    """The keys that the account may see, oldest first: own ones, or as an admin everybody's."""
    query = Query("api_keys", COLUMNS, ["created_at", "id"])
    return [_parse_key(row) for row in select_all(database, query)]


def find_key(keys: Sequence[ApiKey], asked: str, now: datetime) -> ApiKey:
    """The key that works with this id, name or shown form; raises TallyError unless there is one."""
    wanted = asked.strip()
    working = [key for key in keys if key.works(now)]
    found = [key for key in working if wanted in (key.id, key.shown)]
    found = found or [key for key in working if key.name.casefold() == wanted.casefold()]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(f"{key.id} ({key.shown})" for key in found)
        raise TallyError(f"There are {len(found)} keys named “{wanted}”. Use the id of one of them: {ids}.")
    raise TallyError(f"There is no key “{wanted}” that works. `tally keys api list` shows all of them.")


def change_key(database: Database, key_id: str, changes: Mapping[str, Any]) -> None:
    """Set `name`, `project_id`, `requests_per_minute`, `tokens_per_minute` or `expires_at`; others stay."""
    details = {name: _to_json(value) for name, value in changes.items()}
    database.call("change_api_key", api_key=key_id, details=details)


def rotate_key(database: Database, key: ApiKey, overlap: timedelta, expires_at: datetime | None) -> MadeKey:
    """Make a key in place of an own one, which works for `overlap` more, 7 days at most."""
    text = make_key_text()
    details = _describe_text(text) | {"expires_at": _to_json(expires_at)}
    seconds = int(overlap.total_seconds())
    made = database.call("rotate_api_key", api_key=key.id, details=details, overlap=seconds)
    return MadeKey(made, text)


def revoke_key(database: Database, key_id: str) -> None:
    """End a key at once, and for good."""
    database.call("revoke_api_key", api_key=key_id)


def _describe_text(text: str) -> Row:
    prefix, last_four = split_shown(text)
    return {"prefix": prefix, "last_four": last_four, "key_hash": f"\\x{hash_key(text).hex()}"}


def _to_json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _parse_key(row: Row) -> ApiKey:
    return ApiKey(
        id=row["id"],
        user_id=row["user_id"],
        name=row["name"],
        shown=show_key(row["prefix"], row["last_four"]),
        project_id=row["project_id"],
        scopes=tuple(row["scopes"]),
        requests_per_minute=row["requests_per_minute"],
        tokens_per_minute=row["tokens_per_minute"],
        created_at=datetime.fromisoformat(row["created_at"]),
        expires_at=_parse_instant(row["expires_at"]),
        last_used_at=_parse_instant(row["last_used_at"]),
        revoked_at=_parse_instant(row["revoked_at"]),
        successor_id=row["successor_id"],
    )


def _parse_instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
