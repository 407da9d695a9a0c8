"""Results and access rights of get_user_total_spend and get_top_models_by_spend."""

from collections.abc import Callable
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest

from tests.database.test_saving import record, save
from tests.database_fixtures import Connection, Project

Act = Callable[[UUID], Connection]
MAY = ("2026-05-01T00:00Z", "2026-06-01T00:00Z")


@pytest.fixture
def spender(as_user: Act, user: UUID) -> Connection:
    """A user who spent 7.5 in May: 6 on large, 1.5 on small."""
    person = as_user(user)
    records = [
        record(timestamp=MAY[0], cost_usd="2", model_name="large", request_count=1),
        record(timestamp="2026-05-31T23:59:59.999999Z", cost_usd="4", model_name="large", request_count=2),
        record(timestamp="2026-05-15T12:00Z", cost_usd="1.5", model_name="small", provider="anthropic"),
        record(timestamp="2026-05-15T12:00Z", cost_usd="100", cost_basis="included", model_name="large"),
        record(timestamp="2026-05-15T12:00Z", cost_usd=None, cost_basis="estimated", model_name="odd"),
        record(timestamp="2026-04-30T23:59:59Z", cost_usd="1000"),
        record(timestamp=MAY[1], cost_usd="1000"),
    ]
    assert save(person, records)["inserted"] == 7
    return person


def total(connection: Connection, user_id: UUID | None, start: str = MAY[0], end: str = MAY[1]) -> Decimal:
    found = connection.execute(
        'select public.get_user_total_spend(user_id => %s, start => %s, "end" => %s)', [user_id, start, end]
    ).fetchone()
    assert found is not None
    amount: Decimal = found[0]
    return amount


def top_models(connection: Connection, user_id: UUID, limit: int) -> list[tuple[object, ...]]:
    return connection.execute(
        """select * from public.get_top_models_by_spend(
            user_id => %s, start => %s, "end" => %s, "limit" => %s)""",
        [user_id, *MAY, limit],
    ).fetchall()


def test_total_takes_the_start_and_leaves_the_end_and_what_is_included(
    spender: Connection, user: UUID
) -> None:
    assert total(spender, user) == Decimal("7.5")


def test_total_of_nothing_is_zero(spender: Connection, user: UUID) -> None:
    assert total(spender, user, "2025-01-01", "2025-02-01") == 0


def test_service_and_job_may_ask_about_anyone(
    spender: Connection, service: Connection, database: Connection, user: UUID
) -> None:
    assert total(service, user) == total(database, user) == total(spender, user)
    assert top_models(service, user, 5) == top_models(spender, user, 5)


def test_no_one_else_may_ask(
    spender: Connection, as_user: Act, project: Project, user: UUID, stranger: UUID
) -> None:
    with project.act_as("authenticated") as nobody, project.connect("authenticator") as claimless:
        claimless.execute("set role authenticated")
        for connection in (as_user(stranger), nobody, claimless):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="your own spend"):
                total(connection, user)
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="your own spend"):
                top_models(connection, user, 5)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        total(spender, None)


def test_top_models_come_dearest_first_with_their_share(spender: Connection, user: UUID) -> None:
    assert top_models(spender, user, 2) == [
        ("large", "openai", Decimal(6), 30, 3, Decimal("80.0000")),
        ("small", "anthropic", Decimal("1.5"), 15, 0, Decimal("20.0000")),
    ]
    assert top_models(spender, user, 10)[2][:3] == ("odd", "openai", Decimal(0))
    assert top_models(spender, user, 0) == top_models(spender, user, -5) == []
