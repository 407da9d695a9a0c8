"""`tally keys api`: keys are made, listed, rotated and revoked; the whole key is on standard output, once."""

import json
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tally.api_keys.key_text import hash_key, is_key_text
from tally.api_keys.snippet import EXAMPLE_ORIGIN
from tally.cli.main import app
from tally.local.stack import Stack
from tests.program_environment import program_environment
from tests.shared_connections import operator_connection
from tests.tally.cli.in_process import run_tally
from tests.tally.people import PASSWORD, Person, add_member, add_team, over_http, sign_up


def run(person: Person, *arguments: str, fails: bool = False) -> Result:
    """Run a command of the group for a person."""
    result = CliRunner().invoke(app, ["keys", "api", *arguments, "--email", person.email])
    assert (result.exit_code != 0) == fails, result.output
    return result


def list_keys(person: Person, *arguments: str) -> list[dict[str, object]]:
    """The listed keys as objects."""
    keys: list[dict[str, object]] = json.loads(run(person, "list", "--json", *arguments).stdout)["keys"]
    return keys


def verified(stack: Stack, text: str) -> str | None:
    """The name of the key with this text, while it works."""
    with operator_connection(stack) as connection:
        query = "select name from private.verify_api_key(%s)"
        found = connection.execute(query, [hash_key(text)]).fetchone()
    return found[0] if found else None


def test_a_key_lives_from_its_making_to_its_end(stack: Stack) -> None:
    person = sign_up(stack)
    assert run(person, "list").stdout.startswith("No keys yet.")
    made = run(person, "create", "laptop [red]", "--requests", "60", "--expires-in", "90")
    text = made.stdout.strip()
    assert is_key_text(text)
    assert text not in made.stderr
    assert "It is not shown again" in made.stderr
    assert verified(stack, text) == "laptop [red]"

    [key] = list_keys(person)
    assert (key["name"], key["scopes"], key["state"]) == ("laptop [red]", ["ingest"], "active")
    assert (key["requests_per_minute"], key["project"]) == (60, None)
    table = run(person, "list").stdout
    assert f"{text[:8]}…{text[-4:]}" in table
    assert "laptop [red]" in table
    assert text not in table

    rotated = run(person, "rotate", "LAPTOP [red]", "--overlap", "48").stdout.strip()
    assert verified(stack, text) == verified(stack, rotated) == "laptop [red]"
    several = run(person, "revoke", "laptop [red]", fails=True)
    assert "There are 2 keys named" in several.stderr
    run(person, "revoke", f"{text[:8]}…{text[-4:]}")
    assert verified(stack, text) is None
    run(person, "revoke", str(list_keys(person)[1]["id"]))
    assert verified(stack, rotated) is None
    assert [each["state"] for each in list_keys(person)] == ["revoked", "revoked"]


def test_a_key_goes_into_a_new_file_of_its_owner_alone(stack: Stack, tmp_path: Path) -> None:
    person = sign_up(stack)
    file, settings = tmp_path / "key", tmp_path / "settings.sh"
    made = run(person, "create", "ci", "--out", str(file))
    assert verified(stack, file.read_text().strip()) == "ci"
    assert made.stdout == ""
    assert file.read_text().strip() not in made.stderr
    run(person, "create", "shell", "--for", "curl-otlp", "--out", str(settings))
    assert "/v1/traces" in settings.read_text()
    assert [path.stat().st_mode & 0o777 for path in (file, settings)] == [0o600, 0o600]
    for arguments in (["create", "other"], ["rotate", "ci"]):
        refused = run(person, *arguments, "--out", str(file), fails=True)
        assert f"There is a file {file} already." in refused.stderr
        nowhere = run(person, *arguments, "--out", str(tmp_path / "no" / "key"), fails=True)
        assert f"There is no folder {tmp_path / 'no'}." in nowhere.stderr
    assert len(list_keys(person)) == 2, "no key without a place for it"
    rotated = run(person, "rotate", "ci", "--out", str(tmp_path / "new"))
    assert verified(stack, (tmp_path / "new").read_text().strip()) == "ci"
    assert rotated.stdout == ""


def test_a_key_belongs_to_a_workspace_and_a_project(stack: Stack) -> None:
    admin, member = sign_up(stack), sign_up(stack)
    team = add_team(stack, admin)
    add_member(stack, team, member)
    over_http(stack, admin).in_workspace(team).call("create_project", name="Web")
    run(member, "create", "ci", "--workspace", team, "--project", "web", "--scope", "read,send")
    [key] = list_keys(member, "--workspace", team)
    assert (key["project"], key["scopes"], key["user_id"]) == ("Web", ["ingest", "read"], member.user_id)
    assert list_keys(member) == []
    assert list_keys(admin, "--workspace", team) == [key]
    refused = run(admin, "rotate", "ci", "--workspace", team, fails=True)
    assert "Only its owner can rotate a key" in refused.stderr
    run(admin, "revoke", "ci", "--workspace", team)
    assert list_keys(member, "--workspace", team)[0]["state"] == "revoked"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["create", "x", "--scope", "admin"],
            "There is no scope “admin”. Use send, read or prompts, or several of them.",
        ),
        (["create", "x", "--project", "none"], "There is no project “none”."),
        (["create", " "], "Give the key a name of 1 to 100 characters."),
        (["create", "x", "--requests", "0"], "Invalid value"),
        (["revoke", "x"], "There is no key “x” that works."),
        (["rotate", "x", "--overlap", "169"], "Invalid value"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(stack: Stack, arguments: list[str], sentence: str) -> None:
    refused = run(sign_up(stack), *arguments, fails=True)
    assert sentence in refused.stderr
    assert refused.stdout == ""


def test_settings_of_a_client_are_printed_with_the_key_in_them(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = sign_up(stack)
    monkeypatch.setenv("APP_ORIGIN", "http://127.0.0.1:8501")
    made = run(person, "create", "laptop", "--for", "codex")
    exporter = tomllib.loads(made.stdout)["otel"]["exporter"]["otlp-http"]
    assert exporter["endpoint"] == "http://127.0.0.1:8501/v1/logs"
    text = exporter["headers"]["Authorization"].removeprefix("Bearer ")
    assert verified(stack, text) == "laptop"
    assert "~/.codex/config.toml" in made.stderr
    assert text not in made.stderr
    far = run(person, "create", "broadcast", "--for", "openrouter")
    assert "needs a public address" in far.stderr


def test_an_unknown_client_makes_no_key(stack: Stack) -> None:
    person = sign_up(stack)
    refused = run(person, "create", "laptop", "--for", "emacs", fails=True)
    assert "There are no settings for “emacs”." in refused.stderr
    assert "claude-code" in refused.stderr
    assert list_keys(person) == []


def test_a_machine_of_another_tally_gets_its_key_whatever_runs_here(stack: Stack, tmp_path: Path) -> None:
    person, settings = sign_up(stack), stack.settings()
    there = {name: settings[name] for name in ("SUPABASE_URL", "SUPABASE_PUBLISHABLE_KEY")}
    folders = {"HOME": str(tmp_path), "TALLY_HOME": str(tmp_path)}
    login = ("login", "--email", person.email, "--password-stdin")
    signed_in = run_tally(*login, environment=program_environment(**folders, **there), given=f"{PASSWORD}\n")
    assert signed_in.returncode == 0, signed_in.stderr
    here = {"SUPABASE_URL": "http://127.0.0.1:9", "APP_ORIGIN": "http://127.0.0.1:8"}
    for known in ({}, here):
        environment = program_environment(**folders, **known)
        made = run_tally("keys", "api", "create", "x", "--for", "opencode", environment=environment)
        assert made.returncode == 0, made.stderr
        assert EXAMPLE_ORIGIN in made.stdout
        assert f"Write the address of your Tally in place of {EXAMPLE_ORIGIN}." in made.stderr
