"""Time zones that can be chosen."""

from zoneinfo import available_timezones

# Aliases and technical entries of the time zone database.
NOT_PLACES = ("Etc/", "posix/", "right/", "SystemV/")


def list_timezones(current: str) -> list[str]:
    """Time zones by name, UTC first; always includes the current one."""
    places = {name for name in available_timezones() if "/" in name and not name.startswith(NOT_PLACES)}
    return ["UTC", *sorted((places | {current}) - {"UTC"})]
