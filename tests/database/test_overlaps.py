"""Money is counted once: a bill supersedes the estimates on its days until it is removed."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.database_fixtures import Connection, Project, add_user, wait_for_lock

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def usage(cost: str | None, day: int = 0, account: str = "openai", hour: int = 0) -> dict[str, Any]:
    """An estimated record; with an hour it is a bucket of its own, else the whole day."""
    return (
        record(cost, day, account, "estimated")
        | ({"day": None} if hour else {})
        | ({"timestamp": (NOON + timedelta(days=day, hours=hour)).isoformat()} if hour else {})
    )


def bill(cost: str, day: int = 0, account: str = "openai") -> dict[str, Any]:
    """A billed record of a whole day."""
    return record(cost, day, account, "billed")


def record(cost: str | None, day: int, account: str, basis: str) -> dict[str, Any]:
    at = NOON + timedelta(days=day)
    return {
        "provider": "openai",
        "timestamp": at.isoformat(),
        "model_name": "gpt-5",
        "cost_usd": cost,
        "cost_basis": basis,
        "source_key": str(uuid4()),
        "day": at.date().isoformat(),
        "billing_account": account,
    }


def save(
    person: psycopg.Connection[Any], *records: dict[str, Any], import_id: object = None
) -> dict[str, Any]:
    row = person.execute(
        "select public.save_cost_records(%s, %s)", [import_id, json.dumps(records)]
    ).fetchone()
    assert row is not None
    answer: dict[str, Any] = row[0]
    return answer


def new_import(person: psycopg.Connection[Any]) -> object:
    row = person.execute(
        "insert into public.imports (filename, format, file_sha256) values ('f', 'f', %s) returning id",
        ["0" * 64],
    ).fetchone()
    assert row is not None
    return row[0]


def spent(person: psycopg.Connection[Any]) -> Decimal:
    row = person.execute("select sum(cost_usd) from public.effective_records").fetchone()
    assert row is not None
    return row[0] or Decimal(0)


def unpriced(person: psycopg.Connection[Any]) -> int:
    """The number of effective records without a price."""
    row = person.execute("select count(*) from public.effective_records where cost_usd is null").fetchone()
    assert row is not None
    return int(row[0])


@pytest.fixture
def person(project: Project) -> psycopg.Connection[Any]:
    with project.connect() as operator:
        return project.act_as("authenticated", add_user(operator))


@pytest.mark.parametrize("bill_first", [True, False])
def test_bill_and_estimate_of_one_day_are_counted_once(
    person: psycopg.Connection[Any], bill_first: bool
) -> None:
    for records in ([bill("3.20")], [usage("1.50"), usage("2.50", hour=9)])[:: 1 if bill_first else -1]:
        save(person, *records)
    assert spent(person) == Decimal("3.20")


def test_estimates_of_other_days_and_accounts_keep_their_money(person: psycopg.Connection[Any]) -> None:
    save(person, bill("3"), usage("1", day=1), usage("1", day=-1), usage("1", account="openai:second"))
    assert spent(person) == 6


def test_undoing_the_bill_gives_the_estimates_their_money_back(person: psycopg.Connection[Any]) -> None:
    save(person, usage("1.50"), usage(None))
    of_bill = new_import(person)
    save(person, bill("3.20"), import_id=of_bill)
    assert unpriced(person) == 0
    person.execute("delete from public.imports where id = %s", [of_bill])
    assert spent(person) == Decimal("1.50")
    assert unpriced(person) == 1


def test_superseded_estimate_imported_again_is_a_duplicate(person: psycopg.Connection[Any]) -> None:
    estimate = usage("1.50")
    save(person, estimate, bill("3.20"))
    assert save(person, estimate) == {"inserted": 0, "duplicate": 1, "restated": 0, "rejected": []}
    restated = save(person, estimate | {"cost_usd": "1.75"})
    assert (restated["restated"], spent(person)) == (1, Decimal("3.20"))
    person.execute("delete from public.cost_records where cost_basis = 'billed'")
    assert spent(person) == Decimal("1.75")


def test_bill_and_estimate_saved_at_the_same_time_are_counted_once(
    project: Project, database: Connection, user: UUID
) -> None:
    first, second = project.act_as("authenticated", user), project.act_as("authenticated", user)
    first.autocommit = False
    save(first, bill("3.20"))
    with ThreadPoolExecutor(1) as other:
        saved = other.submit(save, second, usage("1.50", hour=9))
        wait_for_lock(database, second)
        first.commit()
        assert saved.result(60)["inserted"] == 1
    assert spent(first) == Decimal("3.20")


EVENTS = st.lists(
    st.tuples(st.sampled_from(["bill", "usage"]), st.integers(0, 2), st.integers(1, 9)),
    min_size=1,
    max_size=8,
)


@given(events=EVENTS, undone=st.sets(st.integers(0, 7)), order=st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_totals_do_not_depend_on_the_order_of_imports(
    project: Project, events: list[tuple[str, int, int]], undone: set[int], order: Any
) -> None:
    arrivals = list(enumerate(events))
    order.shuffle(arrivals)
    kept = [event for n, event in enumerate(events) if n not in undone]
    billed_days = {day for kind, day, _ in kept if kind == "bill"}
    expected = sum(dollars for kind, day, dollars in kept if kind == "bill" or day not in billed_days)
    with project.connect() as operator, project.act_as("authenticated", add_user(operator)) as person:
        for n, (kind, day, dollars) in arrivals:
            import_id = new_import(person)
            save(person, (bill if kind == "bill" else usage)(str(dollars), day), import_id=import_id)
            if n in undone:
                person.execute("delete from public.imports where id = %s", [import_id])
        assert spent(person) == expected
