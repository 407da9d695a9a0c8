"""Figures of prompts: plain sums over the calls that name them; names and versions from records."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.database.teams import Person, Team, make_team
from tests.database.test_prompts import push
from tests.database_fixtures import Connection, Project

Row = dict[str, Any]

FIRST, LAST = date(2026, 5, 11), date(2026, 5, 17)
NOON = datetime(2026, 5, 11, 12, tzinfo=UTC)


@pytest.fixture
def team(project: Project, database: Connection) -> Team:
    """An owner, two members, and a viewer."""
    return make_team(project, database, "owner", "ann", "bob", "viewer")


def told(prompt: str | None = "refund", version: str | None = "1", days: int = 0, **changes: Any) -> Row:
    """A record of a call that names a prompt, at noon so many days after the first."""
    inference = {"status": "ok", "duration_ms": 1000} | changes.pop("inference", {})
    names = {"prompt_name": prompt, "prompt_version": version}
    return {
        "provider": "openai",
        "timestamp": (NOON + timedelta(days=days)).isoformat(),
        "model_name": "gpt-5",
        "cost_usd": "0.5",
        "cost_basis": "estimated",
        "collection_method": "otlp",
        "tokens_used": 110,
        "input_tokens": 100,
        "output_tokens": 10,
        "request_count": 1,
        "source_key": str(uuid4()),
        "metadata": {"inference": inference} | {name: value for name, value in names.items() if value},
    } | changes


def save(person: Person, *records: Row) -> None:
    """Save records as telemetry of a person."""
    person.save(person.add_source(), *records)


def ask(person: Person, **changes: Any) -> Row:
    """The figures of a week as a person sees them."""
    found: Row = person.ask("prompt_figures", **({"from_date": FIRST, "to_date": LAST} | changes))
    return found


def register(database: Connection, team: Team) -> int:
    """Register what the records of a team name."""
    [[added]] = database.execute("select private.register_prompts(%s)", [team.id]).fetchall()
    assert isinstance(added, int)
    return added


def versions(person: Person, name: str = "refund") -> dict[int, str | None]:
    """The versions of a prompt by number: what programs call those that have another name."""
    found = person.ask("read_prompt", prompt=name)["versions"]
    return {row["number"]: row["told_version"] for row in found}


CALLS = st.lists(
    st.tuples(
        st.sampled_from(["refund", "draft"]),
        st.sampled_from(["1", "v2", "2", "abc", None]),
        st.integers(-8, 8),
        st.one_of(st.none(), st.decimals("0", "3", places=4)),
        st.sampled_from(["ok", "error"]),
        st.integers(1, 5000),
        st.integers(0, 900),
    ),
    max_size=25,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(calls=CALLS)
def test_figures_are_plain_sums_over_the_calls(
    project: Project, database: Connection, calls: list[tuple[Any, ...]]
) -> None:
    owner = make_team(project, database, "owner")["owner"]
    records = [
        told(
            prompt, version, days, cost_usd=None if cost is None else str(cost),
            inference={"status": status, "duration_ms": duration}, tokens_used=tokens, input_tokens=tokens,
            output_tokens=0,
        )
        for prompt, version, days, cost, status, duration, tokens in calls
    ]  # fmt: skip
    if records:
        save(owner, *records)
    expected: defaultdict[tuple[str, str], list[tuple[Any, ...]]] = defaultdict(list)
    for call in calls:
        if 0 <= call[2] <= 6:
            expected[call[0], (call[1] or "").removeprefix("v")].append(call)
    found = {(row["prompt"], row["told"]): row for row in ask(owner)["versions"]}
    assert set(found) == set(expected)
    for key, of_version in expected.items():
        row = found[key]
        costs = [
            cost if cost is not None else Decimal(0)
            for *_, cost, status, _, tokens in of_version
            if cost is not None or (status != "ok" and tokens == 0)
        ]
        well = sorted(duration for *_, status, duration, _ in of_version if status == "ok")
        assert row["calls"] == row["records"] == row["sizes"] == len(of_version)
        assert (row["costs"], row["unpriced"]) == (len(costs), len(of_version) - len(costs))
        assert Decimal(row["cost_usd"] or 0) == sum(costs)
        assert row["tokens"] == sum(call[-1] for call in of_version)
        assert row["errors"] == sum(status != "ok" for *_, status, _, _ in of_version)
        assert row["timed"] == len(well)
        if costs:
            powers = [sum(cost**power for cost in costs) for power in range(1, 5)]
            assert ([*map(Decimal, row["usd_powers"])], Decimal(row["most_usd"])) == (powers, max(costs))
        sizes = [call[-1] for call in of_version]
        assert [*map(int, row["token_powers"])] == [
            sum(size**power for size in sizes) for power in range(1, 5)
        ]
        if well:
            low, median, high, _ = row["latency_ms"]
            assert median == well[(len(well) - 1) // 2]
            assert low <= median <= high
    days: defaultdict[tuple[str, str], int] = defaultdict(int)
    for prompt, _, day, *_ in calls:
        if 0 <= day <= 6:
            days[prompt, (FIRST + timedelta(days=day)).isoformat()] += 1
    assert {(row["prompt"], row["day"]): row["calls"] for row in ask(owner)["days"]} == days
    before = {row["prompt"]: row["calls"] for row in ask(owner)["before"]}
    assert sum(before.values()) == sum(-7 <= call[2] < 0 for call in calls)


def test_calls_of_one_prompt_have_days_by_version(team: Team) -> None:
    save(team["ann"], told(), told(version="2"), told("draft"))
    days = ask(team["ann"], prompt="refund")["days"]
    assert [(row["told"], row["day"], row["calls"]) for row in days] == [
        ("1", "2026-05-11", 1),
        ("2", "2026-05-11", 1),
    ]


def test_figures_are_totals_for_all_who_see_totals(team: Team) -> None:
    """A project that is private to others is left out, and nobody's calls are told apart."""
    hidden = team["owner"].add_project("Secret", is_private=True)
    save(team["ann"], told(), told(version="2"))
    save(team["bob"], told(version="3"))
    team["owner"].choose(hidden, "metadata ->> 'prompt_version' = '3'")

    def seen() -> dict[str, set[str]]:
        return {
            name: {row["told"] for row in ask(team[name])["versions"]}
            for name in ("owner", "ann", "bob", "viewer")
        }

    totals = {"owner": {"1", "2", "3"}, "ann": {"1", "2"}, "bob": {"1", "2", "3"}, "viewer": {"1", "2"}}
    for split in ("admins", "everyone"):
        team["owner"].ask("update_workspace", name=None, timezone=None, currency=None, person_split=split)
        assert seen() == totals
    team["owner"].ask("update_workspace", name=None, timezone=None, currency=None, person_split="own")
    assert seen() == {"owner": {"1", "2", "3"}, "ann": {"1", "2"}, "bob": {"3"}, "viewer": set()}


def test_another_workspace_is_another_workspace(project: Project, database: Connection, team: Team) -> None:
    save(team["ann"], told())
    other = make_team(project, database, "owner")
    assert ask(other["owner"])["versions"] == []
    with pytest.raises(psycopg.Error, match="not a member"):
        other["owner"].call("prompt_figures", workspace=team.id, from_date=FIRST, to_date=LAST)
    assert register(database, other) == 0


def test_statement_that_counts_may_leave_the_prompt_to_another_one(team: Team, database: Connection) -> None:
    """A gateway reports the same request without a prompt, and its statement wins the event."""
    ann = team["ann"]
    key: Row = {"source_key": str(uuid4()), "request_id": "msg_1"}
    save(ann, told(**key))
    save(ann, told(None, None, cost_basis="billed", collection_method="api_automated", cost_usd="0.7", **key))
    [[count]] = database.execute("select count(*) from public.superseded_records").fetchall()
    [row] = ask(ann)["versions"]
    assert (count, row["calls"], row["prompt"]) == (1, 1, "refund")
    assert register(database, team) == 2


def test_registering_names_prompts_and_versions_once(team: Team, database: Connection) -> None:
    ann = team["ann"]
    save(
        ann, told(), told(version="v2", days=1), told("draft", None), told(" ", "1"), told("refund", "b7", 2)
    )
    assert register(database, team) == 5
    assert register(database, team) == 0
    assert [row["name"] for row in ann.ask("list_prompts")] == ["draft", "refund"]
    assert versions(ann) == {1: None, 2: None, 3: "b7"}
    assert versions(ann, "draft") == {}
    save(ann, told(version="V2"), told(version="b7"), told(version="4"))
    assert register(database, team) == 1
    assert set(versions(ann)) == {1, 2, 3, 4}
    found = {row["number"]: row["calls"] for row in ask(ann)["versions"] if row["prompt"] == "refund"}
    assert found == {1: 1, 2: 2, 3: 2, 4: 1}


def test_registered_version_began_with_its_first_call(team: Team, database: Connection) -> None:
    save(team["ann"], told(days=3), told(days=1), told(days=2))
    register(database, team)
    [version] = team["ann"].ask("read_prompt", prompt="refund")["versions"]
    assert datetime.fromisoformat(version["created_at"]) == NOON + timedelta(days=1)
    assert (version["author_id"], version["sha256"]) == (None, None)


def test_pushed_version_is_found_by_number_and_by_hash(team: Team, database: Connection) -> None:
    ann = team["ann"]
    first, second = push(ann, "One"), push(ann, "Two")
    save(
        ann, told(version="v1"), told(version=first["sha256"][:8]), told(version="sha256:" + second["sha256"])
    )
    assert register(database, team) == 0
    assert {row["number"]: row["calls"] for row in ask(ann)["versions"]} == {1: 2, 2: 1}


def test_name_that_is_no_number_takes_no_number_of_another_version(team: Team, database: Connection) -> None:
    save(team["ann"], told(version="blue"), told(version="1", days=1))
    register(database, team)
    save(team["ann"], told(version="3"), told(version="2"))
    register(database, team)
    assert versions(team["ann"]) == {1: None, 2: "blue", 3: None, 4: "2"}


def test_prompt_of_hidden_records_alone_is_hidden(team: Team, database: Connection) -> None:
    hidden = team["owner"].add_project("Secret", is_private=True)
    save(team["owner"], told("secret"), told("open"), told("open", "2"))
    team["owner"].choose(
        hidden, "metadata ->> 'prompt_name' = 'secret' or metadata ->> 'prompt_version' = '2'"
    )
    register(database, team)
    assert [row["name"] for row in team["ann"].ask("list_prompts")] == ["open"]
    assert [row["name"] for row in team["owner"].ask("list_prompts")] == ["open", "secret"]


def test_archived_prompts_make_room_for_names_that_are_called(team: Team, database: Connection) -> None:
    """Those that records alone made, and none that somebody gave a text: it is kept."""
    ann, owner = team["ann"], team["owner"]
    database.execute(
        "insert into public.prompts (workspace_id, name) select %s, n from generate_series(1, 1997) as n",
        [team.id],
    )
    push(ann, "Text", "pushed")
    save(ann, told("old"), told("older"))
    assert register(database, team) == 4
    save(ann, told("late"), told("new", days=1))
    assert register(database, team) == 0
    for name in ("old", "pushed"):
        owner.ask("archive_prompt", prompt=name)
    archive = "update public.prompts set archived_at = %s where archived_at is not null and workspace_id = %s"
    database.execute(archive, [NOON + timedelta(days=2), team.id])
    assert register(database, team) == 0
    save(ann, told("new", days=3), told("newer", days=3))
    assert register(database, team) == 2
    assert register(database, team) == 0
    names = {row["name"] for row in ann.ask("list_prompts")}
    assert (len(names), names & {"old", "older", "new", "newer", "late"}) == (1999, {"older", "new"})
    assert [row["name"] for row in ann.ask("list_prompts", archived=True)] == ["pushed"]


def test_ids_as_versions_do_not_fill_a_workspace(team: Team, database: Connection) -> None:
    database.execute(
        "create or replace function private.max_told_versions() returns integer language sql as 'select 3'"
    )
    save(team["ann"], *(told(version=str(uuid4()), days=day) for day in range(5)))
    assert register(database, team) == 4
    assert register(database, team) == 0
    assert sum(row["calls"] for row in ask(team["ann"])["versions"]) == 5


@pytest.mark.parametrize(("first", "last"), [(None, LAST), (LAST, FIRST), (date(2025, 1, 1), LAST)])
def test_period_that_cannot_be_is_refused(team: Team, first: date | None, last: date) -> None:
    with pytest.raises(psycopg.Error, match="at most 400 days"):
        ask(team["ann"], from_date=first, to_date=last)


def test_too_many_calls_are_refused_in_a_sentence(team: Team, database: Connection) -> None:
    database.execute(
        "create or replace function private.max_calls() returns bigint language sql as 'select 1::bigint'"
    )
    save(team["ann"], told(), told(days=1))
    with pytest.raises(psycopg.Error, match="more than 1 calls with a prompt"):
        ask(team["ann"])


def test_metadata_of_anybody_is_harmless(team: Team, database: Connection) -> None:
    odd: list[Any] = [["a"], {"name": "refund"}, 7, True, "x" * 3000, "line\nbreak", "\u202e"]
    records = [told(metadata={"prompt_name": value, "prompt_version": value}) for value in odd]
    save(team["ann"], *records)
    assert register(database, team) == register(database, team) + 12
    assert sum(row["calls"] for row in ask(team["ann"])["versions"]) == len(odd)
