"""The database of the nightly job: reads from the view, one transaction of writes a person."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from forecasting.model.intervals import HORIZON_DAYS
from forecasting.model.series import TOTAL, DailySpend
from forecasting.nightly.results import Day, Known, Period, Result, last_day_of_month
from tally.core.errors import TallyError

Connection = psycopg.Connection[tuple[Any, ...]]

RECENT_DAYS = 90
KEPT = timedelta(days=400)  # pages look back 60 days; what is predicted for totals stays
APPLICATION_NAME = "tally nightly"


class DatabaseProblem(TallyError):
    """The database does not answer, went away, or refuses."""


@dataclass(frozen=True, slots=True)
class Person:
    """Whose forecasts are due: `today` is the first day to predict, in their own timezone."""

    user_id: UUID
    today: date
    forecast_enabled: bool

    @property
    def last_day(self) -> date:
        """The last complete day: what is fitted and what counts as spent ends with it."""
        return self.today - timedelta(days=1)


UNIQUE_ID = """
    case
        when grouping(p.name) = 0 then 'provider:' || p.name
        when grouping(d.model_name) = 0 then 'model:' || d.model_name
        else 'total'
    end"""

SPEND = """
from private.cost_records_daily as d
inner join public.providers as p on d.provider_id = p.id
where
    d.user_id = %(user_id)s
    and d.date >= %(first_day)s
    and d.date < %(today)s
    and d.cost_basis <> 'included'"""

FITTED = f"""
{SPEND}
    and d.charge_type = 'usage'
    and d.total_cost_usd is not null -- without a price there is nothing to fit, and $0 would be a lie"""

MODELS = f"""
select d.model_name
{FITTED}
group by d.model_name
order by
    coalesce(sum(d.total_cost_usd) filter (where d.date >= %(recent_from)s), 0) desc,
    sum(d.total_cost_usd) desc,
    d.model_name"""

DAILY_SPEND = f"""
select
    {UNIQUE_ID} as unique_id,
    d.date as ds,
    sum(d.total_cost_usd)::float8 as y,
    sum(d.record_count)::bigint as records
{FITTED}
group by grouping sets ((d.date), (p.name, d.date), (d.model_name, d.date))
having grouping(d.model_name) = 1 or d.model_name = any(%(models)s)"""

SPENT = f"""
select {UNIQUE_ID}, coalesce(sum(d.total_cost_usd), 0)
{SPEND}
group by grouping sets ((), (p.name), (d.model_name))"""

RENEWALS = """
select 'provider:' || p.name, r.day, s.amount_usd
from public.subscriptions as s
inner join public.providers as p on s.provider_id = p.id
cross join lateral private.renewal_days(s, %(until)s) as r (day)
where s.user_id = %(user_id)s and r.day >= %(today)s"""

PEOPLE = """
select
    u.id,
    coalesce(%(as_of)s, (now() at time zone coalesce(p.timezone, 'UTC'))::date),
    coalesce(p.forecast_enabled, true)
from auth.users as u
left join public.user_preferences as p on u.id = p.user_id
order by u.id"""

DELETE_OLD = """
delete from public.forecast_results
where user_id = %(user_id)s and created_at < now() - %(kept)s"""

COPY_RESULTS = """
copy public.forecast_results (
    run_id, user_id, provider_id, model_name, forecast_date, predicted_cost_usd,
    lower_bound_80, upper_bound_80, lower_bound_95, upper_bound_95, confidence_score, model_version,
    training_data_start, training_data_end, training_record_count, metadata
) from stdin"""

COPY_TOTALS = """
copy public.forecast_totals (
    run_id, user_id, provider_id, model_name, kind, period_start, period_end, spent_usd, predicted_cost_usd,
    lower_bound_80, upper_bound_80, lower_bound_95, upper_bound_95, quantiles, backtest
) from stdin"""


@contextmanager
def connect(database_url: str) -> Iterator[Connection]:
    """A connection that says in one sentence when the database is not there, or stops being there."""
    try:
        connection = psycopg.connect(
            database_url, autocommit=True, application_name=APPLICATION_NAME, connect_timeout=10
        )
    except psycopg.Error:
        raise DatabaseProblem(
            "The database does not answer. Start Tally with `make up`, or check DATABASE_URL."
        ) from None
    try:
        connection.execute("set work_mem = '64MB'")  # halves the time of a refresh
        yield connection
    except psycopg.Error as error:
        if not connection.closed:
            raise DatabaseProblem(
                f"The database refused: {first_line(error)}."
                " `tally doctor` says whether its schema is complete."
            ) from None
        raise DatabaseProblem(
            "The database went away in the middle of the night's work. Nothing is half-written;"
            " run `tally nightly` again when it is back."
        ) from error
    finally:
        connection.close()


def first_line(error: psycopg.Error) -> str:
    """What Postgres said, without its context."""
    return str(error.diag.message_primary or error).splitlines()[0].rstrip(".")


def take_lock(connection: Connection) -> bool:
    """Whether this is the only night at work; the lock goes with the connection."""
    taken = connection.execute("select pg_try_advisory_lock(hashtextextended('tally.nightly', 0))").fetchone()
    return bool(taken and taken[0])


def load_people(connection: Connection, as_of: date | None) -> list[Person]:
    """Everyone who has an account; `as_of` stands in for their local today."""
    return [Person(*row) for row in connection.execute(PEOPLE, {"as_of": as_of})]


def has_account(connection: Connection, user_id: UUID) -> bool:
    """Whether the account is still there."""
    found = connection.execute("select from auth.users where id = %s", [user_id]).fetchone()
    return found is not None


def load_models(connection: Connection, person: Person) -> list[str]:
    """The models with metered and priced spend before today, those that cost most of late first."""
    recent_from = person.today - timedelta(days=RECENT_DAYS)
    keys = {"user_id": person.user_id, "first_day": date.min, "today": person.today}
    return [name for (name,) in connection.execute(MODELS, {**keys, "recent_from": recent_from})]


def load_daily_spend(connection: Connection, person: Person, models: Sequence[str]) -> list[DailySpend]:
    """Metered and priced spend before today: of everything, of each provider, and of each of these models."""
    keys = {"user_id": person.user_id, "first_day": date.min, "today": person.today, "models": list(models)}
    return [DailySpend._make(row) for row in connection.execute(DAILY_SPEND, keys).fetchall()]


def load_known(connection: Connection, person: Person) -> Known:
    """What was spent this month before today, and what renews within the horizon or this month."""
    today = person.today
    until = max(last_day_of_month(today), today + timedelta(days=HORIZON_DAYS - 1))
    keys = {"user_id": person.user_id, "first_day": today.replace(day=1), "today": today, "until": until}
    renewals: dict[str, dict[date, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for provider, day, amount_usd in connection.execute(RENEWALS, keys):
        renewals[provider][day] += amount_usd
        renewals[TOTAL][day] += amount_usd
    return Known(person.user_id, today, dict(connection.execute(SPENT, keys).fetchall()), renewals)


def save_results(connection: Connection, run_id: UUID, user_id: UUID, results: Sequence[Result]) -> None:
    """Add a run's predictions; to be called inside the person's transaction."""
    providers: dict[str, UUID] = dict(connection.execute("select name, id from public.providers").fetchall())
    keyed = [((run_id, user_id, *_columns(result.unique_id, providers)), result) for result in results]
    with connection.cursor().copy(COPY_RESULTS) as copy:
        for key, result in keyed:
            for day in result.days:
                copy.write_row((*key, *_day_row(result, day)))
    with connection.cursor().copy(COPY_TOTALS) as copy:
        for key, result in keyed:
            for period in result.periods:
                copy.write_row((*key, *_period_row(period)))


def delete_old_results(connection: Connection, user_id: UUID) -> int:
    """Drop the daily predictions of nights long past; returns how many rows."""
    return connection.execute(DELETE_OLD, {"user_id": user_id, "kept": KEPT}).rowcount


def _columns(unique_id: str, providers: dict[str, UUID]) -> tuple[UUID | None, str | None]:
    kind, _, name = unique_id.partition(":")
    return (providers[name] if kind == "provider" else None, name if kind == "model" else None)


def _day_row(result: Result, day: Day) -> Iterable[object]:
    metadata = json.dumps({"renewals_usd": str(day.renewals_usd)} if day.renewals_usd else {})
    return (
        day.day,
        *day.amounts,
        result.confidence,
        result.model_version,
        result.training_start,
        result.training_end,
        result.training_record_count,
        metadata,
    )


def _period_row(period: Period) -> Iterable[object]:
    backtest = Jsonb(period.backtest or {})
    return (
        period.kind,
        period.first_day,
        period.last_day,
        period.spent_usd,
        *period.amounts,
        list(period.quantiles),
        backtest,
    )
