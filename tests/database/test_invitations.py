"""Invitations: who may invite whom, tokens that one person uses once, and what they tell to whom."""

import re
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.database.teams import Team, call, make_team, race
from tests.database_fixtures import Connection, Project

Act = Callable[[UUID], Connection]
Refused = psycopg.errors.InsufficientPrivilege
COUNT_JOINS = """
select count(*) from public.audit_logs where workspace_id = %s and action = 'join' and user_id = %s"""
Wrong = psycopg.errors.InvalidParameterValue


@pytest.fixture
def team(project: Project, database: Connection) -> Team:
    """A workspace with a person of each role."""
    return make_team(project, database)


@pytest.fixture
def invited(as_user: Act, stranger: UUID) -> Connection:
    """The person who is invited."""
    return as_user(stranger)


@pytest.fixture
def address(stranger: UUID) -> str:
    """The address of that person."""
    return f"{stranger}@example.org"


def role_of(database: Connection, team: Team, user_id: UUID) -> str | None:
    query = "select role from public.members where workspace_id = %s and user_id = %s"
    row = database.execute(query, [team.id, user_id]).fetchone()
    return row and row[0]


@pytest.mark.parametrize("role", ["viewer", "member", "admin"])
def test_an_invitation_makes_a_member(
    team: Team,
    invited: Connection,
    address: str,
    database: Connection,
    stranger: UUID,
    role: str,
) -> None:
    made = team["admin"].call("invite", team.id, f"  {address.upper()} ", role)
    assert set(made) == {"id", "token", "email", "expires_at"}
    assert made["email"] == address
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", made["token"])
    described = call(invited, "describe_invitation", made["token"])
    assert described == {
        "workspace": "Team",
        "role": role,
        "invited_by": f"{team['admin'].id}@example.org",
        "expires_at": made["expires_at"],
    }
    assert role_of(database, team, stranger) is None
    assert call(invited, "accept_invitation", made["token"]) == team.id
    assert role_of(database, team, stranger) == role
    assert call(invited, "describe_invitation", made["token"]) == {"joined": str(team.id)}
    call(invited, "leave_workspace", team.id)
    with pytest.raises(Wrong, match="was used, cancelled or replaced"):
        call(invited, "describe_invitation", made["token"])


def test_a_token_answers_its_member_again_and_nobody_else(
    team: Team, invited: Connection, address: str, database: Connection, stranger: UUID
) -> None:
    made = team["admin"].call("invite", team.id, address, "member")
    accepted = [call(invited, "accept_invitation", made["token"]) for _ in range(2)]
    assert accepted == [team.id] * 2
    assert database.execute(COUNT_JOINS, [team.id, stranger]).fetchone() == (1,)
    with pytest.raises(Wrong, match="was used, cancelled or replaced"):
        team["viewer"].call("accept_invitation", made["token"])
    team["owner"].call("remove_member", team.id, stranger)
    with pytest.raises(Wrong, match="was used, cancelled or replaced"):
        call(invited, "accept_invitation", made["token"])
    assert role_of(database, team, stranger) is None


def test_open_invitations_are_listed_for_admins_without_tokens(team: Team, address: str) -> None:
    made = team["owner"].call("invite", team.id, address, "member")
    query = """select id::text, email, role, invited_by, expires_at > now() + interval '6 days'
        from public.invitations"""
    assert team["admin"].connection.execute(query).fetchall() == [
        (made["id"], address, "member", team["owner"].id, True)
    ]
    for role in ("member", "viewer"):
        assert team[role].connection.execute(query).fetchall() == []


def test_the_database_does_not_keep_the_token(team: Team, address: str, database: Connection) -> None:
    made = team["owner"].call("invite", team.id, address, "member")
    tables = database.execute(
        """select c.oid::regclass::text from pg_class as c
        where c.relnamespace::regnamespace::text in ('public', 'private') and c.relkind = 'r'"""
    ).fetchall()
    for (table,) in tables:
        text = database.execute(f"select string_agg(t::text, ' ') from {table} as t").fetchone()
        assert made["token"] not in str(text), table
    assert database.execute("select octet_length(token_sha256) from public.invitations").fetchone() == (32,)


@pytest.mark.parametrize("mine", ["owner", "admin", "member", "viewer"])
@pytest.mark.parametrize("role", ["admin", "member", "viewer"])
def test_only_admins_invite(team: Team, address: str, mine: str, role: str) -> None:
    if mine in ("owner", "admin"):
        assert team[mine].call("invite", team.id, address, role)["token"]
    else:
        with pytest.raises(Refused, match="Your role in this workspace"):
            team[mine].call("invite", team.id, address, role)


@pytest.mark.parametrize("role", [None, "", "owner", "Admin", "member "])
def test_only_roles_below_owner_are_given(team: Team, address: str, role: str | None) -> None:
    with pytest.raises(Wrong, match="Invite a person as admin, member or viewer"):
        team["owner"].call("invite", team.id, address, role)


@pytest.mark.parametrize(
    "email",
    [
        None, "", "@", "a@", "@b", "a b@example.org", "a@b@c",
        "a@example.org\nbcc: x@example.org", "a@exam\u202eple.org",
        "x" * 315 + "@b.org", "x" * 10_000 + "@b.org", "a,b@x.org c@x.org",
        "(1)a@example.org", "a@example.org(1)", '"a"@example.org', "<b>@example.org", "b<a@example.org>",
    ],
)  # fmt: skip
def test_an_address_must_be_one(team: Team, email: str | None) -> None:
    with pytest.raises(Wrong, match="Give the e-mail address"):
        team["owner"].call("invite", team.id, email, "member")


@pytest.mark.parametrize(
    "email", ["o'brien+tally@example.org", "a'--%s@xn--mller-kva.example", "ada@localhost"]
)
def test_an_address_is_only_text(team: Team, email: str) -> None:
    assert team["owner"].call("invite", team.id, email, "member")["email"] == email


def test_nobody_is_invited_to_a_personal_workspace(team: Team, address: str) -> None:
    with pytest.raises(Wrong, match="personal workspace"):
        team["owner"].call("invite", team["owner"].id, address, "member")
    with pytest.raises(Wrong, match="Say which workspace"):
        team["owner"].call("invite", None, address, "member")


def test_members_are_not_invited_again(team: Team) -> None:
    with pytest.raises(Wrong, match="is a member of the workspace already"):
        team["owner"].call("invite", team.id, f"{team['viewer'].id}@example.org", "admin")


def test_the_answer_does_not_tell_whether_an_address_has_an_account(team: Team, address: str) -> None:
    with_account = team["owner"].call("invite", team.id, address, "member")
    without = team["owner"].call("invite", team.id, f"{uuid4()}@example.org", "member")
    assert {name: len(str(value)) for name, value in with_account.items() if name != "expires_at"} == {
        name: len(str(value)) for name, value in without.items() if name != "expires_at"
    }


def test_a_token_works_for_its_address_only(
    team: Team, as_user: Act, user: UUID, address: str, anon: Connection
) -> None:
    made = team["owner"].call("invite", team.id, address, "member")
    for person in (as_user(user), team["viewer"].connection):
        for function in ("describe_invitation", "accept_invitation"):
            with pytest.raises(Refused, match=r"is for .…@\S+\. Sign in with that address"):
                call(person, function, made["token"])
    with pytest.raises(Refused, match="permission denied"):
        call(anon, "describe_invitation", made["token"])


@pytest.mark.parametrize("token", [None, "", "x", "x" * 100_000, "' or true --", "\\x00", "é" * 43])
def test_an_unknown_token_does_nothing(invited: Connection, token: str | None) -> None:
    for function in ("describe_invitation", "accept_invitation"):
        with pytest.raises(Wrong, match="was used, cancelled or replaced"):
            call(invited, function, token)


def test_an_expired_token_does_nothing(
    team: Team, invited: Connection, address: str, database: Connection
) -> None:
    made = team["owner"].call("invite", team.id, address, "member")
    database.execute("update public.invitations set expires_at = now()")
    for function in ("describe_invitation", "accept_invitation"):
        with pytest.raises(Wrong, match="has expired"):
            call(invited, function, made["token"])
    renewed = team["owner"].call("invite", team.id, address, "member")
    assert call(invited, "accept_invitation", renewed["token"]) == team.id


def test_a_new_invitation_replaces_the_one_before(
    team: Team,
    invited: Connection,
    address: str,
    database: Connection,
    stranger: UUID,
) -> None:
    first = team["owner"].call("invite", team.id, address, "admin")
    second = team["admin"].call("invite", team.id, address, "viewer")
    with pytest.raises(Wrong, match="replaced by a newer one"):
        call(invited, "accept_invitation", first["token"])
    call(invited, "accept_invitation", second["token"])
    assert role_of(database, team, stranger) == "viewer"


@pytest.mark.parametrize("change", ["remove", "demote", "delete account"])
def test_an_invitation_ends_with_the_rights_of_its_sender(
    team: Team, invited: Connection, address: str, change: str
) -> None:
    made = team["admin"].call("invite", team.id, address, "member")
    admin = team["admin"].id
    if change == "remove":
        team["owner"].call("remove_member", team.id, admin)
    elif change == "demote":
        team["owner"].call("set_role", team.id, admin, "member")
    else:
        team["admin"].call("delete_own_account", f"{admin}@example.org")
    for function in ("describe_invitation", "accept_invitation"):
        with pytest.raises(Refused, match="is no longer an admin of the workspace"):
            call(invited, function, made["token"])


def test_an_invitation_ends_with_its_workspace(team: Team, invited: Connection, address: str) -> None:
    made = team["admin"].call("invite", team.id, address, "member")
    team["owner"].call("delete_workspace", team.id, "Team")
    with pytest.raises(Wrong, match="was used, cancelled"):
        call(invited, "accept_invitation", made["token"])


def test_admins_cancel_invitations(team: Team, invited: Connection, address: str) -> None:
    made = team["owner"].call("invite", team.id, address, "member")
    for person in (team["member"].connection, team["viewer"].connection, invited):
        with pytest.raises(Wrong, match="no longer exists"):
            call(person, "cancel_invitation", made["id"])
    team["admin"].call("cancel_invitation", made["id"])
    for invitation in (made["id"], uuid4(), None):
        with pytest.raises(Wrong, match="no longer exists"):
            team["admin"].call("cancel_invitation", invitation)
    with pytest.raises(Wrong, match="was used, cancelled"):
        call(invited, "accept_invitation", made["token"])


def test_a_member_keeps_the_role(
    team: Team,
    invited: Connection,
    address: str,
    database: Connection,
    stranger: UUID,
) -> None:
    made = team["owner"].call("invite", team.id, address, "admin")
    database.execute(
        "insert into public.members (workspace_id, user_id, role) values (%s, %s, 'viewer')",
        [team.id, stranger],
    )
    assert call(invited, "accept_invitation", made["token"]) == team.id
    assert role_of(database, team, stranger) == "viewer"
    assert database.execute("select count(*) from public.invitations").fetchone() == (0,)


@pytest.mark.parametrize("attempt", ["first", "second", "third"])
def test_a_token_that_is_used_four_times_at_once_joins_once(
    team: Team, address: str, database: Connection, stranger: UUID, attempt: str
) -> None:
    made = team["owner"].call("invite", team.id, address, "member")
    with ExitStack() as opened:
        same = [opened.enter_context(team.project.act_as("authenticated", stranger)) for _ in range(4)]
        answers = race(*(lambda one=one: call(one, "accept_invitation", made["token"]) for one in same))
    assert answers == [team.id] * 4, attempt
    assert database.execute(COUNT_JOINS, [team.id, stranger]).fetchone() == (1,)


@pytest.mark.parametrize("attempt", ["first", "second", "third"])
def test_a_token_is_used_or_cancelled(
    team: Team,
    invited: Connection,
    address: str,
    database: Connection,
    stranger: UUID,
    attempt: str,
) -> None:
    made = team["owner"].call("invite", team.id, address, "member")
    accepted, cancelled = race(
        lambda: call(invited, "accept_invitation", made["token"]),
        lambda: team["admin"].call("cancel_invitation", made["id"]),
    )
    is_accepted = accepted == team.id
    assert is_accepted == isinstance(cancelled, psycopg.Error), attempt
    assert role_of(database, team, stranger) == ("member" if is_accepted else None)


def test_a_sender_who_is_removed_meanwhile_invites_nobody(
    team: Team,
    invited: Connection,
    address: str,
    database: Connection,
    stranger: UUID,
) -> None:
    made = team["admin"].call("invite", team.id, address, "member")
    accepted, _ = race(
        lambda: call(invited, "accept_invitation", made["token"]),
        lambda: team["owner"].call("remove_member", team.id, team["admin"].id),
    )
    joined = role_of(database, team, stranger) == "member"
    assert joined == (accepted == team.id)
    assert role_of(database, team, team["admin"].id) is None


def test_a_person_invites_20_an_hour(team: Team, database: Connection) -> None:
    for _ in range(20):
        made = team["admin"].call("invite", team.id, f"{uuid4()}@example.org", "member")
        team["admin"].call("cancel_invitation", made["id"])
    with pytest.raises(Wrong, match="20 people within an hour"):
        team["admin"].call("invite", team.id, f"{uuid4()}@example.org", "member")
    assert team["owner"].call("invite", team.id, f"{uuid4()}@example.org", "member")
    database.execute("update private.sent_invitations set sent_at = sent_at - interval '61 minutes'")
    assert team["admin"].call("invite", team.id, f"{uuid4()}@example.org", "member")


def test_an_address_is_invited_three_times_a_day(
    project: Project, team: Team, address: str, database: Connection
) -> None:
    for sender in ("admin", "owner"):
        team[sender].call("invite", team.id, address, "member")
    other = make_team(project, database, "owner")
    other["owner"].ask("invite", email=address.upper(), role="member")
    with pytest.raises(Wrong, match="invited three times today"):
        other["owner"].ask("invite", email=address, role="member")
    database.execute("update private.sent_invitations set sent_at = sent_at - interval '25 hours'")
    assert team["owner"].call("invite", team.id, address, "member")
    assert database.execute("select count(*) from private.sent_invitations").fetchone() == (1,)


def test_limits_hold_for_calls_at_once_from_several_workspaces(
    project: Project, database: Connection, address: str
) -> None:
    teams = [make_team(project, database, "owner") for _ in range(6)]
    answers = race(
        *(lambda team=team: team["owner"].ask("invite", email=address, role="member") for team in teams)
    )
    assert len([answer for answer in answers if isinstance(answer, dict)]) == 3
    assert {answer.sqlstate for answer in answers if isinstance(answer, psycopg.Error)} == {"22023"}


def test_invitations_are_logged_without_tokens(
    team: Team, invited: Connection, address: str, database: Connection
) -> None:
    database.execute("delete from public.audit_logs")
    first = team["admin"].call("invite", team.id, address, "viewer")
    team["owner"].call("cancel_invitation", first["id"])
    second = team["owner"].call("invite", team.id, address, "member")
    call(invited, "accept_invitation", second["token"])
    log: list[dict[str, Any]] = team["owner"].call("search_audit_log", team.id, None, None, None)[::-1]
    assert [(row["table_name"], row["action"], row["after"]["role"]) for row in log] == [
        ("invitations", "invite", "viewer"),
        ("invitations", "cancel", "viewer"),
        ("invitations", "invite", "member"),
        ("members", "join", "member"),
    ]
    assert log[0]["after"]["email"] == address
    assert log[3]["actor_email"] == address
    assert not any(made["token"] in str(log) for made in (first, second))
    assert "sha256" not in str(log)


def test_accounts_without_an_address_take_part(
    team: Team, as_user: Act, database: Connection, address: str
) -> None:
    """Anonymous users, and those with only a phone number."""
    nameless = uuid4()
    database.execute("insert into auth.users (id) values (%s)", [nameless])
    made = team["owner"].call("invite", team.id, address, "member")
    with pytest.raises(Refused, match=f"is for {address[0]}…@"):
        call(as_user(nameless), "accept_invitation", made["token"])
    database.execute(
        "insert into public.members (workspace_id, user_id, role) values (%s, %s, 'admin')",
        [team.id, nameless],
    )
    assert [row["email"] for row in team["owner"].call("list_people", team.id)].count(None) == 1
    theirs = call(as_user(nameless), "invite", team.id, address, "viewer")
    database.execute("update auth.users set email = upper(email)")
    [[invited]] = database.execute("select id from auth.users where lower(email) = %s", [address]).fetchall()
    described = call(as_user(invited), "describe_invitation", theirs["token"])
    assert (described["invited_by"], described["role"]) == (None, "viewer")
    call(as_user(nameless), "leave_workspace", team.id)
    assert [row["email"] for row in team["owner"].call("list_people", team.id)].count(None) == 1
