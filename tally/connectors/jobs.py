"""Jobs that providers keep: batches, fine-tuning jobs, files and vector stores, with what batches cost."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

from tally.catalog.models import canonical_model
from tally.connectors.client import ApiClient
from tally.connectors.errors import unreadable
from tally.connectors.fields import MalformedRow, read_count, read_object, read_rows, read_text
from tally.core.amounts import round_amount
from tally.pricing.class_prices import is_standard_price
from tally.pricing.list_prices import price
from tally.pricing.storage_prices import price_training
from tally.pricing.usage import Conditions, Usage

JobKind = Literal["batch", "fine_tuning", "file", "vector_store"]
PAGE_ROWS, MOST = 100, 20_000
MAX_STATE = 40
MOST_USD, MOST_TOKENS = Decimal(10_000_000), 10**15  # that can be stored
EARLIEST, LATEST = datetime(2020, 1, 1, tzinfo=UTC), datetime(2099, 12, 31, tzinfo=UTC)
BATCH = {"processing": "batch"}
VECTOR_STORES = {"OpenAI-Beta": "assistants=v2"}
ANTHROPIC_FILES = {"anthropic-beta": "files-api-2025-04-14"}


@dataclass(frozen=True, slots=True)
class Job:
    """A job as its provider tells it; None is what it does not tell, or what has no price."""

    kind: JobKind
    told_id: str
    state: str
    began_at: datetime
    name: str = ""
    model: str | None = None
    trained_model: str | None = None
    requests: int | None = None
    failed_requests: int | None = None
    input_tokens: int | None = None
    cached_input_tokens: int | None = None
    output_tokens: int | None = None
    trained_tokens: int | None = None
    cost_usd: Decimal | None = None
    synchronous_usd: Decimal | None = None
    stored_bytes: int | None = None
    ended_at: datetime | None = None

    @property
    def saved_usd(self) -> Decimal | None:
        """The saving of a batch against the price of its requests without one."""
        if self.cost_usd is None or self.synchronous_usd is None:
            return None
        return self.synchronous_usd - self.cost_usd

    def to_json(self) -> dict[str, Any]:
        """The object that `save_provider_jobs` takes."""
        row: dict[str, Any] = {}
        for name in self.__slots__:
            value = getattr(self, name)
            if name != "kind" and value is not None:
                is_plain = isinstance(value, int | str)
                row[name] = (
                    value if is_plain else value.isoformat() if isinstance(value, datetime) else f"{value:f}"
                )
        return row


@dataclass(frozen=True, slots=True)
class JobSource:
    """A list of jobs of a provider's API."""

    kind: JobKind
    title: str
    path: str
    cursor: str  # the parameter with the id after which a page begins
    read: Callable[[Mapping[str, Any]], Job]
    headers: Mapping[str, str] = field(default_factory=dict)

    def load(self, client: ApiClient) -> list[Job]:
        """All of them; raises ConnectorError."""
        found: list[Job] = []
        try:
            for page in client.list_items(self.path, self.cursor, [("limit", PAGE_ROWS)], self.headers):
                found += map(self.read, read_rows(page, "data"))
                if len(found) > MOST:
                    raise MalformedRow(f"has more than {MOST:,} {self.title}, which are too many")
        except MalformedRow as problem:
            raise unreadable(client.host.title, str(problem)) from None
        return found

    def check(self, client: ApiClient) -> None:
        """Raise ConnectorError unless the key can read the list."""
        client.get(self.path, [("limit", 1)], self.headers)


def _read_openai_batch(row: Mapping[str, Any]) -> Job:
    counts = read_object(row, "request_counts")
    usage = read_object(row, "usage")
    model = _name(row, "model")
    began_at = _read_began(row)
    cost_usd = synchronous_usd = None
    used = Usage(
        input_tokens=read_count(usage, "input_tokens"),
        cached_input_tokens=read_count(read_object(usage, "input_tokens_details"), "cached_tokens"),
        output_tokens=read_count(usage, "output_tokens"),
        requests=read_count(counts, "completed"),
    )
    if model and used.input_tokens + used.output_tokens:
        cost_usd, synchronous_usd = price_batch("openai", model, used, began_at)
    return Job(
        "batch",
        _read_id(row),
        _read_state(row, "status"),
        began_at,
        name=read_text(row, "endpoint"),
        model=model,
        requests=read_count(counts, "total"),
        failed_requests=read_count(counts, "failed"),
        input_tokens=used.input_tokens if usage else None,
        cached_input_tokens=used.cached_input_tokens if usage else None,
        output_tokens=used.output_tokens if usage else None,
        cost_usd=cost_usd,
        synchronous_usd=synchronous_usd,
        ended_at=_read_first(row, "completed_at", "failed_at", "expired_at", "cancelled_at"),
    )


def price_batch(
    provider: str, model: str, usage: Usage, at: datetime
) -> tuple[Decimal | None, Decimal | None]:
    """Dollars of a batch, and of its requests without one; None where the list has no price of a batch."""
    name = canonical_model(model, at.date())
    batch = price(provider, name, usage, at, Conditions("unknown", BATCH))
    alone = price(provider, name, usage, at, Conditions("unknown"))
    is_known = batch.cost_usd is not None and not is_standard_price(batch.note)
    return _round(batch.cost_usd if is_known else None), _round(alone.cost_usd)


def _round(usd: Decimal | None) -> Decimal | None:
    """An amount as it is stored; None for one that no job costs."""
    return None if usd is None or usd > MOST_USD else round_amount(usd)


def _read_fine_tuning(row: Mapping[str, Any]) -> Job:
    model = _name(row, "model")
    trained = None if row.get("trained_tokens") is None else read_count(row, "trained_tokens")
    is_by_hour = read_text(read_object(row, "method"), "type") == "reinforcement"
    return Job(
        "fine_tuning",
        _read_id(row),
        _read_state(row, "status"),
        _read_began(row),
        name=read_text(row, "user_provided_suffix"),
        model=model,
        trained_model=_name(row, "fine_tuned_model"),
        trained_tokens=trained,
        cost_usd=None
        if not model or trained is None or is_by_hour
        else _round(price_training(model, trained)),
        ended_at=_read_instant(row, "finished_at"),
    )


def _read_openai_file(row: Mapping[str, Any]) -> Job:
    purpose = read_text(row, "purpose")
    return Job(
        "file",
        _read_id(row),
        _read_state(row, "status"),
        _read_began(row),
        name=" · ".join(filter(None, (read_text(row, "filename"), purpose)))[:200],
        stored_bytes=read_count(row, "bytes"),
        ended_at=_read_instant(row, "expires_at"),
    )


def _read_vector_store(row: Mapping[str, Any]) -> Job:
    state = _read_state(row, "status")
    return Job(
        "vector_store",
        _read_id(row),
        state,
        _read_began(row),
        name=read_text(row, "name"),
        stored_bytes=read_count(row, "usage_bytes"),
        ended_at=_read_instant(row, "expires_at"),
    )


def _read_anthropic_batch(row: Mapping[str, Any]) -> Job:
    counts = read_object(row, "request_counts")
    numbers = {
        name: read_count(counts, name)
        for name in ("processing", "succeeded", "errored", "canceled", "expired")
    }
    return Job(
        "batch",
        _read_id(row),
        _read_state(row, "processing_status"),
        _read_began(row),
        requests=sum(numbers.values()),
        failed_requests=numbers["errored"] + numbers["canceled"] + numbers["expired"],
        ended_at=_read_instant(row, "ended_at"),
    )


def _read_anthropic_file(row: Mapping[str, Any]) -> Job:
    return Job(
        "file",
        _read_id(row),
        "stored",
        _read_began(row),
        name=read_text(row, "filename"),
        stored_bytes=read_count(row, "size_bytes"),
    )


def _read_id(row: Mapping[str, Any]) -> str:
    told = read_text(row, "id")
    if not told:
        raise MalformedRow("has a job without an id")
    return told


def _read_state(row: Mapping[str, Any], name: str) -> str:
    return read_text(row, name)[:MAX_STATE] or "unknown"


def _name(row: Mapping[str, Any], name: str) -> str | None:
    return read_text(row, name) or None


def _read_began(row: Mapping[str, Any]) -> datetime:
    began_at = _read_instant(row, "created_at")
    if began_at is None:
        raise MalformedRow("has a job without the time when it was created")
    return began_at


def _read_first(row: Mapping[str, Any], *names: str) -> datetime | None:
    return next(filter(None, (_read_instant(row, name) for name in names)), None)


def _read_instant(row: Mapping[str, Any], name: str) -> datetime | None:
    """An instant in Unix seconds or as RFC 3339; None where it is missing."""
    value = row.get(name)
    if value is None:
        return None
    try:
        if isinstance(value, int) and not isinstance(value, bool):
            moment = datetime.fromtimestamp(value, UTC)
        else:
            moment = datetime.fromisoformat(str(value))
            moment = moment.replace(tzinfo=moment.tzinfo or UTC)
    except (ValueError, OverflowError, OSError):
        raise MalformedRow(f"has a time at “{name}” that cannot be read") from None
    if not EARLIEST <= moment <= LATEST:
        raise MalformedRow(f"has a time at “{name}” that cannot be")
    return moment


JOB_SOURCES: dict[str, tuple[JobSource, ...]] = {
    "openai": (
        JobSource("batch", "batches", "batches", "after", _read_openai_batch),
        JobSource("fine_tuning", "fine-tuning jobs", "fine_tuning/jobs", "after", _read_fine_tuning),
        JobSource("file", "files", "files", "after", _read_openai_file),
        JobSource(
            "vector_store", "vector stores", "vector_stores", "after", _read_vector_store, VECTOR_STORES
        ),
    ),
    "anthropic": (
        JobSource("batch", "batches", "v1/messages/batches", "after_id", _read_anthropic_batch),
        JobSource("file", "files", "v1/files", "after_id", _read_anthropic_file, ANTHROPIC_FILES),
    ),
}
JOB_ADVICE = {
    "openai": (
        "A project key (sk-proj-) makes a connection of its own: it reads batches, fine-tuning jobs, files "
        "and vector stores."
    ),
    "anthropic": "An API key (sk-ant-api) makes a connection of its own, which reads batches and files.",
}
# Keys that read jobs, and no costs, begin like this.
JOB_KEYS = {"openai": ("sk-proj-", "sk-svcacct-"), "anthropic": ("sk-ant-api",)}


def reads_jobs(provider: str, key: str) -> bool:
    """True for a key of a project or a workspace, which its provider lets read jobs."""
    return key.startswith(JOB_KEYS.get(provider, ())) if provider in JOB_KEYS else False
