"""Commands that import much, each by itself: the program that runs one imports nothing of the others."""

from collections.abc import Callable

import typer

from tally.cli.command import TallyCommand


def _add_import(app: typer.Typer) -> None:
    from tally.cli.imports import import_files

    app.command("import", cls=TallyCommand)(import_files)


def _add_budgets(app: typer.Typer) -> None:
    from tally.cli.budgets import budgets

    app.command("budgets")(budgets)


def _add_costs(app: typer.Typer) -> None:
    from tally.cli.costs import costs

    app.command("costs")(costs)


def _add_whatif(app: typer.Typer) -> None:
    from tally.cli.whatif import whatif

    app.command("whatif")(whatif)


def _add_advice(app: typer.Typer) -> None:
    from tally.cli.advice import advice

    app.command("advice")(advice)


def _add_export(app: typer.Typer) -> None:
    from tally.cli.records import export_records

    app.command("export")(export_records)


def _add_demo(app: typer.Typer) -> None:
    from tally.cli.records import demo

    app.command("demo")(demo)


def _add_reprice(app: typer.Typer) -> None:
    from tally.cli.prices import reprice

    app.command("reprice")(reprice)


def _add_owner(app: typer.Typer) -> None:
    from tally.cli.owner import owner

    app.command("owner", cls=TallyCommand)(owner)


def _add_keys(app: typer.Typer) -> None:
    from tally.cli.api_keys import api_keys
    from tally.cli.keys import keys
    from tally.cli.sql_roles import sql_roles

    if api_keys not in [group.typer_instance for group in keys.registered_groups]:
        keys.add_typer(api_keys, name="api")
        keys.add_typer(sql_roles, name="sql")
    app.add_typer(keys, name="keys")


def _add_archive(app: typer.Typer) -> None:
    from tally.cli.archives import archive

    app.add_typer(archive, name="archive")


def _add_experiments(app: typer.Typer) -> None:
    from tally.cli.experiments import experiments

    app.add_typer(experiments, name="experiments")


def _add_prompts(app: typer.Typer) -> None:
    from tally.cli.prompts import prompts

    app.add_typer(prompts, name="prompts")


def _add_invoices(app: typer.Typer) -> None:
    from tally.cli.invoices import invoices

    app.add_typer(invoices, name="invoices")


def _add_analytics(app: typer.Typer) -> None:
    from tally.cli.analytics import analytics

    app.add_typer(analytics, name="analytics")


ADDERS: dict[str, Callable[[typer.Typer], None]] = {
    "import": _add_import,
    "budgets": _add_budgets,
    "costs": _add_costs,
    "advice": _add_advice,
    "whatif": _add_whatif,
    "export": _add_export,
    "demo": _add_demo,
    "reprice": _add_reprice,
    "owner": _add_owner,
    "keys": _add_keys,
    "archive": _add_archive,
    "experiments": _add_experiments,
    "prompts": _add_prompts,
    "invoices": _add_invoices,
    "analytics": _add_analytics,
}
