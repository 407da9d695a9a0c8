"""Rejected rows on stderr and in a file, whatever they contain and however the import ends."""

import csv
from pathlib import Path

import pytest

from tally.cli.rejections import collect_rejections
from tally.importers import Rejected

FILE = Path("usage.csv")
HOSTILE = Rejected(2, 'The date "\x1b[2J" is not a date.', "\x1b[2J,=cmd")


def test_control_characters_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with collect_rejections(None) as rejections:
        rejections.append((FILE, HOSTILE))
    expected = '  usage.csv, line 2: The date "\N{REPLACEMENT CHARACTER}[2J" is not a date.\n'
    assert capsys.readouterr().err == expected


def test_rows_are_written_when_the_import_fails(tmp_path: Path) -> None:
    out = tmp_path / "rejected.csv"

    def import_until_interrupted() -> None:
        with collect_rejections(out) as rejections:
            rejections.append((FILE, HOSTILE))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_until_interrupted()
    with out.open(newline="", encoding="utf-8") as file:
        assert [row["line"] for row in csv.DictReader(file)] == ["2"]
