"""A bill is compared with the estimate of the same days; taxes and credits are no difference."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from tally.alerts.bills import compare
from tally.alerts.evaluation import evaluate_rules
from tally.ledger.statements import Statement
from tests.database_fixtures import Connection, make_months
from tests.every_case import every_case

DAY = date(2026, 10, 14)
NOW = datetime(2026, 11, 5, 12, tzinfo=UTC)


def state(basis: str, usd: str | None, dataset: str, **values: Any) -> Statement:
    cost = None if usd is None else Decimal(usd)
    return Statement(
        values.pop("day", DAY), "openai:acme", "gpt-5", dataset, basis, cost, tokens=100, **values
    )


@every_case(
    [
        ([], (12, 10)),
        ([state("billed", "3", "bill", charge_type="tax")], (12, 10)),
        ([state("billed", "-5", "bill", charge_type="credit")], (12, 10)),
        ([state("billed", "7", "bill", day=date(2026, 10, 15))], (12, 10)),
        ([state("estimated", "7", "requests", day=date(2026, 10, 15))], (12, 10)),
        ([state("estimated", None, "requests", unpriced_records=1)], (0, 0)),
        ([state("billed", "50", "old bill", is_effective=False)], (12, 10)),
    ]
)
def test_days_with_both_are_compared(others: list[Statement], amounts: tuple[int, int]) -> None:
    both = [state("billed", "12", "bill", money_is_effective=True), state("estimated", "10", "requests")]
    assert compare([*both, *others]) == tuple(map(Decimal, amounts))


def add_day(database: Connection, user: UUID, billed: str, estimated: str) -> None:
    """A day of an account as its bill and its logs report it."""
    make_months(database, DAY)
    for basis, dataset, usd, method in (
        ("billed", "costs", billed, "api_automated"),
        ("estimated", "requests", estimated, "local_log"),
    ):
        source = uuid4()
        database.execute(
            """insert into public.imports (id, workspace_id, user_id, kind, filename, format, file_sha256)
            values (%s, %s, %s, 'file', %s, 'f', repeat('0', 64))""",
            [source, user, user, dataset],
        )
        database.execute(
            """insert into public.cost_records
                (workspace_id, user_id, provider_id, import_id, timestamp, day, model_name, cost_usd,
                tokens_used, input_tokens, cost_basis, billing_account, dataset, collection_method)
            select %s, %s, p.id, %s, %s, %s, 'gpt-5', %s, 100, 100, %s, 'openai:acme', %s, %s
            from public.providers as p where p.name = 'openai'""",
            [
                user,
                user,
                source,
                f"{DAY} 12:00Z",
                None if basis == "estimated" else DAY,
                usd,
                basis,
                dataset,
                method,
            ],
        )


@pytest.mark.parametrize(
    ("billed", "estimated", "raised"), [("12", "10", 1), ("8", "10", 1), ("11", "10", 0), ("1.5", "1", 0)]
)
def test_bill_that_differs_by_more_than_the_share_is_raised_once(
    database: Connection, user: UUID, billed: str, estimated: str, raised: int
) -> None:
    add_day(database, user, billed, estimated)
    assert evaluate_rules(database, now=NOW).raised == raised
    assert evaluate_rules(database, now=NOW).raised == 0
    found = database.execute(
        """select subject, period_start::text, facts ->> 'billed', facts ->> 'provider'
        from public.alert_events"""
    ).fetchall()
    expected = [("openai:acme", "2026-10-01", f"{Decimal(billed):.10f}", "OpenAI")]
    assert found == (expected if raised else [])


def test_bill_is_awaited_until_the_third_of_the_month(database: Connection, user: UUID) -> None:
    add_day(database, user, "20", "10")
    assert evaluate_rules(database, now=datetime(2026, 11, 2, tzinfo=UTC)).raised == 0
    assert evaluate_rules(database, now=datetime(2026, 11, 3, tzinfo=UTC)).raised == 1
