"""Commands that act on one account as its operator, under that person's row-level security."""

import csv
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, TextIO
from zoneinfo import ZoneInfo

import typer

from tally.currency.stored_rates import load_rates
from tally.importers import (
    AmbiguousDates,
    AmbiguousNumbers,
    Importer,
    Options,
    Parsed,
    Rejected,
    find_importer,
    identify_all,
    parse_tables,
    read_tables,
)
from tally.importers.grouping import read_breakdown, refuse_overlap
from tally.importers.save import ImportFile, ImportResult, save_import
from tally.ledger.billing_account import preview_settlement
from tally.spend import sample_data as sample
from tally.storage.database import Database, DatabaseError
from tally.storage.export import harmless, load_records, write_records
from tally.storage.operator_connection import operating
from tally.storage.postgres import PostgresDatabase, find_user
from tally.storage.preferences import load_timezone

SHOWN_REJECTIONS = 10

Email = Annotated[str, typer.Option(help="The account's email.", show_default=False)]


@contextmanager
def acting_as(email: str) -> Iterator[Database]:
    """The account with this email; raises DatabaseError without one, or without an answer."""
    with operating() as connection:
        yield PostgresDatabase(connection, find_user(connection, email))


def import_files(
    files: Annotated[
        list[Path], typer.Argument(help="CSV or JSON files, or ZIPs of them.", show_default=False)
    ],
    email: Email,
    day_first: Annotated[
        bool | None, typer.Option("--day-first/--month-first", help="How to read a date such as 03/04/2026.")
    ] = None,
    decimal_comma: Annotated[
        bool | None,
        typer.Option("--decimal-comma/--decimal-point", help="How to read an amount such as 1,234."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be added and stop.")] = False,
    rejected: Annotated[
        Path | None, typer.Option(help="Write the rejected rows with their reasons to this CSV file.")
    ] = None,
) -> None:
    """Import files of usage into an account; importing one twice adds nothing.

    Example: tally import cost_2026-11.csv --email ada@example.com
    """
    with acting_as(email) as database, _rejections(rejected) as refused:
        options = Options(load_timezone(database), day_first, decimal_comma, rates=load_rates(database))
        # All are read before one is saved: a file that is refused stops the others while nothing is written.
        for file, importer, parsed, data in [_read(file, options) for file in files]:
            if dry_run:
                refuse_overlap(database, read_breakdown(parsed), file.name, importer.name)
                typer.echo(f"{file.name} ({importer.title}): {_summary(parsed)}")
                refused += [(file, row) for row in parsed.rejected]
            else:
                result = save_import(database, parsed, ImportFile(file.name, importer.name, data))
                typer.echo(f"{file.name} ({importer.title}): {_outcome(result)}")
                refused += [(file, row) for row in result.rejected]


def export_records(
    email: Email,
    out: Annotated[Path, typer.Option(help="The file to write: .csv or .parquet.", show_default=False)],
) -> None:
    """Export all records of an account; spreadsheet formulas in texts are made harmless in CSV.

    Example: tally export --email ada@example.com --out records.csv
    """
    if out.suffix not in (".csv", ".parquet"):
        raise DatabaseError(f"{out.name} must end in .csv or .parquet.")
    with acting_as(email) as database:
        records = load_records(database)
    with _writing(out):
        out.write_bytes(write_records(records, "parquet" if out.suffix == ".parquet" else "csv"))
    typer.echo(f"{len(records):,} records written to {out}.")


def demo(
    email: Email,
    remove: Annotated[bool, typer.Option("--remove", help="Take the sample data out again.")] = False,
) -> None:
    """Load half a year of sample data into an account, marked as such.

    Example: tally demo --email ada@example.com
    """
    with acting_as(email) as database:
        if remove:
            removed = sample.remove(database)
            typer.echo("The sample data is gone." if removed else "There is no sample data in this account.")
            return
        result = sample.load(database, datetime.now(ZoneInfo(load_timezone(database))).date())
    typer.echo(f"Sample data: {_outcome(result)}. Take it out with `tally demo --email {email} --remove`.")


def _read(file: Path, options: Options) -> tuple[Path, Importer, Parsed, bytes]:
    try:
        data = file.read_bytes()
    except IsADirectoryError:
        raise DatabaseError(f"{file} is a folder. Name the files in it, such as {file}/*.csv.") from None
    except OSError as error:
        raise DatabaseError(f"{file} cannot be read: {error.strerror}.") from None
    tables = read_tables(data, file.name)
    importer = identify_all(tables) or find_importer("generic")
    try:
        return file, importer, parse_tables(importer, tables, options), data
    except AmbiguousDates as question:
        raise DatabaseError(f"{file.name}: {question} Say --day-first or --month-first.") from None
    except AmbiguousNumbers as question:
        raise DatabaseError(f"{file.name}: {question} Say --decimal-comma or --decimal-point.") from None


@contextmanager
def _rejections(to: Path | None) -> Iterator[list[tuple[Path, Rejected]]]:
    """Rejected rows to collect; shown and written down at the end, whatever ends it."""
    refused: list[tuple[Path, Rejected]] = []
    with _writing(to), ExitStack() as opened:
        out = opened.enter_context(_open_text(to)) if to else None
        try:
            yield refused
        finally:
            _show(refused, is_written=out is not None)
            if out is not None:
                _write(refused, out)


def _open_text(path: Path) -> TextIO:
    return path.open("w", newline="", encoding="utf-8", errors="replace")


@contextmanager
def _writing(path: Path | None) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DatabaseError(f"{path} cannot be written: {error.strerror}.") from None


def _summary(parsed: Parsed) -> str:
    settled = preview_settlement(parsed.records)
    total = sum(record.cost_usd or 0 for record in settled if record.cost_basis != "included")
    return f"read {parsed.rows_read:,} rows, {len(parsed.rejected):,} rejected, ${total:,.2f} in all"


def _outcome(result: ImportResult) -> str:
    counts = (
        f"read {result.read:,} = {result.added:,} added + {result.already_there:,} already there"
        f" + {len(result.rejected):,} rejected"
    )
    return counts + (f" ({result.restated:,} of those there got newer figures)" if result.restated else "")


def _show(refused: Sequence[tuple[Path, Rejected]], is_written: bool) -> None:
    for file, row in refused[:SHOWN_REJECTIONS]:
        typer.echo(f"  {file.name}, line {row.line}: {row.reason}", err=True)
    if len(refused) > SHOWN_REJECTIONS and not is_written:
        typer.echo(
            f"  … and {len(refused) - SHOWN_REJECTIONS:,} more; --rejected FILE writes them all.", err=True
        )


def _write(refused: Sequence[tuple[Path, Rejected]], out: TextIO) -> None:
    writer = csv.writer(out)
    writer.writerow(["file", "line", "reason", "row"])
    writer.writerows(
        [harmless(file.name), row.line, harmless(row.reason), harmless(row.row_text)] for file, row in refused
    )
