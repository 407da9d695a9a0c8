"""Workspaces on the command line: chosen by name or id, listed, left."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tally.accounts.cli_session import load_session
from tally.cli.main import app
from tally.local.stack import Stack
from tally.storage.database import Query
from tally.storage.workspaces import UnknownName, Workspace, find_workspace
from tests.shared_connections import operator_connection
from tests.tally.agents.homes import claude_row, write_claude
from tests.tally.agents.test_upload import stored
from tests.tally.cli.test_collect import PASSWORD, Commands
from tests.tally.people import Person, add_team, over_http, sign_up

COSTS = "date,provider,model,cost\n2026-11-02,OpenAI,gpt-5.5,1.25\n"
Tally = Callable[..., Result]


@pytest.fixture
def account(stack: Stack) -> Person:
    return sign_up(stack)


@pytest.fixture
def team(stack: Stack, account: Person) -> str:
    return add_team(stack, account, "Acme")


@pytest.fixture
def machine(stack: Stack, tmp_path: Path) -> Commands:
    settings = {key: stack.settings()[key] for key in ("SUPABASE_URL", "SUPABASE_PUBLISHABLE_KEY")}
    return Commands(tmp_path / "home", tmp_path / "state", settings)


@pytest.fixture
def tally(account: Person) -> Tally:
    """Run a command for this account, in the stack's environment."""
    return lambda *arguments: CliRunner().invoke(app, [*map(str, arguments), "--email", account.email])


@pytest.fixture
def costs(tmp_path: Path) -> Path:
    file = tmp_path / "costs.csv"
    file.write_text(COSTS)
    return file


def log_in(machine: Commands, account: Person, *arguments: str) -> str:
    answer = machine.run(
        "login", "--email", account.email, "--password-stdin", *arguments, given=f"{PASSWORD}\n"
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def leave(stack: Stack, account: Person, team: str) -> None:
    """Hand the workspace over to somebody else and leave it."""
    with operator_connection(stack) as connection:
        connection.execute(
            "insert into public.members (workspace_id, user_id, role) values (%s, %s, 'owner')",
            [team, sign_up(stack).user_id],
        )
        connection.execute(
            "delete from public.members where workspace_id = %s and user_id = %s", [team, account.user_id]
        )


def count(stack: Stack, account: Person, workspace: str) -> int:
    database = over_http(stack, account).in_workspace(workspace)
    return len(database.select(Query("cost_records", "id", ["id"])))


@pytest.mark.parametrize("by_id", [True, False])
def test_commands_act_on_the_named_workspace(
    tally: Tally, stack: Stack, account: Person, team: str, costs: Path, tmp_path: Path, by_id: bool
) -> None:
    where = ["--workspace", team if by_id else " aCme "]
    out = tmp_path / "out.csv"
    assert tally("import", costs, *where).exit_code == 0
    assert (count(stack, account, account.user_id), count(stack, account, team)) == (0, 1)
    assert "Exported 1 record" in tally("export", "--out", out, *where).stdout
    assert "Exported 0 records" in tally("export", "--out", out).stdout
    assert "up to date" in tally("reprice", "--since", "2026-01-01", *where).stdout
    loaded = tally("demo", *where)
    assert f"tally demo --email {account.email} --workspace " in loaded.stdout
    assert count(stack, account, account.user_id) == 0
    assert tally("demo", "--remove", *where).stdout == "Sample data removed.\n"
    assert count(stack, account, team) == 1


@pytest.mark.usefixtures("team")
def test_unknown_workspace_is_answered_with_those_that_exist(tally: Tally, costs: Path) -> None:
    for command in (["import", costs], ["export", "--out", "x.csv"], ["demo"]):
        ended = tally(*command, "--workspace", "Nowhere")
        assert ended.exit_code == 1
        assert ended.stderr == "There is no workspace “Nowhere”. Yours are: Personal, Acme.\n"


def test_workspaces_of_one_name_are_told_apart_by_id(stack: Stack, account: Person, team: str) -> None:
    second = add_team(stack, account, "acme")
    ended = CliRunner().invoke(app, ["demo", "--email", account.email, "--workspace", "Acme"])
    assert "There are 2 workspaces named “Acme”. Use the id of one of them: " in ended.stderr
    assert team in ended.stderr
    assert second in ended.stderr


def test_many_workspaces_are_not_all_named() -> None:
    found = [Workspace(str(n), f"Team {n}", "owner", False, "UTC", "USD", 1) for n in range(25)]
    with pytest.raises(UnknownName, match=r"Team 18, Team 19 and 5 more\.$"):
        find_workspace(found, "Nowhere")


def test_workspaces_are_listed(tally: Tally, account: Person, team: str) -> None:
    shown = tally("workspaces").stdout.splitlines()
    assert [line.split() for line in shown] == [
        ["Workspace", "Role", "Time", "zone", "Currency", "Id", "Members"],
        ["Personal", "owner", "UTC", "USD", account.user_id, "1"],
        ["Acme", "owner", "UTC", "USD", team, "1"],
    ]
    [personal, acme] = json.loads(tally("workspaces", "--json").stdout)["workspaces"]
    assert (personal["is_personal"], acme["is_personal"]) == (True, False)
    assert acme == {
        "id": team,
        "name": "Acme",
        "role": "owner",
        "is_personal": False,
        "timezone": "UTC",
        "currency": "USD",
        "members": 1,
    }


def test_login_names_the_workspaces(machine: Commands, account: Person, team: str) -> None:
    assert "Your other workspaces: Acme. Choose one with" in log_in(machine, account)
    chosen = log_in(machine, account, "--workspace", "acme")
    assert "Run `tally collect` to send this machine's logs to “Acme”." in chosen
    assert "Your other workspaces: Personal." in chosen
    session = load_session(machine.state / "collect")
    assert (session.workspace_id, session.workspace_name) == (team, "Acme")
    listed = json.loads(machine.run("workspaces", "--json").stdout)["workspaces"]
    assert [workspace["name"] for workspace in listed] == ["Personal", "Acme"]


def test_login_to_an_unknown_workspace_stores_nothing(machine: Commands, account: Person) -> None:
    arguments = ("--email", account.email, "--password-stdin", "--workspace", "Nowhere")
    answer = machine.run("login", *arguments, given=f"{PASSWORD}\n")
    assert (answer.returncode, answer.stderr) == (
        1,
        "There is no workspace “Nowhere”. Yours are: Personal.\n",
    )
    assert not (machine.state / "collect" / "account.json").exists()


def test_logs_go_to_the_workspace_of_the_session(
    machine: Commands, stack: Stack, account: Person, team: str
) -> None:
    write_claude(machine.home, claude_row())
    log_in(machine, account, "--workspace", "Acme")
    assert "1 added" in machine.run("collect").stdout
    database = over_http(stack, account)
    assert (len(stored(database)), len(stored(database.in_workspace(team)))) == (0, 1)


def test_logs_go_to_the_workspace_that_is_named(
    machine: Commands, stack: Stack, account: Person, team: str
) -> None:
    write_claude(machine.home, claude_row())
    log_in(machine, account)
    unknown = machine.run("collect", "--workspace", "Nowhere")
    assert unknown.stderr == "There is no workspace “Nowhere”. Yours are: Personal, Acme.\n"
    assert "1 added" in machine.run("collect", "--workspace", team).stdout
    assert (count(stack, account, account.user_id), count(stack, account, team)) == (0, 1)


@pytest.mark.parametrize(
    ("run", "option"),
    [(Commands.run, ()), (Commands.start, ("--watch",))],  # the second would run forever if it went on
)
def test_removed_member_is_told_so(
    machine: Commands,
    stack: Stack,
    account: Person,
    team: str,
    run: Callable[..., "subprocess.CompletedProcess[str]"],
    option: tuple[str, ...],
) -> None:
    write_claude(machine.home, claude_row())
    log_in(machine, account, "--workspace", "Acme")
    leave(stack, account, team)
    answer = run(machine, "collect", *option)
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr == (
        f"{account.email} is no longer a member of “Acme”, so nothing was sent. Choose another workspace "
        "with `tally login --workspace NAME`; yours are: Personal.\n"
    )


def test_requests_of_a_workspace_that_was_left_are_counted_as_skipped(
    machine: Commands, stack: Stack, account: Person, team: str
) -> None:
    write_claude(machine.home, claude_row())
    log_in(machine, account, "--workspace", "Acme")
    machine.run("collect")
    leave(stack, account, team)
    log_in(machine, account)
    answer = machine.run("collect", "--from-start")
    assert answer.stdout == (
        "Claude Code: read 0 = 0 added + 0 duplicates + 0 rejected\n"
        "Claude Code: 1 request skipped, collected into another workspace before. "
        "A request is in one workspace.\n"
    )
    found = json.loads(machine.run("collect", "--from-start", "--json").stdout)
    assert [source["elsewhere"] for source in found["sources"]] == [1]


def test_session_from_before_workspaces_is_of_the_personal_one(
    machine: Commands, stack: Stack, account: Person
) -> None:
    write_claude(machine.home, claude_row())
    log_in(machine, account)
    path = machine.state / "collect" / "account.json"
    session = json.loads(path.read_text())
    del session["workspace_id"], session["workspace_name"]
    path.write_text(json.dumps(session))
    assert "1 added" in machine.run("collect").stdout
    assert count(stack, account, account.user_id) == 1


@pytest.fixture
def website(stack: Stack, account: Person, team: str) -> str:
    """A project of the team."""
    database = over_http(stack, account).in_workspace(team)
    project_id = database.call("create_project", name="Website")
    database.call("archive_project", project=database.call("create_project", name="Old site"))
    return str(project_id)


@pytest.mark.parametrize("by_id", [True, False])
def test_import_files_records_under_a_project(
    tally: Tally, stack: Stack, account: Person, team: str, website: str, costs: Path, by_id: bool
) -> None:
    where = ["--workspace", "Acme", "--project"]
    ended = tally("import", costs, *where, website if by_id else "website")
    assert ended.exit_code == 0, ended.stderr
    assert "kept the project" not in ended.stdout
    records = Query("cost_records", "id,project_id,project_chosen_by", ["id"])
    [record] = over_http(stack, account).in_workspace(team).select(records)
    assert (record["project_id"], record["project_chosen_by"]) == (website, "source")
    with operator_connection(stack) as connection:
        query = (
            "select distinct actor_id::text, user_agent from public.audit_logs where table_name = 'imports'"
        )
        logged = connection.execute(query + " and actor_id = %s", [account.user_id]).fetchall()
    assert logged == [(account.user_id, "tally import")]
    over_http(stack, account).in_workspace(team).call("create_project", name="Shop")
    assert "1 duplicate kept the project" in tally("import", costs, *where, "Shop").stdout
    [record] = over_http(stack, account).in_workspace(team).select(records)
    assert record["project_id"] == website


@pytest.mark.usefixtures("website")
def test_unknown_project_is_answered_with_those_that_exist(tally: Tally, costs: Path) -> None:
    for name in ("Nowhere", "Old site"):
        ended = tally("import", costs, "--workspace", "Acme", "--project", name)
        assert (ended.exit_code, ended.stderr) == (
            1,
            f"There is no project “{name}”. This workspace has: Website.\n",
        )
    ended = tally("import", costs, "--project", "Website")
    assert ended.stderr == "There is no project “Website”. This workspace has: none.\n"


def test_viewer_of_a_workspace_is_told_so(stack: Stack, costs: Path) -> None:
    viewer = sign_up(stack)
    team = add_team(stack, sign_up(stack))
    with operator_connection(stack) as connection:
        connection.execute(
            "insert into public.members (workspace_id, user_id, role) values (%s, %s, 'viewer')",
            [team, viewer.user_id],
        )
    ended = CliRunner().invoke(app, ["import", str(costs), "--email", viewer.email, "--workspace", team])
    assert ended.exit_code == 1
    assert ended.stderr == "Your role in this workspace does not allow this.\n"
