"""Lists of invoices as CSV: one row for each line of an invoice, or one for a whole invoice."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from tally.catalog.providers import find_provider
from tally.core.amounts import AmountUnreadable, parse_amount
from tally.core.months import month_before
from tally.core.text import plural
from tally.importers.cell_styles import decide_day_first, decide_decimal_comma
from tally.importers.column_matching import normalise_heading
from tally.importers.protocol import Options
from tally.importers.readers.dates import DateUnreadable, parse_moment
from tally.importers.readers.decoding import decode
from tally.importers.readers.table import Table, find_separator, list_quoted, read_csv
from tally.invoices.finishing import add_defaults
from tally.invoices.invoice import KINDS, Invoice, InvoiceRefused, Kind, Line, Period, check_invoice
from tally.invoices.sellers import OF_PLANS, find_kind, guess_provider
from tally.storage.export import FORMULA_STARTS

MAX_BYTES = 5_000_000
MAX_INVOICES = 200
MOST_TOLD = 5
REQUIRED = ("seller", "number", "issued_on", "currency", "total")
SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "seller": ("seller", "vendor", "supplier"),
    "number": ("number", "invoice_number", "invoice_no", "invoice_id"),
    "issued_on": ("issued_on", "invoice_date", "date_of_issue", "issue_date", "issued", "date"),
    "currency": ("currency", "currency_code"),
    "total": ("total", "total_amount", "amount_due", "gross"),
    "provider": ("provider",),
    "kind": ("kind", "type"),
    "line": ("line", "description", "item"),
    "amount": ("amount", "line_amount", "net"),
    "tax": ("tax", "vat", "tax_amount"),
    "discount": ("discount",),
    "applied_balance": ("applied_balance",),
    "period_start": ("period_start", "from", "first_day"),
    "period_end": ("period_end", "to", "last_day"),
    "paid_on": ("paid_on", "date_paid", "paid"),
    "card_last_four": ("card_last_four",),
    "expires_on": ("expires_on", "expires"),
    "plan_name": ("plan_name", "plan"),
}
OF_LINES = ("line", "amount")
GUARDED = (*FORMULA_STARTS, "'")  # beginnings of texts that have an apostrophe before them in the file


@dataclass(frozen=True, slots=True)
class InvoiceList:
    """The invoices of a file, and its columns that say nothing to Tally.

    Those without a kind are taken for usage of the month before, which adds nothing to the ledger, or for
    plans where the seller has plans above all.
    """

    invoices: Sequence[Invoice]
    unused: Sequence[str] = ()
    of_usage: int = 0
    of_plans: int = 0

    @property
    def assumption(self) -> str:
        """A sentence about invoices without a kind; empty where all tell it."""
        taken = [(self.of_usage, "usage of the month before"), (self.of_plans, "a plan")]
        told = [f"{plural(count, 'invoice')} for {kind}" for count, kind in taken if count]
        if not told:
            return ""
        return (
            f"The file does not tell what all are for: took {' and '.join(told)}. If that is wrong, add a"
            " column kind with usage, subscription or credits."
        )


def write_invoices(invoices: Iterable[Invoice]) -> bytes:
    """A file that `read_invoice_list` reads; its texts cannot run as formulas in a spreadsheet."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(SYNONYMS)
    for invoice in invoices:
        for line in invoice.lines:
            cells = _write_cells(invoice) | {"line": _guard(line.description), "amount": f"{line.amount:f}"}
            writer.writerow([cells[name] for name in SYNONYMS])
    return buffer.getvalue().encode()


def _write_cells(invoice: Invoice) -> dict[str, str]:
    period = invoice.period
    days = {
        "issued_on": invoice.issued_on,
        "paid_on": invoice.paid_on,
        "expires_on": invoice.expires_on,
        "period_start": period.first if period else None,
        "period_end": period.last if period else None,
    }
    amounts = {
        "total": invoice.total,
        "tax": invoice.tax,
        "discount": invoice.discount,
        "applied_balance": invoice.applied_balance,
    }
    texts = {
        "seller": invoice.seller,
        "number": invoice.number,
        "currency": invoice.currency,
        "provider": invoice.provider,
        "kind": invoice.kind,
        "card_last_four": invoice.card_last_four or "",
        "plan_name": invoice.plan_name or "",
    }
    return (
        {name: day.isoformat() if day else "" for name, day in days.items()}
        | {name: f"{amount:f}" for name, amount in amounts.items()}
        | {name: _guard(text) for name, text in texts.items()}
    )


def _guard(text: str) -> str:
    return f"'{text}" if text.startswith(GUARDED) else text


def _unguard(cell: str) -> str:
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(GUARDED) else cell


def is_invoice_list(data: bytes, filename: str) -> bool:
    """True for a CSV whose header names sellers, numbers and totals of invoices; raises ImportRefused."""
    if len(data) > MAX_BYTES:
        return False
    header = decode(data, filename).lstrip().partition("\n")[0]
    names = [
        normalise_heading(name) for name in next(csv.reader([header], delimiter=find_separator(header)), [])
    ]
    return all(set(SYNONYMS[column]) & set(names) for column in ("seller", "number", "total"))


def read_invoice_list(data: bytes, filename: str, options: Options | None = None) -> InvoiceList:
    """All invoices of a file; raises InvoiceRefused if one is not right, or a Question about its cells."""
    if len(data) > MAX_BYTES:
        raise InvoiceRefused(f"{filename} is larger than 5 MB. Divide it by year.")
    table = read_csv(decode(data, filename), filename)
    reader = _Reader(table, options or Options("UTC"))
    invoices = reader.read_all()
    of_usage = reader.assumed.count("usage")
    return InvoiceList(invoices, reader.unused, of_usage, len(reader.assumed) - of_usage)


@dataclass(slots=True)
class _Paper:
    """The cells of an invoice's first row, and the lines of all its rows."""

    line_number: int
    cells: Mapping[str, str]
    lines: list[Line] = field(default_factory=list)


class _Reader:
    """Rows of a table as invoices."""

    def __init__(self, table: Table, options: Options) -> None:
        self.table = table
        self.columns = _find_columns(table)
        used = set(self.columns.values())
        self.unused = [name for place, name in enumerate(table.header) if place not in used]
        self.day_first = decide_day_first(table, self.columns["issued_on"], options)
        self.decimal_comma = decide_decimal_comma(table, self.columns["total"], options)
        self.problems = [f"Line {row.line}: {row.reason}" for row in table.malformed]
        self.assumed: list[Kind] = []

    def read_all(self) -> list[Invoice]:
        """Every invoice, or none: raises InvoiceRefused with the first problems."""
        found: list[Invoice] = []
        for paper in self._gather():
            try:
                found.append(self._read(paper))
            except (AmountUnreadable, DateUnreadable) as error:
                self.problems.append(f"Line {paper.line_number}: a cell {error}.")
            except InvoiceRefused as refused:
                self.problems.append(f"Line {paper.line_number}: {refused}")
        if self.problems:
            more = len(self.problems) - MOST_TOLD
            told = " ".join(self.problems[:MOST_TOLD]) + (
                f" And {plural(more, 'more problem')}." if more > 0 else ""
            )
            raise InvoiceRefused(f"Nothing of {self.table.filename} was saved. {told}")
        if len(found) > MAX_INVOICES:
            raise InvoiceRefused(
                f"{self.table.filename} has {len(found):,} invoices; {MAX_INVOICES} are possible. "
                "Divide it by year."
            )
        return found

    def _gather(self) -> Iterable[_Paper]:
        papers: dict[tuple[str, str], _Paper] = {}
        for number, row in self.table.rows:
            cells = {name: _unguard(row[place].strip()) for name, place in self.columns.items()}
            key = (cells["seller"].casefold(), cells["number"].casefold())
            paper = papers.setdefault(key, _Paper(number, cells))
            differs = [name for name in cells if name not in OF_LINES and cells[name] != paper.cells[name]]
            try:
                if differs:
                    raise InvoiceRefused(
                        f"Its {differs[0]} is not that of line {paper.line_number}, of the same invoice."
                    )
                if cells.get("amount"):
                    paper.lines.append(
                        Line(cells.get("line") or "\N{EN DASH}", self._amount(cells, "amount"))
                    )
                elif paper.line_number != number:
                    raise InvoiceRefused(
                        f"Line {paper.line_number} has this invoice already. Give each row its amount."
                    )
            except AmountUnreadable as error:
                self.problems.append(f"Line {number}: a cell {error}.")
            except InvoiceRefused as refused:
                self.problems.append(f"Line {number}: {refused}")
        return papers.values()

    def _read(self, paper: _Paper) -> Invoice:
        cells = paper.cells
        total, tax, discount = (self._amount(cells, name) for name in ("total", "tax", "discount"))
        lines = paper.lines or [Line(cells.get("line") or "Invoice", total - tax - discount)]
        issued = self._day(cells, "issued_on")
        if issued is None:
            raise InvoiceRefused("It has no date.")
        kind = _read_kind(cells, lines)
        period = self._read_period(cells)
        if kind is None:
            kind = _assume_kind(cells)
            self.assumed.append(kind)
            if kind == "usage" and not (cells.get("period_start") or cells.get("period_end")):
                period = Period(*month_before(issued + timedelta(days=1)))
        invoice = Invoice(
            cells["seller"],
            cells["number"],
            kind,
            _read_provider(cells, kind),
            issued,
            cells["currency"].upper(),
            total,
            lines,
            tax,
            discount,
            self._amount(cells, "applied_balance"),
            period,
            self._day(cells, "paid_on"),
            cells.get("card_last_four") or None,
            self._day(cells, "expires_on"),
            cells.get("plan_name") or None,
            "csv",
        )
        check_invoice(invoice)
        return add_defaults(invoice)

    def _read_period(self, cells: Mapping[str, str]) -> Period | None:
        first, last = self._day(cells, "period_start"), self._day(cells, "period_end")
        return Period(first, last) if first and last else None

    def _amount(self, cells: Mapping[str, str], name: str) -> Decimal:
        cell = cells.get(name, "")
        return parse_amount(cell, self.decimal_comma) if cell or name == "total" else Decimal(0)

    def _day(self, cells: Mapping[str, str], name: str) -> date | None:
        cell = cells.get(name, "")
        if not cell:
            return None
        moment = parse_moment(cell, "UTC", self.day_first)
        return moment.day or moment.timestamp.date()


def _find_columns(table: Table) -> dict[str, int]:
    names = [normalise_heading(heading) for heading in table.header]
    found: dict[str, int] = {}
    for column, synonyms in SYNONYMS.items():
        free = [each for each in synonyms if each in names and names.index(each) not in found.values()]
        if free:
            found[column] = names.index(free[0])
    missing = [name for name in REQUIRED if name not in found]
    if missing:
        raise InvoiceRefused(
            f"{table.filename} has no column {list_quoted(missing)}. A list of invoices needs "
            f"{', '.join(REQUIRED)}. “Download” on the page Invoices writes one with all columns."
        )
    return found


def _read_kind(cells: Mapping[str, str], lines: Sequence[Line]) -> Kind | None:
    """The kind that the cells tell; None where nothing does."""
    cell = cells.get("kind", "")
    if not cell:
        told = find_kind(" ".join(line.description for line in lines))
        return told or ("subscription" if cells.get("plan_name") else None)
    kind = next((kind for kind in KINDS if kind == cell.casefold()), None)
    if kind is None:
        raise InvoiceRefused(
            f"“{cell[:40]}” is no kind of invoice. Write {', '.join(KINDS[:-1])} or {KINDS[-1]}."
        )
    return kind


def _assume_kind(cells: Mapping[str, str]) -> Kind:
    return "subscription" if _read_provider(cells, "usage") in OF_PLANS else "usage"


def _read_provider(cells: Mapping[str, str], kind: Kind) -> str:
    named = cells.get("provider", "")
    found = find_provider(named) if named else guess_provider(cells["seller"], kind)
    if found is None:
        raise InvoiceRefused(
            f"Tally does not know the provider “{(named or cells['seller'])[:40]}”. "
            "Name one in the column provider."
        )
    return found
