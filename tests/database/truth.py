"""The expected daily_costs: all records summed in Python, with Python's timezones."""

from collections import defaultdict
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from tests.database_fixtures import Connection

Key = tuple[str, str, str, str, str]
Totals = tuple[Any, ...]

RECORDS = """
select r.timestamp, p.name, r.model_name, r.cost_basis, r.charge_type, r.cost_usd, r.tokens_used,
    r.input_tokens, r.output_tokens, r.cached_input_tokens, r.cache_write_tokens, r.request_count
from public.effective_records as r
inner join public.providers as p on r.provider_id = p.id"""


def add_up(person: Connection) -> dict[Key, Totals]:
    """The caller's records by local day, provider, model, basis and type."""
    found = person.execute("select timezone from public.user_preferences").fetchone()
    zone = ZoneInfo(found[0] if found else "UTC")
    groups: dict[Key, list[tuple[Any, ...]]] = defaultdict(list)
    for at, provider, model, basis, charge, *figures in person.execute(RECORDS):
        day = at.astimezone(zone).date().isoformat()
        groups[day, provider, model, basis, charge].append(tuple(figures))
    return {key: _total(rows) for key, rows in groups.items()}


def _total(rows: list[tuple[Any, ...]]) -> Totals:
    costs = [row[0] for row in rows if row[0] is not None]
    counts = (sum(row[place] for row in rows) for place in range(1, 7))
    return (sum(costs, Decimal(0)) if costs else None, *counts, len(rows), len(rows) - len(costs))


def read_daily_costs(
    person: Connection, first_day: str | None = None, last_day: str | None = None
) -> dict[Key, Totals]:
    """The database's daily_costs in the same shape; columns are equally long, ordered, without duplicates."""
    found = person.execute("select public.daily_costs(%s, %s)", [first_day, last_day]).fetchone()
    assert found is not None
    columns: dict[str, list[Any]] = found[0]
    assert columns["date"] == sorted(columns["date"])
    rows = list(zip(*columns.values(), strict=True))
    costs = {row[:5]: (row[5] if row[5] is None else Decimal(row[5]), *row[6:]) for row in rows}
    assert len(costs) == len(rows)
    return costs
