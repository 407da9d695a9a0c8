"""The `tally` command with all that it can do."""

from tally import collect_cli, machine_cli
from tally.account_cli import demo, export_records, import_files
from tally.command import new_app
from tally.keys_cli import keys
from tally.price_cli import reprice

app = new_app()
machine_cli.add_commands(app)
app.command("import")(import_files)
app.command("export")(export_records)
app.command("demo")(demo)
collect_cli.add_commands(app)
app.command("reprice")(reprice)
app.add_typer(keys, name="keys")
