"""Hours of a day in which a provider charges more, from a date on."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from genai_prices.types import TimeOfDateConstraint

SATURDAY = 5
# Instants of records that are dates, which have no hour; see `day_instant`.
INSTANTS_OF_DATES = (time(9), time(12))


@dataclass
class PeakHours(TimeOfDateConstraint):
    """A daily interval of UTC from a day on; on weekends only until the day that spared them."""

    first_day: date
    weekends_until: date

    def active(self, request_timestamp: datetime) -> bool:
        """Check whether a request at this time is charged at the peak price."""
        at = request_timestamp.astimezone(UTC)
        is_spared = at.weekday() >= SATURDAY and at.date() >= self.weekends_until
        if at.date() < self.first_day or is_spared or at.time() in INSTANTS_OF_DATES:
            return False
        return super().active(at)
