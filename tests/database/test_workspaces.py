"""Creating, changing, listing and deleting workspaces."""

from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.database.teams import Team, call, make_team, race
from tests.database.test_saving import record
from tests.database_fixtures import Connection, Project

Act = Callable[[UUID], Connection]


@pytest.fixture
def person(as_user: Act, user: UUID) -> Connection:
    """A signed-in user."""
    return as_user(user)


@pytest.fixture
def team(project: Project, database: Connection) -> Team:
    """A workspace with a person of each role."""
    return make_team(project, database)


def test_a_new_workspace_belongs_to_its_maker(person: Connection, user: UUID) -> None:
    made = call(person, "create_workspace", "  Research ", "Europe/Berlin", "EUR")
    personal, shared = call(person, "list_workspaces")
    assert shared == {
        "id": str(made),
        "name": "Research",
        "role": "owner",
        "is_personal": False,
        "timezone": "Europe/Berlin",
        "currency": "EUR",
        "person_split": "admins",
        "members": 1,
    }
    assert (personal["id"], personal["name"], personal["is_personal"]) == (str(user), "Personal", True)


def test_workspaces_are_listed_by_name_after_the_personal_one(person: Connection) -> None:
    for name in ("beta", "Alpha", "gamma"):
        call(person, "create_workspace", name, None, None)
    listed = call(person, "list_workspaces")
    assert [one["name"] for one in listed] == ["Personal", "Alpha", "beta", "gamma"]
    assert {(one["timezone"], one["currency"]) for one in listed} == {("UTC", "USD")}


def test_only_members_see_a_workspace(team: Team, person: Connection) -> None:
    assert [one["is_personal"] for one in call(person, "list_workspaces")] == [True]
    for role, member in team.people.items():
        [shared] = member.call("list_workspaces")[1:]
        assert (shared["role"], shared["members"]) == (role, 4)


HOSTILE = [
    None,
    "",
    "   ",
    "x" * 101,
    "x" * 10_000,
    "two\nlines",
    "\u202eliam",
    "zero\u200bwidth",
    "bell\x07",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_must_be_readable(person: Connection, name: str | None) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue, match=r"name of 1 to 100|Leave line breaks"):
        call(person, "create_workspace", name, "UTC", "USD")
    assert len(call(person, "list_workspaces")) == 1


@pytest.mark.parametrize(
    "name", ["'; drop table public.workspaces; --", "<script>alert(1)</script>", "%s {0} \\", "日本 👩‍💻"]
)
def test_a_name_is_only_text(person: Connection, name: str) -> None:
    made = call(person, "create_workspace", name, "UTC", "USD")
    assert call(person, "list_workspaces")[1]["name"] == name
    call(person, "delete_workspace", made, name)
    assert len(call(person, "list_workspaces")) == 1


@pytest.mark.parametrize(
    ("timezone", "currency", "message"),
    [
        ("Mars/Olympus", "USD", "Unknown time zone"),
        ("+03", "USD", "Unknown time zone"),
        ("UTC", "usd", "three capital letters"),
        ("UTC", "", "three capital letters"),
    ],
)
def test_settings_must_be_valid(
    person: Connection, team: Team, timezone: str, currency: str, message: str
) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue, match=message):
        call(person, "create_workspace", "Team", timezone, currency)
    with pytest.raises(psycopg.errors.InvalidParameterValue, match=message):
        team["admin"].call("update_workspace", team.id, None, timezone, currency, None)


def test_nobody_owns_more_than_100_workspaces(person: Connection, database: Connection, user: UUID) -> None:
    database.execute(
        """with made as (
            insert into public.workspaces (name) select 'w' from generate_series(1, 100) returning id
        )
        insert into public.members (workspace_id, user_id, role) select id, %s, 'owner' from made""",
        [user],
    )
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="Delete one before you add another"):
        call(person, "create_workspace", "Team", None, None)


def test_admins_change_settings_one_by_one(team: Team, database: Connection) -> None:
    def settings() -> Any:
        query = "select name, timezone, currency, person_split from public.workspaces where id = %s"
        return database.execute(query, [team.id]).fetchone()

    admin = team["admin"]
    admin.call("update_workspace", team.id, " New ", None, None, None)
    assert settings() == ("New", "UTC", "USD", "admins")
    admin.call("update_workspace", team.id, None, "Asia/Tokyo", None, None)
    admin.call("update_workspace", team.id, None, None, "JPY", None)
    admin.call("update_workspace", team.id, None, None, None, "own")
    assert settings() == ("New", "Asia/Tokyo", "JPY", "own")
    admin.call("update_workspace", team.id, None, None, None, None)
    assert settings() == ("New", "Asia/Tokyo", "JPY", "own")


@pytest.mark.parametrize("split", ["", "Admins", "nobody"])
def test_an_unknown_choice_of_costs_is_refused(team: Team, split: str) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="own costs"):
        team["owner"].call("update_workspace", team.id, None, None, None, split)


def test_a_personal_workspace_is_not_changed_or_deleted(person: Connection, user: UUID) -> None:
    for workspace in (user, None):
        with pytest.raises(psycopg.errors.InvalidParameterValue):
            call(person, "update_workspace", workspace, "Mine", None, None, None)
        with pytest.raises(psycopg.errors.InvalidParameterValue):
            call(person, "delete_workspace", workspace, "Personal")


@pytest.mark.parametrize("name", ["", None, "team", "Team!", "Personal"])
def test_a_wrong_name_deletes_nothing(team: Team, database: Connection, name: str | None) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="not the name of this workspace"):
        team["owner"].ask("delete_workspace", name=name)
    assert len(team.roles(database)) == 4


def test_deleting_a_workspace_takes_everything_of_it(team: Team, database: Connection) -> None:
    owner, member = team["owner"], team["member"]
    for person in (owner, member):
        person.save(None, record())
        person.call("save_cost_records", None, [record()], person.id)
    database.execute("select public.detach_partition(2026, 5)")
    member.save(None, record(timestamp="2026-06-01T12:00:00Z"))
    owner.ask("delete_workspace", name="Team ")
    assert len(owner.call("list_workspaces")) == 1
    database.execute("select public.fold_stale_days()")
    database.execute("select public.refresh_cost_records_daily()")
    assert left_of(database, team.id) == {}
    archived = "select count(*) from private.cost_records_2026_05"
    assert database.execute(archived).fetchone() == (2,)


def left_of(database: Connection, workspace_id: UUID) -> dict[str, int]:
    """Rows of a workspace that are left, by table."""
    tables = database.execute(
        """select a.attrelid::regclass::text from pg_attribute as a
        inner join pg_class as c on a.attrelid = c.oid
        where a.attname = 'workspace_id' and c.relkind in ('r', 'm')
            and c.relnamespace::regnamespace::text in ('public', 'private')"""
    ).fetchall()
    assert len(tables) > 20
    counts = {}
    for (table,) in tables:
        query = f"select count(*) from {table} where workspace_id = %s"
        [[counts[table]]] = database.execute(query, [workspace_id]).fetchall()
    return {table: count for table, count in counts.items() if count}


def test_a_stranger_learns_nothing_of_a_workspace(team: Team, person: Connection) -> None:
    for workspace in (team.id, uuid4()):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="You are not a member"):
            call(person, "delete_workspace", workspace, "Team")


def repeat(team: Team, role: str, *changes: Callable[[Connection], Any]) -> Callable[[], list[Any]]:
    """Make these changes one after the other, several times; answers in their order."""

    def run() -> list[Any]:
        with team.act_as(role) as person:
            return [change(person) for _ in range(6) for change in changes]

    return run


def save_day(team: Team, day: int) -> Callable[[Connection], Any]:
    """A save of one event that is a date, and of instants around it."""
    hours = (0, 5, 11, 12, 18, 23)
    dated = {"day": f"2026-05-{day:02}", "timestamp": f"2026-05-{day:02}T12:00:00Z"}

    def save(person: Connection) -> Any:
        instants = [record(timestamp=f"2026-05-{day:02}T{hour:02}:30:00Z", cost_usd="1") for hour in hours]
        return call(person, "save_cost_records", None, [*instants, record(**dated, cost_usd="10")], team.id)

    return save


def move(team: Team, zone: str) -> Callable[[Connection], Any]:
    """A change of the team's time zone."""
    return lambda person: call(person, "update_workspace", team.id, None, zone, None, None)


def edit(person: Connection) -> Any:
    """An edit of own records, past the functions."""
    change = "update public.cost_records set request_count = request_count + 1 where user_id = auth.uid()"
    return person.execute(change).rowcount


@pytest.mark.parametrize("attempt", range(2))
def test_a_time_zone_that_changes_while_two_members_import_loses_nothing(
    project: Project, database: Connection, attempt: int
) -> None:
    team = make_team(project, database, "owner", "admin", "member", "member2")
    days = [attempt * 4 + n for n in (1, 2, 3)]
    answers = race(
        repeat(team, "member", save_day(team, days[0]), edit, save_day(team, days[1])),
        repeat(team, "member2", save_day(team, days[0]), save_day(team, days[2]), edit),
        repeat(team, "owner", move(team, "Asia/Tokyo"), move(team, "America/Los_Angeles")),
        repeat(team, "admin", move(team, "Europe/Berlin"), move(team, "Pacific/Auckland")),
    )
    assert [answer for answer in answers if isinstance(answer, psycopg.Error)] == []
    saves = 4 * 6
    expected = database.execute(
        """select d.day::text, sum(d.cost_usd) from (
            select (r.timestamp at time zone w.timezone)::date as day, r.cost_usd
            from public.cost_records as r inner join public.workspaces as w on r.workspace_id = w.id
            where w.id = %s
        ) as d group by 1 order by 1""",
        [team.id],
    ).fetchall()
    assert sum(cost for _, cost in expected) == saves * 16
    misplaced = """select count(*) from public.cost_records as r
        inner join public.workspaces as w on r.workspace_id = w.id
        where r.day is not null and r.day <> (r.timestamp at time zone w.timezone)::date"""
    assert database.execute(misplaced).fetchone() == (0,)
    for statement in (
        "select 1",
        "select public.fold_stale_days()",
        "select public.refresh_cost_records_daily()",
    ):
        database.execute(statement)
        columns = team["owner"].ask("daily_costs")
        totals: dict[str, Decimal] = defaultdict(Decimal)
        for day, cost in zip(columns["date"], columns["cost_usd"], strict=True):
            totals[day] += Decimal(cost)
        assert sorted(totals.items()) == expected


def test_a_workspace_that_is_deleted_while_others_save_leaves_nothing(
    project: Project, database: Connection
) -> None:
    team = make_team(project, database, "owner", "member", "member2")

    def save(role: str) -> list[Any]:
        answers = []
        with team.act_as(role) as person:
            for _ in range(8):
                try:
                    answers.append(save_day(team, 1)(person))
                except psycopg.Error as error:
                    answers.append(error)
        return answers

    deleted, *saved = race(
        lambda: team["owner"].ask("delete_workspace", name="Team"),
        lambda: save("member"),
        lambda: save("member2"),
    )
    assert not isinstance(deleted, psycopg.Error)
    errors = [answer for answers in saved for answer in answers if isinstance(answer, psycopg.Error)]
    assert {error.sqlstate for error in errors} <= {"42501", "23503"}
    database.execute("select public.fold_stale_days()")
    database.execute("select public.refresh_cost_records_daily()")
    assert left_of(database, team.id) == {}
