"""Alerts of prepaid credits: their end is told in time and once, expiry before it comes."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from tally.alerts.evaluation import evaluate_rules
from tests.database_fixtures import Connection, make_months
from tests.tally.alerts.test_evaluation import events, tell

Act = Callable[[UUID], Connection]


@pytest.fixture
def today() -> date:
    return datetime.now(UTC).date()


def buy(person: Connection, day: date, amount: str, expires: date | None = None) -> None:
    """Save a receipt of credits."""
    invoice = {
        "provider": "openai",
        "seller": "OpenAI",
        "number": f"{day} {amount}",
        "kind": "credits",
        "issued_on": str(day),
        "currency": "USD",
        "subtotal": amount,
        "discount": "0",
        "tax": "0",
        "total": amount,
        "usd_rate": "1",
        "expires_on": expires and str(expires),
        "lines": [{"description": "Credits", "amount": amount}],
    }
    person.execute("select public.save_invoice(null, %s)", [json.dumps(invoice)])


def use(database: Connection, user: UUID, today: date, days: int, usd: Decimal) -> None:
    """Usage of the last days."""
    make_months(database, str(today - timedelta(days=days)), str(today))
    database.execute(
        """insert into public.cost_records
            (workspace_id, user_id, provider_id, timestamp, model_name, cost_usd, source_key)
        select %s, %s, p.id, (%s::date - n)::timestamp at time zone 'UTC' + interval '12 hours', 'gpt-5', %s,
            gen_random_uuid()
        from public.providers as p, generate_series(1, %s) as n where p.name = 'openai'""",
        [user, user, today, usd, days],
    )


def test_end_of_credits_is_told_days_ahead_and_once(
    database: Connection, as_user: Act, user: UUID, today: date
) -> None:
    buy(as_user(user), today - timedelta(days=20), "240")
    use(database, user, today, 20, Decimal(10))
    assert evaluate_rules(database).raised == 1
    assert events(database, user) == [("credits", "openai:end", 20, "open")]
    assert tell(database, user).startswith("Prepaid credits of OpenAI end on ")
    assert evaluate_rules(database).raised == 0
    buy(as_user(user), today - timedelta(days=1), "1000")
    assert evaluate_rules(database).raised == 0


def test_credits_that_last_longer_than_wanted_raise_nothing(
    database: Connection, as_user: Act, user: UUID, today: date
) -> None:
    buy(as_user(user), today - timedelta(days=20), "300")
    use(database, user, today, 20, Decimal(10))
    assert evaluate_rules(database).raised == 0
    as_user(user).execute("select public.set_alert_rules(%s, %s)", [user, '{"credit_days": 30}'])
    assert evaluate_rules(database).raised == 1


def test_unused_credits_are_told_before_they_expire(
    database: Connection, as_user: Act, user: UUID, today: date
) -> None:
    person = as_user(user)
    buy(person, today - timedelta(days=300), "50", today + timedelta(days=14))
    buy(person, today - timedelta(days=300), "60", today + timedelta(days=16))
    assert evaluate_rules(database).raised == 1
    assert events(database, user) == [("credits", "openai:expiry", -14, "open")]
    assert tell(database, user).endswith("$50.00 of them is not used yet.")


def test_credits_used_up_long_ago_are_history_and_can_be_switched_off(
    database: Connection, as_user: Act, user: UUID, stranger: UUID, today: date
) -> None:
    for person in (user, stranger):
        buy(as_user(person), today - timedelta(days=80), "5")
        use(database, person, today, 10, Decimal(10))
    as_user(stranger).execute("select public.set_alert_rules(%s, %s)", [stranger, '{"credits": false}'])
    assert evaluate_rules(database).raised == 0
    assert events(database, user) == [("credits", "openai:end", 80, "late")]
    assert events(database, stranger) == []
