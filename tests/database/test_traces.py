"""Spans and traces: saved once in any order, bounded, seen as records are, dropped when they are old."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forecasting.nightly.traces import refile_spans
from tally.traces.stored_span import read_spans
from tally.traces.waterfall import build_waterfall
from tests.database.teams import Person, call, make_team
from tests.database.test_audit import entries
from tests.database_fixtures import Connection, Project

Act = Callable[[UUID], Connection]
Row = dict[str, Any]

NOW = datetime.now(UTC).replace(microsecond=0)
TRACE = "a" * 32
NOBODY = str(UUID(int=0))


def span(number: int, parent: int = 0, **changes: Any) -> Row:
    """A span as a caller sends it, a second after the one with the number before; 0 is no parent."""
    return {
        "trace_id": TRACE,
        "span_id": f"{number:016x}",
        "parent_span_id": f"{parent:016x}" if parent else "",
        "started_at": (NOW - timedelta(hours=1) + timedelta(seconds=number)).isoformat(),
        "duration_us": 500_000,
        "name": f"step {number}",
    } | changes


def llm(number: int, parent: int = 0, **changes: Any) -> Row:
    """A call of a model."""
    usage = {"input_tokens": 100, "output_tokens": 10, "cost_usd": "0.5", "model": "gpt-5"}
    return span(number, parent, **({"kind": "llm", "is_call": True} | usage | changes))


def save(person: Connection, *spans: Row) -> Any:
    """Save spans into the personal workspace."""
    return call(person, "save_spans", list(spans))


def read_rows(connection: Connection, table: str, trace_id: str = TRACE) -> list[Row]:
    """Rows of a trace, without what depends on when they came."""
    query = f"""select to_jsonb(t) - array['created_at', 'week', 'trace_id'] from public.{table} as t
        where trace_id = %s order by to_jsonb(t) ->> 'span_id'"""
    return [row for (row,) in connection.execute(query.encode(), [trace_id])]


def read_trace(connection: Connection, trace_id: str = TRACE) -> Row:
    """The row of a trace."""
    [row] = read_rows(connection, "traces", trace_id)
    return row


def test_a_trace_is_the_sum_of_its_spans(as_user: Act, user: UUID) -> None:
    person = as_user(user)
    root = span(1, kind="agent", name="resolve", service="support", duration_us=9_000_000)
    answer = save(person, root, llm(2, 1, session="s"), llm(3, 1, cost_usd=None, model="other"))
    assert answer == {"inserted": 3, "known": 0, "rejected": []}
    expected = {
        "name": "resolve",
        "service": "support",
        "session": "s",
        "status": "ok",
        "spans": 3,
        "calls": 2,
        "unpriced": 1,
        "input_tokens": 200,
        "output_tokens": 20,
        "cost_usd": 0.5,
        "duration_us": 9_000_000,
        "models": ["gpt-5", "other"],
        "user_id": str(user),
    }
    found = read_trace(person)
    assert {name: found[name] for name in expected} == expected


def test_a_late_root_names_its_trace(as_user: Act, user: UUID) -> None:
    person = as_user(user)
    save(person, llm(5, 1))
    assert read_trace(person)["name"] == "step 5"
    save(person, span(1, name="resolve"))
    found = read_trace(person)
    assert (found["name"], found["spans"], found["cost_usd"]) == ("resolve", 2, 0.5)


def test_a_call_around_a_call_and_a_second_instrument_do_not_count(as_user: Act, user: UUID) -> None:
    person = as_user(user)
    save(person, llm(1, cost_usd="9"), span(2, 1), llm(3, 2, request_id="req_1"))
    save(person, llm(4, request_id="req_1", input_tokens=90), llm(6, 6, cost_usd="0.25"))
    found = read_trace(person)
    assert (found["calls"], found["input_tokens"], found["cost_usd"]) == (2, 200, 0.75)


def test_a_call_around_a_call_counts_if_both_have_ids(as_user: Act, user: UUID) -> None:
    person = as_user(user)
    save(person, llm(1, request_id="msg_1"), llm(2, 1, request_id="msg_2"), llm(3, 2))
    assert read_trace(person)["calls"] == 1
    save(person, llm(3, 2, request_id="msg_3", output_tokens=11))
    assert read_trace(person)["calls"] == 3


def test_cycles_end(as_user: Act, user: UUID) -> None:
    person = as_user(user)
    save(person, llm(1, 2), llm(2, 3), llm(3, 1), llm(4, 3))
    assert (read_trace(person)["spans"], read_trace(person)["calls"]) == (4, 1)


def test_a_retry_is_told_from_an_error(as_user: Act, user: UUID) -> None:
    person = as_user(user)
    save(person, span(1), llm(2, 1, name="decide", status="rate_limited"), llm(3, 1, name="decide"))
    found = read_trace(person)
    assert (found["status"], found["errors"], found["retries"]) == ("retried", 1, 1)
    save(person, span(1, status="error", duration_us=600_000))
    assert read_trace(person)["status"] == "error"


def test_who_sent_a_span_first_keeps_it(project: Project, database: Connection) -> None:
    team = make_team(project, database, "owner", "ann", "bob")
    ann, bob = team["ann"], team["bob"]
    ann.ask("save_spans", spans=[llm(1)])
    bob.ask("save_spans", spans=[llm(1, cost_usd="99", duration_us=9_000_000)])
    assert read_trace(team["owner"].connection)["cost_usd"] == 0.5
    assert read_rows(bob.connection, "spans") == []


COUNTS = st.integers(0, 3)
STATEMENTS = st.lists(
    st.builds(
        lambda number, parent, is_call, tokens, cost, request, status: span(
            number,
            parent if parent != number else 0,
            is_call=is_call,
            input_tokens=tokens,
            cost_usd=cost,
            request_id=request,
            status=status,
            name=f"step {number % 2}",
        ),
        st.integers(1, 6),
        st.integers(0, 6),
        st.booleans(),
        COUNTS,
        st.none() | COUNTS,
        st.sampled_from(["", "", "r1", "r2"]),
        st.sampled_from(["ok", "error"]),
    ),
    min_size=1,
    max_size=10,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STATEMENTS, st.data())
def test_order_splitting_and_resending_change_nothing(
    as_user: Act, user: UUID, statements: list[Row], data: st.DataObject
) -> None:
    person = as_user(user)
    first, second = uuid4().hex, uuid4().hex
    save(person, *(one | {"trace_id": first} for one in statements))
    again = data.draw(st.lists(st.sampled_from(statements), max_size=4))
    parts = data.draw(st.permutations([*statements, *again]))
    size = data.draw(st.integers(1, len(parts)))
    for start in range(0, len(parts), size):
        save(person, *(one | {"trace_id": second} for one in parts[start : start + size]))
    for table in ("spans", "traces"):
        assert read_rows(person, table, first) == read_rows(person, table, second)
    assert_same_sums(person, user, first)
    person.close()


def assert_same_sums(person: Connection, user: UUID, trace_id: str) -> None:
    """The sums of the database are those of the waterfall."""
    waterfall = build_waterfall(read_spans(trace_id, call(person, "read_trace", user, trace_id)))
    row, roots = read_trace(person, trace_id), waterfall.roots
    assert (row["spans"], row["errors"]) == (len(waterfall.nodes), waterfall.errors)
    assert (row["retries"], row["duration_us"]) == (waterfall.retries, waterfall.duration_us)
    assert row["calls"] == sum(root.calls for root in roots)
    assert row["unpriced"] == sum(root.unpriced for root in roots)
    assert row["input_tokens"] + row["output_tokens"] == sum(root.tokens for root in roots)
    costs = [root.cost_usd for root in roots if root.cost_usd is not None]
    assert row["cost_usd"] == (float(sum(costs)) if costs else None)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"trace_id": "0" * 32}, "32 hexadecimal digits"),
        ({"trace_id": None}, "32 hexadecimal digits"),
        ({"span_id": "XYZ"}, "16 hexadecimal digits"),
        ({"parent_span_id": "12"}, "parent has 16"),
        ({"started_at": None}, "start is missing"),
        ({"started_at": "2999-01-01T00:00Z"}, "in the future"),
        ({"started_at": "1970-01-01T00:00Z"}, "more than 90 days ago"),
        ({"duration_us": -1}, "0 seconds to 366 days"),
        ({"duration_us": 10**18}, "0 seconds to 366 days"),
        ({"input_tokens": -1}, "of each class"),
        ({"output_tokens": 10**18}, "of each class"),
        ({"cost_usd": "-1"}, "A cost is 0 or more"),
        ({"cost_usd": "NaN"}, "A cost is 0 or more"),
        ({"first_token_us": -5}, "first token"),
        ({"tags": {f"t{n}": "v" * 9 for n in range(2000)}}, "4,096 bytes"),
        ({"resource": ["no object"]}, "are objects"),
    ],
)
def test_a_span_out_of_bounds_is_refused_alone(as_user: Act, user: UUID, changes: Row, reason: str) -> None:
    answer = save(as_user(user), llm(1), llm(2) | changes, llm(3))
    assert answer["inserted"] == 2
    [refused] = answer["rejected"]
    assert refused["index"] == 1
    assert reason in refused["reason"]
    assert refused["reason"].endswith(".")


def test_long_texts_are_cut_and_unknown_kinds_are_internal(as_user: Act, user: UUID) -> None:
    person = as_user(user)
    long = dict.fromkeys(("name", "service", "error", "model", "session", "person", "agent"), "x" * 70_000)
    save(person, llm(1, 1, **long | {"kind": "spaceship", "status": "unset"}))
    [found] = read_rows(person, "spans")
    assert (found["kind"], found["status"], found["parent_span_id"]) == ("internal", "ok", "")
    assert {len(found[name]) for name in long} == {200, 300}


def test_a_trace_has_10_000_spans_at_most(database: Connection, as_user: Act, user: UUID) -> None:
    person = as_user(user)
    save(person, span(1))
    database.execute("update public.traces set spans = 9999")
    answer = save(person, span(1), span(2), span(3), span(4, trace_id="b" * 32))
    assert [one["index"] for one in answer["rejected"]] == [2]
    assert "10,000 spans at most" in answer["rejected"][0]["reason"]


FEWER = b"""
create or replace function private.max_spans()
returns bigint language sql immutable as 'select 3::bigint'"""


def test_a_full_workspace_refuses_spans_until_some_are_dropped(
    database: Connection, as_user: Act, user: UUID, stranger: UUID
) -> None:
    person = as_user(user)
    database.execute(FEWER)
    answer = save(person, *(span(n) for n in range(1, 6)))
    assert (answer["inserted"], len(answer["rejected"])) == (3, 2)
    assert save(person, span(1)) == {"inserted": 0, "known": 1, "rejected": []}
    assert save(as_user(stranger), span(9, trace_id="c" * 32))["inserted"] == 1
    age(database, TRACE, 91)
    database.execute("select private.drop_old_traces(%s, 10)", [user])
    assert save(person, span(1, trace_id="d" * 32))["inserted"] == 1


def test_more_than_5_000_spans_are_refused(as_user: Act, user: UUID) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="at most 5,000"):
        save(as_user(user), *[{}] * 5001)


def age(database: Connection, trace_id: str, days: int) -> None:
    """Make a trace older."""
    query = "update public.traces set first_at = first_at - %s, last_at = last_at - %s where trace_id = %s"
    database.execute(query, [timedelta(days), timedelta(days), trace_id])


def count(database: Connection, table: str) -> int:
    """The rows of a table."""
    [[rows]] = database.execute(f"select count(*) from public.{table}".encode()).fetchall()
    return int(rows)


@pytest.mark.new_database
def test_traces_are_dropped_after_the_days_of_their_workspace(
    database: Connection, as_user: Act, user: UUID, stranger: UUID
) -> None:
    person, other = as_user(user), as_user(stranger)
    for one in (person, other):
        save(one, llm(1), llm(2, trace_id="b" * 32))
    age(database, TRACE, 31)
    person.execute("select public.set_trace_days(%s, 30)", [user])
    for tenant, dropped in ((user, 1), (stranger, 0)):
        [[found]] = database.execute("select private.drop_old_traces(%s, 100)", [tenant]).fetchall()
        assert found == dropped
    assert (count(person, "traces"), count(person, "spans"), count(other, "spans")) == (1, 1, 2)
    database.execute("select private.create_piece('spans', '2026-01-05')")
    assert database.execute("select private.drop_empty_partitions()").fetchone() == (1,)
    assert database.execute("select private.drop_empty_partitions()").fetchone() == (0,)
    assert count(database, "spans") == 3


@pytest.mark.parametrize("days", [None, 0, 401])
def test_days_have_bounds(as_user: Act, user: UUID, days: int | None) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="1 to 400 days"):
        as_user(user).execute("select public.set_trace_days(%s, %s)", [user, days])


def find(person: Person, **changes: Any) -> Row:
    """The list of traces as a person sees it."""
    given = {
        "first_at": NOW - timedelta(days=1),
        "last_at": NOW,
        "search": None,
        "status": None,
        "service": None,
        "model": None,
        "session": None,
        "sort": "newest",
        "skip": 0,
        "page_rows": 25,
    }
    found: Row = person.ask("find_traces", **(given | changes))
    return found


def names(found: Row) -> list[str]:
    """The names of the listed traces."""
    return [row["name"] for row in found["rows"] or []]


def test_others_see_traces_as_they_see_records(project: Project, database: Connection) -> None:
    team = make_team(project, database, "owner", "ann", "bob")
    owner, ann, bob = team["owner"], team["ann"], team["bob"]
    secret = owner.add_project("Secret", is_private=True)
    ann.ask("save_spans", spans=[llm(1, name="ann's")])
    bob.ask("save_spans", spans=[llm(1, name="bob's", trace_id="b" * 32)])
    shared = [llm(1, name="shared", trace_id="c" * 32, project_id=str(secret))]
    owner.ask("save_spans", spans=[llm(2, 1, trace_id="c" * 32)])
    owner.ask("save_spans", spans=shared)
    assert names(find(ann)) == ["ann's"]
    assert sorted(names(find(owner))) == ["ann's", "bob's", "shared"]
    owner.ask("update_workspace", name=None, timezone=None, currency=None, person_split="everyone")
    assert sorted(names(find(ann))) == ["ann's", "bob's"]
    assert len(read_rows(ann.connection, "spans", "c" * 32)) == 1  # the one outside the private project
    assert find(ann)["cost_usd"] == "1.0000000000"


def test_a_trace_of_several_people_is_none_of_theirs(project: Project, database: Connection) -> None:
    team = make_team(project, database, "owner", "ann", "bob")
    for name, number in (("ann", 1), ("bob", 2)):
        team[name].ask("save_spans", spans=[llm(number)])
    assert names(find(team["ann"])) == []
    assert find(team["owner"])["rows"][0]["spans"] == 2


def test_rules_and_aliases_file_spans_as_they_file_records(project: Project, database: Connection) -> None:
    team = make_team(project, database, "owner", "ann")
    owner, ann = team["owner"], team["ann"]
    web = owner.add_project("Web")
    rules = [{"field": "tag", "match": "exact", "value": "team:web", "project_id": str(web)}]
    owner.ask("set_rules", rules=rules)
    owner.ask("set_aliases", aliases=[{"value": "ann@x.org", "user_id": str(ann.id)}], before=[])
    owner.ask("save_spans", spans=[llm(1, tags={"team": "web"}, person="Ann@X.org"), llm(2)])
    first, second = read_rows(owner.connection, "spans")
    assert (first["project_id"], first["user_id"]) == (str(web), str(ann.id))
    assert (second["project_id"], second["user_id"]) == (None, str(owner.id))


def tagged(number: int, team: str, **changes: Any) -> Row:
    """A call of a team."""
    return llm(number, tags={"team": team}, trace_id=f"{number:032x}", **changes)


def filed(person: Person) -> dict[str, tuple[str | None, list[str]]]:
    """The project of each span, and those of its trace."""
    rows = person.connection.execute(
        """select s.span_id, s.project_id::text, t.project_ids::text[] from public.spans as s
        inner join public.traces as t using (workspace_id, trace_id)"""
    ).fetchall()
    return {span_id.lstrip("0"): (project, projects) for span_id, project, projects in rows}


def test_spans_follow_rules_that_change_later(project: Project, database: Connection) -> None:
    owner = make_team(project, database, "owner")["owner"]
    web, shop, old = (str(owner.add_project(name)) for name in ("Web", "Shop", "Old"))
    rule = {"field": "tag", "match": "exact", "value": "team:web"}
    owner.ask("save_spans", spans=[tagged(1, "web"), tagged(2, "shop"), tagged(3, "web", project_id=old)])
    assert filed(owner) == {"1": (None, []), "2": (None, []), "3": (old, [old])}
    owner.ask("set_rules", rules=[rule | {"project_id": web}])
    assert filed(owner) == {"1": (web, [web]), "2": (None, []), "3": (old, [old])}
    others = [rule | {"project_id": shop}, {**rule, "field": "model", "value": "gpt-5", "project_id": web}]
    owner.ask("set_rules", rules=others)
    assert filed(owner) == {"1": (shop, [shop]), "2": (web, [web]), "3": (old, [old])}
    owner.ask("save_spans", spans=[tagged(4, "web")])
    assert filed(owner)["4"] == filed(owner)["1"]
    database.execute("update public.projects set archived_at = now() where id = %s", [shop])
    owner.ask("set_rules", rules=[])
    assert filed(owner) == {"1": (shop, [shop]), "2": (None, []), "3": (old, [old]), "4": (shop, [shop])}


def test_many_spans_follow_rules_at_night(project: Project, database: Connection) -> None:
    team = make_team(project, database, "owner")
    owner, due = team["owner"], "select is_refiling_due from private.span_counts"
    web = str(owner.add_project("Web"))
    owner.ask("save_spans", spans=[tagged(1, "web")])
    database.execute("update private.span_counts set spans = 5000000")
    owner.ask("set_rules", rules=[{"field": "tag", "match": "exact", "value": "team:web", "project_id": web}])
    assert filed(owner) == {"1": (None, [])}
    assert database.execute(due).fetchall() == [(True,)]
    assert refile_spans(database, team.id) == 1
    assert filed(owner) == {"1": (web, [web])}
    assert database.execute(due).fetchall() == [(False,)]
    assert refile_spans(database, team.id) == 0


def test_a_project_of_others_is_refused(project: Project, database: Connection) -> None:
    team = make_team(project, database, "owner", "ann")
    secret = team["owner"].add_project("Secret", is_private=True)
    refused = team["ann"].suspect("save_spans", workspace=team.id, spans=[llm(1, project_id=str(secret))])
    assert refused == "There is no such project in this workspace."


def test_lists_are_filtered_sorted_and_paged(project: Project, database: Connection) -> None:
    owner = make_team(project, database, "owner")["owner"]

    def add(number: int, **changes: Any) -> Row:
        return llm(number, trace_id=f"{number:032x}", **changes)

    owner.ask(
        "save_spans",
        spans=[
            add(1, name="slow", duration_us=60_000_000, session="s1", service="shop", cost_usd=None),
            add(2, name="dear", cost_usd="7", session="s1", person="ann"),
            add(3, name="new", status="error", model="other"),
        ],
    )
    assert names(find(owner)) == ["new", "dear", "slow"]
    assert names(find(owner, sort="slowest"))[0] == "slow"
    assert names(find(owner, sort="dearest")) == ["dear", "new", "slow"]
    assert names(find(owner, skip=1, page_rows=1)) == ["dear"]
    for condition, expected in (
        ({"status": "error"}, ["new"]),
        ({"service": "shop"}, ["slow"]),
        ({"model": "other"}, ["new"]),
        ({"session": "s1"}, ["dear", "slow"]),
        ({"search": "ANN"}, ["dear"]),
        ({"search": "0" * 31 + "3"}, ["new"]),
        ({"search": "%"}, []),
        ({"last_at": NOW - timedelta(hours=2)}, []),
    ):
        assert names(find(owner, **condition)) == expected, condition
    found = find(owner)
    assert (found["traces"], found["errors"], found["cost_usd"]) == (3, 1, "7.5000000000")
    assert (found["services"], found["models"]) == (["shop"], ["gpt-5", "other"])
    period = {"first_at": NOW - timedelta(days=1), "last_at": NOW}
    page = {"search": None, "sort": "dearest", "skip": 0, "page_rows": 25}
    sessions = owner.ask("find_sessions", **period, **page)
    [row] = sessions["rows"]
    assert (sessions["sessions"], row["session"], row["traces"], row["unpriced"]) == (1, "s1", 2, 1)


def test_deletions_leave_no_spans_and_no_names(project: Project, database: Connection) -> None:
    team = make_team(project, database, "owner", "ann", "bob")
    team["ann"].ask("save_spans", spans=[llm(1), llm(1, trace_id="b" * 32)])
    team["bob"].ask("save_spans", spans=[llm(2)])
    team["ann"].call("save_spans", [llm(1, trace_id="c" * 32)])
    database.execute("delete from auth.users where id = %s", [team["ann"].id])
    assert [row["user_id"] for row in read_rows(database, "spans")] == [NOBODY, str(team["bob"].id)]
    assert read_trace(database, "b" * 32)["user_id"] == NOBODY
    assert count(database, "spans") == 3
    database.execute("delete from public.workspaces where id = %s", [team.id])
    assert (count(database, "spans"), count(database, "traces")) == (0, 0)


def test_changes_of_the_days_are_logged(project: Project, database: Connection) -> None:
    owner = make_team(project, database, "owner")["owner"]
    owner.ask("set_trace_days", days=7)
    logged = entries(owner.connection)[-1]
    assert (logged["before"], logged["after"]) == ({"trace_days": 90}, {"trace_days": 7})
