"""`tally export --everything` and `tally import --everything`: a workspace moves house."""

import re
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from tally.cli.account import acting_here
from tally.cli.meter import ByteMeter, RowMeter
from tally.cli.output import echo
from tally.core.errors import TallyError
from tally.core.text import plural

if TYPE_CHECKING:
    from tally.moving.file import ExportManifest


def export_everything(path: Path | None, email: str | None, workspace: str | None) -> None:
    """Write a workspace into one file, and say what is in it and what is not."""
    from tally.local.migrations import load_checksums  # lazily, as the rest: other commands need none of it
    from tally.moving.leaving import export_workspace
    from tally.storage.workspaces import list_workspaces

    with acting_here(email, "tally export", workspace) as database, RowMeter() as meter:
        if path is None:
            names = {one.id: one.name for one in list_workspaces(database)}
            path = Path(_file_name(names.get(database.scope.workspace_id, "workspace")))
        if not path.parent.is_dir():
            raise TallyError(f"There is no folder {path.parent}. Create it, or name another one.")
        manifest = export_workspace(database, path, max(load_checksums()), meter.show)
    echo(f"Exported “{manifest.workspace}” to {path}: {_describe(manifest)}.")
    echo("Not in it:")
    for sentence in manifest.left_out:
        echo(f"- {sentence}")


def import_everything(path: Path, email: str | None, workspace: str | None) -> None:
    """Check a file, import it, and account for every row."""
    from tally.moving.arriving import import_workspace
    from tally.moving.file import ExportFile

    file = ExportFile(path)
    with ByteMeter() as meter:
        file.check(meter.show)
    with acting_here(email, "tally import", workspace) as database, RowMeter() as meter:
        target = import_workspace(database, file, meter.show)
    echo(f"Imported “{file.manifest.workspace}” into “{target.workspace.name}”: {_describe(file.manifest)}.")
    for line in (*target.describe(), *target.notes):
        echo(line)
    echo("Not in the file:")
    for sentence in file.manifest.left_out:
        echo(f"- {sentence}")


def _describe(manifest: "ExportManifest") -> str:
    records = manifest.rows["cost_records"] + manifest.rows["superseded_records"]
    days = f" from {manifest.first_day} to {manifest.last_day}" if manifest.first_day else ""
    totals = ", ".join(
        f"{Decimal(one.cost_usd).normalize():f} USD {basis}" for basis, one in manifest.totals.items()
    )
    return f"{plural(records, 'record')}{days}{f'; {totals}' if totals else ''}"


def _file_name(workspace: str) -> str:
    name = re.sub(r"[^a-z0-9]+", "-", workspace.lower()).strip("-") or "workspace"
    return f"tally-{name}-{datetime.now().astimezone():%Y-%m-%d}.zip"
