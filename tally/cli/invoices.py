"""`tally invoices`: invoices, receipts and card statements from files, their list, and their export."""

import json
import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tally.cli.account import SessionOrEmail, WorkspaceName, acting_here
from tally.cli.command import TallyCommand
from tally.cli.input_file import read_file
from tally.cli.output import echo
from tally.core.encoding import canonical_decimal
from tally.core.errors import TallyError
from tally.core.text import plural

if TYPE_CHECKING:
    from tally.currency.rates import Rates
    from tally.invoices.invoice_csv import InvoiceList
    from tally.invoices.statements import Statement
    from tally.storage.database import Database

MAX_BYTES = 5_000_000
NOTHING_YET = "No invoices yet. Add some with `tally invoices import FILE`."

invoices = typer.Typer(
    help="Import invoices, receipts and card statements, and list them.\n\nExample: tally invoices list",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@invoices.command("list", cls=TallyCommand)
def list_all(
    email: SessionOrEmail = None,
    workspace: WorkspaceName = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List invoices, each compared with the usage or the plan that it is of.

    Example: tally invoices list --json
    """
    with acting_here(email, "tally invoices list", workspace) as database:
        rows = _compare_all(database)
    if as_json:
        typer.echo(json.dumps({"invoices": rows}, indent=2))
    elif not rows:
        echo(NOTHING_YET)
    else:
        from tally.cli.tables import print_table

        print_table(
            ("Seller", "Number", "For", "Issued", "State"),
            ("Total", "Unexplained"),
            (
                (
                    row["seller"],
                    row["number"],
                    row["kind"],
                    row["issued_on"],
                    row["state"],
                    describe_amount(row["total"], row["currency"]),
                    describe_amount(row["unexplained_usd"], "USD"),
                )
                for row in rows
            ),
        )


def describe_amount(amount: str | None, currency: str) -> str:
    """An amount to the cent, without a sign where it is none."""
    return "" if amount is None else f"{Decimal(amount):z,.2f} {currency}"


def _compare_all(database: "Database") -> list[dict[str, Any]]:
    from tally.invoices.reconcile import compare
    from tally.invoices.stored import list_invoices, load_usage, read_charge
    from tally.spend.renewals import find_planned
    from tally.spend.subscriptions import load_subscriptions

    found = list_invoices(database)
    usage = load_usage(database, found)
    plans = load_subscriptions(database)
    rows = []
    for row in found:
        own = [plan for plan in plans if plan.provider_id == row["provider_id"]]
        planned = find_planned(own, date.fromisoformat(row["issued_on"]))
        comparison = compare(read_charge(row), usage.get(row["id"]), planned.amount_usd if planned else None)
        parts = comparison.parts
        rows.append(
            {name: row[name] for name in ("seller", "number", "kind", "issued_on", "currency")}
            | {
                "total": canonical_decimal(Decimal(row["total"])),
                "state": comparison.state,
                "known_usd": None
                if comparison.known_usd is None
                else canonical_decimal(comparison.known_usd),
                "unexplained_usd": canonical_decimal(comparison.unexplained) if parts else None,
                "parts_usd": {name: canonical_decimal(amount) for name, amount in parts.items()},
            }
        )
    return rows


@invoices.command("import", cls=TallyCommand)
def import_files(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="PDF receipts, CSV lists of invoices, or card statements as CSV or OFX.",
            show_default=False,
        ),
    ],
    currency: Annotated[
        str, typer.Option(metavar="CODE", help="Currency of statements that name none.")
    ] = "USD",
    email: SessionOrEmail = None,
    workspace: WorkspaceName = None,
) -> None:
    """Save invoices that add up, and the charges for AI on card statements; safe to repeat.

    A file is saved as a whole or not at all, and nothing is saved while one of the files cannot be read.

    Example: tally invoices import receipt.pdf card.ofx
    """
    from tally.currency.stored_rates import load_rates

    if not re.fullmatch("[A-Za-z]{3}", currency):
        raise TallyError("Write the currency as a code of three letters, such as EUR.")
    read = [(file, _read(file, currency.upper())) for file in files]
    with acting_here(email, "tally invoices import", workspace) as database:
        rates = load_rates(database)
        for file, found in read:
            echo(f"{file.name}: {_save(database, found, rates)}")


def _read(file: Path, currency: str) -> "InvoiceList | Statement":
    """The invoices or the charges of a file; raises TallyError."""
    from tally.invoices.files import read_paper

    try:
        content = read_file(file, MAX_BYTES + 1)
    except OSError as error:
        raise TallyError(f"Cannot read {file}: {error.strerror}. Check the name of the file.") from None
    return read_paper(content, file.name, currency)


def _save(database: "Database", found: "InvoiceList | Statement", rates: "Rates") -> str:
    from tally.invoices.statements import Statement
    from tally.invoices.stored import find_usd_rate, save_invoices

    if not isinstance(found, Statement):
        added, known = save_invoices(database, found.invoices, rates)
        return f"{plural(added, 'invoice')} added, {known:,} already there. {found.assumption}".strip()
    rated = [line.to_json(find_usd_rate(rates, line.currency, line.posted_on)[0]) for line in found.lines]
    saved = database.call("save_statement_lines", lines=rated) if rated else {"added": 0, "known": 0}
    told = (
        f"{plural(saved['added'], 'charge')} for AI of {plural(found.read, 'line')} added, "
        f"{saved['known']:,} already there; all others are forgotten."
    )
    if found.rejected:
        first = found.rejected[0]
        lines = plural(len(found.rejected), "line")
        told += f" {lines} could not be read, first line {first.line}: {first.reason}"
    return told


@invoices.command("export", cls=TallyCommand)
def export(
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="File to write.", show_default=False)],
    email: SessionOrEmail = None,
    workspace: WorkspaceName = None,
) -> None:
    """Write all invoices with their lines as CSV, which `tally invoices import` reads.

    Example: tally invoices export --out invoices.csv
    """
    from tally.invoices.invoice_csv import write_invoices
    from tally.invoices.stored import load_whole

    with acting_here(email, "tally invoices export", workspace) as database:
        found = load_whole(database)
    out.write_bytes(write_invoices(found))
    echo(f"{plural(len(found), 'invoice')} in {out}.")
