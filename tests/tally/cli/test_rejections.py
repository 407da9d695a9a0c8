"""Rejected rows on stderr and in a file, whatever they contain and however the import ends."""

import csv
from pathlib import Path

import pytest

from tally.cli.rejections import collect_rejections, refuse_overwriting
from tally.importers import Rejected
from tally.storage.database import DatabaseError

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


def test_failures_of_other_files_are_not_blamed_on_the_rejected_rows() -> None:
    with pytest.raises(BrokenPipeError), collect_rejections(None):
        raise BrokenPipeError


def test_full_disk_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    out = Path("/dev/full")
    with (
        pytest.raises(DatabaseError, match=r"^/dev/full cannot be written: No space left on device\."),
        collect_rejections(out) as rejections,
    ):
        rejections.append((FILE, HOSTILE))
    assert "line 2" in capsys.readouterr().err


@pytest.mark.parametrize("alias", ["same", "link", "dots"])
def test_file_to_import_is_not_overwritten(tmp_path: Path, alias: str) -> None:
    file = tmp_path / "usage.csv"
    file.write_text("date")
    (tmp_path / "link.csv").symlink_to(file)
    out = {"same": file, "link": tmp_path / "link.csv", "dots": tmp_path / ".." / tmp_path.name / "usage.csv"}
    with pytest.raises(DatabaseError, match=r"is a file to import\. Write rejected rows to another file\.$"):
        refuse_overwriting(out[alias], [tmp_path / "missing.csv", file])
    refuse_overwriting(tmp_path / "new.csv", [file])
    refuse_overwriting(None, [file])
