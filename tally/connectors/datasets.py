"""What an API offers: datasets of daily sums, fetched window by window of whole UTC days."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from pydantic import SecretStr

from tally.connectors.answers import Malformed, check_one_day, read_day, read_rows
from tally.connectors.client import ApiClient, misread
from tally.core.records import JSON, CostRecord, InvalidRecord
from tally.importers.exports import ledger
from tally.importers.protocol import Options, RowRejected, merge

YEAR_DAYS = 365


@dataclass(frozen=True, slots=True)
class Window:
    """Whole UTC days, both ends included."""

    first_day: date
    last_day: date

    def __contains__(self, day: date) -> bool:
        return self.first_day <= day <= self.last_day

    @property
    def days(self) -> list[date]:
        """Every day of it."""
        count = (self.last_day - self.first_day).days + 1
        return [self.first_day + timedelta(days=nth) for nth in range(count)]


@dataclass(frozen=True, slots=True)
class Request:
    """One window of one dataset, and the account that its money belongs to."""

    window: Window
    account: str = ""

    def metadata(self, ledger_of: str, dataset: str, day: date, named: Mapping[str, str]) -> dict[str, JSON]:
        """What every record of an API says about itself."""
        return {
            "day": day.isoformat(),
            "ledger": ledger(ledger_of, Options(account=self.account)),
            "dataset": dataset,
            **{name: text for name, text in named.items() if text},
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """The records of a window, and the first day that the answer speaks about."""

    records: list[CostRecord]
    first_day: date


@dataclass(frozen=True, slots=True)
class Dataset:
    """One thing that an API tells: its money or its usage."""

    name: str
    title: str
    fetch: Callable[[ApiClient, Request], Iterable[CostRecord]]
    history_days: int = YEAR_DAYS
    restated_days: int = 7  # providers revise what they said about so many days
    window_days: int = 30
    has_today: bool = True  # whether the day that is not over is told
    is_gliding: bool = False  # days before the first that it speaks about are not days without spend

    def load(self, client: ApiClient, request: Request) -> Answer:
        """All records of a window, rows of one identity summed; or CollectError."""
        try:
            records = sum_up(self.fetch(client, request))
        except (Malformed, InvalidRecord, RowRejected) as problem:
            raise misread(client.host.title, _completing(str(problem))) from None
        first_day = request.window.first_day
        if self.is_gliding:
            days = [date.fromisoformat(str(record.metadata["day"])) for record in records]
            first_day = min(days, default=request.window.last_day)
        return Answer(records, first_day)


@dataclass(frozen=True, slots=True)
class ProviderApi:
    """A provider whose spend can be fetched with a key."""

    provider: str
    title: str
    key_name: str
    key_advice: str
    datasets: tuple[Dataset, ...]
    headers: Callable[[SecretStr], dict[str, str]]
    check: Callable[[ApiClient, date], None]  # raises CollectError unless the key can read what is needed
    load_balance: Callable[[ApiClient], str] | None = None


def list_rows(
    pages: Iterable[object], window: Window, starts: str, ends: str
) -> Iterator[tuple[date, dict[str, Any]]]:
    """The rows of every daily bucket of the window, with their day."""
    for page in pages:
        for bucket in read_rows(page, "data"):
            day = read_day(bucket.get(starts))
            check_one_day(day, bucket.get(ends))
            if day in window:
                for row in read_rows(bucket.get("results"), "results"):
                    yield day, row


def sum_up(records: Iterable[CostRecord]) -> list[CostRecord]:
    """One record for each identity: an API may split a day's row in two."""
    by_identity: dict[UUID, CostRecord] = {}
    for record in records:
        known = by_identity.get(record.source_key)
        by_identity[record.source_key] = _add(known, record) if known else record
    return [replace(record, collection_method="api_automated") for record in by_identity.values()]


def _add(first: CostRecord, second: CostRecord) -> CostRecord:
    """Images, seconds and other counts that no column holds add up as well."""
    both = (first.metadata, second.metadata)
    counts = {name for said in both for name, value in said.items() if type(value) is int}
    summed = {name: sum(int(str(said.get(name, 0))) for said in both) for name in counts}
    merged = merge(first, second)
    return replace(merged, metadata=merged.metadata | summed)


def _completing(text: str) -> str:
    return text if text.startswith(("has ", "is ", "sums ")) else f"cannot be kept: {text}"
