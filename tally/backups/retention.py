"""Automatic backups: their names, and which of them are kept."""

import re
from collections.abc import Callable, Hashable, Iterable
from datetime import date, datetime
from enum import StrEnum

DAILY, WEEKLY, BEFORE_MIGRATION = 7, 4, 3

_NAME = re.compile(r"tally-(\d{4}-\d\d-\d\d-\d{6})-(nightly|migration)\.backup")


class Reason(StrEnum):
    """Occasion of an automatic backup."""

    NIGHTLY = "nightly"
    MIGRATION = "migration"


def backup_name(moment: datetime, reason: Reason | None = None) -> str:
    """Name of a backup that begins now; one made by hand is never deleted."""
    return f"tally-{moment:%Y-%m-%d-%H%M%S}{f'-{reason}' if reason else ''}.backup"


def find_outdated(names: Iterable[str]) -> set[str]:
    """Names of automatic backups that are no longer kept.

    Kept are the newest of each of the last 7 days and of each of the last 4 weeks that have one, and the
    last 3 from before a migration.
    """
    automatic = {name: found for name in names if (found := _NAME.fullmatch(name))}
    newest_first = sorted(automatic, reverse=True)
    nightly = [name for name in newest_first if automatic[name][2] == Reason.NIGHTLY]
    days, weeks = _newest_by(nightly, _day), _newest_by(nightly, _week)
    migrations = [name for name in newest_first if automatic[name][2] == Reason.MIGRATION]
    kept = {*days[:DAILY], *weeks[:WEEKLY], *migrations[:BEFORE_MIGRATION]}
    return set(automatic) - kept


def last_nightly(names: Iterable[str]) -> datetime | None:
    """Local time of the latest nightly backup, without a zone."""
    found = [match for name in names if (match := _NAME.fullmatch(name)) and match[2] == Reason.NIGHTLY]
    return max((datetime.strptime(match[1], "%Y-%m-%d-%H%M%S") for match in found), default=None)  # noqa: DTZ007


def _newest_by(newest_first: list[str], key: Callable[[str], Hashable]) -> list[str]:
    newest: dict[Hashable, str] = {}
    for name in newest_first:
        newest.setdefault(key(name), name)
    return list(newest.values())


def _day(name: str) -> date:
    return date.fromisoformat(name[6:16])


def _week(name: str) -> tuple[int, int]:
    year, week, _ = _day(name).isocalendar()
    return year, week
