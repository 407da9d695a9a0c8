"""Files that mean harm or are no paper: each is refused in a sentence, or read without what it asks for."""

import pytest

from tally.core.errors import TallyError
from tally.invoices.files import clean_name, read_paper
from tally.invoices.invoice import InvoiceRefused
from tally.invoices.pdf import read_pdf
from tally.invoices.statements import Statement, read_ofx
from tests.tally.invoices.pdf_writer import write_document

BILLION_LAUGHS = (
    b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;"><!ENTITY f SYSTEM "file:///etc/passwd">]>'
)
CHARGE = (
    b"<STMTTRN><TRNTYPE>%b<DTPOSTED>20261112<TRNAMT>-20.00<FITID>1"
    b"<NAME>CLAUDE.AI SUBSCRIPTION<MEMO>&b;&f;</STMTTRN>"
)


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("../../etc/passwd.pdf", b"", "passwd.pdf is empty"),
        ("bill.pdf", b"\x89PNG\r\n\x1a\n" + bytes(64), "bill.pdf is not a PDF"),
        ("a\x1b[31m\u202eb.pdf", b"GIF89a", "a\ufffd[31m\ufffdb.pdf is not a PDF"),
        ("x" * 300 + ".pdf", b"GIF89a", "x\u2026.pdf is not a PDF"),
        ("s.ofx", b"<html>", "not an OFX file"),
        ("s.ofx", b"<OFX>" + bytes(5_000_000), "larger than 5 MB"),
        ("s.csv", b"a,b\n1,2\n", "has no column for date and description and amount"),
        ("s.csv", b"date,description,amount\n03/04/2026,CLAUDE.AI,5.00\n", "The page Invoices asks"),
    ],
)
def test_files_that_are_no_paper_are_refused_in_a_sentence(name: str, data: bytes, told: str) -> None:
    with pytest.raises(TallyError) as refused:
        read_paper(data, name, "USD")
    assert told in str(refused.value)
    assert str(refused.value).endswith((".", "?"))
    assert len(str(refused.value)) < 400


def test_names_of_files_are_their_last_part_and_short() -> None:
    assert clean_name("a/b/../c.pdf") == "c.pdf"
    assert clean_name("y" * 1000 + ".pdf") == "y" * 69 + "\u2026.pdf"


def test_pdf_with_a_script_and_attachments_is_only_its_text() -> None:
    script = b"<< /S /JavaScript /JS (this.exportDataObject\\(\\)) >>"
    catalog = b"/OpenAction 5 0 R /Names << /JavaScript << /Names [(a) 5 0 R] >> >>"
    [page] = read_pdf(write_document([script], catalog=catalog), "r.pdf")
    assert page.split() == ["Hello", "this", "is", "a", "page", "of", "some", "text"]


@pytest.mark.parametrize(
    "document",
    [
        write_document([], page=b"/X " + b"[" * 200_000 + b"]" * 200_000),
        write_document([], pages=b"<< /Type /Pages /Kids [2 0 R] /Count 1 >>"),
        write_document([], pages=b"<< /Type /Pages /Kids [%b] /Count 1 >>" % (b"2 0 R " * 9)),
    ],
)
def test_pdf_that_nests_without_end_is_refused(document: bytes) -> None:
    with pytest.raises(InvoiceRefused, match=r"r\.pdf (?:is damaged|unpacks)"):
        read_pdf(document, "r.pdf")


def test_entities_unknown_tags_and_broken_markup_change_no_charge() -> None:
    for before, kind in ((b"", b"DEBIT"), (BILLION_LAUGHS, b"DEBIT"), (b"", b"SURPRISE</X></OFX><OFX>")):
        document = b"OFXHEADER:100\n" + before + b"<OFX><NEW.TAG>1<BANKTRANLIST>" + CHARGE % kind
        [line] = read_ofx(document, "USD").lines
        assert (str(line.amount), line.descriptor) == ("20.00", "CLAUDE.AI SUBSCRIPTION")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "cp1252"])
def test_statements_of_other_encodings_are_read(encoding: str) -> None:
    text = "<OFX><BANKTRANLIST>" + (CHARGE % b"DEBIT").decode() + "<!-- caf\u00e9 -->"
    found = read_paper(text.encode(encoding), "s.QFX", "EUR")
    assert isinstance(found, Statement)
    assert [(line.product, line.currency) for line in found.lines] == [("Claude", "EUR")]
