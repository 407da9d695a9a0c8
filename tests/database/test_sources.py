"""Several sources tell of the same events: each event counts once, and a source that goes leaves no trace."""

import json
from collections.abc import Callable
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
from tests.database_fixtures import Connection, Project, add_user

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
NAMES = UUID("0b0e8a5c-7c0a-4f6e-9d57-9d1f2f6f3f10")


@dataclass(frozen=True)
class Word:
    """What one source says of one event."""

    event: str
    cost: str | None = "1"
    tokens: int = 10
    model: str = "gpt-5"
    basis: str = "estimated"
    method: str = "local_log"
    dataset: str | None = None
    ledger: str | None = "openai"
    request: bool = False
    minutes: int = 0
    day: bool = False
    other_name: bool = False

    def to_json(self) -> dict[str, Any]:
        """As a caller sends it."""
        metadata: dict[str, Any] = {}
        if self.ledger:
            metadata["ledger"] = self.ledger
        if self.dataset:
            metadata["dataset"] = self.dataset
        if self.request:
            metadata["request_id"] = self.event
        if self.other_name:
            metadata["billed_under_other_name"] = True
        if self.day:
            metadata["day"] = NOON.date().isoformat()
        return {
            "provider": "openai",
            "timestamp": (NOON + timedelta(minutes=self.minutes)).isoformat(),
            "model_name": self.model,
            "cost_usd": self.cost,
            "cost_basis": self.basis,
            "collection_method": self.method,
            "input_tokens": self.tokens,
            "source_key": str(uuid5(NAMES, self.event)),
            "metadata": metadata,
        }


def save(person: Connection, source: UUID | None, *words: Word) -> dict[str, Any]:
    """Call the function and return its answer."""
    found = person.execute(
        "select public.save_cost_records(%s, %s)", [source, json.dumps([word.to_json() for word in words])]
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


def forget(person: Connection, source: UUID) -> None:
    """Delete a source."""
    person.execute("delete from public.imports where id = %s", [source])


def silence(person: Connection, source: UUID, counts: bool = False) -> None:
    """Let a source not count, or count again."""
    person.execute("update public.imports set counts = %s where id = %s", [counts, source])


def totals(person: Connection) -> tuple[Decimal, int, int]:
    """Money, tokens and rows that count."""
    found = person.execute(
        """select coalesce(sum(cost_usd) filter (where cost_basis <> 'included'), 0),
            coalesce(sum(tokens_used), 0), count(*)
        from public.cost_records"""
    ).fetchone()
    assert found is not None
    return Decimal(found[0]), int(found[1]), int(found[2])


@pytest.fixture
def person(project: Project) -> Connection:
    """A signed-in user."""
    with project.connect() as operator:
        return project.act_as("authenticated", add_user(operator))


def test_a_request_told_by_log_file_and_api_at_three_times_is_one_record(person: Connection) -> None:
    log, file, connection = (
        new_source(person, "machine"),
        new_source(person),
        new_source(person, "connection"),
    )
    said = Word("msg_1", "0.9", request=True)
    assert save(person, log, said)["inserted"] == 1
    in_file = replace(said, cost="1.1", basis="billed", method="csv_import", minutes=3)
    assert save(person, file, in_file) == {"inserted": 0, "duplicate": 1, "restated": 1, "rejected": []}
    in_api = replace(said, cost="1.2", basis="billed", method="api_automated", minutes=7)
    assert save(person, connection, in_api)["restated"] == 1
    assert totals(person) == (Decimal("1.2"), 10, 1)
    forget(person, connection)
    assert totals(person) == (Decimal("1.1"), 10, 1)
    forget(person, file)
    assert totals(person) == (Decimal("0.9"), 10, 1)
    forget(person, log)
    assert totals(person) == (Decimal(0), 0, 0)


def test_the_same_log_copied_to_two_machines_counts_once(person: Connection) -> None:
    first, second = new_source(person, "machine", "desk"), new_source(person, "machine", "laptop")
    words = [Word(f"msg_{n}", request=n % 2 == 0, minutes=n) for n in range(6)]
    assert save(person, first, *words)["inserted"] == 6
    assert save(person, second, *words)["duplicate"] == 6
    save(person, second, Word("msg_own", request=True))
    assert totals(person) == (Decimal(7), 70, 7)
    forget(person, first)
    assert totals(person) == (Decimal(7), 70, 7)


def test_of_a_streamed_answer_the_row_that_saw_more_stays(person: Connection) -> None:
    log = new_source(person, "machine")
    early, late = Word("msg_1", "0.1", 10, request=True), Word("msg_1", "0.5", 50, request=True, minutes=1)
    assert save(person, log, late, early)["inserted"] == 1
    assert save(person, log, early) == {"inserted": 0, "duplicate": 1, "restated": 0, "rejected": []}
    assert totals(person) == (Decimal("0.5"), 50, 1)
    forget(person, log)
    again = new_source(person, "machine")
    save(person, again, early)
    assert save(person, again, late)["restated"] == 1
    assert totals(person) == (Decimal("0.5"), 50, 1)


def test_a_new_request_beside_known_ones_is_added(person: Connection) -> None:
    log = new_source(person, "machine")
    known = [Word(f"msg_{n}", request=True, minutes=n) for n in range(3)]
    save(person, log, *known)
    answer = save(person, log, *known, Word("msg_new", request=True, minutes=5))
    assert (answer["inserted"], answer["duplicate"]) == (1, 3)
    assert totals(person)[2] == 4


def test_overlapping_files_keep_what_only_one_of_them_still_says(person: Connection) -> None:
    first, second = new_source(person), new_source(person)
    a, b, c = (Word(name, method="csv_import", ledger=None, minutes=n) for n, name in enumerate("abc"))
    save(person, first, a, b)
    save(person, second, replace(b, cost="2"), c)
    assert totals(person) == (Decimal(4), 30, 3)
    forget(person, second)
    assert totals(person) == (Decimal(2), 20, 2)


def test_a_file_imported_again_inherits_the_records_when_the_first_import_goes(person: Connection) -> None:
    first = new_source(person)
    save(person, first, Word("a"))
    again = new_source(person)
    person.execute(
        "update public.imports set metadata = jsonb_build_object('same_as', %s::text) where id = %s",
        [first, again],
    )
    forget(person, first)
    assert totals(person) == (Decimal(1), 10, 1)
    forget(person, again)
    assert totals(person) == (Decimal(0), 0, 0)


def test_a_stranger_cannot_make_somebody_s_records_theirs(project: Project, person: Connection) -> None:
    with project.connect() as operator:
        stranger = project.act_as("authenticated", add_user(operator))
    word = Word("msg_1", request=True)
    save(person, None, word)
    assert save(stranger, None, word)["inserted"] == 1
    stranger.execute("delete from public.cost_records")
    assert totals(person)[2] == 1


def test_what_a_source_no_longer_says_of_its_days_is_taken_back(person: Connection) -> None:
    database = new_source(person, "connection")
    lines = [Word(name, basis="billed", method="api_automated", dataset="costs", day=True) for name in "ab"]
    other = replace(lines[0], event="c", dataset="usage")
    save(person, database, *lines, other)
    day = NOON.date()
    query = "select public.forget_unsaid(%s, 'costs', %s, %s, %s)"
    keys = [uuid5(NAMES, "a")]
    assert person.execute(query, [database, day, day, keys]).fetchone() == (1,)
    assert person.execute(query, [database, day, day, keys]).fetchone() == (0,)
    assert totals(person)[2] == 2


def test_usage_that_a_plan_pays_for_is_worth_and_no_money(person: Connection) -> None:
    log = new_source(person, "machine")
    save(person, log, Word("a"), Word("b", None))
    assert totals(person)[0] == 1
    assert person.execute("select public.set_paid_by_plan(%s, true)", [log]).fetchone() == (2,)
    assert totals(person) == (Decimal(0), 20, 2)
    row = person.execute(
        "select distinct p.name, r.metadata ->> 'ledger', r.cost_basis from public.cost_records as r "
        "inner join public.providers as p on p.id = r.provider_id"
    ).fetchall()
    assert row == [("chatgpt", "chatgpt", "included")]
    person.execute("select public.set_paid_by_plan(%s, false)", [log])
    assert totals(person)[0] == 1


def test_the_bill_of_the_api_counts_before_the_bill_of_a_file(person: Connection) -> None:
    database, file = new_source(person, "connection"), new_source(person)
    save(
        person,
        file,
        Word("csv", "5", 0, basis="billed", method="csv_import", dataset="openai_cost", day=True),
    )
    save(
        person,
        database,
        Word("api", "4", 0, basis="billed", method="api_automated", dataset="costs", day=True),
    )
    assert totals(person)[0] == 4
    silence(person, database)
    assert totals(person)[0] == 5


def test_models_that_the_bill_does_not_name_stay_estimated(person: Connection) -> None:
    save(
        person,
        None,
        Word("bill", "4", 0, basis="billed", dataset="costs", model="gpt-5-2025-08-07", day=True),
        Word("log", "1", 10),
        Word("other", "2", 10, model="o3"),
    )
    assert totals(person) == (Decimal(6), 20, 3)


def test_a_bill_without_models_covers_the_day(person: Connection) -> None:
    save(
        person,
        None,
        Word("bill", "4", 0, basis="billed", dataset="costs", model="(unspecified)", day=True),
        Word("log", "1", 10),
        Word("other", "2", 10, model="o3"),
        Word("tomorrow", "3", 10, minutes=24 * 60),
    )
    assert totals(person) == (Decimal(7), 30, 4)


def test_what_is_billed_under_another_name_is_in_any_bill_of_its_day(person: Connection) -> None:
    searches = [
        Word(name, cost, 0, model="web searches", other_name=True) for name, cost in (("a", "1"), ("b", None))
    ]
    save(person, None, *searches, replace(searches[0], event="c", minutes=24 * 60))
    assert totals(person) == (Decimal(2), 0, 3)
    save(person, None, Word("bill", "4", 0, basis="billed", dataset="costs", model="tool calls", day=True))
    assert totals(person) == (Decimal(5), 0, 4)
    assert person.execute("select count(*) from public.cost_records where cost_usd is null").fetchone() == (
        0,
    )


def test_tokens_are_those_of_whoever_saw_most(person: Connection) -> None:
    usage = Word("usage", "9", 90, method="api_automated", dataset="usage", day=True)
    save(person, None, usage, Word("log", "1", 10), Word("log 2", "2", 20))
    assert totals(person)[:2] == (Decimal(9), 90)
    save(person, None, Word("log 3", "7", 70))
    assert totals(person)[:2] == (Decimal(10), 100)


def test_a_timezone_change_does_not_lose_what_another_source_says_of_a_day(person: Connection) -> None:
    first, second = new_source(person), new_source(person)
    line = Word("a", "1", method="csv_import", ledger=None, day=True)
    save(person, first, line)
    save(person, second, line)
    person.execute("update public.user_preferences set timezone = 'Pacific/Kiritimati'")
    forget(person, first)
    assert totals(person) == (Decimal(1), 10, 1)
    assert read_daily_costs(person) == add_up(person)
    assert {key[0] for key in add_up(person)} == {NOON.date().isoformat()}


def test_a_save_waits_for_whoever_takes_the_source_away(project: Project) -> None:
    with project.connect() as operator:
        user = add_user(operator)
    first, second = project.act_as("authenticated", user), project.act_as("authenticated", user)
    one, other = new_source(first), new_source(first)
    save(first, one, Word("a"))
    first.autocommit = second.autocommit = False
    forget(first, one)
    second.execute("set lock_timeout = '300ms'")
    with pytest.raises(psycopg.errors.LockNotAvailable):
        save(second, other, Word("a"))
    second.rollback()
    first.commit()
    assert save(second, other, Word("a"))["inserted"] == 1
    second.commit()


# What every source says of the events that it knows: a request of a log, a line of a file's bill, of the
# API's bill, of a usage export, and of an export of no account; all but the API with figures of its own.
EVENTS: dict[str, Callable[[int, int], Word]] = {
    "request": lambda source, n: Word(
        f"msg_{n}", str(1 + source), 10 + source, request=True, minutes=source, method="local_log"
    ),
    "bill": lambda source, n: Word(
        f"line {n}", str(5 + source), 0, basis="billed", method="csv_import", dataset="cost", day=True
    ),
    "api": lambda _, n: Word(
        f"api line {n}", str(7 + n), 0, basis="billed", method="api_automated", dataset="costs", day=True
    ),
    "usage": lambda source, n: Word(
        f"bucket {n}", str(2 + source), 15 + source, method="csv_import", dataset="usage", day=True
    ),
    "plain": lambda source, n: Word(
        f"row {n}", str(3 + source), 5, ledger=None, method="csv_import", basis="billed"
    ),
}
SAYINGS = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(sorted(EVENTS)), st.integers(0, 1)),
    min_size=1,
    max_size=10,
    unique=True,
)


def bring(
    person: Connection, sayings: list[tuple[int, str, int]], order: Random, gone: set[int], how: str
) -> Any:
    """Let four sources say this, in some order; some go again in the middle. Returns what counts then."""
    sources = [new_source(person, name=str(n)) for n in range(4)]
    arrivals = list(sayings)
    order.shuffle(arrivals)
    left = {source: sum(saying[0] == source for saying in arrivals) for source in gone}
    for source, kind, n in arrivals:
        save(person, sources[source], EVENTS[kind](source, n))
        if source in left:
            left[source] -= 1
            if not left[source]:
                end(person, sources[source], how)
    for source in gone - {saying[0] for saying in arrivals}:
        end(person, sources[source], how)
    return add_up(person)


def end(person: Connection, source: UUID, how: str) -> None:
    """A source goes, stops counting, or stops and counts again after others came and went."""
    if how == "deleted":
        forget(person, source)
    else:
        silence(person, source)


@given(
    sayings=SAYINGS,
    gone=st.sets(st.integers(0, 3)),
    how=st.sampled_from(["deleted", "silenced"]),
    order=st.randoms(use_true_random=False),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_source_that_is_gone_leaves_the_totals_as_if_it_had_never_been_there(
    project: Project, sayings: list[tuple[int, str, int]], gone: set[int], how: str, order: Random
) -> None:
    with project.connect() as operator:
        with_it, without_it = (project.act_as("authenticated", add_user(operator)) for _ in range(2))
    counted = bring(with_it, sayings, order, gone, how)
    kept = [saying for saying in sayings if saying[0] not in gone]
    assert counted == bring(without_it, kept, order, set(), how)
    assert read_daily_costs(with_it) == counted
    if how == "silenced":
        for source in [
            row[0] for row in with_it.execute("select id from public.imports where not counts").fetchall()
        ]:
            silence(with_it, source, counts=True)
        everything = project.act_as("authenticated", new_user(project))
        assert add_up(with_it) == bring(everything, sayings, order, set(), how)
        everything.close()
    for _, words in groupby(
        with_it.execute(
            """select source_key, import_id from public.cost_records
            union all select source_key, import_id from public.superseded_records order by 1, 2"""
        ).fetchall()
    ):
        assert len(list(words)) == 1  # a source has one word on an event
    with_it.close()
    without_it.close()


def new_user(project: Project) -> UUID:
    """Somebody who just signed up."""
    with project.connect() as operator:
        return add_user(operator)
