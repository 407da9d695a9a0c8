"""`tally import`, `export` and `demo`: an account's cost records, under its row-level security."""

from datetime import datetime
from pathlib import Path
from shlex import quote
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from tally.cli.account import Email, WorkspaceName, acting_as
from tally.cli.output import echo
from tally.cli.rejections import collect_rejections, refuse_overwriting, writing
from tally.core.records import file_under
from tally.core.text import plural, printable
from tally.currency.stored_rates import load_rates
from tally.importers import (
    AmbiguousDates,
    AmbiguousNumbers,
    Importer,
    Options,
    Parsed,
    find_importer,
    identify_all,
    parse_tables,
    read_tables,
)
from tally.importers.grouping import read_breakdown, refuse_overlap
from tally.importers.readers.containers import MAX_BYTES
from tally.importers.save import ImportFile, ImportResult, save_import
from tally.ledger.billing_account import preview_overlaps
from tally.spend import sample_data as sample
from tally.storage.database import DatabaseError
from tally.storage.export import load_records, write_records
from tally.storage.workspaces import find_project, list_projects, load_timezone


def import_files(  # noqa: PLR0913 - the options of the command
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE", help="CSV or JSON files, or ZIPs of them.", show_default=False),
    ],
    email: Email,
    workspace: WorkspaceName = None,
    project: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name or id of the project to file the records under.")
    ] = None,
    day_first: Annotated[
        bool | None, typer.Option("--day-first/--month-first", help="How to read a date such as 03/04/2026.")
    ] = None,
    decimal_comma: Annotated[
        bool | None,
        typer.Option("--decimal-comma/--decimal-point", help="How to read an amount such as 1,234."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be imported; save nothing.")
    ] = False,
    rejected: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write rejected rows and their reasons to this CSV file."),
    ] = None,
) -> None:
    """Import usage and billing exports into a workspace.

    Safe to repeat; duplicates are skipped, and keep the project that they have.

    Example: tally import cost_2026-11.csv --email ada@example.com --workspace Acme --project Website
    """
    refuse_overwriting(rejected, files)
    with acting_as(email, workspace) as database, collect_rejections(rejected) as rejections:
        project_id = find_project(list_projects(database), project).id if project is not None else None
        options = Options(load_timezone(database), day_first, decimal_comma, rates=load_rates(database))
        # All files are read before the first is saved: if one is refused, nothing has been written.
        for file, importer, parsed, data in [_read(file, options) for file in files]:
            if dry_run:
                refuse_overlap(database, read_breakdown(parsed), file.name, importer.name)
                echo(f"{file.name} ({importer.title}): {_preview_line(parsed)}")
                rejections += [(file, row) for row in parsed.rejected]
            else:
                parsed.records = [file_under(record, project_id) for record in parsed.records]
                result = save_import(database, parsed, ImportFile(printable(file.name), importer.name, data))
                echo(f"{file.name} ({importer.title}): {_result_line(result)}")
                if project_id and (kept := result.already_there - result.restated):
                    echo(f"{plural(kept, 'duplicate')} kept the project that they had.")
                rejections += [(file, row) for row in result.rejected]


def export_records(
    email: Email,
    out: Annotated[
        Path,
        typer.Option(metavar="FILE", help="File to write: .csv or .parquet.", show_default=False),
    ],
    workspace: WorkspaceName = None,
) -> None:
    """Export the records of a workspace as CSV or Parquet.

    Records of excluded sources are left out. In CSV, text that a spreadsheet would run as a formula is
    escaped.

    Example: tally export --email ada@example.com --out records.csv
    """
    if out.suffix not in (".csv", ".parquet"):
        raise DatabaseError(f"{out.name} must end in .csv or .parquet.")
    with acting_as(email, workspace) as database:
        records = load_records(database)
    with writing(out):
        out.write_bytes(write_records(records, "parquet" if out.suffix == ".parquet" else "csv"))
    echo(f"Exported {plural(len(records), 'record')} to {out}.")


def demo(
    email: Email,
    workspace: WorkspaceName = None,
    remove: Annotated[bool, typer.Option("--remove", help="Remove the sample data.")] = False,
) -> None:
    """Load half a year of sample data into a workspace.

    The records are marked as sample data and can be removed again with --remove.

    Example: tally demo --email ada@example.com
    """
    with acting_as(email, workspace) as database:
        if remove:
            removed = sample.remove(database)
            echo("Sample data removed." if removed else "There is no sample data of this account.")
            return
        result = sample.load(database, datetime.now(ZoneInfo(load_timezone(database))).date())
    where = f" --workspace {quote(workspace)}" if workspace else ""
    echo(f"Sample data: {_result_line(result)}. Remove it with `tally demo --email {email}{where} --remove`.")


def _read(file: Path, options: Options) -> tuple[Path, Importer, Parsed, bytes]:
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_BYTES + 1)  # enough for `read_tables` to refuse a larger file
    except IsADirectoryError:
        raise DatabaseError(f"{file} is a folder. Name the files in it, such as {file}/*.csv.") from None
    except OSError as error:
        raise DatabaseError(f"{file} cannot be read: {error.strerror}.") from None
    tables = read_tables(data, file.name)
    importer = identify_all(tables) or find_importer("generic")
    try:
        return file, importer, parse_tables(importer, tables, options), data
    except AmbiguousDates as question:
        raise DatabaseError(f"{file.name}: {question} Add --day-first or --month-first.") from None
    except AmbiguousNumbers as question:
        raise DatabaseError(f"{file.name}: {question} Add --decimal-comma or --decimal-point.") from None


def _preview_line(parsed: Parsed) -> str:
    effective = preview_overlaps(parsed.records)
    total = sum(record.cost_usd or 0 for record in effective if record.cost_basis != "included")
    rows = plural(parsed.rows_read, "row")
    return f"read {rows}, {len(parsed.rejected):,} rejected, total ${total:,.2f}"


def _result_line(result: ImportResult) -> str:
    counts = (
        f"read {result.read:,} = {result.added:,} added + {result.already_there:,} duplicates"
        f" + {len(result.rejected):,} rejected"
    )
    return counts + (f" ({result.restated:,} of the duplicates updated)" if result.restated else "")
