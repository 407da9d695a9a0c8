"""`tally folders`: rules are added, listed, replaced and removed, and `tally collect` follows them."""

import json
from pathlib import Path

import pytest

from tally.agents.folder_rules import FILE, load_rules
from tally.local.stack import Stack
from tests.tally.agents.homes import claude_row, json_lines, write_claude
from tests.tally.agents.test_other_agents import copilot_span, write_copilot
from tests.tally.agents.test_upload import stored
from tests.tally.cli.test_collect import Commands
from tests.tally.cli.test_workspaces import log_in
from tests.tally.people import Person, add_team, over_http, sign_up

APPLIES_TO = "This applies to requests that are not in Tally yet."


@pytest.fixture
def alone(tmp_path: Path) -> Commands:
    """A machine without connection settings."""
    (tmp_path / "home" / "private").mkdir(parents=True)
    return Commands(tmp_path / "home", tmp_path / "state", {})


@pytest.fixture
def account(stack: Stack) -> Person:
    return sign_up(stack)


@pytest.fixture
def team(stack: Stack, account: Person) -> str:
    return add_team(stack, account, "Acme")


@pytest.fixture
def machine(stack: Stack, tmp_path: Path, account: Person, team: str) -> Commands:
    """A signed-in machine."""
    assert team
    settings = {key: stack.settings()[key] for key in ("SUPABASE_URL", "SUPABASE_PUBLISHABLE_KEY")}
    machine = Commands(tmp_path / "home", tmp_path / "state", settings)
    log_in(machine, account)
    return machine


def paths(machine: Commands) -> list[str]:
    return [rule.path for rule in load_rules(machine.state / "collect").rules]


def test_private_folder_needs_no_account(alone: Commands) -> None:
    private = str(alone.home / "private")
    added = alone.run("folders", "add", "~/garden/../private/", "--never")
    assert added.stdout.startswith(f"Requests in {private} stay on this machine.\n{APPLIES_TO}"), added.stderr
    assert paths(alone) == [private]
    assert alone.run("folders").stdout.splitlines()[1].split() == [
        private,
        "stays",
        "on",
        "this",
        "machine",
    ]
    [rule] = json.loads(alone.run("folders", "--json").stdout)["folders"]
    assert (rule["path"], rule["never"], rule["workspace"]) == (private, True, "")
    removed = alone.run("folders", "remove", "~/private")
    assert removed.stdout.startswith(f"Removed the rule for {private}.\n{APPLIES_TO}")
    assert alone.run("folders").stdout == (
        "There are no folder rules. Everything is collected into the workspace of `tally login`.\n"
    )


def test_folder_behind_a_link_is_known_by_both_names(alone: Commands) -> None:
    (alone.home / "link").symlink_to(alone.home / "private")
    assert alone.run("folders", "add", "~/link", "--never").returncode == 0
    [rule] = load_rules(alone.state / "collect").rules
    assert (rule.path, rule.real_path) == (str(alone.home / "link"), str(alone.home / "private"))


def test_folders_that_are_not_there_are_said_to_be(alone: Commands) -> None:
    missing = alone.run("folders", "add", "~/privat", "--never").stdout
    assert "There is no such folder on this machine now; the rule is for logs that name it." in missing
    windows = alone.run("folders", "add", "C:\\Users\\Ada\\private", "--never").stdout
    assert "There is no such folder" not in windows
    assert paths(alone) == [str(alone.home / "privat"), "C:\\Users\\Ada\\private"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["add"], "Name a folder, or use --no-folder for requests whose logs name none."),
        (
            ["add", "~/x", "--no-folder"],
            "Name a folder, or use --no-folder for requests whose logs name none.",
        ),
        (["remove"], "Name a folder, or use --no-folder for requests whose logs name none."),
        (
            ["add", "~/x", "--never", "--workspace", "Acme"],
            "A folder that is never collected has no workspace",
        ),
        (["add", "~/x", "--never", "--project", "P"], "A folder that is never collected has no workspace"),
        (["add", "", "--never"], "That is not a path that can be stored."),
        (["add", "a\x1b[2J", "--never"], "That is not a path that can be stored."),
        (["add", "a\udcff", "--never"], "That is not a path that can be stored."),
        (["add", "/" + "x/" * 3_000, "--never"], "That is not a path that can be stored."),
        (["add", "~nobody-here/x", "--never"], "Write it in full."),
        (["add", "~/file", "--never"], "is a file. Name the folder that it is in."),
        (["add", "~/x", "--workspace", "Acme"], "You're not signed in on this machine."),
        (["remove", "~/x"], "There are rules for: no folder."),
    ],
)
def test_mistake_is_answered_in_one_sentence(alone: Commands, arguments: list[str], sentence: str) -> None:
    (alone.home / "file").write_text("")
    answer = alone.run("folders", *arguments)
    assert answer.returncode == 1
    assert sentence in answer.stderr
    assert "Traceback" not in answer.stderr
    assert not (alone.state / "collect" / FILE).exists()


def test_damaged_rules_stop_every_command_that_needs_them(alone: Commands) -> None:
    write_claude(alone.home, claude_row())
    file = alone.state / "collect" / FILE
    file.parent.mkdir(parents=True)
    file.write_text("[[folder]]\nnevr = true\n")
    for command in (["folders"], ["folders", "add", "~/x", "--never"], ["collect", "--dry-run"]):
        answer = alone.run(*command)
        assert answer.returncode == 1
        assert f"{file} cannot be followed, so nothing was sent: rule 1 has 'nevr'" in answer.stderr


def test_folder_is_collected_into_its_workspace(
    machine: Commands, stack: Stack, account: Person, team: str
) -> None:
    home = machine.home
    log = write_claude(home, claude_row(cwd=f"{home}/work/x"), claude_row("msg_2", cwd=f"{home}/y"))
    added = machine.run("folders", "add", "~/work", "--workspace", "acme")
    assert added.stdout.startswith(f"Requests in {home}/work are collected into “Acme”."), added.stderr
    [rule] = load_rules(machine.state / "collect").rules
    assert (rule.workspace, rule.workspace_id) == ("Acme", team)
    assert machine.run("collect").stdout == (
        "Claude Code, to “Personal”: read 1 = 1 added + 0 duplicates + 0 rejected\n"
        "Claude Code, to “Acme”: read 1 = 1 added + 0 duplicates + 0 rejected\n"
    )
    database = over_http(stack, account)
    assert (len(stored(database)), len(stored(database.in_workspace(team)))) == (1, 1)
    machine.run("folders", "add", "~/work", "--never")
    log.write_bytes(log.read_bytes() + json_lines([claude_row("msg_3", cwd=f"{home}/work")]))
    assert machine.run("collect").stdout == (
        "Claude Code: read 0 = 0 added + 0 duplicates + 0 rejected\n"
        "Claude Code: 1 request left on this machine by folder rules\n"
    )
    report = json.loads(machine.run("collect", "--json", "--from-start").stdout)["sources"]
    assert [(one["workspace_id"], one["already_there"], one["left_out"]) for one in report] == [
        (account.user_id, 1, 1)
    ]
    assert (len(stored(database)), len(stored(database.in_workspace(team)))) == (1, 1)


def test_unknown_workspaces_are_answered_with_those_that_exist(machine: Commands) -> None:
    answer = machine.run("folders", "add", "~/work", "--workspace", "Nowhere")
    assert (answer.returncode, answer.stderr) == (
        1,
        "There is no workspace “Nowhere”. Yours are: Personal, Acme.\n",
    )
    assert paths(machine) == []


def test_requests_without_a_folder_are_said_to_wait(machine: Commands, stack: Stack, account: Person) -> None:
    write_copilot(machine.home, copilot_span())
    machine.run("folders", "add", "~/private", "--never")
    left = machine.run("collect").stdout
    assert "GitHub Copilot CLI: 1 request left on this machine, as their logs name no folder" in left
    added = machine.run("folders", "add", "--no-folder")
    assert added.stdout.startswith(
        "Requests whose logs name no folder are collected into the workspace of `tally login`."
    )
    assert machine.run("folders").stdout.splitlines()[1].split()[:5] == [
        "(no",
        "folder)",
        "as",
        "`tally",
        "login`",
    ]
    assert "1 added" in machine.run("collect", "--from-start").stdout
    assert len(stored(over_http(stack, account))) == 1


def test_report_shows_the_workspace_of_each_group(alone: Commands) -> None:
    home = alone.home
    write_claude(
        home,
        claude_row(cwd=f"{home}/work/x"),
        claude_row("msg_2", cwd=f"{home}/work"),
        claude_row("msg_3", cwd=f"{home}/garden"),
        claude_row("msg_4", cwd=f"{home}/private/diary"),
    )
    [bare] = alone.report()["sources"]
    assert [(day["workspace"], day["project"], day["requests"]) for day in bare["days"]] == [(None, None, 4)]
    rules = alone.state / "collect" / FILE
    rules.write_text(
        f'[[folder]]\npath = "{home}/private"\nnever = true\n'
        f'[[folder]]\npath = "{home}/work"\nworkspace = "Acme"\nproject = "Website"\n'
    )
    [source] = alone.report()["sources"]
    assert [(day["workspace"], day["project"], day["requests"]) for day in source["days"]] == [
        (None, None, 1),
        ("Acme", "Website", 2),
    ]
    assert (source["requests"], source["left_out"], source["without_folder"]) == (3, 1, 0)
    days = alone.report("--workspace", "Beta")["sources"][0]["days"]
    assert [day["workspace"] for day in days] == ["Acme", "Beta"]
    text = alone.run("collect", "--dry-run").stdout
    assert "Workspace" in text
    assert "Acme" in text
    assert "Claude Code: 1 request left on this machine by folder rules" in text
    rules.unlink()
    assert alone.report()["sources"] == [bare]


def test_report_names_the_workspace_of_the_session(machine: Commands, account: Person) -> None:
    write_claude(machine.home, claude_row())
    assert machine.report()["sources"][0]["days"][0]["workspace"] == "Personal"
    log_in(machine, account, "--workspace", "Acme")
    assert machine.report()["sources"][0]["days"][0]["workspace"] == "Acme"
