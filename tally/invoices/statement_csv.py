"""Card statements as CSV: columns found by their headings or chosen, read as the importers read tables."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from tally.core.amounts import AmountUnreadable, parse_amount
from tally.currency.rates import bundled_rates
from tally.importers.cell_styles import decide_day_first, decide_decimal_comma
from tally.importers.column_matching import normalise_heading
from tally.importers.protocol import MissingColumns, Options, RowRejected
from tally.importers.readers.currencies import find_currency, split_currency
from tally.importers.readers.dates import DateUnreadable, parse_moment
from tally.importers.readers.decoding import decode
from tally.importers.readers.table import Rejected, Table, list_quoted, read_csv
from tally.invoices.invoice import InvoiceRefused
from tally.invoices.statements import (
    MAX_BYTES,
    MAX_TRANSACTIONS,
    Statement,
    Transaction,
    check_amount,
    find_charges,
)

REQUIRED = ("date", "description", "amount")
# Headings, best first, in the form of normalise_heading.
COLUMNS = {
    "date": (
        "date",
        "transaction_date",
        "trans_date",
        "posted_date",
        "post_date",
        "posting_date",
        "date_posted",
        "booking_date",
        "value_date",
        "completed_date",
        "started_date",
        "buchungstag",
        "buchungsdatum",
        "datum",
        "date_operation",
        "fecha",
        "data",
    ),
    "description": (
        "description",
        "merchant",
        "merchant_name",
        "payee",
        "name",
        "transaction_description",
        "details",
        "narrative",
        "counterparty",
        "counterparty_name",
        "reference",
        "memo",
        "beschreibung",
        "empfaenger",
        "empf_nger",
        "auftraggeber_empfaenger",
        "verwendungszweck",
        "libelle",
        "concepto",
        "descrizione",
    ),
    "amount": (
        "amount",
        "transaction_amount",
        "billing_amount",
        "betrag",
        "montant",
        "importe",
        "importo",
        "value",
    ),
    "debit": (
        "debit",
        "debit_amount",
        "money_out",
        "paid_out",
        "withdrawal",
        "withdrawals",
        "charge",
        "charges",
        "soll",
    ),
    "credit": ("credit", "credit_amount", "money_in", "paid_in", "deposit", "deposits", "haben"),
    "currency": ("currency", "currency_code", "waehrung", "w_hrung", "wahrung", "billing_currency", "devise"),
    "id": ("transaction_id", "id", "fitid", "reference_number", "transaction_reference"),
    "card": (
        "card",
        "card_number",
        "card_no",
        "card_member_number",
        "account",
        "account_number",
        "iban",
        "card_last_four",
    ),
}


@dataclass(frozen=True, slots=True)
class Answers:
    """The currency of amounts without one, and a person's answers about columns, days and decimal signs."""

    currency: str
    mapping: Mapping[str, str] | None = None  # heading -> column
    options: Options = field(default_factory=lambda: Options("UTC"))


def read_statement_csv(data: bytes, filename: str, answers: Answers) -> Statement:
    """The charges for AI of a statement; raises ImportRefused, MissingColumns or Question."""
    if len(data) > MAX_BYTES:
        raise InvoiceRefused(f"{filename} is larger than 5 MB. Export shorter periods.")
    table = read_csv(decode(data, filename), filename)
    if len(table.rows) > MAX_TRANSACTIONS:
        raise InvoiceRefused(f"{filename} has more than {MAX_TRANSACTIONS:,} lines. Export shorter periods.")
    columns = find_statement_columns(table, answers.mapping or {})
    reader = _Rows(table, columns, answers)
    return find_charges(*reader.read_all())


def find_statement_columns(table: Table, mapping: Mapping[str, str]) -> dict[str, int]:
    """The indexes of the columns; raises MissingColumns."""
    found = {mapping[heading]: index for index, heading in enumerate(table.header) if heading in mapping}
    names = [_strip_currency(normalise_heading(heading)) for heading in table.header]
    for column, synonyms in COLUMNS.items():
        free = [each for each in synonyms if each in names and names.index(each) not in found.values()]
        if column not in found and free:
            found[column] = names.index(free[0])
    has_amount = "amount" in found or "debit" in found
    missing = [name for name in REQUIRED if name not in found and not (name == "amount" and has_amount)]
    if missing:
        raise MissingColumns(
            f"{table.filename} has no column for {' and '.join(missing)}. "
            f"It has {list_quoted(table.header)}. Match the columns.",
            missing,
            table.header,
        )
    return found


def _strip_currency(name: str) -> str:
    rest, _, code = name.rpartition("_")
    return rest if rest and code.upper() in bundled_rates().currencies else name


class _Rows:
    """The rows of a statement as transactions."""

    def __init__(self, table: Table, columns: Mapping[str, int], answers: Answers) -> None:
        self.table, self.columns, self.answers = table, columns, answers
        self.day_first = decide_day_first(table, columns["date"], answers.options)
        amounts = columns["debit"] if "debit" in columns else columns["amount"]
        self.decimal_comma = decide_decimal_comma(table, amounts, answers.options)
        heading = normalise_heading(table.header[amounts]).rpartition("_")[2].upper()
        self.heading_currency = heading if heading in bundled_rates().currencies else ""

    def read_all(self) -> tuple[list[Transaction], list[Rejected]]:
        """All transactions with charges positive, and the rows that cannot be read."""
        found: list[Transaction] = []
        rejected = [Rejected(row.line, row.reason, "") for row in self.table.malformed]
        for line, cells in self.table.rows:
            try:
                found.append(self._read(cells))
            except (AmountUnreadable, DateUnreadable) as error:
                rejected.append(Rejected(line, f"A cell {error}.", ""))
            except (ValueError, RowRejected) as error:
                rejected.append(Rejected(line, str(error), ""))
        return self._turn(found), rejected

    def _read(self, cells: Sequence[str]) -> Transaction:
        posted = parse_moment(self._cell(cells, "date"), "UTC", self.day_first)
        day = posted.day or posted.timestamp.date()
        amount, currency = self._read_amount(cells)
        named = self._cell(cells, "currency")
        return Transaction(
            day,
            amount,
            find_currency(named) if named else currency or self.heading_currency or self.answers.currency,
            self._cell(cells, "description"),
            self._cell(cells, "card"),
            self._cell(cells, "id"),
        )

    def _read_amount(self, cells: Sequence[str]) -> tuple[Decimal, str]:
        for column, sign in (("debit", 1), ("credit", -1), ("amount", 1)):
            cell = self._cell(cells, column)
            if not cell:
                continue
            number, currency = split_currency(cell)
            amount = parse_amount(number, self.decimal_comma)
            if column != "amount":
                amount = sign * abs(amount)
            check_amount(amount)
            if amount or column == "amount":
                return amount, currency
        raise ValueError("The amount is empty.")

    def _turn(self, found: list[Transaction]) -> list[Transaction]:
        """Charges have the most frequent sign of a column: banks write them negative, cards positive."""
        if "debit" in self.columns:
            return found
        negative = sum(each.amount < 0 for each in found)
        if 2 * negative <= len(found) and not (negative and 2 * negative == len(found)):
            return found
        return [
            Transaction(t.posted_on, -t.amount, t.currency, t.descriptor, t.account, t.own_id) for t in found
        ]

    def _cell(self, cells: Sequence[str], column: str) -> str:
        index = self.columns.get(column)
        return "" if index is None else re.sub(r"\s+", " ", cells[index]).strip()
