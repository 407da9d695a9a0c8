"""Invoices: their sums, which must add up, and what was read of one before it is saved."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Literal, get_args

from tally.core.errors import TallyError

Kind = Literal["usage", "subscription", "credits"]
Origin = Literal["pdf", "csv", "typed"]
KINDS: tuple[Kind, ...] = get_args(Kind)
ZERO = Decimal(0)
MAX_AMOUNT = Decimal(100_000_000)
MAX_LINES = 200
MAX_SELLER, MAX_NUMBER, MAX_DESCRIPTION, MAX_PLAN = 200, 100, 500, 200
EARLIEST, LATEST = date(2020, 1, 1), date(2100, 1, 1)
MAX_PERIOD_DAYS = 400
_CURRENCY = re.compile(r"[A-Z]{3}")


class InvoiceRefused(TallyError):
    """An invoice, receipt or statement that cannot be used; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Period:
    """Days from the first to the last, both included."""

    first: date
    last: date

    @classmethod
    def of_printed(cls, first: date, last: date) -> "Period":
        """A printed period: `Oct 12 - Nov 12` ends the day before it begins again."""
        if last > first and last.day == first.day:
            last -= timedelta(days=1)
        return cls(first, last)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of an invoice, before taxes and discounts of the whole."""

    description: str
    amount: Decimal
    quantity: Decimal | None = None
    unit_price: Decimal | None = None
    period: Period | None = None


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice with its receipt; amounts in its currency, a discount is negative."""

    seller: str
    number: str
    kind: Kind
    provider: str
    issued_on: date
    currency: str
    total: Decimal
    lines: Sequence[Line]
    tax: Decimal = ZERO
    discount: Decimal = ZERO
    applied_balance: Decimal = ZERO  # what an earlier balance paid of the total: negative
    period: Period | None = None
    paid_on: date | None = None
    card_last_four: str | None = None
    expires_on: date | None = None  # of credits
    plan_name: str | None = None
    origin: Origin = "typed"

    @property
    def subtotal(self) -> Decimal:
        """The sum of the lines."""
        return sum((line.amount for line in self.lines), ZERO)

    @property
    def net(self) -> Decimal:
        """The amount before tax."""
        return self.subtotal + self.discount


@dataclass(slots=True)
class Draft:
    """Values read of an invoice, none of them certain while `problems` has a sentence."""

    seller: str = ""
    number: str = ""
    kind: Kind | None = None
    provider: str | None = None
    issued_on: date | None = None
    paid_on: date | None = None
    currency: str = ""
    lines: list[Line] = field(default_factory=list)
    subtotal: Decimal | None = None
    discount: Decimal = ZERO
    net: Decimal | None = None  # `Total excluding tax`
    tax: Decimal = ZERO
    total: Decimal | None = None
    applied_balance: Decimal = ZERO
    settled: Decimal | None = None  # due or paid
    card_last_four: str | None = None
    problems: list[str] = field(default_factory=list)
    is_read: bool = False  # as a whole, so that problems are of its sums alone

    def find_period(self) -> Period | None:
        """The days of all lines that name some."""
        periods = [line.period for line in self.lines if line.period]
        if not periods:
            return None
        return Period(min(each.first for each in periods), max(each.last for each in periods))

    def check(self) -> list[str]:
        """Reasons why this is no whole invoice, in sentences."""
        missing = self.list_missing()
        return [f"Couldn't find {_join(missing)}."] if missing else self._check_sums()

    def list_missing(self) -> list[str]:
        """The parts of every invoice that were not found."""
        wanted = {
            "the seller": self.seller,
            "the invoice number": self.number,
            "the date": self.issued_on or self.paid_on,
            "the currency": self.currency,
            "the lines": self.lines,
            "the total": self.total is not None,
        }
        return [name for name, found in wanted.items() if not found]

    def _check_sums(self) -> list[str]:
        found = sum((line.amount for line in self.lines), ZERO)
        subtotal = found if self.subtotal is None else self.subtotal
        total = ZERO if self.total is None else self.total
        net = subtotal + self.discount
        owed = total + self.applied_balance
        wrong = []
        if found != subtotal:
            wrong.append(f"The lines add up to {found}, but the subtotal is {subtotal}.")
        if self.net is not None and net != self.net:
            wrong.append(f"Subtotal and discount make {net}, but the total excluding tax is {self.net}.")
        if net + self.tax != total:
            wrong.append(f"Subtotal, discount and tax make {net + self.tax}, but the total is {total}.")
        if self.settled is not None and owed != self.settled:
            wrong.append(f"Total and applied balance make {owed}, but {self.settled} is due or paid.")
        return wrong


def _join(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def check_invoice(invoice: Invoice) -> None:
    """Raise InvoiceRefused for an invoice that could not be right."""
    for wrong, sentence in (
        (not 1 <= len(invoice.seller.strip()) <= MAX_SELLER, "Enter the seller, in 200 characters at most."),
        (
            not 1 <= len(invoice.number.strip()) <= MAX_NUMBER,
            "Enter the invoice number, in 100 characters at most.",
        ),
        (
            not _CURRENCY.fullmatch(invoice.currency),
            "Enter the currency as a code of three letters, such as EUR.",
        ),
        (not 1 <= len(invoice.lines) <= MAX_LINES, f"Enter 1 to {MAX_LINES} lines."),
        (len(invoice.plan_name or "") > MAX_PLAN, "Enter the plan's name in 200 characters at most."),
        (
            invoice.kind == "usage" and invoice.period is None,
            "Enter the first and the last day that the usage is of.",
        ),
    ):
        if wrong:
            raise InvoiceRefused(sentence)
    _check_days(invoice)
    _check_amounts(invoice)


def _check_days(invoice: Invoice) -> None:
    days = [invoice.issued_on, invoice.paid_on, invoice.expires_on]
    period = invoice.period
    if period:
        days += [period.first, period.last]
        if not timedelta(0) <= period.last - period.first <= timedelta(days=MAX_PERIOD_DAYS):
            raise InvoiceRefused(
                f"The period must begin before it ends, and have {MAX_PERIOD_DAYS} days at most."
            )
    if any(day is not None and not EARLIEST <= day <= LATEST for day in days):
        raise InvoiceRefused("Enter days from 2020 to 2099.")


def _check_amounts(invoice: Invoice) -> None:
    others = (invoice.tax, invoice.discount, invoice.applied_balance, invoice.total)
    amounts = [*others, *(line.amount for line in invoice.lines)]
    if not all(amount.is_finite() and abs(amount) < MAX_AMOUNT for amount in amounts):
        raise InvoiceRefused("Enter amounts below 100,000,000.")
    if invoice.discount > 0 or invoice.applied_balance > 0:
        raise InvoiceRefused("Enter a discount or an applied balance as a negative amount.")
    made = invoice.net + invoice.tax
    if made != invoice.total:
        raise InvoiceRefused(
            f"Lines, discount and tax make {made}, but the total is {invoice.total}. Correct one of them."
        )


def to_json(invoice: Invoice, rate: Decimal | None, file_sha256: str | None = None) -> Mapping[str, Any]:
    """The invoice as `save_invoice` takes it; `rate` is US dollars per unit of its currency."""
    period = invoice.period
    return {
        "provider": invoice.provider,
        "seller": invoice.seller.strip(),
        "number": invoice.number.strip(),
        "kind": invoice.kind,
        "issued_on": invoice.issued_on.isoformat(),
        "paid_on": invoice.paid_on and invoice.paid_on.isoformat(),
        "period_start": period and period.first.isoformat(),
        "period_end": period and period.last.isoformat(),
        "currency": invoice.currency,
        "subtotal": str(invoice.subtotal),
        "discount": str(invoice.discount),
        "tax": str(invoice.tax),
        "total": str(invoice.total),
        "applied_balance": str(invoice.applied_balance),
        "usd_rate": None if rate is None else str(rate),
        "expires_on": invoice.expires_on and invoice.expires_on.isoformat(),
        "card_last_four": invoice.card_last_four,
        "plan_name": invoice.plan_name or None,
        "origin": invoice.origin,
        "file_sha256": file_sha256,
        "lines": [
            {
                "description": line.description[:MAX_DESCRIPTION],
                "amount": str(line.amount),
                "quantity": None if line.quantity is None else str(line.quantity),
                "unit_price": None if line.unit_price is None else str(line.unit_price),
                "period_start": line.period and line.period.first.isoformat(),
                "period_end": line.period and line.period.last.isoformat(),
            }
            for line in invoice.lines
        ],
    }
