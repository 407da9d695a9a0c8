"""Every supported export becomes exactly the records that its golden pair says."""

import pytest

from tally.importers import IMPORTERS, Options, identify, read_table
from tests.tally.golden import FIXTURES, describe, load_expected

CASES = sorted(folder.name for folder in FIXTURES.iterdir() if folder.is_dir())


@pytest.mark.parametrize("case", CASES)
def test_export_becomes_the_expected_records(case: str) -> None:
    table = read_table((FIXTURES / case / "sample.csv").read_bytes(), "sample.csv")
    importer = identify(table)
    assert importer is not None
    parsed = importer.parse(table, Options(timezone="America/New_York"))
    assert describe(importer.name, parsed) == load_expected(case)


@pytest.mark.parametrize("case", [case for case in CASES if not case.startswith("generic")])
def test_columns_may_come_in_any_order_and_with_others_between(case: str) -> None:
    lines = (FIXTURES / case / "sample.csv").read_bytes()
    table = read_table(lines, "sample.csv")
    importer = identify(table)
    assert importer is not None
    turned = [["new column", *reversed(table.header)]]
    turned += [["?", *reversed(cells)] for _, cells in table.rows]
    text = "\r\n".join(",".join(f'"{cell}"' for cell in row) for row in turned)
    other = read_table(text.encode("utf-8-sig"), "turned.csv")
    assert identify(other) is (importer if case != "openai_usage_none" else None)
    if case != "openai_usage_none":
        assert other.header != table.header
        assert importer.parse(other, Options()).records == importer.parse(table, Options()).records


def test_every_importer_has_a_golden_pair() -> None:
    assert {load_expected(case)["format"] for case in CASES} == {importer.name for importer in IMPORTERS}
