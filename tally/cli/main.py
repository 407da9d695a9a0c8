"""The `tally` application with all of its commands."""

from tally.cli import collect, machine
from tally.cli.command import TallyCommand, new_app
from tally.cli.imports import import_files
from tally.cli.keys import keys
from tally.cli.prices import reprice
from tally.cli.records import demo, export_records

app = new_app()
machine.add_commands(app)
app.command("import", cls=TallyCommand)(import_files)
app.command("export")(export_records)
app.command("demo")(demo)
collect.add_commands(app)
app.command("reprice")(reprice)
app.add_typer(keys, name="keys")
