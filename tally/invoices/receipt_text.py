"""The text of a receipt or an invoice, as Stripe lays it out, read into a draft."""

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from tally.importers.readers.dates import DateUnreadable, parse_moment
from tally.invoices.invoice import EARLIEST, MAX_LINES, Draft, Line, Period
from tally.invoices.sellers import guess_kind, guess_provider

SIGNS = {"$": "USD", "US$": "USD", "CA$": "CAD", "A$": "AUD", "€": "EUR", "£": "GBP", "¥": "JPY", "₩": "KRW"}
_AMOUNT = r"(?P<minus>[-\u2212])?(?P<sign>US\$|CA\$|A\$|[$€£¥₩]|CHF\s)?(?P<minus_inside>[-\u2212])?(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d{2})?|\d+(?:\.\d{2})?)(?:\s(?P<code>[A-Z]{3}))?"  # noqa: E501
_MONEY = re.compile(_AMOUNT)
_ENDS_IN_MONEY = re.compile(rf"^\s*(?P<text>\S.*?)\s{{2,}}{_AMOUNT}\s*$")
_MARKED = re.compile(r"(?:US\$|CA\$|A\$|[$€£¥₩]|CHF\s)[-\u2212]?\d")
_LABEL = re.compile(
    r"^\s*(?P<label>invoice number|receipt number|date paid|date of issue|payment method)\b[:\s]\s*"
    r"(?P<value>\S.*?)\s*$",
    re.I,
)
_PAGE = re.compile(r"page\s+\d+\s+of\s+\d+\s*$", re.I)
_HEADER = re.compile(r"^\s*description\b.*\bamount\s*$", re.I)
_TAX = re.compile(r"^(?:vat|gst|hst|pst|qst|iva|tva|mwst|sales tax|consumption tax|tax)\b", re.I)
_DISCOUNT = re.compile(r"^discount\b|\boff\)?$|^coupon\b", re.I)
_BALANCE = re.compile(r"^(?:applied balance|applied credit|credit applied|amount credited)\b", re.I)
_SETTLED = re.compile(r"^(?:amount (?:due|paid)|total due|total paid)\b", re.I)
_DAY = r"[A-Z][a-z]{2,8}\.?\s+\d{1,2}"
_PERIOD = re.compile(
    rf"(?P<first>{_DAY})(?:,\s*(?P<year>\d{{4}}))?\s*[\u2013\u2014-]\s*(?P<last>{_DAY}),\s*(?P<last_year>\d{{4}})"
)
_DATE = re.compile(rf"{_DAY},\s*\d{{4}}|\d{{1,2}}\s+[A-Z][a-z]{{2,8}}\.?,?\s+\d{{4}}|\d{{4}}-\d{{2}}-\d{{2}}")
_LAST_FOUR = re.compile(r"[-\u2022\u00b7*\s](\d{4})\s*$")
_GAP = re.compile(r"\s{2,}")


def read_receipt(pages: Sequence[str]) -> Draft:
    """The draft of a receipt or an invoice; its `problems` say why it is not accepted."""
    lines = [line.replace("\u00a0", " ") for page in pages for line in page.splitlines() if line.strip()]
    draft = Draft(seller=_find_seller(lines))
    _read_labels(draft, lines)
    reader = _Body(draft)
    for line in lines:
        reader.read(line)
    draft.currency = reader.find_currency()
    draft.kind = guess_kind(" ".join(line.description for line in draft.lines))
    draft.provider = guess_provider(draft.seller, draft.kind)
    draft.is_read = not reader.problems and not draft.list_missing()
    draft.problems = reader.problems + draft.check()
    return draft


def _find_seller(lines: Sequence[str]) -> str:
    """The text left of `Bill to`, or in the line below it."""
    for place, line in enumerate(lines):
        match = re.search(r"\bbill to\b", line, re.I)
        if match is None:
            continue
        left = line[: match.start()].strip()
        below = lines[place + 1][: match.start()] if place + 1 < len(lines) and match.start() else ""
        name = _GAP.split(left or below.strip())[0]
        return name.strip()[:200]
    return ""


def _read_labels(draft: Draft, lines: Sequence[str]) -> None:
    receipt_number = ""
    for match in filter(None, map(_LABEL.match, lines)):
        label, value = match["label"].casefold(), _GAP.split(match["value"])[0]
        if label == "invoice number":
            draft.number = draft.number or value
        elif label == "receipt number":
            receipt_number = receipt_number or value
        elif label == "payment method":
            found = _LAST_FOUR.search(match["value"])
            draft.card_last_four = found[1] if found else None
        elif label == "date paid":
            draft.paid_on = draft.paid_on or _read_day(value)
        else:
            draft.issued_on = draft.issued_on or _read_day(value)
    draft.number = (draft.number or receipt_number)[:100]
    draft.issued_on = draft.issued_on or draft.paid_on


def _read_day(text: str) -> date | None:
    match = _DATE.search(text)
    if match is None:
        return None
    try:
        return parse_moment(match[0], "UTC", day_first=False).day
    except DateUnreadable:
        return None


def _read_period(text: str) -> Period | None:
    match = _PERIOD.search(text)
    if match is None:
        return None
    last = _read_day(f"{match['last']}, {match['last_year']}")
    first = _read_day(f"{match['first']}, {match['year'] or match['last_year']}")
    if first is None or last is None:
        return None
    if first > last and not match["year"]:  # Dec 12 - Jan 12, 2027
        first = first.replace(year=first.year - 1) if (first.month, first.day) != (2, 29) else first
    return Period.of_printed(first, last) if EARLIEST <= first <= last else None


def _to_amount(match: re.Match[str]) -> Decimal:
    number = Decimal(match["number"].replace(",", ""))
    return -number if match["minus"] or match["minus_inside"] else number


class _Body:
    """The table of lines and the sums below it."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.problems: list[str] = []
        self._in_table = self._in_sums = False
        self._currencies: set[str] = set()

    def read(self, line: str) -> None:
        """Read one line of the text."""
        if _PAGE.search(line):
            return
        if _HEADER.match(line):
            self._in_table = not self._in_sums
            return
        money = _ENDS_IN_MONEY.match(line)
        if money and self._in_table and self._read_sum(money):
            return
        if self._in_table and not self._in_sums:
            self._read_line(line, money)

    def find_currency(self) -> str:
        """The only currency of all amounts; empty, with a problem, if there are several."""
        if len(self._currencies) > 1:
            names = ", ".join(sorted(self._currencies))
            self.problems.append(f"The amounts are in several currencies: {names}.")
            return ""
        return next(iter(self._currencies), "")

    def _read_sum(self, money: re.Match[str]) -> bool:
        """Read a sum; False for a line of the table."""
        label, amount, draft = money["text"].strip(), _to_amount(money), self.draft
        name = label.casefold()
        if name == "subtotal":
            draft.subtotal, self._in_sums = amount, True
        elif name in ("total", "total excluding tax", "total including tax"):
            self._in_sums = True
            if name == "total excluding tax":
                draft.net = amount
            elif draft.total is None:
                draft.total = amount
        elif not self._in_sums or draft.settled is not None:  # a table of payments is below what was paid
            return False
        else:
            self._read_other_sum(label, amount)
        self._note_currency(money)
        return True

    def _read_other_sum(self, label: str, amount: Decimal) -> None:
        draft = self.draft
        if _TAX.match(label):
            draft.tax += amount
        elif _BALANCE.match(label):
            draft.applied_balance -= abs(amount)
        elif _DISCOUNT.search(label):
            draft.discount -= abs(amount)
        elif _SETTLED.match(label):
            draft.settled = amount
        else:
            self.problems.append(f"Couldn't tell what “{label[:60]}” is.")

    def _read_line(self, line: str, money: re.Match[str] | None) -> None:
        lines = self.draft.lines
        if money is None:
            self._continue_line(line)
        elif len(lines) >= MAX_LINES:
            self.problems = [f"It has more than {MAX_LINES} lines."]
        else:
            cells = _GAP.split(money["text"].strip())
            numbers = [found for cell in cells[1:] if (found := _MONEY.fullmatch(cell))]
            quantity = (
                Decimal(numbers[0]["number"].replace(",", "")) if numbers and not numbers[0]["sign"] else None
            )
            prices = [_to_amount(found) for found in numbers if found["sign"]]
            self._note_currency(money)
            lines.append(
                Line(
                    cells[0][:500],
                    _to_amount(money),
                    quantity,
                    prices[0] if prices else None,
                    _read_period(cells[0]),
                )
            )

    def _continue_line(self, line: str) -> None:
        """The period of the last line, or more of its description."""
        if not self.draft.lines:
            return
        if _MARKED.search(line):
            self.problems.append(f"Couldn't read the amount in “{line.strip()[:60]}”.")
            return
        last = self.draft.lines.pop()
        period = _read_period(line)
        text = last.description if period else f"{last.description} {line.strip()}"[:500]
        self.draft.lines.append(
            Line(text, last.amount, last.quantity, last.unit_price, period or last.period)
        )

    def _note_currency(self, money: re.Match[str]) -> None:
        sign = (money["sign"] or "").strip()
        code = money["code"] or SIGNS.get(sign, sign)
        if code:
            self._currencies.add(code)
