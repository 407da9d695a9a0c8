"""Rules and aliases: where records are filed when they are saved, and what a change of rules moves."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.database.teams import COLLEAGUES, Person, Team, make_team
from tests.database.test_saving import record
from tests.database_fixtures import Connection, Project, add_user, wait_for_lock


@pytest.fixture
def team(project: Project, database: Connection) -> Team:
    return make_team(project, database, *COLLEAGUES)


def rule(field: str, value: object, project: UUID, match: str = "exact") -> dict[str, Any]:
    """A rule as it is sent."""
    return {"field": field, "match": match, "value": value, "project_id": str(project)}


def alias(value: object, person: Person) -> dict[str, Any]:
    """An alias as it is sent."""
    return {"value": value, "user_id": str(person.id)}


def described(minute: int = 0, **metadata: Any) -> dict[str, Any]:
    """A record with what its source wrote about it."""
    return record(timestamp=f"2026-05-01T12:{minute:02}:00Z", metadata=metadata)


def projects(database: Connection) -> list[UUID | None]:
    """The project of each record, in the order of time."""
    rows = database.execute("select project_id from public.cost_records order by timestamp").fetchall()
    return [project for (project,) in rows]


def people(database: Connection) -> list[UUID]:
    """The person of each record, in the order of time."""
    rows = database.execute("select user_id from public.cost_records order by timestamp").fetchall()
    return [person for (person,) in rows]


# What a rule may ask for: a field, a value, metadata that has it and metadata that has not.
TRAITS: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    ("folder", "/work/web", {"project": "/work/web"}, {"project": "/work/app"}),
    (
        "folder",
        "/work/web",
        {"project": "", "folder": " /work/web "},
        {"project": "/x", "folder": "/work/web"},
    ),
    ("repository", "web", {"repository": "web"}, {"repository": "Web"}),
    ("repository", "web", {"repo": "web"}, {"repository": "app", "repo": "web"}),
    ("branch", "main", {"branch": "main"}, {"branch": "next"}),
    ("branch", "main", {"git_branch": "main"}, {}),
    ("api_key", "key_1", {"api_key": "key_1"}, {"api_key": "key_2", "api_key_id": "key_1"}),
    ("api_key", "key_1", {"api_key_id": "key_1"}, {"api_key_name": "key_2"}),
    ("api_key", "key_1", {"api_key_name": "key_1"}, {"api_key": None}),
    ("provider_project", "proj_1", {"project_id": "proj_1"}, {"project_id": "proj_2", "team_id": "proj_1"}),
    ("provider_project", "proj_1", {"project_name": "proj_1"}, {"project": "proj_1"}),
    ("provider_project", "proj_1", {"workspace": "proj_1"}, {}),
    ("provider_project", "proj_1", {"workspace_id": "proj_1"}, {}),
    ("provider_project", "7", {"team_id": 7}, {"team_id": 8}),
    ("person", "Ann@Example.org", {"actor": "ann@example.org"}, {"actor": "bob@example.org"}),
    ("person", "ann", {"user_email": "ANN"}, {"actor": "bob", "user_email": "ann"}),
    ("person", "ann", {"email": "ann"}, {}),
    ("person", "ann", {"user": "ann"}, {}),
    ("person", "ann", {"user_id": "ann"}, {}),
    ("person", "ann", {"username": "ann"}, {}),
    ("person", "ann", {"owner": "ann"}, {"owner": "annabel"}),
    ("tag", "prod", {"tags": ["dev", " prod "]}, {"tags": ["dev"]}),
    ("tag", "prod", {"tag": "prod", "tags": []}, {"tags": "production"}),
    ("tag", "prod", {"tags": "prod"}, {"tags": [["prod"], None, {"prod": 1}]}),
]


@pytest.mark.parametrize(("field", "value", "met", "missed"), TRAITS)
@pytest.mark.parametrize("is_saved_before", [True, False])
def test_a_rule_files_what_has_its_trait(
    database: Connection,
    team: Team,
    field: str,
    value: str,
    met: dict[str, Any],
    missed: dict[str, Any],
    is_saved_before: bool,
) -> None:
    web, ann = team["admin"].add_project("Web"), team["ann"]
    records = [described(0, **met), described(1, **missed)]
    if is_saved_before:
        ann.save(None, *records)
    answer = team["admin"].ask("set_rules", rules=[rule(field, value, web)])
    if not is_saved_before:
        ann.save(None, *records)
    assert projects(database) == [web, None]
    assert answer["records"] == (1 if is_saved_before else 0)


@pytest.mark.parametrize("is_saved_before", [True, False])
def test_rules_also_ask_for_source_model_and_billing_account(
    database: Connection, team: Team, is_saved_before: bool
) -> None:
    admin, ann = team["admin"], team["ann"]
    web, app, api, other = (admin.add_project(name) for name in ("Web", "App", "API", "Other"))
    source = ann.add_source()
    rules = [
        rule("source", str(source).upper(), web),
        rule("model", "GPT-5-2025-08-07", app),
        rule("billing_account", "openai:acme", api),
        rule("model", "claude", other, match="prefix"),
    ]

    def save() -> None:
        ann.save(source, described(0))
        ann.save(
            None,
            described(1) | {"model_name": "gpt-5"},
            described(2) | {"model_name": "o3", "billing_account": "openai:acme"},
            described(3) | {"model_name": "Claude-Opus-4-5"},
            described(4) | {"model_name": "o3", "billing_account": "openai"},
        )

    if is_saved_before:
        save()
    admin.ask("set_rules", rules=rules)
    if not is_saved_before:
        save()
    assert projects(database) == [web, app, api, other, None]


def test_models_of_rules_have_the_keys_of_records(database: Connection, team: Team) -> None:
    names = [
        "gpt-5",
        "GPT-5-2025-08-07",
        "claude@20250101",
        "x-latest",
        "(unspecified)",
        "20-20",
        "a-2025-13-45",
    ]
    records = [described(n) | {"model_name": name} for n, name in enumerate(names)]
    team["ann"].save(None, *records)
    query = "select count(*), count(*) filter (where model_key = private.model_key_of(model_name))"
    assert database.execute(f"{query} from public.cost_records".encode()).fetchone() == (len(names),) * 2


def test_the_first_rule_that_matches_decides(database: Connection, team: Team) -> None:
    admin, ann = team["admin"], team["ann"]
    web, app = admin.add_project("Web"), admin.add_project("App")
    rules = [rule("folder", "/work/w", web, match="prefix"), rule("folder", "/work/web", app)]
    ann.save(None, described(0, project="/work/web"), described(1, project="/work"))
    admin.ask("set_rules", rules=rules)
    assert projects(database) == [web, None]
    answer = admin.ask("set_rules", rules=rules[::-1])
    assert projects(database) == [app, None]
    assert [(move["from_project"], move["to_project"]) for move in answer["moves"]] == [(str(web), str(app))]
    stored = "select position, value from public.project_rules order by position"
    assert database.execute(stored).fetchall() == [(1, "/work/web"), (2, "/work/w")]


def test_a_rule_that_stays_keeps_its_id(database: Connection, team: Team) -> None:
    admin = team["admin"]
    web, app = admin.add_project("Web"), admin.add_project("App")
    first, second, third = rule("folder", "a", web), rule("folder", "b", web), rule("folder", "c", app)
    admin.ask("set_rules", rules=[first, second])
    query = "select value, id from public.project_rules"
    before = dict(database.execute(query).fetchall())
    admin.ask("set_rules", rules=[third, second, first])
    after = dict(database.execute(query).fetchall())
    assert {value: after[value] for value in before} == before
    admin.ask("set_rules", rules=[])
    assert database.execute(query).fetchall() == []


def test_the_preview_says_what_the_change_moves(database: Connection, team: Team) -> None:
    admin, ann = team["admin"], team["ann"]
    web = admin.add_project("Web")
    database.execute(
        "update public.workspaces set timezone = 'Pacific/Auckland' where id = %s", [ann.workspace]
    )
    ann.save(
        None,
        record(timestamp="2026-05-01T11:30:00Z", metadata={"repo": "web"}, cost_usd="1.5"),
        record(
            timestamp="2026-05-01T12:30:00Z", metadata={"repo": "web"}, cost_usd="2", cost_basis="estimated"
        ),
        record(
            timestamp="2026-05-02T12:30:00Z", metadata={"repo": "web"}, cost_usd="4", cost_basis="included"
        ),
        record(
            timestamp="2026-05-02T12:40:00Z", metadata={"repo": "web"}, cost_usd=None, cost_basis="estimated"
        ),
        record(timestamp="2026-05-03T12:30:00Z", metadata={"repo": "app"}),
    )
    rules = [rule("repository", "web", web)]
    preview = admin.ask("preview_rules", rules=rules)
    assert projects(database) == [None] * 5
    [move] = preview["moves"]
    assert {name: move[name] for name in ("from_project", "to_project", "records")} == {
        "from_project": None,
        "to_project": str(web),
        "records": 4,
    }
    money = {name: Decimal(move[name]) for name in ("billed_usd", "estimated_usd", "included_usd")}
    assert money == {"billed_usd": Decimal("1.5"), "estimated_usd": 2, "included_usd": 4}
    assert (move["first_day"], move["last_day"]) == ("2026-05-01", "2026-05-03")
    assert (preview["records"], preview["superseded_records"]) == (4, 0)
    assert admin.ask("set_rules", rules=rules) == preview
    assert projects(database) == [web] * 4 + [None]
    assert admin.ask("preview_rules", rules=rules) == {"records": 0, "superseded_records": 0, "moves": []}


def test_what_a_person_chose_stays(database: Connection, team: Team) -> None:
    admin, ann = team["admin"], team["ann"]
    web, app = admin.add_project("Web"), admin.add_project("App")
    source, statement = ann.add_source(), described(0, repo="web")
    ann.save(source, statement, described(1, repo="web"), described(2, repo="web") | {"project_id": str(app)})
    ann.choose(app, "timestamp = '2026-05-01 12:00Z'")
    ann.choose(None, "timestamp = '2026-05-01 12:02Z'")
    admin.ask("set_rules", rules=[rule("repository", "web", web)])
    assert projects(database) == [app, web, None]
    assert ann.save(source, statement | {"cost_usd": "9"})["restated"] == 1
    assert projects(database) == [app, web, None]
    ann.save(source, statement | {"cost_usd": "8", "project_id": str(web)})
    assert projects(database) == [app, web, None]


def test_an_archived_project_keeps_its_records_and_gets_none(database: Connection, team: Team) -> None:
    admin, ann = team["admin"], team["ann"]
    web, app = admin.add_project("Web"), admin.add_project("App")
    rules = [rule("repository", "web", web), rule("repository", "w", app, match="prefix")]
    ann.save(None, described(0, repo="web"))
    admin.ask("set_rules", rules=rules)
    admin.call("archive_project", project=web)
    ann.save(None, described(1, repo="web"))
    assert projects(database) == [web, app]
    kept = "select value from public.project_rules order by position"
    assert ann.connection.execute(kept).fetchall() == [("web",), ("w",)]
    more = [rule("branch", "main", app), *rules]
    for function in ("preview_rules", "set_rules"):
        assert admin.ask(function, rules=more)["records"] == 0
    assert ann.connection.execute(kept).fetchall() == [("main",), ("web",), ("w",)]
    ann.save(None, described(2, repo="web"))
    assert projects(database) == [web, app, app]
    admin.ask("set_rules", rules=rules[1:])
    with pytest.raises(
        psycopg.errors.InvalidParameterValue, match='Rule 1 files under "Web", which is archived'
    ):
        admin.ask("set_rules", rules=rules)
    assert projects(database) == [web, app, app]
    admin.call("restore_project", project=web)
    assert admin.ask("set_rules", rules=rules)["records"] == 2
    assert projects(database) == [web, web, web]


def test_a_restored_project_gets_what_its_rules_file(database: Connection, team: Team) -> None:
    admin, ann = team["admin"], team["ann"]
    web, app = admin.add_project("Web"), admin.add_project("App")
    ann.save(None, described(0, repo="web"))
    rules = [rule("repository", "web", web), rule("tag", "x", app)]
    admin.ask("set_rules", rules=rules)
    admin.call("archive_project", project=web)
    assert admin.call("preview_restore", project=web)["records"] == 0
    ann.save(None, described(1, repo="web"), described(2, repo="web", tag="x"), described(3))
    ann.save(None, described(4, repo="web") | {"project_id": str(app)})
    admin.ask("set_rules", rules=rules[::-1])
    preview = admin.call("preview_restore", project=web)
    assert projects(database) == [web, None, app, None, app]
    assert [(move["from_project"], move["to_project"]) for move in preview["moves"]] == [(None, str(web))]
    assert admin.call("restore_project", project=web) == preview
    assert projects(database) == [web, web, app, None, app]
    assert admin.call("restore_project", project=web)["records"] == 0


@pytest.mark.parametrize(
    ("column", "value", "field", "wanted"),
    [
        ("model_name", "o3", "model", "o3"),
        ("metadata", '{"repo": "web"}', "repository", "web"),
        ("billing_account", "openai:acme", "billing_account", "openai:acme"),
    ],
)
def test_an_edited_record_is_filed_by_what_it_says_now(
    database: Connection, team: Team, column: str, value: str, field: str, wanted: str
) -> None:
    admin, ann = team["admin"], team["ann"]
    web, old = admin.add_project("Web"), admin.add_project("Old")
    admin.ask("set_rules", rules=[rule("tag", "old", old), rule(field, wanted, web)])
    ann.save(None, described(0), described(1) | {"project_id": str(old)}, described(2, tag="old"))
    admin.call("archive_project", project=old)
    change = f"update public.cost_records set {column} = %s"
    ann.connection.execute(change.encode(), [value])
    assert projects(database) == [web, old, old]
    admin.ask("set_rules", rules=[])
    ann.connection.execute("update public.cost_records set model_name = 'else'")
    assert projects(database) == [None, old, old]


def test_a_renamed_plan_is_filed_by_its_new_name(database: Connection, team: Team) -> None:
    admin, ann = team["admin"], team["ann"]
    web = admin.add_project("Web")
    admin.ask("set_rules", rules=[rule("model", "team plan", web)])
    ann.connection.execute(
        """insert into public.subscriptions
            (workspace_id, provider_id, plan_name, amount_usd, started_on, renewal_day)
        select %s, id, 'Plan', 20, current_date - 40, extract(day from current_date - 40)::integer
        from public.providers where name = 'openai'""",
        [ann.workspace],
    )
    assert set(projects(database)) == {None}
    ann.choose(web, "timestamp = (select max(timestamp) from public.cost_records)")
    for name, expected in (("Team plan", [web, web]), ("Plan", [None, web])):
        ann.connection.execute("update public.subscriptions set plan_name = %s", [name])
        assert projects(database) == expected


def test_the_later_of_two_lists_that_were_read_at_once_is_refused(database: Connection, team: Team) -> None:
    admin, owner, ann = team["admin"], team["owner"], team["ann"]
    web = admin.add_project("Web", is_private=True)
    first = [rule("repository", "web", web)]
    admin.ask("set_rules", rules=first, before=[])
    assert "were changed meanwhile" in owner.suspect(
        "set_rules", workspace=owner.workspace, rules=[rule("tag", "x", web)], before=[]
    )
    owner.ask("set_rules", rules=first, before=[])  # the same change
    owner.ask("set_rules", rules=[*first, rule("tag", "x", web)], before=first)
    admin.ask("set_aliases", aliases=[alias("ann", ann)], before=[])
    assert "were changed meanwhile" in owner.suspect(
        "set_aliases", workspace=owner.workspace, aliases=[alias("x", ann)], before=[]
    )
    owner.ask("set_aliases", aliases=[], before=[alias("ann", ann)])
    people = [ann.id, team["bob"].id]
    admin.call("set_project_members", project=web, people=people, before="{}")
    assert "were changed meanwhile" in owner.suspect(
        "set_project_members", project=web, people=[ann.id], before="{}"
    )
    owner.call("set_project_members", project=web, people=people[:1], before=people[::-1])
    query = "select field, (select array_agg(user_id) from public.project_members) from public.project_rules"
    assert sorted(database.execute(query).fetchall()) == [("repository", people[:1]), ("tag", people[:1])]


def test_superseded_statements_are_filed_by_their_own_traits(database: Connection, team: Team) -> None:
    admin, ann, bob = team["admin"], team["ann"], team["bob"]
    web, app = admin.add_project("Web"), admin.add_project("App")
    log, bill = ann.add_source("machine"), bob.add_source()
    event = described(0, repo="web") | {"request_id": "r", "cost_basis": "estimated"}
    ann.save(log, event)
    billed = event | {"cost_basis": "billed", "cost_usd": "3", "metadata": {"project_id": "proj_app"}}
    bob.save(bill, billed)
    rules = [rule("repository", "web", web), rule("provider_project", "proj_app", app)]
    answer = admin.ask("set_rules", rules=rules)
    assert (answer["records"], answer["superseded_records"]) == (1, 1)
    assert projects(database) == [app]
    enable = "update public.imports set is_enabled = %s where id = %s"
    admin.connection.execute(enable, [False, bill])
    assert (projects(database), people(database)) == ([web], [ann.id])
    admin.connection.execute(enable, [True, bill])
    assert (projects(database), people(database)) == ([app], [ann.id])  # the log knows whose it is
    admin.connection.execute(enable, [False, bill])
    assert admin.ask("set_rules", rules=rules[:1])["superseded_records"] == 1
    admin.connection.execute(enable, [True, bill])
    assert projects(database) == [None]


def test_filing_changes_nothing_that_a_source_reported(database: Connection, team: Team) -> None:
    admin, ann = team["admin"], team["ann"]
    web, source = admin.add_project("Web"), ann.add_source()
    costs = {"billing_account": "openai", "dataset": "costs", "day": "2026-05-01", "input_tokens": 0}
    ann.save(source, *(described(n, repo="web") | {"billing_account": "openai"} for n in range(3)))
    ann.save(source, record(cost_usd="7", metadata={"repo": "web"}) | costs)
    columns = "id, updated_at, money_is_effective, tokens_are_effective, cost_usd, user_id, metadata"
    query = f"select {columns} from public.cost_records order by id"
    before = database.execute(query.encode()).fetchall()
    parts = database.execute("select * from private.day_parts order by dataset").fetchall()
    admin.ask("set_rules", rules=[rule("repository", "web", web)])
    assert projects(database) == [web] * 4
    assert database.execute(query.encode()).fetchall() == before
    assert database.execute("select * from private.day_parts order by dataset").fetchall() == parts


FAULTS: list[tuple[object, str]] = [
    ({}, "array of objects"),
    (None, "array of objects"),
    ([None], "Rule 1 must be an object"),
    ([1], "Rule 1 must be an object"),
    ([[]], "Rule 1 must be an object"),
    ([{}], 'Rule 1 asks for ""'),
    ([{"field": "colour"}], 'Rule 1 asks for "colour". A rule can ask for: folder, repository'),
    ([{"field": "folder"}], 'Rule 1 must match "exact" or "prefix"'),
    ([{"field": "folder", "match": "like"}], 'Rule 1 must match "exact" or "prefix"'),
    ([{"field": "folder", "match": "exact"}], "Rule 1 has no value"),
    ([{"field": "folder", "match": "prefix", "value": ""}], "Rule 1 has no value"),
    ([{"field": "folder", "match": "prefix", "value": " \t\u00a0\n"}], "Rule 1 has no value"),
    ([{"field": "model", "match": "exact", "value": "(unspecified)"}], "Rule 1 has no value"),
    ([{"field": "folder", "match": "exact", "value": "x" * 501}], "The value of rule 1 has 501 characters"),
    ([{"field": "folder", "match": "exact", "value": "x"}], "Rule 1 files under a project that"),
    (
        [{"field": "folder", "match": "exact", "value": "x", "project_id": "web"}],
        "Rule 1 files under a project that",
    ),
    (
        [{"field": "folder", "match": "exact", "value": "x", "project_id": str(uuid4())}],
        "Rule 1 files under a project",
    ),
    ([{}] * 201, "200 rules at most; these are 201"),
]


@pytest.mark.parametrize(("rules", "sentence"), FAULTS)
def test_a_faulty_rule_is_named_by_its_place(
    database: Connection, team: Team, rules: object, sentence: str
) -> None:
    admin = team["admin"]
    web = admin.add_project("Web")
    admin.ask("set_rules", rules=[rule("folder", "kept", web)])
    for function in ("preview_rules", "set_rules"):
        assert sentence in admin.suspect(function, workspace=admin.workspace, rules=rules)
    if isinstance(rules, list) and len(rules) == 1:
        moved = [rule("folder", "a", web), rule("folder", "b", web), *rules]
        with pytest.raises(psycopg.errors.InvalidParameterValue, match=r"(R|r)ule 3 "):
            admin.ask("set_rules", rules=moved)
    assert database.execute("select value from public.project_rules").fetchall() == [("kept",)]


def test_a_rule_that_could_never_apply_is_refused(team: Team) -> None:
    admin = team["admin"]
    web, app = admin.add_project("Web"), admin.add_project("App")
    for first, second in (
        (rule("folder", "a", web), rule("folder", " a ", app)),
        (rule("person", "Ann", web), rule("person", "ann", web)),
        (rule("model", "gpt-5", web), rule("model", "GPT-5-2025-08-07", app)),
    ):
        with pytest.raises(psycopg.errors.InvalidParameterValue, match="Rule 3 asks for the same as rule 1"):
            admin.ask("set_rules", rules=[first, rule("folder", "b", web), second])
    both = [rule("folder", "a", web), rule("folder", "a", app, match="prefix")]
    assert admin.ask("set_rules", rules=both)["records"] == 0


def test_rules_stay_in_their_workspace(database: Connection, team: Team) -> None:
    other = make_team(team.project, database, "owner")["owner"]
    foreign = other.add_project("Foreign")
    admin = team["admin"]
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="Rule 1 files under a project that"):
        admin.ask("set_rules", rules=[rule("folder", "a", foreign)])
    other.ask("set_rules", rules=[rule("repository", "web", foreign)])
    team["ann"].save(None, described(0, repo="web"))
    assert projects(database) == [None]
    secret = admin.add_project("Secret", is_private=True)
    admin.ask("set_rules", rules=[rule("repository", "web", secret)])
    assert projects(database) == [secret]
    assert team["ann"].connection.execute("select from public.project_rules").rowcount == 0


@pytest.mark.parametrize("name", ["ann", "viewer"])
def test_only_admins_change_rules_and_aliases(team: Team, name: str) -> None:
    for function, arguments in (
        ("preview_rules", {"rules": []}),
        ("set_rules", {"rules": []}),
        ("preview_aliases", {"aliases": []}),
        ("set_aliases", {"aliases": []}),
        ("rule_suggestions", {}),
        ("unknown_people", {}),
        ("name_billing_account", {"account": "openai", "name": "x"}),
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="Your role in this workspace"):
            team[name].ask(function, **arguments)


def test_aliases_give_records_of_sources_to_people(database: Connection, team: Team) -> None:
    admin, ann, bob = team["admin"], team["ann"], team["bob"]
    source = admin.add_source("connection")
    records = [described(0, actor="Bob@Acme.org"), described(1, user_id="user_1"), described(2, owner="ann")]
    admin.save(source, *records)
    ann.save(None, described(3, actor="bob@acme.org"))
    assert people(database) == [admin.id, admin.id, admin.id, ann.id]
    aliases = [alias(" bob@acme.ORG ", bob), alias("ANN", ann)]
    preview = admin.ask("preview_aliases", aliases=aliases)
    assert people(database) == [admin.id, admin.id, admin.id, ann.id]
    assert {(move["from_person"], move["to_person"], move["records"]) for move in preview["moves"]} == {
        (str(admin.id), str(bob.id), 1),
        (str(admin.id), str(ann.id), 1),
    }
    assert admin.ask("set_aliases", aliases=aliases) == preview
    assert people(database) == [bob.id, admin.id, ann.id, ann.id]
    admin.save(source, described(4, email="bob@acme.org"), described(5))
    assert people(database)[4:] == [bob.id, admin.id]
    back = admin.ask("set_aliases", aliases=[])
    assert back["records"] == 3
    assert people(database) == [admin.id, admin.id, admin.id, ann.id, admin.id, admin.id]


ALIAS_FAULTS: list[tuple[object, str]] = [
    (None, "array of objects"),
    ([None], "Alias 1 must be an object"),
    ([{}], "Alias 1 has no value"),
    ([{"value": "\u2003"}], "Alias 1 has no value"),
    ([{"value": "x" * 301}], "The value of alias 1 has 301 characters"),
    ([{"value": "x"}], "Alias 1 is for an account that is not a member"),
    ([{"value": "x", "user_id": "me"}], "Alias 1 is for an account that is not a member"),
    ([{}] * 2001, "2,000 aliases at most"),
]


@pytest.mark.parametrize(("aliases", "sentence"), ALIAS_FAULTS)
def test_a_faulty_alias_is_named_by_its_place(team: Team, aliases: object, sentence: str) -> None:
    for function in ("preview_aliases", "set_aliases"):
        assert sentence in team["admin"].suspect(function, workspace=team["admin"].workspace, aliases=aliases)


def test_aliases_are_for_members_and_stay_when_they_leave(database: Connection, team: Team) -> None:
    admin, ann, bob = team["admin"], team["ann"], team["bob"]
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="Alias 3 has the same value as alias 1"):
        admin.ask("set_aliases", aliases=[alias("a", ann), alias("b", ann), alias("A", bob)])
    stranger = {"value": "x", "user_id": str(add_user(database))}
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="Alias 2 is for an account that is not"):
        admin.ask("set_aliases", aliases=[alias("a", ann), stranger])
    admin.ask("set_aliases", aliases=[alias("a", ann)])
    gone = "delete from public.members where workspace_id = %s and user_id = %s"
    database.execute(gone, [ann.workspace, ann.id])
    admin.ask("set_aliases", aliases=[alias("a", ann), alias("b", ann)])


def test_records_of_a_source_are_changed_by_who_brought_it(database: Connection, team: Team) -> None:
    admin, ann, bob = team["admin"], team["ann"], team["bob"]
    source = bob.add_source()
    admin.ask("set_aliases", aliases=[alias("ann", ann)])
    bob.save(source, described(0, user="ann"))
    assert people(database) == [ann.id]
    change = "update public.cost_records set cost_usd = cost_usd + 1"
    assert ann.connection.execute("select from public.cost_records").rowcount == 1
    assert bob.connection.execute("select from public.cost_records").rowcount == 0
    database.execute("update public.workspaces set person_split = 'everyone'")
    assert ann.connection.execute(change).rowcount == 0
    assert ann.connection.execute("delete from public.cost_records").rowcount == 0
    assert bob.connection.execute(change).rowcount == 1
    assert team["admin"].connection.execute(change).rowcount == 1


def test_aliased_records_stay_when_the_person_deletes_their_account(database: Connection, team: Team) -> None:
    admin, ann = team["admin"], team["ann"]
    source = admin.add_source()
    admin.ask("set_aliases", aliases=[alias("ann", ann)])
    admin.save(source, described(0, user="ann"), described(1))
    ann.save(ann.add_source(), described(2))
    ann.save(None, described(3))
    assert people(database) == [ann.id, admin.id, ann.id, ann.id]
    ann.call("delete_own_account", email=f"{ann.id}@example.org")
    nobody = UUID(int=0)
    assert people(database) == [nobody, admin.id, nobody, nobody]
    assert database.execute("select count(*) from public.person_aliases").fetchone() == (0,)
    admin.ask("set_aliases", aliases=[])
    assert people(database) == [nobody, admin.id, nobody, nobody]
    admin.ask("set_aliases", aliases=[alias("ann", team["bob"])])
    assert people(database) == [team["bob"].id, admin.id, nobody, nobody]


def test_unassigned_names_are_suggested_dearest_first(team: Team) -> None:
    admin, ann = team["admin"], team["ann"]
    web = admin.add_project("Web")
    ann.save(
        None,
        described(0, repo="web") | {"cost_usd": "5"},
        described(1, repo="app", branch="main") | {"cost_usd": "3"},
        described(2, repo="app", tags=["x", "y", "x"]) | {"cost_usd": "1"},
        described(3, repo="plan") | {"cost_usd": "99", "cost_basis": "included"},
        described(4, repo="x" * 501) | {"cost_usd": "100"},
    )
    found = admin.ask("rule_suggestions")
    assert [(one["field"], one["value"], one["records"], float(one["cost_usd"])) for one in found] == [
        ("repository", "web", 1, 5.0),
        ("repository", "app", 2, 4.0),
        ("tag", "x", 1, 1.0),
        ("tag", "y", 1, 1.0),
        ("repository", "plan", 1, 0.0),
    ]
    assert {one["match"] for one in found} == {"exact"}
    admin.ask("set_rules", rules=[rule(found[0]["field"], found[0]["value"], web)])
    assert "web" not in [one["value"] for one in admin.ask("rule_suggestions")]
    ann.save(None, *(described(n, folder=f"f{n}") for n in range(5, 40)))
    assert len(admin.ask("rule_suggestions")) == 20


def test_what_each_rule_files_is_counted(database: Connection, team: Team) -> None:
    admin, ann = team["admin"], team["ann"]
    web, app, old = admin.add_project("Web"), admin.add_project("App"), admin.add_project("Old")
    rules = [rule("repository", "web", web), rule("tag", "x", app), rule("repository", "old", old)]
    admin.ask("set_rules", rules=rules)
    ann.save(
        None,
        described(0, repo="web", tags=["x"]) | {"cost_usd": "5"},
        described(1, repo="web") | {"cost_usd": "99", "cost_basis": "included"},
        described(2, tags=["x"]) | {"cost_usd": "3"},
        described(3, repo="old") | {"cost_usd": "2"},
        described(4, repo="unknown"),
    )
    ann.save(None, described(5, repo="web") | {"project_id": str(app), "cost_usd": "7"})
    admin.call("archive_project", project=old)
    ids = {str(rule_id): value for rule_id, value in database.execute("select id, value from project_rules")}
    found = {ids[one["rule"]]: (one["records"], float(one["cost_usd"])) for one in admin.ask("count_by_rule")}
    assert found == {"web": (2, 5.0), "x": (1, 3.0)}
    admin.ask("set_rules", rules=rules[1:2])
    assert [one["records"] for one in admin.ask("count_by_rule")] == [2]
    admin.ask("set_rules", rules=[])
    assert admin.ask("count_by_rule") == []


def test_unknown_people_are_names_without_an_alias(team: Team) -> None:
    admin, ann = team["admin"], team["ann"]
    source = admin.add_source()
    admin.save(source, described(0, user="Ann"), described(1, user="ann"), described(2, actor="bob"))
    ann.save(None, described(3, user="by hand"))
    found = [(one["value"], one["records"], Decimal(one["cost_usd"])) for one in admin.ask("unknown_people")]
    assert found == [("ann", 2, 3), ("bob", 1, Decimal("1.5"))]
    admin.ask("set_aliases", aliases=[alias("ann", ann)])
    assert [one["value"] for one in admin.ask("unknown_people")] == ["bob"]


def test_billing_accounts_get_names(database: Connection, team: Team) -> None:
    admin = team["admin"]
    admin.save(None, described(0) | {"billing_account": "openai:acme"})
    admin.ask("name_billing_account", account="openai:acme", name=" Acme Inc. ")
    query = "select account, name from public.billing_accounts"
    assert team["viewer"].connection.execute(query).fetchall() == [("openai:acme", "Acme Inc.")]
    admin.ask("name_billing_account", account="openai:acme", name="Acme")
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="1 to 100 characters"):
        admin.ask("name_billing_account", account="openai:acme", name="x" * 101)
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="no records of this billing account"):
        admin.ask("name_billing_account", account="openai", name="x")
    assert database.execute(query).fetchall() == [("openai:acme", "Acme")]
    admin.ask("name_billing_account", account="openai:acme", name=" ")
    assert database.execute(query).fetchall() == []


def test_the_audit_log_tells_of_rules_and_moves(database: Connection, team: Team) -> None:
    admin, ann = team["admin"], team["ann"]
    web = admin.add_project("Web")
    ann.save(None, described(0, repo="web"), described(1, repo="app"))
    admin.ask("set_rules", rules=[rule("repository", "web", web)])
    admin.ask("set_rules", rules=[rule("repository", "web", web)])
    admin.ask("set_aliases", aliases=[alias("ann", ann)])
    query = """select table_name, action, actor_id, metadata -> 'records' from public.audit_logs
        where table_name <> 'members' order by created_at"""
    assert database.execute(query).fetchall() == [
        ("projects", "insert", admin.id, None),
        ("project_rules", "insert", admin.id, None),
        ("cost_records", "file_records", admin.id, 1),
        ("person_aliases", "insert", admin.id, None),
    ]


def test_a_caller_cannot_say_whose_a_record_is(database: Connection, team: Team) -> None:
    ann, bob = team["ann"], team["bob"]
    forged = {"user_id": str(bob.id), "filed_person": str(bob.id), "project_chosen_by": True}
    ann.save(None, described(0) | forged)
    query = "select user_id, project_chosen_by from public.cost_records"
    assert database.execute(query).fetchall() == [(ann.id, None)]


def test_a_save_waits_for_a_change_of_rules(database: Connection, team: Team) -> None:
    admin, ann = team["admin"], team["ann"]
    web = admin.add_project("Web")
    admin.connection.autocommit = False
    admin.ask("set_rules", rules=[rule("repository", "web", web)])
    with ThreadPoolExecutor(1) as other:
        saved = other.submit(ann.save, None, described(0, repo="web"))
        wait_for_lock(database, ann.connection)
        assert projects(database) == []
        admin.connection.commit()
        assert saved.result(60)["inserted"] == 1
    assert projects(database) == [web]


def test_long_changes_have_a_time_limit_of_their_own(database: Connection) -> None:
    rows = database.execute(
        """select p.proname from pg_proc as p, unnest(p.proconfig) as c (setting)
        where p.pronamespace = 'public'::regnamespace and c.setting like 'statement_timeout=%%'"""
    ).fetchall()
    assert {"preview_rules", "set_rules", "preview_aliases", "set_aliases"} <= {name for (name,) in rows}
