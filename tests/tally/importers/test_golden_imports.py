"""Every supported export gives exactly the records of its golden pair."""

import csv
import io

from tally.importers import IMPORTERS, Options, identify_all, parse_tables, read_tables
from tests.every_case import every_case
from tests.tally.importers.golden import FIXTURES, describe, load_expected, load_sample

CASES = sorted(folder.name for folder in FIXTURES.iterdir() if folder.is_dir())


@every_case([(case,) for case in CASES])
def test_export_gives_the_expected_records(case: str) -> None:
    name, content = load_sample(case)
    tables = read_tables(content, name)
    importer = identify_all(tables)
    assert importer is not None
    parsed = parse_tables(importer, tables, Options(timezone="America/New_York"))
    assert describe(importer.name, parsed) == load_expected(case)


@every_case([(case,) for case in CASES if not case.startswith("generic")])
def test_columns_may_be_in_any_order_and_mixed_with_others(case: str) -> None:
    name, content = load_sample(case)
    for table in read_tables(content, name):
        importer = identify_all([table])
        assert importer is not None
        turned = io.StringIO()
        rows = [["new column", *reversed(table.header)]]
        rows += [["?", *reversed(cells)] for _, cells in table.rows]
        csv.writer(turned).writerows(rows)
        others = read_tables(turned.getvalue().encode("utf-8-sig"), "turned.csv")
        assert identify_all(others) is (importer if case != "openai_usage_none" else None)
        if case != "openai_usage_none":
            assert others[0].header != table.header
            expected = parse_tables(importer, [table], Options()).records
            assert parse_tables(importer, others, Options()).records == expected


def test_every_importer_has_a_golden_pair() -> None:
    assert {load_expected(case)["format"] for case in CASES} == {importer.name for importer in IMPORTERS}
