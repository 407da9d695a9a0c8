"""Waiting messages: quiet hours and daily digests, in the workspace's zone."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DIGEST_AT = time(8)


@dataclass(frozen=True, slots=True)
class Hours:
    """A channel's wishes. Quiet hours may pass midnight."""

    zone: ZoneInfo
    quiet_from: time | None = None
    quiet_to: time | None = None
    urgent_passes: bool = True
    is_daily: bool = False

    def hold_until(self, now: datetime, severity: str) -> datetime | None:
        """The instant until which a message waits; None if it may be sent now."""
        if severity == "critical" and self.urgent_passes:
            return None
        until = self._next(now, DIGEST_AT) if self.is_daily else None
        return self._end_of_quiet(until or now) or until

    def _end_of_quiet(self, moment: datetime) -> datetime | None:
        """The end of the quiet hours that the moment is in; None if it is in none."""
        if self.quiet_from is None or self.quiet_to is None:
            return None
        for days in (-1, 0):
            day = moment.astimezone(self.zone).date() + timedelta(days=days)
            passes_midnight = self.quiet_to < self.quiet_from  # as clocks show it, however they jump
            last_day = day + timedelta(days=1) if passes_midnight else day
            begin, end = self._instant(day, self.quiet_from), self._instant(last_day, self.quiet_to)
            if begin <= moment < end:
                return end
        return None

    def _next(self, now: datetime, at: time) -> datetime:
        """The next time that clocks show this, today or tomorrow."""
        today = now.astimezone(self.zone).date()
        first = self._instant(today, at)
        return first if first > now else self._instant(today + timedelta(days=1), at)

    def _instant(self, day: date, at: time) -> datetime:
        """The instant at which clocks show a time; where they jump over it, as much later."""
        return datetime.combine(day, at, self.zone).astimezone(UTC)
