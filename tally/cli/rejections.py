"""Rejected rows of an import: the first ones on stderr, all of them in a CSV file."""

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from tally.cli.output import echo
from tally.importers import Rejected
from tally.storage.database import DatabaseError
from tally.storage.export import escape_formula

SHOWN_REJECTIONS = 10

Rejections = list[tuple[Path, Rejected]]  # each with the file it comes from


@contextmanager
def collect_rejections(out: Path | None, is_quiet: bool = False) -> Iterator[Rejections]:
    """A list for rejected rows, which are printed, unless quiet, and written to `out` at the end.

    That is done after a failure, too.
    """
    rejections: Rejections = []
    file = _open_text(out) if out else None
    try:
        yield rejections
    finally:
        if not is_quiet:
            _print(rejections, is_written=file is not None)
        if file is not None:
            with writing(out), file:
                _write(rejections, file)


def refuse_overwriting(out: Path | None, files: Sequence[Path]) -> None:
    """Raise DatabaseError if the rejected rows would replace a file to import, under any of its names."""
    if out and out.exists() and any(file.exists() and file.samefile(out) for file in files):
        raise DatabaseError(f"{out} is a file to import. Write rejected rows to another file.")


@contextmanager
def writing(path: Path | None) -> Iterator[None]:
    """Raise DatabaseError naming the path when it cannot be written."""
    try:
        yield
    except OSError as error:
        raise DatabaseError(f"{path} cannot be written: {error.strerror}.") from None


def _open_text(path: Path) -> TextIO:
    with writing(path):
        return path.open("w", newline="", encoding="utf-8", errors="replace")


def _print(rejections: Sequence[tuple[Path, Rejected]], is_written: bool) -> None:
    for file, row in rejections[:SHOWN_REJECTIONS]:
        echo(f"  {file.name}, line {row.line}: {row.reason}", err=True)
    if len(rejections) > SHOWN_REJECTIONS and not is_written:
        hidden = len(rejections) - SHOWN_REJECTIONS
        echo(f"  … and {hidden:,} more. Write all of them to a file with --rejected FILE.", err=True)


def _write(rejections: Sequence[tuple[Path, Rejected]], out: TextIO) -> None:
    writer = csv.writer(out)
    writer.writerow(["file", "line", "reason", "row"])
    writer.writerows(
        [escape_formula(file.name), row.line, escape_formula(row.reason), escape_formula(row.row_text)]
        for file, row in rejections
    )
