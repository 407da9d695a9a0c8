"""`tally folders`: the rules that say where requests in a folder are collected to."""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tally.agents.folder_paths import normalize
from tally.agents.folder_rules import FolderRule, load_rules, save_rules
from tally.agents.json_values import MAX_PATH_LENGTH
from tally.agents.machine import collecting_folder
from tally.cli.command import TallyCommand
from tally.cli.output import echo
from tally.core.errors import TallyError
from tally.core.paths import expand_home

if TYPE_CHECKING:
    from filelock import BaseFileLock

    from tally.storage.database import Database

COLUMNS = ("Folder", "Workspace", "Project")
NO_FOLDER = "(no folder)"
NO_RULES = "There are no folder rules. Everything is collected into the workspace of `tally login`."
APPLIES_TO = (
    "This applies to requests that are not in Tally yet. The others stay in their workspace until this "
    "machine's source is deleted there, on the Sources page. `tally collect --from-start` reads all logs "
    "again and adds what was left out."
)

folders = typer.Typer(
    help="List the rules for folders with a destination of their own.\n\n"
    "Without a rule, they go to the workspace of `tally login`. The longest path around a folder decides.\n\n"
    "Example: tally folders --json",
    invoke_without_command=True,
    rich_markup_mode=None,
)

PathArgument = Annotated[
    str | None, typer.Argument(metavar="PATH", help="A folder, with all folders in it.", show_default=False)
]
NoFolder = Annotated[
    bool, typer.Option("--no-folder", help="Instead of PATH: requests whose logs name no folder.")
]


@folders.callback()
def list_folders(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print the rules, unless a command was named."""
    if context.invoked_subcommand is not None:
        return
    rules = load_rules(collecting_folder()).rules
    if as_json:
        typer.echo(json.dumps({"folders": [asdict(rule) for rule in rules]}, indent=2))
    elif rules:
        from tally.cli.tables import print_table

        print_table(COLUMNS, (), _rows(rules))
    else:
        echo(NO_RULES)


@folders.command(cls=TallyCommand)
def add(
    path: PathArgument = None,
    workspace: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Name or id of the workspace (default: that of `tally login`)."),
    ] = None,
    project: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name or id of a project in the workspace.")
    ] = None,
    never: Annotated[
        bool, typer.Option("--never", help="Never collect: requests stay on this machine.")
    ] = False,
    no_folder: NoFolder = False,
) -> None:
    """Say where requests in a folder are collected to.

    Replaces an earlier rule for the same folder.

    Example: tally folders add ~/private --never
    """
    if never and (workspace is not None or project is not None):
        raise TallyError(
            "A folder that is never collected has no workspace or project. Leave out one of them."
        )
    folder = collecting_folder()
    rule = _place(_read_path(path, no_folder), never)
    if workspace is not None or project is not None:
        rule = _look_up(rule, folder, workspace, project)
    with _lock(folder):
        save_rules(folder, load_rules(folder).with_rule(rule))
    echo(_describe(rule))
    if rule.path.startswith("/") and not Path(rule.path).exists():
        echo("There is no such folder on this machine now; the rule is for logs that name it.")
    echo(APPLIES_TO)


@folders.command(cls=TallyCommand)
def remove(path: PathArgument = None, no_folder: NoFolder = False) -> None:
    """Remove the rule for a folder.

    Example: tally folders remove ~/private
    """
    folder = collecting_folder()
    wanted = _read_path(path, no_folder)
    with _lock(folder):
        rules = load_rules(folder)
        remaining = rules.without(wanted)
        if len(remaining.rules) == len(rules.rules):
            known = ", ".join(rule.path or NO_FOLDER for rule in rules.rules) or "no folder"
            raise TallyError(f"There is no rule for {wanted or NO_FOLDER}. There are rules for: {known}.")
        save_rules(folder, remaining)
    echo(f"Removed the rule for {wanted or NO_FOLDER}.")
    echo(APPLIES_TO)


def _read_path(path: str | None, no_folder: bool) -> str:
    """The folder as a whole path; empty with --no-folder."""
    if (path is None) is not no_folder:
        raise TallyError("Name a folder, or use --no-folder for requests whose logs name none.")
    if path is None:
        return ""
    if not path.strip() or not path.isprintable() or len(path) > MAX_PATH_LENGTH:
        raise TallyError("That is not a path that can be stored. Write it without control characters.")
    if normalize(path) and not path.startswith("/"):
        return path  # of Windows; its logs may be read on this machine
    return os.path.abspath(expand_home(Path(path)))  # noqa: PTH100 - follows no links


def _place(path: str, never: bool) -> FolderRule:
    """A rule for a folder, and for where it really is."""
    if not path.startswith("/"):
        return FolderRule(path, never=never)
    if Path(path).is_file():
        raise TallyError(f"{path} is a file. Name the folder that it is in.")
    real = os.path.realpath(path)
    return FolderRule(path, real if real != path and real.isprintable() else "", never=never)


def _look_up(rule: FolderRule, folder: Path, workspace: str | None, project: str | None) -> FolderRule:
    """The rule with the workspace and the project, by the ids that they have in Tally."""
    from dataclasses import replace

    from tally.accounts.cli_session import open_database  # lazily: takes half a second
    from tally.storage.workspaces import find_project, list_projects

    session, database = open_database(folder, workspace)
    if workspace is not None:
        _check_member(database)
        rule = replace(rule, workspace=session.workspace_name, workspace_id=session.workspace_id)
    if project is not None:
        found = find_project(list_projects(database), project)
        rule = replace(rule, project=found.name, project_id=found.id)
    return rule


def _check_member(database: "Database") -> None:
    from tally.storage.workspaces import list_workspaces

    for workspace in list_workspaces(database):
        if workspace.id == database.scope.workspace_id and workspace.role == "viewer":
            raise TallyError(
                f"You can only view “{workspace.name}”. Ask an admin there to make you a member."
            )


def _describe(rule: FolderRule) -> str:
    what = f"Requests in {rule.path}" if rule.path else "Requests whose logs name no folder"
    if rule.never:
        return f"{what} stay on this machine."
    where = f"“{rule.workspace}”" if rule.workspace else "the workspace of `tally login`"
    return f"{what} are collected into {where}" + (f", project “{rule.project}”." if rule.project else ".")


def _rows(rules: Iterable[FolderRule]) -> Iterator[list[str]]:
    for rule in sorted(rules, key=lambda rule: rule.path):
        where = "stays on this machine" if rule.never else rule.workspace or rule.workspace_id
        yield [rule.path or NO_FOLDER, where or "as `tally login`", rule.project or rule.project_id]


def _lock(folder: Path) -> "BaseFileLock":
    """Serializes changes, which write the whole file."""
    from filelock import FileLock  # lazily: `tally collect --dry-run` needs none

    return FileLock(folder / "folders.lock", mode=0o600)
