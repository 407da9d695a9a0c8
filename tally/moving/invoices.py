"""Invoices with their lines, and lines of card statements."""

from collections import defaultdict

from tally.moving.tables import INVOICE_LINES, INVOICES, PROVIDER, STATEMENT_LINES, Row
from tally.moving.target import Counts, Target, attempt
from tally.storage.database import DatabaseError, NotAllowed, Query, SignedOut, Unreachable, select_all

LINES_AT_ONCE = 500


def bring_invoices(target: Target) -> None:
    """Save the invoices and lines that the workspace lacks, after the records that they brought."""
    lines: dict[str, list[Row]] = defaultdict(list)
    for line in target.file.rows(INVOICE_LINES):
        lines[line["invoice_id"]].append(line)
    for row in target.file.rows(INVOICES):
        _bring_invoice(target, row, lines[row["id"]])
    _bring_statements(target)


def _bring_invoice(target: Target, row: Row, lines: list[Row]) -> None:
    counts, counts_of_lines = target.count(INVOICES), target.count(INVOICE_LINES)
    if not _is_known(target, row, counts):
        counts_of_lines.reject("Their invoice was not added.", len(lines))
        return
    try:
        saved = target.database.call("save_invoice", invoice=row | {"lines": lines})
    except (Unreachable, SignedOut, NotAllowed):
        raise
    except DatabaseError as refusal:
        counts.reject(str(refusal))
        counts_of_lines.reject("Their invoice was not added.", len(lines))
        return
    if not saved["is_new"]:
        counts.find()
        counts_of_lines.find(len(lines))
        return
    if row["decision"]:
        target.database.call("decide_invoice", invoice=saved["id"], decision=row["decision"])
    counts.add()
    counts_of_lines.add(len(lines))


def _bring_statements(target: Target) -> None:
    counts = target.count(STATEMENT_LINES)
    query = Query(STATEMENT_LINES.name, "identity,id", ["id"])
    known = {row["identity"] for row in select_all(target.database, query)}
    new: list[Row] = []
    for row in target.file.rows(STATEMENT_LINES):
        if row["identity"] in known:
            counts.find()
        elif _is_known(target, row, counts):
            new.append(row)
    for first in range(0, len(new), LINES_AT_ONCE):
        some = new[first : first + LINES_AT_ONCE]
        attempt(
            counts, lambda given=some: target.database.call("save_statement_lines", lines=given), len(some)
        )
    ignored = {row["identity"] for row in new if row["is_ignored"]}
    if ignored:
        for row in list(select_all(target.database, query)):
            if row["identity"] in ignored:
                target.database.call("ignore_statement_line", line=row["id"], is_ignored=True)


def _is_known(target: Target, row: Row, counts: Counts) -> bool:
    """Check that this Tally has the row's provider."""
    if row[PROVIDER] in target.providers:
        return True
    counts.reject(f"This Tally does not know the provider “{row[PROVIDER]}”. Update it.")
    return False
