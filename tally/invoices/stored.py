"""Invoices as the database has them: lists, comparison with usage, and saving of several at once."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from tally.currency.rates import USD, CurrencyUnknown, Rates
from tally.invoices.invoice import Invoice, Line, Period, to_json
from tally.invoices.reconcile import Charge, Usage
from tally.storage.database import Database, Query, select_all

AMOUNTS = ("subtotal", "discount", "tax", "total", "applied_balance", "usd_rate")
COLUMNS = (
    "id,provider_id,seller,number,kind,issued_on,paid_on,period_start,period_end,currency,expires_on,"
    "card_last_four,plan_name,origin,decision," + ",".join(f"{name}::text" for name in AMOUNTS)
)
LINES = "id,invoice_id,position,description,amount::text"
USAGE_AT_ONCE = 100
RATE_STEP = Decimal("1e-12")

Row = Mapping[str, Any]


def list_invoices(database: Database) -> list[Row]:
    """All invoices of the workspace, the newest first; amounts as text. Raises DatabaseError."""
    rows = list(select_all(database, Query("invoices", COLUMNS, ["id"])))
    return sorted(rows, key=lambda row: (row["issued_on"], row["seller"], row["number"]), reverse=True)


def load_usage(database: Database, rows: Sequence[Row]) -> dict[str, Usage]:
    """The usage that invoices of usage are compared with, by invoice."""
    ids = [row["id"] for row in rows if row["kind"] == "usage"]
    found: dict[str, Usage] = {}
    for first in range(0, len(ids), USAGE_AT_ONCE):
        for row in database.call("invoice_usage", invoices=ids[first : first + USAGE_AT_ONCE]):
            found[row["id"]] = read_usage(row)
    return found


def read_usage(row: Row) -> Usage:
    """An element of what `invoice_usage` returns."""
    return Usage(Decimal(row["usage_usd"]), Decimal(row["local_usd"]), Decimal(row["last_day_usd"]))


def read_charge(row: Row) -> Charge:
    """The amounts of a row."""
    return Charge(
        row["kind"],
        row["currency"],
        subtotal=Decimal(row["subtotal"]),
        total=Decimal(row["total"]),
        tax=Decimal(row["tax"]),
        discount=Decimal(row["discount"]),
        usd_rate=None if row["usd_rate"] is None else Decimal(row["usd_rate"]),
        decision=row["decision"],
    )


def load_whole(database: Database) -> list[Invoice]:
    """All invoices with their lines, the newest first."""
    rows = list_invoices(database)
    if not rows:
        return []
    names = {row["id"]: row["name"] for row in database.select(Query("providers", "id,name", ["name"]))}
    lines: dict[str, list[Row]] = defaultdict(list)
    for line in select_all(database, Query("invoice_lines", LINES, ["invoice_id", "position"])):
        lines[line["invoice_id"]].append(line)
    return [_read_invoice(row, lines[row["id"]], names[row["provider_id"]]) for row in rows]


def _read_invoice(row: Row, lines: Sequence[Row], provider: str) -> Invoice:
    first, last = _day(row["period_start"]), _day(row["period_end"])
    return Invoice(
        row["seller"],
        row["number"],
        row["kind"],
        provider,
        date.fromisoformat(row["issued_on"]),
        row["currency"],
        Decimal(row["total"]),
        [Line(line["description"], Decimal(line["amount"])) for line in lines],
        Decimal(row["tax"]),
        Decimal(row["discount"]),
        Decimal(row["applied_balance"]),
        Period(first, last) if first and last else None,
        _day(row["paid_on"]),
        row["card_last_four"],
        _day(row["expires_on"]),
        row["plan_name"],
        row["origin"],
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def save_invoices(database: Database, invoices: Sequence[Invoice], rates: Rates) -> tuple[int, int]:
    """Save all invoices or none; returns how many were added, and how many were there."""
    rows = [to_json(each, find_usd_rate(rates, each.currency, each.issued_on)[0]) for each in invoices]
    saved = database.call("save_invoices", invoices=rows)
    return saved["added"], saved["known"]


def find_usd_rate(rates: Rates, currency: str, day: date) -> tuple[Decimal | None, str]:
    """US dollars for a unit of a currency on a day; None, with a sentence, where there is no rate."""
    if currency == USD:
        return Decimal(1), ""
    try:
        rate = rates.find(currency, day)
    except CurrencyUnknown as unknown:
        return None, f" It is kept in {currency} and not counted: {unknown}"
    return (1 / rate.units_per_usd).quantize(RATE_STEP), ""
