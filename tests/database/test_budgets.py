"""Budgets: admins write them, others see those that they may know, and none of them can be nonsense."""

import json
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from tally.currency.rates import EURO_SINCE, bundled_rates
from tests.database.access import insert
from tests.database.teams import COLLEAGUES, Person, Team, make_team
from tests.database_fixtures import Connection, Project


@pytest.fixture
def team(project: Project, database: Connection) -> Team:
    return make_team(project, database, *COLLEAGUES)


def add_budget(connection: Connection, workspace: UUID, **values: Any) -> UUID:
    """Add a budget; returns its id."""
    row = {"workspace_id": workspace, "name": "Everything", "amount": 100} | values
    [[budget]] = connection.execute(insert("budgets", row) + sql.SQL(" returning id")).fetchall()
    assert isinstance(budget, UUID)
    return budget


def names(person: Person) -> set[str]:
    return {name for (name,) in person.connection.execute("select name from public.budgets").fetchall()}


def test_a_budget_of_a_person_is_seen_by_that_person_and_admins(team: Team) -> None:
    admin = team["admin"].connection
    add_budget(admin, team.id, name="All")
    add_budget(admin, team.id, name="Of Ann", user_id=team["ann"].id)
    seen = {name: names(team[name]) for name in COLLEAGUES}
    both = {"All", "Of Ann"}
    assert seen == {"owner": both, "admin": both, "ann": both, "bob": {"All"}, "viewer": {"All"}}


def test_a_budget_of_a_private_project_is_hidden_with_its_thresholds(team: Team) -> None:
    admin = team["admin"]
    secret = admin.add_project("Secret", is_private=True)
    admin.call("set_project_members", project=secret, people=[team["ann"].id])
    budget = add_budget(admin.connection, team.id, project_id=secret)
    threshold = {"workspace_id": team.id, "budget_id": budget, "kind": "actual", "percent": 80}
    admin.connection.execute(insert("budget_thresholds", threshold))
    for name, is_seen in {"owner": True, "ann": True, "bob": False, "viewer": False}.items():
        for table in ("budgets", "budget_thresholds"):
            rows = team[name].connection.execute(f"select id from public.{table}").fetchall()
            assert bool(rows) == is_seen, (name, table)


def test_where_members_see_their_own_costs_only_they_see_no_budget_but_their_own(
    team: Team, database: Connection
) -> None:
    add_budget(team["admin"].connection, team.id, name="All")
    add_budget(team["admin"].connection, team.id, name="Of Ann", user_id=team["ann"].id)
    database.execute("update public.workspaces set person_split = 'own'")
    assert (names(team["ann"]), names(team["bob"])) == ({"Of Ann"}, set())


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"amount": 0}, "budgets_amount"),
        ({"amount": -1}, "budgets_amount"),
        ({"amount": 10**12}, "budgets_amount"),
        ({"amount": "NaN"}, "budgets_amount"),
        ({"amount": "Infinity"}, "budgets_amount"),
        ({"amount": "0.00000000001"}, "budgets_amount"),
        ({"amount": "1.5", "measure": "tokens"}, "budgets_amount"),
        ({"currency": "usd"}, "no exchange rates of usd"),
        ({"currency": "HRK"}, "HRK became the euro. Enter the amount in EUR."),
        ({"period": "week", "starts_on_day": 15}, "budgets_start"),
        ({"starts_on_day": 29}, "budgets_starts_on_day"),
        ({"name": "  "}, "Enter a name without line breaks, and without spaces at its ends."),
        ({"name": "a\r\nBcc: x@example.org"}, "Enter a name without line breaks"),
    ],
)
def test_nonsense_is_refused(team: Team, values: dict[str, Any], sentence: str) -> None:
    admin = team["admin"].connection
    with pytest.raises(psycopg.Error, match=sentence):
        add_budget(admin, team.id, **values)
    budget = add_budget(admin, team.id)
    changes = sql.SQL(", ").join(
        sql.SQL("{} = {}").format(sql.Identifier(name), value) for name, value in values.items()
    )
    with pytest.raises(psycopg.Error, match=sentence):
        admin.execute(sql.SQL("update public.budgets set {} where id = {}").format(changes, budget))


def test_every_currency_that_became_the_euro_is_refused(team: Team) -> None:
    for currency in EURO_SINCE:
        with pytest.raises(psycopg.errors.InvalidParameterValue, match=f"{currency} became the euro"):
            add_budget(team["admin"].connection, team.id, currency=currency)


def test_only_currencies_with_exchange_rates_are_accepted(team: Team) -> None:
    for currency in bundled_rates().list_current(date(2020, 1, 1)):
        add_budget(team["admin"].connection, team.id, currency=currency)
    for currency in ("RUB", "XYZ"):
        with pytest.raises(psycopg.errors.InvalidParameterValue, match="no exchange rates"):
            add_budget(team["admin"].connection, team.id, currency=currency)


def test_an_archived_project_gets_no_new_budget_and_keeps_its_old_one(team: Team) -> None:
    admin = team["admin"]
    web = admin.add_project("Web")
    budget = add_budget(admin.connection, team.id, project_id=web)
    admin.call("archive_project", project=web)
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="This project is archived"):
        add_budget(admin.connection, team.id, project_id=web)
    admin.connection.execute("update public.budgets set name = 'Old web', amount = 5 where id = %s", [budget])
    assert names(admin) == {"Old web"}


def test_a_budget_has_ten_thresholds_at_most(team: Team) -> None:
    admin = team["admin"].connection
    budget = add_budget(admin, team.id)
    query = """insert into public.budget_thresholds (workspace_id, budget_id, kind, percent)
        select %s, %s, 'actual', n from generate_series(%s::integer, %s::integer) as n"""
    admin.execute(query, [team.id, budget, 1, 10])
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="10 thresholds at most"):
        admin.execute(query, [team.id, budget, 11, 11])


def test_a_budget_of_another_workspaces_things_is_refused(
    team: Team, project: Project, database: Connection
) -> None:
    other = make_team(project, database, "admin", "bob")
    theirs = other["admin"].add_project("Theirs")
    for values in ({"project_id": theirs}, {"user_id": other["bob"].id}):
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            add_budget(team["admin"].connection, team.id, **values)
    budget = add_budget(other["admin"].connection, other.id)
    threshold = {"workspace_id": team.id, "budget_id": budget, "kind": "actual", "percent": 80}
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        team["admin"].connection.execute(insert("budget_thresholds", threshold))
    channel = uuid4()
    details = {"kind": "slack", "name": "Theirs", "sealed_target": "x", "encryption_key_id": "k"}
    other["admin"].call("save_channel", other.id, channel, json.dumps(details))
    own = add_budget(team["admin"].connection, team.id)
    for mixed in ({"budget_id": own, "channel_id": channel}, {"budget_id": budget, "channel_id": channel}):
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            team["admin"].connection.execute(insert("budget_channels", {"workspace_id": team.id} | mixed))


def test_who_leaves_takes_their_limit_along_and_leaves_what_they_made(
    team: Team, database: Connection
) -> None:
    add_budget(team["admin"].connection, team.id, name="Of Ann", user_id=team["ann"].id)
    add_budget(team["admin"].connection, team.id, name="All")
    team["owner"].ask("remove_member", person=team["ann"].id)
    database.execute("delete from auth.users where id = %s", [team["admin"].id])
    assert database.execute("select name, created_by from public.budgets").fetchall() == [("All", None)]


def test_changes_of_budgets_are_in_the_audit_log(team: Team, database: Connection) -> None:
    budget = add_budget(team["admin"].connection, team.id)
    team["admin"].connection.execute("update public.budgets set amount = 200 where id = %s", [budget])
    entries = database.execute(
        "select action, before -> 'amount', after -> 'amount', actor_id from public.audit_logs "
        "where table_name = 'budgets' order by created_at"
    ).fetchall()
    me = team["admin"].id
    assert entries == [("insert", None, 100, me), ("update", 100, 200, me)]
