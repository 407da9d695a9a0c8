"""Receipts and invoices of six shapes, and broken twins of each: no seller's data, but their layout."""

from dataclasses import dataclass, field, replace

from tests.tally.invoices.pdf_writer import Text, at_right, write_pdf

LINES_OF_A_PAGE = 12


@dataclass(frozen=True)
class Receipt:
    """The texts of a receipt; each line has a description, a quantity, a unit price and an amount."""

    title: str = "Receipt"
    seller: str = "Anthropic, PBC"
    labels: tuple[tuple[str, str], ...] = (
        ("Invoice number", "8C41F0D2-0009"),
        ("Receipt number", "2334-9981"),
        ("Date paid", "November 12, 2026"),
        ("Payment method", "Visa - 4242"),
    )
    headline: str = "$23.80 paid on November 12, 2026"
    lines: tuple[tuple[str, str, str, str, str], ...] = (
        ("Claude Pro", "1", "$20.00", "$20.00", "Nov 12 \u2013 Dec 12, 2026"),
    )
    sums: tuple[tuple[str, str], ...] = (
        ("Subtotal", "$20.00"),
        ("Total excluding tax", "$20.00"),
        ("VAT - Germany (19% on $20.00)", "$3.80"),
        ("Total", "$23.80"),
        ("Amount paid", "$23.80"),
    )
    below: tuple[tuple[str, str], ...] = field(default=())

    def to_pdf(self) -> bytes:
        """The receipt, on as many pages as its lines take."""
        pages: list[list[Text]] = [self._head()]
        y = 600
        for number, (description, quantity, price, amount, period) in enumerate(self.lines):
            if number and number % LINES_OF_A_PAGE == 0:
                pages[-1].append((40, 40, f"{self.labels[0][1]} \u00b7 {self.headline}"))
                pages[-1].append((480, 40, f"Page {len(pages)} of 2"))
                pages.append(self._table_head(780))
                y = 760
            pages[-1] += [
                (40, y, description),
                (330, y, quantity),
                at_right(440, y, price),
                at_right(555, y, amount),
            ]
            if period:
                pages[-1].append((40, y - 12, period))
            y -= 30
        for label, amount in self.sums:
            pages[-1] += [(330, y, label), at_right(555, y, amount)]
            y -= 16
        for left, right in self.below:
            pages[-1] += [(40, y - 20, left), at_right(555, y - 20, right)]
            y -= 16
        return write_pdf(pages)

    def _head(self) -> list[Text]:
        texts: list[Text] = [(40, 790, self.title)]
        y = 770
        for label, value in self.labels:
            texts += [(40, y, label), (140, y, value)]
            y -= 14
        texts += [
            (40, 700, self.seller),
            (300, 700, "Bill to"),
            (40, 686, "548 Market Street"),
            (300, 686, "Ada Example"),
        ]
        texts += [(40, 650, self.headline)]
        return texts + self._table_head(620)

    def _table_head(self, y: int) -> list[Text]:
        return [(40, y, "Description"), (325, y, "Qty"), (395, y, "Unit price"), (520, y, "Amount")]


RECEIPT = Receipt()
INVOICE = Receipt(
    title="Invoice",
    seller="OpenAI Ireland Limited",
    labels=(
        ("Invoice number", "2F6D77A0-0021"),
        ("Date of issue", "November 1, 2026"),
        ("Date due", "November 1, 2026"),
    ),
    headline="$1,108.40 USD due November 1, 2026",
    lines=(("API usage, October 2026", "1", "$1,108.40", "$1,108.40", "Oct 1 \u2013 Oct 31, 2026"),),
    sums=(
        ("Subtotal", "$1,108.40"),
        ("Total", "$1,108.40"),
        ("Applied balance", "-$100.00"),
        ("Amount due", "$1,008.40 USD"),
    ),
)
EURO = replace(
    RECEIPT,
    seller="Anysphere, Inc.",
    headline="\u20ac17.57 paid on November 12, 2026",
    lines=(("Cursor Pro", "1", "\u20ac14.76", "\u20ac14.76", "Nov 12 \u2013 Dec 12, 2026"),),
    sums=(
        ("Subtotal", "\u20ac14.76"),
        ("Total excluding tax", "\u20ac14.76"),
        ("VAT - Germany (19% on \u20ac14.76)", "\u20ac2.81"),
        ("Total", "\u20ac17.57"),
        ("Amount paid", "\u20ac17.57"),
    ),
)
NO_TAX = replace(
    RECEIPT,
    seller="OpenAI, LLC",
    labels=(
        ("Receipt number", "2000-1000"),
        ("Date paid", "Nov 12, 2026"),
        ("Payment method", "Mastercard - 0077"),
    ),
    headline="$50.00 paid on November 12, 2026",
    lines=(("OpenAI API usage credit", "1", "$50.00", "$50.00", ""),),
    sums=(("Subtotal", "$50.00"), ("Total", "$50.00"), ("Amount paid", "$50.00")),
)
PRORATED = replace(
    RECEIPT,
    headline="$107.10 paid on November 20, 2026",
    lines=(
        ("Unused time on Claude Pro after 20 Nov 2026", "1", "", "-$10.00", "Nov 20 \u2013 Dec 12, 2026"),
        ("Claude Max", "1", "$90.00", "$90.00", "Nov 20 \u2013 Dec 20, 2026"),
        ("Extra usage", "2", "$10.00", "$20.00", ""),
    ),
    sums=(
        ("Subtotal", "$100.00"),
        ("Discount (10% off)", "-$10.00"),
        ("Total excluding tax", "$90.00"),
        ("VAT - Germany (19% on $90.00)", "$17.10"),
        ("Total", "$107.10"),
        ("Amount paid", "$107.10"),
    ),
    below=(("Payment history", ""), ("Visa - 4242", "$107.10")),
)
TWO_PAGES = replace(
    INVOICE,
    headline="$210.00 due November 1, 2026",
    lines=tuple(
        (f"Model {number}, tokens", f"{number}", "$10.00", f"${10 * number}.00", "") for number in range(1, 7)
    )
    + tuple((f"Model {number}, requests", "1,000", "$0.00", "$0.00", "") for number in range(7, 21)),
    sums=(("Subtotal", "$210.00"), ("Total", "$210.00"), ("Amount due", "$210.00")),
)
SHAPES = {
    "receipt": RECEIPT,
    "invoice": INVOICE,
    "euro": EURO,
    "no_tax": NO_TAX,
    "prorated": PRORATED,
    "two_pages": TWO_PAGES,
}
# Each with what its reason contains.
BROKEN = {
    "receipt": (
        replace(RECEIPT, lines=(("Claude Pro", "1", "$20.00", "$19.00", ""),)),
        "lines add up to 19.00",
    ),
    "invoice": (
        replace(INVOICE, sums=(*INVOICE.sums[:2], ("Amount due", "$1,008.40"))),
        "1008.40 is due or paid",
    ),
    "euro": (
        replace(EURO, lines=(("Cursor Pro", "1", "$14.76", "$14.76", ""),)),
        "several currencies: EUR, USD",
    ),
    "no_tax": (replace(NO_TAX, labels=(("Date paid", "Nov 12, 2026"),)), "Couldn't find the invoice number"),
    "prorated": (
        replace(PRORATED, sums=tuple(s for s in PRORATED.sums if "VAT" not in s[0])),
        "but the total is 107.10",
    ),
    "two_pages": (replace(TWO_PAGES, lines=TWO_PAGES.lines[1:]), "lines add up to 200.00"),
}
