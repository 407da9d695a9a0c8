"""`tally export --focus`: costs as a file in the format of FinOps tools, or as a file for each month."""

from datetime import date
from decimal import Decimal
from pathlib import Path

from tally.cli.output import echo
from tally.core.errors import TallyError
from tally.core.text import plural
from tally.focus.export import choose_period, find_format, write_file
from tally.focus.files import Written
from tally.focus.versions import Version, find_version
from tally.storage.database import Database

TWO_TARGETS = "Name either a file to write (--out) or a folder for months (--store), not both."
NO_TARGET = "Name the file to write with --out, or a folder for a file a month with --store."


def export_focus(
    database: Database,
    version: str,
    days: tuple[date | None, date | None],
    out: Path | None,
    store: str | None,
) -> None:
    """Write costs of UTC days, and say what they come to."""
    chosen = find_version(version)
    if out is not None and store is not None:
        raise TallyError(TWO_TARGETS)
    period = choose_period(*days)
    if store is not None:
        _keep_months(database, store, period, chosen)
        return
    if out is None:
        raise TallyError(NO_TARGET)
    find_format(out.name)
    written = write_file(database, out, period, chosen)
    echo(f"Exported {describe(written)} to {out}. Its days are UTC days.")


def describe(written: Written) -> str:
    """The rows of a file, and what they come to."""
    parts = [f"{plural(written.rows, 'row')}: {_write_usd(written.billed_usd)} USD billed or estimated"]
    if written.worth_usd:
        parts.append(f"{_write_usd(written.worth_usd)} USD of usage that plans cover")
    if written.unpriced_rows:
        parts.append(f"{plural(written.unpriced_rows, 'row')} without a price")
    return ", ".join(parts)


def _write_usd(amount: Decimal) -> str:
    return f"{amount.normalize():f}" if amount else "0"


def _keep_months(database: Database, address: str, period: tuple[date, date], version: Version) -> None:
    from tally.focus.keeping import Target, keep_months  # lazily: storages take half a second to load
    from tally.storage.objects import open_store

    kept = keep_months(database, Target(open_store(address), version), period)
    changes = [
        f"{len(months)} {word}"
        for months, word in ((kept.written, "written"), (kept.deleted, "deleted"))
        if months
    ]
    echo(f"{plural(kept.months, 'month')} in {address}: {', '.join(changes) or 'nothing changed'}.")
    if kept.archived:
        echo(f"Left as they are, as their records are archived: {', '.join(kept.archived)}.")
