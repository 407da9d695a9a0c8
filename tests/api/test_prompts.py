"""Programs are given prompts by label and key, with ETag, and push versions."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx
import pytest

from tally.prompts.stored import deploy_prompt, push_prompt
from tally.storage.postgres import PostgresDatabase
from tests.api.conftest import MakeKey
from tests.api.server import ApiServer
from tests.database.teams import make_team
from tests.database_fixtures import Connection, Project

AsKey = Callable[[str], httpx.Client]
TEXT = "Answer {{question}}."


@pytest.fixture
def reader(api: ApiServer, make_key: MakeKey) -> httpx.Client:
    """A client with a key that may read."""
    return api.client(make_key("read"))


@pytest.fixture
def mine(database: Connection, user: UUID) -> PostgresDatabase:
    """The database as the keys' owner."""
    return PostgresDatabase(database, user)


def give(client: httpx.Client, name: str = "refund", **query: Any) -> dict[str, Any]:
    """What a program is given."""
    answer = client.get(f"/v1/prompts/{name}", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_program_is_given_what_is_deployed(reader: httpx.Client, mine: PostgresDatabase) -> None:
    push_prompt(mine, "refund", TEXT, "First", ["stable"])
    push_prompt(mine, "refund", "Other")
    deploy_prompt(mine, "refund", "production", {1: 100})  # type: ignore[dict-item]
    given = give(reader)
    assert (given["version"], given["text"], given["variables"]) == (1, TEXT, ["question"])
    assert (given["is_split"], given["label"], given["message"]) == (False, "production", "First")
    assert give(reader, label="stable")["version"] == 1
    assert give(reader, label="latest")["version"] == give(reader, version="2")["version"] == 2


def test_same_key_gets_the_same_version_of_a_split(reader: httpx.Client, mine: PostgresDatabase) -> None:
    for text in ("One", "Two"):
        push_prompt(mine, "refund", text)
    deploy_prompt(mine, "refund", "production", {1: 50, 2: 50})  # type: ignore[dict-item]
    versions = {key: give(reader, key=key)["version"] for key in map(str, range(12))}
    assert set(versions.values()) == {1, 2}
    assert all(give(reader, key=key)["version"] == version for key, version in versions.items())
    assert give(reader)["is_split"]


def test_program_that_has_the_text_is_told_so(reader: httpx.Client, mine: PostgresDatabase) -> None:
    push_prompt(mine, "refund", TEXT)
    deploy_prompt(mine, "refund", "production", {1: 100})  # type: ignore[dict-item]
    first = reader.get("/v1/prompts/refund")
    etag = first.headers["etag"]
    assert first.headers["cache-control"] == "private, no-cache"
    for told in (etag, f'"x", W/{etag}', "*"):
        again = reader.get("/v1/prompts/refund", headers={"if-none-match": told})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    push_prompt(mine, "refund", "Other")
    deploy_prompt(mine, "refund", "production", {2: 100})  # type: ignore[dict-item]
    assert reader.get("/v1/prompts/refund", headers={"if-none-match": etag}).json()["version"] == 2


def test_names_of_any_letters_are_paths(reader: httpx.Client, mine: PostgresDatabase) -> None:
    markup = ("<b>refund</b>", "[x](http://evil.example)", "'; drop table prompts; --", "{{name}}", "a%2Fb#c")
    for name in ("team/refund v2", "größe?", "50%", "v1/records", "🙂" * 100, "a/../b", *markup):
        push_prompt(mine, name, TEXT)
        answer = reader.get(f"/v1/prompts/{quote(name, safe='')}", params={"label": "latest"})
        assert answer.json().get("name") == name, (name, answer.text)


ABSENT: list[tuple[str, dict[str, str], int, str]] = [
    ("nothing", {}, 404, "There is no prompt “nothing” in this workspace."),
    ("x" * 3_000, {}, 404, "There is no prompt “xxx"),
    ("refund", {"label": "staging"}, 404, "No version of “refund” runs in staging, or has this label."),
    ("refund", {"version": "9"}, 404, "The prompt “refund” has no version 9."),
    ("refund", {"version": "one"}, 400, "`version` is the number of a version, such as 8."),
    ("refund", {"version": "1", "label": "a"}, 400, "A version is one"),
    ("refund", {"key": "x" * 1001}, 400, "`key` has more than 1,000 characters."),
    ("refund", {"colour": "red"}, 400, "There is no parameter “colour” here."),
]


def test_what_is_not_there_is_a_sentence(reader: httpx.Client, mine: PostgresDatabase) -> None:
    push_prompt(mine, "refund", TEXT)
    for path, query, status, sentence in ABSENT:
        answer = reader.get(f"/v1/prompts/{path}", params=query)
        assert (answer.status_code, answer.json()["message"].startswith(sentence)) == (status, True), query


def test_pushed_text_is_a_version_once(as_key: AsKey, make_key: MakeKey, reader: httpx.Client) -> None:
    sender = as_key(make_key("ingest"))
    body = {"name": "refund", "text": TEXT, "message": "First", "labels": ["stable"]}
    first = sender.post("/v1/prompts", json=body).json()
    assert (first["version"], first["is_new"]) == (1, True)
    assert sender.post("/v1/prompts", json=body).json() == first | {"is_new": False}
    [listed] = reader.get("/v1/prompts").json()["prompts"]
    assert (listed["name"], listed["versions"], listed["newest"], listed["live"]) == ("refund", 1, 1, [])
    for refused in (reader.post("/v1/prompts", json=body), sender.get("/v1/prompts")):
        assert (refused.status_code, "--scope prompts" in refused.json()["message"]) == (403, True)
    assert sender.put("/v1/prompts", json=body).status_code == 405


FAULTY: list[tuple[dict[str, Any], str]] = [
    ({"name": "refund", "text": "a\n {{x"}, "Line 2, column 2: {{ is not closed by }}."),
    ({"name": "refund", "text": "ä" * 600_000}, "This prompt has 1,200,000 bytes"),
    ({"name": "refund", "text": " "}, "This prompt is empty."),
    ({"name": "refund", "text": "a\x00"}, "This prompt has a NUL character"),
    ({"name": "refund", "text": "a", "labels": ["production"]}, "The labels production and latest"),
    ({"name": " ", "text": "a"}, "Give the prompt a name"),
    ({"name": "..", "text": "a"}, "A prompt cannot be named “..”, which is no address."),
    ({"name": "x" * 300, "text": "a"}, "The prompt is not as described."),
    ({"name": "refund", "text": "a", "colour": "red"}, "The prompt is not as described."),
    ({"name": "refund"}, "The prompt is not as described."),
]


def test_faulty_prompt_is_refused_in_a_sentence_and_leaves_nothing(
    as_key: AsKey, make_key: MakeKey, reader: httpx.Client
) -> None:
    sender = as_key(make_key("ingest"))
    for body, sentence in FAULTY:
        answer = sender.post("/v1/prompts", json=body)
        refused = (answer.status_code, answer.json().get("message", "").startswith(sentence))
        assert refused == (400, True), answer.text
    assert reader.get("/v1/prompts").json() == {"prompts": []}


def test_key_of_a_project_reads_and_changes_no_other_projects_prompts(
    as_key: AsKey, make_key: MakeKey, mine: PostgresDatabase
) -> None:
    web, shop = (mine.call("create_project", name=name, is_private=False) for name in ("Web", "Shop"))
    for name, project in (("ours", web), ("theirs", shop), ("open", None)):
        push_prompt(mine, name, TEXT)
        mine.call("change_prompt", prompt=name, tags=(), project=project)
    client = as_key(make_key("read", "ingest", project_id=web))
    names = [prompt["name"] for prompt in client.get("/v1/prompts").json()["prompts"]]
    assert names == ["open", "ours"]
    assert give(client, "ours", label="latest")["version"] == 1
    for query in ({"label": "latest"}, {"version": "1"}):
        assert client.get("/v1/prompts/theirs", params=query).status_code == 404
    given = ("theirs", " theirs\u00a0", " ours ")
    pushed = [client.post("/v1/prompts", json={"name": name, "text": "Mine"}) for name in given]
    assert [answer.status_code for answer in pushed] == [400, 400, 200]
    assert pushed[2].json()["name"] == "ours"


def test_key_of_another_workspace_finds_nothing(
    as_key: AsKey, make_key: MakeKey, mine: PostgresDatabase, project: Project, database: Connection
) -> None:
    push_prompt(mine, "refund", TEXT)
    team = make_team(project, database, "owner")
    client = as_key(make_key("read", owner=team["owner"].id, workspace=team.id))
    assert client.get("/v1/prompts").json() == {"prompts": []}
    assert client.get("/v1/prompts/refund?label=latest").status_code == 404


def test_key_of_a_viewer_pushes_nothing(
    as_key: AsKey, make_key: MakeKey, project: Project, database: Connection
) -> None:
    team = make_team(project, database, "owner", "ann")
    client = as_key(make_key("read", "ingest", owner=team["ann"].id, workspace=team.id))
    team["owner"].call("set_role", team.id, team["ann"].id, "viewer")
    assert client.post("/v1/prompts", json={"name": "refund", "text": TEXT}).status_code == 403


def test_key_of_prompts_alone_fetches_and_pushes_and_does_nothing_else(
    as_key: AsKey, make_key: MakeKey
) -> None:
    client = as_key(make_key("prompts"))
    assert client.post("/v1/prompts", json={"name": "refund", "text": TEXT}).json()["version"] == 1
    assert give(client, label="latest")["text"] == TEXT
    assert [prompt["name"] for prompt in client.get("/v1/prompts").json()["prompts"]] == ["refund"]
    for path in ("/v1/costs", "/v1/budget", "/v1/models"):
        answer = client.get(path)
        said = "This key is for prompts alone (scope prompts). Read with a key that may read"
        assert (answer.status_code, answer.json()["message"].startswith(said)) == (403, True), path
    for path in ("/v1/records", "/v1/traces", "/v1/experiments/refund/runs"):
        answer = client.post(path, json={})
        said = "This key is for prompts alone (scope prompts). Send telemetry with a key that may send."
        assert (answer.status_code, answer.json()["message"]) == (403, said), path
