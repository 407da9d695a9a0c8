"""Multipliers of list prices: what a billing account pays of them, from a day to a day.

A negotiated discount is 0.85, a reseller's markup 1.1. They change what Tally estimates at list prices: no
bill, no custom price, no cost that a tool reported, and no usage that a plan covers.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from tally.core.amounts import round_amount
from tally.core.records import CostRecord
from tally.storage.database import Database, Query, select_all

MAX_MULTIPLIER = Decimal(100)
MULTIPLIER_PLACES = 6
SELECTED = "id,user_id,provider_id,billing_account,multiplier::text,valid_from,valid_to,note"


@dataclass(frozen=True, slots=True)
class Multiplier:
    """Part of the list price that a billing account, or all of a provider, pays from a day to a day."""

    provider: str
    billing_account: str | None  # None: all accounts of the provider
    multiplier: Decimal
    valid_from: date
    valid_to: date | None = None  # the last day; None: without an end
    note: str = ""
    id: str = ""
    user_id: str = ""  # of the member who set it

    def to_json(self, provider_id: str) -> dict[str, str | None]:
        """The row of public.price_multipliers."""
        return {
            "provider_id": provider_id,
            "billing_account": self.billing_account,
            "multiplier": format(self.multiplier, "f"),
            "valid_from": self.valid_from.isoformat(),
            "valid_to": self.valid_to.isoformat() if self.valid_to else None,
            "note": self.note,
        }

    def overlaps(self, other: "Multiplier") -> bool:
        """Check whether another multiplier is of the same account on one of its days."""
        return (
            (self.provider, self.billing_account) == (other.provider, other.billing_account)
            and (self.valid_to is None or other.valid_from <= self.valid_to)
            and (other.valid_to is None or self.valid_from <= other.valid_to)
        )

    def concerns(self, record: CostRecord) -> bool:
        """Check whether a record is of its account, on any day."""
        return record.provider == self.provider and self.billing_account in (None, record.billing_account)

    def is_valid(self, day: date) -> bool:
        """Check whether it applies on that day."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    def calculate(self, list_usd: Decimal) -> Decimal:
        """The part of a list price that the account pays, of the list price as it is stored and shown."""
        return round_amount(round_amount(list_usd) * self.multiplier)


class Multipliers:
    """All multipliers of a workspace, whose days are those of its time zone."""

    def __init__(self, multipliers: Iterable[Multiplier], timezone: str = "UTC") -> None:
        self._zone = ZoneInfo(timezone)
        self._by_account: dict[tuple[str, str | None], list[Multiplier]] = defaultdict(list)
        for multiplier in multipliers:
            self._by_account[multiplier.provider, multiplier.billing_account].append(multiplier)

    def __bool__(self) -> bool:
        return bool(self._by_account)

    def __iter__(self) -> Iterator[Multiplier]:
        return (multiplier for found in self._by_account.values() for multiplier in found)

    def find(self, record: CostRecord) -> Multiplier | None:
        """The multiplier of an estimate: its account's on that day, else that of all of its provider."""
        if not self._by_account or record.cost_basis != "estimated":
            return None
        day = record.day or record.timestamp.astimezone(self._zone).date()
        own = () if record.billing_account is None else self._of(record, record.billing_account)
        return next((found for found in (*own, *self._of(record, None)) if found.is_valid(day)), None)

    def _of(self, record: CostRecord, account: str | None) -> Iterable[Multiplier]:
        return self._by_account.get((record.provider, account), ())


NO_MULTIPLIERS = Multipliers(())


def parse_multiplier(row: Mapping[str, Any], provider: str) -> Multiplier:
    """The multiplier in a row of `price_multipliers` that was selected with the columns SELECTED."""
    return Multiplier(
        provider=provider,
        billing_account=row["billing_account"],
        multiplier=Decimal(row["multiplier"]).normalize(),
        valid_from=date.fromisoformat(row["valid_from"]),
        valid_to=date.fromisoformat(row["valid_to"]) if row["valid_to"] else None,
        note=row["note"],
        id=str(row["id"]),
        user_id=str(row["user_id"]),
    )


def select_multipliers(database: Database) -> list[Mapping[str, Any]]:
    """The workspace's rows of `price_multipliers`."""
    return list(select_all(database, Query("price_multipliers", SELECTED, ["id"])))
