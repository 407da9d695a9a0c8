"""Amounts in currencies other than US dollars, each converted at the rate of its day."""

import re
from datetime import date
from decimal import Decimal

from tally.core.encoding import canonical_decimal
from tally.core.records import JSON
from tally.currency.rates import EUR, USD, find_rate
from tally.importers.protocol import Options, RowRejected
from tally.importers.readers.table import quote

# Signs and names that mean a currency code. A sign shared by several currencies is left out, except for the
# dollar, which means the US dollar everywhere in Tally.
SIGNS = {
    "$": USD,
    "us$": USD,
    "us dollar": USD,
    "us dollars": USD,
    "€": EUR,
    "euro": EUR,
    "euros": EUR,
    "£": "GBP",
    "₹": "INR",
    "₩": "KRW",
    "₺": "TRY",
    "₪": "ILS",
    "฿": "THB",
    "₱": "PHP",
    "a$": "AUD",
    "c$": "CAD",
    "ca$": "CAD",
    "nz$": "NZD",
    "hk$": "HKD",
    "s$": "SGD",
    "r$": "BRL",
    "mx$": "MXN",
    "zł": "PLN",
    "kč": "CZK",
}
_BESIDE = re.compile(
    r"(?P<opened>\(?)(?P<sign>[-+−]?)\s*(?P<before>[^\d\s.,()+−-]{0,4}?)\s*"  # noqa: RUF001 (spreadsheets' minus)
    r"(?P<number>[-+−]?[\d.,][\d.,'\u2019\s]*(?:[eE][-+]?\d+)?)\s*(?P<after>[^\d\s.,()+−-]{0,4})(?P<closed>\)?)"  # noqa: RUF001
)


def find_currency(text: str) -> str:
    """The currency code for a code, sign or name; raises RowRejected."""
    stripped = text.strip()
    code = SIGNS.get(stripped.lower()) or stripped.upper()
    if not re.fullmatch("[A-Z]{3}", code):
        raise RowRejected(f"the currency {quote(text)} is unknown; write its code, such as EUR")
    return code


def split_currency(cell: str) -> tuple[str, str]:
    """An amount without the currency beside it, and that currency's code, empty where there is none."""
    match = _BESIDE.fullmatch(cell.strip())
    beside = match and (match["before"] or match["after"])
    if not match or not beside or (match["before"] and match["after"]):
        return cell, ""
    code = SIGNS.get(beside.lower()) or beside.upper()
    if code == USD or not re.fullmatch("[A-Z]{3}", code):
        return cell, ""
    return "".join([match["opened"], match["sign"], match["number"].strip(), match["closed"]]), code


def convert_to_usd(
    metadata: dict[str, JSON], amount: Decimal, currency: str, day: date, options: Options
) -> Decimal:
    """US dollars at the rate of that day; adds the original amount and the rate to the metadata."""
    if currency == USD:
        return amount
    rate = find_rate(currency, day, options.rates)
    metadata["original_amount"] = canonical_decimal(amount)
    metadata["original_currency"] = currency
    metadata["exchange_rate"] = f"{rate.units_per_usd:.8f}"  # units per US dollar
    metadata["rate_day"] = rate.day.isoformat()
    return rate.to_usd(amount)
