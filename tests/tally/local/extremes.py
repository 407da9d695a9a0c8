"""Writes the extremes of every column that an account may write, through the API as that account."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx

from tally.local.stack import Stack
from tests.database.access import another_row
from tests.database_fixtures import Connection
from tests.tally.people import Person

# Columns and types, in which an account may insert or change something.
WRITABLE = """
select c.relname, a.attname, format_type(a.atttypid, null),
    has_column_privilege('authenticated', c.oid, a.attnum, 'insert'),
    has_column_privilege('authenticated', c.oid, a.attnum, 'update')
from pg_class as c
inner join pg_attribute as a on a.attrelid = c.oid
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and a.attnum > 0
    and not a.attisdropped
    and (
        has_column_privilege('authenticated', c.oid, a.attnum, 'insert')
        or has_column_privilege('authenticated', c.oid, a.attnum, 'update')
    )
order by c.relname, a.attnum"""

FAR = datetime.now(UTC) + timedelta(days=360)
SET_ASIDE = {
    *("workspace_id", "user_id", "provider_id", "import_id", "credential_id", "project_id"),
    *("budget_id", "channel_id"),
}
STRANGE = "\u202e'\";--%s\\N\t\U0001f4b8"
TEXTS = [
    STRANGE,
    *("\U0001f4b8" * length for length in (20_000, 10_000, 2_000, 500, 320, 300, 255, 200, 100, 50)),
]
MOMENTS = [
    *("infinity", "-infinity", "0044-03-15T00:00:00+00:00 BC", "20000-01-01T00:00:00Z"),
    *("2020-01-01T00:00:00Z", "2100-01-01T00:00:00Z", "2099-12-31T23:59:59.999999Z"),
    f"{FAR:%Y-%m-%dT00:00:00Z}",
]
DAYS = ["infinity", "-infinity", "5874897-12-31", "4713-01-01 BC", "2020-01-01", "2099-12-31", "2100-01-01"]
AMOUNTS = [
    *("NaN", "Infinity", "-Infinity", "1e400", "-99999999.9999999999", "99999999.9999999999"),
    *("1000000", "100", "0.0000000001", "0"),
]
COUNTS = [2**63 - 1, -(2**63), 10**15, 2**31 - 1, 31, 1, 0]
OBJECTS: list[Any] = [
    *({"note": "x" * length} for length in (1_048_000, 65_000, 8_000)),
    {"cursors": 5, "balance_usd": "x", "import_id": "nonsense", "organization": ["x"], "account": {"a": 1}},
    {"cursors": {"costs": "never"}, "sample": "yes", "model_alias": [], "price": "x", "renewals_usd": "x"},
    {"estimate": {"price": "NaN"}, "fx": {"rate": "x"}, "note": {STRANGE: [[]]}},
    ["x" * 1_000_000],
    [None, 5, {"line": "x", "reason": []}],
    "text",
]
# Values of columns that take a few.
CHOICES: dict[str, list[Any]] = {
    "charge_type": ["tax", "adjustment", "credit", "subscription"],
    "collection_method": ["api_automated", "otlp"],
    "cost_basis": ["included", "estimated"],
    "currency": ["JPY"],
    "day": ["2026-05-01"],
    "default_date_range": ["7d", "30d", "90d", "month", "year", "all"],
    "file_sha256": ["f" * 64],
    "interval": ["year"],
    "kind": ["machine", "connection", "forecast", "actual"],
    "measure": ["tokens"],
    "period": ["day", "week", "quarter"],
    "status": ["failed", "running"],
    "theme": ["dark", "light"],
    "timezone": ["Pacific/Kiritimati", "Asia/Kathmandu", "Pacific/Pago_Pago"],
}
EXTREMES: dict[str, list[Any]] = {
    "text": TEXTS,
    "timestamp with time zone": MOMENTS,
    "date": DAYS,
    "numeric": AMOUNTS,
    "bigint": COUNTS,
    "integer": COUNTS,
    "smallint": COUNTS,
    "boolean": [True, False],
    "jsonb": OBJECTS,
    "uuid": ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"],
    "text[]": [["x" * 100] * 1_000, [None]],
}
GREATEST = {
    "tokens_used": 10**15,
    "input_tokens": 10**15,
    "output_tokens": 10**15,
    "cached_input_tokens": 10**15,
    "cache_write_tokens": 10**15,
    "reasoning_tokens": 10**15,
    "request_count": 10**15,
    "cost_usd": "99999999.9999999999",
}


class Api:
    """A person's requests to the API."""

    def __init__(self, stack: Stack, person: Person) -> None:
        settings = stack.settings()
        headers = {"apikey": settings["SUPABASE_PUBLISHABLE_KEY"], "Authorization": f"Bearer {person.token}"}
        self.http = httpx.Client(base_url=f"{settings['SUPABASE_URL']}/rest/v1/", headers=headers, timeout=60)
        self.accepted: Counter[tuple[str, str]] = Counter()
        self.failed: list[str] = []

    def write(self, method: str, table: str, column: str, body: Any, query: str = "") -> bool:
        """Send a row or a change; counts what was accepted and notes what is no refusal of the caller's."""
        answer = self.http.request(method, f"{table}{query}", json=body)
        if answer.is_success:
            self.accepted[table, column] += 1
        elif answer.status_code >= 500 or '"code":"XX' in answer.text:
            self.failed.append(f"{method} {table}.{column}: {answer.status_code} {answer.text[:200]}")
        return answer.is_success


def write_extremes(api: Api, operator: Connection, user: UUID) -> None:
    """Write a row with each extreme of each column, and change a row to each; forecasts end switched on."""
    api.http.post(
        "rpc/ensure_months", json={"months": ["2020-01-01", FAR.date().isoformat()]}
    ).raise_for_status()
    provider = operator.execute("select id from public.providers where name = 'openai'").fetchone()
    assert provider is not None
    for table, column, kind, is_inserted, is_changed in operator.execute(WRITABLE).fetchall():
        if column in SET_ASIDE:
            continue
        key = "user_id" if table == "user_preferences" else "workspace_id"
        for value in [*EXTREMES[kind], *CHOICES.get(column, [])]:
            is_accepted = False
            if is_inserted and table != "user_preferences":
                row = another_row(operator, table, user) | {column: value}
                is_accepted = api.write("POST", table, column, as_json(row))
            if is_changed:
                changed = f"?{key}=eq.{user}{one_row(operator, table, user)}"
                is_accepted |= api.write("PATCH", table, column, {column: value}, changed)
            if is_accepted and value in TEXTS[1:]:
                break  # the longest
    api.write(
        "PATCH", "user_preferences", "forecast_enabled", {"forecast_enabled": True}, f"?user_id=eq.{user}"
    )


def one_row(operator: Connection, table: str, user: UUID) -> str:
    """The condition of one of the account's rows, where a table has several."""
    if table == "user_preferences":
        return ""
    key, order = ("budget_id", "1") if table == "budget_channels" else ("id", "created_at desc, id")
    query = f"select {key} from public.{table} where workspace_id = %s order by {order} limit 1"
    found = operator.execute(query.encode(), [user]).fetchone()
    return f"&{key}=eq.{found[0] if found else user}"


def as_json(row: dict[str, Any]) -> dict[str, Any]:
    """A row as the API takes it."""
    plain = (str, int, float, bool, dict, list, type(None))
    return {name: value if isinstance(value, plain) else str(value) for name, value in row.items()}


def write_extreme_days(api: Api, user: UUID, provider: UUID, today: date) -> None:
    """Several records with the greatest figures on one day: a new model, in one request of many rows."""
    base = {"workspace_id": str(user), "user_id": str(user), "provider_id": str(provider)}
    rows = [record | base for record in _extreme_records(today)]
    assert api.write("POST", "cost_records", "*", rows), api.failed


def _extreme_records(today: date) -> Iterator[dict[str, Any]]:
    for days_ago in (1, 2, 3):
        day = (today - timedelta(days=days_ago)).isoformat()
        for hour in range(12):
            usual = {"timestamp": f"{day}T{hour:02}:00:00Z", "model_name": "wild", "source_key": str(uuid4())}
            yield usual | GREATEST | {"charge_type": "usage", "cost_basis": "billed", "day": None}
            yield (
                usual
                | GREATEST
                | {
                    "source_key": str(uuid4()),
                    "charge_type": "credit",
                    "cost_basis": "billed",
                    "day": None,
                    "cost_usd": "-0.0000000001",
                }
            )
