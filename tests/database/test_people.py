"""Roles, limits, leaving and removal: the rank rule, and what happens when several people act at once."""

from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.database.teams import Team, call, make_team, race
from tests.database.test_saving import record
from tests.database_fixtures import Connection, Project

OF_PERSON = " (select id from public.budgets where user_id = %s)"
Refused = psycopg.errors.InsufficientPrivilege
Wrong = psycopg.errors.InvalidParameterValue


@pytest.fixture
def team(project: Project, database: Connection) -> Team:
    """A workspace with two people of each role."""
    pairs = ("owner", "admin", "member", "viewer")
    return make_team(project, database, *pairs, *(f"{role}2" for role in pairs))


RANKS = {"viewer": 0, "member": 1, "admin": 2, "owner": 3}


@pytest.mark.parametrize("mine", RANKS)
def test_nobody_changes_roles_above_their_own(team: Team, database: Connection, mine: str) -> None:
    for theirs in RANKS:
        for new in RANKS:
            target = team[f"{theirs}2"].id
            with team[mine].connection.transaction(force_rollback=True):
                allowed = RANKS[mine] >= max(RANKS["admin"], RANKS[theirs], RANKS[new])
                if not allowed:
                    with pytest.raises(Refused), team[mine].connection.transaction():
                        team[mine].call("set_role", team.id, target, new)
                    continue
                team[mine].call("set_role", team.id, target, new)
                query = "select role from public.members where workspace_id = %s and user_id = %s"
                assert team[mine].connection.execute(query, [team.id, target]).fetchone() == (new,)
    assert set(team.roles(database).values()) == set(RANKS)


@pytest.mark.parametrize("mine", RANKS)
def test_nobody_raises_their_own_role(team: Team, mine: str) -> None:
    for new in RANKS:
        if RANKS[new] > RANKS[mine]:
            with pytest.raises(Refused, match=r"above your own|Your role in this workspace"):
                team[mine].call("set_role", team.id, team[mine].id, new)


def test_an_admin_may_step_down(team: Team, database: Connection) -> None:
    team["admin"].call("set_role", team.id, team["admin"].id, "viewer")
    assert team.roles(database)["admin"] == "viewer"
    with pytest.raises(Refused, match="Your role"):
        team["admin"].call("set_role", team.id, team["admin"].id, "admin")


@pytest.mark.parametrize(
    "role", [None, "", "Owner", "ADMIN", "superuser", "member ", "'; drop table public.members; --"]
)
def test_only_known_roles_are_given(team: Team, role: str | None) -> None:
    with pytest.raises(Wrong, match="Choose one of the roles"):
        team["owner"].call("set_role", team.id, team["member"].id, role)


@pytest.mark.parametrize("mine", RANKS)
def test_nobody_removes_people_above_their_own_role(team: Team, mine: str) -> None:
    for theirs in RANKS:
        target = team[f"{theirs}2"].id
        with team[mine].connection.transaction(force_rollback=True):
            if RANKS[mine] >= max(RANKS["admin"], RANKS[theirs]):
                team[mine].call("remove_member", team.id, target)
                assert str(target) not in {
                    person["user_id"] for person in team[mine].call("list_people", team.id) if person["role"]
                }
            else:
                with pytest.raises(Refused), team[mine].connection.transaction():
                    team[mine].call("remove_member", team.id, target)


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("set_role", ["member"]),
        ("remove_member", []),
        ("transfer_ownership", []),
        ("set_member_limit", [5, 5]),
    ],
)
def test_only_members_are_changed(team: Team, stranger: UUID, function: str, arguments: list[Any]) -> None:
    for person in (stranger, uuid4(), None):
        with pytest.raises(Wrong, match="not a member of the workspace"):
            team["owner"].call(function, team.id, person, *arguments)


@pytest.mark.parametrize("function", ["set_role", "remove_member", "transfer_ownership", "set_member_limit"])
def test_the_list_of_people_of_another_workspace_is_not_changed(
    team: Team, stranger: UUID, function: str
) -> None:
    extra: dict[str, list[Any]] = {"set_role": ["viewer"], "set_member_limit": [1, 1]}
    with team.project.act_as("authenticated", stranger) as outsider:
        for workspace in (team.id, uuid4()):
            with pytest.raises(Refused, match="You are not a member"):
                call(outsider, function, workspace, team["member"].id, *extra.get(function, []))
    with pytest.raises(Wrong, match="personal workspace"):
        team["owner"].call(function, team["owner"].id, team["owner"].id, *extra.get(function, []))
    with pytest.raises(Wrong, match="Say which workspace"):
        team["owner"].call(function, None, team["member"].id, *extra.get(function, []))


def test_nobody_joins_a_personal_workspace(database: Connection, user: UUID, stranger: UUID) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match="Nobody can join a personal workspace"):
        database.execute(
            "insert into public.members (workspace_id, user_id, role) values (%s, %s, 'viewer')",
            [user, stranger],
        )


def test_a_personal_workspace_is_not_left(team: Team) -> None:
    with pytest.raises(Wrong, match="personal workspace"):
        team["owner"].call("leave_workspace", team["owner"].id)


def test_ownership_is_transferred(team: Team, database: Connection) -> None:
    team["owner2"].call("leave_workspace", team.id)
    team["owner"].call("transfer_ownership", team.id, team["viewer"].id)
    roles = team.roles(database)
    assert (roles["owner"], roles["viewer"]) == ("admin", "owner")
    with pytest.raises(Refused, match="Your role"):
        team["owner"].call("transfer_ownership", team.id, team["owner"].id)
    with pytest.raises(Wrong, match="You are an owner already"):
        team["viewer"].call("transfer_ownership", team.id, team["viewer"].id)


LAST_OWNER = "A workspace needs an owner. Make another member the owner first, or delete the workspace."


def test_the_last_owner_stays(team: Team, database: Connection) -> None:
    team["owner2"].call("leave_workspace", team.id)
    owner, me = team["owner"].connection, team["owner"].id
    for function, arguments in (
        ("leave_workspace", []),
        ("remove_member", [me]),
        ("set_role", [me, "admin"]),
        ("set_role", [me, "viewer"]),
    ):
        with pytest.raises(Wrong, match=LAST_OWNER):
            call(owner, function, team.id, *arguments)
    call(owner, "set_role", team.id, me, "owner")
    assert team.roles(database)["owner"] == "owner"


GOING = [
    ("leave_workspace", "leave_workspace"),
    ("leave_workspace", "set_role"),
    ("set_role", "set_role"),
    ("remove_member", "remove_member"),
    ("transfer_ownership", "leave_workspace"),
    ("delete_own_account", "leave_workspace"),
    ("delete_own_account", "delete_own_account"),
]


@pytest.mark.parametrize(("first", "second"), GOING * 3)
def test_of_two_last_owners_who_go_at_once_one_is_refused(
    team: Team, database: Connection, first: str, second: str
) -> None:
    def arguments(function: str, me: str, other: str) -> list[Any]:
        of_functions: dict[str, list[Any]] = {
            "leave_workspace": [team.id],
            "set_role": [team.id, team[me].id, "member"],
            "remove_member": [team.id, team[other].id],
            "transfer_ownership": [team.id, team["admin"].id],
            "delete_own_account": [f"{team[me].id}@example.org"],
        }
        return of_functions[function]

    answers = race(
        lambda: team["owner"].call(first, *arguments(first, "owner", "owner2")),
        lambda: team["owner2"].call(second, *arguments(second, "owner2", "owner")),
    )
    refused = [answer for answer in answers if isinstance(answer, psycopg.Error)]
    owners = [role for role, now in team.roles(database).items() if now == "owner"]
    assert owners
    if first == "transfer_ownership":
        assert (refused, owners) == ([], ["admin"])
        return
    [error] = refused
    assert error.sqlstate in ("22023", "42501"), error
    assert len(owners) == 1


def test_services_cannot_take_the_last_owner_away(team: Team, service: Connection) -> None:
    team["owner2"].call("leave_workspace", team.id)
    for query in (
        "delete from public.members where role = 'owner' and workspace_id = %s",
        "update public.members set role = 'viewer' where role = 'owner' and workspace_id = %s",
    ):
        with pytest.raises(psycopg.errors.CheckViolation, match=LAST_OWNER):
            service.execute(query, [team.id])


def test_whoever_is_demoted_at_the_same_time_changes_nothing(team: Team, database: Connection) -> None:
    """Each of two admins demotes the other."""
    admins = [("admin", "admin2"), ("admin2", "admin")]
    answers = race(
        *(
            lambda me=me, other=other: team[me].call("set_role", team.id, team[other].id, "viewer")
            for me, other in admins
        )
    )
    assert [type(answer) for answer in answers if answer] == [Refused]
    roles = team.roles(database)
    assert sorted([roles["admin"], roles["admin2"]]) == ["admin", "viewer"]


def listed(person: Connection, team: Team) -> dict[str, dict[str, Any]]:
    """The list of people by the role that they began with."""
    names = {str(person.id): name for name, person in team.people.items()}
    return {names[row["user_id"]]: row for row in call(person, "list_people", team.id)}


def test_people_are_listed_by_rank(team: Team) -> None:
    rows = team["viewer"].call("list_people", team.id)
    assert [row["role"] for row in rows] == sorted((row["role"] for row in rows), key=RANKS.get, reverse=True)  # type: ignore[arg-type]
    assert set(rows[0]) == {
        "user_id", "email", "role", "joined_at", "last_active", "monthly_usd", "monthly_tokens",
    }  # fmt: skip
    assert listed(team["viewer"].connection, team)["member"]["email"] == f"{team['member'].id}@example.org"


@pytest.mark.parametrize("is_refreshed", [True, False])
def test_last_day_of_use_is_for_those_who_see_people(
    team: Team, database: Connection, is_refreshed: bool
) -> None:
    team["owner"].call("update_workspace", team.id, None, "Asia/Tokyo", None, None)
    for role, days in (("member", ("2026-05-01", "2026-05-03")), ("admin", ("2026-05-02",))):
        records = [record(timestamp=f"{day}T20:00:00Z") for day in days]
        team[role].call("save_cost_records", None, records, team.id)
    if is_refreshed:
        database.execute("select public.refresh_cost_records_daily()")
    for split in ("own", "admins", "everyone"):
        team["owner"].call("update_workspace", team.id, None, None, None, split)
        for reader in ("owner", "member", "viewer"):
            seen = {
                role: row["last_active"]
                for role, row in listed(team[reader].connection, team).items()
                if row["last_active"]
            }
            everything = {"member": "2026-05-04", "admin": "2026-05-03"}
            if reader == "owner" or split == "everyone":
                assert seen == everything
            else:
                assert seen == {role: day for role, day in everything.items() if role == reader}


def test_limits_are_for_admins_and_oneself(team: Team) -> None:
    team["admin"].call("set_member_limit", team.id, team["member"].id, "99.5", None)
    team["admin"].call("set_member_limit", team.id, team["viewer"].id, None, 1000)
    for reader, seen in (
        ("admin2", {"member": ("99.5", None), "viewer": (None, 1000)}),
        ("member", {"member": ("99.5", None)}),
        ("viewer", {"viewer": (None, 1000)}),
        ("member2", {}),
    ):
        rows = listed(team[reader].connection, team)
        limits = {role: (row["monthly_usd"], row["monthly_tokens"]) for role, row in rows.items()}
        assert {role: limit for role, limit in limits.items() if limit != (None, None)} == seen
    team["admin"].call("set_member_limit", team.id, team["member"].id, None, None)
    assert team["owner"].connection.execute(
        "select user_id, measure, amount from public.budgets"
    ).fetchall() == [(team["viewer"].id, "tokens", 1000)]


def test_a_limit_is_a_budget_with_thresholds_of_its_own(team: Team, database: Connection) -> None:
    member, viewer = team["member"].id, team["viewer"].id
    for amount in ("5", "7"):
        team["admin"].call("set_member_limit", team.id, member, amount, 100)
    database.execute(
        "insert into public.budgets (workspace_id, name, user_id, amount, period)"
        " values (%s, 'A week', %s, 3, 'week'), (%s, 'A month', %s, 4, 'month')",
        [team.id, member, team.id, viewer],
    )
    database.execute(
        "insert into public.budgets (workspace_id, name, user_id, amount, agent, created_at)"
        " values (%s, 'With one agent', %s, 2, 'codex', '2026-01-01')",
        [team.id, viewer],
    )
    assert database.execute(
        "select name, measure, amount, count(*) from public.budgets as b"
        " join public.budget_thresholds as t on t.budget_id = b.id group by 1, 2, 3 order by 1"
    ).fetchall() == [("Monthly limit", "cost", 7, 3), ("Monthly tokens", "tokens", 100, 3)]
    rows = listed(team["admin"].connection, team)
    assert [(rows[role]["monthly_usd"], rows[role]["monthly_tokens"]) for role in ("member", "viewer")] == [
        ("7", 100),
        ("4", None),
    ]


@pytest.mark.parametrize(
    ("usd", "tokens"),
    [
        (0, None), (-1, None), ("NaN", None), ("Infinity", None), ("-Infinity", None), ("1e-11", None),
        ("100000000", None), (None, 0), (None, -1), (None, 10**15 + 1),
    ],
)  # fmt: skip
def test_a_limit_is_an_amount_above_zero(team: Team, usd: object, tokens: int | None) -> None:
    with pytest.raises(Wrong, match=r"Limit the (cost|tokens) to"):
        team["owner"].call("set_member_limit", team.id, team["member"].id, usd, tokens)


def test_admins_limit_nobody_above_them(team: Team) -> None:
    with pytest.raises(Refused, match="above yours"):
        team["admin"].call("set_member_limit", team.id, team["owner"].id, 5, None)


@pytest.mark.parametrize(("mine", "theirs"), [("admin", "owner"), ("admin", "admin2"), ("owner", "owner2")])
def test_no_door_changes_the_limit_of_somebody_above(
    team: Team, database: Connection, mine: str, theirs: str
) -> None:
    person, hand = team[theirs].id, team[mine].connection
    team["owner"].call("set_member_limit", team.id, person, 5, None)
    add = "insert into public.budgets (workspace_id, name, amount, user_id) values (%s, 'B', 1, %s)"
    add_own = add.replace("%s)", f"'{team['member'].id}')")
    database.execute(add_own, [team.id])
    for change, values in (
        (add, [team.id, person]),
        ("update public.budgets set user_id = %s where name = 'B'", [person]),
        ("update public.budgets set amount = 1000 where user_id = %s", [person]),
        ("update public.budgets set paused_at = now() where user_id = %s", [person]),
        (
            "update public.budget_thresholds set percent = percent + 900 where budget_id in" + OF_PERSON,
            [person],
        ),
        ("delete from public.budget_thresholds where budget_id in" + OF_PERSON, [person]),
        ("delete from public.budgets where user_id = %s", [person]),
    ):
        with hand.transaction(force_rollback=True):
            if RANKS[mine] >= RANKS[theirs.rstrip("2")]:
                assert hand.execute(change.encode(), values).rowcount > 0
                continue
            with pytest.raises(Refused, match="above yours"), hand.transaction():
                hand.execute(change.encode(), values)


@pytest.mark.parametrize("mine", ["viewer", "member"])
def test_nobody_below_admins_changes_a_limit_even_their_own(team: Team, mine: str) -> None:
    me = team[mine]
    team["admin"].call("set_member_limit", team.id, me.id, 5, None)
    for change in ("update public.budgets set amount = 1000", "delete from public.budgets"):
        assert me.connection.execute(change.encode()).rowcount == 0
    for change in (
        "update public.budget_thresholds set percent = 1000",
        "delete from public.budget_thresholds",
    ):
        assert me.connection.execute(change.encode()).rowcount == 0
    with pytest.raises(Refused, match="Your role"):
        me.call("set_member_limit", team.id, me.id, None, None)


def test_who_leaves_takes_a_limit_along_whatever_their_role(team: Team, database: Connection) -> None:
    for role in ("owner2", "member"):
        team["owner"].call("set_member_limit", team.id, team[role].id, 5, None)
        team[role].call("leave_workspace", team.id)
    assert database.execute("select from public.budgets").rowcount == 0


def test_changes_of_limits_and_roles_are_logged(team: Team, database: Connection) -> None:
    database.execute("delete from public.audit_logs")
    member = team["member"].id
    team["admin"].call("set_member_limit", team.id, member, 5, None)
    team["admin"].call("set_member_limit", team.id, member, 7, None)
    team["admin"].call("set_role", team.id, member, "viewer")
    team["admin"].call("set_role", team.id, member, "viewer")
    team["admin"].call("remove_member", team.id, member)
    team["viewer"].call("leave_workspace", team.id)
    log = team["owner"].call("search_audit_log", team.id, None, None, None)[::-1]
    of_budgets, of_members = (
        [row for row in log if row["table_name"].startswith(table)] for table in ("budgets", "members")
    )
    assert [(row["action"], (row["after"] or row["before"])["amount"]) for row in of_budgets] == [
        ("insert", 5),
        ("update", 7),
        ("delete", 7),
    ]
    assert [(row["action"], row["before"], row["after"]) for row in of_members] == [
        ("update", {"role": "member"}, {"role": "viewer"}),
        ("remove", {"role": "viewer"}, None),
        ("leave", {"role": "viewer"}, None),
    ]
    assert {row["actor_email"] for row in (*of_budgets, *of_members[:2])} == {
        f"{team['admin'].id}@example.org"
    }
    assert {row["user_id"] for row in of_members[:2]} == {str(member)}


def test_version_changes_with_people_and_limits(team: Team) -> None:
    seen = {team["viewer"].call("data_version", team.id)}
    changes: list[tuple[str, list[Any]]] = [
        ("set_member_limit", [team["viewer"].id, 5, None]),
        ("set_role", [team["member"].id, "viewer"]),
        ("remove_member", [team["member"].id]),
        ("set_role", [team["viewer"].id, "member"]),
    ]
    for step, (function, arguments) in enumerate(changes, 2):
        team["owner"].call(function, team.id, *arguments)
        seen.add(team["viewer"].call("data_version", team.id))
        assert len(seen) == step
