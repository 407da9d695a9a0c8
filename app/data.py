"""Everything the pages read: the person's own rows, through their own Supabase client, cached by version.

Streamlit's caches are shared by everyone: the person is always in the key, as `User` hashed by its `user_id`.
Functions with a `version` take it for the key alone.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import httpx
import pandas as pd
import streamlit as st
from postgrest import CountMethod
from postgrest.exceptions import APIError

from app.currencies import COVERED_SINCE, Currency, convert_daily, convert_predictions, convert_totals
from app.identity import User, supabase_client
from tally import fetched_rates, repricing
from tally.api import SupabaseApi, describe, describe_answer
from tally.currency import USD, Rates
from tally.own_prices import OwnPrice

if TYPE_CHECKING:
    from tally.connections import Connection

P = ParamSpec("P")
R = TypeVar("R")

UNREACHABLE = "503"
SECONDS_KEPT = 15 * 60
PAGE_ROWS = 25
API_ROWS = 1000  # what PostgREST returns at most in one answer
RECORD_COLUMNS = (
    "id,timestamp,provider_id,model_name,cost_usd::text,cost_basis,charge_type,collection_method,"
    "input_tokens,output_tokens,request_count,metadata"
)
PREFERENCE_COLUMNS = (
    "timezone,theme,currency,default_date_range,forecast_enabled,monthly_limit_usd::text,metadata"
)
FORECAST_COLUMNS = (
    "run_id,forecast_date,predicted_cost_usd,lower_bound_80,upper_bound_80,lower_bound_95,upper_bound_95,"
    "model_version,training_data_start,training_data_end,training_record_count,created_at,"
    "renewals:metadata->>renewals_usd"
)
TOTALS_SHOWN = 400
TOTAL_COLUMNS = (
    "run_id,provider_id,model_name,kind,period_start,period_end,spent_usd::text,predicted_cost_usd::text,"
    "lower_bound_80::text,upper_bound_80::text,lower_bound_95::text,upper_bound_95::text,actual_cost_usd::text,"
    "quantiles::text,days_in_80,days_in_95,backtest,created_at"
)
ANOMALY_COLUMNS = (
    "id,day,provider_id,model_name,kind,actual_usd::text,expected_usd::text,lower_95::text,upper_95::text,"
    "attribution,muted_at"
)
IMPORTS_SHOWN = 200
AUDIT_SHOWN = 50
IMPORT_COLUMNS = (
    "id,kind,filename,format,status,counts,rows_read,rows_imported,rows_duplicate,rows_restated,rows_rejected,"
    "created_at,finished_at"
)
SUBSCRIPTION_COLUMNS = (
    "id,provider_id,plan_name,amount_usd::text,started_on,ended_on,renewal_day,interval,metadata"
)


@dataclass(frozen=True, slots=True)
class Preferences:
    """How the person wants to see their data."""

    timezone: str = "UTC"
    theme: str = "system"
    currency: str = USD
    default_range: str = "30D"
    forecast_enabled: bool = True
    monthly_limit_usd: Decimal | None = None
    timezone_set: bool = False
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def zone(self) -> ZoneInfo:
        """The person's timezone; UTC where this machine does not know it."""
        try:
            return ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError):
            return ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Provider:
    """Whom money goes to."""

    provider_id: str
    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class RecordFilter:
    """Which records a person wants to see; None means any."""

    provider_id: str | None = None
    model_name: str | None = None
    collection_method: str | None = None
    cost_basis: str | None = None
    first_day: date | None = None
    last_day: date | None = None


@dataclass(frozen=True, slots=True)
class ForecastSeries:
    """What a forecast is about: everything, one provider or one model."""

    provider_id: str | None = None
    model_name: str | None = None


def _user_id(user: User) -> str:
    return user.user_id


KEYS: dict[str | type[Any], Callable[[Any], Any]] = {User: _user_id, Currency: lambda currency: currency.key}


def _cached(function: Callable[P, R]) -> Callable[P, R]:
    """Keep answers for a while; a `User` in the key counts as its user_id, whatever its token."""
    keep = st.cache_data(ttl=SECONDS_KEPT, max_entries=256, show_spinner=False, hash_funcs=KEYS)
    return cast(Callable[P, R], keep(function))


def ask(question: Callable[[], R]) -> R:
    """The answer of Supabase, or ApiError with a sentence for the person."""
    try:
        return question()
    except APIError as error:
        raise describe_answer(error) from error
    except httpx.HTTPError as error:
        raise describe(UNREACHABLE, str(error)) from error


@st.cache_data(ttl=1, max_entries=1000, show_spinner=False, hash_funcs={User: _user_id})
def _version(user: User) -> str:
    return str(ask(lambda: supabase_client(user).rpc("data_version").execute().data))


def forget_version(user: User) -> None:
    """Call after a change, so that the next read sees it at once."""
    _version.clear(user)


def load_preferences(user: User) -> Preferences:
    """The person's preferences, or the defaults where they have none."""
    return _preferences(user, _version(user))


@_cached
def _preferences(user: User, version: str) -> Preferences:  # noqa: ARG001 (part of the cache key)
    table = supabase_client(user).table("user_preferences")
    rows = _rows(ask(lambda: table.select(PREFERENCE_COLUMNS).execute().data))
    if not rows:
        return Preferences()
    row = rows[0]
    return Preferences(
        timezone=row["timezone"],
        theme=row["theme"],
        currency=row["currency"],
        default_range={"all": "All"}.get(row["default_date_range"], row["default_date_range"].upper()),
        forecast_enabled=row["forecast_enabled"],
        monthly_limit_usd=row["monthly_limit_usd"] and Decimal(row["monthly_limit_usd"]),
        timezone_set=row["timezone"] != "UTC" or bool(row["metadata"].get("timezone_set")),
        metadata=row["metadata"],
    )


def load_currency(user: User) -> Currency:
    """The currency that the person reads; dollars where their choice has no rate any more."""
    code = load_preferences(user).currency
    if code == USD:
        return Currency()
    rates = load_rates(user)
    return Currency(code, rates) if rates.covers(code, COVERED_SINCE) else Currency()


@st.cache_resource(ttl=SECONDS_KEPT, max_entries=32, show_spinner=False, hash_funcs=KEYS)
def load_rates(user: User) -> Rates:
    """The exchange rates of every day, with those that the nightly job fetched."""
    return fetched_rates.load_rates(SupabaseApi(supabase_client(user)))


@_cached
def load_providers(user: User) -> list[Provider]:
    """Every provider by name."""
    table = supabase_client(user).table("providers")
    rows = _rows(ask(lambda: table.select("id,name,display_name").order("display_name").execute().data))
    return [Provider(row["id"], row["name"], row["display_name"]) for row in rows]


def load_daily(user: User, first: date | None, last: date | None) -> pd.DataFrame:
    """Daily costs of the person's own days, both ends included; None leaves an end open.

    Columns: date, provider (slug), model, cost_basis, charge_type, cost_usd (Decimal, None = unpriced),
    amount (the same in the currency that the person reads), cost (a float of it for charts, 0 where
    unpriced), tokens, requests, records, unpriced_records.
    """
    return _daily(user, _version(user), first, last, load_currency(user))


@_cached
def _daily(
    user: User,
    version: str,  # noqa: ARG001
    first: date | None,
    last: date | None,
    currency: Currency,
) -> pd.DataFrame:
    params = {"from_date": first and first.isoformat(), "to_date": last and last.isoformat()}
    columns = ask(lambda: supabase_client(user).rpc("daily_costs", params).execute().data)
    return convert_daily(parse_daily(cast(dict[str, list[Any]], columns)), currency)


def parse_daily(columns: dict[str, list[Any]]) -> pd.DataFrame:
    """The answer of `daily_costs` as a frame; see load_daily."""
    money = [None if text is None else Decimal(text) for text in columns["cost_usd"]]
    return pd.DataFrame(
        {
            "date": pd.to_datetime(pd.Series(columns["date"], dtype=object), format="%Y-%m-%d"),
            "provider": pd.Series(columns["provider"], dtype=object),
            "model": pd.Series(columns["model"], dtype=object),
            "cost_basis": pd.Series(columns["cost_basis"], dtype=object),
            "charge_type": pd.Series(columns["charge_type"], dtype=object),
            "cost_usd": pd.Series(money, dtype=object),
            "amount": pd.Series(money, dtype=object),
            "cost": pd.Series([0.0 if amount is None else float(amount) for amount in money], dtype=float),
            **{
                name: pd.Series(columns[name], dtype="int64")
                for name in ("tokens", "requests", "records", "unpriced_records")
            },
        }
    )


def load_records_page(user: User, chosen: RecordFilter, page: int, timezone: str) -> list[dict[str, Any]]:
    """One page of the records that match, newest first; pages count from 1."""
    return _records_page(user, _version(user), chosen, page, timezone)


@_cached
def _records_page(
    user: User,
    version: str,  # noqa: ARG001
    chosen: RecordFilter,
    page: int,
    timezone: str,
) -> list[dict[str, Any]]:
    query = _filtered(supabase_client(user).table("cost_records").select(RECORD_COLUMNS), chosen, timezone)
    start = (page - 1) * PAGE_ROWS
    newest = query.order("timestamp", desc=True).order("id").range(start, start + PAGE_ROWS - 1)
    return _rows(ask(lambda: newest.execute().data))


def load_records_count(user: User, chosen: RecordFilter, timezone: str) -> int:
    """How many records match."""
    return _records_count(user, _version(user), chosen, timezone)


@_cached
def _records_count(user: User, version: str, chosen: RecordFilter, timezone: str) -> int:  # noqa: ARG001
    table = supabase_client(user).table("cost_records")
    query = _filtered(table.select("id", count=CountMethod.exact, head=True), chosen, timezone)
    return ask(lambda: query.execute().count) or 0


def _filtered(query: Any, chosen: RecordFilter, timezone: str) -> Any:
    for column in ("provider_id", "model_name", "collection_method", "cost_basis"):
        if (value := getattr(chosen, column)) is not None:
            query = query.eq(column, value)
    zone = ZoneInfo(timezone)
    if chosen.first_day is not None:
        query = query.gte("timestamp", day_start(chosen.first_day, zone))
    if chosen.last_day is not None:
        query = query.lt("timestamp", day_start(chosen.last_day + timedelta(days=1), zone))
    return query


def day_start(day: date, zone: ZoneInfo) -> str:
    """The instant at which a day begins for the person."""
    return datetime.combine(day, time(), zone).isoformat()


def load_forecast(user: User, series: ForecastSeries, first: date) -> pd.DataFrame:
    """Every stored prediction of one series for days from `first` on, in all its runs.

    Columns: date, run_id, created_at, predicted, lower_80, upper_80, lower_95, upper_95, renewals (what of
    the prediction are subscriptions) and the training's.
    """
    return _forecast(user, _version(user), series, first, load_currency(user))


@_cached
def _forecast(
    user: User,
    version: str,  # noqa: ARG001
    series: ForecastSeries,
    first: date,
    currency: Currency,
) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    while len(rows) % API_ROWS == 0:
        query = _of_series(supabase_client(user).table("forecast_results").select(FORECAST_COLUMNS), series)
        query = (
            query.gte("forecast_date", first.isoformat())
            .order("forecast_date")
            .order("created_at", desc=True)
            .order("id")
        )
        page = _rows(ask(query.range(len(rows), len(rows) + API_ROWS - 1).execute).data)
        rows += page
        if not page:
            break
    frame = pd.DataFrame(rows, columns=[name.partition(":")[0] for name in FORECAST_COLUMNS.split(",")])
    bounds = {f"{side}_bound_{level}": f"{side}_{level}" for side in ("lower", "upper") for level in (80, 95)}
    frame = frame.rename(columns={"forecast_date": "date", "predicted_cost_usd": "predicted", **bounds})
    frame = frame.assign(
        date=pd.to_datetime(frame["date"]),
        created_at=pd.to_datetime(frame["created_at"], utc=True, format="ISO8601"),
        **{name: frame[name].astype(float) for name in ("predicted", *bounds.values())},
        renewals=frame["renewals"].astype(float).fillna(0.0),
    )
    return convert_predictions(frame, currency)


def _of_series(query: Any, series: ForecastSeries) -> Any:
    for column, value in (("provider_id", series.provider_id), ("model_name", series.model_name)):
        query = query.is_(column, "null") if value is None else query.eq(column, value)
    return query


def load_forecast_totals(user: User) -> pd.DataFrame:
    """The totals of the newest runs of every series, newest first; money is Decimal, None where unknown.

    Its columns are named for the dollars that are stored and hold the currency that the person reads.
    """
    return _in_currency(user, _forecast_totals(user, _version(user)))


def load_past_totals(user: User, series: ForecastSeries) -> pd.DataFrame:
    """The totals of one series whose actual amount is known by now; as `load_forecast_totals`."""
    return _in_currency(user, _past_totals(user, _version(user), series))


def _in_currency(user: User, totals: pd.DataFrame) -> pd.DataFrame:
    currency = load_currency(user)
    if totals.empty or not currency.is_converted:
        return totals
    daily = load_daily(user, totals["period_start"].min(), totals["period_end"].max())
    slugs = {provider.provider_id: provider.slug for provider in load_providers(user)}
    return convert_totals(totals, daily, slugs, currency)


@_cached
def _forecast_totals(user: User, version: str) -> pd.DataFrame:  # noqa: ARG001
    return _ask_totals(supabase_client(user).table("forecast_totals").select(TOTAL_COLUMNS))


@_cached
def _past_totals(user: User, version: str, series: ForecastSeries) -> pd.DataFrame:  # noqa: ARG001
    table = supabase_client(user).table("forecast_totals")
    return _ask_totals(_of_series(table.select(TOTAL_COLUMNS), series).not_.is_("actual_cost_usd", "null"))


def _ask_totals(query: Any) -> pd.DataFrame:
    # Of a run the total and the providers come first: an account may have thousands of models.
    newest = query.order("created_at", desc=True).order("model_name", nullsfirst=True).order("id")
    rows = _rows(ask(newest.limit(TOTALS_SHOWN).execute).data)
    frame = pd.DataFrame(
        rows, columns=[name.removesuffix("::text") for name in TOTAL_COLUMNS.split(",")], dtype=object
    )
    for name in ("spent_usd", "predicted_cost_usd", "actual_cost_usd", *_BOUNDS):
        frame[name] = pd.Series([text and Decimal(text) for text in frame[name]], dtype=object)
    for name in ("period_start", "period_end"):
        frame[name] = pd.Series([date.fromisoformat(text) for text in frame[name]], dtype=object)
    quantiles = [
        text and [Decimal(amount) for amount in text[1:-1].split(",")] for text in frame["quantiles"]
    ]
    return frame.assign(quantiles=pd.Series(quantiles, dtype=object))


_BOUNDS = ("lower_bound_80", "upper_bound_80", "lower_bound_95", "upper_bound_95")


def load_anomalies(user: User, first: date) -> list[dict[str, Any]]:
    """What was out of the ordinary from `first` on, newest first: days as dates, money as Decimal dollars."""
    return _anomalies(user, _version(user), first)


@_cached
def _anomalies(user: User, version: str, first: date) -> list[dict[str, Any]]:  # noqa: ARG001
    table = supabase_client(user).table("anomalies")
    query = table.select(ANOMALY_COLUMNS).gte("day", first.isoformat()).order("day", desc=True).order("id")
    rows = _rows(ask(lambda: query.limit(API_ROWS).execute().data))
    amounts = ("actual_usd", "expected_usd", "lower_95", "upper_95")
    return [
        row
        | {name: row[name] and Decimal(row[name]) for name in amounts}
        | {"day": date.fromisoformat(row["day"])}
        | {"attribution": {name: Decimal(part) for name, part in row["attribution"].items()}}
        for row in rows
    ]


def load_last_night(user: User) -> dict[str, Any] | None:
    """The newest nightly run that dealt with this person, or None when none has."""
    return _last_night(user, _version(user))


@_cached
def _last_night(user: User, version: str) -> dict[str, Any] | None:  # noqa: ARG001
    table = supabase_client(user).table("job_runs")
    columns = "run_id,night,started_at,finished_at,status,steps,error"
    rows = _rows(ask(lambda: table.select(columns).order("started_at", desc=True).limit(1).execute().data))
    return rows[0] if rows else None


def load_import_list(user: User) -> list[dict[str, Any]]:
    """The person's newest imported files, newest first, without their rejected rows."""
    table = supabase_client(user).table("imports")
    files = table.select(IMPORT_COLUMNS).eq("kind", "file")
    newest = files.order("created_at", desc=True).order("id").limit(IMPORTS_SHOWN)
    return _rows(ask(lambda: newest.execute().data))


def load_sources(user: User) -> list[dict[str, Any]]:
    """Machines and connections, then files, the newest first: up to API_ROWS of them."""
    table = supabase_client(user).table("imports")
    ordered = table.select(IMPORT_COLUMNS).order("kind", desc=True).order("created_at", desc=True).order("id")
    rows = _rows(ask(lambda: ordered.limit(API_ROWS).execute().data))
    return sorted(rows, key=lambda row: row["kind"] == "file")


def load_source_days(user: User) -> pd.DataFrame:
    """What each source brought, whether it counts or not: import_id, day, cost_basis, cost_usd, records,
    unpriced_records; money in the currency that the person reads, None where all of it is unpriced.
    """
    return _source_days(user, _version(user), load_currency(user))


@_cached
def _source_days(user: User, version: str, currency: Currency) -> pd.DataFrame:  # noqa: ARG001
    columns = ask(lambda: supabase_client(user).rpc("source_days", {}).execute().data)
    return _parse_said(cast(dict[str, list[Any]], columns), currency)


def load_statements(user: User, first: date | None, last: date) -> pd.DataFrame:
    """What each source said of these UTC days, in the columns of `source_statements`; money converted."""
    return _statements(user, _version(user), first, last, load_currency(user))


@_cached
def _statements(
    user: User,
    version: str,  # noqa: ARG001
    first: date | None,
    last: date,
    currency: Currency,
) -> pd.DataFrame:
    params = {"from_date": first and first.isoformat(), "to_date": last.isoformat()}
    columns = ask(lambda: supabase_client(user).rpc("source_statements", params).execute().data)
    return _parse_said(cast(dict[str, list[Any]], columns), currency)


def _parse_said(columns: dict[str, list[Any]], currency: Currency) -> pd.DataFrame:
    days = [date.fromisoformat(text) for text in columns["day"]]
    money = [
        None if text is None else currency.convert(Decimal(text), day)
        for text, day in zip(columns["cost_usd"], days, strict=True)
    ]
    return pd.DataFrame(columns | {"day": days, "cost_usd": money}, dtype=object)


def load_connections(user: User) -> "list[Connection]":
    """The person's connections to providers' APIs, as they are at this moment."""
    from tally.connections import list_connections  # with all that it takes to ask providers

    return list_connections(SupabaseApi(supabase_client(user)))


def load_rejected(user: User, import_id: str) -> list[dict[str, Any]]:
    """The rejected rows that an import kept: line, reason, row."""
    table = supabase_client(user).table("imports")
    found = _rows(ask(lambda: table.select("errors").eq("id", import_id).execute().data))
    return _rows(found[0]["errors"]) if found else []


def count_import_records(user: User, import_id: str) -> int:
    """How many records an import holds now."""
    table = supabase_client(user).table("cost_records")
    query = table.select("id", count=CountMethod.exact, head=True).eq("import_id", import_id)
    return ask(lambda: query.execute().count) or 0


def load_subscriptions(user: User) -> list[dict[str, Any]]:
    """The person's subscriptions, newest start first; amounts as text."""
    table = supabase_client(user).table("subscriptions")
    newest = table.select(SUBSCRIPTION_COLUMNS).order("started_on", desc=True).order("id")
    return _rows(ask(lambda: newest.execute().data))


def load_audit_log(user: User) -> list[dict[str, Any]]:
    """What happened to the person's keys and prices, the newest first."""
    table = supabase_client(user).table("audit_logs")
    newest = table.select("created_at,actor,action,changed_columns,metadata").order("created_at", desc=True)
    return _rows(ask(lambda: newest.order("id").limit(AUDIT_SHOWN).execute().data))


def load_preference_metadata(user: User) -> dict[str, Any]:
    """What is remembered beside the preferences, such as column mappings."""
    table = supabase_client(user).table("user_preferences")
    found = _rows(ask(lambda: table.select("metadata").eq("user_id", user.user_id).execute().data))
    return dict(found[0]["metadata"]) if found else {}


def _rows(answer: Any) -> list[dict[str, Any]]:
    return cast(list[dict[str, Any]], answer)


def load_unpriced_models(user: User) -> list[dict[str, Any]]:
    """Models whose records have no price, with how many there are and since when."""
    return _unpriced_models(user, _version(user))


@_cached
def _unpriced_models(user: User, version: str) -> list[dict[str, Any]]:  # noqa: ARG001
    return _rows(ask(lambda: supabase_client(user).rpc("unpriced_models").execute().data))


def load_own_prices(user: User) -> list[OwnPrice]:
    """The prices that the person set, by model, the newest of each first."""
    return _own_prices(user, _version(user))


@_cached
def _own_prices(user: User, version: str) -> list[OwnPrice]:  # noqa: ARG001
    prices = repricing.load_own_prices(SupabaseApi(supabase_client(user)))
    return sorted(prices, key=lambda price: (price.model_name.casefold(), price.provider))


def load_price_differences(user: User, since: date) -> list[repricing.Difference]:
    """What pricing anew would change, by month and model."""
    return _price_differences(user, _version(user), since)


@_cached
def _price_differences(user: User, version: str, since: date) -> list[repricing.Difference]:  # noqa: ARG001
    return repricing.calculate_differences(SupabaseApi(supabase_client(user)), since)
