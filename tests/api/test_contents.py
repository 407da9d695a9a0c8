"""Prompts and answers of spans: dropped, unless a workspace keeps them; then redacted, bounded, deleted."""

import json
from typing import Any
from uuid import UUID

import httpx
import pytest

from tally.storage.database import NotAllowed
from tally.storage.postgres import PostgresDatabase
from tally.telemetry.contents import MAX_BYTES
from tally.traces.lists import load_content
from tests.api.conftest import MakeKey
from tests.api.server import ApiServer
from tests.api.test_captures import send
from tests.api.test_otlp import ENCODINGS, call_span, post
from tests.database.teams import make_team
from tests.database_fixtures import Connection, Project
from tests.tally.telemetry import captures, otlp

SECRET = "ada@example.com and sk-ant-api03-AbCdEfGhIjKlMnOpQrStUvWx"
SAID: dict[str, Any] = {
    "gen_ai.input.messages": json.dumps([{"role": "user", "content": f"Marmalade for {SECRET}"}]),
    "gen_ai.output.messages": "Of course, Falcon: marmalade.",
    "gen_ai.tool.call.arguments": '{"query": "marmalade"}',
    "http.request.header.authorization": "Bearer marmalade",
}
TRACE, SPAN = f"{1:032x}", f"{1:016x}"


@pytest.fixture
def client(api: ApiServer, make_key: MakeKey) -> httpx.Client:
    return api.client(make_key())


@pytest.fixture
def owner(database: Connection, user: UUID) -> PostgresDatabase:
    return PostgresDatabase(database, user)


def keep(owner: PostgresDatabase, days: int | None = 30, *words: str) -> None:
    owner.call("set_content_rules", days=days, words=words)


def dump(project: Project) -> str:
    """All tables of the database as text, of each schema."""
    with project.connect("postgres") as connection:
        tables = connection.execute(
            """select format('%I.%I', schemaname, tablename) from pg_tables
            where schemaname in ('public', 'private', 'auth', 'jobs')"""
        ).fetchall()
        return "\n".join(
            str(row)
            for (table,) in tables
            for row in connection.execute(f"select t.*::text from {table} as t".encode())
        )


def said_span(**more: Any) -> dict[str, Any]:
    told = call_span(1, **SAID, **more)
    event = {
        "name": "gen_ai.user.message",
        "timeUnixNano": told["startTimeUnixNano"],
        "attributes": otlp.attributes({"content": "marmalade event"}),
    }
    return told | {"events": [event], "status": {"code": 2, "message": "marmalade failed"}}


@pytest.mark.parametrize("media_type", ENCODINGS)
def test_nothing_that_was_said_is_in_any_table(
    client: httpx.Client, database: Connection, project: Project, media_type: str
) -> None:
    body = ENCODINGS[media_type](said_span())
    assert post(client, body, media_type).status_code == 200
    assert database.execute("select count(*) from public.spans").fetchone() == (1,)
    found = dump(project)
    assert SPAN in found
    assert "marmalade" not in found.lower()
    assert "ada@example.com" not in found


def test_captures_leave_nothing_that_was_said(client: httpx.Client, project: Project) -> None:
    for name in captures.NAMES:
        for request in captures.load(name):
            assert send(client, request).status_code in (200, 207)
    found = dump(project)
    assert [said for said in ("Say hello", "sunny", "You are a", "weather?") if said in found] == []


@pytest.mark.parametrize("media_type", ENCODINGS)
def test_what_is_kept_is_redacted(
    client: httpx.Client, owner: PostgresDatabase, project: Project, media_type: str
) -> None:
    keep(owner, 30, "Falcon")
    for _ in range(2):
        assert post(client, ENCODINGS[media_type](said_span()), media_type).status_code == 200
    said = load_content(owner, TRACE, SPAN)
    assert set(said) == {"prompt", "answer", "tool"}
    assert "Marmalade for [email] and [key]" in said["prompt"]
    assert "marmalade event" in said["prompt"]
    assert said["answer"] == "Of course, [removed]: marmalade."
    assert said["tool"] == '{"query": "marmalade"}'
    found = dump(project)
    assert "marmalade" in found
    assert "ada@example.com" not in found
    assert "AbCdEfGhIjKl" not in found
    assert "Bearer" not in found
    assert "marmalade failed" not in found


def test_what_is_kept_is_bounded(client: httpx.Client, owner: PostgresDatabase, database: Connection) -> None:
    keep(owner)
    long: dict[str, Any] = {"input.value": "€" * 100_000, "output.value": '"\n' * 90_000}
    post(client, ENCODINGS["application/json"](call_span(1, **long)))
    said = load_content(owner, TRACE, SPAN)
    assert said["prompt"].endswith("€…")
    assert {len(text.encode()) for text in said.values()} <= {MAX_BYTES, MAX_BYTES - 1, MAX_BYTES - 2}
    database.execute(
        "create or replace function private.max_contents() returns bigint language sql as 'select 1'"
    )
    post(client, ENCODINGS["application/json"](call_span(2, **SAID)))
    assert load_content(owner, TRACE, f"{2:016x}") == {}
    assert database.execute("select contents from private.span_counts").fetchall() == [(1,)]


def test_switching_off_deletes_and_stops(
    client: httpx.Client, owner: PostgresDatabase, project: Project, database: Connection
) -> None:
    keep(owner)
    post(client, ENCODINGS["application/json"](said_span()))
    assert load_content(owner, TRACE, SPAN)
    keep(owner, None)
    assert load_content(owner, TRACE, SPAN) == {}
    post(
        client, ENCODINGS["application/json"](call_span(2, **SAID))
    )  # the process still has the rule from before
    assert "marmalade" not in dump(project).lower()
    assert database.execute("select contents from private.span_counts").fetchall() == [(0,)]
    logged = """select after ->> 'content_days' from public.audit_logs
        where table_name = 'workspaces' order by created_at"""
    assert database.execute(logged).fetchall() == [("30",), (None,)]


def test_contents_end_after_their_days_and_with_their_trace(
    client: httpx.Client, owner: PostgresDatabase, database: Connection, user: UUID
) -> None:
    keep(owner, 7)
    post(client, ENCODINGS["application/json"](call_span(1, **SAID), call_span(2, trace_id=2, **SAID)))
    drop = "select private.drop_old_contents(%s, 10)"
    assert database.execute(drop, [user]).fetchone() == (0,)
    database.execute(
        "update private.span_contents set saved_at = now() - interval '8 days' where trace_id = %s", [TRACE]
    )
    assert database.execute(drop, [user]).fetchone() == (1,)
    assert load_content(owner, TRACE, SPAN) == {}
    assert load_content(owner, f"{2:032x}", f"{2:016x}")
    database.execute("delete from public.traces where trace_id = %s", [f"{2:032x}"])
    counts = "select (select count(*) from private.span_contents), (select contents from private.span_counts)"
    assert database.execute(counts).fetchone() == (0, 0)


def test_only_who_sees_a_span_reads_what_was_said(
    project: Project,
    api: ApiServer,
    make_key: MakeKey,
    database: Connection,
) -> None:
    team = make_team(project, database, "owner", "ann", "bob")
    people = {name: PostgresDatabase(database, team[name].id, team.id) for name in ("owner", "ann", "bob")}
    with pytest.raises(NotAllowed):
        keep(people["ann"])
    keep(people["owner"])
    post(
        api.client(make_key(owner=team["ann"].id, workspace=team.id)),
        ENCODINGS["application/json"](said_span()),
    )
    assert load_content(people["ann"], TRACE, SPAN)
    assert load_content(people["owner"], TRACE, SPAN)
    database.execute("update public.workspaces set person_split = 'own' where id = %s", [team.id])
    assert load_content(people["bob"], TRACE, SPAN) == {}
    # Nor can others put words into a step that is not theirs.
    forged = [{"trace_id": TRACE, "span_id": SPAN, "content": {"prompt": "forged"}}]
    database.execute("delete from private.span_contents")
    assert people["bob"].call("save_contents", contents=forged) == 0


def test_what_was_said_in_a_private_project_is_for_its_members(
    project: Project, api: ApiServer, make_key: MakeKey, database: Connection
) -> None:
    team = make_team(project, database, "owner", "ann", "viewer")
    people = {name: PostgresDatabase(database, team[name].id, team.id) for name in team.people}
    database.execute("update public.workspaces set person_split = 'everyone'")
    keep(people["owner"])
    secret = team["owner"].add_project("Secret", is_private=True)
    key = make_key(owner=team["owner"].id, workspace=team.id, project_id=str(secret))
    post(api.client(key), ENCODINGS["application/json"](said_span()))

    def readers() -> set[str]:
        return {name for name, person in people.items() if load_content(person, TRACE, SPAN)}

    assert readers() == {"owner"}
    member = "insert into public.project_members (workspace_id, project_id, user_id) values (%s, %s, %s)"
    database.execute(member, [team.id, secret, team["viewer"].id])
    assert readers() == {"owner", "viewer"}
    leave = "delete from public.members where workspace_id = %s and user_id = %s"
    database.execute(leave, [team.id, team["viewer"].id])
    with pytest.raises(NotAllowed):
        load_content(people["viewer"], TRACE, SPAN)
    database.execute("update public.projects set is_private = false")
    del people["viewer"]
    assert readers() == {"owner", "ann"}
