"""Time zones that can be chosen."""

from functools import cache
from zoneinfo import available_timezones

# Aliases and technical entries of the time zone database.
NOT_PLACES = ("Etc/", "posix/", "right/", "SystemV/")


def list_timezones(current: str) -> list[str]:
    """Time zones by name, UTC first; always includes the current one."""
    return ["UTC", *sorted((_list_places() | {current}) - {"UTC"})]


@cache  # it reads the folders of the time zone database
def _list_places() -> frozenset[str]:
    names = (name for name in available_timezones() if not name.startswith(NOT_PLACES))
    return frozenset(name for name in names if "/" in name)
