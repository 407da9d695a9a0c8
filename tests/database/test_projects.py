"""Projects: admins make, rename and archive them; private ones do not exist for others."""

from collections.abc import Callable
from time import perf_counter
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.database.access import insert, sample_row
from tests.database.teams import COLLEAGUES, Person, Team, make_team
from tests.database.test_saving import record
from tests.database_fixtures import Connection, Project, add_user, make_months

Act = Callable[[UUID], Connection]

ADD_RECORD = """
insert into public.cost_records (workspace_id, project_id, provider_id, timestamp, model_name, cost_usd)
select %s, %s, id, '2026-05-01', 'm', 1 from public.providers where name = 'openai'"""


@pytest.fixture
def team(project: Project, database: Connection) -> Team:
    return make_team(project, database, *COLLEAGUES)


def names(person: Person) -> list[str]:
    return [project["name"] for project in person.ask("list_projects")]


def filed(database: Connection) -> list[tuple[Any, ...]]:
    """Project and choice of each record, in the order of time."""
    query = "select project_id, project_chosen_by from public.cost_records order by timestamp"
    return database.execute(query).fetchall()


def test_an_admin_makes_renames_and_archives_projects(team: Team) -> None:
    admin = team["admin"]
    web = admin.add_project("  Web  shop ")
    admin.add_project("App")
    assert names(admin) == ["App", "Web  shop"]
    admin.call("update_project", project=web, name="Shop")
    assert [project["slug"] for project in admin.ask("list_projects")] == ["app", "web-shop"]
    admin.call("archive_project", project=web)
    admin.call("archive_project", project=web)
    [app, shop] = admin.ask("list_projects")
    assert (app["archived_at"], shop["archived_at"] is not None) == (None, True)
    admin.call("restore_project", project=web)
    assert {project["archived_at"] for project in admin.ask("list_projects")} == {None}


@pytest.mark.parametrize("name", ["ann", "viewer"])
def test_members_and_viewers_change_no_project(team: Team, name: str) -> None:
    web, member = team["owner"].add_project("Web"), team[name]
    calls: list[tuple[str, dict[str, object]]] = [
        ("create_project", {"workspace": member.workspace, "name": "Mine"}),
        ("update_project", {"project": web, "name": "Mine"}),
        ("archive_project", {"project": web}),
        ("restore_project", {"project": web}),
        ("set_project_members", {"project": web, "people": [member.id]}),
    ]
    for function, arguments in calls:
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="Your role in this workspace"):
            member.call(function, **arguments)
    assert names(member) == ["Web"]


def test_a_project_of_another_workspace_does_not_exist(database: Connection, team: Team) -> None:
    other = make_team(team.project, database, "owner")["owner"]
    web = other.add_project("Web")
    for project in (web, uuid4(), None):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="There is no such project"):
            team["owner"].call("update_project", project=project, name="Mine")
    assert names(team["owner"]) == []


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "1 to 100 characters"),
        (" \t\u00a0\u200b\u3000 ", "1 to 100 characters"),
        (None, "1 to 100 characters"),
        ("x" * 10_000, "1 to 100 characters"),
        ("two\nlines", "line breaks"),
        ("bell\u0007", "line breaks"),
        ("\u202eevil", "line breaks"),
        ("\u061cevil", "line breaks"),
        ("\u3164", "line breaks"),
        ("\ufe0f", "line breaks"),
        ("We\u00adb", "line breaks"),
        ("Web\U000e0041", "line breaks"),
    ],
)
def test_a_hostile_name_gets_a_sentence(team: Team, name: str | None, sentence: str) -> None:
    admin, web = team["admin"], team["admin"].add_project("Web")
    with pytest.raises(psycopg.errors.InvalidParameterValue, match=sentence):
        admin.ask("create_project", name=name)
    if name is not None:  # null leaves the name as it is
        with pytest.raises(psycopg.errors.InvalidParameterValue, match=sentence):
            admin.call("update_project", project=web, name=name)
    assert names(admin) == ["Web"]


def test_markup_is_a_name_like_any_other(team: Team) -> None:
    name = '<b>R&D</b> "%s" \'; drop table x; --'
    team["admin"].add_project(name)
    emoji = "Family \U0001f469\u200d\U0001f467 \u2764\ufe0f"
    team["admin"].add_project(emoji)
    assert names(team["admin"]) == [name, emoji]


def test_slugs_are_letters_of_addresses_and_unique(team: Team) -> None:
    given = ["Web Shop", "web-shop", "WEB  SHOP!", "Müller & Söhne", "日本語", "…", "a" * 100, "a" * 100]
    for name in given:
        team["admin"].add_project(name)
    slugs = [project["slug"] for project in team["admin"].ask("list_projects")]
    assert sorted(slugs) == sorted(
        [
            "web-shop",
            "web-shop-2",
            "web-shop-3",
            "muller-sohne",
            "project",
            "project-2",
            "a" * 100,
            "a" * 100 + "-2",
        ]
    )


def test_a_private_project_exists_only_for_its_members_and_admins(team: Team) -> None:
    secret = team["admin"].add_project("Secret", is_private=True)
    team["admin"].call("set_project_members", project=secret, people=[team["ann"].id])
    seen = {name: names(person) for name, person in team.people.items()}
    assert seen == {"owner": ["Secret"], "admin": ["Secret"], "ann": ["Secret"], "bob": [], "viewer": []}
    rows = {
        name: person.connection.execute("select name from public.projects").rowcount
        for name, person in team.people.items()
    }
    assert rows == {"owner": 1, "admin": 1, "ann": 1, "bob": 0, "viewer": 0}
    [project] = team["ann"].ask("list_projects")
    assert project["members"] == [str(team["ann"].id)]
    assert team["bob"].connection.execute("select from public.project_members").rowcount == 0
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="There is no such project"):
        team["bob"].call("archive_project", project=secret)
    team["admin"].call("update_project", project=secret, is_private=False)
    assert names(team["bob"]) == ["Secret"]


def test_members_of_a_project_are_members_of_its_workspace(database: Connection, team: Team) -> None:
    secret = team["admin"].add_project("Secret", is_private=True)
    for people in ([add_user(database)], [None], [team["ann"].id, uuid4()]):
        with pytest.raises(psycopg.errors.InvalidParameterValue, match="Only members of the workspace"):
            team["admin"].call("set_project_members", project=secret, people=people)
    people = [team["ann"].id, team["bob"].id, team["ann"].id]
    team["admin"].call("set_project_members", project=secret, people=people)
    gone = "delete from public.members where workspace_id = %s and user_id = %s"
    database.execute(gone, [team["ann"].workspace, team["ann"].id])
    assert team["admin"].ask("list_projects")[0]["members"] == [str(team["bob"].id)]
    team["admin"].call("set_project_members", project=secret, people=[])
    assert names(team["bob"]) == []
    team.add(database, "member")
    assert names(team["member"]) == []


def test_a_workspace_has_a_thousand_active_projects_and_lists_ten_thousand(
    database: Connection, team: Team
) -> None:
    admin = team["admin"]
    fill = """insert into public.projects (workspace_id, name, slug, archived_at)
        select %s, 'Old ' || n, 'old-' || n, case when n > %s then now() end
        from generate_series(%s::integer, %s) as n"""
    database.execute(fill, [admin.workspace, 1000, 1, 1000])
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="1,000 active projects at most"):
        admin.add_project("One more")
    [first, *_] = admin.ask("list_projects")
    admin.call("archive_project", project=first["id"])
    admin.add_project("One more")
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="1,000 active projects at most"):
        admin.call("restore_project", project=first["id"])
    database.execute(fill, [admin.workspace, 1000, 1001, 9999])
    seconds = []
    for _ in range(3):  # the machine may be busy
        start = perf_counter()
        assert len(admin.ask("list_projects")) == 10_000
        seconds.append(perf_counter() - start)
    assert min(seconds) < 1
    admin.call("archive_project", project=admin.ask("list_projects")[0]["id"])
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="10,000 projects at most"):
        admin.add_project("One more")


def test_whoever_sets_a_project_chooses_it(database: Connection, team: Team) -> None:
    web, ann = team["admin"].add_project("Web"), team["ann"]
    ann.save(None, record(), record(timestamp="2026-05-02T12:00:00Z", project_id=str(web)))
    assert filed(database) == [(None, None), (web, "source")]
    assert ann.choose(web) == 2
    assert filed(database) == [(web, "person"), (web, "source")]
    assert ann.choose(None) == 2
    assert filed(database) == [(None, "person"), (None, "person")]


@pytest.mark.parametrize("how", ["save", "insert", "update"])
def test_only_a_project_that_one_sees_can_be_chosen(database: Connection, team: Team, how: str) -> None:
    foreign = make_team(team.project, database, "owner")["owner"].add_project("Foreign")
    secret = team["admin"].add_project("Secret", is_private=True)
    old = team["admin"].add_project("Old")
    team["admin"].call("archive_project", project=old)
    ann = team["ann"]
    ann.save(None, record())

    def choose(project: UUID) -> None:
        if how == "save":
            ann.save(None, record(project_id=str(project)))
        elif how == "update":
            ann.choose(project)
        else:
            ann.connection.execute(ADD_RECORD, [ann.workspace, project])

    for project in (foreign, secret, uuid4()):
        with pytest.raises(psycopg.errors.ForeignKeyViolation, match="There is no such project"):
            choose(project)
    with pytest.raises(psycopg.errors.InvalidParameterValue, match='The project "Old" is archived'):
        choose(old)
    assert filed(database) == [(None, None)]
    team["admin"].call("restore_project", project=old)
    choose(old)
    team["admin"].call("set_project_members", project=secret, people=[ann.id])
    choose(secret)
    assert [project for project, _ in filed(database)].count(secret) == 1


@pytest.mark.parametrize("who", ["stranger", "former", "viewer"])
def test_a_refused_record_tells_nothing_of_projects(
    database: Connection, as_user: Act, team: Team, who: str
) -> None:
    made = {name: team["admin"].add_project(name, name == "Secret") for name in ("Web", "Secret", "Old")}
    team["admin"].call("archive_project", project=made["Old"])
    person = team["viewer"]
    if who == "stranger":
        person = Person(user := add_user(database), as_user(user), team["admin"].workspace)
    elif who == "former":
        person = team["ann"]
        team["admin"].ask("remove_member", person=person.id)
    make_months(database, "2026-05-01")
    for project in (*made.values(), uuid4()):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            person.connection.execute(ADD_RECORD, [person.workspace, project])


def test_records_of_an_archived_project_keep_it_and_can_change(database: Connection, team: Team) -> None:
    old, ann = team["admin"].add_project("Old"), team["ann"]
    ann.save(None, record(project_id=str(old)))
    team["admin"].call("archive_project", project=old)
    assert ann.connection.execute("update public.cost_records set cost_usd = 7").rowcount == 1
    assert filed(database) == [(old, "source")]
    assert [project["name"] for project in ann.ask("list_projects")] == ["Old"]


def test_a_member_of_nothing_sees_no_projects(database: Connection, as_user: Act, team: Team) -> None:
    team["admin"].add_project("Web")
    stranger = Person(user := add_user(database), as_user(user), team["admin"].workspace)
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="You are not a member"):
        names(stranger)
    assert stranger.connection.execute("select from public.projects").rowcount == 0


def test_projects_take_part_in_the_data_version(team: Team) -> None:
    seen = set()
    admin, web = team["admin"], team["admin"].add_project("Web")
    for change in (
        lambda: None,
        lambda: admin.call("update_project", project=web, name="Shop"),
        lambda: admin.call("set_project_members", project=web, people=[team["ann"].id]),
        lambda: admin.call("archive_project", project=web),
    ):
        change()
        seen.add(team["viewer"].ask("data_version"))
    assert len(seen) == 4


def test_a_personal_workspace_has_projects_too(database: Connection, as_user: Act, user: UUID) -> None:
    person = Person(user, as_user(user), user)
    web = person.add_project("Web", is_private=True)
    person.save(None, record(project_id=str(web)))
    assert filed(database) == [(web, "source")]
    assert names(person) == ["Web"]


def test_a_workspace_is_deleted_with_its_projects(database: Connection, team: Team) -> None:
    web = team["admin"].add_project("Web")
    team["admin"].call("set_project_members", project=web, people=[team["ann"].id])
    team["ann"].save(None, record(project_id=str(web)))
    database.execute("delete from public.workspaces where id = %s", [team["admin"].workspace])
    for table in ("projects", "project_members", "cost_records"):
        assert database.execute(f"select count(*) from public.{table}").fetchone() == (0,)


def test_forecasts_of_a_private_project_are_hidden_with_it(database: Connection, team: Team) -> None:
    secret = team["admin"].add_project("Secret", is_private=True)
    team["admin"].call("set_project_members", project=secret, people=[team["ann"].id])
    workspace = database.execute("select workspace_id from public.projects").fetchone()
    for table in ("forecast_results", "forecast_totals"):
        row = sample_row(database, table, team["owner"].id, workspace and workspace[0])
        database.execute(insert(table, row))
        database.execute(insert(table, row | {"provider_id": None, "project_id": secret, "run_id": uuid4()}))
        seen = {
            name: person.connection.execute(f"select from public.{table}").rowcount
            for name, person in team.people.items()
        }
        assert seen == {"owner": 2, "admin": 2, "ann": 2, "bob": 1, "viewer": 1}, table
