"""`tally import`: exports of providers and gateways, saved or only shown."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from tally.cli.account import WorkspaceName, acting_as
from tally.cli.input_file import read_file
from tally.cli.output import echo
from tally.cli.rejections import Rejections, collect_rejections, refuse_overwriting
from tally.cli.tables import format_cost, format_usd, print_table
from tally.cli.timezones import Timezone, choose_timezone
from tally.core.day_totals import FORMAT
from tally.core.errors import TallyError
from tally.core.garbage import collector_paused
from tally.core.records import CostBasis, file_under
from tally.core.text import plural, printable
from tally.currency.rates import Rates
from tally.currency.stored_rates import load_rates
from tally.importers import (
    AmbiguousDates,
    AmbiguousNumbers,
    Importer,
    Options,
    Parsed,
    find_importer,
    generic,
    identify_all,
    parse_tables,
    read_tables,
)
from tally.importers.grouping import read_breakdown, refuse_overlap
from tally.importers.own_exports import describe_unknown_projects
from tally.importers.preview import describe_file, describe_parsed
from tally.importers.readers.containers import MAX_BYTES
from tally.importers.save import ImportFile, ImportResult, describe_excluded, save_import
from tally.ledger.billing_account import preview_overlaps
from tally.storage.database import Database, DatabaseError
from tally.storage.workspaces import find_project, list_projects, load_timezone

TEXT_COLUMNS = ("Day", "Model", "Provider", "Basis")
UNKNOWN_BASIS = (
    "Its amounts are taken for estimates. If you pay them, add --cost-basis billed; "
    "if a plan covers them, --cost-basis included."
)
NUMBER_COLUMNS = ("Requests", "Input", "Cached", "Cache writes", "Output", "Cost")


def import_files(  # noqa: PLR0913 - the options of the command
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE", help="CSV or JSON files, or ZIPs of them.", show_default=False),
    ],
    email: Annotated[
        str | None,
        typer.Option(
            metavar="EMAIL",
            help="Email address of the account; --dry-run works without one.",
            show_default=False,
        ),
    ] = None,
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
    cost_basis: Annotated[
        CostBasis | None,
        typer.Option(
            "--cost-basis",
            help="What the amounts of a table of costs are: billed, estimated, or included in a plan.",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be imported; save nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --dry-run: print one JSON object.")] = False,
    timezone: Timezone = None,
    rejected: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write rejected rows and their reasons to this CSV file."),
    ] = None,
) -> None:
    """Import usage and billing exports into a workspace.

    Safe to repeat; duplicates are skipped, and keep the project that they have. With --dry-run, no account
    and no server are needed; with an account, its time zone and exchange rates are used.

    Example: tally import cost_2026-11.csv --email ada@example.com --workspace Acme --project Website
    """
    refuse_overwriting(rejected, files)
    asked = _Asked(files, day_first, decimal_comma, cost_basis)
    with collect_rejections(rejected, is_quiet=as_json) as rejections:
        if dry_run and email is None:
            zone = choose_timezone(timezone)
            with collector_paused():  # it would take a quarter of the time
                _print_preview(asked.read(zone), zone, as_json, rejections)
            return
        if email is None:
            raise TallyError("Name the account with --email, or add --dry-run to see what the files say.")
        if timezone or (as_json and not dry_run):
            raise TallyError(
                "--timezone and --json are for --dry-run; days of an account are in its own time zone."
            )
        with acting_as(email, "tally import", workspace) as database:
            zone = load_timezone(database)
            # All files are read before the first is saved: if one is refused, nothing has been written.
            read = asked.read(zone, load_rates(database))
            if dry_run:
                for file in read:
                    refuse_overlap(database, read_breakdown(file.parsed), file.path.name, file.importer.name)
                _print_preview(read, zone, as_json, rejections)
                return
            project_id = find_project(list_projects(database), project).id if project is not None else None
            for file in read:
                rejections += [(file.path, row) for row in _save(database, file, project_id).rejected]


def describe_result(result: ImportResult) -> str:
    """Describe the outcome of an import in one line: read = added + duplicates + rejected."""
    counts = (
        f"read {result.read:,} = {result.added:,} added + {result.already_there:,} duplicates"
        f" + {len(result.rejected):,} rejected"
    )
    notes = [f"added as {plural(result.new_records, 'record')}"] if result.new_records != result.added else []
    notes += [f"{result.restated:,} of the duplicates updated"] if result.restated else []
    return counts + (f" ({', '.join(notes)})" if notes else "")


@dataclass(frozen=True, slots=True)
class _ReadFile:
    """A file that was read, and what it holds."""

    path: Path
    importer: Importer
    parsed: Parsed
    content: bytes
    notes: Sequence[str]

    @property
    def title(self) -> str:
        return f"{self.path.name} ({self.importer.title})"


@dataclass(frozen=True, slots=True)
class _Asked:
    """Files to read, and the answers to the questions that they may raise."""

    files: Sequence[Path]
    day_first: bool | None
    decimal_comma: bool | None
    cost_basis: CostBasis | None

    def read(self, timezone: str, rates: Rates | None = None) -> list[_ReadFile]:
        """Read all files; raises TallyError for the first that is refused."""
        options = Options(
            timezone, self.day_first, self.decimal_comma, cost_basis=self.cost_basis, rates=rates
        )
        return [_read(file, options) for file in self.files]


def _read(file: Path, options: Options) -> _ReadFile:
    try:
        data = read_file(file, MAX_BYTES + 1)  # enough for `read_tables` to refuse a larger file
    except IsADirectoryError:
        raise DatabaseError(f"{file} is a folder. Name the files in it, such as {file}/*.csv.") from None
    except OSError as error:
        raise DatabaseError(f"{file} cannot be read: {error.strerror}.") from None
    tables = read_tables(data, file.name)
    importer = identify_all(tables) or find_importer("generic")
    try:
        parsed = parse_tables(importer, tables, options)
        return _ReadFile(file, importer, parsed, data, _check_basis(file, importer, options))
    except AmbiguousDates as question:
        raise DatabaseError(f"{file.name}: {question} Add --day-first or --month-first.") from None
    except AmbiguousNumbers as question:
        raise DatabaseError(f"{file.name}: {question} Add --decimal-comma or --decimal-point.") from None


def _check_basis(file: Path, importer: Importer, options: Options) -> list[str]:
    """A sentence for a table whose amounts are taken for estimates; raises TallyError for other formats."""
    if importer is not generic:
        if options.cost_basis:
            raise TallyError(f"{file.name} is a file of {importer.title}, which needs no --cost-basis.")
        return []
    return [] if options.cost_basis else [UNKNOWN_BASIS]


def _save(database: Database, file: _ReadFile, project_id: str | None) -> ImportResult:
    file.parsed.records = [file_under(record, project_id) for record in file.parsed.records]
    name = ImportFile(printable(file.path.name), file.importer.name, file.content)
    result = save_import(database, file.parsed, name)
    echo(f"{file.title}: {describe_result(result)}")
    _print_notes(file)
    if result.is_excluded:
        echo(describe_excluded(file.path.name))
    if unknown := describe_unknown_projects(result.unknown_projects):
        echo(unknown)
    if project_id and (kept := result.already_there - result.restated):
        echo(f"{plural(kept, 'duplicate')} kept the project that they had.")
    return result


def _print_notes(file: _ReadFile) -> None:
    for sentence in (*describe_parsed(file.parsed), *file.notes):
        echo(sentence)


def _print_preview(files: Sequence[_ReadFile], timezone: str, as_json: bool, rejections: Rejections) -> None:
    rejections += [(file.path, row) for file in files for row in file.parsed.rejected]
    described = [
        describe_file(file.path.name, file.importer, file.parsed, timezone, file.notes) for file in files
    ]
    if as_json:
        typer.echo(json.dumps({"format": FORMAT, "timezone": timezone, "files": described}, indent=2))
        return
    for file, part in zip(files, described, strict=True):
        echo(f"{file.title}: {_preview_line(file.parsed)}")
        _print_notes(file)
        if part["days"]:
            print_table(TEXT_COLUMNS, NUMBER_COLUMNS, map(_cells, part["days"]))


def _cells(row: Mapping[str, Any]) -> list[str]:
    basis = row["cost_basis"] if row["charge_type"] == "usage" else row["charge_type"]
    cache_writes = row["cache_write_5m_tokens"] + row["cache_write_1h_tokens"]
    counts = (
        row["requests"],
        row["uncached_input_tokens"],
        row["cached_input_tokens"],
        cache_writes,
        row["output_tokens"],
    )
    cost = format_cost(row["cost_usd"])
    return [row["day"], row["model"], row["provider"], basis, *(f"{count:,}" for count in counts), cost]


def _preview_line(parsed: Parsed) -> str:
    effective = preview_overlaps(parsed.records)
    costs = (record.cost_usd or Decimal(0) for record in effective if record.cost_basis != "included")
    rows = plural(parsed.rows_read, "row")
    return f"read {rows}, {len(parsed.rejected):,} rejected, total {format_usd(sum(costs, Decimal(0)))}"
