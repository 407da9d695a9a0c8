"""`tally keys sql`: roles are made, listed and removed; the password is on standard output, once."""

import json

import psycopg
import pytest
from typer.testing import CliRunner, Result

from tally.cli.main import app
from tally.local.stack import Stack
from tests.tally.people import Person, add_member, add_team, sign_up


def run(person: Person, *arguments: str, fails: bool = False) -> Result:
    """Run a command of the group for a person."""
    result = CliRunner().invoke(app, ["keys", "sql", *arguments, "--email", person.email])
    assert (result.exit_code != 0) == fails, result.output
    return result


def test_a_role_lives_from_its_making_to_its_end(stack: Stack) -> None:
    person = sign_up(stack)
    assert run(person, "list").stdout.startswith("No SQL roles yet.")
    made = run(person, "create", "Metabase [red]")
    url = made.stdout.strip()
    assert "Its password is not shown again" in made.stderr
    with psycopg.connect(url) as connection:
        assert connection.execute("select email from people").fetchall() == [(person.email,)]
    [role] = json.loads(run(person, "list", "--json").stdout)["sql_roles"]
    assert role["name"] == "Metabase [red]"
    assert role["user"] in url
    assert role["user"] in run(person, "list").stdout
    assert "Removed the SQL role" in run(person, "remove", "METABASE [red]").stdout
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)


def test_what_cannot_be_is_refused_in_a_sentence(stack: Stack) -> None:
    admin, member = sign_up(stack), sign_up(stack)
    team = add_team(stack, admin)
    add_member(stack, team, member)
    refused = run(member, "create", "x", "--workspace", team, fails=True)
    assert "Your role in this workspace does not allow this." in refused.stderr
    assert refused.stdout == ""
    assert "Give the role a name" in run(admin, "create", " ", fails=True).stderr
    for _ in range(2):
        run(admin, "create", "twice", "--workspace", team)
    assert "There are 2 roles named" in run(admin, "remove", "twice", "--workspace", team, fails=True).stderr
    assert "There is no role “x”" in run(admin, "remove", "x", fails=True).stderr
