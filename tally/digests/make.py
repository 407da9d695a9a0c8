"""A digest of one workspace for one account, from what that account may read."""

from datetime import date, datetime

from tally.budgets.status import load_statuses
from tally.digests.budget_lines import describe_budgets, find_limit
from tally.digests.content import Digest, write_digest
from tally.digests.facts import load_facts
from tally.digests.periods import Kind
from tally.storage.database import Database


def make_digest(database: Database, kind: Kind, today: date, now: datetime) -> Digest | None:
    """The digest of the last complete period before today; None where there is nothing to tell."""
    facts = load_facts(database, kind, today)
    if facts is None:
        return None
    statuses = load_statuses(database)
    return write_digest(facts, now, describe_budgets(statuses), find_limit(statuses, facts.money.code))
