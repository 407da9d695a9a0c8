"""Tables of uploaded files, and refusals of files that are not CSV."""

import io
import zipfile

import pytest

from tally.importers import ImportRefused, read_table
from tally.importers.readers.containers import MAX_BYTES
from tally.importers.readers.table import MAX_ROWS
from tests.every_case import every_case

PLAIN = "date,cost\n2026-11-02,1.5\n2026-11-03,2\n"


def refusal(data: bytes, filename: str = "usage.csv") -> str:
    with pytest.raises(ImportRefused) as refused:
        read_table(data, filename)
    return str(refused.value)


def zip_of(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, "content")
    return buffer.getvalue()


@every_case(
    [
        (data,)
        for data in [
            PLAIN.encode(),
            PLAIN.encode("utf-8-sig"),
            PLAIN.encode("utf-16"),
            PLAIN.encode("utf-16-le"),
            PLAIN.encode("utf-16-be"),
            PLAIN.encode("utf-32"),
            PLAIN.replace("\n", "\r\n").encode(),
            PLAIN.replace("\n", "\r").encode(),
            PLAIN.replace(",", ";").encode(),
            PLAIN.replace(",", "\t").encode(),
            PLAIN.replace(",", "|").encode(),
            PLAIN.replace(",", " , ").replace(" ,", ",").encode(),
            PLAIN.rstrip("\n").encode(),
        ]
    ]
)
def test_encoding_separator_and_line_ending_make_no_difference(data: bytes) -> None:
    table = read_table(data, "usage.csv")
    assert table.header == ["date", "cost"]
    assert table.rows == [(2, ("2026-11-02", "1.5")), (3, ("2026-11-03", "2"))]


def test_western_letters_survive_every_encoding() -> None:
    text = "date,cost,note\n2026-11-02,1,Gebühr für März: 5 €\n"
    for encoding in ("utf-8", "cp1252", "utf-16"):
        assert read_table(text.encode(encoding), "usage.csv").rows[0][1][2] == "Gebühr für März: 5 €"


def test_quoted_line_breaks_do_not_shift_line_numbers() -> None:
    table = read_table(b'date,note\n1,"a\nb\r\nc"\n2,x\n\n3,"y"\n', "usage.csv")
    assert table.rows == [(2, ("1", "a\nb\r\nc")), (5, ("2", "x")), (7, ("3", "y"))]
    assert table.rows_blank == 1


def test_excels_separator_line_sets_the_separator_and_is_counted() -> None:
    table = read_table(b"sep=;\r\ndate;cost\r\n2026-11-02;1,5\r\n", "usage.csv")
    assert table.header == ["date", "cost"]
    assert table.rows == [(3, ("2026-11-02", "1,5"))]


def test_separators_inside_quotes_are_ignored() -> None:
    table = read_table(b'"a, b, c";"d, e"\n1;2\n', "usage.csv")
    assert table.header == ["a, b, c", "d, e"]


def test_rows_of_another_length_are_rejected_with_line_and_reason() -> None:
    table = read_table(b"a,b,c\n1,2,3\n1,2\n1,2,3,4\n1,2,3,,\n,,\n", "usage.csv")
    assert table.rows == [(2, ("1", "2", "3")), (5, ("1", "2", "3"))]
    assert [(rejected.line, rejected.reason) for rejected in table.malformed] == [
        (3, "This row has 2 cells and the header has 3."),
        (4, "This row has 4 cells and the header has 3."),
    ]
    assert table.malformed[1].row_text == "1,2,3,4"
    assert table.rows_blank == 1


def test_row_with_a_stray_quotation_mark_is_rejected_alone() -> None:
    table = read_table(b'a,b\n1,"x"y\n3,4\n', "usage.csv")
    assert table.rows == [(3, ("3", "4"))]
    assert table.malformed[0].reason == "The quotation marks in line 2 do not match up."
    assert table.malformed[0].row_text == '1,"x"y'


@every_case(
    [
        (b"", "usage.csv", "usage.csv is empty. Export it again and check that it has rows."),
        (
            b"\xef\xbb\xbf \r\n\r\n",
            "usage.csv",
            "usage.csv is empty. Export it again and check that it has rows.",
        ),
        (b",,,\n,,,\n", "usage.csv", "usage.csv is empty. Export it again and check that it has rows."),
        (
            b"date,cost\r\n\r\n",
            "usage.csv",
            "usage.csv has a header and no rows below it. Choose a period with usage and export it again.",
        ),
        (
            b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
            "invoice.pdf",
            "invoice.pdf is a PDF document, not a CSV file. Download the CSV of the same data instead, "
            "or type the invoice in under Add entry.",
        ),
        (
            zip_of("[Content_Types].xml", "xl/workbook.xml"),
            "usage.csv",
            "usage.csv is an Excel workbook, not a CSV file. "
            "Open it and choose File > Save as > CSV UTF-8, then drop that file here.",
        ),
        (
            zip_of("cost.csv"),
            "export.zip",
            "export.zip is a ZIP archive, not a CSV file. Unpack it and drop the CSV files in it here.",
        ),
        (
            bytes(range(256)) * 40,
            "usage.csv",
            "usage.csv is a binary file, not a CSV file. "
            "Export it as CSV from the program that made it, and drop that file here.",
        ),
        (
            b"<!DOCTYPE html><html>",
            "usage.csv",
            "usage.csv is a web page or XML, not a CSV file. "
            "Export it as CSV from the program that made it, and drop that file here.",
        ),
        (
            b"date,cost\n2026-11-02,1\n2026-11-\x0002,1\n" + b"2026-11-02,1\n" * 50,
            "usage.csv",
            "usage.csv contains a NUL character in line 3, so it is damaged or not a text file. "
            "Export it again.",
        ),
        (
            b"date,Cost,cost ,note\n1,2,3,4\n",
            "usage.csv",
            'usage.csv has more than one column named "Cost", "cost". '
            "Rename or remove one of them and try again.",
        ),
        (
            ",".join(f"c{number}" for number in range(1200)).encode() + b"\n1\n",
            "usage.csv",
            "usage.csv has 1,200 columns; the limit is 400. "
            "Remove the columns that have nothing to do with usage or cost and try again.",
        ),
        (
            b'date,note\n2026-11-02,"never closed\n2026-11-03,x\n',
            "usage.csv",
            "usage.csv has an unclosed quotation mark in line 2, so everything after it runs "
            "together. Correct that line, or export the file again.",
        ),
        (
            b"date,note\n2026-11-02," + b"x" * 200_000 + b"\n",
            "usage.csv",
            "usage.csv has a cell of more than 131,072 characters in line 2; a quotation mark is probably "
            "not closed. Correct that line, or export the file again.",
        ),
        (
            b"date,cost" + b",x" * 600_000 + b"\n",
            "usage.csv",
            "usage.csv has more than 1,000,000 characters in line 1. It is probably not a CSV file, "
            "or its line breaks were lost. Export it again.",
        ),
    ]
)
def test_file_that_is_no_table_is_refused_with_a_reason(data: bytes, filename: str, reason: str) -> None:
    assert refusal(data, filename) == reason


def test_file_that_is_too_large_is_refused_with_the_limit() -> None:
    assert refusal(b"x" * 200_000_000) == (
        "usage.csv has more than 50 MB, the limit of one file. "
        "Export a shorter period, or split it into several files with the same header."
    )
    assert MAX_BYTES == 50_000_000


def test_too_many_rows_are_refused_with_the_limit() -> None:
    assert refusal(b"a,b\n" + b"1,2\n" * (MAX_ROWS + 1)) == (
        "usage.csv has more than 500,000 rows, the limit of one file. "
        "Export a shorter period, or split it into several files with the same header."
    )
