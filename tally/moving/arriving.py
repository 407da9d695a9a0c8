"""Import of an export of everything into a workspace that the account is an admin of.

Nothing in the workspace is changed or deleted: what it has already counts as already there, so repeating an
import is safe, and an interrupted one is finished by the next. New ids are made from the workspace and the
former id; sources and subscriptions remember their first one, so an export of the copy knows them again.

All records become the importing account's. Where a record was another person's and names nobody, their email
address becomes its `actor`: the workspace's names of people can give it to them later.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

from tally.core.progress import Progress, ignore_progress
from tally.core.text import plural
from tally.moving.advice import bring_advice
from tally.moving.belongings import (
    bring_accounts,
    bring_aliases,
    bring_models,
    bring_prices,
    bring_settings,
    leave_channels,
    leave_connections,
    leave_keys,
)
from tally.moving.budgets import bring_budgets
from tally.moving.experiments import bring_experiments
from tally.moving.file import ExportFile
from tally.moving.invoices import bring_invoices
from tally.moving.leaving import key_of, load_totals, require_admin
from tally.moving.places import (
    archive_projects,
    bring_projects,
    bring_rules,
    bring_sources,
    bring_subscriptions,
    finish_sources,
)
from tally.moving.prompts import bring_prompts
from tally.moving.saved_views import bring_views
from tally.moving.statements import bring_statements, load_known, restore_filing
from tally.moving.tables import DAILY, RECORDS, Row
from tally.moving.target import Target
from tally.storage.database import Database, DatabaseError


class MoveInterrupted(DatabaseError):
    """A partly imported export; importing the same file again completes it."""


def import_workspace(database: Database, file: ExportFile, on_progress: Progress = ignore_progress) -> Target:
    """Bring everything of a checked file; raises MoveInterrupted when the database fails on the way."""
    target = Target.of(database, require_admin(database, "import"), file)
    with _explained():
        known = load_known(target)  # before the first subscription posts renewals
        bring_settings(target)
        leave_connections(target)
        leave_keys(target)
        leave_channels(target)
        bring_projects(target)
        bring_sources(target)
        bring_rules(target)
        bring_aliases(target)
        bring_budgets(target)
        bring_prompts(target)
        archive_projects(target)
        bring_prices(target)
        bring_subscriptions(target)
        bring_statements(target, known, on_progress)
        bring_invoices(target)
        bring_experiments(target)
        bring_advice(target)
        restore_filing(target, on_progress)
        bring_accounts(target)
        bring_models(target)
        bring_views(target)
        finish_sources(target)
        _compare_totals(target)
    return target


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except DatabaseError as error:
        raise MoveInterrupted(
            f"{error} The import stopped partway. Import the same file again to finish it: "
            "nothing is added twice."
        ) from error


def _compare_totals(target: Target) -> None:
    """Look at every day, model, provider, cost basis and project, where the workspace has nothing else."""
    manifest = target.file.manifest
    if not target.was_new or manifest.last_day is None:
        return
    counted = sum(one.records for one in manifest.totals.values())
    if counted > manifest.rows[RECORDS.name]:  # archived months
        return
    wanted = {key_of(row): row for row in map(target.moved, target.file.rows(DAILY))}
    found = load_totals(target.database, manifest.last_day)
    different = sorted(
        {key[0] for key in wanted.keys() | found.keys() if _differs(wanted.get(key), found.get(key))}
    )
    if different:
        target.notes.append(
            f"Totals differ on {plural(len(different), 'day')}, first on {different[0]}. Those of the export "
            f"are in its {DAILY.file}; please report this."
        )
    else:
        target.notes.append("All totals are the same as in the export, to the last digit.")


def _differs(one: Row | None, other: Row | None) -> bool:
    if one is None or other is None:
        return True
    if any(one[name] != other[name] for name in ("tokens", "requests", "records", "unpriced_records")):
        return True
    return Decimal(one["cost_usd"] or 0) != Decimal(other["cost_usd"] or 0)
