"""Monthly limits of accounts, a setting of earlier migrations, become budgets."""

import json
from decimal import Decimal
from typing import Any

import pytest

from tests.database.cluster import MIGRATIONS
from tests.database_fixtures import Connection, add_user

MIGRATION = (MIGRATIONS / "068_monthly_limits.sql").read_text(encoding="utf-8")


@pytest.mark.new_database
def test_each_limit_becomes_a_budget_as_it_was_typed(database: Connection) -> None:
    database.execute("alter table public.user_preferences add column monthly_limit_usd numeric(18, 10)")
    typed: list[tuple[str | None, Any, str, str]] = [
        ("108.5", {"amount": "100", "currency": "EUR"}, "100", "EUR"),
        ("50", {}, "50", "USD"),
        ("50", {"amount": "1,000.50", "currency": "EUR"}, "50", "USD"),
        ("50", {"amount": "0.00", "currency": "EUR"}, "50", "USD"),
        ("50", {"amount": "300", "currency": "HRK"}, "50", "USD"),
        ("50", "x", "50", "USD"),
    ]
    users = [add_user(database) for _ in typed]
    without = add_user(database)
    for user, (limit, metadata, _, _) in zip(users, typed, strict=True):
        database.execute(
            "update public.user_preferences set monthly_limit_usd = %s, metadata = %s where user_id = %s",
            [limit, json.dumps({"monthly_limit": metadata}), user],
        )
    for _ in range(2):
        database.execute(MIGRATION.encode())
    rows = database.execute(
        """select b.workspace_id, b.created_by, b.amount, b.currency, b.period,
            array_agg(t.kind || ' ' || t.percent order by t.kind, t.percent)
        from public.budgets as b inner join public.budget_thresholds as t on t.budget_id = b.id
        group by b.id"""
    ).fetchall()
    thresholds = ["actual 80", "actual 100", "forecast 100"]
    expected = {
        user: (Decimal(amount), currency) for user, (_, _, amount, currency) in zip(users, typed, strict=True)
    }
    assert {row[0]: row[2:4] for row in rows} == expected
    assert {(row[0] == row[1], row[4], tuple(row[5])) for row in rows} == {(True, "month", tuple(thresholds))}
    assert without not in expected
    columns = "select from pg_attribute where attname = 'monthly_limit_usd' and not attisdropped"
    assert database.execute(columns).fetchall() == []
