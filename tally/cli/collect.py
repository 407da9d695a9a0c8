"""`tally collect`: the coding agents' logs of this machine, sent to the signed-in account."""

import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tally.agents.agent import Agent
from tally.agents.events import describe_unknown
from tally.agents.folder_rules import FolderRulesRefused
from tally.agents.log_files import LogFile, stat_logs
from tally.agents.machine import check_machine_name, collecting_folder, machine_name
from tally.agents.payment import PAID_BY, PAYMENTS_FILE, Payment, choose_payment, load_payments
from tally.agents.registry import AGENTS, find_agent
from tally.cli.folders import folders
from tally.cli.meter import ByteMeter
from tally.cli.output import echo, echo_error
from tally.cli.session import login, logout
from tally.cli.timezones import Timezone, choose_timezone
from tally.cli.workspaces import workspaces
from tally.core.errors import NotSignedIn, TallyError
from tally.core.text import plural

if TYPE_CHECKING:
    from tally.agents.source import SourceResult

NO_LOGS = "No logs of coding agents were found on this machine."
SHOWN_REASONS = 5


def add_commands(app: typer.Typer) -> None:
    """Register `collect` and the commands of its session."""
    for command in (collect, login, logout, workspaces):
        app.command()(command)
    app.add_typer(folders, name="folders")


def collect(  # noqa: PLR0913 - the options of the command
    source: Annotated[
        list[str] | None,
        typer.Option(metavar="AGENT", help="Read only this agent's logs, for example claude-code or codex."),
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Keep running and collect new entries.")] = False,
    every: Annotated[
        float, typer.Option(metavar="SECONDS", help="Time between checks with --watch.", min=0.1, max=86_400)
    ] = 15,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show usage and cost without an account; send nothing.")
    ] = False,
    as_list: Annotated[
        bool, typer.Option("--list", help="List the agents that Tally reads, and which are on this machine.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help="Ignore entries before this day."),
    ] = None,
    from_start: Annotated[
        bool, typer.Option("--from-start", help="Read all logs again; duplicates are skipped.")
    ] = False,
    paid_by: Annotated[
        list[str] | None,
        typer.Option(
            metavar="AGENT=PAYER",
            help="How an agent is paid for: claude-code=plan or claude-code=api; remembered.",
        ),
    ] = None,
    workspace: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Name or id of a workspace (default: that of `tally login`)."),
    ] = None,
    machine: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of this machine in the list of sources.")
    ] = None,
    timezone: Timezone = None,
) -> None:
    """Collect coding agents' logs into a workspace of your account.

    Safe to repeat; duplicates are skipped. `tally folders` sends some folders to other workspaces.

    Example: tally collect --watch
    """
    agents = [find_agent(name) for name in source] if source else list(AGENTS)
    if as_list:
        _print_list(agents, as_json)
        return
    folder = collecting_folder()
    options = LogOptions(
        agents=agents,
        payments=_remember_payments(folder, paid_by or []),
        since=since.date() if since else None,
        timezone=choose_timezone(timezone),
        workspace=workspace,
        from_start=from_start,
    )
    if dry_run:
        from tally.cli.usage_report import print_usage

        print_usage(options, folder, as_json)
        return
    name = check_machine_name(machine) if machine else machine_name()
    upload = _Upload(options, folder, name, as_json)
    if watch:
        _follow(upload, every)
    else:
        _collect(upload)


def print_left_out(title: str, left_out: int, without_folder: int) -> None:
    """Print how many requests stay on this machine, if any do."""
    if left_out:
        typer.echo(f"{title}: {plural(left_out, 'request')} left on this machine by folder rules")
    if without_folder:
        echo(
            f"{title}: {plural(without_folder, 'request')} left on this machine, as their logs name no "
            "folder and folder rules keep some folders apart. Add them with `tally folders add "
            "--no-folder`, then `tally collect --from-start`."
        )


def print_unknown(title: str, lines: int) -> None:
    """Print how many lines are of an unknown shape, on stderr, if any are."""
    if lines:
        typer.echo(f"{title}: {describe_unknown(lines)}", err=True)


def print_rejections(reasons: Sequence[str]) -> None:
    """Print the distinct reasons why entries were rejected, on stderr."""
    distinct = list(dict.fromkeys(reasons))
    for reason in distinct[:SHOWN_REASONS]:
        echo(f"  rejected: {reason}", err=True)
    if len(distinct) > SHOWN_REASONS:
        typer.echo(f"  … and {len(distinct) - SHOWN_REASONS:,} other reasons", err=True)


def _print_list(agents: Sequence[Agent], as_json: bool) -> None:
    from tally.agents.listing import list_agents, shorten_folders
    from tally.cli.tables import print_table

    listed = list_agents(Path.home(), os.environ, agents)
    if as_json:
        typer.echo(json.dumps({"sources": [agent.to_json() for agent in listed]}, indent=2))
        return
    rows = (
        [
            agent.title,
            agent.name,
            shorten_folders(agent.folders),
            "yes" if agent.is_found else "no",
            f"{agent.files:,}",
        ]
        for agent in listed
    )
    print_table(("Agent", "Source", "Folder"), ("Found", "Files"), rows)


@dataclass(frozen=True, slots=True)
class LogOptions:
    """Logs to read, how to count their usage, and the workspace it is for."""

    agents: list[Agent]
    payments: Mapping[str, Payment]  # by agent, as set with --paid-by
    since: date | None
    timezone: str
    workspace: str | None = None
    from_start: bool = False


@dataclass(frozen=True, slots=True)
class _Upload:
    """Logs to read, and the machine and session they are sent with."""

    options: LogOptions
    folder: Path
    machine: str
    as_json: bool


def _follow(upload: _Upload, every: float) -> None:
    """Collect whenever a log has changed; keep trying while the database does not answer."""
    seen: list[list[LogFile]] = []
    while True:
        agents = upload.options.agents
        current = [stat_logs(agent.find_files(Path.home(), os.environ)) for agent in agents]
        if current != seen:
            try:
                _collect(upload, is_quiet=bool(seen))
                seen = current
            except (NotSignedIn, FolderRulesRefused):
                raise
            except TallyError as problem:
                echo_error(problem)
        time.sleep(every)


def _collect(upload: _Upload, is_quiet: bool = False) -> None:
    from tally.accounts.cli_session import open_database  # lazily: takes half a second
    from tally.agents.machine import Machine
    from tally.agents.upload import Selection, collect_into
    from tally.cli.glance_file import store_account

    options = upload.options
    here = Machine(Path.home(), os.environ, upload.machine, upload.folder, options.payments)
    is_again = options.from_start and not is_quiet  # with --watch, the first time only
    selection = Selection(options.agents, options.since, options.timezone, is_again)
    database = open_database(upload.folder, upload.options.workspace)[1]
    with ByteMeter() as meter:
        results = collect_into(database, here, selection, meter.show)
    store_account(upload.folder, database)
    if upload.as_json:
        typer.echo(json.dumps({"sources": [result.to_json() for result in results]}, indent=2))
        return
    for result in results:
        if result.read or result.unknown_lines or not is_quiet:
            _print_result(result, len(results) > len({other.source for other in results}))
    if not results:
        typer.echo(NO_LOGS)


def _print_result(result: "SourceResult", with_workspace: bool) -> None:
    where = f", to “{result.workspace_name}”" if with_workspace else ""
    echo(
        f"{result.title}{where}: read {result.read:,} = {result.added:,} added"
        f" + {plural(result.duplicates, 'duplicate')} + {result.rejected:,} rejected"
    )
    print_left_out(result.title, result.left_out, result.without_folder)
    if result.elsewhere:
        echo(
            f"{result.title}: {plural(result.elsewhere, 'request')} skipped, collected into another "
            "workspace before. A request is in one workspace."
        )
    print_unknown(result.title, result.unknown_lines)
    print_rejections(result.reasons)


def _remember_payments(folder: Path, settings: list[str]) -> dict[str, Payment]:
    """Payments set with --paid-by, now or earlier, by agent."""
    payments = load_payments(folder)
    for setting in settings:
        agent_name, _, payer = setting.partition("=")
        if payer not in PAID_BY:
            raise TallyError(f"{setting!r} is invalid. Write it as claude-code=plan or claude-code=api.")
        agent = find_agent(agent_name)
        payments[agent.name] = choose_payment(agent.name, "plan" if payer == "plan" else "api")
    if settings:
        from tally.core.private_files import write_private

        stored = {name: payment.paid_by for name, payment in payments.items()}
        write_private(folder / PAYMENTS_FILE, json.dumps(stored) + "\n")
    return payments
