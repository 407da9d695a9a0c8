"""Names of models that a workspace explains once: bills and usage are renamed, and get their names back."""

from typing import Any

import psycopg
import pytest

from tests.database.teams import Team, make_team
from tests.database.test_saving import record
from tests.database_fixtures import Connection, Project

NAME, MODEL = "my-gpt-prod", "gpt-5"
HOSTILE = "'; drop table public.cost_records; --\u202e<b>$x$</b>"
STATEMENTS = """
select model_name, model_key, cost_usd, money_is_effective, project_id, metadata, source_key, timestamp
from public.cost_records where workspace_id = %s order by source_key"""
SUPERSEDED = "select model_name, metadata from public.superseded_records where workspace_id = %s order by id"


@pytest.fixture
def team(project: Project, database: Connection) -> Team:
    return make_team(project, database, "owner", "member")


def used(model: str = NAME, **values: Any) -> dict[str, Any]:
    return record(model_name=model, cost_usd=None, cost_basis="estimated", billing_account="openai", **values)


def name_model(team: Team, name: str = NAME, model: str | None = MODEL, provider: str = "openai") -> Any:
    return team["owner"].call("name_model", team.id, provider, name, model)


def rows(database: Connection, team: Team) -> list[Any]:
    return (
        database.execute(STATEMENTS, [team.id]).fetchall()
        + database.execute(SUPERSEDED, [team.id]).fetchall()
    )


def names(database: Connection, team: Team) -> list[str]:
    return sorted(row[0] for row in rows(database, team))


def test_usage_gets_the_models_name_and_its_own_back(team: Team, database: Connection) -> None:
    team["owner"].save(None, used(), used(model="other"))
    before = rows(database, team)
    assert name_model(team) == {"records": 1, "first_day": "2026-05-01"}
    assert names(database, team) == [MODEL, "other"]
    [[kept]] = database.execute(
        "select metadata ->> 'model_alias' from public.cost_records where model_name = %s", [MODEL]
    ).fetchall()
    assert kept == NAME
    assert name_model(team)["records"] == 0, "repeating it renames nothing"
    assert name_model(team, model=None)["records"] == 1
    assert rows(database, team) == before
    assert database.execute("select count(*) from public.model_aliases").fetchone() == (0,)


def test_a_bill_under_the_models_name_covers_the_usage(team: Team, database: Connection) -> None:
    bill = record(model_name=MODEL, cost_usd="10", billing_account="openai", dataset="bills")
    team["owner"].save(None, used(), bill)

    def covered() -> list[bool]:
        query = "select money_is_effective from public.cost_records where cost_basis = 'estimated'"
        return [is_effective for (is_effective,) in database.execute(query)]

    assert covered() == [True]
    name_model(team)
    assert covered() == [False]
    name_model(team, model="")
    assert covered() == [True]


def test_a_bill_under_the_name_still_covers_the_usage(team: Team, database: Connection) -> None:
    bill = record(model_name=NAME, cost_usd="10", billing_account="openai", dataset="bills")
    team["owner"].save(None, used(), bill)
    name_model(team)
    assert names(database, team) == [MODEL, MODEL]
    [[spend]] = database.execute("select sum(cost_usd) from public.effective_records").fetchall()
    assert spend == 10


def test_superseded_statements_are_renamed_too(team: Team, database: Connection) -> None:
    owner = team["owner"]
    source = owner.add_source()
    owner.save(source, used())
    owner.call("set_source_enabled", source, False)
    before = rows(database, team)
    assert name_model(team)["records"] == 1
    assert names(database, team) == [MODEL]
    name_model(team, model=None)
    assert rows(database, team) == before


def test_another_model_replaces_the_first(team: Team, database: Connection) -> None:
    team["owner"].save(None, used())
    before = rows(database, team)
    name_model(team)
    assert name_model(team, model="gpt-5-mini")["records"] == 1
    assert names(database, team) == ["gpt-5-mini"]
    name_model(team, model=None)
    assert rows(database, team) == before


def test_names_are_of_one_provider_and_one_workspace(team: Team, database: Connection) -> None:
    team["owner"].save(None, used(), used(provider="azure"))
    team["member"].call("save_cost_records", None, [used()])
    assert name_model(team, provider="azure")["records"] == 1
    assert names(database, team) == [MODEL, NAME]
    [[other]] = database.execute(
        "select model_name from public.cost_records where workspace_id = %s", [team["member"].id]
    ).fetchall()
    assert other == NAME


def test_rules_for_the_model_file_what_was_renamed(team: Team, database: Connection) -> None:
    project = team["owner"].add_project("Web")
    rule = {"field": "model", "match": "exact", "value": MODEL, "project_id": str(project)}
    team["owner"].save(None, used())
    team["owner"].call("set_rules", team.id, [rule], [])
    query = "select project_id from public.cost_records"
    assert database.execute(query).fetchall() == [(None,)]
    name_model(team)
    assert database.execute(query).fetchall() == [(project,)]
    name_model(team, model=None)
    assert database.execute(query).fetchall() == [(None,)]


def test_a_hostile_name_is_text_only(team: Team, database: Connection) -> None:
    team["owner"].save(None, used(model=HOSTILE))
    assert name_model(team, HOSTILE)["records"] == 1
    assert names(database, team) == [MODEL]
    assert name_model(team, HOSTILE, None)["records"] == 1
    assert names(database, team) == [HOSTILE]


@pytest.mark.parametrize(
    ("name", "model", "provider", "reason"),
    [
        ("", MODEL, "openai", "Give a name of 1 to 200 characters"),
        (None, MODEL, "openai", "Give a name of 1 to 200 characters"),
        (MODEL, MODEL, "openai", "Give a name of 1 to 200 characters"),
        ("(unspecified)", MODEL, "openai", "Give a name of 1 to 200 characters"),
        ("a" * 201, MODEL, "openai", "Give a name of 1 to 200 characters"),
        (NAME, "a" * 201, "openai", "Give the model a name of 1 to 200 characters"),
        (NAME, "(unspecified)", "openai", "Give the model a name"),
        (NAME, MODEL, "nobody", "Choose a provider"),
        (NAME, MODEL, None, "Choose a provider"),
    ],
)
def test_what_is_no_name_is_refused(team: Team, name: Any, model: str, provider: Any, reason: str) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue, match=reason):
        name_model(team, name, model, provider)


def test_naming_is_logged(team: Team) -> None:
    name_model(team)
    name_model(team, model=None)
    log = team["owner"].call("search_audit_log", team.id, "model_aliases", None, None)
    logged = [(row["action"], (row["after"] or row["before"])["name"]) for row in log]
    assert logged == [("delete", NAME), ("insert", NAME)]
