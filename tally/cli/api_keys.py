"""`tally keys api`: the keys with which programs send what they spend, or read it."""

import json
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tally.cli.account import SessionOrEmail, WorkspaceName, acting_here, find_origin
from tally.cli.command import TallyCommand
from tally.cli.output import echo
from tally.core.errors import TallyError
from tally.core.private_files import write_private

if TYPE_CHECKING:
    from tally.api_keys.keys import ApiKey, MadeKey, Scope
    from tally.api_keys.snippet import Snippet

NOTHING_YET = "No keys yet. Make one with `tally keys api create NAME`, or on the Keys page."
TEXT_COLUMNS = ("Name", "Key", "Project", "May", "Last used", "Expires", "State", "Id")
NUMBER_COLUMNS = ("Requests/min", "Tokens/min")
BY_RULES, NONE = "by rules", "-"
POLL_SECONDS = 1
WholeKey = Annotated[
    str, typer.Argument(metavar="KEY", help="Name, id or shown form of a key.", show_default=False)
]
ExpiresIn = Annotated[
    int | None,
    typer.Option(metavar="DAYS", min=1, max=3650, help="Days until it stops working (default: never)."),
]
OutFile = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", help="Write to a new file that only you can read, instead."),
]

api_keys = typer.Typer(
    help="Manage the keys of programs that send costs or read them.\n\nExample: tally keys api list",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@api_keys.command("list", cls=TallyCommand)
def list_keys(
    email: SessionOrEmail = None,
    workspace: WorkspaceName = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List the keys of a workspace, those that ended too.

    Members see their own keys, admins all.

    Example: tally keys api list --json
    """
    from tally.api_keys import keys
    from tally.storage.workspaces import list_projects

    with acting_here(email, "tally keys api list", workspace) as database:
        found = keys.list_keys(database)
        projects = {project.id: project.name for project in list_projects(database)}
    now = datetime.now(UTC)
    if as_json:
        typer.echo(json.dumps({"keys": [_describe(key, projects, now) for key in found]}, indent=2))
        return
    if not found:
        echo(NOTHING_YET)
        return
    from tally.cli.tables import print_table

    print_table(TEXT_COLUMNS, NUMBER_COLUMNS, [_cells(key, projects, now) for key in found])


@api_keys.command(cls=TallyCommand)
def create(  # noqa: PLR0913 - one for each option
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the key.", show_default=False)],
    email: SessionOrEmail = None,
    workspace: WorkspaceName = None,
    project: Annotated[
        str | None, typer.Option(metavar="NAME", help="Project of what it sends (default: by rules).")
    ] = None,
    scope: Annotated[
        list[str] | None, typer.Option(metavar="send|read|prompts", help="Right of the key; may be repeated.")
    ] = None,
    requests: Annotated[
        int | None, typer.Option(metavar="N", min=1, max=100_000, help="Most requests a minute.")
    ] = None,
    tokens: Annotated[
        int | None, typer.Option(metavar="N", min=1, max=10**12, help="Most tokens a minute.")
    ] = None,
    expires_in: ExpiresIn = None,
    client: Annotated[
        str | None,
        typer.Option(
            "--for", metavar="CLIENT", help="Print the settings of this client, with the key in them."
        ),
    ] = None,
    out: OutFile = None,
) -> None:
    """Make a key and print it, once, on standard output, or write it to a file.

    Example: tally keys api create laptop --for claude-code
    """
    from tally.api_keys import keys
    from tally.api_keys.snippets import find_snippet
    from tally.storage.workspaces import find_project, list_projects

    snippet = find_snippet(client) if client else None
    _check_new(out)
    scopes = _read_scopes(scope or ["ingest"])
    with acting_here(email, "tally keys api create", workspace) as database:
        project_id = find_project(list_projects(database), project).id if project else None
        new = keys.NewKey(name, scopes, project_id, requests, tokens, _in_days(expires_in))
        made = keys.create_key(database, new)
    note = f"Made the key “{name.strip()}” ({made.shown})."
    if snippet:
        text = _explain_settings(made, snippet, find_origin(email), note)
    else:
        text = _explain_key(made, note, out)
    _write(text, out)


@api_keys.command(cls=TallyCommand)
def revoke(key: WholeKey, email: SessionOrEmail = None, workspace: WorkspaceName = None) -> None:
    """Revoke a key at once; programs that use it are refused within 30 seconds.

    Example: tally keys api revoke laptop
    """
    from tally.api_keys import keys

    with acting_here(email, "tally keys api revoke", workspace) as database:
        found = keys.find_key(keys.list_keys(database), key, datetime.now(UTC))
        keys.revoke_key(database, found.id)
    echo(f"Revoked the key “{found.name}” ({found.shown}).")


@api_keys.command(cls=TallyCommand)
def rotate(  # noqa: PLR0913 - one for each option
    key: WholeKey,
    email: SessionOrEmail = None,
    workspace: WorkspaceName = None,
    overlap: Annotated[
        int, typer.Option(metavar="HOURS", min=0, max=168, help="Hours that the old key still works.")
    ] = 24,
    expires_in: ExpiresIn = None,
    out: OutFile = None,
) -> None:
    """Make a new key in place of an own one and print it, once, on standard output, or write it to a file.

    Example: tally keys api rotate laptop --overlap 48
    """
    from tally.api_keys import keys

    _check_new(out)
    with acting_here(email, "tally keys api rotate", workspace) as database:
        found = keys.find_key(keys.list_keys(database), key, datetime.now(UTC))
        made = keys.rotate_key(database, found, timedelta(hours=overlap), _in_days(expires_in))
    ends = f"works for {overlap} hours more" if overlap else "no longer works"
    note = f"Made {made.shown} in place of “{found.name}” ({found.shown}), which {ends}."
    _write(_explain_key(made, note, out), out)


@api_keys.command(cls=TallyCommand)
def wait(key: WholeKey, email: SessionOrEmail = None, workspace: WorkspaceName = None) -> None:
    """Wait for the first call that comes with a key, and print it.

    Example: tally keys api wait laptop
    """
    from tally.api_keys import keys
    from tally.api_keys.first_call import describe_call, find_first_call

    with acting_here(email, "tally keys api wait", workspace) as database:
        found = keys.find_key(keys.list_keys(database), key, datetime.now(UTC))
        echo(f"Waiting for the first call with “{found.name}” ({found.shown}) … Ctrl-C ends it.", err=True)
        while (seen := find_first_call(database, found.id)) is None:
            time.sleep(POLL_SECONDS)
    echo(describe_call(seen))


def _explain_settings(made: "MadeKey", snippet: "Snippet", origin: str | None, note: str) -> str:
    """The settings of a client, which can be put into their file; what to know of them on standard error."""
    from tally.api_keys.snippet import EXAMPLE_ORIGIN

    echo(f"{note} It is not shown again. {snippet.title}: {snippet.where}.", err=True)
    unknown = "" if origin else f"Write the address of your Tally in place of {EXAMPLE_ORIGIN}."
    for remark in (unknown, snippet.explain_obstacle(origin or EXAMPLE_ORIGIN), snippet.note):
        if remark:
            echo(remark, err=True)
    return snippet.fill(origin or EXAMPLE_ORIGIN, made.text)


def _explain_key(made: "MadeKey", note: str, out: Path | None) -> str:
    """The key alone, so that it can be piped; what to know of it on standard error."""
    echo(f"{note} It is not shown again{'.' if out else ':'}", err=True)
    return made.text


def _check_new(out: Path | None) -> None:
    """Refuse a file that is there, before a key is made that would have no place."""
    if out is not None and out.exists():
        raise TallyError(f"There is a file {out} already. Choose another, or remove it.")
    if out is not None and not out.absolute().parent.is_dir():
        raise TallyError(f"There is no folder {out.absolute().parent}. Make it, or choose another file.")


def _write(text: str, out: Path | None) -> None:
    """Print what has the key in it, or write it to a file that only its owner can read."""
    if out is None:
        typer.echo(text)
        return
    write_private(out, text.rstrip("\n") + "\n")
    echo(f"Written to {out}, which only you can read.", err=True)


def _read_scopes(given: Sequence[str]) -> "tuple[Scope, ...]":
    from tally.api_keys.keys import SCOPE_NAMES

    names = {name.strip().lower() for each in given for name in each.split(",")}
    if unknown := names - {*SCOPE_NAMES, *SCOPE_NAMES.values()}:
        raise TallyError(
            f"There is no scope “{sorted(unknown)[0]}”. Use send, read or prompts, or several of them."
        )
    return tuple(scope for scope, name in SCOPE_NAMES.items() if names & {scope, name})


def _in_days(days: int | None) -> datetime | None:
    return datetime.now(UTC) + timedelta(days=days) if days else None


def _describe(key: "ApiKey", projects: Mapping[str, str], now: datetime) -> dict[str, object]:
    times = {
        "created_at": key.created_at,
        "last_used_at": key.last_used_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
    }
    return {
        "id": key.id,
        "name": key.name,
        "key": key.shown,
        "user_id": key.user_id,
        "project": projects.get(key.project_id or ""),
        "scopes": list(key.scopes),
        "requests_per_minute": key.requests_per_minute,
        "tokens_per_minute": key.tokens_per_minute,
        "state": key.state(now),
        "is_idle": key.idle_since(now) is not None,
        "successor_id": key.successor_id,
    } | {name: time and time.isoformat() for name, time in times.items()}


def _cells(key: "ApiKey", projects: Mapping[str, str], now: datetime) -> tuple[str, ...]:
    from tally.api_keys.keys import SCOPE_NAMES

    return (
        key.name,
        key.shown,
        projects.get(key.project_id or "", BY_RULES),
        ", ".join(SCOPE_NAMES[scope] for scope in key.scopes),
        _show_day(key.last_used_at),
        _show_day(key.expires_at),
        f"{key.state(now)}, idle" if key.idle_since(now) else key.state(now),
        key.id,
        NONE if key.requests_per_minute is None else f"{key.requests_per_minute:,}",
        NONE if key.tokens_per_minute is None else f"{key.tokens_per_minute:,}",
    )


def _show_day(moment: datetime | None) -> str:
    return moment.date().isoformat() if moment else NONE
