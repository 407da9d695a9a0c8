"""`tally up`, `down`, `status`, `doctor`, `nightly`, `worker`, `web`, `api`, `mcp`, `backtest`.

Each command imports what it runs: `tally status`, which is run often, needs few of the others' libraries.
"""

import json
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from tally.cli import backups
from tally.cli.called import name_commands
from tally.cli.command import FAILED, TallyCommand
from tally.core.paths import CHECKOUT


def add_commands(app: typer.Typer) -> None:
    """Register the commands of this module."""
    for command in (up, down, status, doctor, nightly, worker, web, api, mcp, backtest):
        app.command(cls=TallyCommand)(command)
    backups.add_commands(app)


def up(
    opens: Annotated[bool, typer.Option("--open", help="Open the dashboard in the browser.")] = False,
) -> None:
    """Start Tally on this machine.

    It stays in the foreground until Ctrl-C.

    Example: TALLY_PORT=9000 tally up --open
    """
    from tally.local.supervisor import run_up

    run_up(opens)


def down() -> None:
    """Stop the Tally that `tally up` started.

    Example: tally down
    """
    from tally.local.supervisor import run_down

    typer.echo("Tally has stopped." if run_down() else "Tally is not running.")


def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    env: Annotated[
        bool, typer.Option("--env", help="Print the connection settings, secrets included.")
    ] = False,
) -> None:
    """Show the health of every part and the last nightly run.

    Exits with code 1 if a part does not answer.

    Example: tally status --json
    """
    if env:
        typer.echo(_connection_settings(), nl=False)
        return
    from tally.local import status as statuses

    found = statuses.load_status()
    typer.echo(json.dumps(statuses.as_json(found), indent=2) if as_json else statuses.as_text(found))
    if not found.healthy:
        raise typer.Exit(FAILED)


def doctor(
    deep: Annotated[
        bool, typer.Option("--deep", help="Check the data, too: every page, constraint and day.")
    ] = False,
) -> None:
    """Show what's missing on this machine and how to fix it.

    Example: tally doctor --deep
    """
    from tally.local import doctor as doctors

    findings = doctors.examine()
    if deep:
        from tally.local.home import open_home
        from tally.local.integrity import examine_data

        findings += examine_data(open_home())
    typer.echo(name_commands(doctors.as_text(findings)))
    if any(finding.is_missing for finding in findings):
        raise typer.Exit(FAILED)


def nightly(
    date: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help="Repeat the run of an earlier night."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the forecasts; save nothing.")] = False,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="tcp://HOST:PORT", help="Forecast on this Dask cluster."),
    ] = None,
) -> None:
    """Run the nightly job now.

    It syncs connections, refreshes daily costs, forecasts, scores earlier forecasts and raises alerts.

    Exit codes: 0 done; 1 failed; 3 done but for some accounts, which are named; 75 another run goes on.

    Example: tally nightly --date 2026-11-01 --dry-run
    """
    from tally.local.nightly import nightly_command

    arguments = [*(["--date", date.date().isoformat()] if date else []), *(["--dry-run"] if dry_run else [])]
    arguments += ["--scheduler", scheduler] if scheduler is not None else []
    ended = subprocess.run(nightly_command(arguments), cwd=CHECKOUT, check=False)  # noqa: S603 - our own program
    raise typer.Exit(ended.returncode)


def worker() -> None:
    """Do the background work of a hosted project.

    It forecasts what changed, sends alerts and mails, folds changed days and starts the nightly run, until
    Ctrl-C. `tally up` has a worker of its own.

    Example: tally worker
    """
    _become("forecasting", "worker")


def web(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8501,
) -> None:
    """Serve the dashboard of a hosted project.

    Several of these can stand behind a balancer that keeps a browser with its process: set TALLY_PROCESSES to
    `several` and TALLY_WEB_DATABASE_URL. `tally up` has a dashboard of its own.

    Example: tally web --port 8501
    """
    _become("app.server", "--host", host, "--port", str(port))


def api(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8601,
) -> None:
    """Answer programs in a process of its own.

    The dashboard does it, too; several of these can share the work behind a balancer. It needs
    API_DATABASE_URL or else DATABASE_URL. With TALLY_PROCESSES set to `several` they count rate limits
    together, in Redis where TALLY_REDIS_URL is set, and else in the database.

    Example: tally api --port 8601
    """
    _become("api", "--host", host, "--port", str(port))


def mcp(
    workspace: Annotated[str | None, typer.Option(help="Name or id of a workspace of yours.")] = None,
) -> None:
    """Answer an assistant's questions about spend.

    It speaks the Model Context Protocol over standard input and output, for the account that is signed in.

    Example: claude mcp add tally -- tally mcp
    """
    _become("api.stdio", *(["--workspace", workspace] if workspace else []))


def _become(module: str, *options: str) -> NoReturn:
    """Go on as another program, which then gets the signals that are meant for this one."""
    os.chdir(CHECKOUT)
    os.execv(sys.executable, [sys.executable, "-m", module, *options])  # noqa: S606 - our own program


def backtest(
    data_dir: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Folder with series.csv, cutoffs.csv and meta.csv.")
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="CSV file to write the forecasts to.")],
    score: Annotated[bool, typer.Option("--score", help="Print accuracy beside baselines.")] = False,
) -> None:
    """Forecast past months and compare with actuals.

    Each forecast uses only data up to its cutoff.

    Example: tally backtest series/ --out forecasts.csv --score
    """
    paths = [str(data_dir.resolve()), "--out", str(out.resolve())]
    options = ["--score"] if score else []
    command = [sys.executable, "-m", "forecasting.evaluation.command", *paths, *options]
    ended = subprocess.run(command, cwd=CHECKOUT, check=False)  # noqa: S603 - our own program
    raise typer.Exit(ended.returncode)


def _connection_settings() -> str:
    from tally.core.settings import load_settings
    from tally.local.stack import SETTING_NAMES, env_lines

    settings = load_settings()
    secrets = (settings.supabase_secret_key, settings.database_url, settings.api_database_url)
    values = [settings.supabase_url, settings.supabase_publishable_key]
    values += [secret.get_secret_value() if secret else "" for secret in secrets]
    return env_lines(dict(zip(SETTING_NAMES, values, strict=True)))
