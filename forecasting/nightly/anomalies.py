"""Days that were out of the ordinary, and models that are new and dear: found every night anew.

A day is judged by the newest forecast made before it, so that nothing is judged by what was known only later.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from psycopg.types.json import Jsonb

from forecasting.model.series import MIN_DAYS
from forecasting.nightly.store import Connection, Person
from tally.core.amounts import round_amount
from tally.core.records import NO_MODEL

LOOK_BACK_DAYS = 7  # nights may have been missed, and data come late
USUAL_DAYS = 28
SMALLEST_USD = Decimal(1)
SMALLEST_SHARE_OF_USUAL = Decimal("0.5")
NEW_MODEL_SHARE = Decimal("0.2")
# Too little may only be data that are not there yet: a day too cheap is said one night later.
QUIET_UNTIL_DAYS = 2


class Seen(NamedTuple):
    """A day of a series that was outside the 95% range predicted for it; all amounts in dollars."""

    user_id: UUID
    day: date
    provider_id: UUID | None
    actual: Decimal
    expected: Decimal
    lower_95: Decimal
    upper_95: Decimal
    age_days: int
    usual_days: int  # days before it that its series has, at most USUAL_DAYS
    spent_before: Decimal  # on those days
    days_above: int  # of those, how many cost more

    @property
    def usual(self) -> Decimal:
        """The mean of the days before it."""
        return self.spent_before / self.usual_days


@dataclass(frozen=True, slots=True)
class Anomaly:
    """A row of public.anomalies."""

    user_id: UUID
    day: date
    kind: str
    actual: Decimal
    provider_id: UUID | None = None
    model_name: str | None = None
    expected: Decimal | None = None
    lower_95: Decimal | None = None
    upper_95: Decimal | None = None
    attribution: dict[str, str] | None = None


OUTSIDE = """
with predicted as (
    select distinct on (r.user_id, r.provider_id, r.forecast_date) r.*, p.today
    from unnest(%(user_ids)s::uuid[], %(todays)s::date[]) as p (user_id, today)
    inner join public.forecast_results as r
        on
            r.user_id = p.user_id
            and r.forecast_date between p.today - %(look_back)s::integer and p.today - 1
            and r.model_name is null
            and r.training_data_end < r.forecast_date
    order by r.user_id, r.provider_id, r.forecast_date, r.training_data_end desc, r.created_at desc
)

select
    r.user_id, r.forecast_date, r.provider_id, spent.cost_usd, r.predicted_cost_usd, r.lower_bound_95,
    r.upper_bound_95, r.today - r.forecast_date, usual.days, coalesce(before.cost_usd, 0), before.days_above
from predicted as r
cross join lateral (
    select coalesce(sum(d.total_cost_usd), 0) as cost_usd
    from private.cost_records_daily as d
    where
        d.user_id = r.user_id
        and d.date = r.forecast_date
        and d.cost_basis <> 'included'
        and (r.provider_id is null or d.provider_id = r.provider_id)
) as spent
cross join lateral (
    select greatest(1, least(%(usual_days)s::integer, r.forecast_date - r.training_data_start)) as days
) as usual
cross join lateral (
    select
        sum(daily.cost_usd) as cost_usd,
        count(*) filter (where daily.cost_usd > spent.cost_usd) as days_above
    from (
        select sum(d.total_cost_usd) as cost_usd
        from private.cost_records_daily as d
        where
            d.user_id = r.user_id
            and d.date >= r.forecast_date - usual.days
            and d.date < r.forecast_date
            and d.cost_basis <> 'included'
            and (r.provider_id is null or d.provider_id = r.provider_id)
        group by d.date
    ) as daily
) as before
where spent.cost_usd not between r.lower_bound_95 and r.upper_bound_95"""

# In somebody's first weeks every model is new.
NEW_MODELS = """
with recent as (
    select d.user_id, p.today, d.model_name, min(d.date) as first_day, sum(d.total_cost_usd) as cost_usd
    from unnest(%(user_ids)s::uuid[], %(todays)s::date[]) as p (user_id, today)
    inner join private.cost_records_daily as d
        on d.user_id = p.user_id and d.date between p.today - %(look_back)s::integer and p.today - 1
    where d.cost_basis <> 'included' and d.charge_type = 'usage' and d.model_name <> %(no_model)s
    group by 1, 2, 3
    having sum(d.total_cost_usd) >= %(smallest_usd)s
)

select recent.user_id, recent.first_day, recent.model_name, recent.cost_usd, since.cost_usd
from recent
cross join lateral (
    select sum(d.total_cost_usd) as cost_usd
    from private.cost_records_daily as d
    where
        d.user_id = recent.user_id
        and d.date >= recent.first_day
        and d.date < recent.today
        and d.cost_basis <> 'included'
        and d.charge_type = 'usage'
) as since
where
    recent.cost_usd >= %(share)s * since.cost_usd
    and exists (
        select from private.cost_records_daily as d
        where d.user_id = recent.user_id and d.date <= recent.first_day - %(history_days)s::integer
    )
    and not exists (
        select from private.cost_records_daily as d
        where
            d.user_id = recent.user_id
            and d.model_name = recent.model_name
            and d.date < recent.first_day
    )"""

USAGE = """
select
    p.name, d.model_name, d.date = %(day)s, coalesce(sum(d.total_cost_usd), 0),
    case when sum(d.unpriced_count) = 0 then coalesce(sum(d.total_tokens), 0) else 0 end::bigint,
    coalesce(sum(d.total_input_tokens), 0)::bigint, coalesce(sum(d.total_cached_input_tokens), 0)::bigint
from private.cost_records_daily as d
inner join public.providers as p on d.provider_id = p.id
where
    d.user_id = %(user_id)s
    and d.date between %(first_day)s and %(day)s
    and d.cost_basis <> 'included'
    and d.charge_type = 'usage'
    and (%(provider_id)s::uuid is null or d.provider_id = %(provider_id)s)
group by 1, 2, 3"""

SAVE = """
insert into public.anomalies as a (
    user_id, day, provider_id, model_name, kind, actual_usd, expected_usd, lower_95, upper_95, attribution
)
select
    u.id, %(day)s, %(provider_id)s, %(model_name)s, %(kind)s, %(actual)s, %(expected)s, %(lower_95)s,
    %(upper_95)s, %(attribution)s
from auth.users as u
where u.id = %(user_id)s -- who may be gone by now
on conflict on constraint anomalies_once do update
set
    actual_usd = excluded.actual_usd,
    expected_usd = excluded.expected_usd,
    lower_95 = excluded.lower_95,
    upper_95 = excluded.upper_95,
    attribution = excluded.attribution
where
    (a.actual_usd, a.expected_usd, a.lower_95, a.upper_95, a.attribution) is distinct from (
        excluded.actual_usd, excluded.expected_usd, excluded.lower_95, excluded.upper_95, excluded.attribution
    )"""

FORGET = """
delete from public.anomalies as a
using unnest(%(user_ids)s::uuid[], %(todays)s::date[]) as p (user_id, today)
where
    a.user_id = p.user_id
    and a.day between p.today - %(look_back)s::integer and p.today - 1
    and not exists (
        select from unnest(
            %(users)s::uuid[], %(days)s::date[], %(providers)s::uuid[], %(models)s::text[], %(kinds)s::text[]
        ) as f (user_id, day, provider_id, model_name, kind)
        where
            f.user_id = a.user_id
            and f.day = a.day
            and f.kind = a.kind
            and f.provider_id is not distinct from a.provider_id
            and f.model_name is not distinct from a.model_name
    )"""


def flag(connection: Connection, people: Iterable[Person]) -> int:
    """Restate everyone's anomalies of the last days in one transaction; returns how many there are."""
    asked = [person for person in people if person.forecast_enabled]
    keys = {
        "user_ids": [person.user_id for person in asked],
        "todays": [person.today for person in asked],
        "look_back": LOOK_BACK_DAYS,
        "usual_days": USUAL_DAYS,
        "no_model": NO_MODEL,
        "smallest_usd": SMALLEST_USD,
        "share": NEW_MODEL_SHARE,
        "history_days": MIN_DAYS,
    }
    with connection.transaction():
        outside = [Seen(*row) for row in connection.execute(OUTSIDE, keys).fetchall()]
        found = [_explain(connection, seen) for seen in outside if is_worth_saying(seen)]
        found += [_new_model(*row) for row in connection.execute(NEW_MODELS, keys).fetchall()]
        connection.execute(FORGET, keys | _list_keys(found))
        with connection.cursor() as cursor:
            cursor.executemany(SAVE, [_save_keys(anomaly) for anomaly in found])
    return len(found)


def is_worth_saying(seen: Seen) -> bool:
    """Whether a day outside its range matters: not for cents, and not for a cheap day among cheap days."""
    if abs(seen.actual - seen.expected) < max(SMALLEST_USD, SMALLEST_SHARE_OF_USUAL * seen.usual):
        return False
    if seen.actual > seen.upper_95:
        return True
    return seen.age_days >= QUIET_UNTIL_DAYS and seen.days_above == seen.usual_days


def _explain(connection: Connection, seen: Seen) -> Anomaly:
    from tally.ledger.attribution import Model, Usage, attribute  # with all price lists; few nights need them
    from tally.ledger.reconcile import Rates, Unit, find_rates

    keys = {
        "user_id": seen.user_id,
        "day": seen.day,
        "first_day": seen.day - timedelta(days=seen.usual_days),
        "provider_id": seen.provider_id,
    }
    before: dict[Model, Usage] = {}
    day: dict[Model, Usage] = {}
    for provider, name, is_day, *usage in connection.execute(USAGE, keys):
        (day if is_day else before)[Model(provider, name)] = Usage(*usage)

    def rates_of(model: Model) -> Rates | None:
        return find_rates(Unit(model.provider, seen.day, model.name))

    difference = seen.actual - round_amount(seen.usual)
    found = attribute(before, seen.usual_days, day, difference, rates_of)
    return Anomaly(
        seen.user_id,
        seen.day,
        "spend",
        seen.actual,
        provider_id=seen.provider_id,
        expected=seen.expected,
        lower_95=seen.lower_95,
        upper_95=seen.upper_95,
        attribution={name: f"{part:f}" for name, part in found.parts.items()},
    )


def _new_model(
    user_id: UUID, first_day: date, model_name: str, cost_usd: Decimal, of_usd: Decimal
) -> Anomaly:
    parts = {"model": f"{cost_usd:f}", "others": f"{of_usd - cost_usd:f}"}
    return Anomaly(user_id, first_day, "new_model", cost_usd, model_name=model_name, attribution=parts)


def _list_keys(found: Sequence[Anomaly]) -> dict[str, list[Any]]:
    return {
        "users": [anomaly.user_id for anomaly in found],
        "days": [anomaly.day for anomaly in found],
        "providers": [anomaly.provider_id for anomaly in found],
        "models": [anomaly.model_name for anomaly in found],
        "kinds": [anomaly.kind for anomaly in found],
    }


def _save_keys(anomaly: Anomaly) -> dict[str, Any]:
    names = (
        "user_id",
        "day",
        "kind",
        "actual",
        "provider_id",
        "model_name",
        "expected",
        "lower_95",
        "upper_95",
    )
    return {name: getattr(anomaly, name) for name in names} | {
        "attribution": Jsonb(anomaly.attribution or {})
    }
