"""Records of two months, and what must stay the same without them."""

import json
from typing import Any
from uuid import UUID

from tally.archive.stretch import Stretch
from tests.database.test_saving import new_import, record, save
from tests.database_fixtures import Connection

JANUARY = Stretch.of_month("2026-01")
HOSTILE = 'line one\nline "two", with \\ and \t and \u2028 and ﷽'


def fill(person: Connection) -> dict[str, UUID]:
    """Save requests, a bill, unpriced and failed calls, a date, and another source's statements."""
    sources = {name: new_import(person) for name in ("log", "bill", "copy")}
    save(person, [*requests("2026-01"), *requests("2026-02")], sources["log"])
    save(person, bills("2026-01"), sources["bill"])
    save(person, requests("2026-01")[:3], sources["copy"])
    return sources


def requests(month: str) -> list[dict[str, Any]]:
    """Requests of a month: on its first and last instants, unpriced, failed, of odd names."""
    key = f"{month}-"
    rows: list[dict[str, Any]] = [
        record(
            timestamp=f"{month}-{day:02}T{hour:02}:30:00.123456Z",
            request_id=f"{key}{day}-{hour}",
            source_key=str(UUID(int=hash_of(f"{key}{day}-{hour}"))),
            cost_usd=f"0.{day:02}{hour:02}000001",
            cost_basis="estimated",
            billing_account="openai",
            tokens_used=day * 1000 + hour,
            request_count=1,
        )
        for day in (1, 2, 15, 28)
        for hour in (0, 12, 23)
    ]
    return [
        *rows,
        record(timestamp=f"{month}-01T00:00:00Z", source_key=str(UUID(int=hash_of(f"{key}first")))),
        record(
            timestamp=f"{month}-28T23:59:59.999999Z",
            source_key=str(UUID(int=hash_of(f"{key}last"))),
            model_name=HOSTILE,
            metadata={"note": HOSTILE, "empty": "", "deep": [1, {"a": None}]},
        ),
        record(
            timestamp=f"{month}-10T08:00:00Z",
            source_key=str(UUID(int=hash_of(f"{key}unpriced"))),
            cost_usd=None,
            cost_basis="estimated",
        ),
        record(
            timestamp=f"{month}-10T09:00:00Z",
            source_key=str(UUID(int=hash_of(f"{key}failed"))),
            cost_usd=None,
            cost_basis="estimated",
            input_tokens=0,
            output_tokens=0,
            metadata={"inference": {"status": "error"}},
        ),
        record(
            timestamp=f"{month}-20T00:00:00Z",
            day=f"{month}-20",
            source_key=str(UUID(int=hash_of(f"{key}dated"))),
            cost_usd="12345678.0000000001",
            tokens_used=10**15,
        ),
    ]


def bills(month: str) -> list[dict[str, Any]]:
    """A bill that stands in for the estimates of one day."""
    return [
        record(
            timestamp=f"{month}-15T00:00:00Z",
            day=f"{month}-15",
            source_key=str(UUID(int=hash_of(f"{month}-bill"))),
            cost_usd="3.1415926536",
            billing_account="openai",
            dataset="costs",
            collection_method="api_automated",
            input_tokens=0,
            output_tokens=0,
        )
    ]


def hash_of(text: str) -> int:
    """A number for a text, the same in every run."""
    return int.from_bytes(text.encode().ljust(16, b"\0")[:16], "big")


def read_totals(person: Connection) -> dict[str, Any]:
    """All that must be the same with and without the records here."""
    [[workspace]] = person.execute("select (select auth.uid())").fetchall()
    answers: dict[str, Any] = {}
    for split in (None, "project", "person"):
        query = "select public.daily_costs(null, null, null, null, %s)"
        [[columns]] = person.execute(query, [split]).fetchall()
        answers[f"daily costs by {split}"] = sorted(map(str, zip(*columns.values(), strict=True)))
    spent = "select public.get_user_total_spend(%s, '2025-01-01', '2027-01-01')"
    answers["spend"] = person.execute(spent, [workspace]).fetchone()
    top = "select * from public.get_top_models_by_spend(%s, '2025-01-01', '2027-01-01')"
    answers["top models"] = person.execute(top, [workspace]).fetchall()
    answers["names"] = person.execute("select public.model_names()").fetchone()
    answers["sums"] = person.execute("select public.sum_records(%s, '{}')", [workspace]).fetchone()
    return json.loads(json.dumps(answers, default=str))  # type: ignore[no-any-return]


ROWS = {
    table: f"select to_jsonb(r) from public.{table} as r where r.workspace_id = %s order by r.id"
    for table in ("cost_records", "superseded_records")
} | {
    table: f"select to_jsonb(r) from private.{table} as r where r.workspace_id = %s order by r::text"
    for table in ("day_parts", "session_channels", "event_aliases")
}


def read_rows(database: Connection, workspace: UUID) -> dict[str, list[Any]]:
    """All rows of a workspace that an archive takes or leaves, to the last digit."""
    return {table: [row for (row,) in database.execute(query, [workspace])] for table, query in ROWS.items()}
