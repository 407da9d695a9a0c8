"""Cost records and their identities."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256
from typing import Any, Literal, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

from tally.core.encoding import MAX_COUNT, encode_parts

JSON: TypeAlias = "dict[str, JSON] | list[JSON] | str | int | float | bool | None"
CostBasis = Literal["billed", "estimated", "included"]
ChargeType = Literal["usage", "subscription", "credit", "tax", "adjustment"]
CollectionMethod = Literal["api_automated", "manual_entry", "csv_import", "local_log", "otlp"]

MAX_MODEL_NAME = 200
MAX_REQUEST_ID = 300
MAX_BILLING_ACCOUNT = 200
MAX_COST_USD = Decimal(100_000_000)  # numeric(18, 10) holds eight digits before the point
NO_MODEL = "(unspecified)"
REQUESTS = "requests"  # the dataset of single requests, whichever source reports them
COUNTS = (
    "input_tokens",
    "output_tokens",
    "cached_input_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "request_count",
)


class InvalidRecord(ValueError):
    """A record that the database would refuse; the text is the reason."""


@dataclass(frozen=True, slots=True)
class CostRecord:
    """A charge or usage at one instant; `source_key` identifies the real-world event."""

    provider: str
    timestamp: datetime
    model_name: str
    cost_usd: Decimal | None
    source_key: UUID
    cost_basis: CostBasis = "billed"
    charge_type: ChargeType = "usage"
    collection_method: CollectionMethod = "csv_import"
    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    request_count: int = 0
    day: date | None = None  # set where the event is a date, not an instant
    request_id: str | None = None  # the provider's own id of the event, the same in every source
    billing_account: str | None = None  # None: overlaps with no other source
    dataset: str = REQUESTS
    billed_under_other_name: bool = False
    project_id: str | None = None  # chosen, so that rules of the workspace leave it alone
    metadata: dict[str, JSON] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, text, longest in (
            ("model name", self.model_name, MAX_MODEL_NAME),
            ("request id", self.request_id, MAX_REQUEST_ID),
            ("billing account", self.billing_account, MAX_BILLING_ACCOUNT),
        ):
            if text is not None and not 1 <= len(text) <= longest:
                raise InvalidRecord(f"the {name} has {len(text):,} characters; 1 to {longest} are possible")
        if self.timestamp.tzinfo is not UTC:
            raise InvalidRecord("the time is not in UTC")
        self._check_cost()
        counts = (
            self.input_tokens,
            self.output_tokens,
            self.cached_input_tokens,
            self.cache_write_tokens,
            self.reasoning_tokens,
            self.request_count,
        )
        if min(counts) < 0 or max(counts) > MAX_COUNT:
            raise InvalidRecord("a count of tokens or requests is negative or beyond 10^15")

    def _check_cost(self) -> None:
        cost = self.cost_usd
        if cost is None:
            if self.cost_basis == "billed":
                raise InvalidRecord("a bill cannot be without an amount")
        elif not (cost.is_finite() and -MAX_COST_USD < cost < MAX_COST_USD):
            raise InvalidRecord("the cost is beyond 100,000,000 dollars")
        elif cost < 0 and self.charge_type not in ("credit", "adjustment"):
            raise InvalidRecord("the cost is negative, which only a credit or an adjustment may be")

    @property
    def tokens_used(self) -> int:
        """Input and output tokens."""
        return self.input_tokens + self.output_tokens


# Values that `save_cost_records` assumes where a column is missing.
USUAL: dict[str, Any] = {
    "cost_basis": "billed",
    "charge_type": "usage",
    "dataset": REQUESTS,
    "day": None,
    **dict.fromkeys(COUNTS, 0),
    "request_id": None,
    "billing_account": None,
    "billed_under_other_name": False,
    "project_id": None,
    "metadata": {},
}


def to_columns(
    records: Sequence[CostRecord], usual_method: CollectionMethod = "manual_entry"
) -> dict[str, list[Any]]:
    """The records as `save_cost_records` takes them: columns of equal length, money as text.

    Columns of default values are left out. `usual_method` is that function's default: csv_import for records
    of an import.
    """
    columns: dict[str, list[Any]] = {
        "provider": [record.provider for record in records],
        "timestamp": [record.timestamp.isoformat() for record in records],
        "model_name": [record.model_name for record in records],
        "cost_usd": [None if r.cost_usd is None else format(r.cost_usd, "f") for r in records],
        "source_key": [str(record.source_key) for record in records],
    }
    for name, usual in (USUAL | {"collection_method": usual_method}).items():
        values = [getattr(record, name) for record in records]
        if values.count(usual) < len(values):
            columns[name] = values
    if "day" in columns:
        columns["day"] = [day and day.isoformat() for day in columns["day"]]
    return columns


def file_under(record: CostRecord, project_id: str | None) -> CostRecord:
    """The record in a chosen project, or unchanged without one."""
    return replace(record, project_id=project_id) if project_id else record


def identity(*parts: str | int | Decimal | date | None) -> UUID:
    """Id of these parts: equal parts have equal ids, others differ."""
    return encoded_identity(encode_parts(*parts))


def encoded_identity(parts: str) -> UUID:
    """Id of parts that are encoded already."""
    digest = sha256(parts.encode(errors="surrogatepass")).digest()
    return UUID(int=int.from_bytes(digest[:16]))


def request_identity(request_id: str) -> UUID:
    """Identity of a request by the provider's id, so that logs, gateways and bills name the same event.

    The record also carries `request_id`, which makes it one event even if sources differ in time.
    """
    return identity("request", request_id)


@lru_cache(maxsize=10_000)
def day_instant(day: date, timezone: str) -> datetime:
    """Instant of a record for a whole day: noon UTC, or 09:00 UTC where noon UTC is the next local day.

    The record also carries `day`, so that the database can move it when the time zone changes.
    """
    noon = datetime.combine(day, time(12), UTC)
    if noon.astimezone(ZoneInfo(timezone)).date() == day:
        return noon
    return noon.replace(hour=9)
