"""Records: filtered, searched and sorted, page by page, with what they sum up to."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Literal
from zoneinfo import ZoneInfo

from postgrest import CountMethod

from app.auth.identity import User, database_of
from app.data.reading import cached, call, data_version, fetch_rows, select
from app.figures.currencies import Currency
from tally.storage.database import DatabaseError, TimedOut
from tally.storage.export import tabulate, write_records
from tally.storage.postgrest import ask
from tally.storage.unnamed import UNASSIGNED

PAGE_ROWS = 25
MOST_SKIPPED = 1_000_000
EXPORTED_AT_ONCE = 2_000
MOST_EXPORTED = 100_000
MAX_SEARCH = 200
MAX_SESSION = 200
MAX_TIER = 50
REQUEST_COLUMNS = (
    "id,timestamp,provider_id,model_name,billing_account,input_tokens,output_tokens,cached_input_tokens,"
    "cache_write_tokens,request_count,metadata"
)
REQUESTS_SAMPLED = 300

RecordSort = Literal["newest", "oldest", "dearest", "tokens"]


@dataclass(frozen=True, slots=True)
class CallFilter:
    """Paid calls alone, as advice is found in them. An empty agent or tier is that of calls without one."""

    agent: str | None = None
    tier: str | None = None
    over: int | None = None  # input tokens

    def to_json(self) -> dict[str, str]:
        """The filters as `list_records` takes them."""
        found = {
            "agent": None if self.agent is None else _clean(self.agent)[:MAX_SESSION],
            "tier": None if self.tier is None else _clean(self.tier)[:MAX_TIER],
            "over": None if self.over is None else str(self.over),
        }
        return {"calls": "paid"} | {name: value for name, value in found.items() if value is not None}


@dataclass(frozen=True, slots=True)
class RecordFilter:
    """Filters of the record list; None means any. `search` is looked for in names, notes and ids."""

    provider_id: str | None = None
    model_name: str | None = None
    collection_method: str | None = None
    cost_basis: str | None = None
    first_day: date | None = None
    last_day: date | None = None
    project_id: str | None = None  # UNASSIGNED for records without one
    billing_account: str | None = None
    session: str | None = None
    search: str = ""
    calls: "CallFilter | None" = None

    def __post_init__(self) -> None:
        """Make texts of the address what the database and the caches take."""
        object.__setattr__(self, "search", " ".join(_clean(self.search).split())[:MAX_SEARCH].strip())
        object.__setattr__(self, "session", _clean(self.session or "")[:MAX_SESSION] or None)

    def to_json(self, timezone: str) -> dict[str, Any]:
        """The filters as `list_records` takes them."""
        zone = ZoneInfo(timezone)
        chosen: dict[str, Any] = {
            "provider": self.provider_id,
            "model": self.model_name,
            "method": self.collection_method,
            "basis": self.cost_basis,
            "account": self.billing_account,
            "project": self.project_id,
            "session": self.session,
            "search": self.search,
            "first_at": self.first_day and day_start(self.first_day, zone),
            "last_at": self.last_day and day_start(self.last_day + timedelta(days=1), zone),
        }
        asked = {name: value for name, value in chosen.items() if value}
        asked |= self.calls.to_json() if self.calls else {}
        return asked | ({"project": None} if self.project_id == UNASSIGNED else {})


@dataclass(frozen=True, slots=True)
class DaySum:
    """The sums of a day's records in US dollars, as far as they count."""

    day: date
    spend_usd: Decimal
    included_usd: Decimal
    tokens: int


@dataclass(frozen=True, slots=True)
class RecordSums:
    """The sums of the matching records."""

    records: int
    unpriced: int
    days: tuple[DaySum, ...]

    @property
    def tokens(self) -> int:
        """The tokens that count."""
        return sum(day.tokens for day in self.days)

    def convert(self, currency: Currency) -> tuple[Decimal, Decimal]:
        """Spend, and the value of what plans include, each day at its rate."""
        return (
            sum((currency.convert(day.spend_usd, day.day) for day in self.days), Decimal(0)),
            sum((currency.convert(day.included_usd, day.day) for day in self.days), Decimal(0)),
        )


def load_records_page(
    user: User, chosen: RecordFilter, page: int, timezone: str, sort: RecordSort = "newest"
) -> list[dict[str, Any]]:
    """One page of the matching records; pages count from 1."""
    return _records_page(user, data_version(user), (chosen, timezone), page, sort)


@cached
def _records_page(
    user: User,
    version: str,  # noqa: ARG001
    asked: tuple[RecordFilter, str],
    page: int,
    sort: RecordSort,
) -> list[dict[str, Any]]:
    return _read_page(user, asked[0].to_json(asked[1]), sort, (page - 1) * PAGE_ROWS, PAGE_ROWS)


def _read_page(
    user: User, chosen: dict[str, Any], sort: RecordSort, skip: int, max_rows: int
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = call(
        user, "list_records", chosen=chosen, sort=sort, skip=skip, max_rows=max_rows
    )
    return found


def load_record_sums(user: User, chosen: RecordFilter, timezone: str) -> RecordSums:
    """The sums of the matching records."""
    return _record_sums(user, data_version(user), chosen, timezone)


@cached
def _record_sums(user: User, version: str, chosen: RecordFilter, timezone: str) -> RecordSums:  # noqa: ARG001
    sums = call(user, "sum_records", chosen=chosen.to_json(timezone))
    days = tuple(
        DaySum(date.fromisoformat(day), Decimal(spend), Decimal(included), tokens)
        for day, spend, included, tokens in sums["days"]
    )
    return RecordSums(sums["records"], sums["unpriced"], days)


def _clean(text: str) -> str:
    """A text without NUL and halves of characters."""
    return text.encode("utf-8", "ignore").decode().replace("\0", " ")


def export_records(user: User, chosen: RecordFilter, timezone: str) -> bytes:
    """The newest MOST_EXPORTED of the matching records as CSV, or the reason why they cannot be read."""
    asked = chosen.to_json(timezone)
    rows: list[dict[str, Any]] = []
    try:
        while len(rows) < MOST_EXPORTED:
            page = _read_page(user, asked, "newest", 0, min(EXPORTED_AT_ONCE, MOST_EXPORTED - len(rows)))
            rows += page
            if len(page) < EXPORTED_AT_ONCE:
                break
            asked = asked | {"before": {"at": page[-1]["timestamp"], "id": page[-1]["id"]}}
        return write_records(tabulate(database_of(user), rows), "csv")
    except DatabaseError as problem:
        return explain_wait(problem).encode()


def explain_wait(problem: DatabaseError) -> str:
    """The reason why records cannot be read, and what to do."""
    if isinstance(problem, TimedOut):
        return "This takes too long for so many records. Choose a shorter period with From and To."
    return str(problem)


def day_start(day: date, zone: ZoneInfo) -> str:
    """The instant at which a day begins in a time zone, in ISO format."""
    return datetime.combine(day, time(), zone).isoformat()


def count_records(user: User, import_id: str | None = None) -> int:
    """The number of records of the workspace, or of an import."""
    query = select(user, "cost_records", "id", count=CountMethod.exact, head=True)
    if import_id is not None:
        query = query.eq("import_id", import_id)
    return ask(query.execute).count or 0


def load_newest_requests(user: User, model: str) -> list[dict[str, Any]]:
    """The newest metered usage of a model that has tokens."""
    return _newest_requests(user, data_version(user), model)


@cached
def _newest_requests(user: User, version: str, model: str) -> list[dict[str, Any]]:  # noqa: ARG001
    query = select(user, "cost_records", REQUEST_COLUMNS).eq("model_name", model).eq("charge_type", "usage")
    with_tokens = query.gt("tokens_used", 0).order("timestamp", desc=True).order("id")
    return fetch_rows(with_tokens.limit(REQUESTS_SAMPLED))
