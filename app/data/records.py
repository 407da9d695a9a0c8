"""Records, filtered and page by page."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from postgrest import CountMethod

from app.auth.identity import User
from app.data.reading import cached, data_version, fetch_rows, select
from tally.storage.postgrest import ask
from tally.storage.unnamed import UNASSIGNED

PAGE_ROWS = 25
RECORD_COLUMNS = (
    "id,user_id,timestamp,day,provider_id,subscription_id,model_name,cost_usd::text,cost_basis,charge_type,"
    "collection_method,tokens_used,input_tokens,output_tokens,request_count,money_is_effective,"
    "tokens_are_effective,metadata"
)
REQUEST_COLUMNS = (
    "id,timestamp,provider_id,model_name,billing_account,input_tokens,output_tokens,cached_input_tokens,"
    "cache_write_tokens,request_count,metadata"
)
REQUESTS_SAMPLED = 300


@dataclass(frozen=True, slots=True)
class RecordFilter:
    """Filters of the record list; None means any."""

    provider_id: str | None = None
    model_name: str | None = None
    collection_method: str | None = None
    cost_basis: str | None = None
    first_day: date | None = None
    last_day: date | None = None
    project_id: str | None = None  # UNASSIGNED for records without one
    billing_account: str | None = None
    session: str | None = None


def load_records_page(user: User, chosen: RecordFilter, page: int, timezone: str) -> list[dict[str, Any]]:
    """One page of the matching records, newest first; pages count from 1."""
    return _records_page(user, data_version(user), chosen, page, timezone)


@cached
def _records_page(
    user: User,
    version: str,  # noqa: ARG001
    chosen: RecordFilter,
    page: int,
    timezone: str,
) -> list[dict[str, Any]]:
    query = _filtered(select(user, "cost_records", RECORD_COLUMNS), chosen, timezone)
    start = (page - 1) * PAGE_ROWS
    newest = query.order("timestamp", desc=True).order("id")
    return fetch_rows(newest.range(start, start + PAGE_ROWS - 1))


def load_records_count(user: User, chosen: RecordFilter, timezone: str) -> int:
    """The number of matching records."""
    return _records_count(user, data_version(user), chosen, timezone)


@cached
def _records_count(user: User, version: str, chosen: RecordFilter, timezone: str) -> int:  # noqa: ARG001
    return _count(_filtered(_select_count(user), chosen, timezone))


def _filtered(query: Any, chosen: RecordFilter, timezone: str) -> Any:
    for column in ("provider_id", "model_name", "collection_method", "cost_basis", "billing_account"):
        if (value := getattr(chosen, column)) is not None:
            query = query.eq(column, value)
    if chosen.session is not None:
        query = query.eq("metadata->>session", chosen.session)
    if chosen.project_id == UNASSIGNED:
        query = query.is_("project_id", "null")
    elif chosen.project_id is not None:
        query = query.eq("project_id", chosen.project_id)
    zone = ZoneInfo(timezone)
    if chosen.first_day is not None:
        query = query.gte("timestamp", day_start(chosen.first_day, zone))
    if chosen.last_day is not None:
        query = query.lt("timestamp", day_start(chosen.last_day + timedelta(days=1), zone))
    return query


def day_start(day: date, zone: ZoneInfo) -> str:
    """The instant at which a day begins in a time zone, in ISO format."""
    return datetime.combine(day, time(), zone).isoformat()


def count_import_records(user: User, import_id: str) -> int:
    """The number of records that belong to an import."""
    return _count(_select_count(user).eq("import_id", import_id))


def _select_count(user: User) -> Any:
    return select(user, "cost_records", "id", count=CountMethod.exact, head=True)


def _count(query: Any) -> int:
    return ask(query.execute).count or 0


def load_newest_requests(user: User, model: str) -> list[dict[str, Any]]:
    """The newest metered usage of a model that has tokens."""
    return _newest_requests(user, data_version(user), model)


@cached
def _newest_requests(user: User, version: str, model: str) -> list[dict[str, Any]]:  # noqa: ARG001
    query = select(user, "cost_records", REQUEST_COLUMNS).eq("model_name", model).eq("charge_type", "usage")
    with_tokens = query.gt("tokens_used", 0).order("timestamp", desc=True).order("id")
    return fetch_rows(with_tokens.limit(REQUESTS_SAMPLED))
