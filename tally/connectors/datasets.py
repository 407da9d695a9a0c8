"""Datasets of a provider's API: daily sums, fetched in windows of whole UTC days."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from pydantic import SecretStr

from tally.connectors.client import ApiClient
from tally.connectors.errors import unreadable
from tally.connectors.fields import MalformedRow, check_one_day, read_day, read_rows
from tally.core.records import JSON, CostRecord, InvalidRecord
from tally.importers.protocol import RowRejected, merge
from tally.ledger.billing_account import name_account

YEAR_DAYS = 365


@dataclass(frozen=True, slots=True)
class Window:
    """Range of UTC days, both ends included."""

    first_day: date
    last_day: date

    def __contains__(self, day: date) -> bool:
        return self.first_day <= day <= self.last_day

    @property
    def days(self) -> list[date]:
        """All its days."""
        count = (self.last_day - self.first_day).days + 1
        return [self.first_day + timedelta(days=nth) for nth in range(count)]


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """Window of a dataset to fetch, and the account it belongs to.

    `account` is the user's name for it, part of each record's identity; `organization` is its id, once known.
    """

    window: Window
    account: str = ""
    organization: str = ""

    def find_billing_account(self, provider: str, organization: str = "") -> str:
        """Return the billing account at this provider."""
        return name_account(provider, self.account, organization or self.organization)


@dataclass(frozen=True, slots=True)
class FetchedWindow:
    """Records of a window, and the first day that the response covers."""

    records: list[CostRecord]
    first_day: date

    @property
    def organization(self) -> str:
        """Id of the account, where the records name one."""
        named = {str(record.metadata.get("organization_id", "")) for record in self.records} - {""}
        return named.pop() if len(named) == 1 else ""


@dataclass(frozen=True, slots=True)
class Dataset:
    """One series of an API: costs, usage or activity."""

    name: str
    title: str
    fetch: Callable[[ApiClient, FetchRequest], Iterable[CostRecord]]
    history_days: int = YEAR_DAYS
    restated_days: int = 7  # providers may revise the latest days, this many of them
    window_days: int = 30
    has_today: bool = True  # includes the current, incomplete day
    is_rolling: bool = False  # covers recent days only: earlier days are unknown, not without spend

    def load(self, client: ApiClient, request: FetchRequest) -> FetchedWindow:
        """Fetch a window's records, one per identity; raises ConnectorError."""
        try:
            records = merge_records(self.fetch(client, request))
        except (MalformedRow, InvalidRecord, RowRejected) as problem:
            raise unreadable(client.host.title, _complete(str(problem))) from None
        first_day = request.window.first_day
        if self.is_rolling:
            first_day = min((record.timestamp.date() for record in records), default=request.window.last_day)
        return FetchedWindow(records, first_day)


@dataclass(frozen=True, slots=True)
class ProviderApi:
    """A provider whose spend can be fetched with a key."""

    provider: str
    title: str
    key_name: str
    key_advice: str
    datasets: tuple[Dataset, ...]
    headers: Callable[[SecretStr], dict[str, str]]
    check: Callable[[ApiClient, date], None]  # raises ConnectorError unless the key can read costs
    load_balance: Callable[[ApiClient], str] | None = None


def list_rows(
    pages: Iterable[object], window: Window, starts: str, ends: str
) -> Iterator[tuple[date, dict[str, Any]]]:
    """Yield the rows of the window's daily buckets, with their day."""
    for page in pages:
        for bucket in read_rows(page, "data"):
            day = read_day(bucket.get(starts))
            check_one_day(day, bucket.get(ends))
            if day in window:
                for row in read_rows(bucket.get("results"), "results"):
                    yield day, row


def merge_records(records: Iterable[CostRecord]) -> list[CostRecord]:
    """Sum records with one identity: an API may split a day's row in two."""
    by_identity: dict[UUID, CostRecord] = {}
    for record in records:
        known = by_identity.get(record.source_key)
        by_identity[record.source_key] = _add(known, record) if known else record
    return [replace(record, collection_method="api_automated") for record in by_identity.values()]


def _add(first: CostRecord, second: CostRecord) -> CostRecord:
    """Add two records, with the counts in their metadata (images, seconds)."""
    both = (first.metadata, second.metadata)
    counts = {name for metadata in both for name, value in metadata.items() if type(value) is int}
    summed = {name: sum(int(str(metadata.get(name, 0))) for metadata in both) for name in counts}
    merged = merge(first, second)
    return replace(merged, metadata=merged.metadata | summed)


def drop_blanks(named: Mapping[str, str]) -> dict[str, JSON]:
    """Return the names that are not empty, as a record's metadata."""
    return {name: text for name, text in named.items() if text}


def _complete(text: str) -> str:
    return text if text.startswith(("has ", "is ", "covers ")) else f"cannot be stored: {text}"
