"""Billing accounts: records of one account and UTC day are about the same usage.

The database resolves their overlaps: see database/migrations/015_overlaps.sql. An account is a provider
alone, or with a name that the user gave it, or with its id in the data, behind an `@`; see
050_provider_accounts.sql there.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence, Set
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import TypeAlias

from tally.core.records import NO_MODEL, CostRecord

AccountDay: TypeAlias = tuple[str, date]  # the billing account, the UTC day
Charges: TypeAlias = dict[tuple[AccountDay | None, str, str], Decimal]  # by account-day, model, cost basis
ID_SIGN = "@"
MAX_ID_LENGTH = 100
_OPAQUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
# Ids that a user may type instead of a name, as the data has them.
_KNOWN_IDS = re.compile(r"org-[A-Za-z0-9]+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@lru_cache(10_000)
def name_account(provider: str, name: str = "", account_id: str = "") -> str:
    """Billing account at a provider: by the user's name for it, else by its id, else the provider alone.

    Records without a name or an id can be matched with those of the only account that has one. A name that is
    an id is one, so that a user can say whose a key or a file is.
    """
    name = name.lstrip(f"{ID_SIGN} ")
    if name and not _KNOWN_IDS.fullmatch(name):
        return f"{provider}:{name}"
    account_id = name or account_id
    if not account_id or len(account_id) > MAX_ID_LENGTH or not _OPAQUE.fullmatch(account_id):
        return provider
    return f"{provider}:{ID_SIGN}{account_id}"


def account_day(record: CostRecord) -> AccountDay | None:
    """Billing account and UTC day of a record; None without a billing account."""
    if record.billing_account is None:
        return None
    return record.billing_account, record.day or record.timestamp.date()


def sum_charges(records: Iterable[CostRecord]) -> Charges:
    """US dollars of the records that no plan covers."""
    charges: Charges = defaultdict(Decimal)
    for record in records:
        if record.cost_basis != "included" and record.cost_usd is not None:
            charges[account_day(record), record.model_name, record.cost_basis] += record.cost_usd
    return charges


def total_charges(charges: Charges) -> Decimal:
    """The effective total: estimates that a bill of the same account and day covers cost nothing."""
    billed = {(day, model) for day, model, basis in charges if basis == "billed"}
    return sum(
        (
            usd
            for (day, model, basis), usd in charges.items()
            if basis != "estimated" or not _is_covered(day, model, billed)
        ),
        Decimal(0),
    )


def preview_overlaps(records: Sequence[CostRecord]) -> list[CostRecord]:
    """Records of one file at their effective costs: zero for estimates that a bill in the file covers."""
    billed = {(account_day(record), record.model_name) for record in records if record.cost_basis == "billed"}
    return [
        replace(record, cost_usd=Decimal(0))
        if record.cost_basis == "estimated" and _is_covered(account_day(record), record.model_name, billed)
        else record
        for record in records
    ]


def _is_covered(day: AccountDay | None, model: str, billed: Set[tuple[AccountDay | None, str]]) -> bool:
    """Check whether a bill of an account's day names the model, or no model at all."""
    return day is not None and not billed.isdisjoint({(day, model), (day, NO_MODEL)})
