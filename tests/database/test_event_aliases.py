"""Several ids of one event: statements under any are about it, in any order, while a source says so."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tally.core.records import request_identity
from tests.database.teams import make_team
from tests.database.test_ranks import add_source
from tests.database.test_saving import record, save
from tests.database_fixtures import Connection, Project, add_user

Act = Callable[[UUID], Connection]
Found = list[tuple[Any, ...]]


def statement(name: str, tokens: int, *others: str, **changes: Any) -> dict[str, Any]:
    """What a source says of the request with this id; `others` are its other ids."""
    return record(
        source_key=str(request_identity(name)),
        request_id=name,
        input_tokens=tokens,
        cost_basis="estimated",
        collection_method="otlp",
        metadata={"request_aliases": list(others)} if others else {},
        **changes,
    )


BY_REQUEST = statement("req_1", 100)
BY_MESSAGE = statement("msg_1", 300) | {"collection_method": "local_log"}
BY_BOTH = statement("msg_1", 200, "req_1")


@pytest.fixture
def person(as_user: Act, user: UUID) -> Connection:
    """A signed-in user."""
    return as_user(user)


def counted(person: Connection) -> Found:
    """Tokens of the records."""
    return person.execute("select input_tokens from public.cost_records order by 1").fetchall()


def kept(person: Connection) -> int:
    [[found]] = person.execute("select count(*) from public.superseded_records").fetchall()
    return int(found)


@pytest.mark.parametrize("order", list(permutations((BY_REQUEST, BY_MESSAGE, BY_BOTH))))
def test_ids_of_one_request_are_one_record_in_any_order(
    person: Connection, order: Sequence[dict[str, Any]]
) -> None:
    for one in order:
        save(person, [one], add_source(person))
    assert (counted(person), kept(person)) == ([(200,)], 2)
    for one in order:
        assert save(person, [one], add_source(person))["inserted"] == 0
    assert counted(person) == [(200,)]


def test_one_call_brings_all_ids_of_a_request(person: Connection) -> None:
    source = add_source(person)
    assert save(person, [BY_REQUEST, BY_BOTH, BY_MESSAGE], source)["inserted"] == 1
    assert (counted(person), kept(person)) == ([(300,)], 0)


def test_a_source_has_one_statement_on_an_event_whose_ids_become_known(person: Connection) -> None:
    first, second = add_source(person), add_source(person)
    save(person, [BY_REQUEST], first)
    save(person, [BY_REQUEST | {"input_tokens": 50}], second)
    save(person, [BY_MESSAGE | {"collection_method": "otlp", "input_tokens": 70}], second)
    assert counted(person) == [(70,), (100,)]
    save(person, [BY_BOTH], add_source(person))
    assert (counted(person), kept(person)) == ([(200,)], 2)
    query = "select input_tokens from public.superseded_records order by 1"
    assert person.execute(query).fetchall() == [(70,), (100,)]


def test_what_a_deleted_source_told_is_forgotten(person: Connection) -> None:
    sources = [add_source(person) for _ in range(4)]
    for one, source in zip((BY_REQUEST, BY_BOTH, BY_MESSAGE, BY_BOTH), sources, strict=True):
        save(person, [one], source)
    assert counted(person) == [(200,)]
    person.execute("select public.delete_source(%s)", [sources[1]])
    assert counted(person) == [(200,)]  # another source tells it, too
    person.execute("select public.delete_source(%s)", [sources[3]])
    assert counted(person) == [(100,), (300,)]


def test_an_excluded_source_still_tells_whose_ids_are_one(person: Connection) -> None:
    both = add_source(person)
    for one, source in ((BY_REQUEST, add_source(person)), (BY_BOTH, both)):
        save(person, [one], source)
    person.execute("select public.set_source_enabled(%s, false)", [both])
    save(person, [BY_MESSAGE], add_source(person))
    assert counted(person) == [(100,)]
    person.execute("select public.set_source_enabled(%s, true)", [both])
    assert counted(person) == [(200,)]


def test_an_alias_of_an_alias_leads_to_the_event(person: Connection) -> None:
    chain = [statement("gen_1", 5, "msg_1"), statement("msg_1", 4, "req_1"), statement("req_1", 3)]
    for order in permutations(chain):
        sources = [add_source(person) for _ in order]
        for one, source in zip(order, sources, strict=True):
            save(person, [one], source)
        assert counted(person) == [(5,)]
        person.execute("select public.delete_source(%s)", [sources[order.index(chain[0])]])
        assert counted(person) == [(4,)]
        person.execute("delete from public.imports")


@pytest.mark.parametrize(
    "aliases",
    [["msg_1"], ["msg_2", "msg_2"], ["x" * 301, ""], [7, None, {"a": 1}], "msg_2", {"msg_2": 1}, [], None],
)
def test_impossible_aliases_harm_nothing(person: Connection, aliases: Any) -> None:
    odd = BY_MESSAGE | {"metadata": {"request_aliases": aliases}}
    back = statement("msg_2", 9, "msg_1")
    for order in ((odd, back), (back, odd)):
        sources = [add_source(person) for _ in order]
        for one, source in zip(order, sources, strict=True):
            assert save(person, [one], source)["rejected"] == []
        assert len(counted(person)) == 1
        person.execute("delete from public.imports")


def test_an_id_that_several_requests_share_joins_none_of_them(person: Connection) -> None:
    shared = [statement(f"msg_{n}", n, "req_constant") for n in range(1, 6)]
    save(person, shared, add_source(person))
    save(person, shared[3:], add_source(person))
    assert counted(person) == [(n,) for n in range(1, 6)]


@pytest.mark.parametrize(("teller", "expected"), [("ann", [(200,)]), ("bob", [(100,), (200,)])])
def test_what_others_entered_by_hand_is_not_moved(
    project: Project, database: Connection, teller: str, expected: Found
) -> None:
    team = make_team(project, database, "ann", "bob")
    team["ann"].save(None, BY_REQUEST)
    team[teller].save(team[teller].add_source(), BY_BOTH)
    assert counted(database) == expected


def test_a_chosen_project_stays_with_the_event(person: Connection, user: UUID) -> None:
    [[chosen]] = person.execute(
        "select public.create_project(workspace => %s, name => 'Web')", [user]
    ).fetchall()
    save(person, [BY_REQUEST], add_source(person))
    person.execute("update public.cost_records set project_id = %s", [chosen])
    save(person, [BY_BOTH], add_source(person))
    assert person.execute("select project_id from public.cost_records").fetchall() == [(chosen,)]


def test_a_month_that_comes_back_learns_what_was_told_meanwhile(
    person: Connection, database: Connection
) -> None:
    save(person, [BY_REQUEST], add_source(person))
    database.execute("select public.detach_partition(2026, 5)")
    save(person, [BY_BOTH | {"timestamp": "2026-06-01T00:00:00Z"}], add_source(person))
    database.execute("select public.attach_partition(2026, 5)")
    assert (counted(person), kept(person)) == ([(200,)], 1)


def test_a_deleted_workspace_takes_its_aliases_along(
    person: Connection, database: Connection, user: UUID
) -> None:
    for one in (BY_REQUEST, BY_BOTH):
        save(person, [one], add_source(person))
    assert database.execute("select count(*) from private.event_aliases").fetchone() == (1,)
    database.execute("delete from auth.users where id = %s", [user])
    assert database.execute("select count(*) from private.event_aliases").fetchone() == (0,)


# Statements of four sources: events, which of their ids are named, and tokens.
SAID = st.tuples(st.integers(0, 2), st.sampled_from(["req", "msg", "both"]), st.integers(1, 5))
EVENTS = st.lists(SAID, min_size=1, max_size=3, unique_by=lambda one: one[0])
SOURCES = st.lists(EVENTS, min_size=4, max_size=4)


def describe(event: int, ids: str, tokens: int) -> dict[str, Any]:
    name = f"{'req' if ids == 'req' else 'msg'}_{event}"
    return statement(name, tokens, *([f"req_{event}"] if ids == "both" else []), cost_usd=str(tokens))


@given(said=SOURCES, order=st.permutations(range(4)), gone=st.integers(0, 3))
@settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_order_and_deletion_leave_what_the_others_say(
    project: Project, said: list[list[tuple[int, str, int]]], order: list[int], gone: int
) -> None:
    with ExitStack() as opened:
        database = opened.enter_context(project.connect())

        def outcome(places: Sequence[int], deleted: int | None = None) -> Found:
            person = opened.enter_context(project.act_as("authenticated", add_user(database)))
            sources = {place: add_source(person) for place in sorted(places)}
            for place in places:
                for one in said[place]:
                    save(person, [describe(*one)], sources[place])
            if deleted is not None:
                person.execute("select public.delete_source(%s)", [sources[deleted]])
            return counted(person)

        assert outcome(order) == outcome(range(4))
        rest = [place for place in range(4) if place != gone]
        assert outcome(order, gone) == outcome(rest)
