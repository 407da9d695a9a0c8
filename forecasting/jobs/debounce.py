"""The moment to act on changes: once they pause, but not long after the first; rarer for what takes long."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

LONGEST_REPEAT_SECONDS = 3600.0
REST_FACTOR = 2.0  # of its own time: one that changes without end gets a third of the worker at most

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between looks, from the last change to the act, from the first to it, and to a repeat."""

    check_seconds: float = 1.0
    quiet_seconds: float = 5.0
    longest_seconds: float = 25.0
    repeat_seconds: float = 60.0


@dataclass(slots=True)
class _Change:
    version: str
    first_at: float
    last_at: float
    repeat_seconds: float
    repeat_at: float = 0.0
    is_pending: bool = True


class Debounce(Generic[Key]):
    """The keys that are out of date; times are those of one clock, in seconds."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._changes: dict[Key, _Change] = {}
        self._rests_until: dict[Key, float] = {}

    def take(self, versions: Mapping[Key, str], now: float) -> list[Key]:
        """Take the newest version of all that is out of date, and return what to act on now.

        What is still out of date after the act is due again, at growing intervals.
        """
        self._changes = {key: change for key, change in self._changes.items() if key in versions}
        self._rests_until = {key: until for key, until in self._rests_until.items() if until > now}
        for key, version in versions.items():
            self._note(key, version, now)
        due = [key for key, change in self._changes.items() if self._is_due(key, change, now)]
        for key in due:
            change = self._changes[key]
            change.is_pending = False
            change.repeat_at = now + change.repeat_seconds
            change.repeat_seconds = min(2 * change.repeat_seconds, LONGEST_REPEAT_SECONDS)
        return due

    @property
    def has_pending(self) -> bool:
        """True while a change waits for its act; what is only repeated does not."""
        return any(change.is_pending for change in self._changes.values())

    def rest(self, key: Key, seconds: float, now: float) -> None:
        """Let a key whose act took this long rest before the next."""
        self._rests_until[key] = now + REST_FACTOR * seconds

    def retry(self, key: Key, now: float) -> None:
        """Take a key as changed now: the act on it came too early."""
        if change := self._changes.get(key):
            change.is_pending, change.first_at, change.last_at = True, now, now

    def _note(self, key: Key, version: str, now: float) -> None:
        change = self._changes.get(key)
        if change is None:
            self._changes[key] = _Change(version, now, now, self._pace.repeat_seconds)
        elif change.version != version:
            first_at = change.first_at if change.is_pending else now
            self._changes[key] = _Change(version, first_at, now, self._pace.repeat_seconds)

    def _is_due(self, key: Key, change: _Change, now: float) -> bool:
        if now < self._rests_until.get(key, now):
            return False
        if not change.is_pending:
            return now >= change.repeat_at
        is_quiet = now - change.last_at >= self._pace.quiet_seconds
        return is_quiet or now - change.first_at >= self._pace.longest_seconds
