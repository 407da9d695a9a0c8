"""Cost per request: one figure on Overview, Explore and Models, of the same calls."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from app.data.daily_costs import parse_daily
from app.figures.spend import Spend, calculate_spend
from tests.database.teams import Person, make_team
from tests.database.test_model_performance import Row, ask, made
from tests.database_fixtures import Connection, Project

DAY = date(2026, 5, 4)
FAILED: Row = {"cost_usd": None, "tokens_used": 0, "input_tokens": 0, "output_tokens": 0}


@pytest.fixture
def owner(project: Project, database: Connection) -> Person:
    """The owner of a workspace."""
    return make_team(project, database, "owner")["owner"]


def call(seconds: int, status: str = "ok", **changes: Any) -> Row:
    """A record of one request."""
    return made(seconds, told={"status": status}, request_count=1, **changes)


def on_overview(owner: Person) -> Spend:
    """What the Overview says of the day."""
    columns = owner.ask("daily_costs", from_date=DAY, to_date=DAY)
    return calculate_spend(parse_daily(columns))


def on_explore(owner: Person, *by: str) -> tuple[Decimal, int]:
    """Cost per request of the day and the records without a price, from sums of days or from records."""
    query = "select public.explore_costs(%s, 'cost_per_request', %s::text[], '{}', %s, %s)"
    [[answer]] = owner.connection.execute(query, [owner.workspace, list(by), DAY, DAY]).fetchall()
    return Decimal(answer["total"]["value"]), answer["total"]["unpriced_records"]


def on_models(owner: Person) -> tuple[Decimal, int]:
    """Cost per request of the only model, and its requests without a price."""
    [row] = ask(owner)["models"]
    return Decimal(row["cost_usd"]) / row["priced"], row["unpriced"]


@pytest.mark.parametrize("status", ["error", "timeout", "rate_limited"])
def test_a_failed_request_without_tokens_counts_and_costs_nothing_everywhere(
    owner: Person, database: Connection, status: str
) -> None:
    owner.save(None, call(1), call(2), call(3), call(4, status, **FAILED))
    expected = (Decimal("0.375"), 0)
    for _ in ("stale", "folded"):
        found = on_overview(owner)
        assert (found.cost_per_request, found.unpriced_records) == expected
        assert on_explore(owner) == on_explore(owner, "agent") == on_models(owner) == expected
        database.execute("select public.fold_stale_days()")
    database.execute("select public.refresh_cost_records_daily(false)")
    assert on_overview(owner).cost_per_request == on_explore(owner)[0] == expected[0]


def test_a_request_that_tells_no_usage_has_no_price_anywhere(owner: Person) -> None:
    """A stream without its usage cost something that nobody told."""
    owner.save(None, call(1), call(2, **FAILED))
    found = on_overview(owner)
    assert (found.cost_per_request, found.unpriced_records) == (None, 1)
    assert on_models(owner) == (Decimal("0.5"), 1)


def test_a_failed_request_that_told_tokens_has_no_price(owner: Person) -> None:
    owner.save(None, call(1), call(2, "error", cost_usd=None))
    assert on_overview(owner).unpriced_records == 1
    assert on_models(owner) == (Decimal("0.5"), 1)


def test_models_without_a_price_are_none_that_only_failed(owner: Person) -> None:
    owner.save(None, call(1, "error", **FAILED), call(2, model="unknown", cost_usd=None))
    found = owner.connection.execute("select model_name from public.unpriced_models(%s)", [owner.workspace])
    assert found.fetchall() == [("unknown",)]


def test_a_failed_request_whose_tokens_another_statement_tells_costs_nothing_everywhere(
    owner: Person, database: Connection
) -> None:
    """Days add it up without tokens, and so do those who read its record."""
    told = {"status": "error"}
    failed = made(2, told=told, cost_usd=None, metadata={"inference": told, "agent": "codex"})
    owner.save(None, call(1), failed)
    database.execute("update public.cost_records set tokens_are_effective = false where cost_usd is null")
    assert on_overview(owner).unpriced_records == on_explore(owner)[1] == on_explore(owner, "agent")[1] == 0
    assert owner.ask("sum_records", chosen={})["unpriced"] == 0  # from days
    assert owner.ask("sum_records", chosen={"method": "otlp"})["unpriced"] == 0  # from records
    query = "select public.agent_days(%s, %s::text[], %s, %s) -> 'days' -> 0 ->> 'unpriced'"
    assert owner.connection.execute(query, [owner.workspace, ["codex"], DAY, DAY]).fetchall() == [("0",)]
    assert owner.connection.execute(
        "select count(*) from public.unpriced_models(%s)", [owner.workspace]
    ).fetchall() == [(0,)]
