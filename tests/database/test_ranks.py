"""Statements of telemetry on requests: what a statement knows decides, not when it arrives."""

from decimal import Decimal
from itertools import permutations
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.database.test_saving import record, save
from tests.database_fixtures import Connection

KEY = str(uuid4())
LOG = record(
    source_key=KEY,
    request_id="msg_1",
    cost_usd="1",
    cost_basis="estimated",
    input_tokens=900,
    cached_input_tokens=800,
    collection_method="local_log",
)
# The same tokens without their classes are dearer.
OTLP = LOG | {"collection_method": "otlp", "cost_usd": "3", "cached_input_tokens": 0}
DETAILED = OTLP | {"cost_usd": "1.01", "cache_write_tokens": 50, "cached_input_tokens": 750}
UNKNOWN = OTLP | {"cost_usd": None, "input_tokens": 0, "output_tokens": 0}
BILL = LOG | {
    "cost_basis": "billed",
    "collection_method": "api_automated",
    "cost_usd": "2",
    "input_tokens": 0,
}


@pytest.fixture
def person(as_user: Any, user: UUID) -> Connection:
    """A signed-in user."""
    connection: Connection = as_user(user)
    return connection


def add_source(person: Connection, kind: str = "key") -> UUID:
    """A source without a file."""
    query = "insert into public.imports (kind, filename, format) values (%s, %s, 'telemetry') returning id"
    [[source]] = person.execute(query, [kind, str(uuid4())]).fetchall()
    assert isinstance(source, UUID)
    return source


def winner(person: Connection) -> tuple[Any, ...]:
    [found] = person.execute(
        "select cost_usd, input_tokens, collection_method, cost_basis from public.effective_records"
    ).fetchall()
    return tuple(found)


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ((UNKNOWN, LOG), LOG),
        ((LOG, OTLP), OTLP),  # authority is before cache detail: only telemetry has both
        ((OTLP, DETAILED), DETAILED),
        ((UNKNOWN, LOG, DETAILED), DETAILED),
        ((UNKNOWN, BILL), BILL),
    ],
)
def test_the_best_statement_wins_in_any_order(
    person: Connection, statements: tuple[dict[str, Any], ...], expected: dict[str, Any]
) -> None:
    for order in permutations(statements):
        for statement in order:
            save(person, [statement], add_source(person))
        assert [str(value) for value in winner(person)[1:]] == [
            str(expected[name]) for name in ("input_tokens", "collection_method", "cost_basis")
        ]
        assert float(winner(person)[0]) == float(expected["cost_usd"])
        person.execute("delete from public.imports")


@pytest.mark.parametrize("is_one_call", [True, False])
def test_two_instruments_of_one_service_are_one_statement(person: Connection, is_one_call: bool) -> None:
    for order in permutations((UNKNOWN, OTLP, DETAILED)):
        source = add_source(person)
        for batch in [order] if is_one_call else [[statement] for statement in order]:
            save(person, list(batch), source)
        assert winner(person)[:2] == (Decimal("1.01"), 900)
        assert person.execute("select count(*) from public.superseded_records").fetchone() == (0,)
        person.execute("delete from public.imports")
