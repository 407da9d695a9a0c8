"""The `tally` application with all of its commands."""

from typing import Annotated

import typer

from tally.cli import collect, machine
from tally.cli.api_keys import api_keys
from tally.cli.budgets import budgets
from tally.cli.command import TallyCommand, new_app
from tally.cli.glance import print_status, print_today
from tally.cli.imports import import_files
from tally.cli.keys import keys
from tally.cli.owner import owner
from tally.cli.prices import reprice
from tally.cli.records import demo, export_records


def today(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show what today and this month cost so far.

    Also the month's likely end, and how much of the limit is used. Reads what `tally collect` has stored,
    without a network; for a status bar.

    Example: tally today --json
    """
    print_today(as_json)


def statusline() -> None:
    """Print a line for the status line of Claude Code.

    Its settings.json names the command: {"statusLine": {"type": "command", "command": "tally statusline"}}

    Example: tally statusline
    """
    print_status()


app = new_app()
machine.add_commands(app)
app.command("import", cls=TallyCommand)(import_files)
app.command()(today)
app.command()(statusline)
app.command("budgets")(budgets)
app.command("export")(export_records)
app.command("demo")(demo)
collect.add_commands(app)
app.command("reprice")(reprice)
app.command("owner", cls=TallyCommand)(owner)
keys.add_typer(api_keys, name="api")
app.add_typer(keys, name="keys")
