"""Tables in other forms than plain CSV: JSON, archives, rows in quotation marks."""

import gc
import io
import json
import struct
import zipfile
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tally.importers import (
    ImportRefused,
    Options,
    Table,
    find_importer,
    identify,
    identify_all,
    parse_tables,
    read_table,
    read_tables,
)
from tally.importers.readers import containers
from tally.importers.readers.containers import MAX_MEMBERS
from tests.every_case import every_case

COMPRESSIONS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}
ROWS = [{"date": "2026-11-02", "cost": 1.50}, {"date": "2026-11-03", "model": "m", "cost": 2}]
CSV = b"date,cost,note\n2026-11-02,1,a\n2026-11-03,2,b\n"
ACCEPTED_SHAPES = (
    "Tally reads an array of objects, one object per line, or an object with one array of rows. "
    "Export it again, or export it as CSV."
)


def zip_of(files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def refusal(data: bytes, filename: str) -> str:
    with pytest.raises(ImportRefused) as refused:
        identify_all(read_tables(data, filename))
    return str(refused.value)


def read(text: str, filename: str = "usage.json") -> Table:
    return read_table(text.encode(), filename)


@every_case(
    [
        (text,)
        for text in [
            json.dumps(ROWS),
            json.dumps(ROWS, indent=2),
            json.dumps({"object": "page", "data": ROWS, "has_more": False}),
            json.dumps({"daily": ROWS, "totals": {"cost": 3.5}, "notes": []}, indent=1),
            "\ufeff" + json.dumps(ROWS),
        ]
    ]
)
def test_array_of_objects_becomes_a_table_of_their_keys(text: str) -> None:
    table = read(text)
    assert table.header == ["date", "cost", "model"]
    assert table.rows == [(1, ("2026-11-02", "1.5", "")), (2, ("2026-11-03", "2", "m"))]


def test_json_lines_keep_their_line_numbers_and_broken_ones_are_rejected() -> None:
    text = '{"cost":1}\r\n\r\n{"cost":2,"x":{}}\n{"cost":\n[3]\n{"cost":null}\n'
    table = read(text, "usage.jsonl")
    assert table.header == ["cost", "x"]
    assert table.rows == [(1, ("1", "")), (3, ("2", "{}"))]
    assert [(row.line, row.reason) for row in table.malformed] == [
        (4, "This line is not valid JSON: Expecting value at character 9."),
        (5, 'This row is not an object but "[3]".'),
    ]
    assert table.rows_blank == 1
    assert read('{"cost":1}', "usage.jsonl").rows == [(1, ("1",))]


def test_numbers_keep_their_exact_text() -> None:
    huge = "9" * 5_000
    table = read(f'[{{"a":0.1000000000000000055511,"b":1e-7,"c":{huge},"d":NaN,"e":true,"f":null,"g":"x"}}]')
    assert table.rows[0][1] == ("0.1000000000000000055511", "1e-7", huge, "NaN", "true", "", "x")


def test_nested_keys_are_joined_and_lists_stay_json() -> None:
    row = '{"u":{"in":1,"c":{"r":2}},"l":[{"n":"é","x":1.10,"y":null,"z":true}],"e":{}}'
    table = read(f"[{row}]")
    assert dict(zip(table.header, table.rows[0][1], strict=True)) == {
        "u.in": "1",
        "u.c.r": "2",
        "l": '[{"n": "é", "x": 1.10, "y": null, "z": true}]',
        "e": "{}",
    }


def test_deeply_nested_values_stay_json() -> None:
    assert read('[{"a":{"b":{"c":{"d":{"e":1}}}}}]').header == ["a.b.c.d"]


def test_characters_that_no_database_stores_are_replaced() -> None:
    assert read(r'[{"a":"x\u0000y\ud800z"}]').rows == [(1, ("x\ufffdy?z",))]


@every_case(
    [
        ("[]", "usage.json has no rows. Choose a period with usage and export it again."),
        ("[{}]", "usage.json has no rows. Choose a period with usage and export it again."),
        ('{"data": []}', "usage.json has no rows. Choose a period with usage and export it again."),
        ("5", f"usage.json is a single value without rows. {ACCEPTED_SHAPES}"),
        ('"text"', f"usage.json is a single value without rows. {ACCEPTED_SHAPES}"),
        ('{"cost": 1}', f"usage.json is an object without a list of rows. {ACCEPTED_SHAPES}"),
        (
            '{"a": [{"x": 1}], "b": [{"x": 1}]}',
            'usage.json has several lists of rows: "a", "b". Save the one to import as a file of its own.',
        ),
        ('[{"cost": 1},\n{"cost"', "usage.json ends in the middle of its data, in line 2. Export it again."),
        ('[{"cost": "1', "usage.json ends in the middle of its data, in line 1. Export it again."),
        (
            '[{"cost": 1}\n{"cost": 2}]',
            "usage.json is not valid JSON: Expecting ',' delimiter in line 2. Export it again.",
        ),
        ("[" * 100_000, f"usage.json is nested too deeply. {ACCEPTED_SHAPES}"),
        ('[{"a":' * 600 + "1" + "}]" * 600, f"usage.json is nested too deeply. {ACCEPTED_SHAPES}"),
        (
            '[{"Cost": 1, "cost": 2}]',
            'usage.json has more than one column named "Cost", "cost". '
            "Rename or remove one of them and try again.",
        ),
        (
            json.dumps([{f"k{n}": 1} for n in range(1_001)]),
            "usage.json has 1,001 columns; the limit is 1,000. "
            "Remove the columns that have nothing to do with usage or cost and try again.",
        ),
        (
            json.dumps([{f"k{n % 900}": 1} for n in range(23_000)]),
            "usage.json has 23,000 rows with 900 different keys, too many for a table. "
            "Export a shorter period, or leave out the keys that have nothing to do with usage or cost.",
        ),
    ]
)
def test_json_without_a_table_is_refused_with_a_reason(text: str, reason: str) -> None:
    assert refusal(text.encode(), "usage.json") == reason


def test_too_many_json_rows_are_refused_with_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tally.importers.readers.table.MAX_ROWS", 3)
    assert len(read_table(b'{"a":1}\n' * 3, "usage.jsonl").rows) == 3
    assert refusal(b'{"a":1}\n' * 4, "usage.jsonl").startswith(
        "usage.jsonl has more than 3 rows, the limit of one file. "
    )


def test_json_of_costs_is_read_like_a_table_of_costs() -> None:
    table = read(json.dumps(ROWS))
    importer = identify(table)
    assert importer is find_importer("generic")
    assert [record.cost_usd for record in importer.parse(table, Options()).records] == [Decimal("1.5"), 2]


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
        max_leaves=20,
    )
)
def test_any_json_is_a_table_or_refused_with_a_reason(document: object) -> None:
    try:
        table = read(json.dumps(document))
    except ImportRefused as refused:
        reason = str(refused)
        assert reason.endswith(".")
        return
    assert table.header
    assert all(len(cells) == len(table.header) for _, cells in table.rows)


def test_archive_is_read_as_its_files_and_adds_up() -> None:
    second = b"date,cost,note\n2026-11-03,2,b\n2026-13-01,1,c\n\n"
    files = {"a/first.csv": CSV, "__MACOSX/._first.csv": b"\0", "a/.DS_Store": b"\0", "second.csv": second}
    tables = read_tables(zip_of(files), "export.zip")
    importer = identify_all(tables)
    assert importer is find_importer("generic")
    parsed = parse_tables(importer, tables, Options())
    assert [str(record.metadata["note"]) for record in parsed.records] == ["a", "b"]
    assert (parsed.rows_read, parsed.rows_merged, parsed.rows_blank) == (4, 1, 1)
    assert [(row.line, row.reason) for row in parsed.rejected] == [
        (3, 'second.csv: The date "2026-13-01" does not exist in the calendar.')
    ]


def test_archive_with_files_of_several_formats_is_refused_with_their_names() -> None:
    claude = b"usage_date_utc,model,token_type,cost_usd\n2026-11-02,m,output,1\n"
    assert refusal(zip_of({"a.csv": CSV, "b.csv": claude}), "export.zip") == (
        "export.zip: a.csv is recognised as Table of costs, and export.zip: b.csv is recognised as "
        "Anthropic Console cost export. Unpack the archive and drop its files here."
    )
    assert refusal(zip_of({"a.csv": CSV, "b.csv": b"x,y\n1,2\n"}), "export.zip").endswith(
        "and export.zip: b.csv is not recognised. Unpack the archive and drop its files here."
    )


def encrypted() -> bytes:
    data = bytearray(zip_of({"a.csv": CSV}))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def with_false_size() -> bytes:
    data = bytearray(zip_of({"a.csv": b"0" * 2_000_000}))
    place = data.index(b"PK\x01\x02") + 24
    data[place : place + 4] = struct.pack("<I", 100)
    return bytes(data)


DAMAGED = (
    "export.zip is a damaged ZIP archive, or one that Tally cannot unpack. "
    "Download it again, or unpack it and drop its files here."
)


@every_case(
    [
        (zip_of({}), "export.zip is an empty ZIP archive. Export it again."),
        (zip_of({"folder/": b""}), "export.zip is an empty ZIP archive. Export it again."),
        (zip_of({"a.csv": CSV})[:-30], DAMAGED),
        (zip_of({"a.csv": CSV}).replace(b"a.csv", b"b.csv", 1), DAMAGED),
        (with_false_size(), DAMAGED),
        (zip_of({"a.csv": CSV}, zipfile.ZIP_LZMA), DAMAGED),
        (encrypted(), "export.zip is encrypted. Unpack it with its password and drop the files here."),
        (
            zip_of({"../../etc/invoice.pdf": b"%PDF-1.7"}),
            "export.zip: ../../etc/invoice.pdf is a PDF document, not a CSV file. "
            "Download the CSV of the same data instead, or type the invoice in under Add entry.",
        ),
        (
            zip_of({"in.zip": zip_of({"a.csv": CSV})}),
            "export.zip: in.zip is a ZIP archive, not a CSV file. "
            "Unpack it and drop the CSV files in it here.",
        ),
        (
            zip_of({"bomb.csv": b"a,b\n" + b"1,2\n" * 5_000_000}),
            "export.zip: bomb.csv grows more than 200-fold when it is unpacked, which no usage export does. "
            "Unpack it and drop that file here.",
        ),
        (
            zip_of({f"{n}.csv": CSV for n in range(MAX_MEMBERS + 1)}),
            "export.zip contains 101 files; the limit is 100. "
            "Unpack it and drop only the usage exports here.",
        ),
        (
            zip_of({"\x1b[31m.csv": b""}),
            "export.zip: \N{REPLACEMENT CHARACTER}[31m.csv is empty. "
            "Export it again and check that it has rows.",
        ),
    ]
)
def test_unreadable_archive_is_refused_with_a_reason(data: bytes, reason: str) -> None:
    assert refusal(data, "export.zip") == reason


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(sorted(COMPRESSIONS)),
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=4),
    st.integers(0, 400),
)
def test_damaged_archive_is_read_or_refused_with_a_reason(
    compression: int, changes: list[tuple[int, int]], missing: int
) -> None:
    data = bytearray(zip_of({"a.csv": CSV * 20, "b/c.csv": CSV}, compression))
    for place, byte in changes:
        data[4 + place % (len(data) - 4)] = byte
    try:
        assert read_tables(bytes(data[: len(data) - missing // 4]), "export.zip")
    except ImportRefused as refused:
        reason = str(refused)
        assert reason.endswith(".")


def test_archive_is_unpacked_only_up_to_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "MAX_UNPACKED_BYTES", 2 * len(CSV) + 1)
    files = {f"{n}.csv": CSV for n in range(3)}
    assert len(read_tables(zip_of(dict(list(files.items())[:2])), "export.zip")) == 2
    assert refusal(zip_of(files), "export.zip") == (
        "export.zip unpacks to more than 0 MB. Export a shorter period, or unpack it and drop the files here."
    )


def test_rows_wrapped_in_one_quoted_field_are_unwrapped_on_their_lines() -> None:
    plain = b'date,note,cost\n2026-11-02,"a, ""b""\nc",1\n\n2026-11-03,x,2\n'
    wrapped = b'"date,note,cost"\n"2026-11-02,""a, """"b""""\nc"",1"\n\n"2026-11-03,x,2"\n'
    assert read_table(wrapped, "usage.csv").rows == read_table(plain, "usage.csv").rows
    mixed = wrapped.replace(b'"2026-11-03,x,2"', b"2026-11-03,x,2")
    assert read_table(mixed, "usage.csv").rows == read_table(plain, "usage.csv").rows


@pytest.mark.parametrize("text", [b'[{"a": 1}]', b"[" * 100_000, b'{"a": '])
def test_garbage_collector_runs_again_after_json_is_read(text: bytes) -> None:
    with suppress(ImportRefused):
        read_tables(text, "x.json")
    assert gc.isenabled()
