"""List prices of models in use that changed: by an update of the price data, or on a day that it names.

The prices of the last look are stored, for all workspaces at once. A model that is new there has no earlier
price, so a first look raises nothing.
"""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

from tally.alerts.rules import Connection, Finding, Watched
from tally.core.records import NO_MODEL

USED_DAYS = 30
FORGOTTEN_DAYS = 400
MAX_MODELS = 2_000  # of all workspaces: names of models are anybody's input
MAX_OF_ONE = 50  # of one workspace, which crowds out no other's
MAX_CLASSES = 10

USED = """
select u.provider, u.model_name, array_agg(u.workspace_id)
from (
    select
        d.provider, d.model_name, d.workspace_id,
        row_number() over (
            partition by d.workspace_id
            order by sum(d.total_cost_usd) desc nulls last, d.provider, d.model_name
        ) as place
    from private.current_days as d
    where
        d.date >= %(today)s::date - %(days)s::integer
        and d.charge_type = 'usage'
        and d.model_name <> %(no_model)s
        -- A price of one's own is what counts there.
        and not exists (
            select from public.model_prices as p
            where
                p.workspace_id = d.workspace_id and p.provider_id = d.provider_id
                and p.model_name = d.model_name
        )
    group by d.provider, d.model_name, d.workspace_id
) as u
where u.place <= %(of_one)s
group by u.provider, u.model_name
order by min(u.place), u.provider, u.model_name -- the dearest of each workspace come first
limit %(limit)s"""
KNOWN = "select k.provider, k.model_name, k.prices from private.known_prices as k"
SAVE = """
insert into private.known_prices (provider, model_name, prices, seen_on)
values (%(provider)s, %(model)s, %(prices)s, %(today)s)
on conflict (provider, model_name) do update set prices = excluded.prices, seen_on = excluded.seen_on"""
FORGET = "delete from private.known_prices as k where k.seen_on < %(today)s::date - %(days)s::integer"

Prices = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Used:
    provider: str
    model: str
    workspaces: list[UUID]


def find_price_changes(
    connection: Connection, _: Mapping[UUID, Watched], now: datetime
) -> dict[UUID, list[Finding]]:
    """Changes by workspace. The new prices are stored in the caller's transaction."""
    today = now.date()
    known = {(row[0], row[1]): row[2] for row in connection.execute(KNOWN).fetchall()}
    keys = {
        "today": today, "days": USED_DAYS, "of_one": MAX_OF_ONE, "limit": MAX_MODELS, "no_model": NO_MODEL,
    }  # fmt: skip
    found: dict[UUID, list[Finding]] = defaultdict(list)
    for used in (_Used(*row) for row in connection.execute(USED, keys).fetchall()):
        prices = load_list_price(used.provider, used.model, datetime.now(UTC))
        if not prices:
            continue
        before = known.get((used.provider, used.model))
        if before is not None and before != prices:
            finding = _describe(used, before, prices, today)
            for workspace in used.workspaces:
                found[workspace].append(finding)
        values = {
            "provider": used.provider,
            "model": used.model,
            "prices": json.dumps(prices),
            "today": today,
        }
        connection.execute(SAVE, values)
    connection.execute(FORGET, {"today": today, "days": FORGOTTEN_DAYS})
    return found


def load_list_price(provider: str, model: str, at: datetime) -> Prices:
    """List prices by class of tokens, per million, as text; empty without any."""
    # Imported here: forecasts after a change, which share these rules, look at no prices.
    from tally.pricing.list_prices import find_prices

    try:
        prices = find_prices(provider, model, 0, at)
    except Exception:
        return {}  # a name that the price data cannot take
    if prices is None:
        return {}
    by_class = {name: _text(rate) for name, rate in prices.by_class.items() if rate is not None}
    return by_class if any(rate != "0" for rate in by_class.values()) else {}


def _describe(used: _Used, before: Prices, after: Prices, today: date) -> Finding:
    changes = [
        {"class": name.replace("_", " "), "before": before[name], "after": after[name]}
        for name in after
        if name in before and before[name] != after[name]
    ]
    facts = {
        "model": used.model,
        "provider": used.provider,
        "changes": changes[:MAX_CLASSES],
        "from_day": today.isoformat(),
        "currency": "USD",
    }
    return Finding("price", f"{used.provider}:{used.model}", today, "info", facts)


def _text(rate: Decimal) -> str:
    return f"{rate.normalize():f}"
