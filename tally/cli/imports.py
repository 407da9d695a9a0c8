"""`tally import`: exports of providers and gateways, saved or only shown."""

from pathlib import Path
from typing import Annotated

import typer

from tally.cli.account import WorkspaceName, acting_as
from tally.cli.import_files import AskedFiles, ReadFile
from tally.cli.import_previews import preview_file, preview_files, print_lines, print_previews
from tally.cli.moving import import_everything
from tally.cli.output import echo
from tally.cli.rejections import collect_rejections, refuse_overwriting
from tally.cli.timezones import Timezone, choose_timezone
from tally.core.errors import TallyError
from tally.core.records import CostBasis, file_under
from tally.core.text import plural, printable
from tally.currency.stored_rates import load_rates
from tally.importers.grouping import read_breakdown, refuse_overlap
from tally.importers.named_projects import describe_unfiled, find_unfiled
from tally.importers.own_exports import describe_unknown_projects
from tally.importers.preview import describe_parsed
from tally.importers.save import ImportFile, ImportResult, describe_excluded, save_import
from tally.storage.database import Database
from tally.storage.workspaces import find_project, list_projects, load_timezone


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
    everything: Annotated[
        bool,
        typer.Option("--everything", help="Bring all of a workspace that `tally export --everything` wrote."),
    ] = False,
) -> None:
    """Import usage and billing exports into a workspace.

    Safe to repeat; duplicates are skipped, and keep the project that they have. With --dry-run, no account
    and no server are needed; with an account, its time zone and exchange rates are used. With --everything,
    an admin moves a workspace in: what it has already stays, and the account is the one this machine is
    signed in to unless --email names another.

    Example: tally import cost_2026-11.csv --email ada@example.com --workspace Acme --project Website
    """
    if everything:
        others = (project, day_first, decimal_comma, cost_basis, timezone, rejected)
        if len(files) != 1 or dry_run or as_json or any(other is not None for other in others):
            raise TallyError(
                "--everything takes one file, and no other options than --email and --workspace."
            )
        import_everything(files[0], email, workspace)
        return
    refuse_overwriting(rejected, files)
    asked = AskedFiles(files, day_first, decimal_comma, cost_basis)
    with collect_rejections(rejected, is_quiet=as_json) as rejections:
        if dry_run and email is None:
            zone = choose_timezone(timezone)
            print_previews(preview_files(asked, zone), zone, as_json, rejections)
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
                print_previews([preview_file(file, zone) for file in read], zone, as_json, rejections)
                return
            project_id = find_project(list_projects(database), project).id if project is not None else None
            for file in read:
                rejections += [(file.path, row) for row in _save(database, file, project_id).rejected]


def describe_result(result: ImportResult) -> str:
    """Describe the outcome of an import in one line: read = added + duplicates + rejected."""
    counts = (
        f"read {result.read:,} = {result.added:,} added + {plural(result.already_there, 'duplicate')}"
        f" + {len(result.rejected):,} rejected"
    )
    notes = [f"added as {plural(result.new_records, 'record')}"] if result.new_records != result.added else []
    notes += [f"{result.restated:,} of the duplicates updated"] if result.restated else []
    return counts + (f" ({', '.join(notes)})" if notes else "")


def _save(database: Database, file: ReadFile, project_id: str | None) -> ImportResult:
    file.parsed.records = [file_under(record, project_id) for record in file.parsed.records]
    name = ImportFile(printable(file.path.name), file.importer.name, file.content)
    result = save_import(database, file.parsed, name)
    echo(f"{file.title}: {describe_result(result)}")
    print_lines((*describe_parsed(file.parsed), *file.saved_notes(result)))
    if result.is_excluded:
        echo(describe_excluded(file.path.name))
    if unknown := describe_unknown_projects(result.unknown_projects):
        echo(unknown)
    elif unfiled := describe_unfiled(find_unfiled(database, file.parsed, result.import_id)):
        echo(unfiled)
    if project_id and (kept := result.already_there - result.restated):
        echo(f"{plural(kept, 'duplicate')} kept the project that was saved before.")
    return result
