"""Card statements: the charges in a CSV or OFX file that are about AI; everything else is forgotten."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from html import unescape
from typing import Any

from tally.core.encoding import encode_parts
from tally.importers.readers.table import Rejected
from tally.invoices.descriptors import ChargeKind, find_seller, is_untold, normalise
from tally.invoices.invoice import EARLIEST, LATEST, MAX_AMOUNT, InvoiceRefused

MAX_BYTES = 5_000_000
MAX_TRANSACTIONS = 50_000
MAX_KEPT = 2_000
MAX_REJECTED = 100
_BLOCK = re.compile(r"<STMTTRN>(.*?)(?=</STMTTRN>|<STMTTRN>|</BANKTRANLIST>|\Z)", re.I | re.S)
_TAG = re.compile(r"<([A-Z0-9.]{1,32})>([^<\r\n]*)", re.I)


@dataclass(frozen=True, slots=True)
class Transaction:
    """A line of a statement; charges are positive, money that came back is negative."""

    posted_on: date
    amount: Decimal
    currency: str
    descriptor: str
    account: str = ""
    own_id: str = ""  # the bank's


@dataclass(frozen=True, slots=True)
class StatementLine:
    """A charge for AI."""

    identity: str
    provider: str
    kind: ChargeKind
    product: str
    descriptor: str
    posted_on: date
    amount: Decimal
    currency: str
    card_last_four: str | None = None

    def to_json(self, usd_rate: Decimal | None) -> Mapping[str, Any]:
        """The line as `save_statement_lines` takes it."""
        return {
            "identity": self.identity,
            "provider": self.provider,
            "kind": self.kind,
            "product": self.product,
            "descriptor": self.descriptor,
            "posted_on": self.posted_on.isoformat(),
            "amount": str(self.amount),
            "currency": self.currency,
            "usd_rate": None if usd_rate is None else str(usd_rate),
            "card_last_four": self.card_last_four,
        }


@dataclass(slots=True)
class Statement:
    """The charges for AI of a statement, and how many lines were read, rejected and untold."""

    lines: list[StatementLine] = field(default_factory=list)
    read: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    untold: int = 0  # of app stores, which may be a plan


def find_charges(transactions: Iterable[Transaction], rejected: Sequence[Rejected] = ()) -> Statement:
    """Keep the charges for AI; raises InvoiceRefused where there are too many."""
    found = Statement(rejected=list(rejected)[:MAX_REJECTED])
    found.read = len(rejected)
    seen: Counter[str] = Counter()
    for each in transactions:
        found.read += 1
        seller = find_seller(each.descriptor)
        if seller is None:
            found.untold += is_untold(each.descriptor)
            continue
        parts = (
            (each.account, each.own_id)
            if each.own_id
            else (
                each.account,
                each.posted_on,
                each.amount,
                each.currency,
                normalise(each.descriptor),
            )
        )
        content = encode_parts(*parts)
        seen[content] += 1
        identity = sha256(f"{content} {seen[content]}".encode()).hexdigest()
        digits = re.sub(r"\D", "", each.account)
        found.lines.append(
            StatementLine(
                identity,
                *seller,
                normalise(each.descriptor),
                each.posted_on,
                each.amount,
                each.currency,
                digits[-4:] if len(digits) >= 4 else None,
            )
        )
    if len(found.lines) > MAX_KEPT:
        raise InvoiceRefused(f"This file has more than {MAX_KEPT:,} charges for AI. Export shorter periods.")
    return found


def read_ofx(data: bytes, currency: str) -> Statement:
    """Read an OFX or QFX file block by block: a bad transaction is rejected alone."""
    text = _decode(data)
    if "<OFX" not in text[:20_000].upper() and "<STMTTRN>" not in text.upper():
        raise InvoiceRefused("This is not an OFX file. Export the statement again, or as CSV.")
    heads = {name.upper(): value.strip() for name, value in _TAG.findall(text.partition("<STMTTRN>")[0])}
    account = heads.get("ACCTID", "")
    named = heads.get("CURDEF", "").upper()
    currency = named if re.fullmatch(r"[A-Z]{3}", named) else currency
    transactions, rejected = [], []
    for number, match in enumerate(_BLOCK.finditer(text), start=1):
        if number > MAX_TRANSACTIONS:
            raise InvoiceRefused(
                f"This file has more than {MAX_TRANSACTIONS:,} transactions. Export shorter periods."
            )
        fields = {name.upper(): unescape(value).strip() for name, value in reversed(_TAG.findall(match[1]))}
        try:
            transactions.append(_read_transaction(fields, account, currency))
        except ValueError as error:
            line = text.count("\n", 0, match.start()) + 1
            rejected.append(Rejected(line, str(error), ""))
    return find_charges(transactions, rejected)


def _decode(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise InvoiceRefused("This file is larger than 5 MB. Export shorter periods.")
    for encoding in ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def _read_transaction(fields: Mapping[str, str], account: str, currency: str) -> Transaction:
    """Raise ValueError with the reason for a transaction that cannot be read."""
    name = " ".join(filter(None, (fields.get("NAME") or fields.get("PAYEE"), fields.get("MEMO"))))
    name = fields.get("NAME", "") if find_seller(fields.get("NAME", "")) else name
    posted = read_day(fields.get("DTPOSTED", "")[:8])
    amount = fields.get("TRNAMT", "").replace(" ", "")
    if "," in amount and "." not in amount:
        amount = amount.replace(",", ".")
    try:
        value = -Decimal(amount.replace(",", ""))
    except InvalidOperation:
        raise ValueError("The amount is not a number.") from None
    check_amount(value)
    own = fields.get("CURRENCY", "").upper() or fields.get("CURSYM", "").upper()
    return Transaction(
        posted,
        value,
        own if re.fullmatch(r"[A-Z]{3}", own) else currency,
        name,
        account,
        fields.get("FITID", ""),
    )


def read_day(text: str) -> date:
    """A day such as 20261112; raises ValueError."""
    try:
        day = date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        raise ValueError("The date is not valid.") from None
    if not EARLIEST <= day <= LATEST:
        raise ValueError("The date is before 2020.")
    return day


def check_amount(amount: Decimal) -> None:
    """Raise ValueError for an amount that no charge has."""
    if not amount.is_finite() or abs(amount) >= MAX_AMOUNT:
        raise ValueError("The amount is too large.")
