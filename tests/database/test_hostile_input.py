"""Hostile arguments of any function are refused as the caller's fault and harm nobody else's totals."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.database.access import EXECUTED_BY
from tests.database.test_saving import record, save
from tests.database.truth import add_up, read_daily_costs
from tests.database_fixtures import Connection

Act = Callable[[UUID], Connection]

# Values for each type of argument; a text is a literal of SQL.
HOSTILE = {
    "bigint": ["null", "-1", "9223372036854775807"],
    "boolean": ["null", "true", "false"],
    "date": ["null", "'infinity'", "'-infinity'", "'5874897-12-31'", "'4713-01-01 BC'"],
    "date[]": ["null", "'{}'", "'{NULL,infinity,-infinity}'", "'{5874897-12-31}'", "'{{2026-05-01}}'"],
    "integer": ["null", "-1", "2147483647", "-2147483648"],
    "json": [
        "null", "'null'", "'{}'", "'[]'", "'[null]'", "'[[]]'", "'[1]'", "'[{}]'", "'\"text\"'",
        "(repeat('[', 20000) || repeat(']', 20000))::json",
    ],
    "jsonb": ["null", "'null'", "'{}'", "'[]'", "'[{}]'", "'\"text\"'"],
    "numeric": ["null", "-1", "'NaN'", "'Infinity'", "1e100"],
    "numeric[]": ["null", "'{}'", "'{NULL}'", "'{NaN}'", "'{-1}'", "'{{1}}'"],
    "text": ["null", "''", "repeat('x', 100000)", "'%s %I %L'", "e'\\u0001'", "'''; drop table x; --'"],
    "text[]": ["null", "'{}'", "'{NULL}'", "array_fill('x'::text, array[5000])", "'{{x}}'"],
    "timestamp with time zone": ["null", "'infinity'", "'-infinity'", "'294276-12-31'", "'4713-01-01 BC'"],
    "uuid": ["null", "'00000000-0000-0000-0000-000000000000'", "'{stranger}'"],
    "uuid[]": ["null", "'{}'", "'{NULL}'", "'{{00000000-0000-0000-0000-000000000000}}'"],
}  # fmt: skip
# Of a caller's data, rule, or right; of a limit of the server.
CALLERS_FAULTS = ("22", "23", "42501", "54")

ARGUMENTS = """
select p.proname, string_to_array(oidvectortypes(p.proargtypes), ', ')
from pg_proc as p
where p.pronamespace = 'public'::regnamespace"""

FIELDS: dict[str, list[Any]] = {
    "timestamp": ["infinity", "-infinity", "nonsense", "294276-12-31", None],
    "day": ["infinity", "-infinity", "5874897-12-31", "0001-01-01 BC", "2019-12-31"],
    "cost_usd": ["NaN", "Infinity", "-Infinity", "-1", "1e9", "1e400", {}, True],
    "model_name": ["", "x" * 201, None],
    "input_tokens": [-1, 10**15 + 1, 10**19, 1.5, "NaN"],
    "tokens_used": [-1, 10**15 + 1],
    "request_count": [-1, 10**15 + 1],
    "source_key": ["nonsense", ""],
    "request_id": ["", "x" * 301],
    "billing_account": ["", "x" * 201],
    "dataset": ["", "x" * 101],
    "project_id": ["00000000-0000-0000-0000-000000000000", "nonsense"],
    "provider": [None, "", "nobody", "x" * 10**5],
    "cost_basis": ["free", ""],
    "charge_type": ["gift"],
    "collection_method": ["guess"],
    "metadata": [[], "text", {"x": "y" * 9000}],
}  # fmt: skip


def find_fault(act: Callable[[], object]) -> str:
    """The error that an action ends in, unless it is the caller's fault."""
    try:
        act()
    except psycopg.Error as error:
        state = str(error.sqlstate)
        return "" if state.startswith(CALLERS_FAULTS) else f"{state} {error}"
    return ""


def test_hostile_arguments_are_the_callers_fault(
    database: Connection, as_user: Act, service: Connection, user: UUID, stranger: UUID
) -> None:
    person, other = as_user(user), as_user(stranger)
    save(other, [record()])
    before = read_daily_costs(other)
    for name, types in database.execute(ARGUMENTS).fetchall():
        caller = person if "authenticated" in EXECUTED_BY[name] else service
        for place, kind in enumerate(types):
            for value in HOSTILE[kind]:
                arguments = [f"null::{each}" for each in types]
                arguments[place] = f"{value}::{kind}".replace("{stranger}", str(stranger))
                query = f"select * from public.{name}({', '.join(arguments)})"
                assert find_fault(partial(execute_and_undo, caller, query)) == "", query[:200]
    assert read_daily_costs(other) == before == add_up(other)


def execute_and_undo(person: Connection, query: str) -> None:
    with person.transaction(force_rollback=True):
        person.execute(query.encode())


@pytest.mark.parametrize("field", FIELDS)
def test_a_hostile_field_is_refused(database: Connection, as_user: Act, user: UUID, field: str) -> None:
    person = as_user(user)
    for value in FIELDS[field]:
        hostile = record(cost_basis="estimated") | {field: value}
        assert find_fault(partial(save, person, [hostile])) == "", value
    assert database.execute("select count(*) from public.cost_records").fetchone() == (0,)


def test_harmless_fields_are_kept(as_user: Act, user: UUID) -> None:
    person = as_user(user)
    first = record(timestamp="2020-01-01T00:00:00-14:00", cost_usd="0.00000000001")
    unpriced = record(timestamp="2026-05-01T00:00Z", cost_usd=None, cost_basis="estimated", metadata=None)
    assert save(person, [first, unpriced])["inserted"] == 2
    assert read_daily_costs(person) == add_up(person)
