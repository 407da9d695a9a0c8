"""The `tally` application with all of its commands."""

from typing import Annotated

import typer

from tally.cli import collect, machine
from tally.cli.command import new_app
from tally.cli.commands import ADDERS
from tally.cli.glance import print_status, print_today


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
ADDERS["import"](app)
app.command()(today)
app.command()(statusline)
for name in ("budgets", "costs", "advice", "whatif", "export", "demo"):
    ADDERS[name](app)
collect.add_commands(app)
for name in ("experiments", "invoices", "prompts", "reprice", "analytics", "archive", "owner", "keys"):
    ADDERS[name](app)
