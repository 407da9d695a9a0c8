"""A small writer of PDFs: texts at places, so that the tests have receipts without a seller's data."""

import zlib
from collections.abc import Sequence

Text = tuple[int, int, str]  # x and y in points from below, text
WIDTH = 5.0  # of a digit at 9 points, to align at the right


def at_right(x: int, y: int, text: str) -> Text:
    """A text that ends at x."""
    return (int(x - WIDTH * len(text)), y, text)


def write_pdf(pages: Sequence[Sequence[Text]], trailer: str = "", content: bytes | None = None) -> bytes:
    """A PDF of these pages; `content` replaces the compressed drawing of every page."""
    objects: list[bytes] = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    places = []
    for page in pages:
        drawn = zlib.compress(_draw(page)) if content is None else content
        objects.append(b"<< /Length %d /Filter /FlateDecode >>\nstream\n%b\nendstream" % (len(drawn), drawn))
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R"
            b" /Resources << /Font << /F1 3 0 R >> >> >>" % len(objects)
        )
        places.append(len(objects))
    kids = b" ".join(b"%d 0 R" % place for place in places)
    objects[1] = b"<< /Type /Pages /Kids [%b] /Count %d >>" % (kids, len(places))
    return _join(objects, trailer)


def _draw(page: Sequence[Text]) -> bytes:
    texts = []
    for x, y, text in page:
        escaped = text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
        texts.append(f"BT /F1 9 Tf {x} {y} Td ({escaped}) Tj ET")
    return "\n".join(texts).encode("cp1252")


def _join(objects: Sequence[bytes], trailer: str) -> bytes:
    body = bytearray(b"%PDF-1.4\n")
    offsets = []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    start = len(body)
    body += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    body += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    body += b"trailer\n<< /Size %d /Root 1 0 R %b >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1, trailer.encode(), start,
    )  # fmt: skip
    return bytes(body)


def write_document(
    others: Sequence[bytes],
    catalog: bytes = b"",
    page: bytes = b"",
    pages: bytes = b"<< /Type /Pages /Kids [4 0 R] /Count 1 >>",
) -> bytes:
    """A PDF of one page with more entries in its objects, and other objects from number 5 on."""
    drawn = b"BT /F1 9 Tf 40 700 Td (Hello this is a page of some text) Tj ET"
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R %b >>" % catalog,
        pages,
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(drawn), drawn),
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 3 0 R"
        b" /Resources << /Font << /F1 %b >> >> %b >>" % (font, page),
        *others,
    ]
    return _join(objects, "")
