"""`tally export` and `demo`: an account's cost records, under its row-level security."""

from datetime import datetime
from pathlib import Path
from shlex import quote
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from tally.cli.account import Email, SessionOrEmail, WorkspaceName, acting_as, acting_here
from tally.cli.focus import export_focus
from tally.cli.imports import describe_result
from tally.cli.moving import export_everything
from tally.cli.output import echo
from tally.cli.rejections import writing
from tally.core.errors import TallyError
from tally.core.text import plural
from tally.samples import sample
from tally.storage.database import DatabaseError
from tally.storage.export import load_records, write_records
from tally.storage.workspaces import load_timezone


def export_records(  # noqa: PLR0913 - a parameter for each option
    file: Annotated[Path | None, typer.Argument(metavar="FILE", show_default=False)] = None,
    email: SessionOrEmail = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "--output", metavar="FILE", help="File to write: .csv or .parquet.", show_default=False
        ),
    ] = None,
    workspace: WorkspaceName = None,
    everything: Annotated[
        bool,
        typer.Option("--everything", help="Write all tables into one ZIP, which another Tally imports."),
    ] = False,
    focus: Annotated[
        str | None,
        typer.Option(metavar="VERSION", help="Write costs as FOCUS of this version.", show_default=False),
    ] = None,
    first: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First UTC day, for --focus.")
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last UTC day, for --focus.")
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER",
            help="Keep a file for each month in this folder or s3:// address, for --focus.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Export the records of a workspace as CSV or Parquet.

    Records of excluded sources are left out. In CSV, text that a spreadsheet would run as a formula is
    escaped. With --everything, an admin moves house: records, sources, projects, prices, subscriptions and
    settings go into one file, for `tally import --everything`. With --focus, costs by UTC day, project and
    model are written in the format that FinOps tools read; with --store, month by month, and again where
    figures changed.

    Example: tally export --focus 1.2 --from 2026-01-01 --out costs.csv
    """
    if focus is None and (first or last or store):
        raise TallyError("--from, --to and --store are for --focus. Add --focus 1.2.")
    if file is not None and out is not None:
        raise TallyError("Name one file: as FILE, or with --out.")
    out = out or file
    if focus is not None:
        if everything:
            raise TallyError("Choose one: --focus or --everything.")
        period = (first and first.date(), last and last.date())
        with acting_here(email, "tally export", workspace) as database:
            export_focus(database, focus, period, out, store)
        return
    if everything:
        export_everything(out, email, workspace)
        return
    if out is None:
        raise typer.BadParameter("Name the file to write.", param_hint="'--out'")
    if out.suffix not in (".csv", ".parquet"):
        raise DatabaseError(f"{out.name} must end in .csv or .parquet.")
    with acting_here(email, "tally export", workspace) as database:
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
    with acting_as(email, "tally demo", workspace) as database:
        if remove:
            removed = sample.remove(database)
            echo("Sample data removed." if removed else "There is no sample data of this account.")
            return
        result = sample.load(database, datetime.now(ZoneInfo(load_timezone(database))).date())
    where = f" --workspace {quote(workspace)}" if workspace else ""
    remove_it = f"tally demo --email {email}{where} --remove"
    echo(f"Sample data: {describe_result(result)}. Remove it with `{remove_it}`.")
