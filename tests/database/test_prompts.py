"""Prompts: versions that never change, deployments whose past stays, and who may do what."""

import json
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.database.teams import COLLEAGUES, Person, Team, make_team, race
from tests.database_fixtures import Connection, Project

TEXT = "Answer {{question}} in {{language}}."


@pytest.fixture
def team(project: Project, database: Connection) -> Team:
    """A workspace with a person of each role."""
    return make_team(project, database, *COLLEAGUES)


def push(person: Person, content: str = TEXT, name: str = "refund", **others: Any) -> dict[str, Any]:
    """Push a text as a version of a prompt."""
    query = """select public.push_prompt(
        workspace => %s, name => %s, content => %s, message => %s, variables => %s, labels => %s)"""
    given = [
        person.workspace,
        name,
        content,
        others.get("message", ""),
        others.get("variables", []),
        others.get("labels", []),
    ]
    [[answer]] = person.connection.execute(query, given).fetchall()
    assert isinstance(answer, dict)
    return answer


def push_many(person: Person, count: int, name: str = "refund") -> None:
    """Push so many versions."""
    for number in range(1, count + 1):
        push(person, f"Version {number}", name)


def read(person: Person, name: str = "refund") -> dict[str, Any]:
    """A prompt as the person sees it."""
    found = person.ask("read_prompt", prompt=name)
    assert isinstance(found, dict)
    return found


def deploy(person: Person, shares: Mapping[str, float], environment: str = "production") -> Any:
    """Deploy versions of the prompt."""
    return person.ask("deploy_prompt", prompt="refund", environment=environment, shares=shares)


def roll_back(person: Person) -> dict[str, int]:
    """Roll production back, and say what runs now."""
    shares: dict[str, int] = person.ask("roll_back_prompt", prompt="refund", environment="production")[
        "shares"
    ]
    return shares


def refuse(call: Callable[..., Any], *values: Any, **named: Any) -> str:
    """The sentence with which a call is refused."""
    with pytest.raises(psycopg.Error) as refused:
        call(*values, **named)
    assert refused.value.diag.sqlstate in ("22023", "42501")
    return str(refused.value.diag.message_primary)


def test_versions_are_numbered_and_the_same_text_is_the_same_version(team: Team) -> None:
    ann = team["ann"]
    first = push(ann, "One\r\ntwo", message="First", variables=["a"])
    again = push(ann, "One\ntwo")
    second = push(ann, "Other")
    assert (first["number"], first["is_new"]) == (1, True)
    assert first["sha256"] == sha256(b"One\ntwo").hexdigest()
    assert again == first | {"is_new": False}
    assert second["number"] == 2
    versions = read(team["viewer"])["versions"]
    assert [row["number"] for row in versions] == [2, 1]
    assert (versions[1]["message"], versions[1]["variables"]) == ("First", ["a"])
    assert versions[1]["author_id"] == str(ann.id)
    assert ann.ask("prompt_text", prompt="refund", number=1)["content"] == "One\ntwo"


def test_two_pushes_at_once_are_two_versions(team: Team) -> None:
    calls = [
        lambda text=text, name=name: push(team[name], text) for text, name in (("A", "ann"), ("B", "bob"))
    ]
    assert sorted(answer["number"] for answer in race(*calls)) == [1, 2]


def test_nobody_changes_a_version_but_its_labels(team: Team, database: Connection) -> None:
    push(team["ann"])
    for change in ("content = 'x', content_sha256 = sha256('x')", "number = 7", "message = 'x'"):
        with pytest.raises(psycopg.Error, match="never changes"), database.transaction():
            database.execute(f"update public.prompt_versions set {change}".encode())
    database.execute("update public.prompt_versions set labels = '{stable}'")


def test_label_is_on_one_version(team: Team) -> None:
    ann = team["ann"]
    push(ann, "One", labels=["stable", "eu"])
    push(ann, "Two", labels=["stable"])
    assert [row["labels"] for row in read(ann)["versions"]] == [["stable"], ["eu"]]
    label = "select public.label_prompt_version(%s, 'refund', 1, %s)"
    ann.connection.execute(label, [ann.workspace, ["stable"]])
    assert [row["labels"] for row in read(ann)["versions"]] == [[], ["stable"]]
    with pytest.raises(psycopg.Error, match="given by deploying"):
        ann.connection.execute(label, [ann.workspace, ["production"]])


def test_change_of_traffic_closes_rows_and_opens_rows(team: Team) -> None:
    push_many(team["ann"], 2)
    admin = team["admin"]
    assert deploy(admin, {"1": 100})["is_new"]
    assert deploy(admin, {"1": 90, "2": 10})["is_new"]
    assert not deploy(admin, {"1": 90.0, "2": 10})["is_new"]
    found = read(admin)
    assert found["live"][0]["shares"] == {"1": 90, "2": 10}
    assert found["live"][0]["before"] == {"1": 100}
    rows = found["deployments"]
    assert [(row["number"], row["share"], row["to_at"] is None) for row in rows] == [
        (1, 90, True),
        (2, 10, True),
        (1, 100, False),
    ]
    assert rows[2]["to_at"] == rows[0]["from_at"]


def test_rolling_back_deploys_what_ran_before_and_deletes_nothing(team: Team) -> None:
    push_many(team["ann"], 3)
    owner = team["owner"]
    for number in "123":
        deploy(owner, {number: 100})
    assert roll_back(owner) == {"2": 100}
    assert roll_back(owner) == {"1": 100}
    assert refuse(roll_back, owner) == "Nothing ran before that in production. Deploy a version instead."
    assert [row["number"] for row in read(owner)["deployments"]] == [1, 2, 3, 2, 1]
    deploy(owner, {"3": 50, "1": 50})
    assert roll_back(owner) == {"1": 100}


def test_environments_are_apart(team: Team) -> None:
    push_many(team["ann"], 2)
    owner = team["owner"]
    deploy(owner, {"1": 100})
    deploy(owner, {"2": 100}, "staging")
    assert [(row["environment"], row["shares"]) for row in read(owner)["live"]] == [
        ("production", {"1": 100}),
        ("staging", {"2": 100}),
    ]


def slots_of(person: Person) -> list[int]:
    """The version that each of the 10,000 slots of production has."""
    found = person.ask("find_prompt", prompt="refund", label="production")["slots"]
    slots = {
        slot: int(number)
        for number, ranges in found.items()
        for low, high in ranges
        for slot in range(low, high)
    }
    assert sorted(slots) == list(range(10_000))
    return [slots[slot] for slot in range(10_000)]


CUTS = st.lists(st.integers(0, 10_000), min_size=3, max_size=3).map(sorted)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(splits=st.lists(CUTS, min_size=2, max_size=5))
def test_a_new_split_moves_as_few_keys_as_its_shares_allow(
    project: Project, database: Connection, splits: list[list[int]]
) -> None:
    owner = make_team(project, database, "owner")["owner"]
    push_many(owner, 4)
    before: list[int] = []
    for cuts in splits:
        sizes = {
            n + 1: high - low for n, (low, high) in enumerate(zip([0, *cuts], [*cuts, 10_000], strict=True))
        }
        deploy(owner, {str(number): size / 100 for number, size in sizes.items()})
        after = slots_of(owner)
        assert {number: after.count(number) for number in sizes} == sizes
        if before:
            least = sum(max(before.count(number) - size, 0) for number, size in sizes.items())
            assert sum(map(int.__ne__, before, after)) == least
        before = after


def test_rolling_back_gives_each_key_the_version_that_it_had(team: Team, database: Connection) -> None:
    push_many(team["ann"], 3)
    owner = team["owner"]
    deploy(owner, {"1": 50, "2": 30, "3": 20})
    database.execute("update public.prompt_deployments set slots = null")  # as another installation's
    first = slots_of(owner)
    for shares in ({"3": 100}, {"1": 20, "2": 40, "3": 40}):
        deploy(owner, shares)
    roll_back(owner)
    roll_back(owner)
    assert slots_of(owner) == first


@pytest.mark.parametrize(
    ("shares", "sentence"),
    [
        ({"1": 90, "2": 11}, "These shares add up to 101%, not to 100%."),
        ({"1": 33.33, "2": 33.33}, "These shares add up to 66.66%, not to 100%."),
        ({"1": 110, "2": -10}, "A share is 0 to 100%."),
        ({"1": 99.999, "2": 0.001}, "Give shares with two decimals at most."),
        ({"1": 50, "9": 50}, "The prompt “refund” has no version 9."),
        ({}, "Give up to 20 versions by number, each with its share of the traffic in percent."),
        ({"one": 100}, "Give up to 20 versions by number, each with its share of the traffic in percent."),
        ({"1": "NaN"}, "Give up to 20 versions by number, each with its share of the traffic in percent."),
    ],
)
def test_traffic_that_cannot_be_is_a_sentence_and_changes_nothing(
    team: Team, shares: dict[str, Any], sentence: str
) -> None:
    push_many(team["ann"], 2)
    deploy(team["owner"], {"1": 100})
    assert refuse(deploy, team["owner"], shares) == sentence
    assert read(team["owner"])["live"][0]["shares"] == {"1": 100}


def test_roles(team: Team) -> None:
    push(team["ann"])
    refused = "Your role in this workspace does not allow this."
    assert refuse(push, team["viewer"], "Other") == refused
    assert refuse(deploy, team["ann"], {"1": 100}) == refused
    assert refuse(roll_back, team["ann"]) == refused
    assert refuse(team["ann"].ask, "archive_prompt", prompt="refund", archived=True) == refused
    deploy(team["admin"], {"1": 100})
    assert read(team["viewer"])["live"][0]["shares"] == {"1": 100}


def test_archived_prompt_keeps_running_and_takes_no_versions(team: Team) -> None:
    push(team["ann"])
    admin = team["admin"]
    deploy(admin, {"1": 100})
    admin.ask("archive_prompt", prompt="refund", archived=True)
    assert admin.ask("list_prompts") == []
    assert [row["name"] for row in admin.ask("list_prompts", archived=True)] == ["refund"]
    found = admin.ask("find_prompt", prompt="refund", label="production")
    assert [row["number"] for row in found["versions"]] == [1]
    assert refuse(push, team["ann"], "Other") == "The prompt “refund” is archived. Restore it first."
    admin.ask("archive_prompt", prompt="refund", archived=False)
    assert push(team["ann"], "Other")["number"] == 2


def test_prompt_of_more_than_a_megabyte_is_refused_and_leaves_nothing(team: Team) -> None:
    at_most = "ä" * (1048576 // 2)
    assert push(team["ann"], at_most)["is_new"]
    sentence = refuse(push, team["ann"], at_most + "a", "other")
    assert sentence.startswith("This prompt has 1,048,577 bytes, and 1,048,576 (1 MB) is the most.")
    assert [row["name"] for row in team["ann"].ask("list_prompts")] == ["refund"]


@pytest.mark.parametrize("content", ["", " \n\t ", "\r\n"])
def test_empty_prompt_is_refused(team: Team, content: str) -> None:
    assert refuse(push, team["ann"], content) == "This prompt is empty. Push its text."


def test_prompt_of_a_hidden_project_is_hidden(team: Team) -> None:
    push(team["owner"])
    project = team["owner"].add_project("Secret", is_private=True)
    change = "select public.change_prompt(%s, 'refund', '{billing}', %s)"
    team["owner"].connection.execute(change, [team.id, project])
    ann = team["ann"]
    assert ann.ask("list_prompts") == []
    assert refuse(read, ann) == "There is no prompt “refund” in this workspace. Check its name."
    assert refuse(push, ann, "Other").startswith("There is no prompt")
    for table in ("prompts", "prompt_versions", "prompt_deployments"):
        assert ann.connection.execute(f"select id from public.{table}".encode()).fetchall() == []
    assert team["owner"].ask("list_prompts")[0]["tags"] == ["billing"]


def test_search_finds_names_tags_and_messages(team: Team) -> None:
    ann = team["ann"]
    push(ann, name="draft-reply", message="Shorter greeting")
    push(ann, name="tag-ticket")
    ann.connection.execute("select public.change_prompt(%s, 'tag-ticket', '{Support}')", [team.id])

    def found(search: str) -> list[str]:
        return [row["name"] for row in ann.ask("list_prompts", search=search)]

    assert found("REPLY") == found("greeting") == ["draft-reply"]
    assert found("support") == ["tag-ticket"]
    assert found("%") == []
    assert found("") == ["draft-reply", "tag-ticket"]


def test_changes_are_in_the_audit_log(team: Team, database: Connection) -> None:
    database.execute("delete from public.audit_logs")
    push(team["ann"])
    deploy(team["admin"], {"1": 100})
    logged = database.execute(
        "select action, table_name, actor_id, after::text from public.audit_logs order by created_at"
    ).fetchall()
    assert [row[:3] for row in logged] == [
        ("insert", "prompts", team["ann"].id),
        ("insert", "prompt_versions", team["ann"].id),
        ("insert", "prompt_deployments", team["admin"].id),
    ]
    assert TEXT not in "".join(row[3] for row in logged)
    assert json.loads(logged[2][3])["share"] == 100
