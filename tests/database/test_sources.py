"""Several sources on the same events: each event counts once, and a removed source leaves no trace."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from random import Random
from typing import Any
from uuid import UUID, uuid5

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.database.truth import add_up, read_daily_costs
from tests.database_fixtures import Connection, Project, add_user, wait_for_lock

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
NAMES = UUID("0b0e8a5c-7c0a-4f6e-9d57-9d1f2f6f3f10")


@dataclass(frozen=True)
class Statement:
    """One source's statement on one event."""

    event: str
    cost: str | None = "1"
    tokens: int = 10
    model: str = "gpt-5"
    basis: str = "estimated"
    method: str = "local_log"
    dataset: str | None = None
    account: str | None = "openai"
    request: bool = False
    minutes: int = 0
    day: bool = False
    other_name: bool = False
    provider: str = "openai"

    def to_json(self) -> dict[str, Any]:
        """The record as a caller sends it."""
        return {
            "provider": self.provider,
            "timestamp": (NOON + timedelta(minutes=self.minutes)).isoformat(),
            "model_name": self.model,
            "cost_usd": self.cost,
            "cost_basis": self.basis,
            "collection_method": self.method,
            "input_tokens": self.tokens,
            "source_key": str(uuid5(NAMES, self.event)),
            "billing_account": self.account,
            "dataset": self.dataset,
            "request_id": self.event if self.request else None,
            "billed_under_other_name": self.other_name,
            "day": NOON.date().isoformat() if self.day else None,
        }


def save(person: Connection, source: UUID | None, *statements: Statement) -> dict[str, Any]:
    """Call the function and return its answer."""
    found = person.execute(
        "select public.save_cost_records(%s, %s)",
        [source, json.dumps([statement.to_json() for statement in statements])],
    ).fetchone()
    assert found is not None
    answer: dict[str, Any] = found[0]
    return answer


def new_source(person: Connection, kind: str = "file", name: str = "f") -> UUID:
    """A source of the caller."""
    query = """insert into public.imports (kind, filename, format, file_sha256)
        values (%s, %s, 'f', %s) returning id"""
    found = person.execute(query, [kind, name, "0" * 64]).fetchone()
    assert found is not None
    source: UUID = found[0]
    return source


def delete_source(person: Connection, source: UUID) -> None:
    """Delete a source."""
    assert person.execute("select public.delete_source(%s)", [source]).fetchone() == (True,)


def set_enabled(person: Connection, source: UUID, is_enabled: bool) -> None:
    """Enable or disable a source."""
    person.execute("select public.set_source_enabled(%s, %s)", [source, is_enabled])


def totals(person: Connection) -> tuple[Decimal, int, int]:
    """Effective money, tokens and rows."""
    found = person.execute(
        """select coalesce(sum(cost_usd) filter (where cost_basis <> 'included'), 0),
            coalesce(sum(tokens_used), 0), count(*)
        from public.effective_records"""
    ).fetchone()
    assert found is not None
    return Decimal(found[0]), int(found[1]), int(found[2])


@pytest.fixture
def person(project: Project) -> Connection:
    """A signed-in user."""
    with project.connect() as operator:
        return project.act_as("authenticated", add_user(operator))


def test_source_is_changed_directly_as_by_its_functions(person: Connection) -> None:
    file = new_source(person)
    save(person, file, Statement("a"))
    set_enabled(person, file, is_enabled=False)
    set_enabled(person, file, is_enabled=False)
    assert totals(person) == (Decimal(0), 0, 0)
    person.execute("update public.imports set is_enabled = true")
    assert totals(person) == (Decimal(1), 10, 1)
    person.execute("delete from public.imports")
    assert totals(person) == (Decimal(0), 0, 0)


def test_source_of_another_user_is_left_alone(project: Project, person: Connection) -> None:
    file = new_source(person)
    save(person, file, Statement("a"))
    with project.connect() as operator, project.act_as("authenticated", add_user(operator)) as stranger:
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="no longer exists"):
            set_enabled(stranger, file, is_enabled=False)
        assert stranger.execute("select public.delete_source(%s)", [file]).fetchone() == (False,)
    with pytest.raises(psycopg.Error, match="whether the source is in the totals"):
        person.execute("select public.set_source_enabled(%s, null)", [file])
    assert totals(person) == (Decimal(1), 10, 1)


def test_request_from_log_file_and_api_is_one_record(person: Connection) -> None:
    log, file, connection = (
        new_source(person, "machine"),
        new_source(person),
        new_source(person, "connection"),
    )
    statement = Statement("msg_1", "0.9", request=True)
    assert save(person, log, statement)["inserted"] == 1
    in_file = replace(statement, cost="1.1", basis="billed", method="csv_import", minutes=3)
    assert save(person, file, in_file) == {"inserted": 0, "duplicate": 1, "restated": 1, "rejected": []}
    in_api = replace(statement, cost="1.2", basis="billed", method="api_automated", minutes=7)
    assert save(person, connection, in_api)["restated"] == 1
    assert totals(person) == (Decimal("1.2"), 10, 1)
    delete_source(person, connection)
    assert totals(person) == (Decimal("1.1"), 10, 1)
    delete_source(person, file)
    assert totals(person) == (Decimal("0.9"), 10, 1)
    delete_source(person, log)
    assert totals(person) == (Decimal(0), 0, 0)


def test_a_line_that_a_source_reports_at_two_times_is_two_events(person: Connection) -> None:
    file, better = new_source(person), new_source(person)
    lines = [Statement("a", account=None, minutes=minutes) for minutes in (0, 5)]
    save(person, file, *lines)
    set_enabled(person, file, is_enabled=False)
    assert totals(person) == (Decimal(0), 0, 0)
    set_enabled(person, file, is_enabled=True)
    assert totals(person) == (Decimal(2), 20, 2)
    save(person, better, *(replace(line, cost="3") for line in lines))
    assert totals(person) == (Decimal(6), 20, 2)
    delete_source(person, better)
    assert totals(person) == (Decimal(2), 20, 2)


@pytest.mark.parametrize("is_enabled", [True, False])
def test_a_known_line_that_comes_at_another_time_too_is_added(person: Connection, is_enabled: bool) -> None:
    file = new_source(person)
    line = Statement("a", account=None)
    save(person, file, line)
    set_enabled(person, file, is_enabled)
    save(person, file, line, replace(line, minutes=5))
    set_enabled(person, file, is_enabled=True)
    assert totals(person) == (Decimal(2), 20, 2)


def test_a_dated_line_stays_one_event_in_every_time_zone(person: Connection) -> None:
    file, newer = new_source(person), new_source(person)
    line = Statement("a", account=None, day=True)
    save(person, newer, line)
    set_enabled(person, newer, is_enabled=False)
    person.execute("update public.user_preferences set timezone = 'Pacific/Kiritimati'")
    assert save(person, newer, replace(line, cost="2"))["inserted"] == 0
    save(person, file, line)
    set_enabled(person, newer, is_enabled=True)
    assert totals(person) == (Decimal(2), 10, 1)


def test_the_same_log_copied_to_two_machines_counts_once(person: Connection) -> None:
    first, second = new_source(person, "machine", "desk"), new_source(person, "machine", "laptop")
    statements = [Statement(f"msg_{n}", request=n % 2 == 0, minutes=n) for n in range(6)]
    assert save(person, first, *statements)["inserted"] == 6
    assert save(person, second, *statements)["duplicate"] == 6
    save(person, second, Statement("msg_own", request=True))
    assert totals(person) == (Decimal(7), 70, 7)
    delete_source(person, first)
    assert totals(person) == (Decimal(7), 70, 7)


def test_row_with_more_tokens_of_a_streamed_answer_wins(person: Connection) -> None:
    log = new_source(person, "machine")
    early, late = (
        Statement("msg_1", "0.1", 10, request=True),
        Statement("msg_1", "0.5", 50, request=True, minutes=1),
    )
    assert save(person, log, late, early)["inserted"] == 1
    assert save(person, log, early) == {"inserted": 0, "duplicate": 1, "restated": 0, "rejected": []}
    assert totals(person) == (Decimal("0.5"), 50, 1)
    delete_source(person, log)
    again = new_source(person, "machine")
    save(person, again, early)
    assert save(person, again, late)["restated"] == 1
    assert totals(person) == (Decimal("0.5"), 50, 1)


def test_a_new_request_beside_known_ones_is_added(person: Connection) -> None:
    log = new_source(person, "machine")
    known = [Statement(f"msg_{n}", request=True, minutes=n) for n in range(3)]
    save(person, log, *known)
    answer = save(person, log, *known, Statement("msg_new", request=True, minutes=5))
    assert (answer["inserted"], answer["duplicate"]) == (1, 3)
    assert totals(person)[2] == 4


def test_overlapping_files_keep_records_that_one_still_contains(person: Connection) -> None:
    first, second = new_source(person), new_source(person)
    a, b, c = (Statement(name, method="csv_import", account=None, minutes=n) for n, name in enumerate("abc"))
    save(person, first, a, b)
    save(person, second, replace(b, cost="2"), c)
    assert totals(person) == (Decimal(4), 30, 3)
    delete_source(person, second)
    assert totals(person) == (Decimal(2), 20, 2)


def test_a_provider_with_superseded_records_only_cannot_be_deleted(
    project: Project, person: Connection
) -> None:
    source = new_source(person)
    save(person, source, Statement("a"))
    set_enabled(person, source, False)
    with project.connect() as operator, pytest.raises(psycopg.errors.ForeignKeyViolation):
        operator.execute("delete from public.providers where name = 'openai'")
    delete_source(person, source)
    with project.connect() as operator:
        operator.execute("delete from public.providers where name = 'openai'")
        assert operator.execute("select count(*) from public.superseded_records").fetchone() == (0,)


def test_stranger_cannot_take_over_records(project: Project, person: Connection) -> None:
    with project.connect() as operator:
        stranger = project.act_as("authenticated", add_user(operator))
    statement = Statement("msg_1", request=True)
    save(person, None, statement)
    assert save(stranger, None, statement)["inserted"] == 1
    stranger.execute("delete from public.cost_records")
    assert totals(person)[2] == 1


def test_records_missing_from_a_resent_window_are_deleted(person: Connection) -> None:
    database = new_source(person, "connection")
    lines = [
        Statement(name, basis="billed", method="api_automated", dataset="costs", day=True) for name in "ab"
    ]
    other = replace(lines[0], event="c", dataset="usage")
    save(person, database, *lines, other)
    day = NOON.date()
    query = "select public.delete_missing(%s, 'costs', %s, %s, %s)"
    keys = [uuid5(NAMES, "a")]
    assert person.execute(query, [database, day, day, keys]).fetchone() == (1,)
    assert person.execute(query, [database, day, day, keys]).fetchone() == (0,)
    assert totals(person)[2] == 2


def test_usage_included_in_a_plan_has_worth_and_no_cost(person: Connection) -> None:
    log = new_source(person, "machine")
    save(person, log, Statement("a"), Statement("b", None))
    assert totals(person)[0] == 1
    assert person.execute("select public.set_paid_by_plan(%s, true)", [log]).fetchone() == (2,)
    assert totals(person) == (Decimal(0), 20, 2)
    row = person.execute(
        "select distinct p.name, r.billing_account, r.cost_basis from public.cost_records as r "
        "inner join public.providers as p on p.id = r.provider_id"
    ).fetchall()
    assert row == [("chatgpt", "chatgpt", "included")]
    person.execute("select public.set_paid_by_plan(%s, false)", [log])
    assert totals(person)[0] == 1


def test_plan_of_an_agent_covers_only_its_own_providers_usage(person: Connection) -> None:
    log = new_source(person, "machine")
    person.execute("update public.imports set format = 'codex' where id = %s", [log])
    save(person, log, Statement("a"), Statement("b", provider="google"))
    assert person.execute("select public.set_paid_by_plan(%s, true)", [log]).fetchone() == (1,)
    rows = person.execute(
        "select p.name, r.cost_basis from public.cost_records as r "
        "inner join public.providers as p on p.id = r.provider_id order by p.name"
    ).fetchall()
    assert rows == [("chatgpt", "included"), ("google", "estimated")]


def test_the_bill_of_the_api_counts_before_the_bill_of_a_file(person: Connection) -> None:
    database, file = new_source(person, "connection"), new_source(person)
    save(
        person,
        file,
        Statement("csv", "5", 0, basis="billed", method="csv_import", dataset="openai_cost", day=True),
    )
    save(
        person,
        database,
        Statement("api", "4", 0, basis="billed", method="api_automated", dataset="costs", day=True),
    )
    assert totals(person)[0] == 4
    set_enabled(person, database, is_enabled=False)
    assert totals(person)[0] == 5


def test_models_that_the_bill_does_not_name_stay_estimated(person: Connection) -> None:
    save(
        person,
        None,
        Statement("bill", "4", 0, basis="billed", dataset="costs", model="gpt-5-2025-08-07", day=True),
        Statement("log", "1", 10),
        Statement("other", "2", 10, model="o3"),
    )
    assert totals(person) == (Decimal(6), 20, 3)


def test_a_bill_without_models_covers_the_day(person: Connection) -> None:
    save(
        person,
        None,
        Statement("bill", "4", 0, basis="billed", dataset="costs", model="(unspecified)", day=True),
        Statement("log", "1", 10),
        Statement("other", "2", 10, model="o3"),
        Statement("tomorrow", "3", 10, minutes=24 * 60),
    )
    assert totals(person) == (Decimal(7), 30, 4)


def test_charge_under_another_name_is_covered_by_a_bill_of_its_day(person: Connection) -> None:
    searches = [
        Statement(name, cost, 0, model="web searches", other_name=True)
        for name, cost in (("a", "1"), ("b", None))
    ]
    save(person, None, *searches, replace(searches[0], event="c", minutes=24 * 60))
    assert totals(person) == (Decimal(2), 0, 3)
    save(
        person, None, Statement("bill", "4", 0, basis="billed", dataset="costs", model="tool calls", day=True)
    )
    assert totals(person) == (Decimal(5), 0, 4)
    assert person.execute(
        "select count(*) from public.effective_records where cost_usd is null"
    ).fetchone() == (0,)


def test_tokens_come_from_the_source_that_counted_most(person: Connection) -> None:
    usage = Statement("usage", "9", 90, method="api_automated", dataset="usage", day=True)
    save(person, None, usage, Statement("log", "1", 10), Statement("log 2", "2", 20))
    assert totals(person)[:2] == (Decimal(9), 90)
    save(person, None, Statement("log 3", "7", 70))
    assert totals(person)[:2] == (Decimal(10), 100)


def test_timezone_change_keeps_another_sources_statements(person: Connection) -> None:
    first, second = new_source(person), new_source(person)
    line = Statement("a", "1", method="csv_import", account=None, day=True)
    save(person, first, line)
    save(person, second, line)
    person.execute("update public.user_preferences set timezone = 'Pacific/Kiritimati'")
    delete_source(person, first)
    assert totals(person) == (Decimal(1), 10, 1)
    assert read_daily_costs(person) == add_up(person)
    assert {key[0] for key in add_up(person)} == {NOON.date().isoformat()}


def test_a_source_is_excluded_in_two_ways_at_once(project: Project, database: Connection, user: UUID) -> None:
    first, second = project.act_as("authenticated", user), project.act_as("authenticated", user)
    source = new_source(first)
    with project.connect() as blocker, ThreadPoolExecutor(2) as threads:
        blocker.autocommit = False
        blocker.execute("select pg_advisory_xact_lock(private.save_lock(%s))", [user])
        by_function = threads.submit(set_enabled, first, source, False)
        wait_for_lock(database, first)
        by_column = threads.submit(second.execute, "update public.imports set is_enabled = false")
        wait_for_lock(database, second)
        blocker.rollback()
        by_function.result(60)
        assert by_column.result(60).rowcount == 1
    assert first.execute("select is_enabled from public.imports").fetchall() == [(False,)]


def test_save_waits_for_the_deletion_of_its_source(
    project: Project, database: Connection, user: UUID
) -> None:
    first, second = project.act_as("authenticated", user), project.act_as("authenticated", user)
    one, other = new_source(first), new_source(first)
    save(first, one, Statement("a"))
    first.autocommit = False
    delete_source(first, one)
    with ThreadPoolExecutor(1) as pool:
        saved = pool.submit(save, second, other, Statement("a"))
        wait_for_lock(database, second)
        first.commit()
        assert saved.result(60)["inserted"] == 1


# What every source says of the events that it knows: a request of a log, a line of a file's bill, of the
# API's bill, of a usage export, and of an export of no account; all but the API with figures of its own.
EVENTS: dict[str, Callable[[int, int], Statement]] = {
    "request": lambda source, n: Statement(
        f"msg_{n}", str(1 + source), 10 + source, request=True, minutes=source, method="local_log"
    ),
    "bill": lambda source, n: Statement(
        f"line {n}", str(5 + source), 0, basis="billed", method="csv_import", dataset="cost", day=True
    ),
    "api": lambda _, n: Statement(
        f"api line {n}", str(7 + n), 0, basis="billed", method="api_automated", dataset="costs", day=True
    ),
    "usage": lambda source, n: Statement(
        f"bucket {n}", str(2 + source), 15 + source, method="csv_import", dataset="usage", day=True
    ),
    "plain": lambda source, n: Statement(
        f"row {n}", str(3 + source), 5, account=None, method="csv_import", basis="billed"
    ),
}
STATEMENTS = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(sorted(EVENTS)), st.integers(0, 1)),
    min_size=1,
    max_size=10,
    unique=True,
)


def save_all(
    person: Connection, statements: list[tuple[int, str, int]], order: Random, removed: set[int], how: str
) -> Any:
    """Save statements of four sources in an order, some removed midway; returns the effective totals."""
    sources = [new_source(person, name=str(n)) for n in range(4)]
    arrivals = list(statements)
    order.shuffle(arrivals)
    left = {source: sum(statement[0] == source for statement in arrivals) for source in removed}
    for source, kind, n in arrivals:
        save(person, sources[source], EVENTS[kind](source, n))
        if source in left:
            left[source] -= 1
            if not left[source]:
                end(person, sources[source], how)
    for source in removed - {statement[0] for statement in arrivals}:
        end(person, sources[source], how)
    return add_up(person)


def end(person: Connection, source: UUID, how: str) -> None:
    """Delete or disable a source."""
    if how == "deleted":
        delete_source(person, source)
    else:
        set_enabled(person, source, is_enabled=False)


@given(
    statements=STATEMENTS,
    removed=st.sets(st.integers(0, 3)),
    how=st.sampled_from(["deleted", "disabled"]),
    order=st.randoms(use_true_random=False),
)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_removed_source_leaves_no_trace_in_the_totals(
    project: Project, statements: list[tuple[int, str, int]], removed: set[int], how: str, order: Random
) -> None:
    with ExitStack() as opened:
        operator = opened.enter_context(project.connect())
        with_it, without_it, everything = (
            opened.enter_context(project.act_as("authenticated", add_user(operator))) for _ in range(3)
        )
        counted = save_all(with_it, statements, order, removed, how)
        kept = [statement for statement in statements if statement[0] not in removed]
        assert counted == save_all(without_it, kept, order, set(), how)
        assert read_daily_costs(with_it) == counted
        if how == "disabled":
            query = "select id from public.imports where not is_enabled"
            for (source,) in with_it.execute(query).fetchall():
                set_enabled(with_it, source, is_enabled=True)
            assert add_up(with_it) == save_all(everything, statements, order, set(), how)
        for _, same in groupby(
            with_it.execute(
                """select source_key, import_id from public.cost_records
                union all select source_key, import_id from public.superseded_records order by 1, 2"""
            ).fetchall()
        ):
            assert len(list(same)) == 1  # a source has one statement on an event
