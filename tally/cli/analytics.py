"""`tally analytics`: the analytics engine beside Postgres."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from tally.cli.command import FAILED
from tally.cli.meter import RowMeter
from tally.cli.output import echo
from tally.cli.tables import format_usd, print_table
from tally.core.errors import TallyError
from tally.core.settings import load_settings
from tally.core.text import plural
from tally.storage.postgres import connect_operator

if TYPE_CHECKING:
    from tally.analytics.shipping import Shipper

analytics = typer.Typer(
    help="Keep an analytics engine in step with Postgres.\n\nExample: tally analytics status",
    no_args_is_help=True,
    rich_markup_mode=None,
)
COUNTS = (
    "Records",
    "in the engine",
    "Superseded",
    "in the engine",
    "Traces",
    "in the engine",
    "Pending",
    "Set aside",
)


@analytics.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Show how far the engine is behind, and the rows of both sides by workspace.

    Exits with code 1 if the engine does not answer.

    Example: tally analytics status --json
    """
    from tally.analytics import state as states

    with _both_sides() as shipper:
        state = states.load_state(shipper.connection)
        if state is None:
            raise TallyError("The analytics engine is not in use. Run `tally analytics rebuild`.")
        workspaces = states.load_workspaces(shipper.connection, shipper.client)
        reasons = states.load_reasons(shipper.connection)
    if as_json:
        rows = [asdict(workspace) | {"id": str(workspace.id)} for workspace in workspaces]
        typer.echo(json.dumps(asdict(state) | {"workspaces": rows, "reasons": reasons}, indent=2))
        return
    echo(f"Analytics engine: {states.describe(state)}.")
    cells = [
        (
            each.name or f"{each.id} (deleted)",
            *(f"{n:,}" for pair in zip(each.rows, each.engine_rows, strict=True) for n in pair),
            f"{each.pending:,}",
            f"{each.parked:,}",
        )
        for each in workspaces
    ]
    print_table(("Workspace",), COUNTS, cells)
    for reason, rows_of_reason, workspace in reasons:
        echo(f"Set aside: {plural(rows_of_reason, 'row')}, such as of {workspace}: {reason}")


@analytics.command()
def rebuild(
    replace: Annotated[
        bool,
        typer.Option(
            "--replace", help="Take over an engine of another Tally, or do without archived months."
        ),
    ] = False,
    workspace: Annotated[
        UUID | None, typer.Option(help="Ship one workspace again, over what is there.", metavar="ID")
    ] = None,
) -> None:
    """Empty the engine and ship everything again.

    Saves go on, and pages are answered by Postgres meanwhile. After an interruption, the worker or
    `tally analytics ship` goes on from where it stopped.

    Example: tally analytics rebuild
    """
    from tally.analytics import building

    with _both_sides() as shipper:
        if workspace is None:
            building.rebuild(shipper.connection, shipper.client, replace)
        else:
            building.rebuild_in_place(shipper.connection, shipper.client, workspace)
        _ship_all(shipper)
    typer.echo("The analytics engine has everything.")


@analytics.command()
def ship() -> None:
    """Ship what is due now, as the worker does.

    Example: tally analytics ship
    """
    with _both_sides() as shipper:
        shipped = _ship_all(shipper)
    typer.echo(f"Shipped {plural(shipped, 'row')}." if shipped else "The analytics engine is up to date.")


@analytics.command()
def check() -> None:
    """Compare the sums of both sides by workspace and month.

    What is due is shipped first. Exits with code 1 if a month differs.

    Example: tally analytics check
    """
    from tally.analytics.comparing import compare

    with _both_sides() as shipper:
        _ship_all(shipper)
        found = compare(shipper.connection, shipper.client)
        if found.differences:  # perhaps of saves that go on
            _ship_all(shipper)
            found = compare(shipper.connection, shipper.client)
    if not found.differences:
        typer.echo(
            f"Both sides are equal: {plural(found.records, 'record')}, {format_usd(found.cost_usd)}, "
            f"{plural(found.months, 'month')} of tables."
        )
        return
    rows = [
        (
            str(each.workspace_id),
            each.table,
            f"{each.month // 100}-{each.month % 100:02}",
            "changes are on their way" if each.is_pending else "differs",
            f"{each.postgres[0]:,}",
            f"{each.engine[0]:,}",
            f"{each.postgres[1]:f}",
            f"{each.engine[1]:f}",
        )
        for each in found.differences
    ]
    numbers = ("Rows", "in the engine", "USD", "in the engine")
    print_table(("Workspace", "Table", "Month", ""), numbers, rows)
    typer.echo("Ship a workspace again with `tally analytics rebuild --workspace ID`.")
    raise typer.Exit(FAILED)


@analytics.command()
def retry() -> None:
    """Ship rows that were set aside once more.

    Example: tally analytics retry
    """
    from tally.analytics import outbox

    with _both_sides() as shipper:
        rows = outbox.unpark(shipper.connection)
        _ship_all(shipper)
        left = outbox.count_parked(shipper.connection)
    typer.echo(f"{plural(rows, 'row')} tried, {left:,} set aside again." if rows else "No row was set aside.")


@analytics.command()
def off() -> None:
    """Use no engine any more: changes are no longer noted for it.

    Remove TALLY_CLICKHOUSE_URL first, or the worker puts it to use again. The engine's tables stay.

    Example: tally analytics off
    """
    from tally.analytics import building

    if load_settings().tally_clickhouse_url is not None:
        raise TallyError("Remove TALLY_CLICKHOUSE_URL first, or the worker puts the engine to use again.")
    with connect_operator() as connection:
        building.disable(connection)
    typer.echo("The analytics engine is not used any more.")


@contextmanager
def _both_sides() -> Iterator["Shipper"]:
    """The operator's connection and the engine's client; raises TallyError."""
    address = load_settings().tally_clickhouse_url
    if address is None:
        raise TallyError("There is no analytics engine. Name one in TALLY_CLICKHOUSE_URL (see README).")
    from tally.analytics.client import open_engine
    from tally.analytics.shipping import Shipper

    with connect_operator() as connection:
        client = open_engine(address.get_secret_value())
        try:
            yield Shipper(connection, client)
        finally:
            client.close()


def _ship_all(shipper: "Shipper") -> int:
    """Ship until nothing is due, with a bar on a terminal."""
    from tally.analytics.state import load_state

    shipped = 0
    with RowMeter() as meter:
        while done := shipper.ship():
            shipped += done
            state = load_state(shipper.connection)
            if state is not None:
                left = state.pending + state.tasks
                meter.show(shipped, shipped + left, "Shipping")
    return shipped
