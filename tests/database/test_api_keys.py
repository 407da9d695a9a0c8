"""Keys of programs: who makes, changes, rotates and revokes them, and which ones verify."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.database.teams import Person, Team, make_team, race
from tests.database.test_audit import entries
from tests.database_fixtures import Connection, Project

WEEK = 7 * 24 * 3600


@pytest.fixture
def team(project: Project, database: Connection) -> Team:
    """A workspace with a person of each role."""
    return make_team(project, database)


def new_hash() -> str:
    """A SHA-256 as the API takes it."""
    return f"\\x{sha256(uuid4().bytes).hexdigest()}"


def details(**values: Any) -> dict[str, Any]:
    """What a new key needs."""
    known = {"name": "laptop", "prefix": "tly_Abcd", "last_four": "9xYz", "scopes": ["ingest", "read"]}
    return known | {"key_hash": new_hash()} | values


def make_key(person: Person, **values: Any) -> UUID:
    """Make a key of a person."""
    key: UUID = person.ask("create_api_key", details=details(**values))
    return key


def rotate(person: Person, key: UUID, overlap: int = 3600, **values: Any) -> UUID:
    """Replace a key."""
    new = {"prefix": "tly_Efgh", "last_four": "1234", "key_hash": new_hash()} | values
    made: UUID = person.call("rotate_api_key", api_key=key, details=new, overlap=overlap)
    return made


def verify(database: Connection, key: UUID) -> tuple[Any, ...] | None:
    """The id and the scopes that the key's hash verifies to."""
    query = """select v.key_id, v.scopes from public.api_keys as k, private.verify_api_key(k.key_hash) as v
        where k.id = %s"""
    return database.execute(query, [key]).fetchone()


def test_a_key_verifies_to_its_owner_workspace_and_limits(team: Team, database: Connection) -> None:
    person = team["member"]
    project = team["admin"].add_project("Web")
    limits = {"requests_per_minute": 60, "tokens_per_minute": 2_000_000}
    key = make_key(person, name="  bot  ", project_id=str(project), scopes=["read", "ingest"], **limits)
    digest = database.execute("select key_hash from public.api_keys").fetchone()
    assert digest is not None
    found = database.execute("select * from private.verify_api_key(%s)", digest).fetchall()
    assert found == [(key, person.id, team.id, project, "bot", ["ingest", "read"], 60, 2_000_000)]
    assert database.execute("select * from private.verify_api_key(sha256('other'))").fetchall() == []


ENDINGS: dict[str, str] = {
    "revoked": "update public.api_keys set revoked_at = now()",
    "expired": "update public.api_keys set expires_at = now()",
    "left": "delete from public.members where user_id = '{member}' and workspace_id = '{team}'",
    "account deleted": "delete from auth.users where id = '{member}'",
    "project archived": "update public.projects set archived_at = now()",
    "project deleted": "delete from public.projects",
    "project hidden": "update public.projects set is_private = true",
    "workspace deleted": "delete from public.workspaces where id = '{team}'",
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_key_that_must_not_work_verifies_to_nothing(team: Team, database: Connection, ending: str) -> None:
    project = team["admin"].add_project("Web")
    key = make_key(team["member"], project_id=str(project))
    assert verify(database, key) == (key, ["ingest", "read"])
    with database.transaction(force_rollback=True):
        [[digest]] = database.execute("select key_hash from public.api_keys").fetchall()
        database.execute(ENDINGS[ending].format(member=team["member"].id, team=team.id).encode())
        assert database.execute("select * from private.verify_api_key(%s)", [digest]).fetchall() == []
    assert verify(database, key) == (key, ["ingest", "read"])


@pytest.mark.new_database  # with a column that the auth server of hosted projects has
def test_keys_of_a_blocked_account_do_not_work(team: Team, database: Connection, project: Project) -> None:
    key = make_key(team["member"])
    with project.connect("supabase_auth_admin") as auth:
        auth.execute("alter table auth.users add column banned_until timestamptz")
        assert verify(database, key) == (key, ["ingest", "read"])
        for until, works in (("1 hour", False), ("-1 second", True)):
            auth.execute("update auth.users set banned_until = now() + %s::interval", [until])
            assert (verify(database, key) is not None) == works


def test_a_private_project_is_open_to_the_keys_of_its_members(team: Team, database: Connection) -> None:
    project = team["admin"].add_project("Web", is_private=True)
    team["admin"].call("set_project_members", project=project, people=[team["member"].id])
    keys = [make_key(team[role], project_id=str(project)) for role in ("member", "admin")]
    assert all(verify(database, key) for key in keys)
    team["admin"].call("set_project_members", project=project, people="{}")
    assert [verify(database, key) is None for key in keys] == [True, False]


def test_keys_of_a_viewer_only_read(team: Team, database: Connection) -> None:
    both, ingest = make_key(team["member"]), make_key(team["member"], scopes=["ingest"])
    team["admin"].ask("set_role", person=team["member"].id, role="viewer")
    assert verify(database, both) == (both, ["read"])
    assert verify(database, ingest) is None
    assert [row["id"] for row in seen(team["member"])] == [str(both), str(ingest)]
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="Your role in this workspace"):
        make_key(team["member"])
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="Your role in this workspace"):
        rotate(team["member"], both)
    team["member"].call("revoke_api_key", api_key=both)
    assert verify(database, both) is None


def test_keys_of_who_left_do_not_work_again(team: Team, database: Connection) -> None:
    key = make_key(team["member"])
    team["member"].ask("leave_workspace")
    database.execute(
        "insert into public.members (workspace_id, user_id, role) values (%s, %s, 'member')",
        [team.id, team["member"].id],
    )
    assert verify(database, key) is None
    team["member"].call("revoke_api_key", api_key=key)


def seen(person: Person) -> list[dict[str, Any]]:
    """The keys that a person sees."""
    query = """select to_json(r) from (
            select id, user_id, name, expires_at, revoked_at, successor_id
            from public.api_keys
            order by created_at, id
        ) as r"""
    return [row for (row,) in person.connection.execute(query)]


def test_members_reach_own_keys_and_admins_all(team: Team, database: Connection) -> None:
    keys = {role: make_key(team[role], name=role) for role in ("member", "admin", "owner")}
    assert {row["name"] for row in seen(team["member"])} == {"member"}
    assert {row["name"] for row in seen(team["admin"])} == set(keys)
    assert seen(team["viewer"]) == []
    for act in (
        lambda: team["member"].call("revoke_api_key", api_key=keys["admin"]),
        lambda: team["member"].call("change_api_key", api_key=keys["admin"], details={"name": "mine"}),
        lambda: rotate(team["member"], keys["admin"]),
        lambda: team["viewer"].call("revoke_api_key", api_key=keys["member"]),
    ):
        with pytest.raises(psycopg.errors.InvalidParameterValue, match="This key no longer exists"):
            act()
    team["admin"].call("change_api_key", api_key=keys["member"], details={"requests_per_minute": 5})
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="Only its owner can rotate a key"):
        rotate(team["admin"], keys["member"])
    team["admin"].call("revoke_api_key", api_key=keys["member"])
    assert [row["name"] for row in seen(team["admin"]) if row["revoked_at"]] == ["member"]
    assert verify(database, keys["member"]) is None


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"name": " "}, "Give the key a name"),
        ({"name": "a\nb"}, "Leave line breaks"),
        ({"scopes": []}, "Choose what the key may do"),
        ({"scopes": ["admin"]}, "Choose what the key may do"),
        ({"scopes": [None]}, "Choose what the key may do"),
        ({"scopes": None}, "Choose what the key may do"),
        ({"requests_per_minute": 0}, "Limit requests to between 1 and 100,000"),
        ({"tokens_per_minute": 10**12 + 1}, "Limit tokens to between 1 and"),
        ({"expires_at": "2026-01-01T00:00:00Z"}, "Let the key expire at a time to come"),
        ({"expires_at": "infinity"}, "Let the key expire at a time to come"),
        ({"project_id": str(UUID(int=1))}, "There is no such project"),
        ({"key_hash": None}, "This is not a new key"),
        ({"key_hash": "\\x00"}, "This is not a new key"),
        ({"prefix": "sk-live-"}, "This is not a new key"),
        ({"last_four": "abc"}, "This is not a new key"),
    ],
)
def test_what_no_key_can_be_is_refused_in_a_sentence(
    team: Team, database: Connection, values: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(psycopg.Error, match=sentence) as refused:
        make_key(team["member"], **values)
    assert refused.value.diag.sqlstate in ("22023", "23503")
    assert database.execute("select count(*) from public.api_keys").fetchone() == (0,)


def test_a_private_project_of_others_is_none_to_choose(team: Team) -> None:
    project = team["admin"].add_project("Web", is_private=True)
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="There is no such project"):
        make_key(team["member"], project_id=str(project))
    own = make_key(team["member"])
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="There is no such project"):
        team["member"].call("change_api_key", api_key=own, details={"project_id": str(project)})


def test_making_again_what_was_made_just_now_is_the_same_key(team: Team) -> None:
    same = details()
    first, second = (team["member"].ask("create_api_key", details=same) for _ in range(2))
    assert first == second
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="This is not a new key"):
        team["admin"].ask("create_api_key", details=same)
    old = make_key(team["member"])
    new = {"prefix": "tly_Efgh", "last_four": "1234", "key_hash": new_hash()}
    rotated = [team["member"].call("rotate_api_key", api_key=old, details=new, overlap=60) for _ in range(2)]
    assert rotated[0] == rotated[1] != old


def test_a_change_leaves_what_it_does_not_name(team: Team, database: Connection) -> None:
    member = team["member"]
    key = make_key(member, requests_per_minute=60, tokens_per_minute=1000)
    hashed = database.execute("select key_hash from public.api_keys").fetchone()
    hostile = {
        "scopes": ["ingest"],
        "user_id": str(team["admin"].id),
        "key_hash": new_hash(),
        "revoked_at": None,
    }
    member.call("change_api_key", api_key=key, details=hostile | {"tokens_per_minute": None, "name": "ci"})
    found = database.execute(
        "select name, scopes, user_id, requests_per_minute, tokens_per_minute, key_hash from public.api_keys"
    ).fetchone()
    assert found == ("ci", ["ingest", "read"], member.id, 60, None, *(hashed or ()))
    member.call("revoke_api_key", api_key=key)
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="This key no longer works"):
        member.call("change_api_key", api_key=key, details={"name": "again"})


def test_both_keys_work_while_a_rotation_overlaps(team: Team, database: Connection) -> None:
    member = team["member"]
    old = make_key(member, requests_per_minute=60, scopes=["ingest"])
    new = rotate(member, old, overlap=WEEK)
    assert verify(database, old) == (old, ["ingest"])
    assert verify(database, new) == (new, ["ingest"])
    kept = "select name, project_id, user_id, scopes, requests_per_minute from public.api_keys where id = %s"
    assert database.execute(kept, [old]).fetchone() == database.execute(kept, [new]).fetchone()
    first = {row["id"]: row for row in seen(member)}[str(old)]
    assert first["successor_id"] == str(new)
    ends = datetime.fromisoformat(first["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=7, minutes=-5) < ends <= timedelta(days=7)
    database.execute("update public.api_keys set expires_at = now() where id = %s", [old])
    assert verify(database, old) is None
    assert verify(database, new) == (new, ["ingest"])


def test_an_overlap_ends_within_a_week_and_never_prolongs_a_key(team: Team, database: Connection) -> None:
    member = team["member"]
    key = make_key(member, expires_at=str(datetime.now(UTC) + timedelta(hours=1)))
    query = "select expires_at from public.api_keys where id = %s"
    before = database.execute(query, [key]).fetchone()
    for overlap in (-1, WEEK + 1, None):
        with pytest.raises(psycopg.errors.InvalidParameterValue, match="for 7 days at most"):
            rotate(member, key, overlap=overlap)  # type: ignore[arg-type]
    rotate(member, key, overlap=WEEK)
    assert database.execute(query, [key]).fetchone() == before
    other = make_key(member)
    rotate(member, other, overlap=0)
    assert verify(database, other) is None


def test_rotating_on_and_on_keeps_two_keys_at_most(team: Team, database: Connection) -> None:
    member = team["member"]
    first = make_key(member)
    second = rotate(member, first)
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="This key was rotated"):
        rotate(member, first)
    with pytest.raises(
        psycopg.errors.InvalidParameterValue, match="The key that this one replaced still works"
    ):
        rotate(member, second)
    member.call("revoke_api_key", api_key=first)
    third = rotate(member, second, overlap=0)
    assert [verify(database, key) is None for key in (first, second, third)] == [True, True, False]


def add_99_keys(team: Team, database: Connection) -> None:
    """Keys of the member that work."""
    database.execute(
        """insert into public.api_keys (workspace_id, user_id, name, prefix, last_four, key_hash, scopes)
        select %s, %s, 'k', 'tly_Abcd', '9xYz', sha256(n::text::bytea), '{ingest}'
        from generate_series(1, 99) as n""",
        [team.id, team["member"].id],
    )


def test_keys_that_ended_make_room_and_rotation_needs_none(team: Team, database: Connection) -> None:
    member = team["member"]
    add_99_keys(team, database)
    last = make_key(member)
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="can have 100 live keys at most"):
        make_key(team["admin"])
    rotate(member, last)
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="can have 100 live keys at most"):
        make_key(team["admin"])
    key = seen(member)[0]["id"]
    team["admin"].call("revoke_api_key", api_key=key)
    make_key(team["admin"])


def test_two_at_once_do_not_make_one_key_too_many(team: Team, database: Connection) -> None:
    add_99_keys(team, database)
    outcomes = race(*(lambda role=role: make_key(team[role]) for role in ("member", "admin")))
    assert sum(isinstance(outcome, psycopg.Error) for outcome in outcomes) == 1
    assert database.execute("select count(*) from public.api_keys").fetchone() == (100,)


def test_of_keys_that_ended_the_newest_thousand_are_kept(team: Team, database: Connection) -> None:
    database.execute(
        """insert into public.api_keys (
            workspace_id, user_id, name, prefix, last_four, key_hash, scopes, revoked_at, expires_at
        )
        select
            %s, %s, n, 'tly_Abcd', '9xYz', sha256(n::text::bytea), '{ingest}',
            case when n %% 2 = 0 then now() - make_interval(mins => n) end,
            case when n %% 2 = 1 then now() - make_interval(mins => n) end
        from generate_series(1, 1005) as n""",
        [team.id, team["member"].id],
    )
    make_key(team["member"])
    [[count, oldest]] = database.execute(
        "select count(*), max(name::integer) from public.api_keys where name <> 'laptop'"
    ).fetchall()
    assert (count, oldest) == (1000, 1000)


def test_changes_are_logged_without_the_hash_and_use_is_not(team: Team, database: Connection) -> None:
    database.execute("delete from public.audit_logs")
    member = team["member"]
    key = make_key(member)
    member.call("change_api_key", api_key=key, details={"requests_per_minute": 5})
    for _ in range(2):
        database.execute("select private.touch_api_key(%s)", [key])
    new = rotate(member, key)
    team["admin"].call("revoke_api_key", api_key=new)
    logged = [entry for entry in entries(database) if entry["table_name"] == "api_keys"]
    assert [(entry["action"], entry["row_id"], sorted(entry["changed_columns"])) for entry in logged] == [
        ("insert", key, []),
        ("update", key, ["requests_per_minute"]),
        ("update", key, ["expires_at", "successor_id"]),
        ("insert", new, []),
        ("update", new, ["revoked_at"]),
    ]
    assert [entry["actor_id"] for entry in logged] == [member.id] * 4 + [team["admin"].id]
    assert {entry["user_id"] for entry in logged} == {member.id}
    assert logged[0]["after"]["prefix"] == "tly_Abcd"
    assert "key_hash" not in json.dumps([entry["after"] for entry in logged])


def test_use_is_noted_once_a_minute_and_moves_no_data_version(team: Team, database: Connection) -> None:
    key = make_key(team["member"])
    before = team["member"].ask("data_version")
    touch: Callable[[], Any] = lambda: database.execute("select private.touch_api_key(%s)", [key]).fetchone()  # noqa: E731
    assert [touch() for _ in range(3)] == [(True,), (False,), (False,)]
    database.execute("update public.api_keys set last_used_at = now() - interval '61 seconds'")
    assert touch() == (True,)
    assert team["member"].ask("data_version") == before


@pytest.mark.parametrize("function", ["verify_api_key(sha256('x'))", "touch_api_key(gen_random_uuid())"])
def test_only_the_operator_verifies(
    team: Team, anon: Connection, service: Connection, database: Connection, function: str
) -> None:
    query = f"select private.{function}".encode()
    for connection in (anon, service, team["owner"].connection):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(query)
    database.execute(query)
